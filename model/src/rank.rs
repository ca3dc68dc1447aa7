//! T2: what falls at every step of the walker, whatever the listings are.
//!
//! A rank is compared word by word. The first words are those of the whole walk: patience, then how
//! many passes over the root may still follow, then how far the way to the root's level is. One word
//! a level follows, outermost first: whether its reading goes on and how much may still be read, how
//! many names are noted, what may still be tried with the one being walked, and what is outstanding.
//! A step either lowers a word and may raise only words behind it, or closes a slot on the way out.
//! Acts of others, and errors that were not there before, may raise it.

use crate::world::Unread;
use fell::machine::{
    Ascend, Child, Descend, History, Level, Limits, Pending, Reading, RemoveEmpty, Retry, Root,
    RootUnentered, State, Strip, Walker,
};

/// How many words a rank has.
const WORDS: usize = 16;
/// How many words come before those of the levels.
const HEAD: usize = 3;
/// Stands for a count that is larger than a model's counts are.
const MANY: u32 = 63;
/// More than `tries` ever returns.
const TRIES: u32 = 0x1fff;
/// The history of what is not walked: no pass follows it.
const NONE: History = History {
    met: 0,
    flat: u8::MAX,
};

/// A well-founded measure of what is left to do: words of bounded size, compared in order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Rank(pub(crate) [u32; WORDS]);

impl Rank {
    /// The rank of a walker; `unread` is what listings may still return to it.
    #[must_use]
    pub fn of(walker: &Walker<u8>, unread: &Unread<'_>) -> Rank {
        let mut words = [0; WORDS];
        if let State::Done(_) = walker.state() {
            words[HEAD - 1] = walker.held();
            return Rank(words);
        }
        // A path is resolved once for each retry, so that weighs less than one.
        let retries = 1 + walker.patience() + u32::from(!walker.patience_spent());
        words[0] = retries * 2 + u32::from(!walker.has_resolved());
        let (history, phase) = root(walker);
        words[1] = passes(walker.limits(), history);
        words[2] = phase;
        let levels = walker.levels();
        for (number, level) in levels.iter().enumerate() {
            let top = number + 1 == levels.len();
            if let Some(word) = words.get_mut(HEAD + number) {
                *word = if top {
                    current(walker, level, unread)
                } else {
                    above(walker, level, levels[number + 1], unread)
                };
            }
        }
        Rank(words)
    }
}

/// How many passes may follow one that has this history: fewer flat ones, or a shrinking one.
fn passes(limits: &Limits, history: History) -> u32 {
    let flat = u32::from(limits.passes.saturating_sub(history.flat)).min(15);
    flat << 6 | history.met.min(MANY)
}

/// The root is walked like a child of its parent: its history, and how far its own level is.
fn root(walker: &Walker<u8>) -> (History, u32) {
    let outermost = || {
        walker
            .levels()
            .first()
            .map_or(History::FIRST, |l| l.history)
    };
    match *walker.state() {
        State::Retry(retry) => match retry {
            Retry::Dropping(_) => (History::KEPT, 100 + walker.held()),
            Retry::OpeningBase => (History::KEPT, 99),
            Retry::IdentifyingBase => (History::KEPT, 98),
            // To find its name still there costs a retry, and everything behind begins anew; when
            // there is none left it is not entered.
            Retry::OpeningRoot(start) if start.owes => (NONE, 4),
            Retry::OpeningRoot(start) => (start.history, 9),
            Retry::IdentifyingRoot(_, history) => (history, 8),
            Retry::Inspecting(_, history) => (history, 7),
            Retry::Leaving(_, RootUnentered::Vanished) => (NONE, 6),
            Retry::Leaving(..) => (NONE, 3),
        },
        State::RemoveEmpty(RemoveEmpty::Root(Root::Cleared(cleared))) => (cleared.history, 0),
        State::RemoveEmpty(RemoveEmpty::Root(_)) => (NONE, 0),
        _ => (outermost(), 5),
    }
}

/// A level above the current one: its child is being walked.
fn above(walker: &Walker<u8>, level: &Level, child: Level, unread: &Unread<'_>) -> u32 {
    let end = child.base as usize;
    let noted = end.saturating_sub(level.base as usize);
    let pending = walker.pending().get(end.wrapping_sub(1)).copied();
    word(
        paused(level, unread),
        noted,
        tries(walker.limits(), pending, child.history),
        5,
    )
}

/// The current level.
fn current(walker: &Walker<u8>, level: &Level, unread: &Unread<'_>) -> u32 {
    let noted = walker.pending().len().saturating_sub(level.base as usize);
    let pending = walker.pending().last().copied();
    let try_child = |history, phase| {
        let tries = tries(walker.limits(), pending, history);
        word(paused(level, unread), noted, tries, phase)
    };
    match *walker.state() {
        State::Strip(Strip::Reading) => word(1 + unread.reading, noted, 0, 1),
        State::Strip(Strip::Seeking) => word(paused(level, unread), noted, 0, 2),
        State::Strip(Strip::Unlinking { .. }) => word(1 + unread.reading, noted + 1, TRIES, 15),
        State::Strip(Strip::UnlinkingTurned) => try_child(History::KEPT, 11),
        State::Descend(Descend::Narrowing) => word(1 + unread.reading, noted, 0, 3),
        State::Descend(Descend::Thinning(history)) => try_child(history, 10),
        State::Descend(Descend::Opening(history)) => try_child(history, 9),
        State::Descend(Descend::Identifying(_, history)) => try_child(history, 8),
        State::Descend(Descend::Leaving(..)) => try_child(NONE, 4),
        State::RemoveEmpty(RemoveEmpty::Child(Child::Cleared(cleared))) => {
            try_child(cleared.history, 1)
        }
        State::RemoveEmpty(RemoveEmpty::Child(Child::Blocked(_))) => try_child(NONE, 1),
        State::RemoveEmpty(RemoveEmpty::Child(Child::Given)) => try_child(History::KEPT, 14),
        State::Ascend(ascend) => word(0, noted, 0, leaving(ascend)),
        State::RemoveEmpty(RemoveEmpty::Root(_)) | State::Retry(_) | State::Done(_) => 0,
    }
}

/// How far a cleared directory is from being left.
fn leaving(ascend: Ascend) -> u32 {
    match ascend {
        Ascend::Opening => 7,
        Ascend::Identifying(_) => 6,
        Ascend::OpeningAbove(_) => 5,
        Ascend::IdentifyingAbove(..) => 4,
        Ascend::ClosingAbove(..) => 3,
        Ascend::Leaving(_) | Ascend::Closing => 2,
    }
}

/// What a level that is not being read may still read: nothing, or the end and what its position
/// leaves over.
fn paused(level: &Level, unread: &Unread<'_>) -> u32 {
    match level.reading {
        Reading::Ended => 0,
        Reading::Paused => 1 + unread.behind(level.inode.number, level.position),
    }
}

/// What may still be tried with a noted name: each turn once, then its passes.
fn tries(limits: &Limits, pending: Option<Pending<u8>>, history: History) -> u32 {
    let turns = pending.map_or(0, |child| {
        u32::from(child.given) * 4 + u32::from(!child.was_file) + u32::from(!child.was_directory)
    });
    turns << 10 | passes(limits, history)
}

/// Packs a level's measures, the weightiest first.
fn word(read: u32, noted: usize, tries: u32, phase: u32) -> u32 {
    let noted = u32::try_from(noted).unwrap_or(MANY).min(31);
    read << 25 | noted << 20 | tries << 4 | phase
}
