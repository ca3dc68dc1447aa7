//! Ascend: the way back, by a held parent or by `..`, and the end of passes over a kept root.

extern crate std;

use super::super::{
    Arm, Cause, Gone, History, Identify, Identity, Inspect, Kind, Limits, Note, Open, Operation,
    Outcome, Read, Reason, Reply, Rmdir, Seek, StateName,
};
#[allow(clippy::wildcard_imports)]
use super::script::*;

const BIRTHLESS: Inspect = Inspect {
    births: false,
    positions: true,
};

/// `a` in slot 2 is cleared, and the root had to be given up.
fn astray_on(kept: Inspect) -> Script {
    Script::new(holding(1))
        .begin_on(kept)
        .finds(&["z", "a"])
        .ends()
        .into_dir("a")
        .finds(&["b"])
        .ends()
        .fells("b")
        .then(open_parent(2, 1))
        .holds(2)
}

fn astray() -> Script {
    astray_on(LOCAL)
}

/// The same, and `..` is open.
fn up() -> Script {
    astray().up().then(identify(1)).holds(3)
}

/// The same on a file system without births: the grandparent is asked for.
fn unsure() -> Script {
    astray_on(BIRTHLESS)
        .up()
        .on_identify(level(0))
        .took(Arm::AscendUnsure)
        .then(open_above(1, 3))
}

fn above() -> Script {
    unsure()
        .on(open_above(1, 3), Open::Opened)
        .then(identify(3))
        .holds(4)
}

/// The way is lost: everything is dropped, from the lowest slot on.
fn lost(script: Script, cause: Cause, first: u16) -> Script {
    script
        .notes(Note::Lost(cause))
        .then(close(first))
        .deep(0)
        .noted(&[])
        .patient(255)
}

