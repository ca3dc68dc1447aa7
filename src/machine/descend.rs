//! Descend: entering a subdirectory, the last pending name of the current level.

use super::outcome::{Cause, Fault, Note, Reason};
use super::pending::Names;
use super::reply::{Gone, Identify, Identity, Open, Reply};
use super::request::{Operation, Request, Slot};
use super::state::{Child, Descend, RemoveEmpty, State, Strip, Unentered};
use super::table::Arm;
use super::way::History;
use super::{Step, Walker, other_than};

impl<N: Copy + Eq> Walker<N> {
    pub(super) fn descend_request(&self, state: Descend) -> Option<Request<N>> {
        match state {
            Descend::Opening(_) => {
                let parent = self.way.top()?.slot?;
                let name = self.pending.last()?.name;
                Some(Request::Open {
                    parent,
                    name,
                    slot: self.slots.lowest_free(),
                })
            }
            Descend::Thinning(_) | Descend::Narrowing => self
                .way
                .outermost_held()
                .map(|slot| Request::Close { slot }),
            Descend::Identifying(slot, _) => Some(Request::Identify { slot }),
            Descend::Leaving(slot, _) => Some(Request::Close { slot }),
        }
    }

    pub(super) fn descend<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        state: Descend,
        reply: Reply<N>,
    ) -> Step<N> {
        match (state, reply) {
            (Descend::Opening(history), Reply::Open(open)) => {
                self.descend_opened(names, history, open)
            }
            (Descend::Identifying(slot, history), Reply::Identify(identify)) => {
                self.descend_identified(names, slot, history, identify)
            }
            (Descend::Thinning(history), Reply::Closed) => {
                self.close_outermost();
                // Descriptors are short: from now on the window is what could be held.
                let held = u16::try_from(self.way.held_above()).unwrap_or(u16::MAX);
                self.window = self.window.min(held).max(1);
                self.state = State::Descend(Descend::Opening(history));
                Step::quiet(Arm::DescendThinned)
            }
            (Descend::Narrowing, Reply::Closed) => {
                self.close_outermost();
                self.state = State::Strip(Strip::Reading);
                Step::quiet(Arm::DescendNarrowed)
            }
            (Descend::Leaving(slot, why), Reply::Closed) => self.descend_left(names, slot, why),
            (Descend::Opening(_), other_than!(Open))
            | (Descend::Identifying(..), other_than!(Identify))
            | (
                Descend::Thinning(_) | Descend::Narrowing | Descend::Leaving(..),
                other_than!(Closed),
            ) => self.broken(Arm::DescendBroken),
        }
    }

    fn descend_opened<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        history: History,
        open: Open,
    ) -> Step<N> {
        match open {
            Open::Opened => {
                let slot = self.slots.take();
                self.state = State::Descend(Descend::Identifying(slot, history));
                Step::quiet(Arm::DescendOpened)
            }
            //= docs/spec.md#g1-removers
            //# G1.1: If others do nothing but remove, nothing is unremovable and patience lasts,
            //# the walk MUST end Ok with the root's name absent.
            //= docs/spec.md#g1-removers
            //# G1.2: On a local file system, removals by others MUST NOT draw on patience.
            //= docs/spec.md#g1-removers
            //# G1.3: On NFS, removals by others MUST NOT draw on patience, except when a directory
            //# went whose `..` the walker still needs, or the root or its parent while the root was
            //# being opened or removed.
            Open::Gone(Gone::Missing | Gone::Stale) => {
                self.forget_child(names);
                self.onward();
                Step::quiet(Arm::DescendVanished)
            }
            Open::NotDirectory => {
                self.turn_into_file(names, Arm::DescendTurned, Arm::DescendFlipped, None)
            }
            // The parent of the current directory is never given up: `..` of a directory from which
            // no child was opened may answer EACCES (G8).
            //= docs/spec.md#g8-bounded-handles
            //# G8.3: The walker MUST NOT give up the slot of the immediate parent, not even on
            //# EMFILE.
            //= docs/spec.md#g8-bounded-handles
            //# G8.4: The walker MUST NOT ask for `..` of a directory from which it opened no child.
            //= docs/spec.md#g8-bounded-handles
            //# G8.5: A limit of 16 descriptors for the process, some of them taken by others, MUST
            //# NOT change how a walk ends.
            //= docs/spec.md#e-errnos
            //# E.6: On EMFILE and ENFILE the walker MUST give back a slot and ask again.
            Open::Exhausted(_) if self.way.held_above() > 1 => {
                self.state = State::Descend(Descend::Thinning(history));
                Step::quiet(Arm::DescendThinning)
            }
            //= docs/spec.md#e-errnos
            //# E.7: When no slot can be given back, EMFILE and ENFILE MUST be a leftover below the
            //# root and Io at the root.
            Open::Exhausted(errno) => {
                self.blocked(Fault::errno(Operation::Open, errno));
                Step::quiet(Arm::DescendExhausted)
            }
            Open::Mounted => {
                self.blocked(Fault::new(Operation::Open, Reason::OtherFileSystem));
                Step::quiet(Arm::DescendMounted)
            }
            Open::Failed(errno) => {
                self.blocked(Fault::errno(Operation::Open, errno));
                Step::quiet(Arm::DescendUnopenable)
            }
        }
    }

    fn descend_identified<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        slot: Slot,
        history: History,
        identify: Identify,
    ) -> Step<N> {
        let leave = |why| State::Descend(Descend::Leaving(slot, why));
        match identify {
            //= docs/spec.md#g4-confinement
            //# G4.4: The walker MUST NOT enter a mount point beneath the root, be it another file
            //# system or a bind mount of the same device.
            //= docs/spec.md#g4-confinement
            //# G4.5: The walker MUST NOT enter a directory beneath the root whose device differs
            //# from the root's, as that of a btrfs subvolume does.
            //= docs/spec.md#g4-confinement
            //# G4.6: A mount point beneath the root MUST become a leftover.
            Identify::Is(found) if !self.is_at_home(found) => {
                let fault = Fault::new(Operation::Open, Reason::OtherFileSystem);
                self.state = leave(Unentered::Blocked(fault));
                Step::quiet(Arm::DescendForeign)
            }
            Identify::Is(found) if self.way.contains(self.believed(found.inode)) => {
                self.lose(names, Arm::DescendLooped, Cause::Loop)
            }
            Identify::Is(found) => {
                self.push_level(slot, history, found);
                //= docs/spec.md#g8-bounded-handles
                //# G8.1: A walk MUST NOT hold more than `max_open_dirs` + 3 descriptors at once,
                //# whatever the depth, the width and the number of helpers.
                if self.way.held_above() > usize::from(self.window) {
                    self.state = State::Descend(Descend::Narrowing);
                    Step::quiet(Arm::DescendNarrowing)
                } else {
                    self.state = State::Strip(Strip::Reading);
                    Step::quiet(Arm::DescendEntered)
                }
            }
            Identify::Gone(Gone::Missing | Gone::Stale) => {
                self.state = leave(Unentered::Vanished);
                Step::quiet(Arm::DescendDied)
            }
            Identify::Unsupported => {
                let fault = Fault::new(Operation::Identify, Reason::OtherFileSystem);
                self.state = leave(Unentered::Blocked(fault));
                Step::quiet(Arm::DescendUnidentified)
            }
            Identify::Failed(errno) => {
                self.state = leave(Unentered::Blocked(Fault::errno(Operation::Identify, errno)));
                Step::quiet(Arm::DescendUnidentified)
            }
        }
    }

    fn descend_left<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        slot: Slot,
        why: Unentered,
    ) -> Step<N> {
        self.slots.free(slot);
        match why {
            Unentered::Vanished => {
                self.forget_child(names);
                self.onward();
                Step::quiet(Arm::DescendLeft)
            }
            Unentered::Blocked(fault) => {
                self.blocked(fault);
                Step::quiet(Arm::DescendShut)
            }
        }
    }

    /// Whether a directory is on the root's mount and device (G4).
    fn is_at_home(&self, identity: Identity) -> bool {
        self.root
            .is_some_and(|r| r.mount == identity.mount && r.device == identity.device)
    }

    /// The child cannot be entered; it may still be empty (rule 3).
    fn blocked(&mut self, fault: Fault) {
        self.state = State::RemoveEmpty(RemoveEmpty::Child(Child::Blocked(fault)));
    }

    fn close_outermost(&mut self) {
        if let Some(slot) = self.way.release_outermost() {
            self.slots.free(slot);
        }
    }

    /// The last pending name turned out to be no directory: it is unlinked, unless that happened
    /// before in this pass (rule 2). What was left in the directory it named is void (rule 10).
    pub(super) fn turn_into_file<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        turned: Arm,
        flipped: Arm,
        note: Option<Note<N>>,
    ) -> Step<N> {
        let Some(child) = self.pending.last_mut() else {
            return self.broken(Arm::DescendBroken);
        };
        if child.was_directory {
            self.forget_child(names);
            self.onward();
            return Step::noting(flipped, note);
        }
        child.was_directory = true;
        self.state = State::Strip(Strip::UnlinkingTurned);
        Step::noting(turned, note)
    }
}
