//! A kernel in which chosen calls fail, and what a walk with it came to.

use crate::support::audit::Audit;
use crate::support::kernel::{Moment, Whereabouts};
use fell::kernel::{At, Kernel, Linux, Name, NameStore, failed};
use fell::machine::{Errno as Number, Inspect, Reply, Request, Slot};
use fell::{Error, Remover, Report, RootPath};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// What the caller asks of a walk, and what the file system keeps its word on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) window: u16,
    /// Without birth times every `..` is followed by another.
    pub(crate) births: bool,
    pub(crate) keep_root: bool,
}

/// More than one or two faults ever draw.
const PATIENCE: u32 = 4;

impl Setting {
    pub(crate) fn remover(self) -> Remover {
        Remover::new()
            .max_open_dirs(self.window)
            .keep_root(self.keep_root)
            .patience(PATIENCE)
    }
}

/// How a call fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    /// Once, and nothing is done.
    Once,
    /// Once, and its work is done all the same: only the answer is lost.
    AnswerLost,
    /// From now on, with all that come after it.
    ForGood,
}

/// Which call fails, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// The number of the call, from 1, among those that can fail.
    pub(crate) call: usize,
    pub(crate) errno: Errno,
    pub(crate) manner: Manner,
}

/// What a failed call was about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Where {
    /// The root's parent.
    Base,
    /// The root itself.
    Root,
    /// What `..` reached, or was to reach.
    Up,
    /// This entry, by its path below the root.
    Below(PathBuf),
}

/// A call that failed.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) request: Request<Name>,
    pub(crate) reply: Reply<Name>,
    pub(crate) errno: Errno,
    pub(crate) at: Where,
    /// What the call was about was a directory with nothing in it.
    pub(crate) was_empty: bool,
}

/// The kernel of the system, but for the calls that are planned to fail.
struct Faulty<'a> {
    inner: Linux<'a>,
    plans: &'a [Plan],
    births: bool,
    root: &'a Path,
    whereabouts: Whereabouts,
    /// Slots that were opened by `..`.
    upward: BTreeSet<Slot>,
    requests: usize,
    ceiling: usize,
    /// Those so far that can fail.
    calls: Vec<Request<Name>>,
    faults: Vec<Fault>,
}

impl Faulty<'_> {
    /// What the request is about.
    fn place(&mut self, request: Request<Name>, names: &NameStore) -> Where {
        let name = request
            .name()
            .map_or_else(Vec::new, |name| names.bytes(name).to_vec());
        let path = self.whereabouts.of(&Moment {
            number: self.requests,
            request,
            name,
            names,
        });
        match request {
            Request::OpenBase { slot } | Request::OpenRoot { slot, .. } => {
                self.upward.remove(&slot);
            }
            Request::Open { slot, .. } => drop(self.upward.remove(&slot)),
            Request::OpenParent { slot, .. } | Request::OpenAbove { slot, .. } => {
                self.upward.insert(slot);
                return Where::Up;
            }
            Request::Identify { slot } if self.upward.contains(&slot) => return Where::Up,
            _ => {}
        }
        match path.strip_prefix(self.root) {
            Ok(below) if below == Path::new("..") => Where::Base,
            Ok(below) if below == Path::new("") => Where::Root,
            Ok(below) => Where::Below(below.to_path_buf()),
            // The slot of the root's parent has no path.
            Err(_) => Where::Base,
        }
    }

    fn fail(&mut self, plan: Plan, request: Request<Name>, at: Where) -> Reply<Name> {
        let errno = Number(plan.errno.raw_os_error());
        let reply = failed(&request, errno).expect("it can fail");
        let was_empty = match &at {
            Where::Below(path) => std::fs::read_dir(self.root.join(path))
                .is_ok_and(|mut entries| entries.next().is_none()),
            Where::Base | Where::Root | Where::Up => false,
        };
        self.faults.push(Fault {
            request,
            reply,
            errno: plan.errno,
            at,
            was_empty,
        });
        reply
    }
}

impl Kernel for Faulty<'_> {
    fn answer(&mut self, request: Request<Name>, names: &mut NameStore) -> Reply<Name> {
        self.requests += 1;
        assert!(
            self.requests < self.ceiling,
            "the walk does not end, with {:?}",
            self.faults
        );
        let at = self.place(request, names);
        if !self.births && matches!(request, Request::Inspect { .. }) {
            return Reply::Inspect(Inspect {
                births: false,
                positions: false,
            });
        }
        if failed(&request, Number(Errno::IO.raw_os_error())).is_none() {
            return self.inner.answer(request, names);
        }
        self.calls.push(request);
        let number = self.calls.len();
        let plan = self.plans.iter().find(|plan| match plan.manner {
            Manner::Once | Manner::AnswerLost => plan.call == number,
            Manner::ForGood => plan.call <= number,
        });
        let Some(&plan) = plan else {
            return self.inner.answer(request, names);
        };
        let reply = self.fail(plan, request, at);
        if plan.manner == Manner::AnswerLost {
            self.inner.answer(request, names);
        }
        reply
    }
}

/// What a walk with faults came to.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) result: Result<Report, Error>,
    pub(crate) faults: Vec<Fault>,
    /// Those that can fail.
    pub(crate) calls: Vec<Request<Name>>,
}

impl Trial {
    pub(crate) fn report(&self) -> &Report {
        self.result.as_ref().unwrap_or_else(|error| error.report())
    }
}

/// Removes `root`, which has `entries` entries with itself, while calls fail as planned. The walk is
/// audited, and asks no more often than `src/machine/mod.rs` says: a fault counts as an act of others.
pub(crate) fn remove_with_faults(
    setting: Setting,
    root: &Path,
    entries: usize,
    plans: &[Plan],
) -> Trial {
    let bound = |retries: u64| {
        let retries = usize::try_from(retries).expect("few");
        20 * (entries + plans.len() + 1) * (plans.len() + 1) * (retries + 1)
    };
    let remover = setting.remover();
    let path = RootPath::new(root).expect("a root that can be removed");
    let mut kernel = Faulty {
        inner: Linux::new(&path, At::Path, setting.keep_root),
        plans,
        births: setting.births,
        root,
        whereabouts: Whereabouts::below(root),
        upward: BTreeSet::new(),
        requests: 0,
        ceiling: bound(PATIENCE.into()),
        calls: Vec::new(),
        faults: Vec::new(),
    };
    let mut audit = Audit::new(setting.window);
    let result = remover.remove_dir_all_with(&path, &mut kernel, |event| {
        audit.see(event);
        ControlFlow::Continue(())
    });
    audit.end(&result);
    let Faulty {
        requests,
        faults,
        calls,
        ..
    } = kernel;
    let trial = Trial {
        result,
        faults,
        calls,
    };
    let most = bound(trial.report().retries);
    assert!(requests <= most, "{requests} requests: {trial:?}");
    let once = plans.iter().all(|plan| plan.manner != Manner::ForGood);
    assert!(!(once && trial.report().patience_spent), "{trial:?}");
    trial
}
