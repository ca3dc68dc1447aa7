//! Why a tree was not removed. Every error carries the report of what was done.

use crate::report::{Operation, Report, printable};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a tree was not removed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The root is a file or a symlink, or became one meanwhile. It is untouched (spec G11).
    #[error("cannot remove '{}': it is not a directory", printable(path))]
    NotADirectory {
        /// The root as it was given.
        path: PathBuf,
        /// What was done.
        report: Box<Report>,
    },
    /// Something is left: others wrote, or something could not be removed (spec G2, G6). The report
    /// names what.
    #[error("cannot remove '{}': {}", printable(path), left(report))]
    NotEmpty {
        /// The root as it was given.
        path: PathBuf,
        /// What was done, and what is left.
        report: Box<Report>,
    },
    /// The root cannot be removed by this path at all. It is untouched (spec G11).
    #[error("refused to remove '{}': {reason}", printable(path))]
    Refused {
        /// The root as it was given.
        path: PathBuf,
        /// Why.
        reason: Refused,
        /// What was done: nothing.
        report: Box<Report>,
    },
    /// The observer cancelled the walk.
    #[error("cancelled while removing '{}'", printable(path))]
    Cancelled {
        /// The root as it was given.
        path: PathBuf,
        /// What was done until then.
        report: Box<Report>,
    },
    /// The deadline was over before the walk was.
    #[error("timed out while removing '{}'", printable(path))]
    TimedOut {
        /// The root as it was given.
        path: PathBuf,
        /// What was done until then.
        report: Box<Report>,
    },
    /// The root or its parent answered an error, and nothing below the root explains it.
    #[error("cannot remove '{}': {operation}: {source}", printable(path))]
    Io {
        /// The call that failed.
        operation: Operation,
        /// The root as it was given.
        path: PathBuf,
        /// Why.
        source: io::Error,
        /// What was done.
        report: Box<Report>,
    },
}

/// Why a root was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Refused {
    /// The path is empty.
    #[error("the path is empty")]
    Empty,
    /// The path is `/`.
    #[error("it is the root of the system")]
    SystemRoot,
    /// The path ends in `.` or `..`.
    #[error("a path that ends in '.' or '..' does not name an entry: name the directory itself")]
    Dot,
    /// The path has a NUL byte.
    #[error("the path has a NUL byte")]
    Nul,
    /// A name in a directory was asked for, and this is a path.
    #[error("it is a path, not a name in the given directory")]
    NotAName,
    /// The root is a mount point.
    #[error(
        "it is a mount point and could be emptied but never removed: unmount it, or keep the root"
    )]
    MountPoint,
    /// This system cannot tell mounts apart.
    #[error("this system cannot tell mounts apart: it needs Linux 5.8, or 4.11 with /proc mounted")]
    NoMountId,
}

impl Error {
    /// What was done before the walk ended.
    #[must_use]
    //= docs/spec.md#e-errnos
    //# E.8: Every Error MUST carry the Report.
    pub fn report(&self) -> &Report {
        match self {
            Error::NotADirectory { report, .. }
            | Error::NotEmpty { report, .. }
            | Error::Refused { report, .. }
            | Error::Cancelled { report, .. }
            | Error::TimedOut { report, .. }
            | Error::Io { report, .. } => report,
        }
    }

    /// The kind that the error keeps when it becomes an [`io::Error`].
    #[must_use]
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Error::NotADirectory { .. } => io::ErrorKind::NotADirectory,
            //= docs/spec.md#g2-writers
            //# G2.3: A NotEmpty that is turned into an I/O error MUST have the kind of ENOTEMPTY.
            Error::NotEmpty { .. } => io::ErrorKind::DirectoryNotEmpty,
            Error::Refused { .. } => io::ErrorKind::InvalidInput,
            //= docs/spec.md#e-errnos
            //# E.10: A cancel MUST NOT be turned into an I/O error of the kind Interrupted.
            // Not Interrupted: callers retry that.
            Error::Cancelled { .. } => io::ErrorKind::Other,
            //= docs/spec.md#e-errnos
            //# E.9: A walk that its deadline ended MUST be TimedOut, as an Error and as an I/O
            //# error.
            Error::TimedOut { .. } => io::ErrorKind::TimedOut,
            Error::Io { source, .. } => source.kind(),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(error.kind(), error)
    }
}

/// What is left, in one line of bounded length.
fn left(report: &Report) -> String {
    let many = match report.leftovers_total {
        1 => "1 entry is left".to_owned(),
        many => format!("{many} entries are left"),
    };
    let first = report
        .leftovers
        .first()
        .map(|first| format!(", first '{}': {}", shortened(&first.path), first.reason()));
    let spent = if report.patience_spent {
        "; patience is spent"
    } else {
        ""
    };
    format!("{many}{}{spent}", first.unwrap_or_default())
}

/// A path with its middle left out when it is long: trees may be deeper than lines are wide.
fn shortened(path: &Path) -> String {
    const END: usize = 100;
    let shown = printable(path);
    let chars = shown.chars().count();
    if chars <= 2 * END {
        return shown;
    }
    let head: String = shown.chars().take(END).collect();
    let tail: String = shown.chars().skip(chars - END).collect();
    format!("{head}[...]{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_told_in_short() {
        assert_eq!(shortened(Path::new("a/b")), "a/b");
        let long = "ä/".repeat(3000) + "end";
        let told = shortened(Path::new(&long));
        assert_eq!(told.chars().count(), 205);
        assert!(told.starts_with("ä/ä/") && told.ends_with("/end"));
    }
}
