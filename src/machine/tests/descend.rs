//! Descend: a child is opened, identified, and entered or not.

extern crate std;

use super::super::{
    Arm, At, Cause, Fault, Gone, Identify, Identity, Inspect, Kind, Limits, Note, Open, Operation,
    Reading, Reason, Reply, Rmdir, StateName, Unlink,
};
#[allow(clippy::wildcard_imports)]
use super::script::*;

/// The root's children `a` and `b` are noted, and `b` is asked for.
fn asked() -> Script {
    root_with(&["a", "b"]).then(open(1, "b", 2)).holds(2)
}

/// `b` is open, and is to be identified.
fn opened() -> Script {
    asked().opens("b").then(identify(2)).holds(3)
}

/// Three levels deep, all held; `c` is asked for.
fn deep() -> Script {
    root_with(&["a"])
        .into_dir("a")
        .finds(&["b"])
        .ends()
        .into_dir("b")
        .finds(&["c"])
        .ends()
        .then(open(3, "c", 4))
}

arms! {
    descend_opened => DescendOpened {
        asked()
            .on(open(1, "b", 2), Open::Opened)
            .quiet()
            .then(identify(2))
            .holds(3)
            .deep(1)
    }

    /// The walk goes on at this level, without reading it again.
    descend_gone => DescendVanished {
        GONES.map(|gone| {
            asked()
                .on(open(1, "b", 2), Open::Gone(gone))
                .quiet()
                .then(open(1, "a", 2))
                .noted(&["a"])
        })
    }

    descend_gone_last => DescendVanished {
        root_with(&["a"])
            .on(open(1, "a", 2), Open::Gone(Gone::Missing))
            .quiet()
            .is(StateName::Ascend)
            .then(close(1))
            .noted(&[])
    }

    /// The reading goes on where it stopped.
    descend_gone_paused => DescendVanished {
        let limits = Limits {
            batch: 1,
            ..Limits::DEFAULT
        };
        Script::new(limits)
            .begin()
            .finds(&["a"])
            .on(open(1, "a", 2), Open::Gone(Gone::Stale))
            .quiet()
            .then(seek(1, 1))
    }

    descend_not_directory => DescendTurned {
        asked()
            .on(open(1, "b", 2), Open::NotDirectory)
            .quiet()
            .then(unlink(1, "b"))
            .noted(&["a", "b"])
    }

    descend_not_directory_again => DescendFlipped {
        asked()
            .on(open(1, "b", 2), Open::NotDirectory)
            .on(unlink(1, "b"), Unlink::IsDirectory)
            .on(open(1, "b", 2), Open::NotDirectory)
            .quiet()
            .then(open(1, "a", 2))
            .noted(&["a"])
    }

    descend_exhausted => DescendThinning {
        deep()
            .on(open(3, "c", 4), Open::Exhausted(EMFILE))
            .quiet()
            .then(close(1))
            .holds(4)
    }

    /// Only the immediate parent is held, and it stays.
    descend_exhausted_nothing_to_give => DescendExhausted {
        [
            asked()
                .on(open(1, "b", 2), Open::Exhausted(EMFILE))
                .quiet()
                .then(rmdir(1, "b")),
            root_with(&["a"])
                .into_dir("a")
                .finds(&["b"])
                .ends()
                .on(open(2, "b", 3), Open::Exhausted(EMFILE))
                .quiet()
                .then(rmdir(2, "b")),
        ]
    }

    descend_mounted => DescendMounted {
        let mounted = asked()
            .on(open(1, "b", 2), Open::Mounted)
            .quiet()
            .then(rmdir(1, "b"));
        let why = Fault::new(Operation::Open, Reason::OtherFileSystem);
        mounted
            .clone()
            .removes("b", Rmdir::Busy)
            .notes(left(0, "b", why));
        mounted
    }

    descend_failed => DescendUnopenable {
        let failed = asked()
            .on(open(1, "b", 2), Open::Failed(E))
            .quiet()
            .then(rmdir(1, "b"));
        failed
            .clone()
            .removes("b", Rmdir::NotEmpty)
            .notes(left(0, "b", fault(Operation::Open, E)));
        failed
    }

    descend_thinning_closed => DescendThinned {
        let thinned = deep()
            .on(open(3, "c", 4), Open::Exhausted(EMFILE))
            .closes(1)
            .quiet()
            .then(open(3, "c", 1))
            .holds(3);
        assert_eq!(thinned.walker.levels()[0].slot, None);
        assert!(thinned.walker.levels()[1].slot.is_some());
        thinned
    }

    descend_identify_is => DescendEntered {
        let entered = opened()
            .on(identify(2), level(1))
            .quiet()
            .then(read(2))
            .deep(2)
            .holds(3);
        let top = entered.walker.levels()[1];
        assert_eq!((top.inode, top.slot.unwrap().0), (level(1).inode, 2));
        assert_eq!((top.base, top.met, top.reading), (2, 0, Reading::Paused));
        entered
    }

    descend_identify_window_full => DescendNarrowing {
        let script = Script::new(holding(1))
            .begin()
            .finds(&["a"])
            .ends()
            .into_dir("a");
        script
            .finds(&["b"])
            .ends()
            .opens("b")
            .on(identify(3), level(2))
            .quiet()
            .then(close(1))
            .deep(3)
            .holds(4)
    }

    descend_identify_foreign => DescendForeign {
        let mount = Identity {
            mount: 2,
            ..level(1)
        };
        let device = Identity {
            device: 2,
            ..level(1)
        };
        // Foreign goes before everything else: a mount of the root itself is no loop.
        let looped = Identity {
            mount: 2,
            ..level(0)
        };
        [mount, device, looped].map(|foreign| {
            opened()
                .on(identify(2), foreign)
                .quiet()
                .then(close(2))
                .deep(1)
        })
    }

    descend_identify_looped => DescendLooped {
        [level(0), unborn(level(0))].map(|found| {
            let births = found == level(0);
            let kept = Inspect {
                births,
                positions: true,
            };
            Script::new(Limits::DEFAULT)
                .begin_on(kept)
                .finds(&["a", "b"])
                .ends()
                .opens("b")
                .on(identify(2), found)
                .notes(Note::Lost(Cause::Loop))
                .then(close(1))
                .deep(0)
                .noted(&[])
                .holds(3)
                .patient(255)
        })
    }

    descend_identify_gone => DescendDied {
        GONES.map(|gone| {
            opened()
                .on(identify(2), Identify::Gone(gone))
                .quiet()
                .then(close(2))
                .deep(1)
        })
    }

    descend_identify_failed => DescendUnidentified {
        [Identify::Failed(E), Identify::Unsupported].map(|reply| {
            opened()
                .on(identify(2), reply)
                .quiet()
                .then(close(2))
                .deep(1)
        })
    }

    descend_leaving_closed_gone => DescendLeft {
        opened()
            .on(identify(2), Identify::Gone(Gone::Missing))
            .closes(2)
            .quiet()
            .then(open(1, "a", 2))
            .holds(2)
            .noted(&["a"])
    }

    descend_leaving_closed => DescendShut {
        let foreign = Identity {
            device: 2,
            ..level(1)
        };
        let other = Fault::new(Operation::Open, Reason::OtherFileSystem);
        let unsupported = Fault::new(Operation::Identify, Reason::OtherFileSystem);
        [
            (Reply::from(foreign), other),
            (Identify::Unsupported.into(), unsupported),
            (Identify::Failed(E).into(), fault(Operation::Identify, E)),
        ]
        .map(|(reply, why)| {
            let shut = opened()
                .on(identify(2), reply)
                .closes(2)
                .quiet()
                .then(rmdir(1, "b"))
                .holds(2)
                .noted(&["a", "b"]);
            shut.clone()
                .removes("b", Rmdir::NotEmpty)
                .notes(left(0, "b", why))
                .then(open(1, "a", 2));
            shut
        })
    }

    descend_narrowing_closed => DescendNarrowed {
        let script = Script::new(holding(1))
            .begin()
            .finds(&["a"])
            .ends()
            .into_dir("a");
        let narrowed = script
            .finds(&["b"])
            .ends()
            .opens("b")
            .on(identify(3), level(2))
            .closes(1)
            .quiet()
            .then(read(3))
            .holds(3);
        let held: std::vec::Vec<_> = narrowed
            .walker
            .levels()
            .iter()
            .map(|l| l.slot.map(|s| s.0))
            .collect();
        assert_eq!(held, [None, Some(2), Some(3)]);
        narrowed
    }

    descend_broken => DescendBroken {
        let narrowing = Script::new(holding(1))
            .begin()
            .finds(&["a"])
            .ends()
            .into_dir("a")
            .finds(&["b"])
            .ends()
            .opens("b")
            .on(identify(3), level(2));
        [
            break_word(&asked(), Open::Opened),
            break_word(
                &deep().on(open(3, "c", 4), Open::Exhausted(EMFILE)),
                Reply::Closed,
            ),
            break_word(&opened(), Identify::Unsupported),
            break_word(
                &opened().on(identify(2), Identify::Failed(E)),
                Reply::Closed,
            ),
            break_word(&narrowing, Reply::Closed),
        ]
        .concat()
    }
}

