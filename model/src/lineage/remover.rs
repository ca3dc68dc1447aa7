//! What the removers of the lineage have in common: who holds which slot, and how lstat is asked.

use crate::machine::Machine;
use crate::rank::Rank;
use crate::world::SLOTS;
use core::fmt::Debug;
use core::hash::Hash;
use fell::machine::{
    At, Errno, Fault, Gone, Identify, Identity, Inode, Limits, Note, Open, Operation, Outcome,
    Read, Reason, Reply, Request, Slot, StateName, Step, Stop,
};

/// The slot of the root's parent. It stands for the directory in which a path begins and is never
/// read.
pub(crate) const BASE: Slot = Slot(0);

/// A remover's algorithm: what it asks next, given the answer to what it asked before.
pub(crate) trait Algorithm: Clone + Eq + Hash + Debug + Send + Sync + 'static {
    /// Before anything was asked.
    fn new(limits: Limits) -> Self;

    /// The root's parent can be asked: the first question.
    fn begin(&mut self, hands: &Hands) -> Next;

    /// The next question.
    fn next(&mut self, hands: &mut Hands, answer: Answer) -> Next;
}

/// What an algorithm does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Next {
    /// One system call.
    Ask(Request<u8>),
    /// lstat(2) of an entry, or of the root if there is no name.
    Look {
        parent: Slot,
        name: Option<u8>,
        /// Also read one entry, to learn whether it is empty.
        reads: bool,
    },
    /// It is over; what is held is closed.
    Done(Outcome),
}

/// What an algorithm is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// The reply to a system call.
    Reply(Reply<u8>),
    /// What lstat says.
    Looked(Looked),
}

/// What lstat says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Looked {
    /// A directory.
    Directory { identity: Identity, is_empty: bool },
    /// A directory of which nothing more is known, for it cannot be opened.
    Shut,
    /// Anything else.
    File,
    /// ENOENT.
    Missing,
}

/// Which slots are held, and what the report is told.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Hands {
    open: u8,
    /// The slot that was opened last.
    last: Slot,
    note: Option<(bool, Errno)>,
}

impl Hands {
    /// The lowest number that is free.
    pub(crate) fn free(&self) -> Slot {
        let slot = self.open.trailing_ones();
        Slot(u16::try_from(slot).unwrap_or(u16::MAX))
    }

    /// The slot that the call just answered opened.
    pub(crate) fn opened(&self) -> Slot {
        self.last
    }

    /// The remover tells its caller the path of something that is left: the root's or another one.
    pub(crate) fn tell(&mut self, is_root: bool, errno: Errno) {
        self.note = Some((is_root, errno));
    }
}

/// How far an lstat is: it is expressed by an opening that is closed again, which follows no symlink.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Looking {
    Opening,
    Identifying(Slot),
    Reading(Slot, Identity),
    Closing(Identity, bool),
}

/// A remover of the lineage: an algorithm, and the slots it holds.
///
/// Two things are asked that the real ones do not ask, and they use no answer to them: the root's
/// parent is opened, which stands for the directory in which the root's path begins; and the root is
/// identified when it is first opened, so that the model knows what was reached (G4).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Remover<A> {
    limits: Limits,
    algorithm: A,
    hands: Hands,
    request: Option<Request<u8>>,
    looking: Option<(Looking, bool)>,
    /// The reply to the first opening of the root, until the root is identified.
    opened: Option<Reply<u8>>,
    root: Option<Identity>,
    decided: Option<Outcome>,
}

impl<A: Algorithm> Remover<A> {
    fn go(&mut self, next: Next) {
        match next {
            Next::Ask(request) => self.ask(request),
            Next::Look {
                parent,
                name,
                reads,
            } => {
                self.looking = Some((Looking::Opening, reads));
                let slot = self.hands.free();
                self.ask(match name {
                    Some(name) => Request::Open { parent, name, slot },
                    None => Request::OpenRoot { base: parent, slot },
                });
            }
            Next::Done(outcome) => {
                self.decided = Some(outcome);
                self.close_next();
            }
        }
    }

