//! `fuc_engine`, which goes breadth first and by paths.

use super::remover::{Algorithm, Answer, BASE, ENOENT, Hands, Next, failed, open_errno};
use crate::world::FOLLOWED;
use fell::machine::{
    Gone, Kind, Limits, Open, Operation, Outcome, Read, Reason, Reply, Request, Rmdir, Slot, Unlink,
};

/// `fuc_engine` 3.2.1 on Linux.
///
/// Each directory is opened by its whole path, of which only the last part may not be a symlink. What
/// is no directory is unlinked, each subdirectory is put into a queue. A directory without
/// subdirectories is removed by its path, and with it each of its ancestors of which it was the last
/// child. ENOTEMPTY lets it be opened and read again, without a bound; every other error, ENOENT
/// among them, ends the walk.
///
/// What it abstracts: one thread, where the real one has as many as there are processors; each does
/// what this one does. A path is walked from the root's parent by one opening a part, each but the
/// last following symlinks; the kernel's own walk is no more atomic. getdents64 is called without
/// glibc, so ENOENT is an error here. An absent root is an error unless `force` is set; here it
/// counts as success. The paths of errors are not told, for no error is `NotEmpty`. Left out is what
/// it does with paths of 4,096 bytes and more.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Fuc {
    at: At,
    /// The directory that is worked on, as a path below the root.
    node: Vec<u8>,
    queue: Vec<Vec<u8>>,
    has_children: bool,
    /// The root was opened.
    has_begun: bool,
    /// How much of the path is walked.
    walked: u8,
    slot: Slot,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    /// Walking to the directory, to read it; or to its parent, to remove it.
    Walk(Aim),
    /// Giving back the part of the path before the one just opened.
    Walked(Aim),
    Read,
    Unlink(u8),
    Close,
    Rmdir,
    /// After a rmdir by path.
    Left(bool),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Aim {
    Read,
    Rmdir,
}

impl Fuc {
    fn start(&mut self, aim: Aim, hands: &Hands) -> Next {
        self.walked = 0;
        self.slot = BASE;
        if aim == Aim::Rmdir && self.node.is_empty() {
            self.at = At::Rmdir;
            return Next::Ask(Request::RmdirRoot { base: BASE });
        }
        self.at = At::Walk(aim);
        Next::Ask(Request::OpenRoot {
            base: BASE,
            slot: hands.free(),
        })
    }

    /// How many parts of the path below the root are to be opened.
    fn parts(&self, aim: Aim) -> usize {
        self.node.len() - usize::from(aim == Aim::Rmdir)
    }

    fn walk(&mut self, aim: Aim, hands: &Hands) -> Next {
        let walked = usize::from(self.walked);
        if walked == self.parts(aim) {
            return self.arrived(aim);
        }
        let is_last = aim == Aim::Read && walked + 1 == self.node.len();
        let follow = if is_last { 0 } else { FOLLOWED };
        self.walked += 1;
        self.at = At::Walk(aim);
        Next::Ask(Request::Open {
            parent: self.slot,
            name: self.node[walked] | follow,
            slot: hands.free(),
        })
    }

    fn arrived(&mut self, aim: Aim) -> Next {
        if let (Aim::Rmdir, Some(&name)) = (aim, self.node.last()) {
            self.at = At::Rmdir;
            return Next::Ask(Request::Rmdir {
                parent: self.slot,
                name,
            });
        }
        self.has_children = false;
        self.read()
    }

    fn read(&mut self) -> Next {
        self.at = At::Read;
        Next::Ask(Request::Read { slot: self.slot })
    }

    fn found(&mut self, read: Read<u8>) -> Next {
        match read {
            Read::Entry {
                name,
                kind: Kind::Directory,
                ..
            } => self.enqueue(name),
            Read::Entry { name, .. } => {
                self.at = At::Unlink(name);
                Next::Ask(Request::Unlink {
                    parent: self.slot,
                    name,
                })
            }
            Read::End => {
                self.at = At::Close;
                Next::Ask(Request::Close { slot: self.slot })
            }
            Read::Gone(Gone::Missing) => failed(Operation::Read, ENOENT),
            Read::Gone(Gone::Stale) => failed(Operation::Read, Reason::Stale),
            Read::Failed(errno) => failed(Operation::Read, Reason::Errno(errno)),
        }
    }

