//! Whole walks: which directories are held open, the way back to those that are not, how deep.

extern crate std;

use super::super::{
    Arm, At, Cause, Fault, Inspect, Kind, Limits, Note, Open, Operation, Outcome, Read, Reason,
    Rmdir, Slot, Unlink,
};
#[allow(clippy::wildcard_imports)]
use super::script::*;
use std::vec::Vec;

const NAMES: [Name; 7] = ["a", "b", "c", "d", "e", "f", "g"];
const BIRTHLESS: Inspect = Inspect {
    births: false,
    positions: true,
};

/// A chain of directories, the innermost one being read.
fn chain(script: Script, depth: usize) -> Script {
    NAMES[..depth].iter().fold(script, |script, &name| {
        script.finds(&[name]).ends().into_dir(name)
    })
}

/// Which levels are held.
fn held(script: &Script) -> Vec<bool> {
    let levels = script.walker.levels().iter();
    levels.map(|level| level.slot.is_some()).collect()
}

/// The chain is left and removed; each level is checked for what is held on the way.
fn unchain(mut script: Script, depth: usize) -> Script {
    script = script.ends();
    for &name in NAMES[..depth].iter().rev() {
        script = script.ascend().removes(name, Rmdir::Removed);
    }
    script
}

#[test]
fn window_of_one() {
    let script = chain(Script::new(holding(1)).begin(), 4);
    assert_eq!(held(&script), [false, false, false, true, true]);
    let script = unchain(script.holds(3), 4);
    assert_eq!(script.notes, []);
    script.patient(256).ends_well();
}

#[test]
fn window_of_two() {
    let script = chain(Script::new(holding(2)).begin(), 4);
    assert_eq!(held(&script), [false, false, true, true, true]);
    // Two come back for free, the others by `..`.
    let script = script.holds(4).ends().ascend().removes("d", Rmdir::Removed);
    let script = script.ascend().removes("c", Rmdir::Removed);
    assert_eq!(held(&script), [false, false, true]);
    let slot = script.slot();
    let script = script.then(open_parent(slot, 1)).ascend();
    assert_eq!(held(&script), [false, true]);
    script
        .removes("b", Rmdir::Removed)
        .ascend()
        .removes("a", Rmdir::Removed)
        .ends_well();
}

/// Most slots are held while a child is opened for which another must be given up, or when `..` and
/// its `..` are open.
#[test]
fn never_more_than_three_beside_the_window() {
    for (window, levels) in [(1, 4), (2, 5), (3, 6)] {
        let script = chain(Script::new(holding(window)).begin_on(BIRTHLESS), levels);
        let script = script.finds(&["x"]).ends().opens("x");
        script.holds(u32::from(window) + 3);
    }
    let script = chain(Script::new(holding(1)).begin_on(BIRTHLESS), 2);
    let script = script.ends().ascend().removes("b", Rmdir::Removed);
    let script = script.up().on_identify(level(0)).took(Arm::AscendUnsure);
    script.on(open_above(1, 3), Open::Opened).holds(4);
}

/// What came back by `..` is the only level held, and goes on as if it had been held.
#[test]
fn down_again_after_the_way_back() {
    let script = Script::new(holding(1)).begin().finds(&["z", "a"]).ends();
    let script = script.into_dir("a").finds(&["b"]).ends().fells("b");
    let script = script.ascend().removes("a", Rmdir::Removed);
    assert_eq!(held(&script), [true]);
    let script = script.into_dir("z").finds(&["y"]).ends().into_dir("y");
    assert_eq!(held(&script), [false, true, true]);
    script
        .ends()
        .ascend()
        .removes("y", Rmdir::Removed)
        .ascend()
        .removes("z", Rmdir::Removed)
        .ends_well();
}

