//! The removers that go down by recursion and hold a descriptor for each level: `std` and the crate
//! `remove_dir_all`.

use super::remover::{Algorithm, Answer, BASE, EISDIR, ENOENT, Hands, Next, failed, open_errno};
use fell::machine::{
    Gone, Kind, Limits, Open, Operation, Outcome, Read, Reason, Reply, Request, Rmdir, Slot, Unlink,
};

/// `std::fs::remove_dir_all` on Unix, or the crate `remove_dir_all` 1.0.0 (serial, its default).
///
/// Both open each directory relative to its parent, following no symlink, read it while they remove,
/// and close it before its rmdir. The first error ends the walk, but `std` ignores ENOENT below the
/// root. `std` goes by the type in the listing; the crate opens every entry, and unlinks what is no
/// directory.
///
/// What it abstracts: that both look at the path before (`std` by lstat, the crate normalises it) is
/// left out. An absent root is an error in both, as they document; here it counts as success, so that
/// only races count against them. The error of a rmdir that answers ENOTEMPTY is `NotEmpty`; it names
/// no path, so it has no leftover. Every other error is `Failed`. glibc's readdir takes ENOENT for
/// the end, so it does here. The crate opens files too, and closes them; here opening one only tells
/// that it is no directory. That it holds two descriptors a level is not shown.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Recursive<const CRATE: bool> {
    at: At,
    way: Vec<(Slot, u8)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum At {
    Root,
    Read,
    Open(u8),
    Unlink,
    Close(u8),
    Rmdir,
}

impl<const CRATE: bool> Recursive<CRATE> {
    fn top(&self) -> Slot {
        self.way.last().map_or(BASE, |&(slot, _)| slot)
    }

    fn read(&mut self) -> Next {
        self.at = At::Read;
        Next::Ask(Request::Read { slot: self.top() })
    }

    fn unlink(&mut self, name: u8) -> Next {
        self.at = At::Unlink;
        Next::Ask(Request::Unlink {
            parent: self.top(),
            name,
        })
    }

    fn open(&mut self, name: u8, hands: &Hands) -> Next {
        self.at = At::Open(name);
        Next::Ask(Request::Open {
            parent: self.top(),
            name,
            slot: hands.free(),
        })
    }

    fn found(&mut self, read: Read<u8>, hands: &Hands) -> Next {
        match read {
            Read::Entry {
                name,
                kind: Kind::File,
                ..
            } if !CRATE => self.unlink(name),
            Read::Entry { name, .. } => self.open(name, hands),
            Read::End | Read::Gone(Gone::Missing) => {
                let (slot, name) = self.way.pop().unwrap_or((BASE, 0));
                self.at = At::Close(name);
                Next::Ask(Request::Close { slot })
            }
            Read::Gone(Gone::Stale) => failed(Operation::Read, Reason::Stale),
            Read::Failed(errno) => failed(Operation::Read, Reason::Errno(errno)),
        }
    }

    fn opened(&mut self, open: Open, name: u8, hands: &Hands) -> Next {
        match open {
            Open::Opened => {
                self.way.push((hands.opened(), name));
                self.read()
            }
            Open::NotDirectory => self.unlink(name),
            Open::Gone(Gone::Missing) if !CRATE => self.read(),
            other => failed(Operation::Open, open_errno(other)),
        }
    }

    fn unlinked(&mut self, unlink: Unlink) -> Next {
        let why = match unlink {
            Unlink::Removed => return self.read(),
            Unlink::Gone(Gone::Missing) if !CRATE => return self.read(),
            Unlink::Gone(Gone::Missing) => ENOENT,
            Unlink::Gone(Gone::Stale) => Reason::Stale,
            Unlink::IsDirectory => Reason::Errno(EISDIR),
            Unlink::Denied(errno) | Unlink::Failed(errno) => Reason::Errno(errno),
        };
        failed(Operation::Unlink, why)
    }

    fn removed(&mut self, rmdir: Rmdir) -> Next {
        let is_root = self.way.is_empty();
        let why = match rmdir {
            Rmdir::Removed if is_root => return Next::Done(Outcome::Removed),
            Rmdir::Gone(Gone::Missing) if is_root && !CRATE => {
                return Next::Done(Outcome::Vanished);
            }
            Rmdir::Removed => return self.read(),
            Rmdir::Gone(Gone::Missing) if !CRATE => return self.read(),
            Rmdir::Gone(Gone::Missing) => ENOENT,
            Rmdir::Gone(Gone::Stale) => Reason::Stale,
            Rmdir::NotEmpty => return Next::Done(Outcome::NotEmpty),
            Rmdir::NotDirectory => Reason::NotDirectory,
            Rmdir::Busy => Reason::Busy,
            Rmdir::Failed(errno) => Reason::Errno(errno),
        };
        failed(Operation::Rmdir, why)
    }
}

impl<const CRATE: bool> Algorithm for Recursive<CRATE> {
    fn new(_: Limits) -> Self {
        Recursive {
            at: At::Root,
            way: Vec::new(),
        }
    }

    fn begin(&mut self, hands: &Hands) -> Next {
        Next::Ask(Request::OpenRoot {
            base: BASE,
            slot: hands.free(),
        })
    }

    fn next(&mut self, hands: &mut Hands, answer: Answer) -> Next {
        match (self.at, answer) {
            (At::Root, Answer::Reply(Reply::Open(open))) => match open {
                Open::Opened => {
                    self.way.push((hands.opened(), 0));
                    self.read()
                }
                Open::Gone(_) => Next::Done(Outcome::Absent),
                Open::NotDirectory => Next::Done(Outcome::NotDirectory),
                other => failed(Operation::Open, open_errno(other)),
            },
            (At::Read, Answer::Reply(Reply::Read(read))) => self.found(read, hands),
            (At::Open(name), Answer::Reply(Reply::Open(open))) => self.opened(open, name, hands),
            (At::Unlink, Answer::Reply(Reply::Unlink(unlink))) => self.unlinked(unlink),
            (At::Close(name), _) => {
                self.at = At::Rmdir;
                Next::Ask(if self.way.is_empty() {
                    Request::RmdirRoot { base: BASE }
                } else {
                    Request::Rmdir {
                        parent: self.top(),
                        name,
                    }
                })
            }
            (At::Rmdir, Answer::Reply(Reply::Rmdir(rmdir))) => self.removed(rmdir),
            _ => Next::Done(Outcome::Broken),
        }
    }
}