    fn ask(&mut self, request: Request<u8>) {
        let slots = u16::try_from(SLOTS).unwrap_or(u16::MAX);
        match opened_slot(&request) {
            // Deeper than the model has slots; no configuration gets there.
            Some(Slot(slot)) if slot >= slots => self.go(Next::Done(Outcome::Broken)),
            _ => self.request = Some(request),
        }
    }

    fn close_next(&mut self) {
        let slot = self.hands.open.trailing_zeros();
        self.request = u16::try_from(slot)
            .ok()
            .filter(|_| self.hands.open != 0)
            .map(|slot| Request::Close { slot: Slot(slot) });
    }

    fn tell(&mut self, answer: Answer) {
        let next = self.algorithm.next(&mut self.hands, answer);
        self.go(next);
    }

    fn looks(&mut self, looking: Looking, reads: bool, request: Request<u8>) {
        self.looking = Some((looking, reads));
        self.request = Some(request);
    }

    /// A step of an lstat.
    fn look(&mut self, looking: Looking, reads: bool, request: &Request<u8>, reply: Reply<u8>) {
        let looked = match (looking, reply) {
            (Looking::Opening, Reply::Open(Open::Opened)) => {
                let slot = opened_slot(request).unwrap_or(BASE);
                return self.looks(
                    Looking::Identifying(slot),
                    reads,
                    Request::Identify { slot },
                );
            }
            (Looking::Opening, Reply::Open(Open::Gone(_)) | Reply::Closed) => Looked::Missing,
            (Looking::Opening, Reply::Open(Open::NotDirectory)) => Looked::File,
            (Looking::Identifying(slot), Reply::Identify(Identify::Is(identity))) => {
                if self.root.is_none() {
                    self.root = Some(identity);
                }
                let (looking, request) = if reads {
                    (Looking::Reading(slot, identity), Request::Read { slot })
                } else {
                    (Looking::Closing(identity, false), Request::Close { slot })
                };
                return self.looks(looking, reads, request);
            }
            // Gone meanwhile: as an lstat an instant later says.
            (Looking::Identifying(slot), _) => {
                return self.looks(Looking::Opening, reads, Request::Close { slot });
            }
            (Looking::Reading(slot, identity), reply) => {
                let is_empty = matches!(reply, Reply::Read(Read::End | Read::Gone(Gone::Missing)));
                return self.looks(
                    Looking::Closing(identity, is_empty),
                    reads,
                    Request::Close { slot },
                );
            }
            (Looking::Closing(identity, is_empty), _) => Looked::Directory { identity, is_empty },
            (Looking::Opening, _) => Looked::Shut,
        };
        self.looking = None;
        self.tell(Answer::Looked(looked));
    }

    fn track(&mut self, request: &Request<u8>, reply: Reply<u8>) {
        match (opened_slot(request), request, reply) {
            (Some(Slot(slot)), _, Reply::Open(Open::Opened)) => {
                self.hands.open |= 1 << slot;
                self.hands.last = Slot(slot);
            }
            (_, Request::Close { slot: Slot(slot) }, _) => self.hands.open &= !(1 << slot),
            _ => {}
        }
    }
}

fn opened_slot(request: &Request<u8>) -> Option<Slot> {
    match *request {
        Request::OpenBase { slot }
        | Request::OpenRoot { slot, .. }
        | Request::Open { slot, .. }
        | Request::OpenParent { slot, .. }
        | Request::OpenAbove { slot, .. } => Some(slot),
        _ => None,
    }
}

/// A root of which nothing is known but that it is one.
const UNKNOWN: Identity = Identity {
    mount: 0,
    device: 0,
    inode: Inode {
        number: u64::MAX,
        birth: fell::machine::Birth::UNKNOWN,
    },
};

impl<A: Algorithm> Machine for Remover<A> {
    fn new(limits: Limits) -> Self {
        Remover {
            limits,
            algorithm: A::new(limits),
            hands: Hands {
                open: 0,
                last: BASE,
                note: None,
            },
            request: Some(Request::OpenBase { slot: BASE }),
            looking: None,
            opened: None,
            root: None,
            decided: None,
        }
    }