/// A level that came back by `..` while its listing was paused goes on behind its position.
#[test]
fn reading_goes_on_after_the_way_back() {
    let limits = Limits {
        batch: 1,
        ..holding(1)
    };
    let script = Script::new(limits).begin().finds(&["a"]).into_dir("a");
    let script = script.finds(&["b"]).into_dir("b").ends().ascend();
    let script = script
        .removes("b", Rmdir::Removed)
        .on(seek(2, 2), super::super::Seek::Sought)
        .ends();
    script
        .ascend()
        .removes("a", Rmdir::Removed)
        .then(seek(1, 1));
}

/// Without births the grandparent is compared as well; above the root stands the base.
#[test]
fn births_unknown() {
    let script = chain(Script::new(holding(1)).begin_on(BIRTHLESS), 3).ends();
    let script = script.ascend().removes("c", Rmdir::Removed);
    let way_back = |script: Script, parent, above| {
        let child = script.slot();
        let script = script.up().on_identify(parent).took(Arm::AscendUnsure);
        let Some(super::super::Request::OpenAbove { slot, .. }) = script.walker.request() else {
            panic!("no `../..`");
        };
        let request = script.walker.request().unwrap();
        let script = script.on(request, Open::Opened).on_identify(above);
        script
            .took(Arm::AscendAboveSame)
            .closes(slot.0)
            .closes(child)
            .took(Arm::AscendLeft)
    };
    let script = way_back(script, level(1), unborn(level(0)));
    let script = script.removes("b", Rmdir::Removed);
    let other = script.clone().up().on_identify(level(0));
    let request = other.walker.request().unwrap();
    // The parent fits and the grandparent does not: the number was reused.
    let other = other.on(request, Open::Opened).on_identify(level(1));
    other
        .took(Arm::AscendAboveMoved)
        .notes(Note::Lost(Cause::Moved));
    way_back(script, level(0), number(BASE))
        .removes("a", Rmdir::Removed)
        .ends_well();
}

/// Descriptors run out: the outermost levels are closed, one by one, and never the immediate parent.
#[test]
fn thinning() {
    let mut script = chain(root(), 3).finds(&["d"]).ends();
    for outermost in 0..2_u16 {
        assert!(held(&script)[usize::from(outermost)]);
        let request = script.walker.request().unwrap();
        script = script
            .on(request, Open::Exhausted(EMFILE))
            .took(Arm::DescendThinning)
            .closes(outermost + 1);
    }
    // `d` would be the child of `c`, whose parent `b` is the last that is held.
    assert_eq!(held(&script), [false, false, true, true]);
    let request = script.walker.request().unwrap();
    let script = script
        .clone()
        .on(request, Open::Exhausted(EMFILE))
        .took(Arm::DescendExhausted);
    let why = Fault::errno(Operation::Open, EMFILE);
    let script = script
        .removes("d", Rmdir::NotEmpty)
        .notes(left(3, "d", why));
    script
        .ascend()
        .removes("c", Rmdir::NotEmpty)
        .then(open_parent(3, 1));
}

/// What could be held once descriptors had run out is the window from then on.
#[test]
fn thinned_window_stays() {
    let script = chain(root(), 2).finds(&["c"]).ends();
    let script = script
        .on(open(3, "c", 4), Open::Exhausted(EMFILE))
        .closes(1)
        .into_dir("c");
    assert_eq!(held(&script), [false, false, true, true]);
    let script = script.finds(&["d"]).ends().into_dir("d");
    assert_eq!(held(&script), [false, false, false, true, true]);
}

/// A directory that is on the way already cannot be below itself: the tree was moved.
#[test]
fn loop_met() {
    for at in 0..3 {
        let script = chain(root(), 2).finds(&["c"]).ends().opens("c");
        let script = script.on_identify(level(at)).took(Arm::DescendLooped);
        let script = script.notes(Note::Lost(Cause::Loop)).patient(255);
        let script = script.closes(1).closes(2).closes(3).closes(4).reopen();
        script.ends().ends_well();
    }
}

/// A directory that was left is not on the way any more.
#[test]
fn no_loop_beside() {
    root_with(&["a", "b"])
        .fells("b")
        .into_this("a", level(1))
        .ends();
}