arms! {
    ascend_closed => AscendClosed {
        let child = root_with(&["a"]).into_dir("a").ends().closes(2);
        [
            child.quiet().then(rmdir(1, "a")).deep(1).holds(2),
            root()
                .ends()
                .closes(1)
                .quiet()
                .then(rmdir_root())
                .deep(0)
                .holds(1),
        ]
    }

    ascend_closed_root_kept_met_nothing => AscendEmptied {
        Script::new(kept())
            .begin()
            .ends()
            .closes(1)
            .quiet()
            .over(Outcome::Emptied)
    }

    ascend_closed_root_kept_again => AscendKeptAgain {
        let again = Script::new(kept())
            .begin()
            .finds(&["a"])
            .ends()
            .fells("a")
            .closes(1)
            .quiet();
        again
            .clone()
            .reopen()
            .ends()
            .closes(1)
            .over(Outcome::Emptied);
        again.then(open_root(1)).holds(1).patient(256)
    }

    /// Where positions are lost, a leftover explains nothing, and is void for the next pass.
    ascend_closed_root_kept_again_left => AscendKeptAgain {
        let limits = Limits { batch: 1, ..kept() };
        let lossy = Inspect {
            births: true,
            positions: false,
        };
        Script::new(limits)
            .begin_on(lossy)
            .stuck("f")
            .finds(&["a"])
            .fells("a")
            .on(seek(1, 2), Seek::Sought)
            .ends()
            .closes(1)
            .notes(Note::Void { level: 0 })
            .then(open_root(1))
            .patient(256)
    }

    ascend_closed_root_kept_cut => AscendKeptLost {
        let cut = Script::new(kept()).begin().cut().closes(1);
        cut.clone()
            .on(open_root(1), Open::Gone(Gone::Missing))
            .over(Outcome::Vanished);
        cut.quiet().then(open_root(1)).holds(1).patient(256)
    }

    ascend_closed_root_kept_cut_spent => AscendKeptLost {
        let spent = Script::new(Limits {
            patience: 0,
            ..kept()
        })
        .begin()
        .cut()
        .closes(1);
        let there = spent.clone().on(open_root(1), Open::Opened).closes(1);
        assert!(there.walker.patience_spent());
        there
            .notes(root_left(Operation::Read, Reason::NotEmpty))
            .over(Outcome::NotEmpty);
        spent
            .clone()
            .on(open_root(1), Open::Gone(Gone::Missing))
            .over(Outcome::Vanished);
        spent.quiet()
    }

    ascend_closed_root_kept_left => AscendKeptFull {
        Script::new(kept())
            .begin()
            .stuck("f")
            .ends()
            .closes(1)
            .notes(root_left(Operation::Read, Reason::NotEmpty))
            .over(Outcome::NotEmpty)
    }

    ascend_closed_root_kept_no_further_pass => AscendKeptFull {
        let flat = Limits {
            passes: 0,
            ..kept()
        };
        Script::new(flat)
            .begin()
            .finds(&["a"])
            .ends()
            .fells("a")
            .closes(1)
            .reopen()
            .finds(&["a"])
            .ends()
            .fells("a")
            .closes(1)
            .notes(root_left(Operation::Read, Reason::NotEmpty))
            .over(Outcome::NotEmpty)
    }

    ascend_closed_root_kept_unreadable => AscendKeptFault {
        Script::new(kept())
            .begin()
            .on(read(1), Read::Failed(E))
            .closes(1)
            .quiet()
            .over(Outcome::Failed(fault(Operation::Read, E)))
    }

    ascend_open => AscendOpened {
        astray()
            .on(open_parent(2, 1), Open::Opened)
            .quiet()
            .then(identify(1))
            .holds(3)
            .deep(2)
    }

    ascend_open_gone => AscendGone {
        GONES.map(|gone| {
            lost(
                astray().on(open_parent(2, 1), Open::Gone(gone)),
                Cause::Gone,
                2,
            )
        })
    }

    ascend_open_failed => AscendUnreachable {
        [
            Open::NotDirectory,
            Open::Exhausted(EMFILE),
            Open::Mounted,
            Open::Failed(E),
        ]
        .map(|reply| lost(astray().on(open_parent(2, 1), reply), Cause::Unreachable, 2))
    }

    ascend_identify_same => AscendSame {
        up().on(identify(1), level(0))
            .quiet()
            .then(close(2))
            .holds(3)
            .deep(2)
    }

    /// Whatever is said of births, or not said of this one.
    ascend_identify_unsure => AscendUnsure {
        let unsure = astray_on(BIRTHLESS).up();
        let mut other = level(0);
        other.inode.birth = number(77).inode.birth;
        [level(0), other, unborn(level(0))].map(|found| {
            unsure
                .clone()
                .on(identify(1), found)
                .quiet()
                .then(open_above(1, 3))
                .holds(3)
        })
    }

    ascend_identify_moved => AscendMoved {
        let mut reborn = level(0);
        reborn.inode.birth = number(77).inode.birth;
        [
            number(77),
            level(1),
            number(BASE),
            reborn,
            unborn(level(0)),
            Identity {
                mount: 2,
                ..level(0)
            },
            Identity {
                device: 2,
                ..level(0)
            },
        ]
        .map(|found| lost(up().on(identify(1), found), Cause::Moved, 1).holds(3))
    }

    ascend_identify_gone => AscendDied {
        GONES.map(|gone| lost(up().on(identify(1), Identify::Gone(gone)), Cause::Gone, 1))
    }

    ascend_identify_failed => AscendUnidentified {
        [Identify::Failed(E), Identify::Unsupported]
            .map(|reply| lost(up().on(identify(1), reply), Cause::Unreachable, 1))
    }

    ascend_above_open => AscendAboveOpened {
        unsure()
            .on(open_above(1, 3), Open::Opened)
            .quiet()
            .then(identify(3))
            .holds(4)
            .deep(2)
    }

    ascend_above_open_gone => AscendAboveGone {
        GONES.map(|gone| {
            lost(
                unsure().on(open_above(1, 3), Open::Gone(gone)),
                Cause::Gone,
                1,
            )
        })
    }

    ascend_above_open_failed => AscendAboveUnreachable {
        [
            Open::NotDirectory,
            Open::Exhausted(EMFILE),
            Open::Mounted,
            Open::Failed(E),
        ]
        .map(|reply| lost(unsure().on(open_above(1, 3), reply), Cause::Unreachable, 1))
    }

    /// Above level 1 are the root and its base.
    ascend_above_identify_same => AscendAboveSame {
        above()
            .on(identify(3), number(BASE))
            .quiet()
            .then(close(3))
            .holds(4)
    }

    ascend_above_identify_moved => AscendAboveMoved {
        let foreign = Identity {
            mount: 2,
            ..number(BASE)
        };
        [number(77), level(0), foreign]
            .map(|found| lost(above().on(identify(3), found), Cause::Moved, 1).holds(4))
    }

    ascend_above_identify_gone => AscendAboveDied {
        GONES.map(|gone| {
            lost(
                above().on(identify(3), Identify::Gone(gone)),
                Cause::Gone,
                1,
            )
        })
    }

    ascend_above_identify_failed => AscendAboveUnidentified {
        [Identify::Failed(E), Identify::Unsupported]
            .map(|reply| lost(above().on(identify(3), reply), Cause::Unreachable, 1))
    }

    ascend_above_closed => AscendAboveClosed {
        above()
            .on(identify(3), number(BASE))
            .closes(3)
            .quiet()
            .then(close(2))
            .holds(3)
    }

    /// The parent is held again, in the slot of its `..`.
    ascend_leaving_closed => AscendLeft {
        let left = up()
            .on(identify(1), level(0))
            .closes(2)
            .quiet()
            .then(rmdir(1, "a"))
            .holds(2);
        assert_eq!(left.slot(), 1);
        left.deep(1).noted(&["z", "a"])
    }

    ascend_broken => AscendBroken {
        [
            break_word(&root().ends(), Reply::Closed),
            break_word(&astray(), Open::Opened),
            break_word(&up(), level(0)),
            break_word(&unsure(), Open::Opened),
            break_word(&above(), level(0)),
            break_word(&above().on(identify(3), number(BASE)), Reply::Closed),
            break_word(&up().on(identify(1), level(0)), Reply::Closed),
        ]
        .concat()
    }
}

/// What remains of a cleared level decides about its removal; the history goes with it.
#[test]
fn ascend_closed_remembers() {
    root_with(&["a"])
        .into_dir("a")
        .file("f", super::super::Unlink::Removed)
        .ends()
        .ascend()
        .removes("a", Rmdir::NotEmpty)
        .took(Arm::ChildAgain)
        .into_dir("a")
        .ends()
        .deep(2)
        .walker
        .levels()
        .iter()
        .zip([History::FIRST, History { met: 1, flat: 1 }])
        .for_each(|(level, history)| assert_eq!(level.history, history));
}

/// A kept root that could not be read is NotEmpty where a leftover is known besides.
#[test]
fn ascend_closed_root_kept_unreadable_left() {
    Script::new(kept())
        .begin()
        .stuck("f")
        .on(read(1), Read::Failed(E))
        .closes(1)
        .took(Arm::AscendKeptFull)
        .over(Outcome::NotEmpty);
}

/// A limit that was reached is a leftover, no fault of the root.
#[test]
fn ascend_closed_root_kept_limit() {
    let limits = Limits {
        max_entries: Some(0),
        ..kept()
    };
    let script = Script::new(limits).begin().lists("f", Kind::File);
    let script = script.is(StateName::Ascend).closes(1);
    script.took(Arm::AscendKeptFull).over(Outcome::NotEmpty);
}
