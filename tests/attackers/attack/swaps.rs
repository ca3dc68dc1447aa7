//! One name stands for another thing, in one call: renameat2(2) with `RENAME_EXCHANGE`.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, openat, renameat_with, statat};

use super::Attack;
use super::ground::Ground;
use super::moves::go;

/// Directories of the tree, from the first level to the deepest.
const PLACES: [&str; 6] = ["a", "a/b", "early", "a/b/c", "a/late", "a/b/c/d"];

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Two names of which one is in the tree. Both stand for what they should, or for each other's.
struct Pair {
    inside: PathBuf,
    aside: PathBuf,
    swapped: bool,
}

impl Pair {
    /// There, or back.
    fn act(&mut self) -> bool {
        let done = match exchange(&self.inside, &self.aside) {
            Ok(()) => true,
            // What had its name was removed: it comes back nevertheless.
            Err(_) if self.swapped => go(&self.aside, &self.inside).is_ok(),
            Err(_) => false,
        };
        self.swapped = done && !self.swapped;
        done
    }
}

/// A directory of the tree for a link to its like in the canary. No more than one at a time, for the
/// way to another would lead the attacker himself through the link.
struct Links {
    pairs: Vec<Pair>,
    turn: usize,
}

pub(super) fn links(ground: &Ground) -> Box<dyn Attack> {
    let pair = |(number, place): (usize, &&str)| {
        // Relative: the way from `/` may lead through a mount, and is barred by that alone.
        let up = "../".repeat(2 + place.matches('/').count());
        let aside = ground.aside().join(format!("link-{number}"));
        symlink(format!("{up}outside/canary/{place}"), &aside).expect("a link");
        Pair {
            inside: ground.root().join(place),
            aside,
            swapped: false,
        }
    };
    let pairs: Vec<Pair> = PLACES.iter().enumerate().map(pair).collect();
    let (first, canary) = (&pairs[0], ground.canary().join("a"));
    exchange(&first.inside, &first.aside).expect("the first exchange");
    let leads = fs::canonicalize(&first.inside).ok();
    assert_eq!(
        leads,
        fs::canonicalize(canary).ok(),
        "it leads to the canary"
    );
    exchange(&first.inside, &first.aside).expect("and back");
    Box::new(Links { pairs, turn: 0 })
}

impl Attack for Links {
    fn act(&mut self, _: &Ground) -> bool {
        let count = self.pairs.len();
        let pair = &mut self.pairs[self.turn % count];
        let done = pair.act();
        self.turn += usize::from(!pair.swapped);
        done
    }
}

/// The root for a stranger, once the walk has begun: before that, whatever has its name is the root.
/// Between two exchanges a directory is moved out and back, so that a walk that has lost its way looks
/// for the root once more.
struct Root {
    pair: Pair,
    way: (PathBuf, PathBuf),
    turn: usize,
    /// The root, and whether something was removed from it.
    opened: OwnedFd,
    begun: bool,
}

fn root(ground: &Ground, stranger: PathBuf) -> Box<dyn Attack> {
    let opened = openat(CWD, ground.root(), OFlags::PATH, Mode::empty()).expect("the root opens");
    let pair = Pair {
        inside: ground.root().to_path_buf(),
        aside: stranger,
        swapped: false,
    };
    Box::new(Root {
        pair,
        way: (ground.root().join("a/b/c"), ground.aside().join("way")),
        turn: 0,
        opened,
        begun: false,
    })
}

pub(super) fn root_for_link(ground: &Ground) -> Box<dyn Attack> {
    let stranger = ground.aside().join("stranger");
    symlink("../outside/canary", &stranger).expect("a link");
    root(ground, stranger)
}

pub(super) fn root_for_other(ground: &Ground) -> Box<dyn Attack> {
    root(ground, ground.other())
}

impl Root {
    fn has_begun(&mut self) -> bool {
        let is_gone = |name| statat(&self.opened, name, AtFlags::SYMLINK_NOFOLLOW).is_err();
        self.begun |= ["early", "file", "hollow", "late", "link", "a"]
            .into_iter()
            .any(is_gone);
        self.begun
    }
}

impl Attack for Root {
    fn act(&mut self, _: &Ground) -> bool {
        if !self.has_begun() {
            return false;
        }
        self.turn += 1;
        let (inside, outside) = &self.way;
        match self.turn % 4 {
            // The way to it must not lead through the stranger.
            0 if !self.pair.swapped => go(inside, outside).is_ok(),
            1 if !self.pair.swapped => go(outside, inside).is_ok(),
            _ => self.pair.act(),
        }
    }

    fn withdraw(&mut self, ground: &Ground) -> Vec<String> {
        if self.pair.swapped && !self.pair.act() {
            // The root is where the stranger was, and the stranger is nowhere.
            let _ = fs::rename(&self.pair.aside, ground.aside().join("root"));
        }
        Vec::new()
    }
}
