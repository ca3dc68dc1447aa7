//! What a walk did.

pub use crate::machine::Operation;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a walk did, whatever its end.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Entries that this walk removed and that were no directories.
    pub files: u64,
    /// Directories that this walk removed, the root included.
    pub directories: u64,
    /// Entries that someone else removed between their finding and their removal. When others remove
    /// the whole tree, each level that the walker stands in counts.
    pub vanished: u64,
    /// Readings of a directory to its end.
    pub passes: u64,
    /// How much of the patience was used (`docs/machine.md` says what draws on it): mostly fresh starts
    /// at the root, and passes repeated because a reading was cut short.
    pub retries: u64,
    /// The deepest level entered; the root is 1, and 0 means that it was not entered.
    pub deepest: u64,
    /// Most descriptors held at once (spec G8).
    pub most_open: u32,
    /// What could not be removed, in the order of finding; at most as many as the `Remover` was
    /// told, and at most 4 MiB of paths. Empty when the walk ended Ok.
    pub leftovers: Vec<Leftover>,
    /// How many leftovers there are, those beyond the list included.
    pub leftovers_total: u64,
    /// The root, or its parent, was absent from the start (spec G11).
    pub already_gone: bool,
    /// A retry was needed that patience did not allow (spec G3, G6).
    pub patience_spent: bool,
}

/// An entry that could not be removed, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Leftover {
    /// Its path, beginning with the root as it was given.
    pub path: PathBuf,
    /// The call that failed.
    pub operation: Operation,
    /// Why. E2BIG stands for a limit of the walk (`max_depth`, `max_entries`), EXDEV for another
    /// file system, mount or subvolume.
    pub errno: i32,
}

impl Leftover {
    /// The errno as an error.
    #[must_use]
    pub fn error(&self) -> io::Error {
        io::Error::from_raw_os_error(self.errno)
    }

    /// What can be done about it, where that is not said by the errno.
    fn hint(&self) -> Option<&'static str> {
        use rustix::io::Errno;
        match (self.operation, Errno::from_raw_os_error(self.errno)) {
            (Operation::Identify, Errno::STALE) => {
                Some("another directory has its name by now, and was not entered")
            }
            (_, Errno::XDEV) => {
                Some("another file system, mount or subvolume is there: unmount or delete it first")
            }
            (Operation::Unlink, Errno::BUSY) if self.is_silly() => {
                Some("it was removed while open on this machine: it goes when it is closed")
            }
            (_, Errno::BUSY) => Some("it is a mount point: unmount it first"),
            (_, Errno::TOOBIG) => Some("a limit of the walk was reached: raise it"),
            (_, Errno::MFILE | Errno::NFILE) => Some("lower max_open_dirs or raise `ulimit -n`"),
            (Operation::Unlink | Operation::Rmdir, Errno::PERM) => {
                Some("it, or its directory, is immutable or sticky: see lsattr(1)")
            }
            (Operation::Open, Errno::ACCESS) => Some("it may not be read: see chmod(1)"),
            (Operation::Unlink | Operation::Rmdir, Errno::ACCESS) => {
                Some("its directory may not be written: see chmod(1)")
            }
            _ => None,
        }
    }

    /// The call, why it failed, and what can be done about it.
    pub(crate) fn reason(&self) -> String {
        use rustix::io::Errno;
        let (operation, error) = (self.operation, self.error());
        match (Errno::from_raw_os_error(self.errno), self.hint()) {
            (_, None) => format!("{operation}: {error}"),
            // These stand for something that the text of the errno does not say.
            (Errno::XDEV | Errno::TOOBIG, Some(hint)) => format!("{operation}: {hint}"),
            (_, Some(hint)) => format!("{operation}: {error}; {hint}"),
        }
    }

    /// Whether an NFS client calls a file so that was unlinked while it was open there.
    fn is_silly(&self) -> bool {
        let name = self.path.file_name().map(OsStrExt::as_bytes);
        name.is_some_and(|name| name.starts_with(b".nfs"))
    }
}

/// A path for a line of text: control characters are escaped, for a name may hold a newline, or what
/// drives a terminal; bytes that are no UTF-8 are replaced.
#[must_use]
pub fn printable(path: &Path) -> String {
    let text = path.to_string_lossy();
    let escaped = text.chars().map(|c| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    });
    escaped.collect()
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", printable(&self.path), self.reason())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Open => "open",
            Operation::Identify => "identify",
            Operation::Read => "read",
            Operation::Seek => "seek",
            Operation::Unlink => "unlink",
            Operation::Rmdir => "rmdir",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(path: &str, operation: Operation) -> String {
        let leftover = Leftover {
            path: path.into(),
            operation,
            errno: rustix::io::Errno::BUSY.raw_os_error(),
        };
        leftover.to_string()
    }

    #[test]
    fn an_errno_that_stands_for_something_else_is_not_spelt_out() {
        let leftover = Leftover {
            path: "x/m".into(),
            operation: Operation::Open,
            errno: rustix::io::Errno::XDEV.raw_os_error(),
        };
        assert_eq!(
            leftover.to_string(),
            "x/m: open: another file system, mount or subvolume is there: unmount or delete it first"
        );
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let told = printable(Path::new("x/\nfell: all removed\u{1b}]0;\u{7}/ä"));
        assert_eq!(told, "x/\\nfell: all removed\\u{1b}]0;\\u{7}/ä");
    }

    #[test]
    fn a_silly_renamed_file_is_no_mount_point() {
        let told = busy("x/.nfs0000000000001aa700000003", Operation::Unlink);
        assert!(told.contains("while open"), "{told}");
        assert!(busy("x/nfs", Operation::Unlink).contains("mount point"));
        assert!(busy("x/.nfs", Operation::Rmdir).contains("mount point"));
    }
}
