//! Which answers a call cannot give, whatever others do.
//!
//! Numbers are those of Linux's `asm-generic/errno.h`, which most architectures use. An errno that a
//! reply has a word for never comes as `failed` (the one table is `src/kernel/errno.rs`), and some
//! no call of a walk can give: each slot is open, each address good, no call creates anything.

use fell::machine::{Errno, Identify, Open, Read, Reply, Request, Rmdir, Seek, Unlink};

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const EINTR: i32 = 4;
const EBADF: i32 = 9;
const EACCES: i32 = 13;
const EFAULT: i32 = 14;
const EBUSY: i32 = 16;
const EEXIST: i32 = 17;
const EXDEV: i32 = 18;
const ENOTDIR: i32 = 20;
const EISDIR: i32 = 21;
const EINVAL: i32 = 22;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ENOSYS: i32 = 38;
const ENOTEMPTY: i32 = 39;
const ELOOP: i32 = 40;
const ESTALE: i32 = 116;
/// The largest errno that the kernel gives.
const MAX_ERRNO: i32 = 4095;

/// Why a reply cannot be, if it cannot. `keep_root`: the root is opened though it is a mount point.
pub(super) fn impossible<N>(
    request: &Request<N>,
    reply: &Reply<N>,
    keep_root: bool,
) -> Option<&'static str> {
    match reply {
        Reply::Open(open) => opening(request, *open, keep_root),
        Reply::Identify(Identify::Failed(errno)) => {
            failed(*errno, &[ENOENT, ESTALE, ENOSYS, EEXIST, ENOTEMPTY, EISDIR])
        }
        Reply::Read(Read::Failed(errno)) => {
            failed(*errno, &[ENOENT, ESTALE, EEXIST, ENOTEMPTY, EISDIR, EXDEV])
        }
        // A position out of bounds is a directory that is gone.
        Reply::Seek(Seek::Failed(errno)) => failed(
            *errno,
            &[ENOENT, ESTALE, EINVAL, EEXIST, ENOTEMPTY, EISDIR, EXDEV],
        ),
        Reply::Unlink(Unlink::Denied(errno)) => one_of(*errno, &[EACCES, EPERM]),
        Reply::Unlink(Unlink::Failed(errno)) => failed(
            *errno,
            &[
                ENOENT, ESTALE, EISDIR, EACCES, EPERM, EEXIST, ENOTEMPTY, EXDEV,
            ],
        ),
        Reply::Rmdir(Rmdir::Failed(errno)) => failed(
            *errno,
            &[
                ENOENT, ESTALE, ENOTEMPTY, EEXIST, ENOTDIR, ELOOP, EBUSY, EISDIR, EXDEV,
            ],
        ),
        Reply::Identify(Identify::Is(_) | Identify::Gone(_) | Identify::Unsupported)
        | Reply::Inspect(_)
        | Reply::Read(Read::Entry { .. } | Read::End | Read::Gone(_))
        | Reply::Seek(Seek::Sought | Seek::Gone(_))
        | Reply::Unlink(Unlink::Removed | Unlink::IsDirectory | Unlink::Gone(_))
        | Reply::Rmdir(
            Rmdir::Removed | Rmdir::NotEmpty | Rmdir::NotDirectory | Rmdir::Busy | Rmdir::Gone(_),
        )
        | Reply::Closed => None,
    }
}

fn opening<N>(request: &Request<N>, open: Open, keep_root: bool) -> Option<&'static str> {
    let is_name = match request {
        Request::Open { .. } => true,
        Request::OpenRoot { .. } => !keep_root,
        _ => false,
    };
    let is_up = matches!(
        request,
        Request::OpenParent { .. } | Request::OpenAbove { .. }
    );
    match open {
        Open::Mounted if !is_name => Some("this opening does not stop at mounts"),
        Open::NotDirectory if is_up => Some("`..` is a directory"),
        Open::Exhausted(errno) => one_of(errno, &[EMFILE, ENFILE]),
        Open::Failed(errno) => failed(
            errno,
            &[
                ENOENT, ESTALE, ENOTDIR, ELOOP, EXDEV, EMFILE, ENFILE, EEXIST, ENOTEMPTY, EISDIR,
            ],
        ),
        Open::Opened | Open::Gone(_) | Open::NotDirectory | Open::Mounted => None,
    }
}

/// Why a call does not fail so; `never` are errnos that it does not fail with.
fn failed(Errno(errno): Errno, never: &[i32]) -> Option<&'static str> {
    match errno {
        EINTR => Some("an interrupted call is made again (G10.3)"),
        EBADF => Some("the slot is open"),
        EFAULT => Some("no bad address is given"),
        1..=MAX_ERRNO if never.contains(&errno) => {
            Some("this errno is another answer, or the call cannot give it")
        }
        1..=MAX_ERRNO => None,
        _ => Some("there is no such errno"),
    }
}

fn one_of(Errno(errno): Errno, may: &[i32]) -> Option<&'static str> {
    (!may.contains(&errno)).then_some("this errno is another answer")
}
