//! What real file systems answer: named facts, each with what the model assumes and how it is
//! measured.
//!
//! [`world`](crate::world) was written down from what kernels do. Here that is measured: every
//! [`Fact`] makes a tree of its own, acts, calls, and says in a word or two what came of it. A fact
//! that the model relies on names the answers that it allows; any other answer, on any file system,
//! is a failure, unless it is listed in [`record::BEYOND`] with the reason why the walker stands it.
//! The answers are kept in `model/facts.txt`, and `docs/kernel.md` is drawn from that.
//!
//! Deliberately absent: walks, and sequences of calls. Those are compared edge by edge elsewhere; a
//! fact is one call in one situation, with a name to cite.

mod believed;
mod calls;
mod denied;
mod gone;
mod ground;
mod kinds;
mod listings;
mod mounts;
mod numbers;
pub mod page;
pub mod record;

pub use ground::Ground;

use fell::machine::Inspect;
use std::collections::BTreeSet;
use std::io;

/// Facts of one subject.
pub struct Group {
    /// The subject.
    pub title: &'static str,
    /// Others act before the call. Where they are other clients, these facts are measured again.
    pub others: bool,
    /// The facts.
    pub facts: &'static [Fact],
}

/// One call in one situation.
pub struct Fact {
    /// The situation and the call, in words; with its group's title its name.
    pub asks: &'static str,
    /// The answers that the model allows.
    pub assumes: Assumes,
    /// Makes the situation and asks.
    measure: fn(&Ground) -> io::Result<String>,
}

/// Which answers the model allows.
#[derive(Clone, Copy, Debug)]
pub enum Assumes {
    /// These.
    One(&'static [&'static str]),
    /// These, and on NFS the second as well.
    Nfs(&'static [&'static str], &'static [&'static str]),
    /// These, where fell trusts the file system to keep positions.
    Positions(&'static [&'static str]),
    /// These, where fell trusts the file system to tell births and keep them.
    Births(&'static [&'static str]),
    /// Any: it has an option for each, or the answer is not looked at.
    Any,
}

impl Assumes {
    /// The answers allowed on a file system of which fell believes `trusted`; `None`: any.
    #[must_use]
    pub fn allows(self, trusted: Inspect, nfs: bool) -> Option<Vec<&'static str>> {
        match self {
            Assumes::Nfs(answers, more) if nfs => Some([answers, more].concat()),
            Assumes::One(answers) | Assumes::Nfs(answers, _) => Some(answers.to_vec()),
            Assumes::Positions(answers) if trusted.positions => Some(answers.to_vec()),
            Assumes::Births(answers) if trusted.births => Some(answers.to_vec()),
            Assumes::Positions(_) | Assumes::Births(_) | Assumes::Any => None,
        }
    }
}

/// All facts.
pub const GROUPS: &[Group] = &[
    gone::REMOVED,
    gone::MOVED,
    kinds::KINDS,
    kinds::RENAMES,
    denied::DENIED,
    mounts::MOUNTS,
    listings::LISTINGS,
    numbers::NUMBERS,
];

/// What was answered: more than one, where the same situation was answered in different ways.
pub type Answers = BTreeSet<String>;

/// Measures all facts of a ground, and hands on each with the name of its group.
pub fn measure(ground: &Ground, mut told: impl FnMut(&'static Group, &'static Fact, Answers)) {
    for group in GROUPS {
        if ground.has_other_client() && !group.others {
            continue;
        }
        for fact in group.facts {
            let answers = (0..ground.times()).map(|_| {
                let answer = (fact.measure)(ground);
                answer.unwrap_or_else(|error| format!("could not be measured: {error}"))
            });
            told(group, fact, answers.collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_can_be_kept() {
        let mut seen = BTreeSet::new();
        for group in GROUPS {
            for fact in group.facts {
                assert!(seen.insert((group.title, fact.asks)), "{}", fact.asks);
                assert!(!fact.asks.contains('|') && !group.title.contains('|'));
            }
        }
    }
}
