//! Whole walks: how often a directory is read, and which leftovers are void (rules 4, 9 and 10).

extern crate std;

use super::super::{
    Arm, Fault, Gone, History, Limits, Note, Open, Operation, Outcome, Reason, Rmdir, Unlink,
};
#[allow(clippy::wildcard_imports)]
use super::script::*;

const FULL: Fault = Fault::new(Operation::Rmdir, Reason::NotEmpty);
const FILES: [Name; 8] = ["1", "2", "3", "4", "5", "6", "7", "8"];

fn passes(passes: u8) -> Limits {
    Limits {
        passes,
        ..Limits::DEFAULT
    }
}

fn patience(patience: u32) -> Limits {
    Limits {
        patience,
        ..Limits::DEFAULT
    }
}

/// A pass over the current directory meets so many files.
fn meets(script: Script, files: usize) -> Script {
    let script = FILES[..files]
        .iter()
        .fold(script, |script, file| script.file(file, Unlink::Removed));
    script.ends()
}

/// `a` is entered, so many files are met, and its rmdir answers not empty.
fn pass(script: Script, files: usize) -> Script {
    meets(script.into_dir("a"), files)
        .ascend()
        .removes("a", Rmdir::NotEmpty)
}

/// The root is read, so many files are met, and its rmdir answers not empty.
fn root_pass(script: Script, files: usize) -> Script {
    meets(script, files)
        .closes(1)
        .on(rmdir_root(), Rmdir::NotEmpty)
}

fn flat(script: &Script) -> u8 {
    script.walker.levels().last().unwrap().history.flat
}

/// Passes that shrink are free; the first has none before it and counts.
#[test]
fn shrinking_passes_are_free() {
    let mut script = root_with(&["a"]);
    for files in [8, 7, 5, 3, 2, 1, 0] {
        script = pass(script, files).took(Arm::ChildAgain);
    }
    let script = script.into_dir("a");
    assert_eq!(flat(&script), 1);
    let script = script.ends().ascend();
    script.removes("a", Rmdir::Removed).patient(256).ends_well();
}

/// A pass is judged by the one before, not by the smallest.
#[test]
fn two_flat_passes() {
    let script = pass(root_with(&["a"]), 3);
    let script = pass(script, 3).took(Arm::ChildAgain);
    let script = pass(script, 2).took(Arm::ChildAgain);
    let script = pass(script, 2).took(Arm::ChildFull);
    let script = script.notes(left(0, "a", FULL)).patient(256);
    script
        .closes(1)
        .on(rmdir_root(), Rmdir::NotEmpty)
        .took(Arm::RootExplained)
        .over(Outcome::NotEmpty);
}

#[test]
fn growing_passes_are_flat() {
    let script = pass(root_with(&["a"]), 1);
    let script = pass(script, 2).took(Arm::ChildAgain);
    pass(script, 4).took(Arm::ChildFull);
}

#[test]
fn root_passes() {
    let script = root_pass(root(), 4).took(Arm::RootAgain).quiet();
    let script = root_pass(script.reopen(), 3).took(Arm::RootAgain).reopen();
    assert_eq!(
        script.walker.levels()[0].history,
        History { met: 3, flat: 1 }
    );
    let script = root_pass(script, 3).took(Arm::RootAgain).reopen();
    let script = root_pass(script, 3).took(Arm::RootFull).patient(256);
    assert!(!script.walker.patience_spent());
    script.over(Outcome::NotEmpty);
}

#[test]
fn no_second_pass() {
    pass(Script::new(passes(0)).begin().finds(&["a"]).ends(), 0).took(Arm::ChildFull);
    root_pass(Script::new(passes(0)).begin(), 8).took(Arm::RootFull);
    let script = pass(Script::new(passes(1)).begin().finds(&["a"]).ends(), 1);
    pass(script.took(Arm::ChildAgain), 1).took(Arm::ChildFull);
}

/// The passes of a directory that is left explain its parents, which are not read again.
#[test]
fn a_leftover_is_read_once() {
    let script = root_with(&["a"]).into_dir("a").finds(&["b"]).ends();
    let script = script.into_dir("b").stuck("f").ends();
    let script = script.ascend().removes("b", Rmdir::NotEmpty);
    let script = script.took(Arm::ChildExplained).notes(left(1, "b", FULL));
    let script = script.ascend().removes("a", Rmdir::NotEmpty);
    let script = script.took(Arm::ChildExplained).notes(left(0, "a", FULL));
    let script = script.closes(1).on(rmdir_root(), Rmdir::NotEmpty);
    assert_eq!(script.notes.len(), 4);
    script.took(Arm::RootExplained).over(Outcome::NotEmpty);
}

/// One leftover keeps nothing else from being removed.
#[test]
fn best_effort() {
    let script = root_with(&["a", "b"]).into_dir("b").stuck("f");
    let script = script.file("g", Unlink::Removed).finds(&["c"]).ends();
    let script = script.fells("c").ascend().removes("b", Rmdir::NotEmpty);
    script.fells("a").took(Arm::ChildRemoved);
}

