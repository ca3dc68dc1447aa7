//! Inode numbers and births: by what a directory is known again.

use super::believed::identity;
use super::calls::inode;
use super::ground::{Ground, Tree};
use super::{Assumes, Fact, Group};
use fell::machine::{Birth, Inode};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, renameat};
use std::collections::{BTreeSet, HashSet};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const NO_BIRTHS: &str = "no births";
const NEVER: Assumes = Assumes::One(&["never"]);

/// Numbers and births.
pub(super) const NUMBERS: Group = Group {
    title: "Numbers and births",
    others: false,
    facts: &[
        Fact {
            asks: "the number of a removed directory, given to the next one made",
            assumes: Assumes::Any,
            measure: reused,
        },
        Fact {
            asks: "the number of a removed directory that is held open, given to another",
            assumes: NEVER,
            measure: |g| reused_while_held(g, "q/d", false),
        },
        Fact {
            asks: "the number of the last parent of one that is held open, given to another",
            assumes: NEVER,
            measure: |g| reused_while_held(g, "q/d", true),
        },
        Fact {
            asks: "birth",
            assumes: Assumes::Any,
            measure: |g| {
                let tree = chain(g)?;
                let told = inode(tree.open("q")?)?.birth != Birth::UNKNOWN;
                Ok(if told { "told" } else { "not told" }.to_owned())
            },
        },
        Fact {
            asks: "number and birth, as fell asks for them, made and removed 2,000 times at once",
            assumes: Assumes::Births(&["never the same", NO_BIRTHS]),
            measure: |g| {
                made_at_once(g, |path| {
                    identity(path).ok_or_else(|| io::Error::other("it cannot be identified"))
                })
            },
        },
        Fact {
            asks: "the same, where the time of change is not asked for",
            assumes: Assumes::Any,
            measure: |g| made_at_once(g, |path| Ok(inode(fs::File::open(path)?)?)),
        },
        Fact {
            asks: "number, while entries come, it is renamed and its mode changes",
            assumes: Assumes::One(&["stays"]),
            measure: |g| changed(g, number),
        },
        Fact {
            asks: "birth, while entries come, it is renamed and its mode changes",
            assumes: Assumes::Births(&["stays"]),
            measure: |g| changed(g, |inode| inode),
        },
        Fact {
            asks: "number and birth, its name opened again",
            assumes: Assumes::Births(&["stay"]),
            measure: opened_again,
        },
    ],
};

fn chain(ground: &Ground) -> io::Result<Tree> {
    ground.tree(|at| fs::create_dir_all(at.join("q/d")))
}

fn reused(ground: &Ground) -> io::Result<String> {
    const TIMES: u32 = 100;
    let tree = chain(ground)?;
    let mut again = 0;
    for _ in 0..TIMES {
        fs::create_dir(tree.here.join("one"))?;
        let one = inode(tree.open("one")?)?.number;
        fs::remove_dir(tree.here.join("one"))?;
        fs::create_dir(tree.here.join("two"))?;
        again += u32::from(inode(tree.open("two")?)?.number == one);
        fs::remove_dir(tree.here.join("two"))?;
    }
    // Not how often: that depends on what else goes on.
    Ok(match again {
        0 => "never",
        again if again >= TIMES * 9 / 10 => "nearly always",
        _ => "sometimes",
    }
    .to_owned())
}

/// Removes `path`, held open, and with `parent` also the directory that it is in, and makes many.
fn reused_while_held(ground: &Ground, path: &str, parent: bool) -> io::Result<String> {
    let tree = chain(ground)?;
    let held: OwnedFd = tree.open(path)?;
    let mut dead = BTreeSet::from([inode(&held)?.number]);
    fs::remove_dir(tree.here.join(path))?;
    if parent {
        dead.insert(inode(tree.open("q")?)?.number);
        fs::remove_dir(tree.here.join("q"))?;
    }
    let mut again = false;
    for number in 0..300 {
        let name = format!("new{number}");
        fs::create_dir(tree.here.join(&name))?;
        again |= dead.contains(&inode(tree.open(&name)?)?.number);
    }
    drop(held);
    Ok(if again { "given" } else { "never" }.to_owned())
}

/// As fast as can be: clocks of file systems are coarse.
fn made_at_once(ground: &Ground, identify: fn(&Path) -> io::Result<Inode>) -> io::Result<String> {
    let tree = chain(ground)?;
    let path = tree.here.join("one");
    let mut seen = HashSet::new();
    let mut same = false;
    for _ in 0..2000 {
        fs::create_dir(&path)?;
        let inode = identify(&path)?;
        if inode.birth == Birth::UNKNOWN {
            return Ok(NO_BIRTHS.to_owned());
        }
        same |= !seen.insert(inode);
        fs::remove_dir(&path)?;
    }
    Ok(if same {
        "sometimes the same"
    } else {
        "never the same"
    }
    .to_owned())
}

fn number(inode: Inode) -> Inode {
    Inode {
        birth: Birth::UNKNOWN,
        ..inode
    }
}

/// Whether what `of` takes from number and birth of a directory, held open, stays.
fn changed(ground: &Ground, of: fn(Inode) -> Inode) -> io::Result<String> {
    let tree = chain(ground)?;
    let q = tree.open("q")?;
    let before = of(inode(&q)?);
    fs::write(tree.here.join("q/new"), "")?;
    fs::set_permissions(tree.here.join("q"), Permissions::from_mode(0o700))?;
    // overlayfs moves nothing that has a lower directory: EXDEV.
    let _ = renameat(CWD, tree.here.join("q"), CWD, tree.here.join("r"));
    let stays = of(inode(&q)?) == before;
    Ok(if stays { "stays" } else { "changes" }.to_owned())
}

fn opened_again(ground: &Ground) -> io::Result<String> {
    let tree = chain(ground)?;
    let before = inode(tree.open("q")?)?;
    fs::write(tree.here.join("q/new"), "")?;
    let after = inode(tree.open("q")?)?;
    Ok(
        match (before.number == after.number, before.birth == after.birth) {
            (true, true) => "stay",
            (true, false) => "the birth changes",
            (false, _) => "the number changes",
        }
        .to_owned(),
    )
}
