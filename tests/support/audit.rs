//! An observer that holds every walk against what must be true of all walks: a test that removes
//! something through [`watched`] checks these on the side.

use super::kernel::{Hooked, Moment};
use fell::kernel::{At, Kernel, Linux, Name};
use fell::machine::{Open, Read, Reply, Request, Slot};
use fell::{Error, Event, Remover, Report, RootPath};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

/// What is known of one slot that is held.
#[derive(Debug)]
struct Held {
    /// It was reached by `..` and has not been identified since.
    unbelieved: bool,
    /// A child was opened from it.
    opened_child: bool,
}

/// What a walk asked for, counted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Asked {
    /// All requests.
    pub requests: u64,
    /// Openings of the root's parent.
    pub bases: u64,
    /// Openings of the root.
    pub roots: u64,
    /// Openings of `..`.
    pub parents: u64,
    /// Entries that were read.
    pub entries: u64,
    /// Returns to where a reading stopped.
    pub seeks: u64,
}

/// The observer.
#[derive(Debug)]
pub struct Audit {
    most: usize,
    held: BTreeMap<Slot, Held>,
    pub asked: Asked,
}

impl Audit {
    /// For a walk with this many open directories allowed.
    pub fn new(max_open_dirs: u16) -> Audit {
        Audit {
            most: usize::from(max_open_dirs.max(1)) + 3,
            held: BTreeMap::new(),
            asked: Asked::default(),
        }
    }

    /// Takes one event.
    pub fn see(&mut self, event: &Event<'_>) {
        self.asked.requests += 1;
        match event.request {
            Request::OpenBase { slot } => {
                self.asked.bases += 1;
                self.opened(event, slot, false);
            }
            Request::OpenRoot { base, slot } => {
                self.asked.roots += 1;
                self.using(base);
                self.opened(event, slot, false);
            }
            Request::Open { parent, slot, .. } => {
                self.using(parent);
                self.immediate_parent_is_held(event);
                self.opened(event, slot, false);
                if event.reply == Reply::Open(Open::Opened) {
                    self.held.get_mut(&parent).expect("it is held").opened_child = true;
                }
            }
            Request::OpenParent { child, slot } => {
                self.asked.parents += 1;
                assert!(
                    self.held[&child].opened_child,
                    "`..` of a directory from which no child was opened"
                );
                self.opened(event, slot, true);
            }
            // A child was opened from it once: it is an ancestor that was given up.
            Request::OpenAbove { slot, .. } => self.opened(event, slot, true),
            Request::Identify { slot } => {
                self.held
                    .get_mut(&slot)
                    .expect("identified while held")
                    .unbelieved = false;
            }
            Request::Inspect { slot } => self.using(slot),
            Request::Seek { slot, .. } => {
                self.asked.seeks += 1;
                self.using(slot);
            }
            Request::Read { slot } => {
                self.asked.entries +=
                    u64::from(matches!(event.reply, Reply::Read(Read::Entry { .. })));
                self.using(slot);
                self.immediate_parent_is_held(event);
            }
            Request::Unlink { parent, .. } | Request::Rmdir { parent, .. } => {
                self.using(parent);
            }
            Request::RmdirRoot { base } => self.using(base),
            Request::Close { slot } => {
                assert!(self.held.remove(&slot).is_some(), "{slot:?} was not open");
            }
        }
    }

    fn opened(&mut self, event: &Event<'_>, slot: Slot, unbelieved: bool) {
        if event.reply != Reply::Open(Open::Opened) {
            return;
        }
        // What `..` reaches, if it is what it should be, is where the walker came from.
        let held = Held {
            unbelieved,
            opened_child: unbelieved,
        };
        let before = self.held.insert(slot, held);
        assert!(before.is_none(), "{slot:?} was open already: {before:?}");
        assert!(
            self.held.len() <= self.most,
            "{} slots are held",
            self.held.len()
        );
    }

    /// What was reached by `..` is neither read nor changed before it was identified.
    fn using(&self, slot: Slot) {
        let held = self
            .held
            .get(&slot)
            .unwrap_or_else(|| panic!("{slot:?} is not open"));
        assert!(
            !held.unbelieved,
            "{slot:?} came by `..` and was not identified"
        );
    }

    /// The parent of the current directory is held, or a child was opened from it.
    fn immediate_parent_is_held(&self, event: &Event<'_>) {
        let levels = event.walker().levels();
        let [.., parent, current] = levels else {
            return;
        };
        let current = current.slot.expect("the current directory is open");
        assert!(
            parent.slot.is_some() || self.held[&current].opened_child,
            "the immediate parent was given up"
        );
    }

