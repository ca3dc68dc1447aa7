//! The executor: drives a walker with a kernel until it is done.
//!
//! It carries requests out and answers back, keeps the report beside the machine, and asks before
//! each request whether the caller wants the walk stopped. Deliberately absent: decisions about the
//! tree. Which descriptor is closed, what is a leftover and whether there is another pass is said by
//! the machine; a stop becomes the machine's transition too, so that every slot is closed on every
//! way out (spec G10).

mod event;
mod ledger;

pub use event::Event;
pub(crate) use ledger::{Ledger, Quota};

use crate::kernel::{Kernel, Name, NameStore};
use crate::machine::{Limits, Outcome, Stop, Walker};
use crate::report::Report;
use core::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

/// What a walk is given beside its kernel.
pub(crate) struct Walk<'a> {
    pub(crate) limits: Limits,
    pub(crate) quota: Quota,
    pub(crate) deadline: Option<Instant>,
    /// The root as the caller wrote it: what leftovers' paths begin with.
    pub(crate) root: &'a Path,
}

/// Walks. Returns how it ended, and the report.
pub(crate) fn drive(
    walk: &Walk<'_>,
    kernel: &mut impl Kernel,
    observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
) -> (Outcome, Report) {
    //= docs/spec.md#g10-no-global-state
    //# G10.1: A walk MUST NOT change the working directory, the umask, the handling of signals or
    //# the environment of the process.
    //= docs/spec.md#g10-no-global-state
    //# G10.2: Any number of walks MUST be able to run at once in one process.
    let mut walker = Walker::<Name>::new(walk.limits);
    let mut names = NameStore::default();
    let mut ledger = Ledger::new(walk.root, walk.quota);
    let mut cancelled = false;
    while let Some(request) = walker.request() {
        //= docs/spec.md#g3-termination
        //# G3.7: A deadline MUST end the walk even in a listing that never ends and under a writer
        //# that always digs one level deeper.
        //= docs/spec.md#g3-termination
        //# G3.8: A cancel hook MUST end the walk even in a listing that never ends and under a
        //# writer that always digs one level deeper.
        if let Some(why) = stop(cancelled, walk.deadline) {
            walker.stop(why);
            close_all(&mut walker, &mut names, kernel);
            break;
        }
        let reply = kernel.answer(request, &mut names);
        ledger.count(&walker, &request, &reply);
        let event = Event {
            request,
            reply,
            walker: &walker,
            names: &names,
            ledger: &ledger,
        };
        cancelled |= observer(&event).is_break();
        let step = walker.step(&mut names, reply);
        ledger.note(&walker, &names, step.note);
    }
    let outcome = walker.outcome().unwrap_or(Outcome::Broken);
    (outcome, ledger.into_report(&walker))
}

/// Whether the caller wants the walk stopped. A cancel comes before a deadline.
fn stop(cancelled: bool, deadline: Option<Instant>) -> Option<Stop> {
    if cancelled {
        return Some(Stop::Cancelled);
    }
    deadline
        .is_some_and(|d| Instant::now() >= d)
        .then_some(Stop::TimedOut)
}

/// What is left after a stop is closing: it is neither observed nor stopped again.
fn close_all(walker: &mut Walker<Name>, names: &mut NameStore, kernel: &mut impl Kernel) {
    //= docs/spec.md#g10-no-global-state
    //# G10.4: Every slot MUST be closed on every way out of a walk, a cancel and a panic of an
    //# observer included.
    while let Some(request) = walker.request() {
        let reply = kernel.answer(request, names);
        walker.step(names, reply);
    }
}
