//! Which system calls there are: probed once a process, or chosen by a test.

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use std::sync::OnceLock;

/// By which call a directory is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opening {
    /// openat2(2) with `RESOLVE_NO_XDEV` (Linux 5.6): stops at mounts before entering them.
    Openat2,
    /// openat(2): a mount is opened, then told by its mount id, and closed.
    Openat,
}

/// By which call a mount is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MountIds {
    /// `STATX_MNT_ID` of statx(2) (Linux 5.8), and where the answer lacks it the next.
    Statx,
    /// `mnt_id` of `/proc/thread-self/fdinfo` (Linux 3.17). Reading it takes one descriptor more, for the
    /// moment, than spec G8 counts.
    Fdinfo,
    /// By none: every root is refused, for nothing could be confined.
    Absent,
}

/// The calls a walk uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Calls {
    /// By which call a directory is opened.
    pub opening: Opening,
    /// By which call a mount is told.
    pub mount_ids: MountIds,
}

impl Calls {
    /// What this system has. openat2 is probed by the first walk of the process: ENOSYS (an old
    /// kernel), or any other refusal to open `/` (a seccomp filter), and it is not tried again.
    #[must_use]
    pub fn probed() -> Calls {
        static OPENING: OnceLock<Opening> = OnceLock::new();
        Calls {
            opening: *OPENING.get_or_init(probe),
            mount_ids: MountIds::Statx,
        }
    }
}

fn probe() -> Opening {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::io::retry_on_intr(|| {
        rustix::fs::openat2(CWD, c"/", flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS)
    });
    match opened {
        // No descriptor for the probe says nothing about the call.
        Ok(_) | Err(Errno::MFILE | Errno::NFILE) => Opening::Openat2,
        Err(_) => Opening::Openat,
    }
}
