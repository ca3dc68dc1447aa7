//! Mounts and subvolumes.

use super::calls::{DIRECTORY, identity, open, open_parent, read, rmdir, said, say, unlink};
use super::ground::{Ground, Tree};
use super::kinds::one_of_each;
use super::{Assumes, Fact, Group};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{Mode, fstatfs, openat, renameat};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};
use std::fs;
use std::io;
use std::process::{Command, Stdio};

const NO_SUBVOLUMES: &str = "no subvolumes here";

/// Mounts and subvolumes.
pub(super) const MOUNTS: Group = Group {
    title: "Mounts and subvolumes",
    others: false,
    facts: &[
        Fact {
            asks: "another file system mounted: open, RESOLVE_NO_XDEV",
            assumes: Assumes::One(&["EXDEV"]),
            measure: |g| mounted(g, Mounted::Tmpfs, |_, at| say(open(at, "empty"))),
        },
        Fact {
            asks: "a bind mount of the same device: open, RESOLVE_NO_XDEV",
            assumes: Assumes::One(&["EXDEV"]),
            measure: |g| mounted(g, Mounted::Bind, |_, at| say(open(at, "empty"))),
        },
        Fact {
            asks: "a bind mount of the same device: identity beside its parent's",
            assumes: Assumes::One(&["another mount, the same device"]),
            measure: |g| mounted(g, Mounted::Bind, |_, at| compared(at)),
        },
        Fact {
            asks: "a mount point: rmdir",
            assumes: Assumes::One(&["EBUSY"]),
            measure: |g| mounted(g, Mounted::Bind, |_, at| say(rmdir(at, "empty"))),
        },
        Fact {
            asks: "a mount point: unlink",
            assumes: Assumes::One(&["EISDIR"]),
            measure: |g| mounted(g, Mounted::Bind, |_, at| say(unlink(at, "empty"))),
        },
        Fact {
            asks: "a mount point: rename",
            assumes: Assumes::Any,
            measure: |g| {
                mounted(g, Mounted::Bind, |_, at| {
                    say(renameat(at, "empty", at, "new"))
                })
            },
        },
        Fact {
            asks: "inside a bind mount: open `..`",
            assumes: Assumes::One(&["the mount point's parent"]),
            measure: |g| mounted(g, Mounted::Bind, |_, at| above(at)),
        },
        Fact {
            asks: "mount ids of statx and of fdinfo",
            assumes: Assumes::One(&["the same"]),
            measure: |g| {
                let tree = one_of_each(g)?;
                mount_ids(&tree.open(".")?)
            },
        },
        Fact {
            asks: "a subvolume: open, RESOLVE_NO_XDEV",
            assumes: Assumes::One(&["ok", NO_SUBVOLUMES]),
            measure: |g| subvolume(g, |at| say(open(at, "sub"))),
        },
        Fact {
            asks: "a subvolume: identity beside its parent's",
            assumes: Assumes::One(&["the same mount, another device", NO_SUBVOLUMES]),
            measure: |g| subvolume(g, |at| opened(at, "sub")),
        },
        Fact {
            asks: "a subvolume with entries: rmdir",
            assumes: Assumes::One(&["ENOTEMPTY", NO_SUBVOLUMES]),
            measure: |g| {
                subvolume(g, |at| {
                    let made = open(at, "sub").and_then(|sub| make(&sub, "d"));
                    made.map_or_else(|errno| say::<()>(Err(errno)), |()| say(rmdir(at, "sub")))
                })
            },
        },
        Fact {
            asks: "an empty subvolume: rmdir",
            assumes: Assumes::One(&["ok", NO_SUBVOLUMES]),
            measure: |g| subvolume(g, |at| say(rmdir(at, "sub"))),
        },
        Fact {
            asks: "the empty directory that a snapshot has for a subvolume: identity, rmdir",
            assumes: Assumes::Any,
            measure: snapshot,
        },
    ],
};

#[derive(Clone, Copy)]
enum Mounted {
    Tmpfs,
    Bind,
}

/// Mounts something on `empty`, and calls.
fn mounted(
    ground: &Ground,
    what: Mounted,
    call: fn(&Tree, &OwnedFd) -> String,
) -> io::Result<String> {
    let tree = one_of_each(ground)?;
    let (at, target) = (tree.open(".")?, tree.here.join("empty"));
    match what {
        Mounted::Tmpfs => mount("facts", &target, "tmpfs", MountFlags::empty(), None)?,
        Mounted::Bind => mount_bind(tree.here.join("full"), &target)?,
    }
    let answer = call(&tree, &at);
    unmount(&target, UnmountFlags::DETACH)?;
    Ok(answer)
}

