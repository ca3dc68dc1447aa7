//! The way from the root to where the walker stands: a stack of levels, and the set of their
//! identities.
//!
//! The set answers "is this directory already on the way?" in O(1), which rule 5 asks at every
//! descent. It is an open-addressing table of level numbers. Levels leave in the reverse order of
//! their coming, so the last one that came is always the end of its probe sequence: removing it is
//! clearing its cell, and there are no tombstones. The set is derived from the levels and takes
//! no part in equality and hash.
//!
//! Deliberately absent: names (see `pending`), paths, descriptors. A level is 48 bytes and its cell
//! of the set at most 16, for a tree may be millions of levels deep (spec G9).

use super::reply::Inode;
use super::request::{Position, Slot};
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

/// How far the current pass over a directory has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reading {
    /// Stopped because enough names are noted; continues behind the level's position.
    Paused,
    /// Read to its end, or cut short: nothing more will be read in this pass.
    Ended,
}

/// What earlier passes over a directory met, by which rule 4 decides whether there is another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct History {
    /// How many entries the pass before met.
    pub met: u32,
    /// How many passes met no fewer than the one before.
    pub flat: u8,
}

impl History {
    /// Before the first pass over a directory that is to be removed: nothing is fewer than nothing,
    /// so the first pass does not count as shrinking.
    pub const FIRST: History = History { met: 0, flat: 0 };
    /// Before the first pass over a root that is kept: the pass that confirms it is free.
    pub const KEPT: History = History {
        met: u32::MAX,
        flat: 0,
    };
}

//= docs/spec.md#g9-bounded-memory
//# G9.1: The memory of a walk MUST be bounded by a constant, a small amount for each level of
//# depth, an arena of names of fixed size and the list of leftovers, however many entries there
//# are.
/// One directory on the way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Level {
    /// Which directory it is; mount and device are the root's.
    pub inode: Inode,
    /// Behind which entry a paused reading continues.
    pub position: Position,
    /// What earlier passes met.
    pub history: History,
    /// How many entries this pass met.
    pub met: u32,
    /// Where its names begin among all that are noted.
    pub base: u32,
    /// Its slot, while it is held open.
    pub slot: Option<Slot>,
    /// How far its pass has come.
    pub reading: Reading,
    /// A leftover below it is known and not void (rule 4: explained).
    pub left: bool,
    /// Its reading was cut short because it answered gone (rule 1: not a pass).
    pub cut: bool,
    /// Its reading was resumed on a file system that loses positions (rule 7: not trusted whole).
    pub doubt: bool,
}

/// The levels, outermost (the root) first.
#[derive(Clone, Debug, Default)]
pub(super) struct Way {
    levels: Vec<Level>,
    /// Outermost level that is held; all deeper ones are held too. Derived.
    first_held: usize,
    /// Cells hold 1 + the number of a level, 0 is free. Length 0 or a power of two. Derived.
    cells: Vec<u32>,
}

impl PartialEq for Way {
    fn eq(&self, other: &Way) -> bool {
        self.levels == other.levels
    }
}

impl Eq for Way {}

impl Hash for Way {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.levels.hash(state);
    }
}

impl Way {
    pub(super) fn levels(&self) -> &[Level] {
        &self.levels
    }

    pub(super) fn len(&self) -> usize {
        self.levels.len()
    }

    pub(super) fn top(&self) -> Option<&Level> {
        self.levels.last()
    }

    pub(super) fn top_mut(&mut self) -> Option<&mut Level> {
        self.levels.last_mut()
    }

    /// The level above the current one.
    pub(super) fn parent(&self) -> Option<&Level> {
        self.levels
            .len()
            .checked_sub(2)
            .and_then(|i| self.levels.get(i))
    }

    pub(super) fn push(&mut self, level: Level) {
        if (self.levels.len() + 1) * 2 > self.cells.len() {
            self.grow();
        }
        self.enter(self.levels.len(), level.inode);
        self.levels.push(level);
    }

    pub(super) fn pop(&mut self) -> Option<Level> {
        let level = self.levels.pop()?;
        let mark = mark(self.levels.len());
        if let Some(cell) = probe(&self.cells, level.inode).find(|&c| self.cells[c] == mark) {
            self.cells[cell] = 0;
        }
        self.first_held = self.first_held.min(self.levels.len().saturating_sub(1));
        Some(level)
    }

    pub(super) fn clear(&mut self) {
        *self = Way::default();
    }

    /// Whether `inode` is one of the levels.
    pub(super) fn contains(&self, inode: Inode) -> bool {
        probe(&self.cells, inode)
            .map(|c| self.cells[c])
            .take_while(|&mark| mark != 0)
            .any(|mark| self.levels[mark as usize - 1].inode == inode)
    }

    /// How many levels above the current one are held.
    pub(super) fn held_above(&self) -> usize {
        self.levels
            .len()
            .saturating_sub(1)
            .saturating_sub(self.first_held)
    }

    /// The outermost held level's slot.
    pub(super) fn outermost_held(&self) -> Option<Slot> {
        self.levels.get(self.first_held).and_then(|l| l.slot)
    }

