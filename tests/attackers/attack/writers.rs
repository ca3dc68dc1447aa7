//! Writers that never stop, against whom a walk needs a bound.

use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Result;

use super::Attack;
use super::ground::Ground;

const DIRECTORY: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

fn open(at: impl AsFd, name: impl rustix::path::Arg) -> Result<OwnedFd> {
    openat(at, name, DIRECTORY, Mode::empty())
}

/// Always one level deeper than it was; from the root again when it was cut off.
struct Deeper {
    root: PathBuf,
    deepest: Option<OwnedFd>,
}

pub(super) fn deeper(ground: &Ground) -> Box<dyn Attack> {
    Box::new(Deeper {
        root: ground.root().to_path_buf(),
        deepest: None,
    })
}

impl Deeper {
    fn dig(&mut self) -> Result<OwnedFd> {
        let here = match self.deepest.take() {
            Some(here) => here,
            None => open(CWD, &self.root)?,
        };
        // What was made before it was cut off may be there still.
        let _ = mkdirat(&here, c"deeper", Mode::RWXU);
        open(&here, c"deeper")
    }
}

impl Attack for Deeper {
    fn act(&mut self, _: &Ground) -> bool {
        self.deepest = self.dig().ok();
        self.deepest.is_some()
    }
}

/// A file more at each turn, in one of two directories.
struct Flood {
    into: [OwnedFd; 2],
    made: usize,
}

pub(super) fn flood(ground: &Ground) -> Box<dyn Attack> {
    let into = ["", "a/b"].map(|name| open(CWD, ground.root().join(name)).expect("it was grown"));
    Box::new(Flood { into, made: 0 })
}

impl Attack for Flood {
    fn act(&mut self, _: &Ground) -> bool {
        self.made += 1;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let name = format!("new-{}", self.made);
        openat(&self.into[self.made % 2], name, flags, Mode::RUSR).is_ok()
    }
}
