//! koji's `rmtree`, before and after pull request 2699.

use super::remover::{Algorithm, Answer, BASE, ENOTEMPTY, Hands, Looked, Next, failed, open_errno};
use crate::world::{FOLLOWED, START};
use fell::machine::{
    Gone, Identity, Limits, Open, Operation, Outcome, Read, Reason, Reply, Request, Rmdir, Seek,
    Slot,
};

/// koji's `rmtree`; `AFTER` the pull request or before it.
///
/// The source is the text of the pull request, and `_stripcwd` as koji 1.32 has it.
///
/// What it abstracts: the working directory is an open slot, chdir an opening that follows symlinks
/// and gives the old slot back. lstat is an opening that is closed again. `listdir` opens `.` anew,
/// which here is a seek to the beginning; glibc's readdir takes ENOENT for the end, so it does here.
/// The chdir back to where the caller stood always succeeds. An exception is `Failed`, but ENOTEMPTY
/// from the last rmdir, which names the root, is `NotEmpty` with the root as its leftover. The lstat
/// of an absent root counts as success, whatever koji does with it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Koji<const AFTER: bool> {
    at: At,
    cwd: Slot,
    device: u64,
    stack: Vec<Vec<u8>>,
    dirs: Vec<u8>,
    listed: Vec<u8>,
    /// Before the pull request: the directory that was lost is being stripped.
    is_lost: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    /// lstat of the root.
    Stat,
    /// The first chdir, and after the pull request those of each retry.
    Enter,
    /// Before the pull request: the chdir to the root when the way is lost.
    Reenter(Then),
    /// The old working directory is given back, and then...
    Left(Then),
    Rewind,
    List,
    Examine(u8),
    Unlink,
    Up,
    RmdirChild,
    Down,
    Final,
}

/// What follows on a chdir.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Then {
    Strip,
    Climb,
    RmdirChild,
    Enter,
    Final,
}

impl<const AFTER: bool> Koji<AFTER> {
    fn chdir(&mut self, slot: Slot, then: Then, hands: &Hands) -> Next {
        let old = core::mem::replace(&mut self.cwd, slot);
        if old == BASE {
            return self.then(then, hands);
        }
        self.at = At::Left(then);
        Next::Ask(Request::Close { slot: old })
    }

    fn then(&mut self, then: Then, hands: &Hands) -> Next {
        match then {
            Then::Strip => self.strip(),
            Then::Climb => self.climb(hands),
            Then::RmdirChild => {
                self.dirs = self.stack.pop().unwrap_or_default();
                let name = self.dirs.pop().unwrap_or_default();
                self.at = At::RmdirChild;
                Next::Ask(Request::Rmdir {
                    parent: self.cwd,
                    name,
                })
            }
            Then::Enter => self.open_root(At::Enter, hands),
            Then::Final => {
                self.at = At::Final;
                Next::Ask(Request::RmdirRoot { base: BASE })
            }
        }
    }

    fn strip(&mut self) -> Next {
        self.dirs.clear();
        self.listed.clear();
        self.at = At::Rewind;
        Next::Ask(Request::Seek {
            slot: self.cwd,
            position: START,
        })
    }

    fn open_root(&mut self, at: At, hands: &Hands) -> Next {
        self.at = at;
        Next::Ask(Request::OpenRoot {
            base: BASE,
            slot: hands.free(),
        })
    }

    /// The next entry of the listing is examined.
    fn examine(&mut self, hands: &Hands) -> Next {
        if self.listed.is_empty() {
            return self.stripped(hands);
        }
        let name = self.listed.remove(0);
        self.at = At::Examine(name);
        Next::Look {
            parent: self.cwd,
            name: Some(name),
            reads: false,
        }
    }

    fn stripped(&mut self, hands: &Hands) -> Next {
        if core::mem::take(&mut self.is_lost) {
            // The names that the lost directory had, if any, are next used in the root.
            return self.open_root(At::Reenter(Then::Climb), hands);
        }
        self.climb(hands)
    }

    /// Up while there are no subdirectories, then down into the last one.
    fn climb(&mut self, hands: &Hands) -> Next {
        let slot = hands.free();
        if let Some(&name) = self.dirs.last() {
            self.at = At::Down;
            Next::Ask(Request::Open {
                parent: self.cwd,
                name: name | FOLLOWED,
                slot,
            })
        } else if self.stack.is_empty() {
            self.chdir(BASE, Then::Final, hands)
        } else {
            self.at = At::Up;
            Next::Ask(Request::OpenParent {
                child: self.cwd,
                slot,
            })
        }
    }

    fn entered(&mut self, open: Open, hands: &Hands) -> Next {
        match open {
            Open::Opened => self.chdir(hands.opened(), Then::Strip, hands),
            Open::Gone(_) if AFTER => Next::Done(Outcome::Vanished),
            Open::Gone(_) => failed(Operation::Open, open_errno(open)),
            other if AFTER => failed(Operation::Open, open_errno(other)),
            // The test of the errno is the wrong way round.
            _ => Next::Done(Outcome::Removed),
        }
    }

