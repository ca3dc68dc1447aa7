//! What is denied to somebody who is not root, and what to everybody.

use super::calls::{listing, open, open_parent, read, rmdir, say, unlink};
use super::ground::{Ground, Tree};
use super::kinds::one_of_each;
use super::{Assumes, Fact, Group};
use rustix::fd::OwnedFd;
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::thread;

/// The user and the group that own nothing.
const NOBODY: u32 = 65534;

const NO: Assumes = Assumes::One(&["EACCES", "EPERM"]);
const NO_ENTRY: Assumes = Assumes::One(&["EACCES"]);

/// What is denied.
pub(super) const DENIED: Group = Group {
    title: "What is denied",
    others: false,
    facts: &[
        Fact {
            asks: "mode 0555: unlink a directory",
            assumes: NO,
            measure: |g| within(g, 0o555, |at| say(unlink(at, "empty"))),
        },
        Fact {
            asks: "mode 0555: unlink a file",
            assumes: NO,
            measure: |g| within(g, 0o555, |at| say(unlink(at, "file"))),
        },
        Fact {
            asks: "mode 0555: rmdir",
            assumes: NO,
            measure: |g| within(g, 0o555, |at| say(rmdir(at, "empty"))),
        },
        Fact {
            asks: "sticky: unlink somebody else's directory",
            assumes: NO,
            measure: |g| within(g, 0o1777, |at| say(unlink(at, "empty"))),
        },
        Fact {
            asks: "sticky: unlink somebody else's file",
            assumes: NO,
            measure: |g| within(g, 0o1777, |at| say(unlink(at, "file"))),
        },
        Fact {
            asks: "sticky: rmdir somebody else's directory",
            assumes: NO,
            measure: |g| within(g, 0o1777, |at| say(rmdir(at, "empty"))),
        },
        Fact {
            asks: "mode 0444, may be read and not searched: getdents64",
            assumes: Assumes::One(&["its entries"]),
            measure: |g| within(g, 0o444, |at| listing(read(at, 1024))),
        },
        Fact {
            asks: "mode 0444: open `..`",
            assumes: NO_ENTRY,
            measure: |g| within(g, 0o444, |at| say(open_parent(at))),
        },
        Fact {
            asks: "mode 0444: open a child",
            assumes: NO_ENTRY,
            measure: |g| within(g, 0o444, |at| say(open(at, "empty"))),
        },
        Fact {
            asks: "mode 0444: unlink",
            assumes: NO_ENTRY,
            measure: |g| within(g, 0o444, |at| say(unlink(at, "file"))),
        },
        Fact {
            asks: "mode 0444: rmdir",
            assumes: NO_ENTRY,
            measure: |g| within(g, 0o444, |at| say(rmdir(at, "empty"))),
        },
        Fact {
            asks: "a child of mode 0000: open",
            assumes: NO_ENTRY,
            measure: |g| shut(g, |at| say(open(at, "empty"))),
        },
        Fact {
            asks: "an empty child of mode 0000: rmdir",
            assumes: Assumes::One(&["ok"]),
            measure: |g| shut(g, |at| say(rmdir(at, "empty"))),
        },
        Fact {
            asks: "an immutable file, as root: unlink",
            assumes: Assumes::One(&["EPERM", "no such flag here"]),
            measure: |g| immutable(g, "file", |at| say(unlink(at, "file"))),
        },
        Fact {
            asks: "an immutable directory, as root: unlink a file in it",
            assumes: Assumes::One(&["EPERM", "EACCES", "no such flag here"]),
            measure: |g| immutable(g, ".", |at| say(unlink(at, "file"))),
        },
        Fact {
            asks: "an empty immutable directory, as root: rmdir",
            assumes: Assumes::One(&["EPERM", "EACCES", "no such flag here"]),
            measure: |g| immutable(g, "empty", |at| say(rmdir(at, "empty"))),
        },
    ],
};

/// Calls as nobody in a directory of root's of this mode. It was opened by root: nobody is asked for
/// nothing above it.
fn within(ground: &Ground, mode: u32, call: fn(&OwnedFd) -> String) -> io::Result<String> {
    let tree = one_of_each(ground)?;
    fs::set_permissions(&tree.here, Permissions::from_mode(mode))?;
    as_nobody(&tree, call)
}

/// Calls as nobody on an empty directory of mode 0000.
fn shut(ground: &Ground, call: fn(&OwnedFd) -> String) -> io::Result<String> {
    let tree = one_of_each(ground)?;
    fs::set_permissions(tree.here.join("empty"), Permissions::from_mode(0o000))?;
    fs::set_permissions(&tree.here, Permissions::from_mode(0o777))?;
    as_nobody(&tree, call)
}

/// In a thread of its own that is nobody from then on; the kernel keeps ids by thread.
fn as_nobody(tree: &Tree, call: fn(&OwnedFd) -> String) -> io::Result<String> {
    let at = tree.open(".")?;
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    let called = thread::scope(|scope| {
        let nobody = scope.spawn(|| {
            set_thread_groups(&[])?;
            set_thread_res_gid(group, group, group)?;
            set_thread_res_uid(user, user, user)?;
            Ok(call(&at))
        });
        nobody.join()
    });
    called.unwrap_or_else(|_| Err(io::Error::other("the thread panicked")))
}

/// Calls while `path` is immutable; `.` is the directory itself.
fn immutable(ground: &Ground, path: &str, call: fn(&OwnedFd) -> String) -> io::Result<String> {
    let tree = one_of_each(ground)?;
    let at = tree.open(".")?;
    let file = fs::File::open(tree.here.join(path))?;
    let flags = ioctl_getflags(&file).unwrap_or(IFlags::empty());
    if ioctl_setflags(&file, flags | IFlags::IMMUTABLE).is_err() {
        return Ok("no such flag here".to_owned());
    }
    let answer = call(&at);
    ioctl_setflags(&file, flags)?;
    Ok(answer)
}
