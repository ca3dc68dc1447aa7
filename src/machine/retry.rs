//! Retry: the way is lost, or not begun. Everything is dropped, and the root is opened by its name.
//!
//! The only place where the root is opened, so rule 8 lives here: the root is the directory first
//! opened, and whatever else stands under its name later is not entered.

use super::outcome::{At, Cause, Fault, Note, Outcome, Reason, Refusal};
use super::pending::Names;
use super::reply::{Gone, Identify, Identity, Inspect, Open, Reply};
use super::request::{Operation, Position, Request, Slot};
use super::state::{RemoveEmpty, Retry, Root, RootUnentered, Start, State, Strip, Then};
use super::table::Arm;
use super::way::{History, Level, Reading};
use super::{Step, Walker, other_than};

impl<N: Copy + Eq> Walker<N> {
    pub(super) fn retry_request(&self, state: Retry) -> Option<Request<N>> {
        match state {
            Retry::Dropping(_) => self
                .slots
                .lowest_held(self.base)
                .map(|slot| Request::Close { slot }),
            Retry::OpeningBase => Some(Request::OpenBase {
                slot: self.slots.lowest_free(),
            }),
            Retry::IdentifyingBase => self.base.map(|slot| Request::Identify { slot }),
            Retry::OpeningRoot(_) => self.base.map(|base| Request::OpenRoot {
                base,
                slot: self.slots.lowest_free(),
            }),
            Retry::IdentifyingRoot(slot, _) => Some(Request::Identify { slot }),
            Retry::Inspecting(slot, _) => Some(Request::Inspect { slot }),
            Retry::Leaving(slot, _) => Some(Request::Close { slot }),
        }
    }

