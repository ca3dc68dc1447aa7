//! Where facts are measured: a directory, and who the others are there.

use super::calls::DIRECTORY;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, openat};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use std::cell::Cell;
use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// A directory on the file system that is measured.
///
/// Needs a mount namespace of its own, and root.
#[derive(Debug)]
pub struct Ground {
    /// The directory.
    pub here: PathBuf,
    /// The same directory as another client sees it (NFS).
    pub there: Option<PathBuf>,
    /// How long to wait after the others' acts.
    pub wait: Duration,
    /// Every tree is built in the lower directory of an overlayfs of its own, and met above it.
    pub lower: bool,
    /// How many trees were made.
    pub made: Cell<u32>,
}

/// How often a tree is removed at most.
const REMOVALS: u32 = 20;

/// A tree of a ground; gone when dropped.
pub(super) struct Tree {
    pub(super) here: PathBuf,
    pub(super) there: PathBuf,
    top: PathBuf,
    wait: Duration,
    mounted: bool,
}

impl Ground {
    /// Whether the others are another client.
    #[must_use]
    pub fn has_other_client(&self) -> bool {
        self.there.is_some()
    }

    /// How often each fact is measured.
    pub(super) fn times(&self) -> u32 {
        // What is waited for is settled.
        if self.wait.is_zero() { 3 } else { 1 }
    }

    /// Builds a tree.
    pub(super) fn tree(&self, build: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<Tree> {
        self.made.set(self.made.get() + 1);
        let name = format!("fact-{}-{}", std::process::id(), self.made.get());
        let top = self.here.join(&name);
        fs::create_dir(&top)?;
        let mut tree = Tree {
            here: top.clone(),
            there: self
                .there
                .as_ref()
                .map_or(top.clone(), |there| there.join(&name)),
            top,
            wait: self.wait,
            mounted: false,
        };
        if self.lower {
            tree.lay_over(build)?;
        } else {
            build(&tree.here)?;
        }
        Ok(tree)
    }
}

impl Tree {
    /// Builds below an overlayfs, and is then what lies above it.
    fn lay_over(&mut self, build: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let part = |part: &str| self.top.join(part);
        for name in ["lower", "upper", "work", "merged"] {
            fs::create_dir(part(name))?;
        }
        build(&part("lower"))?;
        let (lower, upper, work) = (part("lower"), part("upper"), part("work"));
        let (lower, upper, work) = (lower.display(), upper.display(), work.display());
        let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        let options = CString::new(options).map_err(io::Error::other)?;
        let merged = part("merged");
        mount(
            "overlay",
            &merged,
            "overlay",
            MountFlags::empty(),
            &*options,
        )?;
        self.mounted = true;
        self.here.clone_from(&merged);
        self.there = merged;
        Ok(())
    }

    /// The others act.
    pub(super) fn others(&self, act: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        act(&self.there)?;
        sleep(self.wait);
        Ok(())
    }

    /// Opens a directory in it.
    pub(super) fn open(&self, path: &str) -> io::Result<OwnedFd> {
        Ok(openat(CWD, self.here.join(path), DIRECTORY, Mode::empty())?)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if self.mounted {
            let merged = self.here.as_os_str().as_bytes();
            if let Err(error) = unmount(merged, UnmountFlags::DETACH) {
                eprintln!("{}: {error}", self.here.display());
            }
        }
        // More than once: std stops at the first directory of which a listing skipped entries (NFS).
        let removed = (0..REMOVALS).any(|_| fs::remove_dir_all(&self.top).is_ok());
        if !removed && self.top.exists() {
            eprintln!("{} is not gone", self.top.display());
        }
    }
}
