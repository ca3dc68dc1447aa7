//! Who acts beside a walk to make it remove what is not in its tree, or to keep it at work for ever.
//!
//! An attacker knows the ground and nothing of who removes there, so the same ones run against `fell`
//! in the tests and against others in the measurements; only [`walks`] knows `fell`. Each acts in
//! small steps, from a thread beside the walk or between two of its requests. Absent: an attack that
//! needs rights in the canary, for who has them needs no walker.

// The tests and the measurements each use a part of this, and `pub` in it reaches nobody.
#![allow(dead_code, unreachable_pub)]

pub mod ground;
mod mounts;
mod moves;
mod numbers;
mod swaps;
pub mod walks;
mod writers;

use ground::Ground;
use walks::Met;

/// An attacker at work on one ground.
pub trait Attack: Send {
    /// One step; answers whether it did something. A step may fail: what it is about may be gone.
    fn act(&mut self, ground: &Ground) -> bool;

    /// Takes away what is in the way of looking at the canaries. Answers what was lost of those that
    /// only it knows.
    fn withdraw(&mut self, _: &Ground) -> Vec<String> {
        Vec::new()
    }
}

/// Which file system an attack needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Any.
    Any,
    /// One that gives the number of a removed directory to a new one, as ext4 does and tmpfs does not.
    ReusesNumbers,
    /// One in a mount namespace of its own.
    Mounts,
}

/// What ends a walk that its attacker would keep at work for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    /// Nothing is needed.
    None,
    /// `max_depth`.
    Depth,
    /// `max_entries`.
    Entries,
    /// A deadline.
    Deadline,
    /// An observer that cancels.
    Cancel,
}

/// A kind of attacker.
pub struct Attacker {
    /// The word for it.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    pub place: Place,
    /// How many files the deepest directory of the tree has.
    pub files: usize,
    /// It replaces the root's own name.
    pub takes_name: bool,
    /// What walks beside it are bounded by, in turn.
    pub bounds: &'static [Bound],
    /// How many directories above the current one walks hold, in turn.
    pub windows: &'static [u16],
    /// What it is called when a walk meets one of its acts half done, and how often that was.
    pub race: (&'static str, fn(&Met) -> u64),
    start: fn(&Ground) -> Box<dyn Attack>,
}

impl Attacker {
    /// Begins on a ground that was just grown.
    pub fn start(&self, ground: &Ground) -> Box<dyn Attack> {
        (self.start)(ground)
    }

    /// The attacker called `name`.
    pub fn named(name: &str) -> Option<&'static Attacker> {
        ALL.iter().find(|attacker| attacker.name == name)
    }
}

const ANY: Attacker = Attacker {
    name: "",
    what: "",
    place: Place::Any,
    files: 64,
    takes_name: false,
    bounds: &[Bound::None],
    windows: &[1, 64],
    race: ("another parent", |met| met.other_parent),
    start: swaps::links,
};

/// All of them.
pub const ALL: &[Attacker] = &[
    Attacker {
        name: "link",
        what: "a directory exchanged for a symlink to the canary and back, at 6 places down to depth 5",
        race: ("no directory any more", |met| met.turned),
        start: swaps::links,
        ..ANY
    },
    Attacker {
        name: "out",
        what: "a directory moved out to beside a canary with the names it left, and back",
        start: moves::out,
        ..ANY
    },
    Attacker {
        name: "up",
        what: "a directory moved up, as far as beside the root, and back",
        start: moves::up,
        ..ANY
    },
    Attacker {
        name: "down",
        what: "a directory moved down into its own sibling, and back",
        start: moves::down,
        ..ANY
    },
    Attacker {
        name: "root-link",
        what: "the root exchanged for a symlink to the canary, and back",
        takes_name: true,
        race: ("no root, or not this one", |met| {
            met.turned + met.other_root
        }),
        start: swaps::root_for_link,
        ..ANY
    },
    Attacker {
        name: "root-other",
        what: "the root exchanged for a canary directory, and back",
        takes_name: true,
        race: ("no root, or not this one", |met| {
            met.turned + met.other_root
        }),
        start: swaps::root_for_other,
        ..ANY
    },
    Attacker {
        name: "number",
        what: "a parent removed, its inode number taken by a canary, and the way moved into that",
        place: Place::ReusesNumbers,
        files: 400,
        // Who holds a directory open keeps its number from being given away.
        windows: &[1],
        race: ("the same number, another birth", |met| met.reborn),
        start: numbers::reuse,
        ..ANY
    },
    Attacker {
        name: "mount",
        what: "canaries of this and of another file system mounted on directories and lifted",
        place: Place::Mounts,
        race: ("a mount point", |met| met.mounted),
        start: mounts::mounts,
        ..ANY
    },
    Attacker {
        name: "deeper",
        what: "a writer that always makes one level more",
        bounds: &[Bound::Depth, Bound::Deadline, Bound::Cancel, Bound::Entries],
        race: ("a bound was needed", |met| met.bounded),
        start: writers::deeper,
        ..ANY
    },
    Attacker {
        name: "flood",
        what: "a writer that makes files as fast as it can, in the root and below",
        bounds: &[Bound::Deadline, Bound::Cancel, Bound::Entries],
        race: ("a bound was needed", |met| met.bounded),
        start: writers::flood,
        ..ANY
    },
];
