//! Faults: every call of a walk fails once, with every errno it can give, and the walk must end as
//! the contract says, with everything gone that the fault does not concern.
//!
//! | module | how a call fails |
//! | --- | --- |
//! | [`inside`] | a kernel that answers in the system's place, by the system's own table of errnos |
//! | [`outside`] | strace answers in the kernel's place; the command is what users run |
//! | [`killed`] | the command is killed, and run again |
//!
//! Absent: EINTR in `inside`, for the machine never sees it. `outside` interrupts the calls.

#[path = "../support/mod.rs"]
mod support;

mod faulty;
mod inside;
mod killed;
mod outside;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use support::trees::snapshot;

/// Files, links, an empty directory, two ways down, and levels enough that with one or two open
/// directories `..` is asked for.
const TREE: &str = "
    a/b/c/d/file
    a/b/c/file
    a/b/file
    a/b/link -> ../file
    a/file
    a/side/one
    a/side/two
    empty/
    file
    link -> a
";

/// What is there at and below `root`, by paths relative to it; the root's own is empty.
fn standing(root: &Path) -> BTreeSet<PathBuf> {
    snapshot(root).into_keys().collect()
}

/// Whether `path` is at, beneath or on the way to `entry`.
fn concerns(entry: &Path, path: &Path) -> bool {
    path.starts_with(entry) || entry.starts_with(path)
}
