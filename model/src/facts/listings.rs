//! What getdents64 returns while entries come and go, and where a reading can go on.

use super::calls::{BUFFER, Listed, read, read_all, said, seek_to, unlink};
use super::ground::{Ground, Tree};
use super::{Assumes, Fact, Group};
use rustix::fd::OwnedFd;
use rustix::fs::FileType;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Several buffers full, also of 32 KiB, and several blocks of any directory.
const MANY: usize = 3000;

/// What skips is met by further passes; the model has it as an option of its own.
const WHOLE: Assumes = Assumes::Nfs(&["all returned"], &["some skipped"]);
const REST: Assumes = Assumes::Positions(&["the rest, each once"]);

/// Listings.
pub(super) const LISTINGS: Group = Group {
    title: "Listings",
    others: false,
    facts: &[
        Fact {
            asks: "types of directories, files and symlinks",
            assumes: Assumes::Any,
            measure: types,
        },
        Fact {
            asks: "entries that stay while those already read are removed",
            assumes: WHOLE,
            measure: |g| removed_while_reading(g, BUFFER),
        },
        Fact {
            asks: "the same with a buffer of 512 bytes",
            assumes: WHOLE,
            measure: |g| removed_while_reading(g, 512),
        },
        Fact {
            asks: "entries removed behind the last buffer",
            assumes: Assumes::Any,
            measure: removed_ahead,
        },
        Fact {
            asks: "entries made after opening, before reading",
            assumes: Assumes::Any,
            measure: |g| made(g, 0),
        },
        Fact {
            asks: "entries made while reading",
            assumes: Assumes::Any,
            measure: |g| made(g, 1),
        },
        Fact {
            asks: "entries already read, removed and made again",
            assumes: Assumes::Any,
            measure: made_again,
        },
        Fact {
            asks: "entries already read, renamed",
            assumes: Assumes::Any,
            measure: renamed,
        },
        Fact {
            asks: "reading on behind the end",
            assumes: Assumes::One(&["the end"]),
            measure: behind_the_end,
        },
        Fact {
            asks: "sought to the start after entries came and went",
            assumes: Assumes::One(&["what is there"]),
            measure: from_the_start,
        },
        Fact {
            asks: "reopened and sought behind the last entry read",
            assumes: REST,
            measure: |g| resumed(g, |_, _| Ok(())),
        },
        Fact {
            asks: "the same, all that was read removed",
            assumes: REST,
            measure: |g| resumed(g, |at, before| remove(at, before.iter())),
        },
        Fact {
            asks: "the same, the last entry read removed",
            assumes: REST,
            measure: |g| resumed(g, |at, before| remove(at, before.last())),
        },
        Fact {
            asks: "the same, all that was read removed and as much made",
            assumes: REST,
            measure: |g| {
                resumed(g, |at, before| {
                    remove(at, before.iter())?;
                    (0..before.len()).try_for_each(|i| fs::write(at.join(format!("new{i}")), ""))
                })
            },
        },
        Fact {
            asks: "held open, all that was read removed, sought behind the last entry read",
            assumes: REST,
            measure: |g| {
                let (tree, fd, before) = half_read(g)?;
                remove(&tree.here.join("d"), before.iter())?;
                go_on(&fd, &before)
            },
        },
    ],
};

/// A directory `d` with many files.
fn many(ground: &Ground) -> io::Result<Tree> {
    ground.tree(|at| {
        fs::create_dir(at.join("d"))?;
        (0..MANY).try_for_each(|i| fs::write(at.join(format!("d/file{i}")), ""))
    })
}

fn types(ground: &Ground) -> io::Result<String> {
    let tree = ground.tree(|at| {
        (0..100).try_for_each(|i| {
            fs::create_dir(at.join(format!("d{i}")))?;
            fs::write(at.join(format!("f{i}")), "")?;
            symlink("f0", at.join(format!("l{i}")))
        })
    })?;
    let unknown = |entry: &Listed| entry.kind == FileType::Unknown;
    let right = |entry: &Listed| {
        entry.kind
            == match entry.name.as_bytes().first() {
                Some(b'd') => FileType::Directory,
                Some(b'f') => FileType::RegularFile,
                _ => FileType::Symlink,
            }
    };
    let told = read_all(tree.open(".")?)?;
    Ok(match told {
        told if told.iter().all(right) => "known",
        told if told.iter().all(unknown) => "unknown",
        told if told.iter().all(|e| right(e) || unknown(e)) => "some unknown",
        _ => "wrong",
    }
    .to_owned())
}

fn removed_while_reading(ground: &Ground, size: usize) -> io::Result<String> {
    let tree = many(ground)?;
    let fd = tree.open("d")?;
    let mut returned = 0;
    while let Some(entries) = read(&fd, size)? {
        for entry in entries {
            unlink(&fd, &entry.name)?;
            returned += 1;
        }
    }
    Ok(if returned == MANY {
        "all returned"
    } else {
        "some skipped"
    }
    .to_owned())
}

/// Opens `d` and reads one buffer of it; hands on what it held.
fn first_buffer(tree: &Tree, size: usize) -> io::Result<(OwnedFd, Vec<Listed>)> {
    let fd = tree.open("d")?;
    let first = read(&fd, size)?.unwrap_or_default();
    if first.is_empty() || first.len() >= MANY {
        return Err(io::Error::other("one buffer held nothing, or all"));
    }
    Ok((fd, first))
}

