//! Calls on what is something else than the call is for, and what may stand under a name.

use super::calls::{DIRECTORY, listing, open, read, rmdir, said, say, say_io, unlink};
use super::ground::{Ground, Tree};
use super::{Assumes, Fact, Group};
use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, RenameFlags, linkat, mknodat, openat, renameat,
    renameat_with,
};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;

const NO_DIRECTORY: Assumes = Assumes::One(&["ENOTDIR", "ELOOP"]);
const FULL: Assumes = Assumes::One(&["ENOTEMPTY", "EEXIST"]);
const DONE: Assumes = Assumes::One(&["ok"]);

/// Calls on what is something else.
pub(super) const KINDS: Group = Group {
    title: "Calls on what is something else",
    others: false,
    facts: &[
        Fact {
            asks: "open a symlink to a directory, O_DIRECTORY and O_NOFOLLOW",
            assumes: NO_DIRECTORY,
            measure: |g| kinds(g, |_, at| say(openat(at, "link", DIRECTORY, Mode::empty()))),
        },
        Fact {
            asks: "the same by openat2, RESOLVE_NO_XDEV",
            assumes: NO_DIRECTORY,
            measure: |g| kinds(g, |_, at| say(open(at, "link"))),
        },
        Fact {
            asks: "open a symlink to a directory, O_NOFOLLOW alone",
            assumes: NO_DIRECTORY,
            measure: |g| {
                kinds(g, |_, at| {
                    say(openat(at, "link", OFlags::NOFOLLOW, Mode::empty()))
                })
            },
        },
        Fact {
            asks: "open `link/`, O_DIRECTORY and O_NOFOLLOW",
            assumes: Assumes::Any,
            measure: |g| {
                kinds(g, |_, at| {
                    let opened = openat(at, "link/", DIRECTORY, Mode::empty());
                    said(opened.map(|_| "follows it"))
                })
            },
        },
        Fact {
            asks: "open a file, O_DIRECTORY",
            assumes: NO_DIRECTORY,
            measure: |g| kinds(g, |_, at| say(open(at, "file"))),
        },
        Fact {
            asks: "open a FIFO, O_DIRECTORY",
            assumes: NO_DIRECTORY,
            measure: |g| kinds(g, |_, at| say(open(at, "fifo"))),
        },
        Fact {
            asks: "unlink an empty directory",
            assumes: Assumes::One(&["EISDIR"]),
            measure: |g| kinds(g, |_, at| say(unlink(at, "empty"))),
        },
        Fact {
            asks: "unlink a directory with entries",
            assumes: Assumes::One(&["EISDIR"]),
            measure: |g| kinds(g, |_, at| say(unlink(at, "full"))),
        },
        Fact {
            asks: "unlink a symlink to a directory",
            assumes: DONE,
            measure: |g| kinds(g, |_, at| say(unlink(at, "link"))),
        },
        Fact {
            asks: "rmdir a file",
            assumes: NO_DIRECTORY,
            measure: |g| kinds(g, |_, at| say(rmdir(at, "file"))),
        },
        Fact {
            asks: "rmdir a symlink to a directory",
            assumes: NO_DIRECTORY,
            measure: |g| kinds(g, |_, at| say(rmdir(at, "link"))),
        },
        Fact {
            asks: "rmdir a directory with entries",
            assumes: FULL,
            measure: |g| kinds(g, |_, at| say(rmdir(at, "full"))),
        },
        Fact {
            asks: "rmdir an empty directory that is held open",
            assumes: DONE,
            measure: |g| {
                kinds(g, |tree, at| match tree.open("empty") {
                    Ok(_held) => say(rmdir(at, "empty")),
                    Err(error) => error.to_string(),
                })
            },
        },
        Fact {
            asks: "unlink a file that is held open; its directory then lists",
            assumes: Assumes::Any,
            measure: held_file_lists,
        },
        Fact {
            asks: "rmdir the directory of a file that was unlinked and is held open",
            // To the model a `.nfs*` is one more entry that somebody made.
            assumes: Assumes::Nfs(&["ok"], &["ENOTEMPTY"]),
            measure: held_file_keeps,
        },
        Fact {
            asks: "open, unlink, rmdir a name of 256 bytes",
            assumes: Assumes::Any,
            measure: |g| {
                kinds(g, |_, at| {
                    let long = "n".repeat(256);
                    [
                        say(open(at, &long)),
                        say(unlink(at, &long)),
                        say(rmdir(at, &long)),
                    ]
                    .join(", ")
                })
            },
        },
    ],
};