    pub(super) fn retry<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        state: Retry,
        reply: Reply<N>,
    ) -> Step<N> {
        match (state, reply) {
            (Retry::Dropping(then), Reply::Closed) => self.retry_dropped(then),
            (Retry::OpeningBase, Reply::Open(open)) => self.retry_base(open),
            (Retry::IdentifyingBase, Reply::Identify(identify)) => {
                self.retry_base_identity(names, identify)
            }
            (Retry::OpeningRoot(start), Reply::Open(open)) => self.retry_root(names, start, open),
            (Retry::IdentifyingRoot(slot, history), Reply::Identify(identify)) => {
                self.retry_identity(slot, history, identify)
            }
            (Retry::Inspecting(slot, history), Reply::Inspect(kept)) => {
                self.retry_inspected(slot, history, kept)
            }
            (Retry::Leaving(slot, why), Reply::Closed) => self.retry_left(slot, why),
            (Retry::Dropping(_) | Retry::Leaving(..), other_than!(Closed))
            | (Retry::OpeningBase | Retry::OpeningRoot(_), other_than!(Open))
            | (Retry::IdentifyingBase | Retry::IdentifyingRoot(..), other_than!(Identify))
            | (Retry::Inspecting(..), other_than!(Inspect)) => self.broken(Arm::RetryBroken),
        }
    }

    fn retry_dropped(&mut self, then: Then) -> Step<N> {
        if let Some(slot) = self.slots.lowest_held(self.base) {
            self.slots.free(slot);
        }
        if self.slots.lowest_held(self.base).is_some() {
            return Step::quiet(Arm::RetryDropping);
        }
        let note = self.dropped(then);
        Step::noting(Arm::RetryDropped, note)
    }

    /// Everything is dropped.
    pub(super) fn dropped(&mut self, then: Then) -> Option<Note<N>> {
        match then {
            Then::Again(start) => self.state = State::Retry(Retry::OpeningRoot(start)),
            Then::Resolve => self.state = State::Retry(Retry::OpeningBase),
            Then::Last => return self.decide(Root::Deciding, LEFT),
        }
        None
    }

    fn retry_base(&mut self, open: Open) -> Step<N> {
        let (arm, state) = match open {
            Open::Opened => {
                let slot = self.slots.take();
                self.base = Some(slot);
                (Arm::RetryBaseOpened, State::Retry(Retry::IdentifyingBase))
            }
            Open::Gone(Gone::Missing) => (Arm::RetryBaseMissing, State::Done(self.absent())),
            Open::Gone(Gone::Stale) => (
                Arm::RetryBaseStale,
                failed(Fault::new(Operation::Open, Reason::Stale)),
            ),
            Open::NotDirectory => (
                Arm::RetryBaseUnopenable,
                failed(Fault::new(Operation::Open, Reason::NotDirectory)),
            ),
            Open::Mounted => (
                Arm::RetryBaseUnopenable,
                failed(Fault::new(Operation::Open, Reason::OtherFileSystem)),
            ),
            Open::Exhausted(errno) | Open::Failed(errno) => (
                Arm::RetryBaseUnopenable,
                failed(Fault::errno(Operation::Open, errno)),
            ),
        };
        self.state = state;
        Step::quiet(arm)
    }

    fn retry_base_identity<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        identify: Identify,
    ) -> Step<N> {
        let (arm, state) = match identify {
            Identify::Is(found) => {
                self.base_identity = Some(found);
                let history = self.first_history();
                let owes = self.resolved;
                let start = Start { history, owes };
                (Arm::RetryBaseKnown, State::Retry(Retry::OpeningRoot(start)))
            }
            Identify::Gone(Gone::Missing | Gone::Stale) => {
                let arms = (Arm::RetryBaseDied, Arm::RetryBaseUnknown);
                return self.stale(names, Operation::Identify, arms);
            }
            // Refused says that nothing was touched (G11).
            Identify::Unsupported if self.root.is_some() => {
                (Arm::RetryBaseUnknown, failed(UNIDENTIFIED))
            }
            Identify::Unsupported => (
                Arm::RetryBaseUnknown,
                State::Done(Outcome::Refused(Refusal::NoMountId)),
            ),
            Identify::Failed(errno) => (
                Arm::RetryBaseUnknown,
                failed(Fault::errno(Operation::Identify, errno)),
            ),
        };
        self.state = state;
        Step::quiet(arm)
    }

    fn retry_root<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        start: Start,
        open: Open,
    ) -> Step<N> {
        match (open, self.root) {
            (Open::Opened, Some(_) | None) => self.retry_opened(start),
            (Open::Gone(Gone::Missing), Some(_) | None) => {
                self.state = State::Done(self.absent());
                Step::quiet(Arm::RetryAbsent)
            }
            (Open::Gone(Gone::Stale), Some(_) | None) => self.stale(
                names,
                Operation::Open,
                (Arm::RetryStale, Arm::RetryStaleAgain),
            ),
            //= docs/spec.md#g11-idempotent
            //# G11.3: A root that is a file or a symlink MUST be NotADirectory and left untouched.
            (Open::NotDirectory, None) => {
                self.state = State::Done(Outcome::NotDirectory);
                Step::quiet(Arm::RetryNotDirectory)
            }
            //= docs/spec.md#g11-idempotent
            //# G11.5: A root that is itself a mount point MUST be Refused and left untouched.
            (Open::Mounted, None) => {
                self.state = State::Done(Outcome::Refused(Refusal::MountPoint));
                Step::quiet(Arm::RetryMountPoint)
            }
            (Open::NotDirectory, Some(_)) if self.limits.keep_root => {
                self.state = State::Done(Outcome::NotDirectory);
                Step::quiet(Arm::RetryReplaced)
            }
            (Open::NotDirectory | Open::Mounted, Some(_)) => {
                let note = self.decide(Root::Deciding, REPLACED);
                Step::noting(Arm::RetryReplaced, note)
            }
            (Open::Exhausted(errno) | Open::Failed(errno), Some(_) | None) => {
                let fault = Fault::errno(Operation::Open, errno);
                let note = self.decide(Root::Blocked(fault), fault);
                Step::noting(Arm::RetryUnopenable, note)
            }
        }
    }

    fn retry_opened(&mut self, start: Start) -> Step<N> {
        let slot = self.slots.take();
        if start.owes && !self.draw() {
            self.state = State::Retry(Retry::Leaving(slot, RootUnentered::Spent));
            return Step::quiet(Arm::RetrySpent);
        }
        self.state = State::Retry(Retry::IdentifyingRoot(slot, start.history));
        Step::quiet(Arm::RetryOpened)
    }

    fn retry_identity(&mut self, slot: Slot, history: History, identify: Identify) -> Step<N> {
        let leave = |why| State::Retry(Retry::Leaving(slot, why));
        let (arm, state) = match (identify, self.root) {
            (Identify::Is(found), None) if self.is_mount_point(found) => (
                Arm::RetryRefused,
                leave(RootUnentered::Refused(Refusal::MountPoint)),
            ),
            (Identify::Is(found), None) => {
                self.root = Some(found);
                (
                    Arm::RetryFirst,
                    State::Retry(Retry::Inspecting(slot, history)),
                )
            }
            //= docs/spec.md#g4-confinement
            //# G4.8: When the root is opened again, a directory that differs in mount, device,
            //# inode or, where the file system keeps it, birth time from the root first opened MUST
            //# NOT be entered.
            (Identify::Is(found), Some(root)) if self.same(found, root) => {
                self.enter_root(slot, history, root);
                (Arm::RetryEntered, State::Strip(Strip::Reading))
            }
            (Identify::Is(_), Some(_)) => (Arm::RetryStranger, leave(RootUnentered::Stranger)),
            (Identify::Gone(Gone::Missing | Gone::Stale), Some(_) | None) => {
                (Arm::RetryDied, leave(RootUnentered::Vanished))
            }
            (Identify::Unsupported, None) => (
                Arm::RetryRefused,
                leave(RootUnentered::Refused(Refusal::NoMountId)),
            ),
            // Refused says that nothing was touched (G11), and it was entered once.
            (Identify::Unsupported, Some(_)) => (
                Arm::RetryUnidentified,
                leave(RootUnentered::Blocked(UNIDENTIFIED)),
            ),
            (Identify::Failed(errno), Some(_) | None) => (
                Arm::RetryUnidentified,
                leave(RootUnentered::Blocked(Fault::errno(
                    Operation::Identify,
                    errno,
                ))),
            ),
        };
        self.state = state;
        Step::quiet(arm)
    }

    /// A root that is a mount point can be emptied but never removed (G11); one that is kept may be
    /// (G12). An openat2 that stops at mounts has told already; the fallback has not.
    fn is_mount_point(&self, root: Identity) -> bool {
        //= docs/spec.md#g12-keep-root
        //# G12.4: With `keep_root`, a root that is a mount point MUST be emptied like any other.
        !self.limits.keep_root
            && self
                .base_identity
                .is_some_and(|base| base.mount != root.mount)
    }

    fn retry_inspected(&mut self, slot: Slot, history: History, kept: Inspect) -> Step<N> {
        self.kept = kept;
        if let Some(root) = self.root {
            self.enter_root(slot, history, root);
        }
        self.state = State::Strip(Strip::Reading);
        Step::quiet(Arm::RetryInspected)
    }

    fn enter_root(&mut self, slot: Slot, history: History, root: Identity) {
        self.fault = None;
        self.push_level(slot, history, root);
    }

    /// The directory in `slot` becomes the current one.
    pub(super) fn push_level(&mut self, slot: Slot, history: History, identity: Identity) {
        self.way.push(Level {
            inode: self.believed(identity.inode),
            position: Position::default(),
            history,
            met: 0,
            base: u32::try_from(self.pending.len()).unwrap_or(u32::MAX),
            slot: Some(slot),
            reading: Reading::Paused,
            left: false,
            cut: false,
            doubt: false,
        });
    }

    fn retry_left(&mut self, slot: Slot, why: RootUnentered) -> Step<N> {
        self.slots.free(slot);
        let note = match why {
            RootUnentered::Vanished => {
                let start = Start::owing(self.first_history());
                self.state = State::Retry(Retry::OpeningRoot(start));
                None
            }
            RootUnentered::Stranger => self.decide(Root::Deciding, REPLACED),
            RootUnentered::Spent => self.decide(Root::Deciding, LEFT),
            RootUnentered::Blocked(fault) => self.decide(Root::Blocked(fault), fault),
            RootUnentered::Refused(refusal) => {
                self.state = State::Done(Outcome::Refused(refusal));
                None
            }
        };
        Step::noting(Arm::RetryLeft, note)
    }

    /// The root is not entered: one removal of its name decides. A root that is to be kept is not
    /// removed, so there it ends at once, and `fault` says why something may be left in it.
    fn decide(&mut self, why: Root, fault: Fault) -> Option<Note<N>> {
        //= docs/spec.md#g12-keep-root
        //# G12.3: With `keep_root`, the walker MUST NOT remove the root.
        if !self.limits.keep_root {
            self.state = State::RemoveEmpty(RemoveEmpty::Root(why));
            return None;
        }
        match why {
            Root::Blocked(fault) => {
                self.state = failed(fault);
                None
            }
            Root::Deciding | Root::Cleared(_) => {
                self.state = State::Done(Outcome::NotEmpty);
                Some(Note::Leftover {
                    at: At::Root,
                    fault,
                })
            }
        }
    }

    /// The root answered ESTALE, or its parent gone: the parent may be the stale one. Its path is
    /// resolved again (rule 8). The first time after a retry that is free, for only when the root is
    /// still there it was one; but to do so again costs a retry.
    pub(super) fn stale<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        operation: Operation,
        (arm, again): (Arm, Arm),
    ) -> Step<N> {
        //= docs/spec.md#g5-honest-success
        //# G5.3: When the root's parent answers ESTALE, the walker MUST NOT take the root for gone
        //# unless the parent's path was resolved once more and the parent or the root then answered
        //# ENOENT.
        if self.resolved {
            self.draw();
        }
        if self.limits.resolvable && !self.resolved {
            self.resolved = true;
            self.drop_all(names, Then::Resolve);
            return Step::noting(arm, Note::Lost(Cause::StaleBase));
        }
        self.state = failed(Fault::new(operation, Reason::Stale));
        Step::quiet(again)
    }

    /// The outcome of a root that is absent.
    fn absent(&self) -> Outcome {
        if self.root.is_some() {
            Outcome::Vanished
        } else {
            Outcome::Absent
        }
    }
}

/// Why a kept root may not be empty when patience is spent.
const LEFT: Fault = Fault::new(Operation::Read, Reason::NotEmpty);
/// Why a kept root may not be empty when something else has its name.
const REPLACED: Fault = Fault::new(Operation::Identify, Reason::Stale);
/// Why a root that was entered once is not entered again where mounts cannot be told apart any more.
const UNIDENTIFIED: Fault = Fault::new(Operation::Identify, Reason::OtherFileSystem);

impl Start {
    /// Opens the root for a pass after others with this history.
    pub(super) const fn again(history: History) -> Start {
        Start {
            history,
            owes: false,
        }
    }

    /// Opens the root although it, or its parent, was said to be gone.
    pub(super) const fn owing(history: History) -> Start {
        Start {
            history,
            owes: true,
        }
    }
}

/// Done, with an error that nothing below the root explains.
pub(super) fn failed<N>(fault: Fault) -> State<N> {
    State::Done(Outcome::Failed(fault))
}
