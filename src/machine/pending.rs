//! The names of subdirectories that were found and not yet removed, of all levels together.
//!
//! One stack: a level's names lie behind those of the levels above it, and the last of a level that
//! has been left for a child is that child. So the walked child of a level is the name before the
//! next level's base, and the last found is the first entered (rule 6).

use core::fmt::Debug;
use core::hash::Hash;

/// Where the names of directories are kept. The machine decides what is kept and when it is
/// forgotten; tokens are given out and understood by the store alone.
pub trait Names {
    /// A small token for a name.
    type Name: Copy + Eq + Hash + Debug;

    /// Keeps the name behind a token that came with `Read::Entry`. Returns the token under which it
    /// stays known until it is forgotten.
    fn keep(&mut self, fresh: Self::Name) -> Self::Name;

    /// Forgets the name kept last. Its token must stay readable until the next `keep`, for the
    /// report is written after the step.
    fn forget(&mut self, kept: Self::Name);

    /// Forgets all names.
    fn clear(&mut self);
}

/// A name that was noted, and what was found out about it in this pass.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pending<N> {
    /// The token under which the store keeps it.
    pub name: N,
    /// An unlink said it is a directory: it may not say so again in this pass (rule 2).
    pub was_file: bool,
    /// An opening said it is no directory: it may not say so again in this pass (rule 2).
    pub was_directory: bool,
    /// Given away: somebody else is asked to remove it.
    pub given: bool,
}
