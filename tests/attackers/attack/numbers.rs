//! A directory on the way is removed, and another one gets its inode number: device and number alone
//! no longer tell whether `..` reached what it should.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Attack;
use super::ground::{BOTTOM, Ground, furnish};
use super::moves::go;
use crate::support::trees::{Snapshot, differences, snapshot};

/// How many directories are made in search of a number.
const TRIES: usize = 64;

struct Reuse {
    /// A file that is removed when somebody is at the bottom.
    bottom: PathBuf,
    ambushed: bool,
    impostor: PathBuf,
    was: Option<Snapshot>,
}

pub(super) fn reuse(ground: &Ground) -> Box<dyn Attack> {
    Box::new(Reuse {
        bottom: ground.root().join(BOTTOM),
        ambushed: false,
        impostor: ground.aside().join("impostor"),
        was: None,
    })
}

impl Attack for Reuse {
    /// Once a walk: when somebody is at the bottom, `a` is removed, an impostor gets its number and
    /// what was in `a`, and the way is moved into it.
    fn act(&mut self, ground: &Ground) -> bool {
        if self.ambushed || !is_entered(&self.bottom) {
            return false;
        }
        self.ambushed = true;
        let (victim, way) = (ground.root().join("a"), ground.aside().join("b"));
        let Ok(number) = fs::symlink_metadata(&victim).map(|found| found.ino()) else {
            return false;
        };
        if go(&victim.join("b"), &way).is_err() || fs::remove_dir_all(&victim).is_err() {
            return false;
        }
        if !take(number, &self.impostor) || furnish(&self.impostor, "impostor").is_err() {
            return false;
        }
        self.was = Some(snapshot(&self.impostor));
        go(&way, &self.impostor.join("b")).is_ok()
    }

    fn withdraw(&mut self, ground: &Ground) -> Vec<String> {
        let Some(was) = &self.was else {
            return Vec::new();
        };
        let _ = go(&self.impostor.join("b"), &ground.aside().join("b-again"));
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
