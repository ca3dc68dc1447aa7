//! Acting between two requests, by a wrapper of the kernel: exact where sleeping would hope.

use fell::kernel::{At, Kernel, Linux, Name, NameStore};
use fell::machine::{Reply, Request, Slot};
use fell::{Error, Event, Remover, Report, RootPath};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

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
        matches!(
            self.request,
            Request::OpenParent { .. } | Request::OpenAbove { .. }
        )
    }

    /// Whether it is a reading.
    pub fn reads(&self) -> bool {
        matches!(self.request, Request::Read { .. })
    }

    /// Whether it is the removal of a directory, the root included.
    pub fn removes_directory(&self) -> bool {
        matches!(
            self.request,
            Request::Rmdir { .. } | Request::RmdirRoot { .. }
        )
    }
}

/// Where the walker is: by which path each slot was opened, as long as nothing is moved. To be
/// shown every moment of a walk.
pub struct Whereabouts {
    root: PathBuf,
    slots: BTreeMap<u16, PathBuf>,
}

impl Whereabouts {
    pub fn below(root: &Path) -> Whereabouts {
        Whereabouts {
            root: root.to_path_buf(),
            slots: BTreeMap::new(),
        }
    }

    /// The path of what the request is about: the entry that is opened or removed, otherwise the
    /// directory.
    pub fn of(&mut self, moment: &Moment<'_>) -> PathBuf {
        let path = |slot: Slot| self.slots.get(&slot.0).cloned().unwrap_or_default();
        let entry = |slot| path(slot).join(OsStr::from_bytes(&moment.name));
        let (opened, about) = match moment.request {
            Request::OpenBase { .. } => (None, self.root.join("..")),
            Request::OpenRoot { slot, .. } => (Some(slot), self.root.clone()),
            Request::Open { parent, slot, .. } => (Some(slot), entry(parent)),
            Request::OpenParent { child, slot } | Request::OpenAbove { child, slot } => {
                let above = path(child).parent().map(Path::to_path_buf);
                (Some(slot), above.unwrap_or_default())
            }
            Request::Unlink { parent, .. } | Request::Rmdir { parent, .. } => (None, entry(parent)),
            Request::RmdirRoot { .. } => (None, self.root.clone()),
            Request::Identify { slot }
            | Request::Inspect { slot }
            | Request::Read { slot }
            | Request::Seek { slot, .. }
            | Request::Close { slot } => (None, path(slot)),
        };
        if let Some(Slot(slot)) = opened {
            self.slots.insert(slot, about.clone());
        }
        about
    }
}

/// The n-th of the occasions that a walk offers.
#[derive(Debug)]
pub struct Nth {
    n: usize,
    seen: usize,
}

impl Nth {
    /// An occasion: whether it is the n-th.
    pub fn now(&mut self) -> bool {
        self.seen += 1;
        self.seen == self.n
    }

    /// Whether the n-th came.
    pub fn came(&self) -> bool {
        self.seen >= self.n
    }
}

/// Runs `trial` for n = 1, 2, ... until one offers fewer than n occasions; the ones before have
/// each met theirs. Answers how many there were.
pub fn for_every(mut trial: impl FnMut(&mut Nth)) -> usize {
    let mut n = 1;
    loop {
        let mut nth = Nth { n, seen: 0 };
        trial(&mut nth);
        if !nth.came() {
            return n - 1;
        }
        n += 1;
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
        let name = request.name();
        let name = name.map_or_else(Vec::new, |name| names.bytes(name).to_vec());
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
