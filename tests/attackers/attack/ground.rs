//! Where an attack takes place: a tree to remove, and canaries with the same names wherever a walk
//! could be led to.
//!
//! ```text
//! parent/tree/        the root
//! parent/...          a canary with the tree's names: what `..` of the root reaches
//! outside/canary/     another: what links and mounts lead to, and directories are moved into
//! outside/other/      another, which takes the root's name
//! aside/              the attacker's own; not watched
//! ```

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::clear::clear;
use crate::support::trees::Site;

/// The directories on the way down. At each there is something to find before and after the next.
const LEVELS: [&str; 5] = ["", "a", "a/b", "a/b/c", "a/b/c/d"];
/// Deeper than others hold descriptors for.
pub const BOTTOM: &str = "a/b/c/d/e/e/e/e/e/e";
/// The same in canaries and in trees.
const FILES: usize = 4;

/// The ground.
#[derive(Debug)]
pub struct Ground {
    site: Site,
}

impl Ground {
    /// In `place`, or where trees are built otherwise.
    pub fn new(place: Option<&Path>) -> Ground {
        let site = place.map_or_else(Site::new, Site::in_place);
        let mut ground = Ground { site };
        for canary in [
            ground.site.base().to_path_buf(),
            ground.canary(),
            ground.other(),
        ] {
            plant(&canary, FILES).expect("a canary");
        }
        ground.site.watch_all();
        ground
    }

    pub fn root(&self) -> &Path {
        self.site.root()
    }

    /// The root's parent, which is a canary too.
    pub fn base(&self) -> &Path {
        self.site.base()
    }

    pub fn canary(&self) -> PathBuf {
        self.site.outside().join("canary")
    }

    pub fn other(&self) -> PathBuf {
        self.site.outside().join("other")
    }

    pub fn aside(&self) -> PathBuf {
        self.site.aside()
    }

    /// Makes the tree, with as many files in its deepest directory.
    pub fn grow(&self, files: usize) {
        plant(self.root(), files).expect("a tree");
    }

    /// Removes what is left of the tree and of what the attacker had, for the next walk. The way of
    /// [`clear`] is not that of the walker under test.
    pub fn clear(&self) {
        for place in [self.root(), &self.aside()] {
            let is_directory = fs::symlink_metadata(place).is_ok_and(|found| found.is_dir());
            if is_directory {
                assert_eq!(clear(place), [""; 0], "{} is not gone", place.display());
            } else {
                let _ = fs::remove_file(place);
            }
        }
        fs::create_dir(self.aside()).expect("mkdir aside");
    }

    /// Makes the ground one that can go away: who was led astray beside it may have removed it.
    pub fn restore(&self) {
        fs::create_dir_all(self.aside()).expect("mkdir aside");
    }

    /// What happened to the canaries.
    pub fn damage(&self) -> Vec<String> {
        self.site.damage()
    }
}

/// A tree at `at`, with `files` names of a file in its deepest directory.
pub fn plant(at: &Path, files: usize) -> io::Result<()> {
    let bottom = at.join(BOTTOM);
    fs::create_dir_all(&bottom)?;
    for level in LEVELS {
        furnish(&at.join(level), level)?;
    }
    let first = bottom.join("f0");
    fs::write(&first, "bottom\n")?;
    // More names of the same file: ext4 without a journal takes long to find numbers that were not
    // freed just now.
    (1..files).try_for_each(|file| fs::hard_link(&first, bottom.join(format!("f{file}"))))
}

/// What is beside the way at one level: files, links, directories with something in them and empty
/// ones, so that a walk that is led astray finds something that it can remove.
pub fn furnish(dir: &Path, content: &str) -> io::Result<()> {
    for side in ["early", "late"] {
        let side = dir.join(side);
        fs::create_dir_all(side.join("empty"))?;
        fs::write(side.join("file"), content)?;
    }
    fs::create_dir_all(dir.join("hollow"))?;
    fs::write(dir.join("file"), content)?;
    symlink("file", dir.join("link"))
}
