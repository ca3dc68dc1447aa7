//! What the model asks of a machine: the words of `fell::machine`, and a look inside.
//!
//! The world, the adversaries and the properties know walkers by [`Machine`] alone, so that bent
//! copies of the machine and other removers' algorithms run through the same checks. Implemented
//! here for the machine that is shipped, [`fell::machine::Walker`], which is neither copied nor abstracted.

use crate::rank::Rank;
use core::fmt::Debug;
use core::hash::{Hash, Hasher};
use fell::machine::{
    Identity, Inode, Limits, Names, Outcome, Position, Reply, Request, Slot, StateName, Step, Stop,
};

/// A remover that asks for one system call at a time.
pub trait Machine: Clone + PartialEq + Eq + Hash + Debug + Send + Sync + 'static {
    /// A walk that has asked nothing yet.
    fn new(limits: Limits) -> Self;

    /// The outstanding request; none once the walk is over.
    fn request(&self) -> Option<Request<u8>>;

    /// Takes the reply to the outstanding request.
    fn step(&mut self, reply: Reply<u8>) -> Step<u8>;

    /// The caller stops the walk.
    fn stop(&mut self, why: Stop);

    /// Gives a noted name to somebody else; whether there was one to give.
    fn hand_on(&mut self) -> bool;

    /// In which state it is.
    fn state_name(&self) -> StateName;

    /// The outcome, as soon as it is decided, though slots may still be held.
    fn decided(&self) -> Option<Outcome>;

    /// The outcome, once nothing is outstanding.
    fn outcome(&self) -> Option<Outcome>;

    /// How many slots it holds by its own account.
    fn held(&self) -> u32;

    /// How many directories above the current one it may hold.
    fn max_open_dirs(&self) -> usize;

    /// How many retries are left.
    fn patience(&self) -> u32;

    /// Whether a retry was needed that patience did not allow.
    fn is_spent(&self) -> bool;

    /// The directory it takes for its root.
    fn root(&self) -> Option<Identity>;

    /// Whether it remembers a directory, so that the world may not give out that identity again.
    fn remembers(&self, inode: Inode) -> bool;

    /// How many levels it is deep, the root counted; none if it keeps no account of them.
    fn depth(&self) -> Option<usize> {
        None
    }

    /// Whether a directory stands twice on its way.
    fn is_looped(&self) -> bool {
        false
    }

    /// How many names it has noted.
    fn noted(&self) -> usize;

    /// What must fall at each of its steps (T2); `unread` is how many names listings may still
    /// return. Machines without a rank are checked by T1 and T3 alone.
    fn rank(&self, unread: &crate::world::Unread<'_>) -> Option<Rank>;

    /// The slot it is reading.
    fn reading(&self) -> Option<Slot>;

    /// Whether the outstanding request is a part of an lstat, which is no request of its own.
    fn examines(&self) -> bool {
        false
    }

    /// It tells which names and identities it keeps, and all else that it is (see [`crate::canon`]).
    const TELLS: bool = false;

    /// Tells the names and identities that it may still use, levels before the names in them.
    fn named(&self, _: &mut dyn FnMut(Named)) {}

    /// Tells everything else, word by word. All that it is, where it does not tell names apart.
    fn rest(&self, told: &mut dyn FnMut(u64)) {
        self.hash(&mut Spelling(told));
    }

    /// What it will still do with an open directory.
    fn uses(&self, _: Slot) -> Use {
        Use::Reading
    }
}

/// A name or an identity that a machine keeps.
#[derive(Clone, Copy, Debug)]
pub enum Named {
    /// The directory of a level, and where its reading goes on if it is to be sought.
    Level {
        /// The level's number.
        level: usize,
        /// Which directory it is.
        inode: Inode,
        /// Behind which entry its reading goes on.
        position: Option<Position>,
    },
    /// A name noted in the directory of a level.
    Noted {
        /// The level's number.
        level: usize,
        /// Its place among all that are noted.
        index: usize,
        /// The name.
        name: u8,
    },
    /// The name that is being removed from the directory of a level.
    Current {
        /// The level's number.
        level: usize,
        /// The name.
        name: u8,
    },
}

