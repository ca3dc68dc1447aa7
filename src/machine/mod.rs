//! The walker: a machine that removes a directory tree by asking for one system call at a time.
//!
//! [`Walker::request`] is what it asks, [`Walker::step`] takes the answer; between the two stands
//! the world, be it the kernel or a model of one. Deliberately absent: I/O, clocks, threads,
//! recursion, paths, errno numbers, names longer than a token, and memory per file. The same code
//! is driven by the executor and searched by the model checker; there is no second copy of it.
//!
//! Read it in this order, as the specification:
//!
//! 1. [`table`]: the states, and one row per arm of the transition, each with its reason;
//! 2. `state`: what each state may be waiting for; `request` and `reply`: the words spoken;
//! 3. `retry`, `descend`, `strip`, `ascend`, `remove_empty`: the arms, in the order of a walk;
//! 4. this file: how a step is dispatched, and the two decisions several states share, what is next
//!    in the current directory (`onward`) and what to do when the way is lost (`lose`);
//! 5. `way`, `pending`, `slots`, `limits`: what is remembered.
//!
//! "Rule n" in a comment is rule n of `docs/machine.md`; "G n" is a guarantee of `docs/spec.md`.
//!
//! **Bound.** A walk over `e` entries, while others act `a` times on the same tree and `p` retries are
//! made, asks at most `56 (e + a + 1) (a + 1) (p + 1)` times, on a file system whose listings skip
//! nothing. It follows from the `9 M + 12 D + 8 S` that `docs/machine.md` derives ("How many
//! requests"): 21 for an entry that is entered, and what a small tree costs at least makes up the rest.
//! Tests hold walks to 20 in the place of 56, which none was seen to need. Where a listing skips
//! entries, or a reading is cut short, `passes` and patience bound what is added (rules 1 and 4).
//!
//! **Invariants.** The current directory is always open, and so is its parent unless a child was
//! opened from the current directory (G8). Held levels are the innermost ones, without a gap. The
//! last pending name of every level but the current is the child that was entered. At `Done`
//! without a request, no slot is held (G10).

mod ascend;
mod descend;
mod limits;
mod outcome;
mod pending;
mod remove_empty;
mod reply;
mod request;
mod retry;
mod slots;
mod state;
mod strip;
pub mod table;
mod way;

pub use limits::Limits;
pub use outcome::{At, Cause, Fault, Note, Outcome, Reason, Refusal, Stop};
pub use pending::{Names, Pending};
pub use reply::{
    Birth, Errno, Gone, Identify, Identity, Inode, Inspect, Kind, Open, Read, Reply, Rmdir, Seek,
    Unlink,
};
pub use request::{Operation, Position, Request, Slot};
pub use state::{
    Ascend, Child, Cleared, Descend, RemoveEmpty, Retry, Root, RootUnentered, Start, State, Strip,
    Then, Unentered,
};
pub use table::{Arm, Row, StateName, TABLE};
pub use way::{History, Level, Reading};

use alloc::vec::Vec;
use slots::Slots;
use way::Way;

/// One walk. Equal walkers behave alike for ever: counters and paths are kept elsewhere.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Walker<N> {
    limits: Limits,
    state: State<N>,
    way: Way,
    pending: Vec<Pending<N>>,
    slots: Slots,
    /// The slot of the root's parent, while it is open.
    base: Option<Slot>,
    /// Which directory the root's parent is.
    base_identity: Option<Identity>,
    /// The directory first opened under the root's name (rule 8).
    root: Option<Identity>,
    /// What the root's file system keeps its word on; nothing before it was asked.
    kept: Inspect,
    /// How many levels above the current one may be held: shrinks when descriptors run out.
    window: u16,
    /// How many retries are left.
    patience: u32,
    /// A retry was needed that patience did not allow.
    spent: bool,
    /// The base's path was resolved again, and no retry was drawn since: once is free (rule 8).
    resolved: bool,
    /// The root could not be read in this pass.
    fault: Option<Fault>,
    /// How many more entries may be met.
    entries: Option<u64>,
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Step<N> {
    /// The row of the table that was taken; nothing when the caller stopped the walk.
    pub arm: Option<Arm>,
    /// What the report is told.
    pub note: Option<Note<N>>,
}

