//! What looks like an e-mail address: a word, an at sign, and a domain with a dot and two letters after it.

use crate::scan::at;

/// The next address.
pub(super) fn next(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut end = from;
    while end < bytes.len() {
        let sign = end;
        end += 1;
        if at(bytes, sign) != b'@' {
            continue;
        }
        let mut start = sign;
        while start > from && is_word(at(bytes, start - 1)) {
            start -= 1;
        }
        // No half of a character.
        while at(bytes, start) & 0xc0 == 0x80 {
            start += 1;
        }
        let mut suffix = false;
        while is_word(at(bytes, end)) || at(bytes, end) == b'@' {
            suffix |=
                at(bytes, end) == b'.' && is_letter(at(bytes, end + 1)) && is_letter(at(bytes, end + 2));
            end += 1;
        }
        if start < sign && suffix {
            // The full stop of a sentence is not the domain's.
            while matches!(at(bytes, end - 1), b'.' | b'-') {
                end -= 1;
            }
            return Some((start, end));
        }
        end = sign + 1;
    }
    None
}

/// Beyond ASCII all but what starts as punctuation does: U+0080..U+00BF, U+2000..U+2FFF, the mark of a cut among it.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || (byte >= 0x80 && byte & 0xdf != 0xc2)
}

fn is_word(byte: u8) -> bool {
    is_letter(byte) || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'+' | b'%' | b'\'')
}
