//! What is cut from URLs and texts before they travel, and again before they are stored.
//!
//! **Queries** keep the keys that are allowed and lose all others: `utm_*`, the click ids, the site's own. A
//! fragment that is a query (`#a=b`, `#/route?a=b`) is treated as one. `javascript:`, `data:`, `blob:`, `vbscript:`
//! and `file:` keep their scheme alone, user and password go, control characters go.
//!
//! **E-mail addresses** are a word, `@`, and a domain with a dot and two letters after it, in letters beyond ASCII too.
//!
//! **Telephone numbers** are runs of digit groups of nine digits or more in all, with up to three blanks, hyphens, dots
//! or parentheses between groups, that are
//! - in *texts*: behind `+` (bare ones of at most fifteen digits); grouped, as `600 000 000` or `(91) 555-01-23`; or bare,
//!   of at most twelve digits (seventeen with `00` in front), touching no letter;
//! - in *URLs*, where a bare number is an article or a campaign: behind a `+` that follows no letter; or grouped in three
//!   groups or more of two to four digits (the first may have one), touching no letter;
//! - in both: after `tel`, `teléfono`, `phone` or `móvil` (their last three letters decide), with one character
//!   between, not `/`, or none.
//!
//! **Escapes** do not hide either, nor do escapes of escapes; a part of a path, or a query value, that hides one goes
//! whole.
//!
//! What is let be: years and dates in front of a number (`2026-11-23-…`), amounts beside `$`, `€` or `EUR`, UUIDs,
//! groups of one digit after the first (ISBNs, page numbers), decimal numbers, rows of two-digit sizes and hours, and all
//! of a click id but an e-mail address in it.
//!
//! What it cannot catch: names and postal addresses; addresses that are spelled out (`ana at example dot com`), whose
//! local part is quoted, or whose domain has no dot; numbers in words, of fewer than nine digits, bare in a URL without
//! such a word, split by `/`, `_` or letters, in digits beyond ASCII, bare of thirteen digits or more, or whose first
//! group reads as a year; tokens in paths. What it cuts without need: groups of digits that are no telephone number
//! (`100 200 300`), bare article numbers of nine to twelve digits in texts.

use crate::{
    arrival::{Pair, is_click_id, pairs, utm},
    beacon::Mode,
    scan::{CUT, before, index, key, plain},
    split::{Split, split, without_user},
};

mod email;
mod phone;
mod shapes;

use shapes::{Part, cut_into};

/// What a site lets through.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The visitor's choice: in anonymous mode click ids keep their key and lose their value, and the site's own
    /// keys go; with [`Mode::Off`] no query is left at all.
    pub mode: Mode,
    /// Query keys that the site wants kept, beside `utm_*` and the click ids. Compared exactly.
    pub query_keys: &'a [String],
    /// Whether anonymous mode keeps `utm_*` (site setting `anonymous_utm`).
    pub anonymous_utm: bool,
}

/// A URL with only the allowed query keys, and e-mail- and phone-shaped text cut from path, query values and
/// fragment. What is cut leaves `…` behind where a reader would else be misled; user and password go entirely.
/// Applied to its own result it changes nothing.
#[must_use]
pub fn url(url: &str, rules: Rules<'_>) -> String {
    let clean = plain(url);
    let Split { scheme, authority, path, query, fragment } = split(&clean);
    let mut out = String::with_capacity(clean.len() + CUT.len());
    if let Some(scheme) = scheme {
        out.push_str(scheme);
        out.push(':');
        if is_code(scheme) {
            if clean.len() > out.len() {
                out.push_str(CUT);
            }
            return out;
        }
    }
    if let Some(authority) = authority {
        out.push_str("//");
        let host = without_user(authority);
        cut_into(&mut out, host, Part::Opaque);
        // Without anything here the path would be read as the host.
        if host.is_empty() && !authority.is_empty() {
            out.push_str(CUT);
        }
    }
    let opaque = scheme.is_some() && authority.is_none();
    cut_into(&mut out, path, if opaque { Part::Text } else { Part::Url });
    if let Some(query) = query {
        // A lonely mark is a link to the page itself, and stays one.
        let lonely = out.is_empty();
        query_into(&mut out, query, rules, lonely);
    }
    if let Some(fragment) = fragment {
        out.push('#');
        let route = before(fragment, b'?');
        if route.bytes().any(|byte| byte == b'=') {
            pairs_into(&mut out, route, rules);
        } else {
            cut_into(&mut out, route, Part::Url);
        }
        query_into(&mut out, fragment.get(route.len() + 1..).unwrap_or(""), rules, false);
    }
    // What was cut at the end may have stood behind a blank.
    out.truncate(out.trim_ascii_end().len());
    out
}

/// A text with e-mail- and phone-shaped parts cut. Applied to its own result it changes nothing.
#[must_use]
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    cut_into(&mut out, text, Part::Text);
    out
}

/// A part of an address, a path, a value or the name of a file, as [`url`] has it: with the numbers that those keep.
#[must_use]
pub fn part(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    cut_into(&mut out, part, Part::Url);
    out
}

/// Schemes whose rest is code, data or a place on the visitor's disk.
fn is_code(scheme: &str) -> bool {
    index("javascript data blob vbscript file", scheme).is_some()
}

/// How a query's value fares.
enum Fate {
    Keep(Part),
    KeyOnly,
    Drop,
}

fn fate(key: &[u8], value: &str, rules: Rules<'_>) -> Fate {
    let full = rules.mode == Mode::Full;
    if utm(key).is_some() {
        let kept = full || (rules.mode == Mode::Anonymous && rules.anonymous_utm);
        return if kept { Fate::Keep(Part::Url) } else { Fate::Drop };
    }
    if is_click_id(key) {
        return match rules.mode {
            // An empty id is a template that nobody filled: no proof of a click.
            Mode::Full if value.trim_ascii().is_empty() => Fate::Drop,
            Mode::Full => Fate::Keep(Part::Opaque),
            Mode::Anonymous => Fate::KeyOnly,
            Mode::Off => Fate::Drop,
        };
    }
    if full && rules.query_keys.iter().any(|own| own.as_bytes() == key) {
        Fate::Keep(Part::Url)
    } else {
        Fate::Drop
    }
}

/// Appends a query with its mark; without the mark, unless it is to stay, where nothing of the query may.
fn query_into(out: &mut String, query: &str, rules: Rules<'_>, stays: bool) {
    let mark = out.len();
    out.push('?');
    pairs_into(out, query, rules);
    if out.len() == mark + 1 && !stays {
        out.truncate(mark);
    }
}

/// Appends what a query may keep.
fn pairs_into(out: &mut String, query: &str, rules: Rules<'_>) {
    let start = out.len();
    for Pair { raw_key, value } in pairs(query) {
        let fate = fate(&key(before(raw_key, b'=')), value, rules);
        if matches!(fate, Fate::Drop) {
            continue;
        }
        if out.len() > start {
            out.push('&');
        }
        out.push_str(raw_key);
        if let Fate::Keep(part) = fate {
            cut_into(out, value, part);
        }
    }
}
