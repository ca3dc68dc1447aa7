//! RemoveEmpty: in the parent, removing the cleared child; at last, in the root's parent, the root.

use super::outcome::{At, Fault, Note, Outcome, Reason};
use super::pending::Names;
use super::reply::{Errno, Gone, Reply, Rmdir};
use super::request::{Operation, Request};
use super::retry::failed;
use super::state::{Child, Cleared, Descend, RemoveEmpty, Retry, Root, State};
use super::table::Arm;
use super::way::History;
use super::{Step, Walker, other_than};

impl<N: Copy + Eq> Walker<N> {
    pub(super) fn remove_empty_request(&self, state: RemoveEmpty) -> Option<Request<N>> {
        match state {
            RemoveEmpty::Child(_) => {
                let parent = self.way.top()?.slot?;
                self.pending.last().map(|child| Request::Rmdir {
                    parent,
                    name: child.name,
                })
            }
            RemoveEmpty::Root(_) => self.base.map(|base| Request::RmdirRoot { base }),
        }
    }

    pub(super) fn remove_empty<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        state: RemoveEmpty,
        reply: Reply<N>,
    ) -> Step<N> {
        match (state, reply) {
            (RemoveEmpty::Child(why), Reply::Rmdir(rmdir)) => self.remove_child(names, why, rmdir),
            (RemoveEmpty::Root(why), Reply::Rmdir(rmdir)) => self.remove_root(names, why, rmdir),
            (RemoveEmpty::Child(_) | RemoveEmpty::Root(_), other_than!(Rmdir)) => {
                self.broken(Arm::RemoveEmptyBroken)
            }
        }
    }

    fn remove_child<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        why: Child,
        rmdir: Rmdir,
    ) -> Step<N> {
        match (rmdir, why) {
            (Rmdir::Removed, Child::Cleared(_) | Child::Blocked(_) | Child::Given) => {
                self.child_gone(names, Arm::ChildRemoved, why)
            }
            (
                Rmdir::Gone(Gone::Missing | Gone::Stale),
                Child::Cleared(_) | Child::Blocked(_) | Child::Given,
            ) => self.child_gone(names, Arm::ChildVanished, why),
            (Rmdir::NotDirectory, Child::Cleared(_) | Child::Blocked(_) | Child::Given) => {
                // What stands there now has nothing below it (rule 10).
                let void = self.void_cleared(why);
                let step = self.turn_into_file(names, Arm::ChildTurned, Arm::ChildFlipped);
                Step {
                    note: void,
                    ..step
                }
            }
            (Rmdir::NotEmpty, Child::Cleared(cleared)) => self.child_not_empty(names, cleared),
            (Rmdir::NotEmpty | Rmdir::Busy | Rmdir::Failed(_), Child::Blocked(fault)) => {
                self.leave_child(names, Arm::ChildBlocked, fault)
            }
            (Rmdir::NotEmpty | Rmdir::Busy | Rmdir::Failed(_), Child::Given) => {
                if let Some(child) = self.pending.last_mut() {
                    child.given = false;
                }
                self.state = State::Descend(Descend::Opening(History::FIRST));
                Step::quiet(Arm::ChildTakenBack)
            }
            (Rmdir::Busy, Child::Cleared(_)) => {
                let fault = Fault::new(Operation::Rmdir, Reason::Busy);
                self.leave_child(names, Arm::ChildFailed, fault)
            }
            (Rmdir::Failed(errno), Child::Cleared(_)) => self.leave_child(
                names,
                Arm::ChildFailed,
                Fault::errno(Operation::Rmdir, errno),
            ),
        }
    }

    /// The child is no more, so leftovers below it are void (rule 10).
    fn child_gone<S: Names<Name = N>>(&mut self, names: &mut S, arm: Arm, why: Child) -> Step<N> {
        let void = self.void_cleared(why);
        self.forget_child(names);
        self.onward();
        Step::noting(arm, void)
    }

    /// The voiding of what was left below a child that is not there any more.
    fn void_cleared(&self, why: Child) -> Option<Note<N>> {
        match why {
            Child::Cleared(cleared) if cleared.left => Some(self.void_child()),
            Child::Cleared(_) | Child::Blocked(_) | Child::Given => None,
        }
    }

    fn void_child(&self) -> Note<N> {
        Note::Void {
            level: self.current() + 1,
        }
    }

    fn child_not_empty<S: Names<Name = N>>(&mut self, names: &mut S, cleared: Cleared) -> Step<N> {
        let not_empty = Fault::new(Operation::Rmdir, Reason::NotEmpty);
        if cleared.is_explained() {
            return self.leave_child(names, Arm::ChildExplained, not_empty);
        }
        let arm = if cleared.cut {
            Arm::ChildCut
        } else {
            Arm::ChildAgain
        };
        let Some(history) = self.another_pass(cleared) else {
            return self.leave_child(names, Arm::ChildFull, not_empty);
        };
        let void = cleared.left.then(|| self.void_child());
        self.state = State::Descend(Descend::Opening(history));
        Step::noting(arm, void)
    }

    fn remove_root<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        why: Root,
        rmdir: Rmdir,
    ) -> Step<N> {
        match (rmdir, why) {
            (Rmdir::Removed, Root::Cleared(_) | Root::Blocked(_) | Root::Deciding) => {
                self.end(Arm::RootRemoved, Outcome::Removed, self.void_root(why))
            }
            (Rmdir::Gone(Gone::Missing), Root::Cleared(_) | Root::Blocked(_) | Root::Deciding) => {
                self.end(Arm::RootVanished, Outcome::Vanished, self.void_root(why))
            }
            (Rmdir::Gone(Gone::Stale), Root::Cleared(_) | Root::Blocked(_) | Root::Deciding) => {
                self.stale(names, Operation::Rmdir, Arm::RootStale, Arm::RootStaleAgain)
            }
            (Rmdir::NotDirectory, Root::Cleared(_) | Root::Blocked(_) | Root::Deciding) => {
                self.end(Arm::RootTurned, Outcome::NotDirectory, None)
            }
            (Rmdir::NotEmpty, Root::Cleared(cleared)) => self.root_not_empty(cleared),
            (Rmdir::NotEmpty, Root::Deciding) => self.root_left(Arm::RootDecided, Reason::NotEmpty),
            (Rmdir::Busy, Root::Cleared(_) | Root::Deciding) => {
                self.root_left(Arm::RootBusy, Reason::Busy)
            }
            (Rmdir::NotEmpty | Rmdir::Busy | Rmdir::Failed(_), Root::Blocked(fault)) => {
                self.end(Arm::RootBlocked, Outcome::Failed(fault), None)
            }
            (Rmdir::Failed(errno), Root::Cleared(cleared)) if cleared.left => {
                self.root_left(Arm::RootFailed, Reason::Errno(errno))
            }
            (Rmdir::Failed(errno), Root::Cleared(_) | Root::Deciding) => self.root_failed(errno),
        }
    }

    fn root_failed(&mut self, errno: Errno) -> Step<N> {
        self.state = failed(Fault::errno(Operation::Rmdir, errno));
        Step::quiet(Arm::RootFailed)
    }

    fn root_not_empty(&mut self, cleared: Cleared) -> Step<N> {
        if cleared.is_explained() {
            return self.root_left(Arm::RootExplained, Reason::NotEmpty);
        }
        if let Some(fault) = self.fault {
            return self.end(Arm::RootFault, Outcome::Failed(fault), None);
        }
        let arm = if cleared.cut {
            Arm::RootCut
        } else {
            Arm::RootAgain
        };
        let Some(history) = self.another_pass(cleared) else {
            return self.root_left(Arm::RootFull, Reason::NotEmpty);
        };
        let void = cleared.left.then_some(Note::Void { level: 0 });
        self.state = State::Retry(Retry::OpeningRoot(history));
        Step::noting(arm, void)
    }

    fn void_root(&self, why: Root) -> Option<Note<N>> {
        match why {
            Root::Cleared(cleared) => {
                (cleared.left || self.fault.is_some()).then_some(Note::Void { level: 0 })
            }
            Root::Blocked(_) | Root::Deciding => None,
        }
    }

    fn end(&mut self, arm: Arm, outcome: Outcome, note: Option<Note<N>>) -> Step<N> {
        self.state = State::Done(outcome);
        Step::noting(arm, note)
    }

    fn root_left(&mut self, arm: Arm, reason: Reason) -> Step<N> {
        let fault = Fault::new(Operation::Rmdir, reason);
        self.end(
            arm,
            Outcome::NotEmpty,
            Some(Note::Leftover {
                at: At::Root,
                fault,
            }),
        )
    }
}

impl Cleared {
    /// What remains of a level that was not there.
    pub(super) const NOTHING: Cleared = Cleared {
        history: History::FIRST,
        met: 0,
        left: false,
        cut: false,
        doubt: false,
    };
}
