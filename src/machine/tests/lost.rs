//! Whole walks: the way is lost, and the root is opened again while patience lasts (rules 8 and 9).

extern crate std;

use super::super::{
    Arm, Cause, Fault, Gone, Identify, Limits, Note, Open, Operation, Outcome, Reason, Rmdir,
};
#[allow(clippy::wildcard_imports)]
use super::script::*;

fn patience(patience: u32) -> Limits {
    Limits {
        patience,
        ..holding(1)
    }
}

/// Down to `a/b`, back to `a`, and from there `..` is gone.
fn astray(script: Script) -> Script {
    let script = script.finds(&["a"]).ends().into_dir("a").stuck("f");
    let script = script.finds(&["b"]).ends().fells("b");
    script
        .on(open_parent(2, 1), Open::Gone(Gone::Missing))
        .notes(Note::Lost(Cause::Gone))
        .closes(2)
        .took(Arm::RetryDropped)
        .noted(&[])
        .deep(0)
        .holds(1)
}

/// The walk starts at the root, as if it had not begun.
#[test]
fn started_again() {
    let script = astray(Script::new(patience(2)).begin()).patient(1).reopen();
    assert!(!script.walker.levels()[0].left);
    let script = astray(script).patient(0).reopen().ends().ends_well();
    assert!(!script.walker.patience_spent());
}

/// The root was removed meanwhile.
#[test]
fn gone_when_started_again() {
    let script = astray(Script::new(patience(2)).begin());
    script
        .on(open_root(1), Open::Gone(Gone::Missing))
        .over(Outcome::Vanished);
}

/// One last removal decides.
#[test]
fn patience_spent() {
    let script = astray(Script::new(patience(0)).begin()).patient(0);
    assert!(script.walker.patience_spent());
    let decides = |answer| script.clone().on(rmdir_root(), answer);
    decides(Rmdir::Removed).quiet().over(Outcome::Removed);
    decides(Rmdir::Gone(Gone::Missing))
        .quiet()
        .over(Outcome::Vanished);
    decides(Rmdir::NotEmpty)
        .took(Arm::RootDecided)
        .notes(root_left(Operation::Rmdir, Reason::NotEmpty))
        .over(Outcome::NotEmpty);
    decides(Rmdir::Busy)
        .took(Arm::RootBusy)
        .notes(root_left(Operation::Rmdir, Reason::Busy))
        .over(Outcome::NotEmpty);
    decides(Rmdir::NotDirectory)
        .took(Arm::RootTurned)
        .over(Outcome::NotDirectory);
    let io = Outcome::Failed(Fault::errno(Operation::Rmdir, E));
    decides(Rmdir::Failed(E)).took(Arm::RootFailed).over(io);
    // To look whether the root is gone takes no patience.
    let looks = decides(Rmdir::Gone(Gone::Stale)).took(Arm::RootStale);
    let looks = looks.resolves();
    looks
        .clone()
        .on(open_root(1), Open::Gone(Gone::Missing))
        .over(Outcome::Vanished);
    // It is there, and is not entered any more: the removal decides, once and for all.
    let looks = looks.on(open_root(1), Open::Opened).took(Arm::RetrySpent);
    let looks = looks.closes(1);
    looks
        .clone()
        .on(rmdir_root(), Rmdir::NotEmpty)
        .took(Arm::RootDecided)
        .over(Outcome::NotEmpty);
    let stale = Outcome::Failed(Fault::new(Operation::Rmdir, Reason::Stale));
    looks
        .on(rmdir_root(), Rmdir::Gone(Gone::Stale))
        .took(Arm::RootStaleAgain)
        .over(stale);
}

/// The retry that there is no patience for is one as well: after it the path is resolved once more.
#[test]
fn patience_spent_by_a_stale_root() {
    let script = Script::new(patience(0)).begin().ends().closes(1);
    let script = script.on(rmdir_root(), Rmdir::Gone(Gone::Stale)).resolves();
    let script = script.on(open_root(1), Open::Opened).took(Arm::RetrySpent);
    let script = script.closes(1);
    let script = script.on(rmdir_root(), Rmdir::Gone(Gone::Stale)).resolves();
    script
        .on(open_root(1), Open::Gone(Gone::Missing))
        .over(Outcome::Vanished);
}

/// Patience that is spent in a directory is spent for the way as well.
#[test]
fn patience_is_one_for_all() {
    let script = Script::new(patience(1)).begin().finds(&["z", "a"]).ends();
    let script = script.into_dir("a").cut().ascend();
    let script = script.removes("a", Rmdir::NotEmpty).took(Arm::ChildCut);
    let script = script.patient(0).into_dir("a").cut().ascend();
    let script = script.removes("a", Rmdir::NotEmpty).took(Arm::ChildFull);
    let script = script.opens("z").on_identify(level(0));
    script
        .took(Arm::DescendLooped)
        .closes(1)
        .closes(2)
        .then(rmdir_root());
}