fn names<'a>(entries: impl IntoIterator<Item = &'a Listed>) -> BTreeSet<&'a str> {
    entries.into_iter().map(|entry| &*entry.name).collect()
}

/// All, some or none of `these` are in `listed`.
fn share(these: &BTreeSet<&str>, listed: &[Listed]) -> String {
    let listed = names(listed);
    let count = these.iter().filter(|name| listed.contains(*name)).count();
    match count {
        0 => "not returned",
        n if n == these.len() => "returned",
        _ => "some returned",
    }
    .to_owned()
}

fn removed_ahead(ground: &Ground) -> io::Result<String> {
    let tree = many(ground)?;
    let (fd, first) = first_buffer(&tree, BUFFER)?;
    let all: Vec<String> = (0..MANY).map(|i| format!("file{i}")).collect();
    let read_already = names(&first);
    let ahead = all.iter().map(String::as_str);
    let ahead: BTreeSet<&str> = ahead.filter(|name| !read_already.contains(name)).collect();
    ahead.iter().try_for_each(|name| unlink(&fd, name))?;
    Ok(share(&ahead, &read_all(&fd)?))
}

/// After so many buffers others make as many entries as there are.
fn made(ground: &Ground, buffers: usize) -> io::Result<String> {
    let tree = many(ground)?;
    let fd = tree.open("d")?;
    for _ in 0..buffers {
        read(&fd, BUFFER)?;
    }
    let new: Vec<String> = (0..MANY).map(|i| format!("new{i}")).collect();
    tree.others(|at| {
        new.iter()
            .try_for_each(|name| fs::write(at.join("d").join(name), ""))
    })?;
    Ok(share(
        &new.iter().map(String::as_str).collect(),
        &read_all(&fd)?,
    ))
}

fn made_again(ground: &Ground) -> io::Result<String> {
    let tree = many(ground)?;
    let (fd, first) = first_buffer(&tree, 4096)?;
    for entry in &first {
        unlink(&fd, &entry.name)?;
        fs::write(tree.here.join("d").join(&entry.name), "")?;
    }
    Ok(share(&names(&first), &read_all(&fd)?))
}

fn renamed(ground: &Ground) -> io::Result<String> {
    let tree = many(ground)?;
    let (fd, first) = first_buffer(&tree, 4096)?;
    let new: Vec<String> = (0..first.len()).map(|i| format!("new{i}")).collect();
    for (entry, new) in first.iter().zip(&new) {
        rustix::fs::renameat(&fd, &*entry.name, &fd, &**new)?;
    }
    Ok(share(
        &new.iter().map(String::as_str).collect(),
        &read_all(&fd)?,
    ))
}

fn behind_the_end(ground: &Ground) -> io::Result<String> {
    let tree = many(ground)?;
    let fd = tree.open("d")?;
    read_all(&fd)?;
    Ok(said(read(&fd, BUFFER).map(|read| match read {
        None => "the end",
        Some(_) => "entries",
    })))
}

fn from_the_start(ground: &Ground) -> io::Result<String> {
    let tree = many(ground)?;
    let fd = tree.open("d")?;
    for entry in read_all(&fd)? {
        unlink(&fd, &entry.name)?;
    }
    fs::write(tree.here.join("d/new"), "")?;
    seek_to(&fd, 0)?;
    let listed = read_all(&fd)?;
    Ok(match &listed[..] {
        [one] if one.name == "new" => "what is there",
        _ => "something else",
    }
    .to_owned())
}

fn remove<'a>(at: &Path, entries: impl IntoIterator<Item = &'a Listed>) -> io::Result<()> {
    let mut entries = entries.into_iter();
    entries.try_for_each(|entry| fs::remove_file(at.join(&entry.name)))
}

/// Reads about half of `d`: to an entry in the middle of a buffer, as the walker stops.
fn half_read(ground: &Ground) -> io::Result<(Tree, OwnedFd, Vec<Listed>)> {
    let tree = many(ground)?;
    let fd = tree.open("d")?;
    let mut before = Vec::new();
    while before.len() < MANY / 2 {
        before.extend(read(&fd, BUFFER)?.unwrap_or_default());
    }
    before.truncate(MANY / 2);
    Ok((tree, fd, before))
}

/// Reads half, lets others act, opens again and goes on.
fn resumed(
    ground: &Ground,
    act: impl FnOnce(&Path, &[Listed]) -> io::Result<()>,
) -> io::Result<String> {
    let (tree, fd, before) = half_read(ground)?;
    drop(fd);
    act(&tree.here.join("d"), &before)?;
    go_on(&tree.open("d")?, &before)
}

/// Goes on behind the last of `before`: what is read then, in words.
fn go_on(fd: &OwnedFd, before: &[Listed]) -> io::Result<String> {
    let position = before.last().map_or(0, |last| last.position);
    if let Err(errno) = seek_to(fd, position) {
        return Ok(said::<&str>(Err(errno)));
    }
    let rest = read_all(fd)?;
    let old = names(before);
    let is_rest = |name: &str| name.starts_with("file") && !old.contains(name);
    let seen = names(&rest);
    let twice = seen.len() < rest.len() || seen.iter().any(|name| old.contains(name));
    let found = seen.iter().filter(|name| is_rest(name)).count();
    Ok(match (found == MANY - before.len(), twice) {
        (true, false) => "the rest, each once",
        (true, true) => "the rest, some twice",
        (false, false) => "some lost",
        (false, true) => "some lost, some twice",
    }
    .to_owned())
}