/// The root is level 1 of `max_depth`; what is deeper is tried by rmdir only.
#[test]
fn max_depth() {
    let limits = Limits {
        max_depth: 2,
        ..Limits::DEFAULT
    };
    let why = Fault::new(Operation::Open, Reason::Limit);
    let full = Script::new(limits).begin().finds(&["a"]).ends();
    let full = full.into_dir("a").finds(&["b", "c"]).ends();
    let script = full.clone().removes("c", Rmdir::Removed).quiet();
    script
        .removes("b", Rmdir::NotEmpty)
        .notes(left(1, "b", why))
        .ascend()
        .removes("a", Rmdir::NotEmpty)
        .took(Arm::ChildExplained);
    // No way round: what turns into a file and back is not entered either.
    full.removes("c", Rmdir::NotDirectory)
        .on(unlink(2, "c"), Unlink::IsDirectory)
        .took(Arm::StripTurnedBack)
        .removes("c", Rmdir::NotEmpty)
        .notes(left(1, "c", why));
    // Nor what was given away and is taken back.
    Script::new(limits)
        .begin()
        .finds(&["a"])
        .ends()
        .into_dir("a")
        .finds(&["b", "c"])
        .hand_on(Some((1, "b")))
        .hand_on(Some((1, "c")))
        .ends()
        .removes("c", Rmdir::NotEmpty)
        .took(Arm::ChildTakenBack)
        .removes("c", Rmdir::Removed)
        .removes("b", Rmdir::NotDirectory)
        .took(Arm::ChildTurned)
        .on(unlink(2, "b"), Unlink::IsDirectory)
        .removes("b", Rmdir::Busy)
        .took(Arm::ChildBlocked)
        .notes(left(1, "b", why))
        .deep(2);
}

/// Entries are counted over the whole walk; what was noted is still removed.
#[test]
fn max_entries() {
    let limits = Limits {
        max_entries: Some(3),
        ..Limits::DEFAULT
    };
    let limit = |level| Note::Leftover {
        at: At::Level(level),
        fault: Fault::new(Operation::Read, Reason::Limit),
    };
    let script = Script::new(limits).begin().finds(&["a", "b"]).ends();
    let script = script.into_dir("b").file("f", Unlink::Removed);
    let script = script.lists("g", Kind::File).notes(limit(1));
    let script = script.ascend().removes("b", Rmdir::NotEmpty);
    // Nothing is removed any more, but a directory that is empty costs no entry.
    let script = script.fells("a").closes(1);
    script
        .on(rmdir_root(), Rmdir::NotEmpty)
        .took(Arm::RootExplained)
        .over(Outcome::NotEmpty);
}

/// A limit does not outlive a tree that is empty all the same.
#[test]
fn max_entries_and_empty() {
    let limits = Limits {
        max_entries: Some(1),
        ..Limits::DEFAULT
    };
    let script = Script::new(limits).begin().file("f", Unlink::Removed);
    let script = script.lists("g", Kind::File).took(Arm::StripLimit);
    script
        .closes(1)
        .on(rmdir_root(), Rmdir::Removed)
        .notes(Note::Void { level: 0 })
        .over(Outcome::Removed);
}

/// A walk holds slots lowest first, in more than one word of them.
#[test]
fn slots_beyond_a_word() {
    let mut script = Script::new(holding(200)).begin();
    for depth in 1..150_u16 {
        script = script.finds(&["d"]).ends();
        script = script.then(open(depth, "d", depth + 1)).into_dir("d");
    }
    let script = script.holds(151).on(read(150), Read::End);
    let script = script.ascend().removes("d", Rmdir::Removed).holds(150);
    assert_eq!(script.walker.base(), Some(Slot(0)));
    let mut script = script;
    script.walker.stop(super::super::Stop::Cancelled);
    script.over(Outcome::Stopped(super::super::Stop::Cancelled));
}
