//! What the model asks of a machine: the words of `fell::machine`, and a look inside.
//!
//! The world, the adversaries and the properties know walkers by [`Machine`] alone, so that bent
//! copies of the machine and other removers' algorithms run through the same checks. Implemented
//! here for the machine that is shipped, [`fell::machine::Walker`], which is neither copied nor abstracted.

use crate::rank::Rank;
use core::fmt::Debug;
use core::hash::Hash;
use fell::machine::{
    Identity, Inode, Limits, Names, Outcome, Reply, Request, StateName, Step, Stop,
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
    fn reading(&self) -> Option<fell::machine::Slot>;

    /// Whether the outstanding request is a part of an lstat, which is no request of its own.
    fn examines(&self) -> bool {
        false
    }
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

            fn reading(&self) -> Option<fell::machine::Slot> {
                self.levels().last().and_then(|level| level.slot)
            }
        }
    };
}

walker_is_machine!(fell::machine, crate::rank::Rank);
walker_is_machine!(crate::teeth::bent, crate::teeth::bent::rank::Rank);
