//! Acting between two requests, by a wrapper of the kernel: exact where sleeping would hope.

use fell::kernel::{At, Kernel, Linux, Name, NameStore};
use fell::machine::{Reply, Request};
use fell::{Error, Event, Remover, Report, RootPath};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

/// What a hook is shown before a request is carried out.
pub struct Moment<'a> {
    /// The number of the request, from 1.
    pub number: usize,
    pub request: Request<Name>,
    /// The name the request is about; empty where it has none.
    pub name: Vec<u8>,
    pub names: &'a NameStore,
}

impl Moment<'_> {
    /// Whether it is the opening of the child `name`.
    pub fn opens(&self, name: &str) -> bool {
        matches!(self.request, Request::Open { .. }) && self.name == name.as_bytes()
    }

    /// Whether it is the opening of any child.
    pub fn descends(&self) -> bool {
        matches!(self.request, Request::Open { .. })
    }

    /// Whether it is the opening of `..`.
    pub fn ascends(&self) -> bool {
        matches!(self.request, Request::OpenParent { .. })
    }

    /// Whether it is a reading.
    pub fn reads(&self) -> bool {
        matches!(self.request, Request::Read { .. })
    }
}

/// A kernel that asks `hook` before each request. A reply from the hook stands in for the kernel's,
/// which is then not asked.
pub struct Hooked<K, F> {
    pub inner: K,
    pub hook: F,
    pub requests: usize,
}

impl<K, F> Hooked<K, F> {
    pub fn new(inner: K, hook: F) -> Hooked<K, F> {
        Hooked {
            inner,
            hook,
            requests: 0,
        }
    }
}

impl<K: Kernel, F: FnMut(&Moment<'_>) -> Option<Reply<Name>>> Kernel for Hooked<K, F> {
    fn answer(&mut self, request: Request<Name>, names: &mut NameStore) -> Reply<Name> {
        self.requests += 1;
        let name = match request {
            Request::Open { name, .. }
            | Request::Unlink { name, .. }
            | Request::Rmdir { name, .. } => names.bytes(name).to_vec(),
            Request::OpenBase { .. }
            | Request::OpenRoot { .. }
            | Request::OpenParent { .. }
            | Request::OpenAbove { .. }
            | Request::Identify { .. }
            | Request::Inspect { .. }
            | Request::Read { .. }
            | Request::Seek { .. }
            | Request::RmdirRoot { .. }
            | Request::Close { .. } => Vec::new(),
        };
        let moment = Moment {
            number: self.requests,
            request,
            name,
            names,
        };
        match (self.hook)(&moment) {
            Some(reply) => reply,
            None => self.inner.answer(request, names),
        }
    }
}

/// Removes `root` with `hook` before every request.
pub fn remove_hooked(
    remover: &Remover,
    root: &Path,
    hook: impl FnMut(&Moment<'_>) -> Option<Reply<Name>>,
) -> Result<Report, Error> {
    let path = RootPath::new(root).expect("a root that can be removed");
    let linux = Linux::new(&path, At::Path, remover.limits().keep_root);
    let mut kernel = Hooked::new(linux, hook);
    remover.remove_dir_all_with(&path, &mut kernel, |_| ControlFlow::Continue(()))
}

/// The requests and replies of one walk, in words; for messages of failing tests.
pub fn log(event: &Event<'_>) -> String {
    format!(
        "{:?} -> {:?} at {}",
        event.request,
        event.reply,
        event.path().display()
    )
}

/// The names of the entries of a directory.
pub fn names_in(path: &Path) -> BTreeSet<std::ffi::OsString> {
    std::fs::read_dir(path)
        .map(|dir| {
            dir.filter_map(Result::ok)
                .map(|entry| entry.file_name())
                .collect()
        })
        .unwrap_or_default()
}
