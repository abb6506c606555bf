//! What waits to be sent, already as JSON text, and how it is cut into requests.

use std::collections::VecDeque;

use wire::{beacon::Mode, limits};

/// More events than this are not held in memory: the oldest that is no lead goes.
pub const EVENTS: usize = 200;
/// The persisted queue has at most so many bytes.
pub const KEPT_BYTES: usize = 64 * 1024;

/// Older ones are forgotten, in minutes.
pub const KEPT_MINUTES: u32 = 24 * 60;

/// An event that is ready to travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The event as JSON.
    pub json: String,
    /// The mode it was recorded in: it travels under that mode, whatever holds when it leaves.
    pub mode: Mode,
    /// A submitted lead: the last thing to be dropped.
    pub lead: bool,
}

/// First in, first out.
#[derive(Debug, Default)]
pub struct Queue {
    items: VecDeque<Item>,
}

impl Queue {
    /// Adds an event. Answers how many had to go for it.
    pub fn push(&mut self, item: Item) -> u32 {
        self.items.push_back(item);
        self.shrink()
    }

    /// Puts back, in front, what could not be delivered. Answers how many had to go for it.
    pub fn put_back(&mut self, batch: Vec<Item>) -> u32 {
        for item in batch.into_iter().rev() {
            self.items.push_front(item);
        }
        self.shrink()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none wait.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The mode of the event that is next.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.items.front().map(|item| item.mode)
    }

    /// Every event that waits.
    pub fn iter(&self) -> impl Iterator<Item = &Item> + Clone {
        self.items.iter()
    }

    /// Takes what fits into one request beside an envelope of `envelope` bytes: events of one mode, at least one.
    pub fn take(&mut self, envelope: usize) -> Vec<Item> {
        let mut batch = Vec::new();
        let mut bytes = envelope;
        let mode = self.mode();
        while let Some(next) = self.items.front() {
            // One more for the comma.
            bytes += next.json.len() + 1;
            let full = bytes > limits::SEND_BYTES || batch.len() >= limits::EVENTS;
            if Some(next.mode) != mode || (full && !batch.is_empty()) {
                break;
            }
            batch.extend(self.items.pop_front());
        }
        batch
    }

    /// The visitor allows less than before: what was recorded under more goes, unsent, except that a lead is the
    /// visitor's own request and goes alone.
    pub fn lower(&mut self, mode: Mode) {
        self.items.retain(|item| item.lead || item.mode <= mode);
        for item in &mut self.items {
            if item.mode > mode {
                item.mode = Mode::Off;
            }
        }
    }

    fn shrink(&mut self) -> u32 {
        let mut gone = 0;
        while self.items.len() > EVENTS {
            let at = self.items.iter().position(|item| !item.lead).unwrap_or(0);
            self.items.remove(at);
            gone += 1;
        }
        gone
    }
}

/// Events of full mode as text for the device: the time in minutes since the epoch, then a line for each, leads
/// first, as far as they fit. Empty where there are none.
pub fn freeze<'a>(minute: u32, items: &(impl Iterator<Item = &'a Item> + Clone)) -> String {
    let mut text = decimal(minute);
    text.push('\n');
    let empty = text.len();
    for lead in [true, false] {
        for item in items.clone() {
            let fits = text.len() + item.json.len() + 2 <= KEPT_BYTES;
            if item.mode == Mode::Full && item.lead == lead && fits {
                text.push(if lead { 'L' } else { 'E' });
                text.push_str(&item.json);
                text.push('\n');
            }
        }
    }
    if text.len() == empty { String::new() } else { text }
}

/// Reads them back, unless they are older than [`KEPT_MINUTES`]. A line that is none of ours is skipped.
#[must_use]
pub fn thaw(minute: u32, text: &str) -> Vec<Item> {
    let mut lines = text.split('\n');
    let mut written: u32 = 0;
    for digit in lines.next().unwrap_or_default().bytes() {
        written = written.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0')));
    }
    let mut items = Vec::new();
    if minute.wrapping_sub(written) > KEPT_MINUTES {
        return items;
    }
    for line in lines {
        let lead = line.starts_with('L');
        let Some(json) = line.strip_prefix(if lead { 'L' } else { 'E' }) else { continue };
        if json.starts_with('{') && json.ends_with('}') {
            items.push(Item { json: json.to_owned(), mode: Mode::Full, lead });
        }
    }
    items
}

/// A number in decimal, without the formatting machinery.
fn decimal(mut number: u32) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b'0' + (number % 10) as u8);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}
