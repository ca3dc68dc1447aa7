//! The report of a walk, derived once more: from requests, replies and what the machine noted.
//!
//! The executor derives its own from the same (`src/executor/ledger.rs`). The trace carries that one;
//! here is the other, so that a trace in which a reply was exchanged for one with the same consequences
//! does not add up. Deliberately absent: paths.

use super::read::{Figures, Name};
use fell::machine::{
    At, Gone, Identify, Note, Open, Read, Reply, Request, Rmdir, StateName, Unlink, Walker,
};

/// The figures so far.
#[derive(Debug, Default)]
pub(super) struct Account {
    figures: Figures,
    /// For each level on the way, how many leftovers there were when it was entered.
    entered: Vec<u64>,
    /// How many levels there were after the last step.
    depth: usize,
}

impl Account {
    /// Counts a reply. `walker` has not taken it yet.
    pub(super) fn reply(
        &mut self,
        walker: &Walker<Name>,
        request: &Request<Name>,
        reply: &Reply<Name>,
    ) {
        let figures = &mut self.figures;
        match (reply, request) {
            (Reply::Open(Open::Opened), _) => {
                figures.most_open = figures.most_open.max(walker.held() + 1);
            }
            (Reply::Read(Read::End), _) => figures.passes += 1,
            (Reply::Unlink(Unlink::Removed), _) => figures.files += 1,
            (Reply::Rmdir(Rmdir::Removed), _) => figures.dirs += 1,
            // ESTALE at the root proves nothing.
            (Reply::Rmdir(Rmdir::Gone(Gone::Stale)), Request::RmdirRoot { .. }) => {}
            (Reply::Unlink(Unlink::Gone(_)) | Reply::Rmdir(Rmdir::Gone(_)), _)
            | (Reply::Open(Open::Gone(_)), Request::Open { .. }) => figures.vanished += 1,
            (Reply::Identify(Identify::Gone(_)), _) => {
                let is_child = walker.state().name() == StateName::Descend;
                figures.vanished += u64::from(is_child);
            }
            _ => {}
        }
    }

    /// Counts what a step told. `walker` has made it.
    pub(super) fn note(&mut self, walker: &Walker<Name>, note: Option<Note<Name>>) {
        match note {
            None => {}
            Some(Note::Leftover {
                at: At::Root | At::Level(_) | At::Entry(..),
                ..
            }) => self.figures.leftovers += 1,
            Some(Note::Void { level }) => {
                let entered = usize::try_from(level)
                    .ok()
                    .and_then(|l| self.entered.get(l));
                self.figures.leftovers = entered.copied().unwrap_or(0);
            }
            Some(Note::Lost(_)) => self.figures.leftovers = 0,
        }
        // What was popped is remembered until another level takes its place: a leftover found below
        // it becomes void after it was left.
        let levels = walker.levels().len();
        if levels > self.depth {
            self.entered.truncate(levels - 1);
            self.entered.push(self.figures.leftovers);
            self.figures.deepest = self.figures.deepest.max(levels as u64);
        }
        self.depth = levels;
        self.figures.retries = u64::from(walker.limits().patience - walker.patience());
    }

    /// The figures at the end.
    pub(super) fn figures(&self) -> Figures {
        self.figures
    }
}
