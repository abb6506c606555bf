//! Which event ids were seen. Ids of the form `<page>-<n>` share one bitmap per page view, kept for ever on disk
//! and for a while in memory.

use std::collections::{HashMap, hash_map::Entry};

use super::keys;

/// The event numbers seen of one page view: bit `n` of byte `n / 8`, no trailing zeros.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bitmap {
    bytes: Vec<u8>,
}

impl Bitmap {
    /// Reads a stored bitmap; `None` where it is of an unknown version.
    #[must_use]
    pub fn decode(value: &[u8]) -> Option<Self> {
        match value.split_first() {
            Some((&keys::VERSION, bytes)) => Some(Self { bytes: bytes.to_vec() }),
            _ => None,
        }
    }

    /// The stored form.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut value = Vec::with_capacity(1 + self.bytes.len());
        value.push(keys::VERSION);
        value.extend_from_slice(&self.bytes);
        value
    }

    /// Whether a number is marked.
    #[must_use]
    pub fn contains(&self, number: u16) -> bool {
        self.bytes.get(usize::from(number / 8)).is_some_and(|byte| byte & (1 << (number % 8)) != 0)
    }

    /// Every number that is marked, in order.
    pub fn numbers(&self) -> impl Iterator<Item = u16> + '_ {
        (0..=u16::MAX).take(self.bytes.len() * 8).filter(|number| self.contains(*number))
    }

    /// Marks a number; false where it was marked before.
    pub fn insert(&mut self, number: u16) -> bool {
        let (index, mask) = (usize::from(number / 8), 1u8 << (number % 8));
        if self.bytes.len() <= index {
            self.bytes.resize(index + 1, 0);
        }
        match self.bytes.get_mut(index) {
            Some(byte) if *byte & mask == 0 => {
                *byte |= mask;
                true
            }
            _ => false,
        }
    }
}

/// Bitmaps of the pages seen last. Two generations: when the young one is full, the old one is forgotten. Memory is
/// bounded by the number of pages, and a page in use stays.
pub struct Recent {
    young: HashMap<Vec<u8>, Bitmap>,
    old: HashMap<Vec<u8>, Bitmap>,
    pages: usize,
}

impl Recent {
    /// Room for about twice this many pages.
    #[must_use]
    pub fn new(pages: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), pages }
    }

    /// Sees to it that the bitmap under a key is remembered, fetched by `load` where it is not.
    ///
    /// # Errors
    /// What `load` returns.
    pub fn load<E>(&mut self, key: &[u8], load: impl FnOnce() -> Result<Bitmap, E>) -> Result<(), E> {
        if self.young.contains_key(key) {
            return Ok(());
        }
        let bitmap = match self.old.remove(key) {
            Some(bitmap) => bitmap,
            None => load()?,
        };
        if self.young.len() >= self.pages {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key.to_vec(), bitmap);
        Ok(())
    }

    /// The bitmap under a key that [`Self::load`] remembered; an empty one where it did not.
    pub fn get(&mut self, key: Vec<u8>) -> &mut Bitmap {
        match self.young.entry(key) {
            Entry::Occupied(young) => young.into_mut(),
            Entry::Vacant(place) => {
                let bitmap = self.old.remove(place.key()).unwrap_or_default();
                place.insert(bitmap)
            }
        }
    }

    /// Forgets everything: what is on disk is asked again.
    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_once() {
        let mut bitmap = Bitmap::default();
        for number in [0, 7, 8, 4095] {
            assert!(bitmap.insert(number));
            assert!(!bitmap.insert(number));
        }
        assert!(bitmap.insert(9));
        assert_eq!(Bitmap::decode(&bitmap.encode()), Some(bitmap.clone()));
        assert_eq!(bitmap.encode().len(), 1 + 512);
        assert_eq!(Bitmap::decode(&[9, 1]), None);
        assert_eq!(bitmap.numbers().collect::<Vec<_>>(), [0, 7, 8, 9, 4095]);
        assert!(bitmap.contains(9) && !bitmap.contains(10) && !bitmap.contains(u16::MAX));
    }

    #[test]
    fn forgetting_costs_a_load_and_nothing_else() {
        let mut recent = Recent::new(2);
        let mut loads = 0;
        for round in 0..3u8 {
            for page in 0..6u8 {
                recent
                    .load(&[page], || {
                        loads += 1;
                        let mut stored = Bitmap::default();
                        if round > 0 {
                            stored.insert(1);
                        }
                        Ok::<_, ()>(stored)
                    })
                    .unwrap();
                assert_eq!(recent.get(vec![page]).insert(1), round == 0);
            }
        }
        assert_eq!(loads, 18, "six pages do not fit into two generations of two");
        assert!(recent.young.len() + recent.old.len() <= 4);
    }
}
