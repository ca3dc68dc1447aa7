//! RemoveEmpty: what the rmdir of a child, and at last of the root, means.

extern crate std;

use super::super::{
    Arm, Cause, Errno, Fault, Gone, Inspect, Limits, Note, Open, Operation, Outcome, Read, Reason,
    Rmdir, Seek, StateName, Unlink,
};
#[allow(clippy::wildcard_imports)]
use super::script::*;

const LOSSY: Inspect = Inspect {
    births: true,
    positions: false,
};
const FULL: Fault = Fault::new(Operation::Rmdir, Reason::NotEmpty);
const VOID: Option<Note<&'static str>> = Some(Note::Void { level: 1 });
const OTHER: Errno = Errno(13);

/// Below a root with `z` and `a`, `a` is cleared.
fn cleared() -> Script {
    root_with(&["z", "a"])
        .into_dir("a")
        .ends()
        .ascend()
        .then(rmdir(1, "a"))
}

/// The same, with a leftover in it.
fn cleared_left() -> Script {
    root_with(&["z", "a"])
        .into_dir("a")
        .stuck("f")
        .ends()
        .ascend()
}

/// The same, where positions are lost.
fn cleared_doubt() -> Script {
    let limits = Limits {
        batch: 1,
        ..Limits::DEFAULT
    };
    Script::new(limits)
        .begin_on(LOSSY)
        .finds(&["a"])
        .into_dir("a")
        .stuck("f")
        .finds(&["b"])
        .fells("b")
        .on(seek(2, 3), Seek::Sought)
        .ends()
        .ascend()
}

/// The same, with its reading cut short.
fn cleared_cut(limits: Limits) -> Script {
    Script::new(limits)
        .begin()
        .finds(&["z", "a"])
        .ends()
        .into_dir("a")
        .cut()
        .ascend()
}

/// `a` could not be opened.
fn blocked() -> Script {
    root_with(&["z", "a"])
        .on(open(1, "a", 2), Open::Failed(OTHER))
        .then(rmdir(1, "a"))
}

/// Somebody else was asked to remove `a`.
fn given() -> Script {
    root_with(&["z", "a", "b"])
        .hand_on(Some((0, "z")))
        .hand_on(Some((0, "a")))
        .fells("b")
        .then(rmdir(1, "a"))
}

fn patience(patience: u32) -> Limits {
    Limits {
        patience,
        ..Limits::DEFAULT
    }
}

/// The root is cleared.
fn root_cleared() -> Script {
    root().ends().closes(1).then(rmdir_root())
}

fn root_cleared_left() -> Script {
    root().stuck("f").ends().closes(1)
}

/// The root could not be opened.
fn root_blocked() -> Script {
    Script::new(Limits::DEFAULT)
        .on(open_base(0), Open::Opened)
        .on(identify(0), number(BASE))
        .on(open_root(1), Open::Failed(OTHER))
        .then(rmdir_root())
}

/// Something else stands under the root's name.
fn deciding() -> Script {
    root_cleared()
        .on(rmdir_root(), Rmdir::NotEmpty)
        .on(open_root(1), Open::Opened)
        .on(identify(1), number(77))
        .closes(1)
        .then(rmdir_root())
}

fn roots() -> [Script; 3] {
    [root_cleared(), root_blocked(), deciding()]
}

const ROOT_BUSY: Note<&str> = Note::Leftover {
    at: super::super::At::Root,
    fault: Fault::new(Operation::Rmdir, Reason::Busy),
};