impl<N> Step<N> {
    fn quiet(arm: Arm) -> Step<N> {
        Step {
            arm: Some(arm),
            note: None,
        }
    }

    fn noting(arm: Arm, note: impl Into<Option<Note<N>>>) -> Step<N> {
        Step {
            arm: Some(arm),
            note: note.into(),
        }
    }
}

/// Every kind of reply but one: what breaks the word given to a request of that kind.
macro_rules! other_than {
    (Open) => {
        Reply::Identify(_)
            | Reply::Inspect(_)
            | Reply::Read(_)
            | Reply::Seek(_)
            | Reply::Unlink(_)
            | Reply::Rmdir(_)
            | Reply::Closed
    };
    (Identify) => {
        Reply::Open(_)
            | Reply::Inspect(_)
            | Reply::Read(_)
            | Reply::Seek(_)
            | Reply::Unlink(_)
            | Reply::Rmdir(_)
            | Reply::Closed
    };
    (Inspect) => {
        Reply::Open(_)
            | Reply::Identify(_)
            | Reply::Read(_)
            | Reply::Seek(_)
            | Reply::Unlink(_)
            | Reply::Rmdir(_)
            | Reply::Closed
    };
    (Read) => {
        Reply::Open(_)
            | Reply::Identify(_)
            | Reply::Inspect(_)
            | Reply::Seek(_)
            | Reply::Unlink(_)
            | Reply::Rmdir(_)
            | Reply::Closed
    };
    (Seek) => {
        Reply::Open(_)
            | Reply::Identify(_)
            | Reply::Inspect(_)
            | Reply::Read(_)
            | Reply::Unlink(_)
            | Reply::Rmdir(_)
            | Reply::Closed
    };
    (Unlink) => {
        Reply::Open(_)
            | Reply::Identify(_)
            | Reply::Inspect(_)
            | Reply::Read(_)
            | Reply::Seek(_)
            | Reply::Rmdir(_)
            | Reply::Closed
    };
    (Rmdir) => {
        Reply::Open(_)
            | Reply::Identify(_)
            | Reply::Inspect(_)
            | Reply::Read(_)
            | Reply::Seek(_)
            | Reply::Unlink(_)
            | Reply::Closed
    };
    (Closed) => {
        Reply::Open(_)
            | Reply::Identify(_)
            | Reply::Inspect(_)
            | Reply::Read(_)
            | Reply::Seek(_)
            | Reply::Unlink(_)
            | Reply::Rmdir(_)
    };
}
use other_than;

impl<N: Copy + Eq> Walker<N> {
    /// A walk that has asked nothing yet. Limits below 1 that must not be are raised to 1.
    #[must_use]
    pub fn new(limits: Limits) -> Walker<N> {
        let limits = limits.clamped();
        Walker {
            limits,
            state: State::Retry(Retry::OpeningBase),
            way: Way::default(),
            pending: Vec::new(),
            slots: Slots::default(),
            base: None,
            base_identity: None,
            root: None,
            kept: Inspect {
                births: true,
                positions: false,
            },
            window: limits.max_open_dirs,
            patience: limits.patience,
            spent: false,
            resolved: false,
            fault: None,
            entries: limits.max_entries,
        }
    }

    /// The outstanding request; none once the walk is over. It stays the same until a step.
    #[must_use]
    pub fn request(&self) -> Option<Request<N>> {
        match self.state {
            State::Descend(state) => self.descend_request(state),
            State::Strip(state) => self.strip_request(state),
            State::Ascend(state) => self.ascend_request(state),
            State::RemoveEmpty(state) => self.remove_empty_request(state),
            State::Retry(state) => self.retry_request(state),
            State::Done(_) => self
                .slots
                .lowest_held(None)
                .map(|slot| Request::Close { slot }),
        }
    }

