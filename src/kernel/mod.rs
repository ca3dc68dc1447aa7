//! The world of the walker: what answers its requests with system calls.
//!
//! [`Linux`] is the real one: one system call a request, each errno classified in one table
//! (`errno`). [`Kernel`] is the seam: tests put a wrapper around `Linux` that acts between two
//! requests or answers in its place. Deliberately absent: decisions. What is opened, what is
//! closed and what an answer means is said by the machine alone.
//!
//! **What a descriptor may be.** The root's parent is held with `O_PATH` and needs search
//! permission only, and so is a grandparent that is compared. Every other slot is a directory opened for
//! reading with `O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC`, so never a symlink, a device or a pipe.

mod calls;
mod errno;
mod identity;
mod linux;
mod listing;
mod names;

pub use calls::{Calls, MountIds, Opening};
pub use errno::{failed, number};
pub use linux::{At, Linux};
pub use names::{Name, NameStore};

use crate::machine::{Reply, Request};

/// Whatever answers the walker.
pub trait Kernel {
    /// Carries out one request, by at most one system call that has an effect, and classifies what
    /// came of it. EINTR is not an answer: the call is made again.
    fn answer(&mut self, request: Request<Name>, names: &mut NameStore) -> Reply<Name>;
}

impl<K: Kernel + ?Sized> Kernel for &mut K {
    fn answer(&mut self, request: Request<Name>, names: &mut NameStore) -> Reply<Name> {
        (**self).answer(request, names)
    }
}
