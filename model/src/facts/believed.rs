//! What fell itself asks of a directory and believes of its file system, by the walker's own requests.

use fell::RootPath;
use fell::kernel::{At, Kernel, Linux, Name, NameStore};
use fell::machine::{Identify, Inode, Inspect, Reply, Request, Slot};
use std::path::Path;

/// What is kept on the file system of a directory.
pub(super) fn trusted(dir: &Path) -> Inspect {
    match answer(dir, |slot| Request::Inspect { slot }) {
        Some(Reply::Inspect(trusted)) => trusted,
        _ => Inspect {
            births: false,
            positions: false,
        },
    }
}

/// By what a directory is known again.
pub(super) fn identity(dir: &Path) -> Option<Inode> {
    match answer(dir, |slot| Request::Identify { slot }) {
        Some(Reply::Identify(Identify::Is(identity))) => Some(identity.inode),
        _ => None,
    }
}

fn answer(dir: &Path, ask: fn(Slot) -> Request<Name>) -> Option<Reply<Name>> {
    let root = RootPath::new(dir).ok()?;
    let (base, slot) = (Slot(0), Slot(1));
    let mut names = NameStore::default();
    // As a root that is kept, for it may be a mount point.
    let mut kernel = Linux::new(&root, At::Path, true);
    kernel.answer(Request::OpenBase { slot: base }, &mut names);
    kernel.answer(Request::OpenRoot { base, slot }, &mut names);
    Some(kernel.answer(ask(slot), &mut names))
}