    /// The transition: takes the reply to the outstanding request.
    pub fn step<S: Names<Name = N>>(&mut self, names: &mut S, reply: Reply<N>) -> Step<N> {
        match self.state {
            State::Descend(state) => self.descend(names, state, reply),
            State::Strip(state) => self.strip(names, state, reply),
            State::Ascend(state) => self.ascend(names, state, reply),
            State::RemoveEmpty(state) => self.remove_empty(names, state, reply),
            State::Retry(state) => self.retry(names, state, reply),
            State::Done(outcome) => self.done(outcome, reply),
        }
    }

    /// The other transition: the caller stops the walk. The outstanding request was not carried
    /// out. What remains is closing; a walk that has its outcome keeps it.
    pub fn stop(&mut self, why: Stop) -> Step<N> {
        if !matches!(self.state, State::Done(_)) {
            self.state = State::Done(Outcome::Stopped(why));
        }
        Step {
            arm: None,
            note: None,
        }
    }

    fn done(&mut self, outcome: Outcome, reply: Reply<N>) -> Step<N> {
        match reply {
            Reply::Closed => {
                if let Some(slot) = self.slots.lowest_held(None) {
                    self.slots.free(slot);
                }
                Step::quiet(Arm::DoneClosed)
            }
            // The slot is taken for closed, so that closing ends whatever the world answers.
            other_than!(Closed) => {
                if let Some(slot) = self.slots.lowest_held(None) {
                    self.slots.free(slot);
                }
                self.state = State::Done(match outcome {
                    Outcome::Stopped(why) => Outcome::Stopped(why),
                    Outcome::Removed
                    | Outcome::Vanished
                    | Outcome::Absent
                    | Outcome::Emptied
                    | Outcome::NotEmpty
                    | Outcome::NotDirectory
                    | Outcome::Refused(_)
                    | Outcome::Failed(_)
                    | Outcome::Broken => Outcome::Broken,
                });
                Step::quiet(Arm::DoneBroken)
            }
        }
    }

    /// The world answered another request than was asked.
    fn broken(&mut self, arm: Arm) -> Step<N> {
        self.state = State::Done(Outcome::Broken);
        Step::quiet(arm)
    }

    /// What is next in the current directory: its noted names, last found first (rule 6); then the
    /// rest of its listing (rule 7); then its parent.
    fn onward(&mut self) {
        let depth = self.way.len();
        let Some(&level) = self.way.top() else {
            return self.state = State::Done(Outcome::Broken);
        };
        self.state = match (self.pending.last(), level.reading) {
            (Some(child), Reading::Paused | Reading::Ended) if self.has_pending(&level) => {
                if child.given {
                    State::RemoveEmpty(RemoveEmpty::Child(Child::Given))
                } else if depth >= self.limits.max_depth as usize {
                    //= docs/spec.md#g3-termination
                    //# G3.5: The walker MUST NOT go more than `max_depth` levels deep, the root
                    //# counted, which is 2^22 by default.
                    let limit = Fault::new(Operation::Open, Reason::Limit);
                    State::RemoveEmpty(RemoveEmpty::Child(Child::Blocked(limit)))
                } else {
                    State::Descend(Descend::Opening(History::FIRST))
                }
            }
            (Some(_) | None, Reading::Paused) => State::Strip(Strip::Seeking),
            (Some(_) | None, Reading::Ended) => State::Ascend(self.leave()),
        };
    }

    /// By which way the current directory is left: a held parent, the base, or `..`.
    fn leave(&self) -> Ascend {
        match self.way.parent() {
            None => Ascend::Closing,
            Some(parent) if parent.slot.is_some() => Ascend::Closing,
            Some(_) => Ascend::Opening,
        }
    }

    /// Whether names of `level`, the current one, are noted.
    fn has_pending(&self, level: &Level) -> bool {
        self.pending.len() > level.base as usize
    }

    /// The last pending name is done with.
    fn forget_child<S: Names<Name = N>>(&mut self, names: &mut S) {
        if let Some(child) = self.pending.pop() {
            names.forget(child.name);
        }
    }

