//! Cuts what looks like an e-mail address or a telephone number, also where it hides behind percent-escapes.

use super::{email, phone};
use crate::scan::{CUT, pieces, unescape};

/// How a piece of text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Written for people: a bare number of nine digits is a telephone number.
    Text,
    /// A part of a URL: a bare number is an article, a campaign, a date.
    Url,
    /// Random by design (click ids), or a host: e-mail addresses only.
    Opaque,
}

/// Appends the text to `out`, with `…` for every address and number in it. A piece between slashes that hides one
/// behind escapes goes whole.
pub(super) fn cut_into(out: &mut String, source: &str, part: Part) {
    // Most texts have nothing to look at.
    let digits = source.bytes().filter(u8::is_ascii_digit).count();
    if !source.bytes().any(|byte| byte == b'@' || byte == b'%')
        && (digits < phone::LEAST || part == Part::Opaque)
    {
        out.push_str(source);
        return;
    }
    for piece in pieces(source, b'/') {
        // Addresses first: a number in one is no number.
        let mut piece = cut(piece, &email::next);
        if part != Part::Opaque {
            piece = cut(&piece, &|bytes, from| phone::next(bytes, from, part == Part::Text));
        }
        out.push_str(&piece);
        out.push('/');
    }
    out.pop();
}

/// Finds the next thing to cut, from a place in the unescaped bytes on.
type Find<'a> = &'a dyn Fn(&[u8], usize) -> Option<(usize, usize)>;

fn cut(piece: &str, find: Find<'_>) -> String {
    // Twice, as links in mails are escaped twice.
    let bytes = unescape(&unescape(piece.as_bytes(), false), false);
    let mut out = String::with_capacity(piece.len());
    let mut done = 0;
    while let Some((start, end)) = find(&bytes, done) {
        if bytes.len() != piece.len() {
            return CUT.to_owned();
        }
        out.push_str(piece.get(done..start).unwrap_or(""));
        out.push_str(CUT);
        done = end;
    }
    out.push_str(piece.get(done..).unwrap_or(""));
    out
}
