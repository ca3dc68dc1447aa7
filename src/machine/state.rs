//! The five states, and what each may be waiting for.
//!
//! A state says which request is outstanding, so the request is a function of the walker
//! (`Walker::request`) and nothing about it is stored twice.

use super::outcome::{Fault, Outcome};
use super::request::Slot;
use super::table::StateName;
use super::way::History;

/// Where the walker is in its work.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum State<N> {
    /// Entering a subdirectory: the last pending name of the current level.
    Descend(Descend),
    /// Inside a directory: unlinking what is no directory, noting what is.
    Strip(Strip<N>),
    /// Leaving a cleared directory for its parent.
    Ascend(Ascend),
    /// In the parent: removing the cleared child, at last the root.
    RemoveEmpty(RemoveEmpty),
    /// The way is lost, or not begun: drop everything, start at the root.
    Retry(Retry),
    /// The outcome is decided; what is still held is being closed.
    Done(Outcome),
}

impl<N> State<N> {
    /// Its name.
    pub const fn name(&self) -> StateName {
        match self {
            State::Descend(_) => StateName::Descend,
            State::Strip(_) => StateName::Strip,
            State::Ascend(_) => StateName::Ascend,
            State::RemoveEmpty(_) => StateName::RemoveEmpty,
            State::Retry(_) => StateName::Retry,
            State::Done(_) => StateName::Done,
        }
    }
}

/// What Descend waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Descend {
    /// The child's opening.
    Opening(History),
    /// No descriptors left: the outermost held level's closing, after which the child is opened
    /// again.
    Thinning(History),
    /// The opened child's identity.
    Identifying(Slot, History),
    /// The closing of a child that is not entered.
    Leaving(Slot, Unentered),
    /// The child is entered and more levels are held than may be: the outermost one's closing.
    Narrowing,
}

/// Why an opened child is not entered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unentered {
    /// It was removed meanwhile.
    Vanished,
    /// It may not be entered; it may still be empty (rule 3).
    Blocked(Fault),
}

/// What Strip waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Strip<N> {
    /// The return to where the reading stopped.
    Seeking,
    /// The next entry.
    Reading,
    /// The removal of an entry just read; `unknown` is whether the listing did not tell its type.
    Unlinking {
        /// The entry.
        name: N,
        /// The listing gave no type.
        unknown: bool,
    },
    /// The removal of the last pending name, which turned out to be no directory (rule 2).
    UnlinkingTurned,
}

/// What Ascend waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ascend {
    /// The closing of the cleared directory, whose parent is held.
    Closing,
    /// The opening of `..`.
    Opening,
    /// The identity of what `..` reached.
    Identifying(Slot),
    /// The opening of the `..` of what `..` reached, because births are not reliable here (rule 5).
    OpeningAbove(Slot),
    /// The identity of that grandparent.
    IdentifyingAbove(Slot, Slot),
    /// The grandparent was compared and is being closed.
    ClosingAbove(Slot, Slot),
    /// The closing of the cleared directory; the parent is open and compared.
    Leaving(Slot),
}

/// What RemoveEmpty waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RemoveEmpty {
    /// The removal of the last pending name.
    Child(Child),
    /// The removal of the root.
    Root(Root),
}

/// Why a child's removal is tried, which decides what its answer means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Child {
    /// Its pass is over.
    Cleared(Cleared),
    /// It could not be entered, and may be empty (rule 3).
    Blocked(Fault),
    /// It was given away: somebody else was asked to clear it.
    Given,
}

/// Why the root's removal is tried.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Root {
    /// Its pass is over.
    Cleared(Cleared),
    /// It could not be entered, and may be empty (rule 3).
    Blocked(Fault),
    /// Something else stands under its name, or patience is spent: this one removal decides (rules
    /// 8 and 9).
    Deciding,
}

/// What the pass over a directory left behind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cleared {
    /// What earlier passes met.
    pub history: History,
    /// What this pass met.
    pub met: u32,
    /// A leftover below it is known.
    pub left: bool,
    /// It was cut short: not a pass.
    pub cut: bool,
    /// It was resumed where positions are lost: not trusted whole.
    pub doubt: bool,
}

/// What Retry waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Retry {
    /// The closing of what is still held.
    Dropping(Then),
    /// The opening of the root's parent.
    OpeningBase,
    /// The parent's identity.
    IdentifyingBase,
    /// The opening of the root.
    OpeningRoot(Start),
    /// The root's identity.
    IdentifyingRoot(Slot, History),
    /// What the root's file system keeps its word on.
    Inspecting(Slot, History),
    /// The closing of a root that is not entered.
    Leaving(Slot, RootUnentered),
}

/// How the root is opened.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Start {
    /// What earlier passes over it met.
    pub history: History,
    /// It, or its parent, was said to be gone. If its name is still there, that costs a retry.
    pub owes: bool,
}

/// What follows once everything is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Then {
    /// Start at the root again.
    Again(Start),
    /// The root's parent is stale: resolve its path again.
    Resolve,
    /// Patience is spent: one last removal decides (rule 9).
    Last,
}

/// Why an opened root is not entered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RootUnentered {
    /// It was removed meanwhile.
    Vanished,
    /// It is not the directory first opened (rule 8).
    Stranger,
    /// It was said to be gone, it is there, and patience is spent (rule 9).
    Spent,
    /// It may not be entered; it may still be empty (rule 3).
    Blocked(Fault),
    /// It must not be touched.
    Refused(super::outcome::Refusal),
}
