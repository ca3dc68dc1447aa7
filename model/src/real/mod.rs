//! A world on a real directory: what holds the model's world against a kernel.
//!
//! [`Site`] is a directory that mirrors a [`World`](crate::world::World): it plants one, lets the
//! adversaries of the model act on it for real, and is read back. [`Twin`] is the walker as it is
//! shipped, on the kernel as it is shipped, in lockstep with the walker of a
//! [`State`](crate::universe::State): both must ask the same, and what the kernel answers must be
//! among what the world allows. [`Nature`] asks a file system which [`Dialect`](crate::Dialect) it
//! speaks and what may be done on it.
//!
//! Deliberately absent: opinions. What differs is a [`Trouble::Differs`], and whoever drives says
//! what that means. Also absent: subvolumes, and faults, which are nobody's answer but a broken
//! disk's.
//!
//! **What is compared.** Each reply, by kind and errno; which directory it is, by a table from
//! (inode, birth) to the model's numbers; whether it is on the root's mount and device; and, whenever
//! asked, every entry of every directory that is alive, as the adversaries see it.
//!
//! **What is expressed anew.** The walker is given the model's numbers and births for the real ones,
//! so a number is reused as often as in the model, however seldom the file system does it. That a
//! birth tells two owners of one number apart is not expressed anew but counted:
//! [`Site::told_twice`]. Where listings are sorted ([`Listing::Sorted`]), positions are sought for
//! real and their outcome compared, but what is read behind them is read from the beginning.

mod above;
mod board;
mod identity;
mod listing;
mod nature;
mod site;
mod twin;

pub use board::Board;
pub(crate) use listing::compare_listing;
pub use nature::Nature;
pub use site::{Picture, Site, Thing};
pub use twin::{Heard, Listing, Twin};

use std::fmt;
use std::path::PathBuf;

/// Why a world and a directory part.
#[derive(Debug)]
pub enum Trouble {
    /// The kernel answered what the model does not allow, or the other way round: in words.
    Differs(String),
    /// An NFS client reached another directory by `..` than the one that has the directory now: it
    /// remembers the parent from before another client moved it. The model has no such memory.
    Remembered(String),
    /// What was to be done could not be done.
    Failed {
        /// What.
        what: String,
        /// Why not.
        why: rustix::io::Errno,
    },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Differs(words) | Trouble::Remembered(words) => f.write_str(words),
            Trouble::Failed { what, why } => write!(f, "{what}: {why}"),
        }
    }
}

impl std::error::Error for Trouble {}

/// A result that may be [`Trouble`].
pub type Result<T> = std::result::Result<T, Trouble>;

/// Gives an errno its words.
fn failed(what: impl Into<String>) -> impl FnOnce(rustix::io::Errno) -> Trouble {
    let what = what.into();
    move |why| Trouble::Failed { what, why }
}

/// A name of the model as it is written in a directory.
fn text(name: u8) -> String {
    crate::words::letter(name).to_string()
}

/// The name of the model that a name in a directory stands for.
fn name_of(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [letter] => letter
            .checked_sub(b'a')
            .filter(|&name| name < crate::world::NAMES),
        _ => None,
    }
}

/// Where a site of this process stands in `dir`; no two are the same.
fn place_in(dir: &std::path::Path) -> PathBuf {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    dir.join(format!("fell-model-{}-{number}", std::process::id()))
}