fn compared(at: &OwnedFd) -> String {
    // Without RESOLVE_NO_XDEV.
    let inside = openat(at, "empty", DIRECTORY, Mode::empty());
    said(inside.and_then(|inside| beside(&inside, at)))
}

fn opened(at: &OwnedFd, name: &str) -> String {
    said(open(at, name).and_then(|inside| beside(&inside, at)))
}

/// Whether mount and device of two are the same.
fn beside(one: &OwnedFd, other: &OwnedFd) -> Result<String, Errno> {
    let (one, other) = (identity(one)?, identity(other)?);
    let word = |same: bool, what: &str| {
        if same {
            format!("the same {what}")
        } else {
            format!("another {what}")
        }
    };
    let device = (one.stx_dev_major, one.stx_dev_minor);
    let same_device = device == (other.stx_dev_major, other.stx_dev_minor);
    Ok([
        word(one.stx_mnt_id == other.stx_mnt_id, "mount"),
        word(same_device, "device"),
    ]
    .join(", "))
}

fn above(at: &OwnedFd) -> String {
    let reached = openat(at, "empty", DIRECTORY, Mode::empty())
        .and_then(open_parent)
        .and_then(|up| Ok((identity(up)?.stx_ino, identity(at)?.stx_ino)));
    said(reached.map(|(up, at)| {
        if up == at {
            "the mount point's parent"
        } else {
            "something else"
        }
    }))
}

fn mount_ids(at: &OwnedFd) -> io::Result<String> {
    let told = identity(at)?.stx_mnt_id.to_string();
    let text = fs::read_to_string(format!("/proc/self/fdinfo/{}", at.as_raw_fd()))?;
    let line = text.lines().find_map(|line| line.strip_prefix("mnt_id:"));
    let same = line.is_some_and(|id| id.trim() == told);
    Ok(if same { "the same" } else { "different" }.to_owned())
}

fn make(at: impl AsFd, name: &str) -> Result<(), Errno> {
    rustix::fs::mkdirat(at, name, Mode::RWXU)
}

fn has_subvolumes(tree: &Tree) -> io::Result<bool> {
    const BTRFS: u64 = 0x9123_683E;
    // 32-bit systems sign-extend; the magic numbers have 32 bits.
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)]
    let magic = fstatfs(tree.open(".")?)?.f_type as u64 & 0xFFFF_FFFF;
    Ok(magic == BTRFS)
}

fn btrfs(words: &[&str], paths: &[&std::path::Path]) -> io::Result<()> {
    let mut command = Command::new("btrfs");
    command.args(words).args(paths).stdout(Stdio::null());
    let status = command.status()?;
    if !status.success() {
        return Err(io::Error::other(format!("btrfs {words:?}: {status}")));
    }
    Ok(())
}

/// Makes a subvolume `sub`, and calls.
fn subvolume(ground: &Ground, call: fn(&OwnedFd) -> String) -> io::Result<String> {
    let tree = one_of_each(ground)?;
    if !has_subvolumes(&tree)? {
        return Ok(NO_SUBVOLUMES.to_owned());
    }
    let sub = tree.here.join("sub");
    btrfs(&["subvolume", "create"], &[&sub])?;
    let answer = call(&tree.open(".")?);
    if sub.exists() {
        btrfs(&["subvolume", "delete"], &[&sub])?;
    }
    Ok(answer)
}

/// A subvolume in a subvolume, in a snapshot of the outer one.
fn snapshot(ground: &Ground) -> io::Result<String> {
    let tree = one_of_each(ground)?;
    if !has_subvolumes(&tree)? {
        return Ok(NO_SUBVOLUMES.to_owned());
    }
    let (outer, copy) = (tree.here.join("outer"), tree.here.join("copy"));
    let inner = outer.join("inner");
    for path in [&outer, &inner] {
        btrfs(&["subvolume", "create"], &[path])?;
    }
    btrfs(&["subvolume", "snapshot"], &[&outer, &copy])?;
    let at = tree.open("copy")?;
    let entries = read(&at, 1024)?.unwrap_or_default().len();
    let answer = format!("{}; {}", opened(&at, "inner"), say(rmdir(&at, "inner")));
    for path in [&inner, &outer, &copy] {
        btrfs(&["subvolume", "delete"], &[path])?;
    }
    if entries != 1 {
        return Err(io::Error::other("the snapshot lists something else"));
    }
    Ok(answer)
}
