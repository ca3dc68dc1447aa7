//! What the world answers: one type per kind of request, so that impossible answers cannot be
//! written.
//!
//! Which errno becomes which variant is fixed once and for all: *gone* is ENOENT or ESTALE, *not a
//! directory* ENOTDIR or ELOOP, *not empty* ENOTEMPTY or EEXIST, *exhausted* EMFILE or ENFILE,
//! *mounted* EXDEV. An errno that a request has no variant for is `Failed`.

use super::request::Position;

/// An errno, as the world numbers it. The machine hands it on to the report and never looks inside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Errno(pub i32);

/// The reply to one request: one variant per kind of request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reply<N> {
    /// To `OpenBase`, `OpenRoot`, `Open`, `OpenParent`, `OpenAbove`.
    Open(Open),
    /// To `Identify`.
    Identify(Identify),
    /// To `Inspect`.
    Inspect(Inspect),
    /// To `Read`.
    Read(Read<N>),
    /// To `Seek`.
    Seek(Seek),
    /// To `Unlink`.
    Unlink(Unlink),
    /// To `Rmdir` and `RmdirRoot`.
    Rmdir(Rmdir),
    /// To `Close`: it always succeeds, for close(2) frees the descriptor even when it fails.
    Closed,
}

/// Someone else removed it first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Gone {
    /// ENOENT: the name is absent, or the directory is dead.
    Missing,
    /// ESTALE: a file server forgot the directory. At the root's parent this proves nothing.
    Stale,
}

/// The reply to an opening.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Open {
    /// The directory is open under the number asked for.
    Opened,
    /// There is no such directory any more.
    Gone(Gone),
    /// The name is no directory, but a file or a symlink.
    NotDirectory,
    /// There are no descriptors left, in this process or at all.
    Exhausted(Errno),
    /// The name is a mount point: another file system, or a bind mount of this one.
    Mounted,
    /// Any other errno.
    Failed(Errno),
}

/// What makes a directory this one and no other.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Identity {
    /// The mount by which it was reached: differs at mounts and bind mounts.
    pub mount: u64,
    /// Its device: differs at btrfs subvolumes too.
    pub device: u64,
    /// Its number and birth.
    pub inode: Inode,
}

/// A directory within one mount and one device.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Inode {
    /// The inode number, which file systems give to the next directory when this one is removed.
    pub number: u64,
    /// The birth time, by which two owners of one number differ.
    pub birth: Birth,
}

/// A birth time in nanoseconds since 1970, or [`Birth::UNKNOWN`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Birth(pub i64);

impl Birth {
    /// The file system does not tell.
    pub const UNKNOWN: Birth = Birth(i64::MIN);
}

/// The reply to `Identify`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Identify {
    /// It is this one.
    Is(Identity),
    /// It was removed.
    Gone(Gone),
    /// The system cannot tell mounts apart, so that nothing can be confined.
    Unsupported,
    /// Any other errno.
    Failed(Errno),
}

/// The reply to `Inspect`. What is not known is answered `false`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Inspect {
    /// A directory's birth time is the same for as long as it lives (not so on overlayfs, where
    /// copy-up changes it).
    pub births: bool,
    /// A position stays where it was while other entries are removed, and survives closing.
    pub positions: bool,
}

/// What a listing says an entry is. A hint and no more: it may have changed since.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// `DT_DIR`.
    Directory,
    /// Any other known type; symlinks too.
    File,
    /// `DT_UNKNOWN`.
    Unknown,
}

/// The reply to `Read`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Read<N> {
    /// One entry, neither `.` nor `..`.
    Entry {
        /// Its token, valid until the next `Read` or `Seek`.
        name: N,
        /// What the listing says it is.
        kind: Kind,
        /// Where the reading stands behind it.
        position: Position,
    },
    /// There are no more.
    End,
    /// The directory was removed.
    Gone(Gone),
    /// Any other errno.
    Failed(Errno),
}

/// The reply to `Seek`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Seek {
    /// The next `Read` continues there.
    Sought,
    /// The directory was removed.
    Gone(Gone),
    /// Any other errno.
    Failed(Errno),
}

/// The reply to `Unlink`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unlink {
    /// The entry is removed.
    Removed,
    /// There was no such entry any more.
    Gone(Gone),
    /// EISDIR: the entry is a directory.
    IsDirectory,
    /// EACCES or EPERM: it may not be removed, or it is a directory in a parent that may not be
    /// written.
    Denied(Errno),
    /// Any other errno.
    Failed(Errno),
}

/// The reply to `Rmdir` and `RmdirRoot`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rmdir {
    /// The directory is removed.
    Removed,
    /// There was no such directory any more.
    Gone(Gone),
    /// It has entries.
    NotEmpty,
    /// The name is no directory any more.
    NotDirectory,
    /// EBUSY: it is a mount point.
    Busy,
    /// Any other errno.
    Failed(Errno),
}