    fn up(&mut self, open: Open, hands: &Hands) -> Next {
        match open {
            Open::Opened => self.chdir(hands.opened(), Then::RmdirChild, hands),
            Open::Gone(_) if AFTER => {
                self.stack.clear();
                self.dirs.clear();
                self.chdir(BASE, Then::Enter, hands)
            }
            Open::Gone(_) => {
                self.stack.clear();
                self.is_lost = true;
                self.strip()
            }
            other => failed(Operation::Open, open_errno(other)),
        }
    }

    fn down(&mut self, open: Open, hands: &Hands) -> Next {
        match open {
            Open::Opened => {
                self.stack.push(core::mem::take(&mut self.dirs));
                self.chdir(hands.opened(), Then::Strip, hands)
            }
            Open::Gone(Gone::Missing) if AFTER => {
                self.dirs.pop();
                self.strip()
            }
            Open::Gone(Gone::Missing) => {
                self.stack.clear();
                self.dirs.clear();
                self.open_root(At::Reenter(Then::Strip), hands)
            }
            other => failed(Operation::Open, open_errno(other)),
        }
    }

    fn last(hands: &mut Hands, rmdir: Rmdir) -> Next {
        let why = match rmdir {
            Rmdir::Gone(Gone::Missing) => return Next::Done(Outcome::Vanished),
            Rmdir::NotEmpty if AFTER => {
                hands.tell(true, ENOTEMPTY);
                return Next::Done(Outcome::NotEmpty);
            }
            // Before, ENOTEMPTY is only warned about.
            Rmdir::Removed | Rmdir::NotEmpty => return Next::Done(Outcome::Removed),
            Rmdir::Gone(Gone::Stale) => Reason::Stale,
            Rmdir::NotDirectory => Reason::NotDirectory,
            Rmdir::Busy => Reason::Busy,
            Rmdir::Failed(errno) => Reason::Errno(errno),
        };
        failed(Operation::Rmdir, why)
    }
}

impl<const AFTER: bool> Algorithm for Koji<AFTER> {
    fn new(_: Limits) -> Self {
        Koji {
            at: At::Stat,
            cwd: BASE,
            device: 0,
            stack: Vec::new(),
            dirs: Vec::new(),
            listed: Vec::new(),
            is_lost: false,
        }
    }

    fn begin(&mut self, _: &Hands) -> Next {
        Next::Look {
            parent: BASE,
            name: None,
            reads: false,
        }
    }

    fn next(&mut self, hands: &mut Hands, answer: Answer) -> Next {
        match (self.at, answer) {
            (At::Stat, Answer::Looked(looked)) => match looked {
                Looked::Directory {
                    identity: Identity { device, .. },
                    ..
                } => {
                    self.device = device;
                    self.open_root(At::Enter, hands)
                }
                Looked::Shut => self.open_root(At::Enter, hands),
                Looked::File => Next::Done(Outcome::NotDirectory),
                Looked::Missing => Next::Done(Outcome::Absent),
            },
            (At::Enter, Answer::Reply(Reply::Open(open))) => self.entered(open, hands),
            (At::Reenter(then), Answer::Reply(Reply::Open(open))) => match open {
                Open::Opened => self.chdir(hands.opened(), then, hands),
                Open::Gone(Gone::Missing) => self.chdir(BASE, Then::Final, hands),
                other => failed(Operation::Open, open_errno(other)),
            },
            (At::Left(then), _) => self.then(then, hands),
            (At::Rewind, Answer::Reply(Reply::Seek(Seek::Sought))) => {
                self.at = At::List;
                Next::Ask(Request::Read { slot: self.cwd })
            }
            (At::Rewind, Answer::Reply(Reply::Seek(Seek::Gone(_)))) => self.stripped(hands),
            (At::List, Answer::Reply(Reply::Read(read))) => match read {
                Read::Entry { name, .. } => {
                    self.listed.push(name);
                    Next::Ask(Request::Read { slot: self.cwd })
                }
                Read::End | Read::Gone(Gone::Missing) => self.examine(hands),
                Read::Gone(Gone::Stale) => {
                    self.listed.clear();
                    self.stripped(hands)
                }
                // Before, the loop over a listing that was not had raises in its turn.
                Read::Failed(errno) => failed(Operation::Read, Reason::Errno(errno)),
            },
            (At::Examine(name), Answer::Looked(looked)) => match looked {
                Looked::Directory { identity, .. } if identity.device != self.device => {
                    self.examine(hands)
                }
                Looked::Directory { .. } | Looked::Shut => {
                    self.dirs.push(name);
                    self.examine(hands)
                }
                Looked::Missing => self.examine(hands),
                Looked::File => {
                    self.at = At::Unlink;
                    Next::Ask(Request::Unlink {
                        parent: self.cwd,
                        name,
                    })
                }
            },
            // Whatever it says.
            (At::Unlink, _) => self.examine(hands),
            (At::RmdirChild, _) => self.climb(hands),
            (At::Up, Answer::Reply(Reply::Open(open))) => self.up(open, hands),
            (At::Down, Answer::Reply(Reply::Open(open))) => self.down(open, hands),
            (At::Final, Answer::Reply(Reply::Rmdir(rmdir))) => Self::last(hands, rmdir),
            _ => Next::Done(Outcome::Broken),
        }
    }
}