/// What a machine will still do with an open directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Use {
    /// Close it.
    Closing,
    /// Ask for something in it; before it is read, it is sought.
    Held,
    /// Read on in it from where it is.
    Reading,
}

/// The words that a value is hashed as.
struct Spelling<'a>(&'a mut dyn FnMut(u64));

impl Hasher for Spelling<'_> {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let word = chunk
                .iter()
                .fold(0, |word, &byte| word << 8 | u64::from(byte));
            self.write_u64(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        (self.0)(word);
    }
}

fn words(value: impl Hash) -> Vec<u64> {
    let mut words = Vec::with_capacity(64);
    value.hash(&mut Spelling(&mut |word| words.push(word)));
    words
}

/// What cannot be looked at by itself: the words of `all` behind those of `head`, and a mark in place
/// of the first that are those of `known`. All of them if `all` does not begin so.
fn hidden(all: impl Hash, head: impl Hash, known: impl Hash) -> Vec<u64> {
    const KNOWN: u64 = u64::MAX;
    let (mut all, head, known) = (words(all), words(head), words(known));
    if !all.starts_with(&head) {
        return all;
    }
    all.drain(..head.len());
    let at = all.windows(known.len()).position(|part| part == known);
    if let Some(at) = at {
        all.splice(at..at + known.len(), [KNOWN]);
    }
    all
}

/// A store of names that are their own tokens.
struct Verbatim;

impl Names for Verbatim {
    type Name = u8;

    fn keep(&mut self, fresh: u8) -> u8 {
        fresh
    }

    fn forget(&mut self, _: u8) {}

    fn clear(&mut self) {}
}

