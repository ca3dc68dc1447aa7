//! What was met during a search: arms of the table, outcomes and causes. An arm that no
//! configuration reaches is one that nothing was checked of.

use crate::universe::Taken;
use core::sync::atomic::{AtomicU64, Ordering};
use fell::machine::{Cause, Note, Outcome, TABLE};

/// How many words hold a bit for each arm.
const WORDS: usize = 4;

/// The outcomes that a world which keeps its word can cause.
pub const OUTCOMES: [&str; 9] = [
    "Removed",
    "Vanished",
    "Absent",
    "Emptied",
    "NotEmpty",
    "NotDirectory",
    "Refused",
    "Stopped",
    "Failed",
];

/// The causes of Retry.
pub const CAUSES: [&str; 5] = ["Gone", "Unreachable", "Moved", "Loop", "StaleBase"];

/// What was met. Searching threads share it.
#[derive(Debug, Default)]
pub struct Seen {
    arms: [AtomicU64; WORDS],
    outcomes: AtomicU64,
    causes: AtomicU64,
}

impl Seen {
    /// A step was taken.
    pub fn take(&self, taken: Taken) {
        if let Some(arm) = taken.step.arm {
            let arm = arm as usize;
            set(&self.arms[arm / 64], arm % 64);
        }
        if let Some(Note::Lost(cause)) = taken.step.note {
            set(&self.causes, cause as usize);
        }
        if let Some(bit) = taken.decided.and_then(outcome) {
            set(&self.outcomes, bit);
        }
    }

    /// Adds what another search met.
    pub fn add(&self, other: &Seen) {
        let pairs = self.arms.iter().zip(&other.arms);
        let rest = [
            (&self.outcomes, &other.outcomes),
            (&self.causes, &other.causes),
        ];
        for (mine, theirs) in pairs.chain(rest) {
            mine.fetch_or(theirs.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// What was not met and should have been, by name.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let arms = TABLE
            .iter()
            .filter(|row| !row.is_broken_word())
            .filter(|row| {
                let arm = row.arm as usize;
                !has(&self.arms[arm / 64], arm % 64)
            })
            .map(|row| format!("arm {:?}", row.arm));
        let outcomes = (0..OUTCOMES.len())
            .filter(|&bit| !has(&self.outcomes, bit))
            .map(|bit| format!("outcome {}", OUTCOMES[bit]));
        let causes = (0..CAUSES.len())
            .filter(|&bit| !has(&self.causes, bit))
            .map(|bit| format!("cause {}", CAUSES[bit]));
        arms.chain(outcomes).chain(causes).collect()
    }

    /// How many arms were met.
    #[must_use]
    pub fn arms(&self) -> u32 {
        self.arms
            .iter()
            .map(|word| word.load(Ordering::Relaxed).count_ones())
            .sum()
    }
}

const _: () = assert!(TABLE.len() <= WORDS * 64);
const _: () = assert!(Cause::StaleBase as usize + 1 == CAUSES.len());

/// Looks before it writes: the same arms are taken millions of times, by all threads.
fn set(word: &AtomicU64, bit: usize) {
    if !has(word, bit) {
        word.fetch_or(1 << bit, Ordering::Relaxed);
    }
}

fn has(word: &AtomicU64, bit: usize) -> bool {
    word.load(Ordering::Relaxed) & 1 << bit != 0
}

/// The place of an outcome in [`OUTCOMES`].
fn outcome(outcome: Outcome) -> Option<usize> {
    match outcome {
        Outcome::Removed => Some(0),
        Outcome::Vanished => Some(1),
        Outcome::Absent => Some(2),
        Outcome::Emptied => Some(3),
        Outcome::NotEmpty => Some(4),
        Outcome::NotDirectory => Some(5),
        Outcome::Refused(_) => Some(6),
        Outcome::Stopped(_) => Some(7),
        Outcome::Failed(_) => Some(8),
        Outcome::Broken => None,
    }
}
