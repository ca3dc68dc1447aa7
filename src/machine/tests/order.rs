//! Whole walks: in which order a tree is felled, and how much of it is noted at a time.

extern crate std;

use super::super::{Gone, Inspect, Limits, Open, Outcome, Request, Rmdir, Seek, Unlink};
#[allow(clippy::wildcard_imports)]
use super::script::*;
use std::vec::Vec;

/// The names of directories in the order in which they were opened and removed.
fn trail(script: &Script) -> Vec<(char, Name)> {
    let step = |request: &Request<Name>| match *request {
        Request::Open { name, .. } => Some(('+', name)),
        Request::Rmdir { name, .. } => Some(('-', name)),
        Request::Unlink { name, .. } => Some(('.', name)),
        _ => None,
    };
    script.log.iter().filter_map(step).collect()
}

#[test]
fn last_found_first_entered() {
    let script = root()
        .finds(&["a"])
        .file("f", Unlink::Removed)
        .finds(&["b"])
        .ends()
        .into_dir("b")
        .finds(&["c", "d"])
        .ends()
        .fells("d")
        .fells("c")
        .ascend()
        .removes("b", Rmdir::Removed)
        .fells("a")
        .ends_well();
    let order = [
        ('.', "f"),
        ('+', "b"),
        ('+', "d"),
        ('-', "d"),
        ('+', "c"),
        ('-', "c"),
        ('-', "b"),
        ('+', "a"),
        ('-', "a"),
    ];
    assert_eq!(trail(&script), order);
    assert_eq!(script.notes, []);
}

/// One directory costs an opening, an identity, its reading, a close and a removal; a file costs a
/// removal beside its line of the listing.
#[test]
fn what_is_asked_for() {
    let script = root()
        .finds(&["a"])
        .ends()
        .into_dir("a")
        .file("f", Unlink::Removed)
        .ends()
        .ascend()
        .removes("a", Rmdir::Removed)
        .ends_well();
    let asked = [
        open_base(0),
        identify(0),
        open_root(1),
        identify(1),
        inspect(1),
        read(1),
        read(1),
        open(1, "a", 2),
        identify(2),
        read(2),
        unlink(2, "f"),
        read(2),
        close(2),
        rmdir(1, "a"),
        close(1),
        rmdir_root(),
    ];
    assert_eq!(script.log, asked);
}

/// The reading stops when the batch is full, and goes on behind the last entry.
#[test]
fn batch_full_and_seek() {
    let limits = Limits {
        batch: 2,
        ..Limits::DEFAULT
    };
    let script = Script::new(limits)
        .begin()
        .finds(&["a", "b"])
        .fells("b")
        .fells("a")
        .on(seek(1, 2), Seek::Sought)
        .file("f", Unlink::Removed)
        .finds(&["c"])
        .file("g", Unlink::Removed)
        .finds(&["d"])
        .fells("d")
        .fells("c")
        .on(seek(1, 6), Seek::Sought)
        .finds(&["e"])
        .ends()
        .fells("e");
    // One pass, however often it was resumed.
    assert_eq!(script.walker.levels()[0].met, 7);
    script.patient(256).ends_well();
}

/// A vanished child never makes its level read again.
#[test]
fn vanished_children_are_dropped() {
    let script = root_with(&["a", "b", "c"])
        .on(open(1, "c", 2), Open::Gone(Gone::Missing))
        .on(open(1, "b", 2), Open::Gone(Gone::Stale))
        .on(open(1, "a", 2), Open::Gone(Gone::Missing))
        .ends_well();
    assert_eq!(script.log.iter().filter(|&&r| r == read(1)).count(), 4);
}

/// A level may note half of what the arena has left, the walked name of each level not counted.
#[test]
fn arena_halves() {
    let limits = Limits {
        arena: 8,
        ..Limits::DEFAULT
    };
    let script = Script::new(limits)
        .begin()
        .finds(&["a", "b", "c", "d"])
        // 3 of 8 are noted: 5 are left, of which 2 may be noted.
        .into_dir("d")
        .finds(&["e", "f"])
        // 3 + 1 of 8 are noted, and again 2.
        .into_dir("f")
        .finds(&["g", "h"])
        // 3 + 1 + 1: 1, and from here on always 1.
        .into_dir("h")
        .finds(&["i"])
        .into_dir("i")
        .finds(&["j"])
        .into_dir("j")
        .finds(&["k"])
        .noted(&["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]);
    let path: Vec<_> = script.walker.path_to(5).collect();
    assert_eq!(path, ["d", "f", "h", "i", "j"]);
}

/// With no arena at all each level still goes on, one name at a time.
#[test]
fn arena_of_nothing() {
    let limits = Limits {
        arena: 0,
        ..Limits::DEFAULT
    };
    Script::new(limits)
        .begin()
        .finds(&["a"])
        .into_dir("a")
        .finds(&["b"])
        .fells("b")
        .on(seek(2, 2), Seek::Sought)
        .finds(&["c"])
        .fells("c")
        .on(seek(2, 3), Seek::Sought)
        .ends()
        .ascend()
        .removes("a", Rmdir::Removed)
        .on(seek(1, 1), Seek::Sought)
        .ends()
        .ends_well();
}

/// A batch is the smaller of the two.
#[test]
fn arena_beyond_batch() {
    let limits = Limits {
        batch: 2,
        arena: 100,
        ..Limits::DEFAULT
    };
    Script::new(limits)
        .begin()
        .finds(&["a", "b"])
        .into_dir("b")
        .finds(&["c", "d"])
        .then(open(2, "d", 3));
}

/// Limits that must be at least 1 are.
#[test]
fn limits_are_raised() {
    let limits = Limits {
        max_open_dirs: 0,
        batch: 0,
        max_depth: 0,
        ..Limits::DEFAULT
    };
    let script = Script::new(limits).begin();
    let limits = *script.walker.limits();
    assert_eq!(
        (limits.max_open_dirs, limits.batch, limits.max_depth),
        (1, 1, 1)
    );
    script.finds(&["a"]).then(rmdir(1, "a"));
}

/// What may not be believed is not: a pass that was resumed where positions are lost explains
/// nothing, and the next one starts from nothing.
#[test]
fn positions_lost() {
    let limits = Limits {
        batch: 1,
        passes: 1,
        ..Limits::DEFAULT
    };
    let lossy = Inspect {
        births: true,
        positions: false,
    };
    let script = Script::new(limits)
        .begin_on(lossy)
        .stuck("f")
        .finds(&["a"])
        .fells("a")
        .on(seek(1, 2), Seek::Sought)
        .ends()
        .closes(1)
        .on(rmdir_root(), Rmdir::NotEmpty);
    // The second pass is read in one go, so its leftover explains.
    script
        .reopen()
        .stuck("f")
        .ends()
        .closes(1)
        .on(rmdir_root(), Rmdir::NotEmpty)
        .took(super::super::Arm::RootExplained)
        .over(Outcome::NotEmpty);
}