    fn enqueue(&mut self, name: u8) -> Next {
        let mut child = self.node.clone();
        child.push(name);
        self.queue.push(child);
        self.has_children = true;
        self.read()
    }

    fn unlinked(&mut self, unlink: Unlink, name: u8) -> Next {
        let why = match unlink {
            Unlink::Removed => return self.read(),
            Unlink::IsDirectory => return self.enqueue(name),
            Unlink::Gone(Gone::Missing) => ENOENT,
            Unlink::Gone(Gone::Stale) => Reason::Stale,
            Unlink::Denied(errno) | Unlink::Failed(errno) => Reason::Errno(errno),
        };
        failed(Operation::Unlink, why)
    }

    /// The next directory of the queue.
    fn take(&mut self, hands: &Hands) -> Next {
        if self.queue.is_empty() {
            return Next::Done(Outcome::Removed);
        }
        self.node = self.queue.remove(0);
        self.start(Aim::Read, hands)
    }

    /// A directory is removed; its parent is next if this was the last of its children.
    fn removed(&mut self, hands: &Hands) -> Next {
        if self.node.pop().is_none() {
            return Next::Done(Outcome::Removed);
        }
        // What something in the queue is beneath is still held.
        let is_held = self.queue.iter().any(|path| path.starts_with(&self.node));
        if is_held {
            self.take(hands)
        } else {
            self.start(Aim::Rmdir, hands)
        }
    }
}

impl Algorithm for Fuc {
    fn new(_: Limits) -> Self {
        Fuc {
            at: At::Walk(Aim::Read),
            node: Vec::new(),
            queue: Vec::new(),
            has_children: false,
            has_begun: false,
            walked: 0,
            slot: BASE,
        }
    }

    fn begin(&mut self, hands: &Hands) -> Next {
        self.start(Aim::Read, hands)
    }

    fn next(&mut self, hands: &mut Hands, answer: Answer) -> Next {
        match (self.at, answer) {
            (At::Walk(aim), Answer::Reply(Reply::Open(open))) => match open {
                Open::Opened => {
                    self.has_begun = true;
                    let old = core::mem::replace(&mut self.slot, hands.opened());
                    if old == BASE {
                        return self.walk(aim, hands);
                    }
                    self.at = At::Walked(aim);
                    Next::Ask(Request::Close { slot: old })
                }
                Open::Gone(_) if !self.has_begun => Next::Done(Outcome::Absent),
                Open::NotDirectory if self.node.is_empty() => Next::Done(Outcome::NotDirectory),
                other => failed(Operation::Open, open_errno(other)),
            },
            (At::Walked(aim), _) => self.walk(aim, hands),
            (At::Read, Answer::Reply(Reply::Read(read))) => self.found(read),
            (At::Unlink(name), Answer::Reply(Reply::Unlink(unlink))) => self.unlinked(unlink, name),
            (At::Close, _) if self.has_children => self.take(hands),
            (At::Close, _) => self.start(Aim::Rmdir, hands),
            (At::Rmdir, Answer::Reply(Reply::Rmdir(rmdir))) => {
                let again = match rmdir {
                    Rmdir::Removed => false,
                    Rmdir::NotEmpty => true,
                    Rmdir::Gone(Gone::Missing) => return failed(Operation::Rmdir, ENOENT),
                    Rmdir::Gone(Gone::Stale) => return failed(Operation::Rmdir, Reason::Stale),
                    Rmdir::NotDirectory => {
                        return failed(Operation::Rmdir, Reason::NotDirectory);
                    }
                    Rmdir::Busy => return failed(Operation::Rmdir, Reason::Busy),
                    Rmdir::Failed(errno) => {
                        return failed(Operation::Rmdir, Reason::Errno(errno));
                    }
                };
                self.at = At::Left(again);
                if self.slot == BASE {
                    return self.next(hands, answer);
                }
                Next::Ask(Request::Close { slot: self.slot })
            }
            (At::Left(true), _) => self.start(Aim::Read, hands),
            (At::Left(false), _) => self.removed(hands),
            _ => Next::Done(Outcome::Broken),
        }
    }
}
