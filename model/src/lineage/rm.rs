//! GNU `rm -rf`: the walk of fts, and what rm does with it.

use super::remover::{
    Algorithm, Answer, BASE, EISDIR, ENOENT, ENOTEMPTY, Hands, Looked, Next, failed, open_errno,
};
use fell::machine::{
    Errno, Gone, Identify, Kind, Limits, Open, Operation, Outcome, Read, Reason, Reply, Request,
    Rmdir, Slot, Unlink,
};

/// GNU `rm -rf` of coreutils 9.1, without `--one-file-system`.
///
/// A directory is read as a whole; each subdirectory is examined by its name, looked into whether it
/// is empty (and then removed at once), entered without following symlinks, and removed when its
/// entries are done. ENOENT and ENOTDIR are ignored. Every other error is printed with the path, and
/// the ancestors of what is left are not tried any more. Up leads a ring of descriptors; where it has
/// none left, `..`, of which device and inode number must be those that were seen on the way down, or
/// the walk ends.
///
/// What it abstracts: the ring has as many places as `max_open_dirs` says, 1 in the searches, where
/// the real one has 4; so what is shown with trees of three levels needs six there. The examination
/// (fstatat) and the look whether it is empty are one look. Directories of more than 10,000 entries
/// would be read in parts, cycles would be looked for, and paths be too long: left out. An exit
/// status of 1 is `NotEmpty`, with a leftover for each line that was printed; a walk that ends early
/// is `Failed`. glibc's readdir takes ENOENT for the end, so it does here.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Rm {
    at: At,
    ring_size: u16,
    ring: Vec<Slot>,
    cwd: Slot,
    way: Vec<Level>,
    has_failed: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Level {
    name: u8,
    number: u64,
    list: Vec<(u8, Kind)>,
    /// Something beneath it could not be removed.
    is_left: bool,
    /// Its listing ended with an error.
    error: Option<Errno>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    Examine(u8),
    Enter(u8, u64),
    /// The descriptor that fell out of the ring is closed.
    Entered,
    List,
    Unlink,
    Up,
    Compare,
    /// The directory that was left is closed.
    Left,
    Rmdir,
}

/// ESTALE.
const ESTALE: Errno = Errno(116);

impl Rm {
    fn examine(&mut self, name: u8) -> Next {
        self.at = At::Examine(name);
        Next::Look {
            parent: self.cwd,
            name: (!self.way.is_empty()).then_some(name),
            reads: true,
        }
    }

    fn unlink(&mut self, name: u8) -> Next {
        self.at = At::Unlink;
        Next::Ask(Request::Unlink {
            parent: self.cwd,
            name,
        })
    }

    fn rmdir(&mut self, name: u8) -> Next {
        self.at = At::Rmdir;
        Next::Ask(if self.way.is_empty() {
            Request::RmdirRoot { base: BASE }
        } else {
            Request::Rmdir {
                parent: self.cwd,
                name,
            }
        })
    }

    fn enter(&mut self, name: u8, number: u64, hands: &Hands) -> Next {
        self.at = At::Enter(name, number);
        let slot = hands.free();
        Next::Ask(if self.way.is_empty() {
            Request::OpenRoot { base: BASE, slot }
        } else {
            Request::Open {
                parent: self.cwd,
                name,
                slot,
            }
        })
    }

    fn entered(&mut self, name: u8, number: u64, hands: &Hands) -> Next {
        self.way.push(Level {
            name,
            number,
            list: Vec::new(),
            is_left: false,
            error: None,
        });
        let old = core::mem::replace(&mut self.cwd, hands.opened());
        if old != BASE {
            self.ring.push(old);
        }
        if self.ring.len() > usize::from(self.ring_size) {
            self.at = At::Entered;
            return Next::Ask(Request::Close {
                slot: self.ring.remove(0),
            });
        }
        self.list()
    }

    fn list(&mut self) -> Next {
        self.at = At::List;
        Next::Ask(Request::Read { slot: self.cwd })
    }

    /// The next entry, or the way up.
    fn on(&mut self, hands: &Hands) -> Next {
        let Some(level) = self.way.last_mut() else {
            return Next::Done(if self.has_failed {
                Outcome::NotEmpty
            } else {
                Outcome::Removed
            });
        };
        if level.list.is_empty() {
            return self.up(hands);
        }
        match level.list.remove(0) {
            (name, Kind::File) => self.unlink(name),
            (name, _) => self.examine(name),
        }
    }

    fn up(&mut self, hands: &Hands) -> Next {
        if self.way.len() == 1 {
            return self.leave(BASE);
        }
        if let Some(slot) = self.ring.pop() {
            return self.leave(slot);
        }
        self.at = At::Up;
        Next::Ask(Request::OpenParent {
            child: self.cwd,
            slot: hands.free(),
        })
    }

