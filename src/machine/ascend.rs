//! Ascend: leaving a cleared directory for its parent.
//!
//! A parent that is held is simply there. One that had to be given up is asked for by `..`, and
//! believed only after its identity was compared with what was noted on the way down (rule 5); where
//! birth times are not to be had, a reused inode number would pass, so the grandparent is compared
//! as well. A root that is kept ends here, since it is never removed (G12).

use super::outcome::{At, Cause, Fault, Note, Outcome, Reason};
use super::pending::Names;
use super::reply::{Birth, Gone, Identify, Identity, Open, Reply};
use super::request::{Operation, Request, Slot};
use super::retry::failed;
use super::state::{Ascend, Child, Cleared, RemoveEmpty, Retry, Root, Start, State};
use super::table::Arm;
use super::{Step, Walker, other_than};

/// Whose identity is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Parent,
    Above,
}

impl<N: Copy + Eq> Walker<N> {
    pub(super) fn ascend_request(&self, state: Ascend) -> Option<Request<N>> {
        let slot = self.way.top()?.slot?;
        match state {
            Ascend::Closing | Ascend::Leaving(_) => Some(Request::Close { slot }),
            Ascend::Opening => Some(Request::OpenParent {
                child: slot,
                slot: self.slots.lowest_free(),
            }),
            Ascend::OpeningAbove(parent) => Some(Request::OpenAbove {
                child: parent,
                slot: self.slots.lowest_free(),
            }),
            Ascend::Identifying(slot) | Ascend::IdentifyingAbove(_, slot) => {
                Some(Request::Identify { slot })
            }
            Ascend::ClosingAbove(_, slot) => Some(Request::Close { slot }),
        }
    }

