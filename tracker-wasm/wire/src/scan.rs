//! Text read byte by byte, and percent-encoding read tolerantly: what is broken stands as it is.
//!
//! The standard library's searchers are general, and in WebAssembly each costs half a kilobyte; these few lines do what
//! URLs need.

use std::borrow::Cow;

/// What stands where something was cut.
pub(crate) const CUT: &str = "…";

/// The byte at a place, or NUL past the end: scanning needs no bounds check that could abort.
pub(crate) fn at(bytes: &[u8], place: usize) -> u8 {
    bytes.get(place).copied().unwrap_or(0)
}

/// A text before and after the ASCII byte at a place.
fn around(text: &str, place: Option<usize>) -> Option<(&str, &str)> {
    let place = place?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// Splits at the first of an ASCII byte.
pub(crate) fn first(text: &str, mark: u8) -> Option<(&str, &str)> {
    around(text, text.bytes().position(|byte| byte == mark))
}

/// Splits at the last of an ASCII byte.
pub(crate) fn last(text: &str, mark: u8) -> Option<(&str, &str)> {
    around(text, text.bytes().rposition(|byte| byte == mark))
}

/// What stands before the first of an ASCII byte, or all.
pub(crate) fn before(text: &str, mark: u8) -> &str {
    first(text, mark).map_or(text, |(before, _)| before)
}

/// The pieces between an ASCII byte, empty ones too.
pub(crate) struct Pieces<'a> {
    rest: Option<&'a str>,
    mark: u8,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        let (piece, rest) = match first(text, self.mark) {
            Some((piece, rest)) => (piece, Some(rest)),
            None => (text, None),
        };
        self.rest = rest;
        Some(piece)
    }
}

/// The pieces of a text between an ASCII byte.
pub(crate) fn pieces(text: &str, mark: u8) -> Pieces<'_> {
    Pieces { rest: Some(text), mark }
}

/// Which word of a list, one string with single blanks, a word is, ASCII case apart. A list so written is smaller than a
/// slice of texts.
pub(crate) fn index(list: &str, word: &str) -> Option<usize> {
    pieces(list, b' ').position(|known| known.eq_ignore_ascii_case(word))
}

/// C0, DEL and C1.
pub(crate) fn is_control(char: char) -> bool {
    char < ' ' || ('\u{7f}'..='\u{9f}').contains(&char)
}

/// How many bytes the control character has that stands at a place; 0 where none does.
fn control(bytes: &[u8], place: usize) -> usize {
    match (at(bytes, place), at(bytes, place + 1)) {
        (0..b' ' | 0x7f, _) => 1,
        (0xc2, 0x80..=0x9f) => 2,
        _ => 0,
    }
}

/// A text without control characters, and without blanks around it.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let text = text.trim_ascii();
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut done, mut place) = (0, 0);
    while place < bytes.len() {
        let control = control(bytes, place);
        if control > 0 {
            out.push_str(text.get(done..place).unwrap_or(""));
            done = place + control;
        }
        place += control.max(1);
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(done..).unwrap_or(""));
    // Blanks at the ends may have stood behind control characters.
    Cow::Owned(out.trim_ascii().to_owned())
}

fn hex(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' | b'A'..=b'F' => Some((byte | 32) - b'a' + 10),
        _ => None,
    }
}

/// The byte that two hexadecimal digits stand for.
pub(crate) fn pair(bytes: &[u8], place: usize) -> Option<u8> {
    Some(hex(at(bytes, place))? << 4 | hex(at(bytes, place + 1))?)
}

/// The bytes behind the escapes; `+` is a blank where `plus` says so.
pub(crate) fn unescape(source: &[u8], plus: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(source.len());
    let mut place = 0;
    while place < source.len() {
        let mut byte = at(source, place);
        place += 1;
        if byte == b'+' && plus {
            byte = b' ';
        } else if byte == b'%'
            && let Some(hidden) = pair(source, place)
        {
            byte = hidden;
            place += 2;
        }
        bytes.push(byte);
    }
    bytes
}

/// A query's key with its escapes read, as [`decode`] reads it, but in bytes: to be compared, not kept.
pub(crate) fn key(raw: &str) -> Vec<u8> {
    let mut bytes = unescape(raw.as_bytes(), true);
    let mut place = 0;
    while place < bytes.len() {
        let control = control(&bytes, place);
        bytes.drain(place..place + control);
        place += usize::from(control == 0);
    }
    bytes.trim_ascii().to_vec()
}

/// Decodes escapes, and `+` to a blank where `plus` says so. Escaped control characters go. A text whose escapes are no UTF-8 (Latin-1, as old mailers
/// write) is given back as it came: readable, and nothing is lost.
pub(crate) fn decode(text: &str, plus: bool) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == b'%' || (plus && byte == b'+')) {
        return Cow::Borrowed(text);
    }
    utf8(&unescape(text.as_bytes(), plus))
        .map_or(Cow::Borrowed(text), |text| Cow::Owned(plain(&text).into_owned()))
}

