//! The builder: what may be set before a walk, and the ways to start one.

use crate::error::{Error, Refused};
use crate::executor::{Event, Quota, Walk, drive};
use crate::kernel::{At, Kernel, Linux, number};
use crate::machine::{Limits, Outcome, Refusal, Stop};
use crate::report::{Operation, Report};
use crate::root::RootPath;
use core::ops::ControlFlow;
use rustix::fd::AsFd;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Removes directory trees, with other settings than [`remove_dir_all`](crate::remove_dir_all).
///
/// A `Remover` holds settings only; one may serve any number of walks at once (spec G10).
///
/// ```
/// # let dir = tempfile::tempdir()?;
/// # let tree = dir.path().join("tree");
/// # std::fs::create_dir_all(tree.join("a/b"))?;
/// use std::time::Duration;
/// let report = fell::Remover::new()
///     .max_open_dirs(8)
///     .deadline(Duration::from_secs(60))
///     .remove_dir_all(&tree)?;
/// assert_eq!(report.directories, 3);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a Remover does nothing until one of its remove_dir_all methods is called"]
pub struct Remover {
    limits: Limits,
    must_exist: bool,
    deadline: Option<Duration>,
    max_leftovers: usize,
}

/// How many bytes the paths of all listed leftovers may have together.
const LEFTOVER_BYTES: usize = 4 << 20;

impl Default for Remover {
    fn default() -> Remover {
        Remover::new()
    }
}

impl Remover {
    /// The settings of [`remove_dir_all`](crate::remove_dir_all).
    pub const fn new() -> Remover {
        Remover {
            limits: Limits::DEFAULT,
            must_exist: false,
            deadline: None,
            max_leftovers: 1000,
        }
    }

    /// Empty the root and keep it. It may then be a mount point (spec G12).
    pub const fn keep_root(mut self, keep: bool) -> Remover {
        self.limits.keep_root = keep;
        self
    }

    /// An absent root is an error: [`Error::Io`] with `NotFound` (spec G11).
    pub const fn must_exist(mut self, must: bool) -> Remover {
        self.must_exist = must;
        self
    }

    /// How many directories above the current one are held open; at least 1. The walk holds at most
    /// 3 descriptors more (spec G8). Default 64.
    pub const fn max_open_dirs(mut self, dirs: u16) -> Remover {
        self.limits.max_open_dirs = dirs;
        self
    }

    /// How many retries the walk may make (spec G3). Default 256.
    pub const fn patience(mut self, retries: u32) -> Remover {
        self.limits.patience = retries;
        self
    }

    /// How many levels deep the walk may go, the root counted; directories below are leftovers with
    /// E2BIG unless they are empty (spec G3). Default 2^22.
    pub const fn max_depth(mut self, levels: u32) -> Remover {
        self.limits.max_depth = levels;
        self
    }

    /// How many entries the walk may meet; what comes after is a leftover with E2BIG (spec G3). Not
    /// limited by default.
    pub const fn max_entries(mut self, entries: u64) -> Remover {
        self.limits.max_entries = Some(entries);
        self
    }

    /// How many passes over one directory that met no fewer entries than the one before may be
    /// followed by another (spec G3). Default 2.
    pub const fn max_passes(mut self, passes: u8) -> Remover {
        self.limits.passes = passes;
        self
    }

    /// How many leftovers the report lists word for word; the rest is counted. Default 1,000
    /// (spec G9).
    pub const fn max_leftovers(mut self, leftovers: usize) -> Remover {
        self.max_leftovers = leftovers;
        self
    }

    /// How long the walk may take. It is asked before each request; a system call that hangs is not
    /// interrupted.
    pub const fn deadline(mut self, limit: Duration) -> Remover {
        self.deadline = Some(limit);
        self
    }

    /// Removes the tree at `path`.
    ///
    /// # Errors
    /// As [`remove_dir_all`](crate::remove_dir_all), and [`Error::TimedOut`].
    pub fn remove_dir_all(&self, path: impl AsRef<Path>) -> Result<Report, Error> {
        self.remove_dir_all_observed(path, |_| ControlFlow::Continue(()))
    }