arms! {
    remove_empty_child_removed => ChildRemoved {
        [cleared(), blocked()].map(|script| {
            script
                .removes("a", Rmdir::Removed)
                .quiet()
                .then(open(1, "z", 2))
                .noted(&["z"])
        })
    }

    remove_empty_child_removed_left => ChildRemoved {
        let removed = cleared_left().removes("a", Rmdir::Removed);
        assert!(!removed.walker.levels()[0].left);
        removed.notes(Note::Void { level: 1 }).then(open(1, "z", 2))
    }

    /// The next one was given away as well.
    remove_empty_child_removed_given => ChildRemoved {
        given()
            .removes("a", Rmdir::Removed)
            .quiet()
            .then(rmdir(1, "z"))
            .noted(&["z"])
    }

    remove_empty_child_gone => ChildVanished {
        GONES.map(|gone| {
            blocked()
                .removes("a", Rmdir::Gone(gone))
                .quiet()
                .then(open(1, "z", 2));
            given()
                .removes("a", Rmdir::Gone(gone))
                .quiet()
                .then(rmdir(1, "z"));
            cleared()
                .removes("a", Rmdir::Gone(gone))
                .quiet()
                .then(open(1, "z", 2))
                .noted(&["z"])
        })
    }

    remove_empty_child_gone_left => ChildVanished {
        GONES.map(|gone| {
            cleared_left()
                .removes("a", Rmdir::Gone(gone))
                .notes(Note::Void { level: 1 })
        })
    }

    /// One more line of the report, and one that explains the parent.
    remove_empty_child_not_empty_explained => ChildExplained {
        let explained = cleared_left().removes("a", Rmdir::NotEmpty);
        assert!(explained.walker.levels()[0].left);
        explained
            .notes(left(0, "a", FULL))
            .then(open(1, "z", 2))
            .noted(&["z"])
    }

    remove_empty_child_not_empty => ChildAgain {
        cleared()
            .removes("a", Rmdir::NotEmpty)
            .quiet()
            .then(open(1, "a", 2))
            .noted(&["z", "a"])
            .patient(256)
    }

    remove_empty_child_not_empty_doubt => ChildAgain {
        cleared_doubt()
            .removes("a", Rmdir::NotEmpty)
            .notes(Note::Void { level: 1 })
            .then(open(1, "a", 2))
    }

    remove_empty_child_not_empty_cut => ChildCut {
        cleared_cut(Limits::DEFAULT)
            .removes("a", Rmdir::NotEmpty)
            .quiet()
            .then(open(1, "a", 2))
            .patient(255)
    }

    remove_empty_child_not_empty_full => ChildFull {
        let again = cleared()
            .removes("a", Rmdir::NotEmpty)
            .into_dir("a")
            .ends()
            .ascend();
        let last = again
            .removes("a", Rmdir::NotEmpty)
            .into_dir("a")
            .ends()
            .ascend();
        let full = last
            .removes("a", Rmdir::NotEmpty)
            .notes(left(0, "a", FULL))
            .then(open(1, "z", 2));
        assert!(full.walker.levels()[0].left && !full.walker.patience_spent());
        full
    }

    remove_empty_child_not_empty_cut_spent => ChildFull {
        let full = cleared_cut(patience(0)).removes("a", Rmdir::NotEmpty);
        assert!(full.walker.patience_spent());
        full.notes(left(0, "a", FULL)).then(open(1, "z", 2))
    }

    remove_empty_child_blocked => ChildBlocked {
        [Rmdir::NotEmpty, Rmdir::Busy, Rmdir::Failed(E)].map(|reply| {
            let left_over = blocked().removes("a", reply);
            assert!(left_over.walker.levels()[0].left);
            left_over
                .notes(left(0, "a", fault(Operation::Open, OTHER)))
                .then(open(1, "z", 2))
                .noted(&["z"])
        })
    }

    remove_empty_child_taken_back => ChildTakenBack {
        [Rmdir::NotEmpty, Rmdir::Busy, Rmdir::Failed(E)].map(|reply| {
            let back = given()
                .removes("a", reply)
                .quiet()
                .then(open(1, "a", 2))
                .noted(&["z", "a"]);
            assert!(back.walker.pending()[0].given && !back.walker.pending()[1].given);
            back
        })
    }

    remove_empty_child_not_directory => ChildTurned {
        given()
            .removes("a", Rmdir::NotDirectory)
            .quiet()
            .then(unlink(1, "a"));
        [cleared(), blocked()].map(|script| {
            script
                .removes("a", Rmdir::NotDirectory)
                .quiet()
                .then(unlink(1, "a"))
                .noted(&["z", "a"])
        })
    }

    /// What could not be removed from it is not beneath the root any more.
    remove_empty_child_not_directory_left => ChildTurned {
        cleared_left()
            .removes("a", Rmdir::NotDirectory)
            .notes(Note::Void { level: 1 })
    }

    remove_empty_child_not_directory_again => ChildFlipped {
        let again = root_with(&["z", "a"])
            .on(open(1, "a", 2), Open::NotDirectory)
            .on(unlink(1, "a"), Unlink::IsDirectory)
            .into_dir("a");
        [
            again
                .clone()
                .ends()
                .ascend()
                .removes("a", Rmdir::NotDirectory)
                .quiet(),
            again
                .stuck("f")
                .ends()
                .ascend()
                .removes("a", Rmdir::NotDirectory)
                .notes(Note::Void { level: 1 }),
        ]
        .map(|script| script.then(open(1, "z", 2)).noted(&["z"]))
    }

    remove_empty_child_failed => ChildFailed {
        [
            (Rmdir::Busy, Reason::Busy),
            (Rmdir::Failed(E), Reason::Errno(E)),
        ]
        .map(|(reply, reason)| {
            let failed = cleared().removes("a", reply);
            assert!(failed.walker.levels()[0].left);
            failed
                .notes(left(0, "a", Fault::new(Operation::Rmdir, reason)))
                .then(open(1, "z", 2))
                .noted(&["z"])
        })
    }

    remove_empty_root_removed => RootRemoved {
        roots().map(|script| {
            script
                .on(rmdir_root(), Rmdir::Removed)
                .quiet()
                .over(Outcome::Removed)
        })
    }

    remove_empty_root_removed_left => RootRemoved {
        let unread = root().on(read(1), Read::Failed(E)).closes(1);
        [root_cleared_left(), unread].map(|script| {
            script
                .on(rmdir_root(), Rmdir::Removed)
                .notes(Note::Void { level: 0 })
                .over(Outcome::Removed)
        })
    }

    remove_empty_root_gone => RootVanished {
        roots().map(|script| {
            script
                .on(rmdir_root(), Rmdir::Gone(Gone::Missing))
                .quiet()
                .over(Outcome::Vanished)
        })
    }

    remove_empty_root_gone_left => RootVanished {
        root_cleared_left()
            .on(rmdir_root(), Rmdir::Gone(Gone::Missing))
            .notes(Note::Void { level: 0 })
            .over(Outcome::Vanished)
    }

    remove_empty_root_stale => RootStale {
        let [one, two, three] = roots().map(|script| {
            script
                .on(rmdir_root(), Rmdir::Gone(Gone::Stale))
                .notes(Note::Lost(Cause::StaleBase))
                .then(close(0))
                .patient(256)
        });
        assert_eq!(one.walker.base(), None);
        [one, two, three]
    }

    remove_empty_root_stale_again => RootStaleAgain {
        let outcome = Outcome::Failed(Fault::new(Operation::Rmdir, Reason::Stale));
        let unresolvable = Script::new(Limits {
            resolvable: false,
            ..Limits::DEFAULT
        });
        let unresolvable = unresolvable
            .begin()
            .ends()
            .closes(1)
            .on(rmdir_root(), Rmdir::Gone(Gone::Stale));
        let mut spent = Script::new(patience(0)).begin().ends().closes(1);
        for _ in 0..2 {
            assert!(!spent.walker.patience_spent());
            spent = spent
                .on(rmdir_root(), Rmdir::Gone(Gone::Stale))
                .resolves()
                .on(open_root(1), Open::Failed(E));
        }
        assert!(spent.walker.patience_spent());
        let spent = spent.on(rmdir_root(), Rmdir::Gone(Gone::Stale));
        [unresolvable, spent].map(|script| script.quiet().over(outcome))
    }

    remove_empty_root_not_empty_explained => RootExplained {
        root_cleared_left()
            .on(rmdir_root(), Rmdir::NotEmpty)
            .notes(root_left(Operation::Rmdir, Reason::NotEmpty))
            .over(Outcome::NotEmpty)
    }

    remove_empty_root_not_empty => RootAgain {
        root_cleared()
            .on(rmdir_root(), Rmdir::NotEmpty)
            .quiet()
            .then(open_root(1))
            .holds(1)
            .patient(256)
            .is(StateName::Retry)
    }

    remove_empty_root_not_empty_doubt => RootAgain {
        let limits = Limits {
            batch: 1,
            ..Limits::DEFAULT
        };
        Script::new(limits)
            .begin_on(LOSSY)
            .stuck("f")
            .finds(&["b"])
            .fells("b")
            .on(seek(1, 2), Seek::Sought)
            .ends()
            .closes(1)
            .on(rmdir_root(), Rmdir::NotEmpty)
            .notes(Note::Void { level: 0 })
            .then(open_root(1))
    }

    remove_empty_root_not_empty_cut => RootCut {
        root()
            .cut()
            .closes(1)
            .on(rmdir_root(), Rmdir::NotEmpty)
            .quiet()
            .then(open_root(1))
            .patient(255)
    }

    remove_empty_root_not_empty_full => RootFull {
        Script::new(Limits {
            passes: 0,
            ..Limits::DEFAULT
        })
        .begin()
        .ends()
        .closes(1)
        .on(rmdir_root(), Rmdir::NotEmpty)
        .notes(root_left(Operation::Rmdir, Reason::NotEmpty))
        .over(Outcome::NotEmpty)
    }

    remove_empty_root_not_empty_cut_spent => RootFull {
        let full = Script::new(patience(0))
            .begin()
            .cut()
            .closes(1)
            .on(rmdir_root(), Rmdir::NotEmpty);
        assert!(full.walker.patience_spent());
        full.notes(root_left(Operation::Rmdir, Reason::NotEmpty))
            .over(Outcome::NotEmpty)
    }

    remove_empty_root_not_empty_unreadable => RootFault {
        root()
            .on(read(1), Read::Failed(E))
            .closes(1)
            .on(rmdir_root(), Rmdir::NotEmpty)
            .quiet()
            .over(Outcome::Failed(fault(Operation::Read, E)))
    }

    remove_empty_root_blocked => RootBlocked {
        [Rmdir::NotEmpty, Rmdir::Busy, Rmdir::Failed(E)].map(|reply| {
            root_blocked()
                .on(rmdir_root(), reply)
                .quiet()
                .over(Outcome::Failed(fault(Operation::Open, OTHER)))
        })
    }

    remove_empty_root_deciding_not_empty => RootDecided {
        deciding()
            .on(rmdir_root(), Rmdir::NotEmpty)
            .notes(root_left(Operation::Rmdir, Reason::NotEmpty))
            .over(Outcome::NotEmpty)
    }

    remove_empty_root_busy => RootBusy {
        [root_cleared(), root_cleared_left(), deciding()].map(|script| {
            script
                .on(rmdir_root(), Rmdir::Busy)
                .notes(ROOT_BUSY)
                .over(Outcome::NotEmpty)
        })
    }

    remove_empty_root_not_directory => RootTurned {
        roots().map(|script| {
            script
                .on(rmdir_root(), Rmdir::NotDirectory)
                .quiet()
                .over(Outcome::NotDirectory)
        })
    }

    remove_empty_root_failed => RootFailed {
        let unread = root().on(read(1), Read::Failed(OTHER)).closes(1);
        [root_cleared(), deciding(), unread].map(|script| {
            script
                .on(rmdir_root(), Rmdir::Failed(E))
                .quiet()
                .over(Outcome::Failed(fault(Operation::Rmdir, E)))
        })
    }

    remove_empty_root_failed_left => RootFailed {
        root_cleared_left()
            .on(rmdir_root(), Rmdir::Failed(E))
            .notes(root_left(Operation::Rmdir, Reason::Errno(E)))
            .over(Outcome::NotEmpty)
    }

    remove_empty_broken => RemoveEmptyBroken {
        [
            cleared(),
            blocked(),
            given(),
            root_cleared(),
            root_blocked(),
            deciding(),
        ]
        .iter()
        .flat_map(|script| break_word(script, Rmdir::Removed))
        .collect::<std::vec::Vec<_>>()
    }
}

/// Where positions are lost a leftover explains nothing, but a root that has one and could not be
/// read besides is still NotEmpty when its passes end, and not Io.
#[test]
fn remove_empty_root_not_empty_unreadable_left_doubt() {
    let limits = Limits {
        batch: 1,
        passes: 0,
        ..Limits::DEFAULT
    };
    let script = Script::new(limits)
        .begin_on(LOSSY)
        .stuck("f")
        .finds(&["b"])
        .fells("b");
    script
        .on(seek(1, 2), Seek::Sought)
        .on(read(1), Read::Failed(E))
        .closes(1)
        .on(rmdir_root(), Rmdir::NotEmpty)
        .took(Arm::RootFull)
        .over(Outcome::NotEmpty);
}

/// The passes of a child that is replaced by a file go on where they were.
#[test]
fn remove_empty_child_not_directory_then_removed() {
    let script = root_with(&["a"]).into_dir("a").stuck("f").ends().ascend();
    let script = script.removes("a", Rmdir::NotDirectory);
    assert_eq!(script.notes.last().copied(), VOID);
    script.on(unlink(1, "a"), Unlink::Removed).ends_well();
}