    /// The last pending name is a leftover: the current level has one below it from now on.
    //= docs/spec.md#g7-best-effort
    //# G7.1: One unremovable entry MUST NOT keep the walker from removing anything else that can be
    //# removed.
    fn leave_child<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        arm: Arm,
        fault: Fault,
    ) -> Step<N> {
        let note = self
            .pending
            .last()
            .map(|child| self.entry_left(child.name, fault));
        self.forget_child(names);
        self.mark_left();
        self.onward();
        Step::noting(arm, note)
    }

    fn entry_left(&self, name: N, fault: Fault) -> Note<N> {
        Note::Leftover {
            at: At::Entry(self.current(), name),
            fault,
        }
    }

    fn mark_left(&mut self) {
        if let Some(level) = self.way.top_mut() {
            level.left = true;
        }
    }

    /// The number of the current level.
    fn current(&self) -> u32 {
        u32::try_from(self.way.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The way is lost: everything is dropped, and the walk starts at the root again while patience
    /// lasts (rule 9). Every leftover is void (rule 10).
    fn lose<S: Names<Name = N>>(&mut self, names: &mut S, arm: Arm, cause: Cause) -> Step<N> {
        //= docs/spec.md#g3-termination
        //# G3.3: Every retry MUST draw on patience.
        let then = if self.draw() {
            Then::Again(Start::again(self.first_history()))
        } else {
            Then::Last
        };
        self.drop_all(names, then);
        Step::noting(arm, Note::Lost(cause))
    }

    /// Takes one retry from patience; `false` when it is spent. After each retry, and after the one
    /// that there is no patience for, the base's path may be resolved once for free (rule 8).
    fn draw(&mut self) -> bool {
        self.resolved &= self.spent;
        match self.patience.checked_sub(1) {
            Some(patience) => self.patience = patience,
            None => self.spent = true,
        }
        !self.spent
    }

    /// Forgets levels and names; what is held beside the base is closed next, and there is always
    /// something: the directory in which the way was lost, or a base that is to be resolved again.
    fn drop_all<S: Names<Name = N>>(&mut self, names: &mut S, then: Then) {
        self.way.clear();
        self.pending.clear();
        names.clear();
        self.fault = None;
        if then == Then::Resolve {
            self.base = None;
        }
        self.state = State::Retry(Retry::Dropping(then));
    }

    fn first_history(&self) -> History {
        if self.limits.keep_root {
            History::KEPT
        } else {
            History::FIRST
        }
    }

    /// An inode as this file system can be believed to tell it.
    fn believed(&self, inode: Inode) -> Inode {
        Inode {
            birth: if self.kept.births {
                inode.birth
            } else {
                Birth::UNKNOWN
            },
            ..inode
        }
    }

    /// An identity as this file system can be believed to tell it.
    fn believed_identity(&self, identity: Identity) -> Identity {
        Identity {
            inode: self.believed(identity.inode),
            ..identity
        }
    }

    /// Whether two identities name one directory, as far as can be told.
    fn same(&self, one: Identity, other: Identity) -> bool {
        self.believed_identity(one) == self.believed_identity(other)
    }

    /// Whether a pass is followed by another (rule 4). `None`: it is not.
    fn another_pass(&mut self, cleared: Cleared) -> Option<History> {
        //= docs/spec.md#g3-termination
        //# G3.1: When others act only finitely often, the walker MUST halt.
        //= docs/spec.md#g3-termination
        //# G3.2: The number of requests MUST stay within a bound that is computed from the number
        //# of entries, the number of acts of others and patience, and that the documentation of the
        //# machine states.
        let History { met, flat } = cleared.history;
        if cleared.cut {
            // Not a pass: it may not count as one, and only patience bounds it (rule 1).
            self.draw().then_some(cleared.history)
        } else if cleared.met < met {
            Some(History {
                met: cleared.met,
                flat,
            })
        } else if flat >= self.limits.passes || (cleared.left && !self.draw()) {
            //= docs/spec.md#g3-termination
            //# G3.4: When 2 passes over a directory did not shrink and it is still not empty, the
            //# walker MUST make it a leftover and not read it again.
            // Above a leftover there is another pass only where entries may have been skipped (rule
            // 7). It reads all below again, so it draws on patience: else passes would multiply from
            // level to level.
            None
        } else {
            Some(History {
                met: cleared.met,
                flat: flat + 1,
            })
        }
    }
}

impl Cleared {
    /// A leftover below explains that the directory is not empty (rule 4); not so when entries may
    /// have been skipped (rule 7) or the reading was cut short (rule 1), for then some were never
    /// tried.
    fn is_explained(&self) -> bool {
        self.left && !self.doubt && !self.cut
    }
}

/// What the driver, the report and the checks may look at.
impl<N: Copy + Eq> Walker<N> {
    /// Where the walker is in its work.
    #[must_use]
    pub fn state(&self) -> &State<N> {
        &self.state
    }

    /// The outcome, once nothing is outstanding.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self.state {
            State::Done(outcome) if self.held() == 0 => Some(outcome),
            State::Done(_)
            | State::Descend(_)
            | State::Strip(_)
            | State::Ascend(_)
            | State::RemoveEmpty(_)
            | State::Retry(_) => None,
        }
    }

    /// The limits it keeps.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The levels from the root to the current directory.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        self.way.levels()
    }

    /// The names noted at all levels together.
    #[must_use]
    pub fn pending(&self) -> &[Pending<N>] {
        &self.pending
    }

    /// The names that lead from the root to the directory of `level`.
    pub fn path_to(&self, level: u32) -> impl Iterator<Item = N> + '_ {
        let below_root = self.way.levels().get(1..).unwrap_or(&[]);
        below_root
            .iter()
            .take(level as usize)
            .filter_map(|l| {
                (l.base as usize)
                    .checked_sub(1)
                    .and_then(|i| self.pending.get(i))
            })
            .map(|child| child.name)
    }

    /// How many slots are held.
    #[must_use]
    pub fn held(&self) -> u32 {
        self.slots.held()
    }

    /// The slot of the root's parent, while it is open.
    #[must_use]
    pub fn base(&self) -> Option<Slot> {
        self.base
    }

    /// The directory first opened under the root's name.
    #[must_use]
    pub fn root(&self) -> Option<Identity> {
        self.root
    }

    /// How many retries are left.
    #[must_use]
    pub fn patience(&self) -> u32 {
        self.patience
    }

    /// Whether a retry was needed that patience did not allow.
    #[must_use]
    pub fn patience_spent(&self) -> bool {
        self.spent
    }

    /// Whether the path of the root's parent was resolved again since the last retry.
    #[must_use]
    pub fn has_resolved(&self) -> bool {
        self.resolved
    }

    /// Gives the first found name of the outermost level that has one to somebody else, who is
    /// asked to remove it. It keeps its place in the list; when its turn comes, rmdir tells whether
    /// it was done. Returns its level and token.
    pub fn hand_on(&mut self) -> Option<(u32, N)> {
        let mut level = 0;
        for index in 0..self.pending.len() {
            while self.base_of(level + 1).is_some_and(|base| base <= index) {
                level += 1;
            }
            let walked = self.base_of(level + 1) == Some(index + 1);
            let reading = matches!(
                self.state,
                State::Strip(Strip::Seeking | Strip::Reading | Strip::Unlinking { .. })
            );
            let current = index + 1 == self.pending.len() && !reading;
            if !walked && !current && !self.pending[index].given {
                self.pending[index].given = true;
                return Some((
                    u32::try_from(level).unwrap_or(u32::MAX),
                    self.pending[index].name,
                ));
            }
        }
        None
    }

    /// Where the names of a level begin; none below the current one.
    fn base_of(&self, level: usize) -> Option<usize> {
        self.way.levels().get(level).map(|l| l.base as usize)
    }
}

#[cfg(test)]
mod tests;