/// What others may do to names.
pub(super) const RENAMES: Group = Group {
    title: "What others may do to names",
    others: false,
    facts: &[
        Fact {
            asks: "link a directory",
            assumes: Assumes::One(&["EPERM"]),
            measure: |g| {
                kinds(g, |_, at| {
                    say(linkat(at, "empty", at, "second", AtFlags::empty()))
                })
            },
        },
        Fact {
            asks: "rename a directory into itself",
            assumes: Assumes::One(&["EINVAL", "EXDEV"]),
            measure: |g| kinds(g, |_, at| say(renameat(at, "full", at, "full/d/new"))),
        },
        Fact {
            asks: "rename a directory to another name",
            assumes: Assumes::Any,
            measure: |g| kinds(g, |_, at| say(renameat(at, "full", at, "new"))),
        },
        Fact {
            asks: "rename a directory over an empty one",
            assumes: Assumes::Any,
            measure: |g| kinds(g, |_, at| say(renameat(at, "full", at, "empty"))),
        },
        Fact {
            asks: "rename a new directory over an empty one that is held open; getdents64 of that",
            assumes: Assumes::Nfs(&["ENOENT"], &["ESTALE"]),
            measure: renamed_over,
        },
        Fact {
            asks: "rename a directory over one with entries",
            assumes: Assumes::Any,
            measure: |g| kinds(g, |_, at| say(renameat(at, "empty", at, "full"))),
        },
        Fact {
            asks: "rename a directory over a file",
            assumes: Assumes::Any,
            measure: |g| kinds(g, |_, at| say(renameat(at, "empty", at, "file"))),
        },
        Fact {
            asks: "rename a file over a directory",
            assumes: Assumes::Any,
            measure: |g| kinds(g, |_, at| say(renameat(at, "file", at, "empty"))),
        },
        Fact {
            asks: "exchange a directory and a symlink",
            assumes: Assumes::Any,
            measure: |g| {
                kinds(g, |_, at| {
                    say(renameat_with(at, "full", at, "link", RenameFlags::EXCHANGE))
                })
            },
        },
    ],
};

/// One of each kind.
pub(super) fn one_of_each(ground: &Ground) -> io::Result<Tree> {
    ground.tree(|at| {
        fs::create_dir(at.join("empty"))?;
        fs::create_dir_all(at.join("full/d"))?;
        fs::write(at.join("file"), "")?;
        symlink("full", at.join("link"))?;
        Ok(mknodat(
            CWD,
            at.join("fifo"),
            FileType::Fifo,
            Mode::RUSR,
            0,
        )?)
    })
}

fn kinds(ground: &Ground, call: fn(&Tree, &OwnedFd) -> String) -> io::Result<String> {
    let tree = one_of_each(ground)?;
    let at = tree.open(".")?;
    Ok(call(&tree, &at))
}

/// Unlinks a file in `full` that stays open, and hands on both.
fn held_file(ground: &Ground) -> io::Result<(Tree, OwnedFd, fs::File)> {
    let tree = one_of_each(ground)?;
    fs::remove_dir(tree.here.join("full/d"))?;
    let file = fs::File::create(tree.here.join("full/held"))?;
    let full = tree.open("full")?;
    unlink(&full, "held")?;
    Ok((tree, full, file))
}

fn held_file_lists(ground: &Ground) -> io::Result<String> {
    let (_tree, full, _file) = held_file(ground)?;
    let found = read(&full, 1024)?.unwrap_or_default();
    Ok(match found.first() {
        None => "nothing".to_owned(),
        Some(entry) if entry.name.starts_with(".nfs") => {
            format!(
                "a `.nfs*`, whose unlink is {}",
                say(unlink(&full, &entry.name))
            )
        }
        Some(_) => "something else".to_owned(),
    })
}

fn held_file_keeps(ground: &Ground) -> io::Result<String> {
    let (tree, _full, _file) = held_file(ground)?;
    Ok(say_io(fs::remove_dir(tree.here.join("full"))))
}

fn renamed_over(ground: &Ground) -> io::Result<String> {
    let tree = one_of_each(ground)?;
    fs::create_dir(tree.here.join("new"))?;
    let (at, held) = (tree.open(".")?, tree.open("empty")?);
    let done: Result<(), Errno> = renameat(&at, "new", &at, "empty");
    done?;
    Ok(listing(read(&held, 1024)))
}
