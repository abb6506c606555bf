//! What looks like a telephone number. The rule is told in the parent module's documentation.

use crate::scan::at;

/// Fewer digits are no number that reaches anyone from everywhere.
pub(super) const LEAST: usize = 9;
/// The longest international number.
const MOST: usize = 15;
/// The longest number that people write without its plus.
const BARE_MOST: usize = 12;
/// More groups than this are read as another run.
const GROUPS: usize = 16;

/// A group of digits: where it starts and ends.
type Group = (usize, usize);

/// The next number.
pub(super) fn next(bytes: &[u8], from: usize, text: bool) -> Option<(usize, usize)> {
    let mut place = from;
    while place < bytes.len() {
        if is_uuid(bytes, place) {
            place += 36;
            continue;
        }
        let mut groups: [Group; GROUPS] = [(0, 0); GROUPS];
        let mut count = 0;
        let mut next = place;
        while let Some(group) = groups.get_mut(count) {
            if !at(bytes, next).is_ascii_digit() || is_uuid(bytes, next) {
                break;
            }
            place = next;
            while at(bytes, place).is_ascii_digit() {
                place += 1;
            }
            *group = (next, place);
            count += 1;
            next = place;
            for _ in 0..3 {
                next += separator(bytes, next, text);
            }
            if next == place {
                break;
            }
        }
        if count == 0 {
            place += 1;
        } else if let Some(start) = judge(bytes, text, groups.get(..count)?) {
            return Some((start, place));
        }
    }
    None
}

/// Where the telephone number in a run of digit groups starts, if there is one; it ends with the run.
fn judge(bytes: &[u8], text: bool, groups: &[Group]) -> Option<usize> {
    let &(start, _) = groups.first()?;
    let &(_, end) = groups.last()?;
    let before = |place: usize| at(bytes, place.wrapping_sub(1));
    // `+34`, `+(34)`, `(+34)`, `(91)`.
    let mut opened = start - usize::from(before(start) == b'(');
    let plus = before(opened) == b'+' && (text || !is_word(before(opened - 1)));
    if plus {
        opened -= 1;
        opened -= usize::from(before(opened) == b'(');
    }
    let rest = if plus { groups } else { groups.get(dates(bytes, groups)..)? };
    let &(first, first_end) = rest.first()?;
    let count = rest.len();
    let (mut digits, mut longest, mut shortest) = (0, 0, LEAST);
    for &(start, end) in rest {
        let length = end - start;
        digits += length;
        longest = longest.max(length);
        if start > first {
            shortest = shortest.min(length);
        }
    }
    let touched = is_word(before(start)) || is_word(at(bytes, end));
    let nought = at(bytes, first) == b'0';
    let is_number = if digits < LEAST {
        false
    } else if plus || is_hinted(bytes, start) {
        count > 1 || digits <= MOST
    } else if is_money(bytes, start, end) || shortest < 2 {
        // The single digit at the end is an ISBN's.
        false
    } else if count == 1 {
        let abroad = nought && at(bytes, first + 1) == b'0' && digits <= MOST + 2;
        text && !touched && (digits <= BARE_MOST || abroad)
    } else if longest < 3 {
        // Rows of sizes and opening hours come in twos; so do French numbers, which start with a nought.
        count == 5 && nought
    } else if text {
        // One dot makes a decimal number.
        count > 2 || at(bytes, first_end) != b'.'
    } else {
        count > 2 && longest < 5 && !touched
    };
    is_number.then_some(if first == start { opened } else { first })
}

/// How many groups at the front are years and dates.
fn dates(bytes: &[u8], groups: &[Group]) -> usize {
    let length = |index: usize| groups.get(index).map_or(LEAST, |&(start, end)| end - start);
    let year = |index: usize| {
        let start = groups.get(index).map_or(0, |group| group.0);
        length(index) == 4 && matches!((at(bytes, start), at(bytes, start + 1)), (b'1', b'9') | (b'2', b'0'))
    };
    let mut skipped = 0;
    loop {
        if year(skipped) {
            skipped += 1;
            for _ in 0..2 {
                skipped += usize::from(length(skipped) < 3);
            }
        } else if length(skipped) < 3 && length(skipped + 1) < 3 && year(skipped + 2) {
            skipped += 3;
        } else {
            return skipped;
        }
    }
}

/// How long the separator is that stands here, 0 for none: blanks (no-break ones too), hyphens, dots and
/// parentheses; in URLs a plus, which is a blank there.
fn separator(bytes: &[u8], place: usize, text: bool) -> usize {
    match (at(bytes, place), at(bytes, place + 1), at(bytes, place + 2)) {
        (b' ' | b'-' | b'.' | b'(' | b')', _, _) => 1,
        (b'+', _, _) if !text => 1,
        (0xc2, 0xa0, _) => 2,
        (0xe2, 0x80, 0x89..=0x93 | 0xaf) => 3,
        _ => 0,
    }
}

/// Letters of hexadecimal ids and article numbers.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether the word right before, or before one separator, says that a telephone number follows: `tel`, `teléfono`,
/// `phone`, `móvil`, by their last letters.
fn is_hinted(bytes: &[u8], start: usize) -> bool {
    let mut end = start;
    if !is_word(at(bytes, end.wrapping_sub(1))) || at(bytes, end.wrapping_sub(1)) == b'_' {
        end = end.saturating_sub(1);
    }
    let letter = |back: usize| at(bytes, end.wrapping_sub(back)) | 32;
    matches!(&[letter(3), letter(2), letter(1)], b"tel" | b"ono" | b"one" | b"vil")
}

/// Whether a currency sign or `EUR` stands beside, with or without a blank.
fn is_money(bytes: &[u8], start: usize, end: usize) -> bool {
    let mut before = start.wrapping_sub(1);
    if at(bytes, before) == b' ' {
        before = before.wrapping_sub(1);
    }
    let after = end + separator(bytes, end, true);
    // `€` is e2 82 ac.
    matches!(at(bytes, before), b'$' | 0xac)
        || matches!(
            (at(bytes, after), at(bytes, after + 1), at(bytes, after + 2)),
            (b'$', _, _) | (0xe2, 0x82, 0xac) | (b'E', b'U', b'R')
        )
}

/// Whether a UUID starts here, which may well have nothing but digits.
fn is_uuid(bytes: &[u8], place: usize) -> bool {
    let mut length = 0;
    while match length {
        8 | 13 | 18 | 23 => at(bytes, place + length) == b'-',
        _ => at(bytes, place + length).is_ascii_hexdigit(),
    } {
        length += 1;
    }
    length == 36 && !at(bytes, place.wrapping_sub(1)).is_ascii_alphanumeric()
}
