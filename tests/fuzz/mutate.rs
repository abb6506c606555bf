//! Inputs made of other inputs.

use fastrand::Rng;

/// What parsers stumble over.
const TOKENS: [&[u8]; 34] = [
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"[[",
    b"{\"a\":",
    b"\"\"",
    b"\\u0000",
    b"\\ud800",
    b"\\u202e",
    b"\xff",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"-0",
    b"1e309",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551616",
    b"0.1e-400",
    b"%00",
    b"%zz",
    b"%",
    b"&",
    b"=",
    b"+",
    b"#",
    b";",
    b"://",
    b"mailto:a@example.com",
    b"tel:+34600000000",
    b"utm_source=",
    b"gclid=",
    b"\xf0\x9f\x98\x80",
    b"9999-12-31T23:59:60Z",
];

/// The largest input, in bytes.
const MOST: usize = 8 * 1024;

/// Makes inputs by a seed.
pub(crate) struct Mutator {
    random: Rng,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    /// Over some inputs; there must be one at least.
    pub(crate) fn new(seed: u64, seeds: Vec<Vec<u8>>) -> Self {
        Self { random: Rng::with_seed(seed), seeds }
    }

    fn seed(&mut self) -> Vec<u8> {
        let index = self.random.usize(..self.seeds.len());
        self.seeds[index].clone()
    }

    /// The next input: one of the seeds, changed one to eight times.
    pub(crate) fn next(&mut self, input: &mut Vec<u8>) {
        *input = self.seed();
        for _ in 0..self.random.usize(1..=8) {
            self.change(input);
        }
        input.truncate(MOST);
    }

    /// A range of an input, mostly a short one.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let from = self.random.usize(..=length);
        let most = if self.random.u8(..8) == 0 { length } else { 16 };
        let to = (from + self.random.usize(..=most)).min(length);
        from..to
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let range = self.range(input.len());
        match self.random.u8(..8) {
            0 if !input.is_empty() => {
                let at = self.random.usize(..input.len());
                input[at] ^= 1 << self.random.u8(..8);
            }
            1 if !input.is_empty() => {
                let at = self.random.usize(..input.len());
                input[at] = self.random.u8(..);
            }
            2 => drop(input.drain(range)),
            3 => {
                let again = input[range.clone()].to_vec();
                let times = if self.random.u8(..16) == 0 { 64 } else { 1 };
                drop(input.splice(range.end..range.end, again.repeat(times)));
            }
            4 => {
                let other = self.seed();
                let part = self.range(other.len());
                drop(input.splice(range, other[part].iter().copied()));
            }
            5 => {
                // A number for another one.
                if let Some(from) = input.iter().skip(range.start).position(u8::is_ascii_digit) {
                    let from = from + range.start;
                    let digits = input[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let number = (self.random.i64(..) >> self.random.u32(..64)).to_string();
                    drop(input.splice(from..from + digits, number.into_bytes()));
                }
            }
            _ => {
                let token = TOKENS[self.random.usize(..TOKENS.len())];
                drop(input.splice(range, token.iter().copied()));
            }
        }
    }
}
