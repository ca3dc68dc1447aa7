//! Whole walks: the caller stops them, wherever they are.

extern crate std;

use super::super::{Gone, Inspect, Kind, Limits, Names, Open, Outcome, Request, Rmdir, Stop};
#[allow(clippy::wildcard_imports)]
use super::script::*;

/// A walk through every thing a state may wait for, stopped before each of its requests: nothing
/// but closing follows, and every slot is closed once.
#[test]
fn from_every_request() {
    let birthless = Inspect {
        births: false,
        positions: false,
    };
    let limits = Limits {
        batch: 1,
        ..holding(1)
    };
    let script = Script::new(limits)
        .remembering()
        .begin_on(birthless)
        .finds(&["a"]);
    let script = script.into_dir("a").finds(&["b"]).into_dir("b");
    let script = script.lists("f", Kind::File);
    let script = script.on(unlink(3, "f"), super::super::Unlink::IsDirectory);
    let script = script.on(open(3, "f", 1), Open::Exhausted(EMFILE));
    let script = script.removes("f", Rmdir::NotDirectory);
    let script = script.on(unlink(3, "f"), super::super::Unlink::Removed);
    let script = script.on(seek(3, 3), super::super::Seek::Sought).ends();
    let script = script.ascend().removes("b", Rmdir::Removed);
    let script = script.on(seek(2, 2), super::super::Seek::Sought).ends();
    let script = script.up().on_identify(level(0));
    let script = script.on(open_above(1, 3), Open::Opened);
    let script = script.on(identify(3), number(BASE)).closes(3).closes(2);
    let script = script.removes("a", Rmdir::Removed);
    let script = script.on(seek(1, 1), super::super::Seek::Sought).ends();
    let script = script.closes(1).on(rmdir_root(), Rmdir::Gone(Gone::Stale));
    let script = script.closes(0).on(open_base(0), Open::Opened);
    let script = script.on(identify(0), number(BASE)).reopen();
    let script = script.finds(&["a"]).opens("a").on_identify(level(0));
    let script = script.closes(1).closes(2);
    let history = script.history.unwrap();
    for stopped in &history {
        for why in [Stop::Cancelled, Stop::TimedOut] {
            stops(stopped, why);
        }
    }
    assert_eq!(history.len(), script.log.len());
}

fn stops(script: &Script, why: Stop) {
    let held = script.walker.held();
    let mut stopped = script.clone();
    let step = stopped.walker.stop(why);
    assert_eq!((step.arm, step.note), (None, None));
    assert_eq!(stopped.walker.held(), held);
    let closed = stopped.log.len();
    let mut rest = stopped.decided(Outcome::Stopped(why));
    while let Some(request @ Request::Close { .. }) = rest.walker.request() {
        assert!(!rest.log[closed..].contains(&request));
        rest = rest.on(request, super::super::Reply::Closed);
    }
    assert_eq!(rest.log.len() - closed, held as usize);
    assert_eq!(rest.walker.outcome(), Some(Outcome::Stopped(why)));
}

/// Before anything was asked there is nothing to close.
#[test]
fn before_the_beginning() {
    let mut script = Script::new(Limits::DEFAULT);
    script.walker.stop(Stop::Cancelled);
    assert_eq!(script.walker.request(), None);
    script.over(Outcome::Stopped(Stop::Cancelled));
}

/// A walk that has its outcome keeps it.
#[test]
fn after_the_outcome() {
    let mut script = root().ends().closes(1).on(rmdir_root(), Rmdir::Removed);
    script.walker.stop(Stop::Cancelled);
    let mut script = script.decided(Outcome::Removed).closes(0);
    script.walker.stop(Stop::TimedOut);
    script.over(Outcome::Removed);
}

/// The first reason counts.
#[test]
fn twice() {
    let mut script = root();
    script.walker.stop(Stop::TimedOut);
    script.walker.stop(Stop::Cancelled);
    script.over(Outcome::Stopped(Stop::TimedOut));
}

/// The store insists on stack order, or the balance asserted everywhere would mean nothing.
#[test]
#[should_panic = "forgotten out of order"]
fn the_store_is_strict() {
    let mut store = Store::default();
    store.keep("a");
    store.keep("b");
    store.forget("a");
}