    fn request(&self) -> Option<Request<u8>> {
        self.request
    }

    fn step(&mut self, reply: Reply<u8>) -> Step<u8> {
        if let Some(request) = self.request.take() {
            self.track(&request, reply);
            if self.decided.is_some() {
                self.close_next();
            } else if let Some((looking, reads)) = self.looking {
                self.look(looking, reads, &request, reply);
            } else if let (Request::OpenBase { .. }, _) = (&request, reply) {
                let next = match reply {
                    Reply::Open(Open::Opened) => self.algorithm.begin(&self.hands),
                    _ => Next::Done(Outcome::Absent),
                };
                self.go(next);
            } else if let (Request::OpenRoot { slot, .. }, Reply::Open(Open::Opened), None) =
                (&request, reply, self.root)
            {
                self.opened = Some(reply);
                self.request = Some(Request::Identify { slot: *slot });
            } else if let Some(opened) = self.opened.take() {
                self.root = Some(match reply {
                    Reply::Identify(Identify::Is(identity)) => identity,
                    _ => UNKNOWN,
                });
                self.tell(Answer::Reply(opened));
            } else {
                self.tell(Answer::Reply(reply));
            }
        }
        let note = self
            .hands
            .note
            .take()
            .map(|(is_root, errno)| Note::Leftover {
                at: if is_root { At::Root } else { At::Level(0) },
                fault: Fault::errno(Operation::Rmdir, errno),
            });
        Step { arm: None, note }
    }

    fn stop(&mut self, why: Stop) {
        self.decided = Some(Outcome::Stopped(why));
        self.close_next();
    }

    fn hand_on(&mut self) -> bool {
        false
    }

    fn state_name(&self) -> StateName {
        if self.decided.is_some() {
            StateName::Done
        } else {
            StateName::Strip
        }
    }

    fn decided(&self) -> Option<Outcome> {
        self.decided
    }

    fn outcome(&self) -> Option<Outcome> {
        self.decided.filter(|_| self.request.is_none())
    }

    fn held(&self) -> u32 {
        self.hands.open.count_ones()
    }

    /// None of them promises a bound; how many they hold is measured apart (see [`super::handles`]).
    fn max_open_dirs(&self) -> usize {
        SLOTS
    }

    fn patience(&self) -> u32 {
        self.limits.patience
    }

    fn is_spent(&self) -> bool {
        false
    }

    fn root(&self) -> Option<Identity> {
        self.root
    }

    fn remembers(&self, _: Inode) -> bool {
        false
    }

    fn noted(&self) -> usize {
        crate::world::SLOTS
    }

    fn rank(&self, _: &crate::world::Unread<'_>) -> Option<Rank> {
        None
    }

    fn reading(&self) -> Option<Slot> {
        None
    }

    fn examines(&self) -> bool {
        self.looking.is_some() || self.opened.is_some()
    }
}

/// An error that ends a walk.
pub(crate) const fn failed(operation: Operation, reason: Reason) -> Next {
    Next::Done(Outcome::Failed(Fault::new(operation, reason)))
}

/// ENOENT.
pub(crate) const ENOENT: Reason = Reason::Errno(Errno(2));
/// EISDIR.
pub(crate) const EISDIR: Errno = Errno(21);
/// ENOTEMPTY.
pub(crate) const ENOTEMPTY: Errno = Errno(39);

/// What errno an opening answered.
pub(crate) const fn open_errno(open: Open) -> Reason {
    match open {
        Open::Opened | Open::Gone(Gone::Missing) => ENOENT,
        Open::Gone(Gone::Stale) => Reason::Stale,
        Open::NotDirectory => Reason::NotDirectory,
        Open::Mounted => Reason::OtherFileSystem,
        Open::Exhausted(errno) | Open::Failed(errno) => Reason::Errno(errno),
    }
}