    pub(super) fn ascend<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        state: Ascend,
        reply: Reply<N>,
    ) -> Step<N> {
        match (state, reply) {
            (Ascend::Closing, Reply::Closed) => self.ascend_closed(),
            (Ascend::Opening, Reply::Open(open)) => {
                self.ascend_opened(names, Which::Parent, open, Ascend::Identifying)
            }
            (Ascend::OpeningAbove(parent), Reply::Open(open)) => {
                let then = |above| Ascend::IdentifyingAbove(parent, above);
                self.ascend_opened(names, Which::Above, open, then)
            }
            (Ascend::Identifying(parent), Reply::Identify(identify)) => {
                self.ascend_parent(names, parent, identify)
            }
            (Ascend::IdentifyingAbove(parent, above), Reply::Identify(identify)) => {
                self.ascend_above(names, parent, above, identify)
            }
            (Ascend::ClosingAbove(parent, above), Reply::Closed) => {
                self.slots.free(above);
                self.state = State::Ascend(Ascend::Leaving(parent));
                Step::quiet(Arm::AscendAboveClosed)
            }
            (Ascend::Leaving(parent), Reply::Closed) => {
                let cleared = self.pop_level();
                self.way.regain(parent);
                self.state = State::RemoveEmpty(RemoveEmpty::Child(Child::Cleared(cleared)));
                Step::quiet(Arm::AscendLeft)
            }
            (
                Ascend::Closing | Ascend::ClosingAbove(..) | Ascend::Leaving(_),
                other_than!(Closed),
            )
            | (Ascend::Opening | Ascend::OpeningAbove(_), other_than!(Open))
            | (Ascend::Identifying(_) | Ascend::IdentifyingAbove(..), other_than!(Identify)) => {
                self.broken(Arm::AscendBroken)
            }
        }
    }

    fn ascend_closed(&mut self) -> Step<N> {
        let cleared = self.pop_level();
        if self.way.len() > 0 {
            self.state = State::RemoveEmpty(RemoveEmpty::Child(Child::Cleared(cleared)));
            Step::quiet(Arm::AscendClosed)
        } else if self.limits.keep_root {
            self.ascend_kept(cleared)
        } else {
            self.state = State::RemoveEmpty(RemoveEmpty::Root(Root::Cleared(cleared)));
            Step::quiet(Arm::AscendClosed)
        }
    }

    /// The root is kept, so its passes decide (G12).
    fn ascend_kept(&mut self, cleared: Cleared) -> Step<N> {
        if cleared.cut {
            let start = Start::owing(cleared.history);
            self.state = State::Retry(Retry::OpeningRoot(start));
            let void = cleared.left.then_some(Note::Void { level: 0 });
            return Step::noting(Arm::AscendKeptLost, void);
        }
        if let (Some(fault), false) = (self.fault, cleared.left) {
            self.state = failed(fault);
            return Step::quiet(Arm::AscendKeptFault);
        }
        //= docs/spec.md#g12-keep-root
        //# G12.1: With `keep_root`, the walk MUST end Ok when a whole pass over the root that began
        //# after the last removal met nothing, and when the root was gone.
        if cleared.met == 0 && !cleared.left {
            self.state = State::Done(Outcome::Emptied);
            return Step::quiet(Arm::AscendEmptied);
        }
        let again = if cleared.is_explained() {
            None
        } else {
            self.another_pass(cleared)
        };
        if let Some(history) = again {
            self.state = State::Retry(Retry::OpeningRoot(Start::again(history)));
            let void = cleared.left.then_some(Note::Void { level: 0 });
            return Step::noting(Arm::AscendKeptAgain, void);
        }
        //= docs/spec.md#g12-keep-root
        //# G12.2: With `keep_root`, entries that are still met when passes end MUST make the walk
        //# end NotEmpty.
        self.state = State::Done(Outcome::NotEmpty);
        let fault = Fault::new(Operation::Read, Reason::NotEmpty);
        Step::noting(
            Arm::AscendKeptFull,
            Note::Leftover {
                at: At::Root,
                fault,
            },
        )
    }

    fn ascend_opened<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        which: Which,
        open: Open,
        then: impl FnOnce(Slot) -> Ascend,
    ) -> Step<N> {
        let (opened, gone, unreachable) = match which {
            Which::Parent => (Arm::AscendOpened, Arm::AscendGone, Arm::AscendUnreachable),
            Which::Above => (
                Arm::AscendAboveOpened,
                Arm::AscendAboveGone,
                Arm::AscendAboveUnreachable,
            ),
        };
        match open {
            Open::Opened => {
                let slot = self.slots.take();
                self.state = State::Ascend(then(slot));
                Step::quiet(opened)
            }
            Open::Gone(Gone::Missing | Gone::Stale) => self.lose(names, gone, Cause::Gone),
            Open::NotDirectory | Open::Exhausted(_) | Open::Mounted | Open::Failed(_) => {
                self.lose(names, unreachable, Cause::Unreachable)
            }
        }
    }

    fn ascend_parent<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        parent: Slot,
        identify: Identify,
    ) -> Step<N> {
        //= docs/spec.md#g4-confinement
        //# G4.7: The walker MUST NOT read or remove anything in what it reached by `..` before it
        //# has compared the identity of what it reached with what it noted on the way down.
        let expected = self
            .way
            .len()
            .checked_sub(2)
            .and_then(|level| self.identity_of(level));
        match identify {
            Identify::Is(found) if expected.is_some_and(|e| self.same(e, found)) => {
                if self.believed(found.inode).birth == Birth::UNKNOWN {
                    self.state = State::Ascend(Ascend::OpeningAbove(parent));
                    Step::quiet(Arm::AscendUnsure)
                } else {
                    self.state = State::Ascend(Ascend::Leaving(parent));
                    Step::quiet(Arm::AscendSame)
                }
            }
            Identify::Is(_) => self.lose(names, Arm::AscendMoved, Cause::Moved),
            Identify::Gone(Gone::Missing | Gone::Stale) => {
                self.lose(names, Arm::AscendDied, Cause::Gone)
            }
            Identify::Unsupported | Identify::Failed(_) => {
                self.lose(names, Arm::AscendUnidentified, Cause::Unreachable)
            }
        }
    }

    fn ascend_above<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        parent: Slot,
        above: Slot,
        identify: Identify,
    ) -> Step<N> {
        let expected = match self.way.len().checked_sub(3) {
            Some(level) => self.identity_of(level),
            None => self.base_identity,
        };
        match identify {
            Identify::Is(found) if expected.is_some_and(|e| self.same(e, found)) => {
                self.state = State::Ascend(Ascend::ClosingAbove(parent, above));
                Step::quiet(Arm::AscendAboveSame)
            }
            Identify::Is(_) => self.lose(names, Arm::AscendAboveMoved, Cause::Moved),
            Identify::Gone(Gone::Missing | Gone::Stale) => {
                self.lose(names, Arm::AscendAboveDied, Cause::Gone)
            }
            Identify::Unsupported | Identify::Failed(_) => {
                self.lose(names, Arm::AscendAboveUnidentified, Cause::Unreachable)
            }
        }
    }

    /// Which directory the one of `level` is: on the root's mount and device, as every level is.
    fn identity_of(&self, level: usize) -> Option<Identity> {
        let inode = self.way.levels().get(level)?.inode;
        self.root.map(|root| Identity { inode, ..root })
    }

    /// The current level is closed and done; what remains of it is what its pass found.
    fn pop_level(&mut self) -> Cleared {
        let level = self.way.pop();
        if let Some(slot) = level.and_then(|l| l.slot) {
            self.slots.free(slot);
        }
        level.map_or(Cleared::NOTHING, |l| Cleared {
            history: l.history,
            met: l.met,
            left: l.left,
            cut: l.cut,
            doubt: l.doubt,
        })
    }
}
