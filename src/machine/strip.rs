//! Strip: inside a directory, unlinking what is no directory and noting what is.
//!
//! Per file one unlink and nothing else: the type in the listing is a hint, and where it is wrong
//! the unlink says so (rule 2).

use super::outcome::{At, Fault, Note, Reason};
use super::pending::{Names, Pending};
use super::reply::{Gone, Kind, Read, Reply, Seek, Unlink};
use super::request::{Operation, Position, Request};
use super::state::{State, Strip};
use super::table::Arm;
use super::way::Reading;
use super::{Step, Walker, other_than};

impl<N: Copy + Eq> Walker<N> {
    pub(super) fn strip_request(&self, state: Strip<N>) -> Option<Request<N>> {
        let level = self.way.top()?;
        let slot = level.slot?;
        match state {
            Strip::Seeking => Some(Request::Seek {
                slot,
                position: level.position,
            }),
            Strip::Reading => Some(Request::Read { slot }),
            //= docs/spec.md#g4-confinement
            //# G4.1: The walker MUST NOT remove anything but entries of reached directories.
            Strip::Unlinking { name, .. } => Some(Request::Unlink { parent: slot, name }),
            Strip::UnlinkingTurned => self.pending.last().map(|child| Request::Unlink {
                parent: slot,
                name: child.name,
            }),
        }
    }