    /// The outermost held level gives its slot back.
    pub(super) fn release_outermost(&mut self) -> Option<Slot> {
        let slot = self.levels.get_mut(self.first_held)?.slot.take();
        self.first_held += 1;
        slot
    }

    /// The current level, which `..` reached, is held again and is the only one.
    pub(super) fn regain(&mut self, slot: Slot) {
        self.first_held = self.levels.len().saturating_sub(1);
        if let Some(level) = self.levels.last_mut() {
            level.slot = Some(slot);
        }
    }

    /// Puts a level's number into the first free cell of its probe sequence.
    fn enter(&mut self, number: usize, inode: Inode) {
        if let Some(cell) = probe(&self.cells, inode).find(|&c| self.cells[c] == 0) {
            self.cells[cell] = mark(number);
        }
    }

    /// Doubles the table and enters the levels in the order of their coming.
    fn grow(&mut self) {
        let cells = (self.cells.len() * 2).max(8);
        self.cells = Vec::new();
        self.cells.resize(cells, 0);
        for number in 0..self.levels.len() {
            self.enter(number, self.levels[number].inode);
        }
    }
}

/// What a cell holds for a level. `max_depth` is a `u32`, so numbers fit.
fn mark(number: usize) -> u32 {
    u32::try_from(number + 1).unwrap_or(u32::MAX)
}

/// The cells in which `inode` may stand, best first. The multiplier is 2^64 divided by the golden
/// ratio (Knuth, The Art of Computer Programming 3, 6.4).
fn probe(cells: &[u32], inode: Inode) -> impl Iterator<Item = usize> + use<> {
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let mixed = (inode.number ^ u64::from_ne_bytes(inode.birth.0.to_ne_bytes()).rotate_left(32))
        .wrapping_mul(GOLDEN);
    let len = cells.len();
    let start = usize::try_from(mixed >> 32).unwrap_or(0);
    (0..len).map(move |step| (start + step) & (len - 1))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::super::reply::Birth;
    use super::*;
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

    fn level(number: u64) -> Level {
        Level {
            inode: Inode {
                number,
                birth: Birth(7),
            },
            position: Position(0),
            history: History::FIRST,
            met: 0,
            base: 0,
            slot: None,
            reading: Reading::Paused,
            left: false,
            cut: false,
            doubt: false,
        }
    }

    #[test]
    fn a_level_is_48_bytes() {
        assert_eq!(core::mem::size_of::<Level>(), 48);
    }

    #[test]
    fn the_set_follows_the_stack() {
        let mut way = Way::default();
        // Numbers that fall into few cells: what a file system with large strides hands out.
        let number = |i: u64| i << 40;
        for round in 0..3 {
            for i in way.len() as u64..1000 {
                way.push(level(number(i)));
            }
            while way.len() > round * 300 {
                let top = way.pop().unwrap().inode;
                assert!(!way.contains(top));
                assert!(
                    (0..way.len() as u64)
                        .step_by(97)
                        .all(|i| way.contains(level(number(i)).inode))
                );
            }
        }
    }

    /// The set is never more than half full, and no larger than that needs (G9).
    #[test]
    fn the_set_has_the_size_it_needs() {
        let mut way = Way::default();
        for number in 1..1000 {
            way.push(level(number));
            assert_eq!(way.cells.len(), (2 * way.len()).next_power_of_two().max(8));
        }
    }

    /// Numbers that were handed out in a row are found after few cells, whatever the births are.
    #[test]
    fn probes_are_short() {
        let one_day = |_| Birth(0x1797_9cfe_362a_0000);
        for birth in [|_| Birth::UNKNOWN, one_day, Birth] {
            let mut way = Way::default();
            for number in 1..=1000 {
                let mut level = level(number);
                level.inode.birth = birth(i64::try_from(number).unwrap());
                way.push(level);
            }
            let cells = |(number, level): (usize, &Level)| {
                let mut probe = probe(&way.cells, level.inode);
                1 + probe.position(|c| way.cells[c] == mark(number)).unwrap()
            };
            let looked_at: usize = way.levels.iter().enumerate().map(cells).sum();
            assert!(looked_at < 3 * way.len(), "{looked_at} cells");
        }
    }

    #[test]
    fn every_cell_is_probed_once() {
        for number in 0..100 {
            let birth = Birth(0);
            let mut cells: Vec<usize> = probe(&[0; 64], Inode { number, birth }).collect();
            cells.sort_unstable();
            assert!(cells.into_iter().eq(0..64));
        }
    }

    /// What is derived from the levels takes no part in equality and hash.
    #[test]
    fn equal_levels_are_equal() {
        let hash = |way: &Way| BuildHasherDefault::<DefaultHasher>::default().hash_one(way);
        let mut grown = Way::default();
        for number in 0..100 {
            grown.push(level(number));
        }
        while grown.len() > 1 {
            grown.pop();
        }
        let mut small = Way::default();
        small.push(level(0));
        assert_ne!(grown.cells, small.cells);
        assert!(grown == small && hash(&grown) == hash(&small));
        small.push(level(1));
        assert!(grown != small && hash(&grown) != hash(&small));
    }
}
