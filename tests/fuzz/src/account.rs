//! What the world knows of a walk: which slots are open, which names are kept, what is left.

use fell::machine::{At, Names, Note, Open, Outcome, Reply, Request, Slot, StateName, Walker};
use std::collections::BTreeSet;

/// The account of one walk.
#[derive(Default)]
pub(crate) struct Account {
    held: BTreeSet<u16>,
    /// Slots of directories that may be searched, for a child or a parent of theirs was opened.
    searched: BTreeSet<u16>,
    kept: Vec<u8>,
    /// How many leftovers there are that are not void.
    leftovers: usize,
    /// For each level, how many there were when it was entered.
    entered: Vec<usize>,
    depth: usize,
    /// How often the way was lost.
    lost: u64,
}

/// The store of names: they are their own tokens, and are kept as a stack.
impl Names for Account {
    type Name = u8;

    fn keep(&mut self, fresh: u8) -> u8 {
        self.kept.push(fresh);
        fresh
    }

    fn forget(&mut self, kept: u8) {
        assert_eq!(self.kept.pop(), Some(kept), "the name kept last");
    }

    fn clear(&mut self) {
        self.kept.clear();
    }
}

impl Account {
    /// The request names what is open, asks for the lowest slot that is free, and asks for `..` only
    /// where that may be searched (G8); and what the reply does to the slots.
    pub(crate) fn before(&mut self, walker: &Walker<u8>, request: &Request<u8>, reply: &Reply<u8>) {
        let is_opened = *reply == Reply::Open(Open::Opened);
        match *request {
            Request::OpenBase { slot } => self.open(slot, is_opened),
            Request::OpenRoot { base, slot } => {
                self.is_held(base);
                self.open(slot, is_opened);
            }
            Request::Open { parent, slot, .. } => {
                self.is_held(parent);
                self.open(slot, is_opened);
                if is_opened {
                    self.searched.insert(parent.0);
                }
            }
            Request::OpenParent { child, slot } | Request::OpenAbove { child, slot } => {
                self.is_held(child);
                assert!(self.searched.contains(&child.0), "`..` of {child:?}");
                self.open(slot, is_opened);
                if is_opened {
                    self.searched.insert(slot.0);
                }
            }
            Request::Identify { slot }
            | Request::Inspect { slot }
            | Request::Read { slot }
            | Request::Seek { slot, .. }
            | Request::Unlink { parent: slot, .. }
            | Request::Rmdir { parent: slot, .. }
            | Request::RmdirRoot { base: slot } => self.is_held(slot),
            Request::Close { slot } => {
                self.is_held(slot);
                // Once it is over, a slot counts as closed whatever is answered.
                if *reply == Reply::Closed || walker.state().name() == StateName::Done {
                    self.held.remove(&slot.0);
                    self.searched.remove(&slot.0);
                }
            }
        }
    }

    fn open(&mut self, Slot(slot): Slot, is_opened: bool) {
        let free = (0..=u16::MAX).find(|slot| !self.held.contains(slot));
        assert_eq!(Some(slot), free, "the lowest that is free");
        if is_opened {
            self.held.insert(slot);
        }
    }

    fn is_held(&self, Slot(slot): Slot) {
        assert!(self.held.contains(&slot), "slot {slot} is closed");
    }

    /// What is left, according to what a step told.
    pub(crate) fn note(&mut self, walker: &Walker<u8>, note: Option<Note<u8>>) {
        match note {
            None => {}
            Some(Note::Leftover { at, .. }) => {
                let is_on_the_way = match at {
                    At::Root => true,
                    At::Level(level) | At::Entry(level, _) => (level as usize) < self.depth,
                };
                assert!(is_on_the_way, "{at:?}");
                self.leftovers += 1;
            }
            Some(Note::Void { level }) => self.leftovers = self.entered[level as usize],
            Some(Note::Lost(_)) => {
                self.leftovers = 0;
                // Each draws on patience, the one that finds it spent included, or resolves the path of
                // the root's parent, which is free once from the start and once after each draw (G3).
                self.lost += 1;
                let draws = u64::from(walker.limits().patience) + 1;
                assert!(self.lost <= draws + (draws + 1));
            }
        }
        let depth = walker.levels().len();
        if depth > self.depth {
            self.entered.truncate(depth - 1);
            self.entered.push(self.leftovers);
        }
        self.depth = depth;
    }

    /// What the walker says of itself is what the account says, and within the limits.
    pub(crate) fn compare(&self, walker: &Walker<u8>) {
        let limits = walker.limits();
        let (levels, pending) = (walker.levels(), walker.pending());
        assert_eq!(walker.held() as usize, self.held.len());
        assert!(self.held.len() <= usize::from(limits.max_open_dirs) + 3);
        assert!(pending.iter().map(|p| p.name).eq(self.kept.iter().copied()));
        assert!(levels.len() <= limits.max_depth as usize);
        assert!(pending.len() <= limits.arena as usize + 2 * levels.len());
        assert_eq!(
            walker.request().is_none(),
            walker.outcome().is_some(),
            "stuck, or not over"
        );
        if walker.outcome().is_some() {
            assert_eq!(self.held.len(), 0, "slots are leaked");
        }
    }

    /// How it ended is what is left.
    pub(crate) fn conclude(&self, walker: &Walker<u8>) {
        match walker.outcome().expect("it is over") {
            Outcome::Removed | Outcome::Vanished | Outcome::Absent | Outcome::Emptied => {
                assert_eq!(self.leftovers, 0, "Ok with leftovers");
            }
            Outcome::NotEmpty => assert_ne!(self.leftovers, 0, "NotEmpty without any"),
            Outcome::NotDirectory
            | Outcome::Refused(_)
            | Outcome::Stopped(_)
            | Outcome::Failed(_)
            | Outcome::Broken => {}
        }
    }
}
