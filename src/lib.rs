#![cfg_attr(not(feature = "std"), no_std)]
//! Removes a directory tree while others remove, write or move things in it, and can show why it
//! is right.
//!
//! Deliberately absent: recursion, long paths, `chdir`, threads, global state, a followed symlink
//! and a crossed mount.
//!
//! ```
//! # let dir = tempfile::tempdir()?;
//! # let tree = dir.path().join("tree");
//! # std::fs::create_dir_all(tree.join("a/b"))?;
//! let report = fell::remove_dir_all(&tree)?;
//! assert_eq!((report.directories, report.files), (3, 0));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! The walk is made by a machine of five states, [`machine::Walker`], that does no I/O: it asks for
//! one system call at a time. [`executor`] drives it with a [`kernel`]; the package `fell-model`
//! searches the same machine with a model of the kernel and of everybody who may interfere. What
//! is promised stands in `docs/spec.md`, as G1 to G12; this documentation cites it by these IDs.
//!
//! Without the feature `std` only [`machine`] is built, and needs nothing but `alloc`.

extern crate alloc;

pub mod machine;

#[cfg(feature = "std")]
mod error;
#[cfg(feature = "std")]
pub mod executor;
#[cfg(feature = "std")]
pub mod kernel;
#[cfg(feature = "std")]
mod remover;
#[cfg(feature = "std")]
mod report;
#[cfg(feature = "std")]
mod root;

#[cfg(feature = "std")]
pub use error::{Error, Refused};
#[cfg(feature = "std")]
pub use executor::Event;
#[cfg(feature = "std")]
pub use remover::Remover;
#[cfg(feature = "std")]
pub use report::{Leftover, Operation, Report, printable};
#[cfg(feature = "std")]
pub use root::RootPath;

/// Removes the directory `path` and everything in it.
///
/// A call to `std::fs::remove_dir_all(path)?` can be replaced by `fell::remove_dir_all(path)?`. The
/// differences: a root that is absent is `Ok` and the report says so ([`Remover::must_exist`] makes
/// it an error); a root that is a symlink is [`Error::NotADirectory`] and stays (std removes the
/// link); others may remove, write and move things in the tree meanwhile; mounts are not entered;
/// one entry that cannot be removed does not stop the others; and a [`Report`] is returned, in every
/// error too.
///
/// # Guarantees
/// By their IDs in `docs/spec.md`: with others who only remove it ends `Ok` (G1), with others who
/// write `Ok` or `NotEmpty` (G2); it ends (G3); only entries of directories reached from the root
/// are removed (G4); `Ok` means the root was seen absent (G5), `NotEmpty` names what is left (G6);
/// everything that can be removed is (G7); at most 67 descriptors (G8) and bounded memory (G9) are
/// used, and no global state (G10).
///
/// # Errors
/// [`Error::NotADirectory`] for a file or symlink, [`Error::Refused`] for paths and mount points
/// that cannot be removed (G11), [`Error::NotEmpty`] when something is left, [`Error::Io`] when the
/// root itself answers an error.
#[cfg(feature = "std")]
pub fn remove_dir_all(path: impl AsRef<std::path::Path>) -> Result<Report, Error> {
    Remover::new().remove_dir_all(path)
}