    /// Removes the tree at `path`, showing every request and reply to `observer`, who may cancel.
    ///
    /// # Errors
    /// As [`Remover::remove_dir_all`], and [`Error::Cancelled`].
    pub fn remove_dir_all_observed(
        &self,
        path: impl AsRef<Path>,
        observer: impl FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Report, Error> {
        let path = path.as_ref();
        let root = RootPath::new(path).map_err(|reason| refused(path, reason))?;
        let mut linux = Linux::new(&root, At::Path, self.limits.keep_root);
        self.walk(&root, self.limits, &mut linux, observer)
    }

    /// Removes the tree `name` in the directory `dir`. No path is resolved, so it does not matter
    /// where `dir` lies, or is moved to. `dir` may be any descriptor of a directory, `O_PATH`
    /// included; `name` is one name, not a path.
    ///
    /// # Errors
    /// As [`Remover::remove_dir_all`]. A `dir` that went stale on a file server is [`Error::Io`], for
    /// there is no path to find it again (spec E).
    pub fn remove_dir_all_at(
        &self,
        dir: impl AsFd,
        name: impl AsRef<Path>,
    ) -> Result<Report, Error> {
        self.remove_dir_all_at_observed(dir, name, |_| ControlFlow::Continue(()))
    }

    /// [`Remover::remove_dir_all_at`] with an observer.
    ///
    /// # Errors
    /// As [`Remover::remove_dir_all_at`], and [`Error::Cancelled`].
    pub fn remove_dir_all_at_observed(
        &self,
        dir: impl AsFd,
        name: impl AsRef<Path>,
        observer: impl FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Report, Error> {
        let name = name.as_ref();
        let root = RootPath::entry(name).map_err(|reason| refused(name, reason))?;
        let limits = Limits {
            resolvable: false,
            ..self.limits
        };
        let mut linux = Linux::new(&root, At::Directory(dir.as_fd()), limits.keep_root);
        self.walk(&root, limits, &mut linux, observer)
    }

    /// Removes `root` by the answers of `kernel`: for tests that act between two requests, or
    /// answer in the system's place.
    ///
    /// # Errors
    /// As [`Remover::remove_dir_all`], and [`Error::Cancelled`].
    pub fn remove_dir_all_with(
        &self,
        root: &RootPath,
        kernel: &mut impl Kernel,
        observer: impl FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Report, Error> {
        self.walk(root, self.limits, kernel, observer)
    }

    /// The limits the machine is given.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    fn walk(
        &self,
        root: &RootPath,
        limits: Limits,
        kernel: &mut impl Kernel,
        mut observer: impl FnMut(&Event<'_>) -> ControlFlow<()>,
    ) -> Result<Report, Error> {
        let path = root.as_path();
        let walk = Walk {
            limits,
            quota: Quota {
                leftovers: self.max_leftovers,
                bytes: LEFTOVER_BYTES,
            },
            // A deadline too far away to be a time is none.
            deadline: self
                .deadline
                .and_then(|limit| Instant::now().checked_add(limit)),
            root: path,
        };
        let (outcome, report) = drive(&walk, kernel, &mut observer);
        self.conclude(path, outcome, report)
    }

    /// What an outcome is to the caller.
    fn conclude(&self, path: &Path, outcome: Outcome, report: Report) -> Result<Report, Error> {
        let (path, boxed) = (path.to_path_buf(), Box::new(report));
        match outcome {
            Outcome::Removed | Outcome::Vanished | Outcome::Emptied => Ok(*boxed),
            //= docs/spec.md#g11-idempotent
            //# G11.2: With `must_exist`, a root that is already absent MUST be Io of the kind
            //# NotFound.
            Outcome::Absent if self.must_exist => Err(Error::Io {
                operation: Operation::Open,
                path,
                source: io::Error::from(rustix::io::Errno::NOENT),
                report: Box::new(Report {
                    already_gone: true,
                    ..*boxed
                }),
            }),
            //= docs/spec.md#g11-idempotent
            //# G11.1: A root that is already absent MUST be Ok, and said to have been absent in the
            //# report.
            Outcome::Absent => Ok(Report {
                already_gone: true,
                ..*boxed
            }),
            Outcome::NotEmpty => Err(Error::NotEmpty {
                path,
                report: boxed,
            }),
            Outcome::NotDirectory => Err(Error::NotADirectory {
                path,
                report: boxed,
            }),
            Outcome::Refused(Refusal::MountPoint) => Err(Error::Refused {
                path,
                reason: Refused::MountPoint,
                report: boxed,
            }),
            Outcome::Refused(Refusal::NoMountId) => Err(Error::Refused {
                path,
                reason: Refused::NoMountId,
                report: boxed,
            }),
            Outcome::Stopped(Stop::Cancelled) => Err(Error::Cancelled {
                path,
                report: boxed,
            }),
            Outcome::Stopped(Stop::TimedOut) => Err(Error::TimedOut {
                path,
                report: boxed,
            }),
            Outcome::Failed(fault) => Err(Error::Io {
                operation: fault.operation,
                path,
                source: io::Error::from_raw_os_error(number(fault.reason)),
                report: boxed,
            }),
            Outcome::Broken => Err(Error::Io {
                operation: Operation::Open,
                path,
                source: io::Error::other("the kernel answered another request than was asked"),
                report: boxed,
            }),
        }
    }
}

fn refused(path: &Path, reason: Refused) -> Error {
    Error::Refused {
        path: path.to_path_buf(),
        reason,
        report: Box::default(),
    }
}