/// A directory with the number of one on the way, and another birth, is another.
#[test]
fn descend_identify_reused_number() {
    let mut reborn = level(0);
    reborn.inode.birth = number(BASE).inode.birth;
    opened().on(identify(2), reborn).took(Arm::DescendEntered);
}

/// The base is not on the way.
#[test]
fn descend_identify_base() {
    opened()
        .on(identify(2), number(BASE))
        .took(Arm::DescendEntered);
}

/// A name that an unlink made a directory has had its turn as a file.
#[test]
fn descend_not_directory_after_unlink() {
    root()
        .file("x", Unlink::IsDirectory)
        .ends()
        .on(open(1, "x", 2), Open::NotDirectory)
        .took(Arm::DescendTurned)
        .on(unlink(1, "x"), Unlink::IsDirectory)
        .took(Arm::StripFlipped);
}

/// A directory that cannot be opened may be empty.
#[test]
fn descend_failed_and_empty() {
    root_with(&["a"])
        .on(open(1, "a", 2), Open::Failed(E))
        .removes("a", Rmdir::Removed)
        .took(Arm::ChildRemoved)
        .quiet()
        .ends_well();
}

/// What is met below a leftover's level is told with its own level.
#[test]
fn descend_failed_below() {
    let why = fault(Operation::Open, E);
    let script = root_with(&["a"]).into_dir("a").lists("b", Kind::Directory);
    let script = script.ends().on(open(2, "b", 3), Open::Failed(E));
    let note = Note::Leftover {
        at: At::Entry(1, "b"),
        fault: why,
    };
    script.removes("b", Rmdir::NotEmpty).notes(note);
}