/// Makes the walker of `$words`, be it the one that is shipped or its bent copy, a machine with the
/// rank of `$rank`.
macro_rules! walker_is_machine {
    ($($words:ident)::+, $($rank:ident)::+) => {
        impl Machine for $($words)::+::Walker<u8> {
            fn new(limits: Limits) -> Self {
                Self::new(limits)
            }

            fn request(&self) -> Option<Request<u8>> {
                Self::request(self)
            }

            fn step(&mut self, reply: Reply<u8>) -> Step<u8> {
                let step = Self::step(self, &mut Verbatim, reply);
                Step {
                    arm: step.arm,
                    note: step.note,
                }
            }

            fn stop(&mut self, why: Stop) {
                Self::stop(self, why);
            }

            fn hand_on(&mut self) -> bool {
                Self::hand_on(self).is_some()
            }

            fn state_name(&self) -> StateName {
                self.state().name()
            }

            fn decided(&self) -> Option<Outcome> {
                match self.state() {
                    $($words)::+::State::Done(outcome) => Some(*outcome),
                    _ => None,
                }
            }

            fn outcome(&self) -> Option<Outcome> {
                Self::outcome(self)
            }

            fn held(&self) -> u32 {
                Self::held(self)
            }

            fn max_open_dirs(&self) -> usize {
                usize::from(self.limits().max_open_dirs)
            }

            fn patience(&self) -> u32 {
                Self::patience(self)
            }

            fn is_spent(&self) -> bool {
                self.patience_spent()
            }

            fn root(&self) -> Option<Identity> {
                Self::root(self)
            }

            fn remembers(&self, inode: Inode) -> bool {
                self.levels().iter().any(|level| level.inode == inode)
                    || Self::root(self).is_some_and(|root| root.inode == inode)
            }

            fn depth(&self) -> Option<usize> {
                Some(self.levels().len())
            }

            fn is_looped(&self) -> bool {
                let levels = self.levels();
                let twice = |(at, level): (usize, &$($words)::+::Level)| {
                    levels[..at].iter().any(|above| above.inode == level.inode)
                };
                levels.iter().enumerate().any(twice)
            }

            fn noted(&self) -> usize {
                self.pending().len()
            }

            fn rank(&self, unread: &crate::world::Unread<'_>) -> Option<Rank> {
                Some(Rank($($rank)::+::of(self, unread).0))
            }

            fn reading(&self) -> Option<Slot> {
                self.levels().last().and_then(|level| level.slot)
            }

            const TELLS: bool = true;

            fn named(&self, told: &mut dyn FnMut(Named)) {
                use $($words)::+::{Ascend, Descend, Reading, State, Strip};
                let levels = self.levels();
                // One that is being closed is not looked at again.
                let leaves = matches!(
                    self.state(),
                    State::Ascend(Ascend::Closing | Ascend::Leaving(_))
                );
                let reads = matches!(
                    self.state(),
                    State::Strip(Strip::Reading) | State::Descend(Descend::Narrowing)
                );
                for (level, one) in levels.iter().enumerate() {
                    let is_top = level + 1 == levels.len();
                    if is_top && leaves {
                        continue;
                    }
                    let sought = one.reading == Reading::Paused && !(is_top && reads);
                    told(Named::Level {
                        level,
                        inode: one.inode,
                        position: sought.then_some(one.position),
                    });
                    let end = levels.get(level + 1).map(|next| next.base as usize);
                    let end = end.unwrap_or(self.pending().len());
                    for index in one.base as usize..end {
                        if let Some(pending) = self.pending().get(index) {
                            told(Named::Noted { level, index, name: pending.name });
                        }
                    }
                }
                if let (State::Strip(Strip::Unlinking { name, .. }), Some(level)) =
                    (self.state(), levels.len().checked_sub(1))
                {
                    told(Named::Current { level, name: *name });
                }
            }

            fn rest(&self, told: &mut dyn FnMut(u64)) {
                use $($words)::+::{State, Strip};
                told(self.levels().len() as u64);
                told(self.pending().len() as u64);
                match self.state() {
                    // Begins as no state does.
                    State::Strip(Strip::Unlinking { unknown, .. }) => {
                        told(u64::MAX);
                        told(u64::from(*unknown));
                    }
                    state => state.hash(&mut Spelling(told)),
                }
                for level in self.levels() {
                    let met = (level.history, level.met, level.base, level.slot);
                    let is = (level.reading, level.left, level.cut, level.doubt);
                    (met, is).hash(&mut Spelling(told));
                }
                for pending in self.pending() {
                    let is = (pending.was_file, pending.was_directory, pending.given);
                    is.hash(&mut Spelling(told));
                }
                // The root's identity is found in the world, like those of levels.
                let root = Self::root(self);
                (root.is_some(), root.map(|root| (root.mount, root.device)))
                    .hash(&mut Spelling(told));
                let visible = (self.limits(), self.state(), self.levels(), self.pending());
                hidden(self, visible, root).into_iter().for_each(told);
            }

            fn uses(&self, slot: Slot) -> Use {
                use $($words)::+::{Ascend, Descend, Retry, State, Strip};
                let is_top = self.levels().last().is_some_and(|top| top.slot == Some(slot));
                match self.state() {
                    State::Done(_) => Use::Closing,
                    State::Retry(Retry::Dropping(_)) if self.base() != Some(slot) => Use::Closing,
                    State::Ascend(Ascend::Closing | Ascend::Leaving(_)) if is_top => Use::Closing,
                    State::Strip(Strip::Reading | Strip::Unlinking { .. })
                    | State::Descend(Descend::Narrowing)
                        if is_top =>
                    {
                        Use::Reading
                    }
                    State::Retry(Retry::IdentifyingRoot(opened, _) | Retry::Inspecting(opened, _))
                    | State::Descend(Descend::Identifying(opened, _))
                        if *opened == slot =>
                    {
                        Use::Reading
                    }
                    State::Retry(Retry::Leaving(opened, _))
                    | State::Descend(Descend::Leaving(opened, _))
                    | State::Ascend(Ascend::ClosingAbove(_, opened))
                        if *opened == slot =>
                    {
                        Use::Closing
                    }
                    _ => Use::Held,
                }
            }
        }
    };
}

walker_is_machine!(fell::machine, crate::rank::Rank);
walker_is_machine!(crate::teeth::bent, crate::teeth::bent::rank::Rank);
