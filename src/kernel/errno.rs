//! Which errno is which answer: the one table, and its reverse for reports.
//!
//! Sources: openat2(2), unlink(2), rmdir(2), getdents64(2) of man-pages 6.x, and what Linux 6.18 was
//! seen to answer.

use crate::machine::{
    Errno as Number, Gone, Identify, Open, Read, Reason, Reply, Request, Rmdir, Seek, Unlink,
};
use rustix::io::Errno;

/// Someone else removed it first, if that is what `errno` says.
fn gone(errno: Errno) -> Option<Gone> {
    match errno {
        //= docs/spec.md#e-errnos
        //# E.1: ENOENT, ESTALE, and EINVAL in answer to a seek MUST be classified as gone.
        Errno::NOENT => Some(Gone::Missing),
        Errno::STALE => Some(Gone::Stale),
        _ => None,
    }
}

fn raw(errno: Errno) -> Number {
    Number(errno.raw_os_error())
}

pub(super) fn open(errno: Errno) -> Open {
    match errno {
        //= docs/spec.md#e-errnos
        //# E.2: ENOTDIR and ELOOP MUST be classified as not a directory.
        Errno::NOTDIR | Errno::LOOP => Open::NotDirectory,
        Errno::XDEV => Open::Mounted,
        Errno::MFILE | Errno::NFILE => Open::Exhausted(raw(errno)),
        _ => gone(errno).map_or(Open::Failed(raw(errno)), Open::Gone),
    }
}

pub(super) fn identify(errno: Errno) -> Identify {
    match errno {
        Errno::NOSYS => Identify::Unsupported,
        _ => gone(errno).map_or(Identify::Failed(raw(errno)), Identify::Gone),
    }
}

pub(super) fn read<N>(errno: Errno) -> Read<N> {
    gone(errno).map_or(Read::Failed(raw(errno)), Read::Gone)
}

/// A position comes from the kernel itself, and EINVAL says that the directory is no longer long
/// enough for it: ext4 answers so for a directory that was removed. A directory that was not is read
/// again, for a reading that was cut short is no pass.
pub(super) fn seek(errno: Errno) -> Seek {
    match errno {
        Errno::INVAL => Seek::Gone(Gone::Missing),
        _ => gone(errno).map_or(Seek::Failed(raw(errno)), Seek::Gone),
    }
}

pub(super) fn unlink(errno: Errno) -> Unlink {
    match errno {
        Errno::ISDIR => Unlink::IsDirectory,
        Errno::ACCESS | Errno::PERM => Unlink::Denied(raw(errno)),
        _ => gone(errno).map_or(Unlink::Failed(raw(errno)), Unlink::Gone),
    }
}

pub(super) fn rmdir(errno: Errno) -> Rmdir {
    match errno {
        //= docs/spec.md#e-errnos
        //# E.3: ENOTEMPTY and EEXIST MUST be classified as not empty.
        Errno::NOTEMPTY | Errno::EXIST => Rmdir::NotEmpty,
        Errno::NOTDIR | Errno::LOOP => Rmdir::NotDirectory,
        Errno::BUSY => Rmdir::Busy,
        _ => gone(errno).map_or(Rmdir::Failed(raw(errno)), Rmdir::Gone),
    }
}

/// The reply to `request` when its call fails with `errno`, by the table above: for a kernel that
/// answers in the system's place. Nothing for a request that cannot fail: closing always closes, and
/// what an inspection cannot learn is answered `false`.
///
/// # Panics
/// When the number is no errno: they lie between 1 and 4095.
#[must_use]
pub fn failed<N>(request: &Request<N>, Number(errno): Number) -> Option<Reply<N>> {
    let errno = Errno::from_raw_os_error(errno);
    match request {
        Request::OpenBase { .. }
        | Request::OpenRoot { .. }
        | Request::Open { .. }
        | Request::OpenParent { .. }
        | Request::OpenAbove { .. } => Some(Reply::Open(open(errno))),
        Request::Identify { .. } => Some(Reply::Identify(identify(errno))),
        Request::Read { .. } => Some(Reply::Read(read(errno))),
        Request::Seek { .. } => Some(Reply::Seek(seek(errno))),
        Request::Unlink { .. } => Some(Reply::Unlink(unlink(errno))),
        Request::Rmdir { .. } | Request::RmdirRoot { .. } => Some(Reply::Rmdir(rmdir(errno))),
        Request::Inspect { .. } | Request::Close { .. } => None,
    }
}

/// The errno of a reason, as this system numbers it.
#[must_use]
pub fn number(reason: Reason) -> i32 {
    match reason {
        Reason::NotEmpty => Errno::NOTEMPTY.raw_os_error(),
        Reason::Busy => Errno::BUSY.raw_os_error(),
        Reason::Stale => Errno::STALE.raw_os_error(),
        Reason::NotDirectory => Errno::NOTDIR.raw_os_error(),
        Reason::OtherFileSystem => Errno::XDEV.raw_os_error(),
        Reason::Limit => Errno::TOOBIG.raw_os_error(),
        Reason::Errno(Number(errno)) => errno,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    //= docs/spec.md#e-errnos
    //= type=test
    //# E.1: ENOENT, ESTALE, and EINVAL in answer to a seek MUST be classified as gone.
    /// Seen on ext4, by the model's tour: the walk of a kept root that somebody removed ended as Io.
    #[test]
    fn a_position_out_of_bounds_is_a_directory_that_is_gone() {
        assert_eq!(seek(Errno::INVAL), Seek::Gone(Gone::Missing));
        assert_eq!(seek(Errno::IO), Seek::Failed(raw(Errno::IO)));
    }
}
