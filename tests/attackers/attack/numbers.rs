//! A directory on the way is removed, and another one gets its inode number: device and number alone
//! no longer tell whether `..` reached what it should.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Attack;
use super::ground::{BOTTOM, Ground, furnish};
use super::moves::go;
use crate::support::trees::{Snapshot, differences, snapshot};

/// What is removed, and what is in it on the way down. A walk that is led astray finds only what it has
/// not removed yet of what it noted there, and the file system orders the names as it likes: so they
/// take turns.
const VICTIMS: [(&str, &str); 3] = [("a", "b"), ("a/b", "c"), ("a/b/c", "d")];
static TURN: AtomicUsize = AtomicUsize::new(0);
/// How many directories are made in search of a number.
const TRIES: usize = 64;

struct Reuse {
    victim: PathBuf,
    /// The name of what is in it on the way down.
    below: &'static str,
    /// A file that is removed when somebody is at the bottom.
    bottom: PathBuf,
    ambushed: bool,
    impostor: PathBuf,
    was: Option<Snapshot>,
}

pub(super) fn reuse(ground: &Ground) -> Box<dyn Attack> {
    let (victim, below) = VICTIMS[TURN.fetch_add(1, Ordering::Relaxed) % VICTIMS.len()];
    Box::new(Reuse {
        victim: ground.root().join(victim),
        below,
        bottom: ground.root().join(BOTTOM),
        ambushed: false,
        impostor: ground.aside().join("impostor"),
        was: None,
    })
}

impl Attack for Reuse {
    /// Once a walk: when somebody is at the bottom, the victim is removed, an impostor gets its number
    /// and what was in it, and the way is moved into that.
    fn act(&mut self, ground: &Ground) -> bool {
        if self.ambushed || !is_entered(&self.bottom) {
            return false;
        }
        self.ambushed = true;
        let way = ground.aside().join("way");
        let Ok(number) = fs::symlink_metadata(&self.victim).map(|found| found.ino()) else {
            return false;
        };
        if go(&self.victim.join(self.below), &way).is_err()
            || fs::remove_dir_all(&self.victim).is_err()
        {
            return false;
        }
        if !take(number, &self.impostor) || furnish(&self.impostor, "impostor").is_err() {
            return false;
        }
        self.was = Some(snapshot(&self.impostor));
        go(&way, &self.impostor.join(self.below)).is_ok()
    }

    fn withdraw(&mut self, ground: &Ground) -> Vec<String> {
        let Some(was) = &self.was else {
            return Vec::new();
        };
        let _ = go(
            &self.impostor.join(self.below),
            &ground.aside().join("way-again"),
        );
        differences(was, &snapshot(&self.impostor))
    }
}

/// Whether something was removed from the bottom, or the way to it.
fn is_entered(bottom: &Path) -> bool {
    // Whatever the order of the listing: one of these goes among the first, or among the last.
    ["f0", "f100", "f200", "f300", "f399"]
        .iter()
        .any(|file| fs::symlink_metadata(bottom.join(file)).is_err())
}

/// Makes directories until `at` has this number.
fn take(number: u64, at: &Path) -> bool {
    let spare = |n: usize| at.with_file_name(format!("spare-{n}"));
    let mut made = 0;
    let found = loop {
        if made == TRIES || fs::create_dir(spare(made)).is_err() {
            break false;
        }
        made += 1;
        if fs::symlink_metadata(spare(made - 1)).is_ok_and(|found| found.ino() == number) {
            break go(&spare(made - 1), at).is_ok();
        }
    };
    for n in 0..made {
        let _ = fs::remove_dir(spare(n));
    }
    found
}
