//! What programs and people give in place of an identifier. It is kept as it was given; it just ties nobody to anybody.

use crate::domain::event::IdentifierKind;

/// Words that stand for nobody.
const NOBODY: &[&str] = &[
    "",
    "-",
    "--",
    "-1",
    "0",
    "anon",
    "anonimo",
    "anonymous",
    "anónimo",
    "cliente",
    "customer",
    "demo",
    "desconocido",
    "example",
    "false",
    "guest",
    "id",
    "invitado",
    "n/a",
    "na",
    "nan",
    "nil",
    "ninguno",
    "no",
    "none",
    "not set",
    "(not set)",
    "null",
    "[object object]",
    "prueba",
    "pruebas",
    "s/n",
    "test",
    "testing",
    "true",
    "undefined",
    "unknown",
    "user",
    "user_id",
    "userid",
    "usuario",
    "visitor",
    "x",
    "xx",
    "xxx",
];

/// Names of mailboxes that people make up to get past a form.
const MADE_UP: &[&str] = &[
    "a",
    "aa",
    "aaa",
    "abc",
    "abcd",
    "asd",
    "asdf",
    "asdfasdf",
    "email",
    "ejemplo",
    "example",
    "fake",
    "falso",
    "foo",
    "mail",
    "nada",
    "nadie",
    "noemail",
    "noreply",
    "no-reply",
    "notiene",
    "notengo",
    "qwe",
    "qwerty",
    "sincorreo",
    "sinemail",
    "spam",
];

/// Whether a normalised identifier stands for nobody in particular. A telephone number of the same digit nine times over is
/// made up; one that ends in zeros may be an office's.
#[must_use]
pub fn is_junk(kind: IdentifierKind, normalised: &str) -> bool {
    let text = normalised.trim().to_lowercase();
    match kind {
        IdentifierKind::UserId => is_nobody(&text),
        IdentifierKind::Chat => is_nobody(text.split_once(':').map_or(&text, |(_, account)| account)),
        IdentifierKind::Email => {
            let (user, domain) = text.rsplit_once('@').unwrap_or((&text, ""));
            let host = domain.split('.').next().unwrap_or_default();
            is_nobody(user) || MADE_UP.contains(&user) || (user == host && user.len() < 5)
        }
        IdentifierKind::Phone => {
            let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
            let last = digits.get(digits.len().saturating_sub(9)..).unwrap_or_default();
            is_nobody(&text)
                || last.len() < 6
                || last.windows(2).all(|pair| pair.first() == pair.last())
                || matches!(last, b"123456789" | b"012345678" | b"987654321")
        }
    }
}

fn is_nobody(text: &str) -> bool {
    NOBODY.contains(&text) || text.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_nobody_is_junk_and_nothing_else_is() {
        use IdentifierKind::{Email, Phone, UserId};
        let junk = [
            (UserId, "null"),
            (UserId, " NULL "),
            (UserId, "undefined"),
            (UserId, "None"),
            (UserId, "anonymous"),
            (UserId, "0"),
            (UserId, "-1"),
            (UserId, "0000"),
            (UserId, "[object Object]"),
            (UserId, "NaN"),
            (UserId, "guest"),
            (UserId, ""),
            (Email, "test@example.com"),
            (Email, "prueba@correo.example"),
            (Email, "null@example.com"),
            (Email, "asdf@asdf.com"),
            (Email, "noreply@example.com"),
            (Email, "aaa@aaa.com"),
            (Phone, "+34666666666"),
            (Phone, "+34000000000"),
            (Phone, "+34123456789"),
            (Phone, "0"),
            (Phone, "000000"),
            (Phone, "null"),
        ];
        for (kind, text) in junk {
            assert!(is_junk(kind, text), "{kind:?} {text}");
        }
        let real = [
            (UserId, "1"),
            (UserId, "10"),
            (UserId, "u-0"),
            (UserId, "nullo"),
            (UserId, "4711"),
            (Email, "ana@example.com"),
            (Email, "ana.test@example.com"),
            (Email, "hola@example.com"),
            (Email, "contest@example.com"),
            (Phone, "+34600000000"),
            (Phone, "+34600000001"),
            (Phone, "+34910000000"),
            (Phone, "+34900111001"),
            (Phone, "+525550000000"),
            (Phone, "+34611111112"),
        ];
        for (kind, text) in real {
            assert!(!is_junk(kind, text), "{kind:?} {text}");
        }
    }
}
