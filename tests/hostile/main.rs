//! A file system that lies, stalls or never ends, served by FUSE to the kernel that everybody has. Each
//! walk must end, and each test says by what: by itself, which the number of its requests bounds, or
//! only by `max_entries`, a deadline or a cancel.
//!
//! | module | gives |
//! | --- | --- |
//! | [`tree`] | an honest file system in memory |
//! | [`fuse`] | the server, which lets a test answer in the tree's place |
//! | [`ending`] | lies that a walk ends with by itself |
//! | [`endless`] | what only limits end |
//!
//! Mounted in a mount namespace of each test's own. Without `/dev/fuse` the tests are skipped.

#[path = "../support/mod.rs"]
mod support;

mod ending;
mod endless;
mod fuse;
mod tree;

use fell::{Error, Remover, Report};
use fuse::{Mount, Said, Twist};
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use support::audit::{Walked, assert_left, watched};
use support::trees::Site;
use tree::{Call, Tree};

/// A bit of everything: with `tree` itself 12 entries, 6 of them directories.
const SMALL: &[&str] = &[
    "tree/a/b/c/file",
    "tree/a/b/file",
    "tree/a/file",
    "tree/a/side/one",
    "tree/empty/",
    "tree/file",
    "tree/other",
];

/// A mounted file system whose directory `tree` is to be removed.
struct Case {
    // Dropped before the site.
    mount: Mount,
    site: Site,
}

impl Case {
    /// Nothing where there is no FUSE.
    #[track_caller]
    fn new(
        tree: Tree,
        twist: impl FnMut(&mut Tree, &Call) -> Said + Send + 'static,
    ) -> Option<Case> {
        let site = Site::new();
        let at = site.aside().join("mount");
        fs::create_dir(&at).expect("mkdir of a mount point");
        let twist: Box<Twist> = Box::new(twist);
        let mount = Mount::new(&at, tree, twist)?;
        Some(Case { mount, site })
    }

    fn root(&self) -> PathBuf {
        self.site.aside().join("mount/tree")
    }

    /// Removes the tree, which must take fewer requests than `ceiling`.
    #[track_caller]
    fn remove(&self, remover: &Remover, ceiling: usize) -> Walked {
        let walked = watched(remover, &self.root(), |moment| {
            assert!(moment.number < ceiling, "the walk does not end");
            None
        });
        self.site.assert_canaries();
        walked
    }

    /// [`Case::remove`] without asking whether an Ok is one: a lie at the root is believed.
    #[track_caller]
    fn remove_lied_to(&self, ceiling: usize) -> Result<Report, Error> {
        let mut requests = 0;
        Remover::new().remove_dir_all_observed(self.root(), |_| {
            requests += 1;
            assert!(requests < ceiling, "the walk does not end");
            ControlFlow::Continue(())
        })
    }

    /// How many entries are left below the root of the mount.
    fn left(&self) -> usize {
        self.mount.tree().len()
    }
}

/// A tree of these paths; those that end in `/` are directories.
fn tree_of<S: AsRef<str>>(paths: impl IntoIterator<Item = S>) -> Tree {
    let mut tree = Tree::new();
    for path in paths {
        tree.make(path.as_ref());
    }
    tree
}

/// Whether `dir` is what the path leads to.
fn is(tree: &Tree, dir: u64, path: &str) -> bool {
    tree.find(path) == Some(dir)
}
