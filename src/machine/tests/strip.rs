//! Strip: entries are unlinked or noted, and what a listing said is corrected.

extern crate std;

use super::super::{
    Arm, At, Fault, Gone, Inspect, Kind, Limits, Note, Open, Operation, Read, Reading, Reason,
    Reply, Rmdir, Seek, StateName, Unlink,
};
#[allow(clippy::wildcard_imports)]
use super::script::*;

fn batch(batch: u32) -> Limits {
    Limits {
        batch,
        ..Limits::DEFAULT
    }
}

/// The level could not be read to its end.
fn unread(level: u32, fault: Fault) -> Note<&'static str> {
    let at = At::Level(level);
    Note::Leftover { at, fault }
}

/// One name at a time: `a` is done, and the reading is to go on behind it.
fn paused() -> Script {
    Script::new(batch(1))
        .begin()
        .finds(&["a"])
        .fells("a")
        .then(seek(1, 1))
}

/// `a` and `b` are noted, and `b` turned out to be a file.
fn turned() -> Script {
    root_with(&["a", "b"])
        .on(open(1, "b", 2), Open::NotDirectory)
        .then(unlink(1, "b"))
}

/// The same, when the reading is not at its end.
fn turned_paused() -> Script {
    Script::new(batch(1))
        .begin()
        .finds(&["b"])
        .on(open(1, "b", 2), Open::NotDirectory)
}

