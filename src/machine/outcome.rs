//! How a walk ends, and what a step tells the report.

use super::reply::Errno;
use super::request::Operation;

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Outcome {
    /// The root's rmdir succeeded (spec G5).
    Removed,
    /// The root's name was seen absent after the root had been open (spec G5).
    Vanished,
    /// The root's name, or its parent, was absent from the start (spec G11).
    Absent,
    /// `keep_root`: a whole pass met nothing (spec G12).
    Emptied,
    /// Something is left, and the leftovers say what (spec G6).
    NotEmpty,
    /// The root's name is a file or a symlink (spec G11).
    NotDirectory,
    /// Nothing was touched (spec G11).
    Refused(Refusal),
    /// The caller stopped the walk.
    Stopped(Stop),
    /// The root, or its parent, answered an error that nothing below explains.
    Failed(Fault),
    /// A reply did not fit the request: the world broke its word.
    Broken,
}

/// Why a root was refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Refusal {
    /// It is a mount point: it could be emptied and never removed.
    MountPoint,
    /// This system cannot tell mounts apart.
    NoMountId,
}

/// Why the caller stopped the walk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stop {
    /// The cancel hook said so.
    Cancelled,
    /// The deadline is over.
    TimedOut,
}

/// A call that failed, and why.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fault {
    /// The call.
    pub operation: Operation,
    /// Why.
    pub reason: Reason,
}

impl Fault {
    /// A call that failed for a reason the machine understands.
    #[must_use]
    pub const fn new(operation: Operation, reason: Reason) -> Fault {
        Fault { operation, reason }
    }

    /// A call that failed with any other errno.
    #[must_use]
    pub const fn errno(operation: Operation, errno: Errno) -> Fault {
        Fault {
            operation,
            reason: Reason::Errno(errno),
        }
    }
}

/// Why an entry could not be removed. Errnos differ between architectures, so those that the
/// machine understands have names here and get their number from the executor.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// ENOTEMPTY.
    NotEmpty,
    /// EBUSY.
    Busy,
    /// ESTALE.
    Stale,
    /// ENOTDIR.
    NotDirectory,
    /// EXDEV: another file system, mount or subvolume.
    OtherFileSystem,
    /// E2BIG: `max_depth` or `max_entries` was reached.
    Limit,
    /// Any other.
    Errno(Errno),
}

/// Why the way was lost.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Cause {
    /// `..`, what it reached, or the reopened root answered gone.
    Gone,
    /// `..` answered another errno.
    Unreachable,
    /// `..` reached a directory that is not the one the walker came from.
    Moved,
    /// A child is a directory that is already on the way.
    Loop,
    /// The root, or its parent, may be stale: the parent's path is resolved again.
    StaleBase,
}

/// What a step tells the report. A step tells at most one thing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Note<N> {
    /// An entry could not be removed.
    Leftover {
        /// Which one.
        at: At<N>,
        /// Why.
        fault: Fault,
    },
    /// All leftovers found in level `level`, and below it, since it was last entered are void
    /// (rule 10).
    Void {
        /// The level; 0 is the root.
        level: u32,
    },
    /// The way was lost: every leftover is void.
    Lost(Cause),
}

/// Where something was left, relative to the way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum At<N> {
    /// The root.
    Root,
    /// The directory of this level.
    Level(u32),
    /// An entry of the directory of this level.
    Entry(u32, N),
}
