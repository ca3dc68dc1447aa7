//! Whole walks: names that somebody else is asked to remove.

extern crate std;

use super::super::{Arm, Gone, Kind, Limits, Open, Rmdir, Unlink};
#[allow(clippy::wildcard_imports)]
use super::script::*;

/// The first found of the outermost level goes first, and never the one that is walked.
#[test]
fn outermost_first() {
    root_with(&["a", "b", "c"])
        .into_dir("c")
        .finds(&["d", "e", "f"])
        .ends()
        .into_dir("f")
        .finds(&["g"])
        .hand_on(Some((0, "a")))
        .hand_on(Some((0, "b")))
        .hand_on(Some((1, "d")))
        .hand_on(Some((1, "e")))
        .hand_on(Some((2, "g")))
        .hand_on(None)
        .noted(&["a", "b", "c", "d", "e", "f", "g"]);
}

/// In each of these states the last noted name is the one that is being dealt with.
#[test]
fn never_the_walked_one() {
    let asked = root_with(&["a"]);
    let opened = asked.clone().opens("a");
    let leaving = opened.clone().on_identify(number(77));
    let shut = asked.clone().on(open(1, "a", 2), Open::Failed(E));
    let turned = asked.clone().on(open(1, "a", 2), Open::NotDirectory);
    let entered = asked.clone().into_dir("a");
    let reading = entered.clone().lists("f", Kind::File);
    let ended = entered.clone().ends();
    let cleared = ended.clone().ascend();
    for script in [
        asked, opened, leaving, shut, turned, entered, reading, ended, cleared,
    ] {
        script.hand_on(None);
    }
    root().hand_on(None).ends().hand_on(None);
}

/// While a directory is being read, all that it has noted may go.
#[test]
fn while_reading() {
    let script = root().finds(&["a", "b"]).lists("f", Kind::File);
    let script = script.hand_on(Some((0, "a"))).hand_on(Some((0, "b")));
    let script = script.hand_on(None).on(unlink(1, "f"), Unlink::Removed);
    script
        .finds(&["c"])
        .hand_on(Some((0, "c")))
        .ends()
        .then(rmdir(1, "c"));
}

/// When its turn comes, rmdir tells whether it was done.
#[test]
fn done_by_somebody_else() {
    let script = root_with(&["a", "b", "c"]);
    let script = script.hand_on(Some((0, "a"))).hand_on(Some((0, "b")));
    script
        .fells("c")
        .removes("b", Rmdir::Gone(Gone::Missing))
        .took(Arm::ChildVanished)
        .removes("a", Rmdir::Removed)
        .took(Arm::ChildRemoved)
        .ends_well();
}

/// Not done: the walker does it, and does not give it away again while it is at it.
#[test]
fn taken_back() {
    for answer in [Rmdir::NotEmpty, Rmdir::Busy, Rmdir::Failed(E)] {
        let script = root_with(&["a", "b"]).hand_on(Some((0, "a")));
        let script = script.fells("b").removes("a", answer);
        let script = script.took(Arm::ChildTakenBack).hand_on(None);
        script.fells("a").ends_well();
    }
}

/// A name that became a file and is a directory again is the walker's.
#[test]
fn turned_is_taken_back() {
    let script = root_with(&["a", "b"]).hand_on(Some((0, "a"))).fells("b");
    let script = script.removes("a", Rmdir::NotDirectory);
    let script = script.on(unlink(1, "a"), Unlink::IsDirectory);
    assert!(!script.walker.pending()[0].given);
    script.fells("a").ends_well();
}

/// What is given away counts as noted, and the reading goes on behind it.
#[test]
fn given_away_in_batches() {
    let limits = Limits {
        batch: 2,
        ..Limits::DEFAULT
    };
    let script = Script::new(limits).begin().finds(&["a", "b"]);
    let script = script.hand_on(Some((0, "a"))).fells("b");
    script.removes("a", Rmdir::Removed).then(seek(1, 2));
}

/// When the way is lost nothing is given away any more: it is found again.
#[test]
fn lost_with_the_way() {
    let script = root_with(&["a", "b"]).hand_on(Some((0, "a"))).opens("b");
    let script = script.on_identify(level(0)).hand_on(None).noted(&[]);
    let script = script.closes(1).closes(2).reopen().finds(&["a"]);
    assert!(!script.walker.pending()[0].given);
}