    pub(super) fn strip<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        state: Strip<N>,
        reply: Reply<N>,
    ) -> Step<N> {
        match (state, reply) {
            (Strip::Seeking, Reply::Seek(seek)) => self.strip_sought(names, seek),
            (Strip::Reading, Reply::Read(read)) => self.strip_read(names, read),
            (Strip::Unlinking { name, unknown }, Reply::Unlink(unlink)) => {
                self.strip_unlinked(names, name, unknown, unlink)
            }
            (Strip::UnlinkingTurned, Reply::Unlink(unlink)) => self.strip_turned(names, unlink),
            (Strip::Seeking, other_than!(Seek))
            | (Strip::Reading, other_than!(Read))
            | (Strip::Unlinking { .. } | Strip::UnlinkingTurned, other_than!(Unlink)) => {
                self.broken(Arm::StripBroken)
            }
        }
    }

    fn strip_sought<S: Names<Name = N>>(&mut self, names: &mut S, seek: Seek) -> Step<N> {
        match seek {
            Seek::Sought => {
                if let Some(level) = self.way.top_mut() {
                    level.doubt |= !self.kept.positions;
                }
                self.state = State::Strip(Strip::Reading);
                Step::quiet(Arm::StripSought)
            }
            Seek::Gone(Gone::Missing | Gone::Stale) => self.cut_short(names, Arm::StripSeekGone),
            Seek::Failed(errno) => {
                self.unreadable(Arm::StripSeekFailed, Fault::errno(Operation::Seek, errno))
            }
        }
    }

    fn strip_read<S: Names<Name = N>>(&mut self, names: &mut S, read: Read<N>) -> Step<N> {
        match read {
            Read::Entry {
                name,
                kind,
                position,
            } => {
                //= docs/spec.md#g3-termination
                //# G3.6: Where `max_entries` is set, which it is not by default, the walker MUST
                //# NOT remove or enter more than that many entries.
                if self.entries == Some(0) {
                    let fault = Fault::new(Operation::Read, Reason::Limit);
                    return self.unreadable(Arm::StripLimit, fault);
                }
                self.entries = self.entries.map(|left| left - 1);
                self.strip_entry(names, name, kind, position)
            }
            Read::End => {
                self.end_reading();
                self.onward();
                Step::quiet(Arm::StripEnd)
            }
            Read::Gone(Gone::Missing | Gone::Stale) => self.cut_short(names, Arm::StripGone),
            Read::Failed(errno) => {
                self.unreadable(Arm::StripReadFailed, Fault::errno(Operation::Read, errno))
            }
        }
    }

    fn strip_entry<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        name: N,
        kind: Kind,
        position: Position,
    ) -> Step<N> {
        if let Some(level) = self.way.top_mut() {
            level.met = level.met.saturating_add(1);
            level.position = position;
        }
        match kind {
            Kind::Directory => {
                self.note(names, name, false);
                let full = !matches!(self.state, State::Strip(_));
                Step::quiet(if full {
                    Arm::StripFull
                } else {
                    Arm::StripNoted
                })
            }
            Kind::File | Kind::Unknown => {
                let unknown = kind == Kind::Unknown;
                self.state = State::Strip(Strip::Unlinking { name, unknown });
                Step::quiet(Arm::StripFile)
            }
        }
    }

    fn strip_unlinked<S: Names<Name = N>>(
        &mut self,
        names: &mut S,
        name: N,
        unknown: bool,
        unlink: Unlink,
    ) -> Step<N> {
        match unlink {
            Unlink::Removed => {
                self.state = State::Strip(Strip::Reading);
                Step::quiet(Arm::StripRemoved)
            }
            Unlink::Gone(Gone::Missing | Gone::Stale) => {
                self.state = State::Strip(Strip::Reading);
                Step::quiet(Arm::StripVanished)
            }
            Unlink::IsDirectory => {
                self.note(names, name, true);
                Step::quiet(Arm::StripIsDirectory)
            }
            Unlink::Denied(_) if unknown => {
                self.note(names, name, true);
                Step::quiet(Arm::StripMayBeDirectory)
            }
            Unlink::Denied(errno) => self.strip_left(name, Arm::StripDenied, errno),
            //= docs/spec.md#e-errnos
            //# E.4: Below the root, every other errno that ends the attempt to remove an entry MUST
            //# make that entry a leftover.
            Unlink::Failed(errno) => self.strip_left(name, Arm::StripFailed, errno),
        }
    }

    fn strip_left(&mut self, name: N, arm: Arm, errno: super::Errno) -> Step<N> {
        self.mark_left();
        self.state = State::Strip(Strip::Reading);
        Step::noting(
            arm,
            self.entry_left(name, Fault::errno(Operation::Unlink, errno)),
        )
    }

    fn strip_turned<S: Names<Name = N>>(&mut self, names: &mut S, unlink: Unlink) -> Step<N> {
        let arm = match unlink {
            Unlink::Removed => Arm::StripTurnedRemoved,
            Unlink::Gone(Gone::Missing | Gone::Stale) => Arm::StripTurnedVanished,
            Unlink::IsDirectory => match self.pending.last_mut() {
                Some(child) if !child.was_file => {
                    child.was_file = true;
                    child.given = false;
                    self.onward();
                    return Step::quiet(Arm::StripTurnedBack);
                }
                Some(_) | None => Arm::StripFlipped,
            },
            Unlink::Denied(errno) | Unlink::Failed(errno) => {
                let fault = Fault::errno(Operation::Unlink, errno);
                return self.leave_child(names, Arm::StripTurnedFailed, fault);
            }
        };
        self.forget_child(names);
        self.onward();
        Step::quiet(arm)
    }

    /// Keeps the name of a subdirectory. The reading stops when the level has noted as many as it
    /// may: the noted ones are removed first, and it continues behind the last entry (rule 7).
    fn note<S: Names<Name = N>>(&mut self, names: &mut S, fresh: N, was_file: bool) {
        let name = names.keep(fresh);
        self.pending.push(Pending {
            name,
            was_file,
            was_directory: false,
            given: false,
        });
        let base = self.way.top().map_or(0, |level| level.base);
        // Of the names below this level's, one a level is being walked and does not count.
        let outer = base.saturating_sub(self.current());
        let own = u32::try_from(self.pending.len())
            .unwrap_or(u32::MAX)
            .saturating_sub(base);
        //= docs/spec.md#g9-bounded-memory
        //# G9.5: When the arena is full, a directory MUST be read one subdirectory at a time, each
        //# time going on at the position where the reading stopped.
        if own >= self.limits.room(outer) {
            self.onward();
        } else {
            self.state = State::Strip(Strip::Reading);
        }
    }

    /// The current directory answered gone: there is nothing left to strip in it, and what was
    /// noted is gone with it. Not a pass (rule 1).
    fn cut_short<S: Names<Name = N>>(&mut self, names: &mut S, arm: Arm) -> Step<N> {
        while self.way.top().is_some_and(|level| self.has_pending(level)) {
            self.forget_child(names);
        }
        if let Some(level) = self.way.top_mut() {
            level.cut = true;
        }
        self.end_reading();
        self.onward();
        Step::quiet(arm)
    }

    /// The rest of the listing cannot be had: a leftover. What was noted is still tried (G7). At the
    /// root only the end tells whether this becomes NotEmpty or Io.
    fn unreadable(&mut self, arm: Arm, fault: Fault) -> Step<N> {
        let level = self.current();
        if level == 0 && fault.reason != Reason::Limit {
            self.fault = Some(fault);
        } else {
            self.mark_left();
        }
        self.end_reading();
        self.onward();
        Step::noting(
            arm,
            Note::Leftover {
                at: At::Level(level),
                fault,
            },
        )
    }

    fn end_reading(&mut self) {
        if let Some(level) = self.way.top_mut() {
            level.reading = Reading::Ended;
        }
    }
}