/// Bytes as a text, if they are one. (The library's check is made for long texts, and six times as large.)
fn utf8(bytes: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(bytes.len());
    let mut place = 0;
    while place < bytes.len() {
        let lead = at(bytes, place);
        let (length, bits) = match lead {
            0..0x80 => (1, lead),
            0x80..0xc0 | 0xf8.. => return None,
            0xc0..0xe0 => (2, lead & 0x1f),
            0xe0..0xf0 => (3, lead & 0x0f),
            0xf0..0xf8 => (4, lead & 0x07),
        };
        let mut code = u32::from(bits);
        for ahead in 1..length {
            let next = at(bytes, place + ahead);
            if next & 0xc0 != 0x80 {
                return None;
            }
            code = code << 6 | u32::from(next & 0x3f);
        }
        // A longer spelling than needed is no UTF-8.
        let char = char::from_u32(code).filter(|char| char.len_utf8() == length)?;
        out.push(char);
        place += length;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_escapes_and_foreign_encodings_stand_as_they_are() {
        for (text, plus, expected) in [
            ("a", true, "a"),
            ("a+b", true, "a b"),
            ("a+b", false, "a+b"),
            ("a%2Bb%2b", true, "a+b+"),
            ("%", false, "%"),
            ("%4", false, "%4"),
            ("%zz%41", false, "%zzA"),
            ("campa%C3%B1a", false, "campaña"),
            ("campa%F1a", false, "campa%F1a"),
            ("a%00b%0Ac", false, "abc"),
            ("%2541", false, "%41"),
        ] {
            assert_eq!(decode(text, plus), expected, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn bytes_are_text_where_the_library_says_so(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..6), text in "\\PC{0,6}", at in 0usize..6,
        ) {
            proptest::prop_assert_eq!(utf8(&bytes), String::from_utf8(bytes).ok());
            let mut bytes = text.into_bytes();
            proptest::prop_assert_eq!(utf8(&bytes), String::from_utf8(bytes.clone()).ok());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 0x40;
            }
            proptest::prop_assert_eq!(utf8(&bytes), String::from_utf8(bytes).ok());
        }
    }

    #[test]
    fn overlong_and_surrogate_spellings_are_no_text() {
        for bytes in
            [&[0xc0, 0xae][..], &[0xe0, 0x80, 0xae], &[0xed, 0xa0, 0x80], &[0xf5, 0x80, 0x80, 0x80], &[0xc3]]
        {
            assert_eq!(utf8(bytes), None);
        }
        assert_eq!(utf8("añ€😀".as_bytes()).as_deref(), Some("añ€😀"));
    }

    #[test]
    fn texts_come_apart_at_bytes() {
        assert_eq!(first("a.b.c", b'.'), Some(("a", "b.c")));
        assert_eq!(last("ñ.b.ñ", b'.'), Some(("ñ.b", "ñ")));
        assert_eq!(first("abc", b'.'), None);
        assert_eq!(before("a?b", b'?'), "a");
        assert_eq!(pieces("a&&b&", b'&').collect::<Vec<_>>(), ["a", "", "b", ""]);
        assert_eq!(pieces("", b'&').collect::<Vec<_>>(), [""]);
        assert_eq!(index("tel sms", "SMS"), Some(1));
        assert_eq!(index("tel sms", "sm"), None);
    }

    proptest::proptest! {
        #[test]
        fn plain_is_what_the_characters_say(text in "[ a\u{0}\u{1f}\u{7f}\u{80}\u{9f}\u{a0}ñ€\t\n]{0,8}") {
            let trimmed = text.trim_ascii();
            let kept: String = trimmed.chars().filter(|char| !is_control(*char)).collect();
            proptest::prop_assert_eq!(plain(&text), kept.trim_ascii());
        }

        #[test]
        fn a_key_is_its_decoded_text(raw in "(utm|%75tm|[_ +a%]|%0[0a]|%C2%8[05]|%C3%B1|%FF|ñ|\u{85}){0,6}") {
            let text = decode(&raw, true);
            let bytes = key(&raw);
            if std::str::from_utf8(&unescape(raw.as_bytes(), true)).is_ok() && raw.contains(['%', '+']) {
                proptest::prop_assert_eq!(&bytes[..], text.as_bytes());
            }
        }
    }

    #[test]
    fn plain_text_has_no_controls_and_no_blanks_around() {
        assert_eq!(plain(" a\u{0}\u{85}b \u{1}"), "ab");
        assert_eq!(plain("\u{1} ñ "), "ñ");
        assert!(matches!(plain(" ñ "), Cow::Borrowed("ñ")));
    }
}
