//! The contract, `docs/spec.md`, on real directories: each test fails when the sentence that it
//! cites is broken. One module for the guarantees that are about one thing.

#[path = "../support/mod.rs"]
mod support;

mod confinement;
mod errnos;
mod failure;
mod handles;
mod memory;
mod removers;
mod roots;
mod state;
mod termination;
mod writers;

use fell::kernel::{At, Kernel, Linux, Name, NameStore};
use fell::machine::{Reply, Request};
use fell::{Remover, RootPath};
use rustix::io::Errno;
use std::path::Path;
use support::audit::{Walked, assert_left, watched_with};

/// A small tree with a bit of everything: 6 files and links, 6 directories.
const SMALL: &str = "
    a/b/c/file
    a/b/file
    a/file
    d/
    e/empty/
    e/link -> ../a
    file
    gone -> nowhere
";

/// A kernel whose answers `change` may change after they were given.
struct Altered<K, F> {
    inner: K,
    change: F,
}

impl<K: Kernel, F: FnMut(Request<Name>, Reply<Name>, &NameStore) -> Reply<Name>> Kernel
    for Altered<K, F>
{
    fn answer(&mut self, request: Request<Name>, names: &mut NameStore) -> Reply<Name> {
        let reply = self.inner.answer(request, names);
        (self.change)(request, reply, names)
    }
}

/// Removes `root`, with answers that `change` may change.
#[track_caller]
fn altered(
    remover: &Remover,
    root: &Path,
    change: impl FnMut(Request<Name>, Reply<Name>, &NameStore) -> Reply<Name>,
) -> Walked {
    let path = RootPath::new(root).expect("a root that can be removed");
    let inner = Linux::new(&path, At::Path, remover.limits().keep_root);
    watched_with(remover, &path, Altered { inner, change })
}

/// A kernel that leaves it to `around` when to ask the real one, and what to make of its answer.
struct Around<K, F> {
    inner: K,
    around: F,
}

impl<K: Kernel, F: FnMut(Request<Name>, &mut dyn FnMut() -> Reply<Name>) -> Reply<Name>> Kernel
    for Around<K, F>
{
    fn answer(&mut self, request: Request<Name>, names: &mut NameStore) -> Reply<Name> {
        let Around { inner, around } = self;
        around(request, &mut || inner.answer(request, names))
    }
}

/// Removes `root`, with `around` every request.
#[track_caller]
fn removed_around(
    remover: &Remover,
    root: &Path,
    around: impl FnMut(Request<Name>, &mut dyn FnMut() -> Reply<Name>) -> Reply<Name>,
) -> Walked {
    let path = RootPath::new(root).expect("a root that can be removed");
    let inner = Linux::new(&path, At::Path, remover.limits().keep_root);
    watched_with(remover, &path, Around { inner, around })
}

/// An errno as a reply carries it.
fn number(errno: Errno) -> fell::machine::Errno {
    fell::machine::Errno(errno.raw_os_error())
}

/// Numbers that look drawn and are the same in every run (xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}