arms! {
    strip_seek_sought => StripSought {
        paused().on(seek(1, 1), Seek::Sought).quiet().then(read(1))
    }

    strip_seek_gone => StripSeekGone {
        GONES.map(|gone| {
            let gone = paused()
                .on(seek(1, 1), Seek::Gone(gone))
                .quiet()
                .then(close(1));
            assert!(gone.walker.levels()[0].cut);
            gone
        })
    }

    strip_seek_failed => StripSeekFailed {
        paused()
            .on(seek(1, 1), Seek::Failed(E))
            .notes(unread(0, fault(Operation::Seek, E)))
            .then(close(1))
    }

    strip_read_entry_file => StripFile {
        let file = root()
            .lists("f", Kind::File)
            .quiet()
            .then(unlink(1, "f"))
            .noted(&[]);
        assert_eq!(file.walker.levels()[0].met, 1);
        file
    }

    strip_read_entry_unknown => StripFile {
        root()
            .lists("f", Kind::Unknown)
            .quiet()
            .then(unlink(1, "f"))
            .noted(&[])
    }

    strip_read_entry_directory => StripNoted {
        let noted = root()
            .lists("d", Kind::Directory)
            .quiet()
            .then(read(1))
            .noted(&["d"]);
        assert_eq!(noted.walker.levels()[0].met, 1);
        assert_eq!(noted.walker.levels()[0].position.0, 1);
        noted
    }

    strip_read_entry_directory_full => StripFull {
        let full = Script::new(batch(2))
            .begin()
            .finds(&["a", "b"])
            .quiet()
            .then(open(1, "b", 2));
        assert_eq!(full.walker.levels()[0].reading, Reading::Paused);
        full.noted(&["a", "b"])
    }

    /// The noted one cannot be entered, but it may be empty.
    strip_read_entry_directory_full_deepest => StripFull {
        let limits = Limits {
            max_depth: 1,
            ..batch(1)
        };
        Script::new(limits)
            .begin()
            .finds(&["a"])
            .quiet()
            .then(rmdir(1, "a"))
    }

    strip_read_entry_limit => StripLimit {
        let limits = Limits {
            max_entries: Some(2),
            ..Limits::DEFAULT
        };
        let full = Script::new(limits)
            .begin()
            .finds(&["a"])
            .file("f", Unlink::Removed);
        let note = unread(0, Fault::new(Operation::Read, Reason::Limit));
        [Kind::Directory, Kind::File, Kind::Unknown].map(|kind| {
            let limit = full
                .clone()
                .lists("x", kind)
                .notes(note)
                .then(open(1, "a", 2))
                .noted(&["a"]);
            assert!(limit.walker.levels()[0].left);
            limit
        })
    }

    strip_read_end => StripEnd {
        let end = root().ends().quiet().then(close(1));
        assert_eq!(end.walker.levels()[0].reading, Reading::Ended);
        end
    }

    strip_read_end_noted => StripEnd {
        root_with(&["a", "b"])
            .quiet()
            .is(StateName::Descend)
            .then(open(1, "b", 2))
    }

    /// What was noted is gone too, and nothing of the outer levels.
    strip_read_gone => StripGone {
        GONES.map(|gone| {
            let gone = root_with(&["a", "b"])
                .into_dir("b")
                .finds(&["c", "d"])
                .on(read(2), Read::Gone(gone))
                .quiet()
                .then(close(2))
                .noted(&["a", "b"]);
            assert!(gone.walker.levels()[1].cut);
            gone
        })
    }

    strip_read_failed => StripReadFailed {
        let note = unread(1, fault(Operation::Read, E));
        let failed = root_with(&["a"])
            .into_dir("a")
            .on(read(2), Read::Failed(E))
            .notes(note)
            .then(close(2));
        assert!(failed.walker.levels()[1].left);
        failed
    }

    /// What was noted is still tried; at the root only the end tells what it means.
    strip_read_failed_noted => StripReadFailed {
        let failed = root()
            .finds(&["a"])
            .on(read(1), Read::Failed(E))
            .notes(unread(0, fault(Operation::Read, E)))
            .then(open(1, "a", 2));
        assert!(!failed.walker.levels()[0].left);
        failed
    }

    strip_unlink_removed => StripRemoved {
        root().file("f", Unlink::Removed).quiet().then(read(1))
    }

    strip_unlink_gone => StripVanished {
        GONES.map(|gone| root().file("f", Unlink::Gone(gone)).quiet().then(read(1)))
    }

    strip_unlink_is_directory => StripIsDirectory {
        let noted = root()
            .file("f", Unlink::IsDirectory)
            .quiet()
            .then(read(1))
            .noted(&["f"]);
        assert!(noted.walker.pending()[0].was_file);
        noted
    }

    strip_unlink_is_directory_full => StripIsDirectory {
        Script::new(batch(1))
            .begin()
            .file("f", Unlink::IsDirectory)
            .quiet()
            .then(open(1, "f", 2))
    }

    strip_unlink_denied_unknown => StripMayBeDirectory {
        let noted = root()
            .lists("f", Kind::Unknown)
            .on(unlink(1, "f"), Unlink::Denied(E))
            .quiet()
            .then(read(1))
            .noted(&["f"]);
        assert!(noted.walker.pending()[0].was_file);
        noted
    }

    strip_unlink_denied_unknown_full => StripMayBeDirectory {
        Script::new(batch(1))
            .begin()
            .lists("f", Kind::Unknown)
            .on(unlink(1, "f"), Unlink::Denied(E))
            .quiet()
            .then(open(1, "f", 2))
    }

    strip_unlink_denied => StripDenied {
        let denied =
            root()
                .file("f", Unlink::Denied(E))
                .notes(left(0, "f", fault(Operation::Unlink, E)));
        assert!(denied.walker.levels()[0].left);
        denied.then(read(1)).noted(&[])
    }

    strip_unlink_failed => StripFailed {
        [Kind::File, Kind::Unknown].map(|kind| {
            let failed = root()
                .lists("f", kind)
                .on(unlink(1, "f"), Unlink::Failed(E));
            assert!(failed.walker.levels()[0].left);
            failed
                .notes(left(0, "f", fault(Operation::Unlink, E)))
                .then(read(1))
                .noted(&[])
        })
    }

    strip_turned_removed => StripTurnedRemoved {
        [
            turned()
                .on(unlink(1, "b"), Unlink::Removed)
                .quiet()
                .then(open(1, "a", 2))
                .noted(&["a"]),
            turned_paused()
                .on(unlink(1, "b"), Unlink::Removed)
                .quiet()
                .then(seek(1, 1))
                .noted(&[]),
        ]
    }

    strip_turned_gone => StripTurnedVanished {
        GONES.map(|gone| {
            turned()
                .on(unlink(1, "b"), Unlink::Gone(gone))
                .quiet()
                .then(open(1, "a", 2))
                .noted(&["a"])
        })
    }

    strip_turned_is_directory => StripTurnedBack {
        turned()
            .on(unlink(1, "b"), Unlink::IsDirectory)
            .quiet()
            .then(open(1, "b", 2))
            .noted(&["a", "b"])
    }

    strip_turned_is_directory_again => StripFlipped {
        root()
            .finds(&["a"])
            .file("x", Unlink::IsDirectory)
            .ends()
            .on(open(1, "x", 2), Open::NotDirectory)
            .on(unlink(1, "x"), Unlink::IsDirectory)
            .quiet()
            .then(open(1, "a", 2))
            .noted(&["a"])
    }

    strip_turned_denied => StripTurnedFailed {
        let denied = turned().on(unlink(1, "b"), Unlink::Denied(E));
        assert!(denied.walker.levels()[0].left);
        denied
            .notes(left(0, "b", fault(Operation::Unlink, E)))
            .then(open(1, "a", 2))
            .noted(&["a"])
    }

    strip_turned_failed => StripTurnedFailed {
        let failed = turned_paused().on(unlink(1, "b"), Unlink::Failed(E));
        assert!(failed.walker.levels()[0].left);
        failed
            .notes(left(0, "b", fault(Operation::Unlink, E)))
            .then(seek(1, 1))
            .noted(&[])
    }

    strip_broken => StripBroken {
        [
            break_word(&paused(), Seek::Sought),
            break_word(&root(), Read::End),
            break_word(&root().lists("f", Kind::File), Unlink::Removed),
            break_word(&turned(), Unlink::Removed),
        ]
        .concat()
    }
}