/// A directory that is removed or gone after all voids what was left in it, and explains nothing.
#[test]
fn leftovers_of_the_removed_are_void() {
    for gone in [
        Rmdir::Removed,
        Rmdir::Gone(Gone::Missing),
        Rmdir::Gone(Gone::Stale),
    ] {
        let script = root_with(&["a"]).into_dir("a").finds(&["b"]).ends();
        let script = script.into_dir("b").stuck("f").ends();
        let script = script.ascend().removes("b", gone);
        let script = script.notes(Note::Void { level: 2 }).ascend();
        // `a` has no leftover, so that it is not empty is unexplained.
        script
            .clone()
            .removes("a", Rmdir::NotEmpty)
            .took(Arm::ChildAgain)
            .quiet();
        script.removes("a", gone).quiet().ends_well();
    }
}

/// What was left beside it stays.
#[test]
fn leftovers_beside_the_removed_stay() {
    let script = root_with(&["a", "b"]).into_dir("b").stuck("f").ends();
    let script = script.ascend().removes("b", Rmdir::NotEmpty);
    let script = script.into_dir("a").stuck("g").ends();
    let script = script.ascend().removes("a", Rmdir::Removed);
    let script = script.notes(Note::Void { level: 1 }).closes(1);
    let removed = script.clone().on(rmdir_root(), Rmdir::Removed);
    removed
        .notes(Note::Void { level: 0 })
        .over(Outcome::Removed);
    script
        .on(rmdir_root(), Rmdir::NotEmpty)
        .took(Arm::RootExplained);
}

/// A directory that became a file takes what was left in it away: an Ok has no leftovers.
#[test]
fn leftovers_of_the_swapped_are_void() {
    let script = root_with(&["a"]).into_dir("a").stuck("f").ends();
    let script = script.ascend().removes("a", Rmdir::NotDirectory);
    let script = script.notes(Note::Void { level: 1 });
    script.on(unlink(1, "a"), Unlink::Removed).ends_well();
}

/// A reading cut short is no pass: it draws on patience, and the history stays as it was.
#[test]
fn cut_readings_draw_on_patience() {
    let mut script = Script::new(patience(3)).begin().finds(&["a"]).ends();
    script = pass(script, 5);
    for left in [2, 1, 0] {
        let cut = script.into_dir("a").file("f", Unlink::Removed).cut();
        assert_eq!(flat(&cut), 1);
        let cut = cut.ascend().removes("a", Rmdir::NotEmpty);
        script = cut.took(Arm::ChildCut).quiet().patient(left);
    }
    let last = script.into_dir("a");
    let history = History { met: 5, flat: 1 };
    assert_eq!(last.walker.levels()[1].history, history);
    let last = last.cut().ascend();
    assert!(!last.walker.patience_spent());
    let last = last.removes("a", Rmdir::NotEmpty).took(Arm::ChildFull);
    assert!(last.walker.patience_spent());
    last.notes(left(0, "a", FULL)).patient(0);
}

#[test]
fn cut_readings_of_the_root() {
    let script = Script::new(patience(1)).begin().cut().closes(1);
    let script = script.on(rmdir_root(), Rmdir::NotEmpty).took(Arm::RootCut);
    let script = script.patient(0).reopen().cut().closes(1);
    let script = script.on(rmdir_root(), Rmdir::NotEmpty);
    script.took(Arm::RootFull).over(Outcome::NotEmpty);
}

/// A leftover explains no cut reading: what was not read was not tried (rule 1).
#[test]
fn cut_and_explained() {
    let script = root_with(&["a"]).into_dir("a").stuck("f").cut().ascend();
    let script = script.removes("a", Rmdir::NotEmpty);
    script
        .took(Arm::ChildCut)
        .notes(Note::Void { level: 1 })
        .patient(255);
}

/// The removal of a kept root is never asked for; the pass that confirms it is free.
#[test]
fn kept_root_is_confirmed() {
    let limits = Limits {
        passes: 0,
        ..kept()
    };
    let script = meets(Script::new(limits).begin(), 3).closes(1);
    let script = script.took(Arm::AscendKeptAgain).reopen().ends().closes(1);
    assert!(!script.log.contains(&rmdir_root()));
    script.over(Outcome::Emptied);
}

#[test]
fn kept_root_passes() {
    let mut script = Script::new(kept()).begin();
    // The first is free, as is every one that shrinks; 2 flat ones are allowed, the third is not.
    for files in [5, 4, 4, 3, 3] {
        script = meets(script, files).closes(1);
        script = script.took(Arm::AscendKeptAgain).quiet().reopen();
    }
    let script = meets(script, 3).closes(1).took(Arm::AscendKeptFull);
    assert!(!script.walker.patience_spent());
    script
        .notes(root_left(Operation::Read, Reason::NotEmpty))
        .over(Outcome::NotEmpty);
}

/// Gone is Ok, also for a root that is kept, and costs nothing: only if its name is still there it
/// costs a retry.
#[test]
fn kept_root_gone() {
    let script = Script::new(kept()).begin().cut().closes(1);
    let script = script.took(Arm::AscendKeptLost).quiet().patient(256);
    script
        .clone()
        .on(open_root(1), Open::Gone(Gone::Missing))
        .over(Outcome::Vanished);
    script.on(open_root(1), Open::Opened).patient(255);
}

/// A child of a kept root that stays is one leftover more.
#[test]
fn kept_root_with_leftovers() {
    let script = Script::new(kept()).begin().finds(&["a"]).ends();
    let script = script.into_dir("a").stuck("f").ends().ascend();
    let script = script.removes("a", Rmdir::NotEmpty).closes(1);
    script
        .took(Arm::AscendKeptFull)
        .notes(root_left(Operation::Read, Reason::NotEmpty))
        .over(Outcome::NotEmpty);
}