/// With a kept root nothing decides but what was seen: it is left.
#[test]
fn patience_spent_and_kept() {
    let limits = Limits {
        keep_root: true,
        ..patience(0)
    };
    let script = Script::new(limits).begin().finds(&["a"]).ends();
    let script = script.opens("a").on_identify(level(0)).closes(1).closes(2);
    script
        .took(Arm::RetryDropped)
        .notes(root_left(Operation::Read, Reason::NotEmpty))
        .over(Outcome::NotEmpty);
}

/// Another directory under the root's name is not entered: one removal decides.
#[test]
fn stranger() {
    for (answer, outcome) in [
        (Rmdir::Removed, Outcome::Removed),
        (Rmdir::NotEmpty, Outcome::NotEmpty),
    ] {
        let script = astray(Script::new(patience(1)).begin());
        script
            .on(open_root(1), Open::Opened)
            .on(identify(1), number(77))
            .took(Arm::RetryStranger)
            .closes(1)
            .on(rmdir_root(), answer)
            .over(outcome);
    }
}

/// ESTALE may be the parent's: its path is resolved again, once for free after each retry.
#[test]
fn stale_base() {
    let resolve = |script: Script| {
        script
            .notes(Note::Lost(Cause::StaleBase))
            .closes(0)
            .on(open_base(0), Open::Opened)
            .on(identify(0), number(BASE + 1))
    };
    let stale = |script: Script| script.on(open_root(1), Open::Gone(Gone::Stale));
    let first = resolve(stale(
        Script::new(patience(3))
            .on(open_base(0), Open::Opened)
            .on(identify(0), number(BASE)),
    ));
    let failed = Outcome::Failed(Fault::new(Operation::Open, Reason::Stale));
    // ESTALE again costs a retry each, and one more that there is no patience for.
    let mut again = first.clone();
    for patience in [2, 1, 0, 0] {
        again = resolve(stale(again).took(Arm::RetryStale).patient(patience));
    }
    assert!(again.walker.patience_spent());
    stale(again).took(Arm::RetryStaleAgain).over(failed);
    first
        .clone()
        .on(open_root(1), Open::Gone(Gone::Missing))
        .over(Outcome::Absent);
    // That the root is there costs a retry, and then the path may be resolved again.
    let entered = first
        .patient(3)
        .on(open_root(1), Open::Opened)
        .patient(2)
        .on(identify(1), level(0))
        .on(inspect(1), LOCAL);
    let script = entered.ends().closes(1);
    let script = script.on(rmdir_root(), Rmdir::Gone(Gone::Stale));
    let second = resolve(script.took(Arm::RootStale)).patient(2).reopen();
    second.patient(1).ends().ends_well();
}

/// The base that was resolved again is the one whose identity counts.
#[test]
fn stale_base_is_another() {
    let birthless = super::super::Inspect {
        births: false,
        positions: true,
    };
    let script = Script::new(patience(3)).begin_on(birthless).ends();
    let script = script.closes(1).on(rmdir_root(), Rmdir::Gone(Gone::Stale));
    let script = script.closes(0).on(open_base(0), Open::Opened);
    let script = script.on(identify(0), number(BASE + 1)).reopen();
    let script = script.finds(&["a"]).ends().into_dir("a").finds(&["b"]);
    let script = script.ends().fells("b").up().on_identify(level(0));
    let script = script.on(open_above(1, 3), Open::Opened);
    let fits = |found| script.clone().on(identify(3), found);
    fits(number(BASE)).took(Arm::AscendAboveMoved);
    fits(number(BASE + 1)).took(Arm::AscendAboveSame);
}

/// A root that dies between opening and identity is asked for again, which is free: only when its
/// name is still there it costs a retry.
#[test]
fn died_before_entered() {
    let died = |script: Script| {
        script
            .on(open_root(1), Open::Opened)
            .on(identify(1), Identify::Gone(Gone::Missing))
            .took(Arm::RetryDied)
            .closes(1)
    };
    let script = died(
        Script::new(patience(1))
            .on(open_base(0), Open::Opened)
            .on(identify(0), number(BASE)),
    );
    script
        .clone()
        .patient(1)
        .on(open_root(1), Open::Gone(Gone::Missing))
        .over(Outcome::Absent);
    let spent = died(script).patient(0).on(open_root(1), Open::Opened);
    spent
        .took(Arm::RetrySpent)
        .closes(1)
        .on(rmdir_root(), Rmdir::NotEmpty)
        .over(Outcome::NotEmpty);
}