/// Without positions a resumed pass is not trusted whole.
#[test]
fn strip_seek_sought_doubt() {
    for positions in [true, false] {
        let kept = Inspect {
            births: true,
            positions,
        };
        let script = Script::new(batch(1))
            .begin_on(kept)
            .finds(&["a"])
            .fells("a");
        assert!(!script.walker.levels()[0].doubt);
        let script = script.on(seek(1, 1), Seek::Sought);
        assert_eq!(script.walker.levels()[0].doubt, !positions);
    }
}

/// The turn of an unlinked name that is entered and swapped for a file at its rmdir is over.
#[test]
fn strip_turned_after_rmdir() {
    turned()
        .on(unlink(1, "b"), Unlink::IsDirectory)
        .into_dir("b")
        .ends()
        .ascend()
        .removes("b", Rmdir::NotDirectory)
        .took(Arm::ChildFlipped);
}

/// Entries are counted where they are met, the last one that may be met too.
#[test]
fn strip_read_entry_limit_none() {
    let limits = Limits {
        max_entries: Some(0),
        ..Limits::DEFAULT
    };
    let script = Script::new(limits).begin();
    script.clone().ends().then(close(1));
    script
        .on(read(1), entry("x", Kind::File, 1))
        .took(Arm::StripLimit)
        .then(close(1));
}

/// The position is that of the last entry read, a file's too.
#[test]
fn strip_position_of_files() {
    let script = Script::new(batch(1)).begin();
    script
        .file("f", Unlink::Removed)
        .finds(&["a"])
        .on(open(1, "a", 2), Open::Gone(Gone::Missing))
        .then(seek(1, 2));
}

/// A cut in an inner directory drops nothing of the outer ones.
#[test]
fn strip_seek_gone_inner() {
    Script::new(batch(1))
        .begin()
        .finds(&["a"])
        .into_dir("a")
        .finds(&["b"])
        .fells("b")
        .on(seek(2, 2), Seek::Gone(Gone::Missing))
        .took(Arm::StripSeekGone)
        .noted(&["a"])
        .on(close(2), Reply::Closed)
        .then(rmdir(1, "a"));
}
