//! Which slots are held. Deliberately absent: descriptors, and who holds which slot (levels know).

use super::request::Slot;
use alloc::vec::Vec;

/// The set of held slots, one bit each.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(super) struct Slots {
    words: Vec<u64>,
}

impl Slots {
    /// The slot the next opened directory gets.
    pub(super) fn lowest_free(&self) -> Slot {
        let word = self
            .words
            .iter()
            .position(|&w| w != u64::MAX)
            .unwrap_or(self.words.len());
        let bit = self.words.get(word).map_or(0, |w| w.trailing_ones());
        slot(word, bit)
    }

    /// The lowest slot held, `except` one.
    pub(super) fn lowest_held(&self, except: Option<Slot>) -> Option<Slot> {
        self.words.iter().enumerate().find_map(|(word, &bits)| {
            let masked = match except {
                Some(Slot(s)) if usize::from(s / 64) == word => bits & !(1 << (s % 64)),
                Some(_) | None => bits,
            };
            (masked != 0).then(|| slot(word, masked.trailing_zeros()))
        })
    }

    /// Holds `slot`. Trailing words appear here, so that equal sets are equal values (see `free`).
    fn hold(&mut self, Slot(s): Slot) {
        let word = usize::from(s / 64);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= 1 << (s % 64);
    }

    /// Holds the slot that the directory just opened was asked for under.
    pub(super) fn take(&mut self) -> Slot {
        let slot = self.lowest_free();
        self.hold(slot);
        slot
    }

    /// Frees `slot`, and drops words that became empty at the end.
    pub(super) fn free(&mut self, Slot(s): Slot) {
        if let Some(word) = self.words.get_mut(usize::from(s / 64)) {
            *word &= !(1 << (s % 64));
        }
        while self.words.last() == Some(&0) {
            self.words.pop();
        }
    }

    /// How many are held.
    pub(super) fn held(&self) -> u32 {
        self.words.iter().map(|w| w.count_ones()).sum()
    }
}

/// The slot of one bit. A walk holds at most `max_open_dirs` + 3, which fits 16 bits.
fn slot(word: usize, bit: u32) -> Slot {
    let number = word * 64 + bit as usize;
    Slot(u16::try_from(number).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All are found but the one that is excepted, in whatever word it is; and equal sets are equal.
    #[test]
    fn lowest_held_but_one() {
        for except in [0, 1, 63, 64, 65, 130] {
            let mut slots = Slots::default();
            for number in 0..140 {
                assert_eq!(slots.take(), Slot(number));
            }
            for number in (0..140).filter(|&number| number != except) {
                let held = slots.lowest_held(Some(Slot(except)));
                assert_eq!(held, Some(Slot(number)));
                slots.free(Slot(number));
            }
            assert_eq!(slots.lowest_held(Some(Slot(except))), None);
            assert_eq!(slots.lowest_held(None), Some(Slot(except)));
            slots.free(Slot(except));
            assert_eq!(slots, Slots::default());
        }
    }
}