    /// Takes the end.
    pub fn end(&self, result: &Result<Report, Error>) {
        let stopped = matches!(
            result,
            Err(Error::Cancelled { .. } | Error::TimedOut { .. })
        );
        assert!(
            stopped || self.held.is_empty(),
            "left open: {:?}",
            self.held
        );
        let report = match result {
            Ok(report) => report,
            Err(error) => error.report(),
        };
        match result {
            Ok(_) => assert!(
                report.leftovers.is_empty() && report.leftovers_total == 0,
                "Ok with leftovers: {report:?}"
            ),
            Err(Error::NotEmpty { .. }) => {
                assert!(report.leftovers_total > 0, "NotEmpty without a leftover");
                assert!(!report.leftovers.is_empty(), "NotEmpty that names nothing");
                assert!(
                    report.leftovers.iter().all(|left| left.errno > 0),
                    "a leftover without an errno: {report:?}"
                );
            }
            Err(_) => {}
        }
        assert!(
            u64::from(report.most_open) <= self.most as u64,
            "{report:?}"
        );
    }
}

/// Nothing happens between the requests.
pub fn quiet(_: &Moment<'_>) -> Option<Reply<Name>> {
    None
}

/// How a watched walk ended.
#[derive(Debug)]
pub struct Walked {
    pub result: Result<Report, Error>,
    pub asked: Asked,
}

impl Walked {
    /// The report, whatever the end.
    pub fn report(&self) -> &Report {
        match &self.result {
            Ok(report) => report,
            Err(error) => error.report(),
        }
    }

    /// The paths of the leftovers below `root`, in order, with their errnos.
    pub fn left(&self, root: &Path) -> Vec<(String, i32)> {
        let name = |path: &Path| {
            let below = path
                .strip_prefix(root)
                .expect("leftovers begin with the root");
            below.to_str().expect("a plain name").to_owned()
        };
        let leftovers = &self.report().leftovers;
        leftovers
            .iter()
            .map(|left| (name(&left.path), left.errno))
            .collect()
    }
}

/// Removes `root` with `hook` before every request, and an [`Audit`] of every reply.
#[track_caller]
pub fn watched(
    remover: &Remover,
    root: &Path,
    hook: impl FnMut(&Moment<'_>) -> Option<Reply<Name>>,
) -> Walked {
    let path = RootPath::new(root).expect("a root that can be removed");
    let linux = Linux::new(&path, At::Path, remover.limits().keep_root);
    watched_with(remover, &path, hooked(linux, hook))
}

/// Removes `root` by the answers of `kernel`, with an [`Audit`] of every reply. An Ok must be one:
/// the name is absent, or the root was to be kept and is empty.
#[track_caller]
pub fn watched_with(remover: &Remover, root: &RootPath, mut kernel: impl Kernel) -> Walked {
    let mut audit = Audit::new(remover.limits().max_open_dirs);
    let result = remover.remove_dir_all_with(root, &mut kernel, |event| {
        audit.see(event);
        ControlFlow::Continue(())
    });
    audit.end(&result);
    if result.is_ok() {
        let there = root.as_path().symlink_metadata().is_ok();
        let emptied =
            || std::fs::read_dir(root.as_path()).is_ok_and(|mut dir| dir.next().is_none());
        assert!(
            !there || remover.limits().keep_root && emptied(),
            "Ok, and {} is there: {result:?}",
            root.as_path().display()
        );
    }
    Walked {
        result,
        asked: audit.asked,
    }
}

/// A [`Hooked`] kernel, from a closure whose arguments need no types.
pub fn hooked<K, F: FnMut(&Moment<'_>) -> Option<Reply<Name>>>(inner: K, hook: F) -> Hooked<K, F> {
    Hooked::new(inner, hook)
}

/// Whether the walk ended NotEmpty with these leftovers below the root, in this order.
#[track_caller]
pub fn assert_left(walked: &Walked, root: &Path, expected: &[(&str, Errno)]) {
    assert!(
        matches!(walked.result, Err(Error::NotEmpty { .. })),
        "{walked:?}"
    );
    let expected: Vec<_> = expected
        .iter()
        .map(|&(path, errno)| (path.to_owned(), errno.raw_os_error()))
        .collect();
    assert_eq!(walked.left(root), expected, "{walked:?}");
}
