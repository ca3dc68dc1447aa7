//! The words in which scripts are written: requests, replies, identities, notes, limits.

extern crate std;

use super::super::{
    At, Birth, Errno, Fault, Gone, Identify, Identity, Inode, Inspect, Kind, Limits, Note, Open,
    Operation, Position, Read, Reason, Reply, Request, Rmdir, Seek, Slot, Unlink,
};
use std::vec::Vec;

pub(super) type Name = &'static str;

/// Any errno: the machine does not look inside.
pub(super) const E: Errno = Errno(5);
/// One for exhaustion, to tell them apart.
pub(super) const EMFILE: Errno = Errno(24);
pub(super) const GONES: [Gone; 2] = [Gone::Missing, Gone::Stale];

/// What a file system like ext4 keeps its word on.
pub(super) const LOCAL: Inspect = Inspect {
    births: true,
    positions: true,
};

macro_rules! into_reply {
    ($($kind:ident)*) => {$(
        impl From<$kind> for Reply<Name> {
            fn from(reply: $kind) -> Reply<Name> {
                Reply::$kind(reply)
            }
        }
    )*};
}
into_reply!(Open Identify Inspect Seek Unlink Rmdir);

impl From<Read<Name>> for Reply<Name> {
    fn from(reply: Read<Name>) -> Reply<Name> {
        Reply::Read(reply)
    }
}

impl From<Identity> for Reply<Name> {
    fn from(identity: Identity) -> Reply<Name> {
        Reply::Identify(Identify::Is(identity))
    }
}

/// The identity of the directory with this number.
pub(super) fn number(number: u64) -> Identity {
    Identity {
        mount: 1,
        device: 1,
        inode: Inode {
            number,
            birth: Birth(i64::try_from(number).unwrap()),
        },
    }
}

pub(super) const BASE: u64 = 1;

/// The identity scripts give to the directory of a level.
pub(super) fn level(level: u64) -> Identity {
    number(10 + level)
}

/// The same, on a file system that does not tell births.
pub(super) fn unborn(identity: Identity) -> Identity {
    let birth = Birth::UNKNOWN;
    Identity {
        inode: Inode {
            birth,
            ..identity.inode
        },
        ..identity
    }
}

pub(super) fn open_base(slot: u16) -> Request<Name> {
    Request::OpenBase { slot: Slot(slot) }
}

pub(super) fn open_root(slot: u16) -> Request<Name> {
    Request::OpenRoot {
        base: Slot(0),
        slot: Slot(slot),
    }
}

pub(super) fn open(parent: u16, name: Name, slot: u16) -> Request<Name> {
    Request::Open {
        parent: Slot(parent),
        name,
        slot: Slot(slot),
    }
}

pub(super) fn open_above(child: u16, slot: u16) -> Request<Name> {
    Request::OpenAbove {
        child: Slot(child),
        slot: Slot(slot),
    }
}

pub(super) fn open_parent(child: u16, slot: u16) -> Request<Name> {
    Request::OpenParent {
        child: Slot(child),
        slot: Slot(slot),
    }
}

pub(super) fn identify(slot: u16) -> Request<Name> {
    Request::Identify { slot: Slot(slot) }
}

pub(super) fn inspect(slot: u16) -> Request<Name> {
    Request::Inspect { slot: Slot(slot) }
}

pub(super) fn read(slot: u16) -> Request<Name> {
    Request::Read { slot: Slot(slot) }
}

pub(super) fn seek(slot: u16, position: u64) -> Request<Name> {
    Request::Seek {
        slot: Slot(slot),
        position: Position(position),
    }
}

pub(super) fn unlink(parent: u16, name: Name) -> Request<Name> {
    Request::Unlink {
        parent: Slot(parent),
        name,
    }
}

pub(super) fn rmdir(parent: u16, name: Name) -> Request<Name> {
    Request::Rmdir {
        parent: Slot(parent),
        name,
    }
}

pub(super) fn rmdir_root() -> Request<Name> {
    Request::RmdirRoot { base: Slot(0) }
}

pub(super) fn close(slot: u16) -> Request<Name> {
    Request::Close { slot: Slot(slot) }
}

/// An entry of a listing.
pub(super) fn entry(name: Name, kind: Kind, position: u64) -> Reply<Name> {
    let position = Position(position);
    Reply::Read(Read::Entry {
        name,
        kind,
        position,
    })
}

/// A fault with an errno.
pub(super) fn fault(operation: Operation, errno: Errno) -> Fault {
    Fault::errno(operation, errno)
}

/// The note of an entry that is left.
pub(super) fn left(level: u32, name: Name, fault: Fault) -> Note<Name> {
    let at = At::Entry(level, name);
    Note::Leftover { at, fault }
}

/// The note of a root that is left.
pub(super) fn root_left(operation: Operation, reason: Reason) -> Note<Name> {
    Note::Leftover {
        at: At::Root,
        fault: Fault::new(operation, reason),
    }
}

/// The limits with `max_open_dirs`.
pub(super) fn holding(max_open_dirs: u16) -> Limits {
    Limits {
        max_open_dirs,
        ..Limits::DEFAULT
    }
}

/// The limits of a walk that empties the root and keeps it.
pub(super) fn kept() -> Limits {
    Limits {
        keep_root: true,
        ..Limits::DEFAULT
    }
}

/// One reply of every variant of every kind.
pub(super) fn every_reply() -> Vec<Reply<Name>> {
    let mut all: Vec<Reply<Name>> = std::vec![
        Open::Opened.into(),
        Open::NotDirectory.into(),
        Open::Exhausted(EMFILE).into(),
        Open::Mounted.into(),
        Open::Failed(E).into(),
        level(0).into(),
        Identify::Unsupported.into(),
        Identify::Failed(E).into(),
        LOCAL.into(),
        entry("x", Kind::File, 1),
        entry("x", Kind::Directory, 1),
        entry("x", Kind::Unknown, 1),
        Read::End.into(),
        Read::Failed(E).into(),
        Seek::Sought.into(),
        Seek::Failed(E).into(),
        Unlink::Removed.into(),
        Unlink::IsDirectory.into(),
        Unlink::Denied(E).into(),
        Unlink::Failed(E).into(),
        Rmdir::Removed.into(),
        Rmdir::NotEmpty.into(),
        Rmdir::NotDirectory.into(),
        Rmdir::Busy.into(),
        Rmdir::Failed(E).into(),
        Reply::Closed,
    ];
    for gone in GONES {
        all.extend([
            Reply::from(Open::Gone(gone)),
            Identify::Gone(gone).into(),
            Read::Gone(gone).into(),
            Seek::Gone(gone).into(),
            Unlink::Gone(gone).into(),
            Rmdir::Gone(gone).into(),
        ]);
    }
    all
}