    fn leave(&mut self, to: Slot) -> Next {
        self.at = At::Left;
        let old = core::mem::replace(&mut self.cwd, to);
        Next::Ask(Request::Close { slot: old })
    }

    /// Back in the parent of a directory whose entries are done.
    fn left(&mut self, hands: &mut Hands) -> Next {
        let Some(level) = self.way.pop() else {
            return Next::Done(Outcome::Broken);
        };
        match level.error {
            Some(errno) => self.fail(errno, hands),
            None if level.is_left => self.on(hands),
            None => self.rmdir(level.name),
        }
    }

    /// A line is printed, and the ancestors are not tried any more.
    fn fail(&mut self, errno: Errno, hands: &mut Hands) -> Next {
        hands.tell(self.way.is_empty(), errno);
        self.has_failed = true;
        for level in &mut self.way {
            level.is_left = true;
        }
        self.on(hands)
    }
}

impl Algorithm for Rm {
    fn new(limits: Limits) -> Self {
        Rm {
            at: At::List,
            ring_size: limits.max_open_dirs,
            ring: Vec::new(),
            cwd: BASE,
            way: Vec::new(),
            has_failed: false,
        }
    }

    fn begin(&mut self, _: &Hands) -> Next {
        self.examine(0)
    }

    fn next(&mut self, hands: &mut Hands, answer: Answer) -> Next {
        match (self.at, answer) {
            (At::Examine(name), Answer::Looked(looked)) => match looked {
                Looked::Directory { is_empty: true, .. } => self.rmdir(name),
                Looked::Directory { identity, .. } => {
                    self.enter(name, identity.inode.number, hands)
                }
                Looked::Shut => self.enter(name, 0, hands),
                Looked::Missing if self.way.is_empty() => Next::Done(Outcome::Absent),
                Looked::File if self.way.is_empty() => Next::Done(Outcome::NotDirectory),
                Looked::File | Looked::Missing => self.unlink(name),
            },
            (At::Enter(name, number), Answer::Reply(Reply::Open(open))) => match open {
                Open::Opened => self.entered(name, number, hands),
                // It may be empty.
                _ => self.rmdir(name),
            },
            (At::Entered, _) => self.list(),
            (At::List, Answer::Reply(Reply::Read(read))) => {
                let Some(level) = self.way.last_mut() else {
                    return Next::Done(Outcome::Broken);
                };
                match read {
                    Read::Entry { name, kind, .. } => {
                        level.list.push((name, kind));
                        return self.list();
                    }
                    Read::End | Read::Gone(Gone::Missing) => {}
                    // With nothing read it is as one that cannot be opened: it may be empty.
                    _ if level.list.is_empty() => {}
                    Read::Gone(Gone::Stale) => level.error = Some(ESTALE),
                    Read::Failed(errno) => level.error = Some(errno),
                }
                self.on(hands)
            }
            (At::Unlink, Answer::Reply(Reply::Unlink(unlink))) => match unlink {
                Unlink::Removed | Unlink::Gone(Gone::Missing) => self.on(hands),
                Unlink::Gone(Gone::Stale) => self.fail(ESTALE, hands),
                Unlink::IsDirectory => self.fail(EISDIR, hands),
                Unlink::Denied(errno) | Unlink::Failed(errno) => self.fail(errno, hands),
            },
            (At::Up, Answer::Reply(Reply::Open(open))) => match open {
                Open::Opened => {
                    self.at = At::Compare;
                    Next::Ask(Request::Identify {
                        slot: hands.opened(),
                    })
                }
                other => failed(Operation::Open, open_errno(other)),
            },
            (At::Compare, Answer::Reply(Reply::Identify(told))) => {
                let above = self.way.len().checked_sub(2).map(|at| self.way[at].number);
                match told {
                    Identify::Is(identity) if Some(identity.inode.number) == above => {
                        self.leave(hands.opened())
                    }
                    Identify::Is(_) => failed(Operation::Open, ENOENT),
                    Identify::Failed(errno) => failed(Operation::Identify, Reason::Errno(errno)),
                    Identify::Gone(_) => failed(Operation::Identify, Reason::Stale),
                    Identify::Unsupported => Next::Done(Outcome::Broken),
                }
            }
            (At::Left, _) => self.left(hands),
            (At::Rmdir, Answer::Reply(Reply::Rmdir(rmdir))) => match rmdir {
                Rmdir::Removed | Rmdir::Gone(Gone::Missing) | Rmdir::NotDirectory => self.on(hands),
                Rmdir::Gone(Gone::Stale) => self.fail(ESTALE, hands),
                Rmdir::NotEmpty => self.fail(ENOTEMPTY, hands),
                Rmdir::Busy => self.fail(Errno(16), hands),
                Rmdir::Failed(errno) => self.fail(errno, hands),
            },
            _ => Next::Done(Outcome::Broken),
        }
    }
}
