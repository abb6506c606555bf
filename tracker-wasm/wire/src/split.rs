//! A URL taken apart the way a browser does it, as far as links, arrival and redaction need it.

use crate::scan::{at, first, index, last};

/// The parts of a URL, none of them decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Split<'a> {
    /// Before the colon, in the spelling it came in.
    pub(crate) scheme: Option<&'a str>,
    /// User, host and port. `None` for relative and opaque URLs.
    pub(crate) authority: Option<&'a str>,
    /// Everything up to the query; for `mailto:` and the like, all of it.
    pub(crate) path: &'a str,
    /// After the question mark.
    pub(crate) query: Option<&'a str>,
    /// After the hash.
    pub(crate) fragment: Option<&'a str>,
}

fn is_slash(byte: u8) -> bool {
    byte == b'/' || byte == b'\\'
}

fn is_scheme(text: &str) -> bool {
    at(text.as_bytes(), 0).is_ascii_alphabetic()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// The schemes that browsers forgive missing, doubled and backward slashes.
pub(crate) fn is_web(scheme: &str) -> bool {
    index("https http ftp ws wss", scheme).is_some()
}

/// Takes a URL apart that has neither blanks around it nor control characters.
pub(crate) fn split(url: &str) -> Split<'_> {
    let (rest, fragment) = cut(url, b'#');
    let (rest, query) = cut(rest, b'?');
    let mut split = Split { path: rest, query, fragment, ..Split::default() };
    if let Some((scheme, rest)) = first(rest, b':')
        && is_scheme(scheme)
    {
        split.scheme = Some(scheme);
        split.path = rest;
    }
    let bytes = split.path.as_bytes();
    let slashes = bytes.iter().take_while(|byte| is_slash(**byte)).count();
    let skip = match split.scheme {
        Some(scheme) if is_web(scheme) => slashes,
        Some(_) if bytes.starts_with(b"//") => 2,
        None if slashes > 1 => slashes,
        _ => return split,
    };
    let after = split.path.get(skip..).unwrap_or("");
    let end = after.bytes().position(is_slash).unwrap_or(after.len());
    if let Some((authority, path)) = after.split_at_checked(end) {
        split.authority = Some(authority);
        split.path = path;
    }
    split
}

fn cut(text: &str, mark: u8) -> (&str, Option<&str>) {
    first(text, mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// An authority without user and password.
pub(crate) fn without_user(authority: &str) -> &str {
    last(authority, b'@').map_or(authority, |(_, host)| host)
}

/// The host of an authority, without user, port and a final dot.
pub(crate) fn host_of(authority: &str) -> Option<&str> {
    let place = without_user(authority);
    let host = match last(place, b':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => place,
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    // 0xe2 leads punctuation: what redaction cut is no host.
    (!host.is_empty() && !host.bytes().any(|byte| byte <= b' ' || byte == 0xe2)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_come_apart_as_in_a_browser() {
        let parts = |url| {
            let split = split(url);
            (split.scheme, split.authority, split.path, split.query, split.fragment)
        };
        assert_eq!(parts("https://a.b/c?d#e"), (Some("https"), Some("a.b"), "/c", Some("d"), Some("e")));
        assert_eq!(parts("HTTPS:\\\\a.b\\c"), (Some("HTTPS"), Some("a.b"), "\\c", None, None));
        assert_eq!(parts("https:a.b"), (Some("https"), Some("a.b"), "", None, None));
        assert_eq!(parts("//a.b/c"), (None, Some("a.b"), "/c", None, None));
        assert_eq!(parts("/\\a.b"), (None, Some("a.b"), "", None, None));
        assert_eq!(parts("/a:b"), (None, None, "/a:b", None, None));
        assert_eq!(parts("a?b:c"), (None, None, "a", Some("b:c"), None));
        assert_eq!(parts("#a?b"), (None, None, "", None, Some("a?b")));
        assert_eq!(parts("tel:+34"), (Some("tel"), None, "+34", None, None));
        assert_eq!(parts("viber://chat?number=1"), (Some("viber"), Some("chat"), "", Some("number=1"), None));
        assert_eq!(parts("+34:1"), (None, None, "+34:1", None, None));
        assert_eq!(parts(":a"), (None, None, ":a", None, None));
        assert_eq!(parts(""), (None, None, "", None, None));
    }

    #[test]
    fn hosts_are_plain() {
        for (authority, host) in [
            ("Example.COM", Some("Example.COM")),
            ("user:pass@example.com:8443", Some("example.com")),
            ("a@b@example.com", Some("example.com")),
            ("example.com.", Some("example.com")),
            ("[::1]:80", Some("[::1]")),
            ("[::1]", Some("[::1]")),
            ("peña.example", Some("peña.example")),
            ("", None),
            (":80", None),
            ("a b", None),
            ("…", None),
        ] {
            assert_eq!(host_of(authority), host, "{authority}");
        }
    }
}
