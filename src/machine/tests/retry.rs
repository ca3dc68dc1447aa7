//! Retry: the root's parent, the root, and the dropping of everything when the way is lost.

extern crate std;

use super::super::{
    Arm, Cause, Fault, Gone, History, Identify, Identity, Inspect, Limits, Note, Open, Operation,
    Outcome, Read, Reason, Refusal, Reply, Rmdir, StateName,
};
#[allow(clippy::wildcard_imports)]
use super::script::*;

const STALE: Fault = Fault::new(Operation::Open, Reason::Stale);
const UNIDENTIFIED: Fault = Fault::new(Operation::Identify, Reason::OtherFileSystem);

fn new() -> Script {
    Script::new(Limits::DEFAULT).then(open_base(0)).holds(0)
}

/// The base is open.
fn base() -> Script {
    new().on(open_base(0), Open::Opened).then(identify(0))
}

/// The root is asked for.
fn asked_with(limits: Limits) -> Script {
    Script::new(limits)
        .on(open_base(0), Open::Opened)
        .on(identify(0), number(BASE))
        .then(open_root(1))
}

fn asked() -> Script {
    asked_with(Limits::DEFAULT)
}

/// The root is open.
fn opened() -> Script {
    asked()
        .on(open_root(1), Open::Opened)
        .then(identify(1))
        .holds(2)
}

/// The root was entered once, and is asked for again.
fn asked_again(limits: Limits) -> Script {
    Script::new(limits)
        .begin()
        .cut()
        .closes(1)
        .then_asked_again()
}

fn opened_again() -> Script {
    asked_again(Limits::DEFAULT).on(open_root(1), Open::Opened)
}

/// The way was lost two levels down, three slots beside the base's are held.
fn lost_with(limits: Limits) -> Script {
    Script::new(limits)
        .begin()
        .finds(&["a"])
        .ends()
        .into_dir("a")
        .finds(&["b"])
        .ends()
        .opens("b")
        .on(identify(3), level(0))
        .took(Arm::DescendLooped)
}

fn patience(patience: u32) -> Limits {
    Limits {
        patience,
        ..Limits::DEFAULT
    }
}

fn unresolvable() -> Limits {
    Limits {
        resolvable: false,
        ..Limits::DEFAULT
    }
}

impl Script {
    /// The base goes before it is identified, and is closed.
    #[track_caller]
    fn dies(self) -> Script {
        self.on(identify(0), Identify::Gone(Gone::Missing))
            .took(Arm::RetryBaseDied)
            .closes(0)
            .then(open_base(0))
    }

    /// A removable root is asked for again by its rmdir, a kept one at once.
    #[track_caller]
    fn then_asked_again(self) -> Script {
        let script = if self.walker.limits().keep_root {
            self
        } else {
            self.on(rmdir_root(), Rmdir::NotEmpty)
        };
        script.then(open_root(1))
    }
}

arms! {
    retry_dropping_closed => RetryDropping {
        lost_with(Limits::DEFAULT)
            .closes(1)
            .quiet()
            .then(close(2))
            .holds(3)
    }

    retry_dropping_closed_last => RetryDropped {
        let script = lost_with(Limits::DEFAULT)
            .closes(1)
            .closes(2)
            .closes(3)
            .quiet();
        assert_eq!(script.walker.base().map(|slot| slot.0), Some(0));
        script.then(open_root(1)).holds(1).deep(0)
    }

    /// Patience is spent: one last removal, or none where the root is kept.
    retry_dropping_closed_last_spent => RetryDropped {
        let spent = |limits| lost_with(limits).closes(1).closes(2).closes(3);
        let kept = Limits {
            keep_root: true,
            ..patience(0)
        };
        [
            spent(patience(0)).quiet().then(rmdir_root()),
            spent(kept)
                .notes(root_left(Operation::Read, Reason::NotEmpty))
                .over(Outcome::NotEmpty),
        ]
    }

    /// The base is dropped with the rest, and resolved again.
    retry_dropping_closed_last_resolve => RetryDropped {
        root()
            .ends()
            .closes(1)
            .on(rmdir_root(), Rmdir::Gone(Gone::Stale))
            .closes(0)
            .quiet()
            .then(open_base(0))
            .holds(0)
    }

    retry_open_base => RetryBaseOpened {
        let base = new()
            .on(open_base(0), Open::Opened)
            .quiet()
            .then(identify(0))
            .holds(1);
        assert_eq!(base.walker.base().map(|slot| slot.0), Some(0));
        base
    }

    retry_open_base_missing => RetryBaseMissing {
        new()
            .on(open_base(0), Open::Gone(Gone::Missing))
            .quiet()
            .over(Outcome::Absent)
    }

    /// The root was there once.
    retry_open_base_missing_again => RetryBaseMissing {
        root()
            .ends()
            .closes(1)
            .on(rmdir_root(), Rmdir::Gone(Gone::Stale))
            .closes(0)
            .on(open_base(0), Open::Gone(Gone::Missing))
            .quiet()
            .over(Outcome::Vanished)
    }

    retry_open_base_stale => RetryBaseStale {
        new()
            .on(open_base(0), Open::Gone(Gone::Stale))
            .quiet()
            .over(Outcome::Failed(STALE))
    }

    retry_open_base_failed => RetryBaseUnopenable {
        [
            (Open::NotDirectory, Reason::NotDirectory),
            (Open::Mounted, Reason::OtherFileSystem),
            (Open::Exhausted(EMFILE), Reason::Errno(EMFILE)),
            (Open::Failed(E), Reason::Errno(E)),
        ]
        .map(|(reply, reason)| {
            new()
                .on(open_base(0), reply)
                .quiet()
                .over(Outcome::Failed(Fault::new(Operation::Open, reason)))
        })
    }

    retry_identify_base => RetryBaseKnown {
        base()
            .on(identify(0), number(BASE))
            .quiet()
            .then(open_root(1))
            .holds(1)
    }

    retry_identify_base_failed => RetryBaseUnknown {
        let stale = Outcome::Failed(Fault::new(Operation::Identify, Reason::Stale));
        for gone in GONES {
            let opened = |script: Script| script.on(open_base(0), Open::Opened);
            let spent = opened(opened(Script::new(patience(0))).dies()).dies();
            assert!(spent.walker.patience_spent());
            for script in [Script::new(unresolvable()), spent] {
                opened(script)
                    .on(identify(0), Identify::Gone(gone))
                    .took(Arm::RetryBaseUnknown)
                    .over(stale);
            }
        }
        [
            (Identify::Unsupported, Outcome::Refused(Refusal::NoMountId)),
            (
                Identify::Failed(E),
                Outcome::Failed(fault(Operation::Identify, E)),
            ),
        ]
        .map(|(reply, outcome)| base().on(identify(0), reply).quiet().over(outcome))
    }

    /// Things were removed: this is no refusal.
    retry_identify_base_unsupported_again => RetryBaseUnknown {
        root()
            .cut()
            .closes(1)
            .on(rmdir_root(), Rmdir::Gone(Gone::Stale))
            .closes(0)
            .on(open_base(0), Open::Opened)
            .on(identify(0), Identify::Unsupported)
            .quiet()
            .over(Outcome::Failed(UNIDENTIFIED))
    }

    retry_identify_base_gone => RetryBaseDied {
        GONES.map(|gone| {
            let died = base()
                .on(identify(0), Identify::Gone(gone))
                .notes(Note::Lost(Cause::StaleBase))
                .patient(256)
                .then(close(0))
                .closes(0)
                .on(open_base(0), Open::Opened);
            // From the second time on it costs a retry.
            died.on(identify(0), Identify::Gone(gone))
                .notes(Note::Lost(Cause::StaleBase))
                .patient(255)
                .then(close(0))
        })
    }

    /// A root that is there after all.
    retry_open_root_spent => RetrySpent {
        let gone = asked_with(patience(0))
            .on(open_root(1), Open::Opened)
            .on(identify(1), Identify::Gone(Gone::Missing))
            .closes(1);
        let stale = asked_with(patience(0))
            .on(open_root(1), Open::Gone(Gone::Stale))
            .resolves();
        [gone, stale].map(|script| {
            assert!(!script.walker.patience_spent());
            let spent = script.on(open_root(1), Open::Opened);
            assert!(spent.walker.patience_spent());
            spent.quiet().then(close(1))
        })
    }

    /// After its parent's path was resolved again, a root that is there costs a retry.
    retry_open_root_resolved => RetryOpened {
        [
            base().dies().on(open_base(0), Open::Opened).on(identify(0), number(BASE)),
            asked().on(open_root(1), Open::Gone(Gone::Stale)).resolves(),
        ]
        .map(|script| {
            assert!(script.walker.has_resolved());
            let opened = script.patient(256).on(open_root(1), Open::Opened);
            assert!(!opened.walker.has_resolved());
            opened.quiet().patient(255).then(identify(1))
        })
    }

    retry_open_root => RetryOpened {
        asked()
            .on(open_root(1), Open::Opened)
            .quiet()
            .then(identify(1))
            .holds(2)
            .deep(0)
    }

    retry_open_root_missing => RetryAbsent {
        [
            asked()
                .on(open_root(1), Open::Gone(Gone::Missing))
                .quiet()
                .over(Outcome::Absent),
            asked_again(Limits::DEFAULT)
                .on(open_root(1), Open::Gone(Gone::Missing))
                .quiet()
                .over(Outcome::Vanished),
        ]
    }

    retry_open_root_stale => RetryStale {
        [asked(), asked_again(Limits::DEFAULT)].map(|script| {
            let patience = script.walker.patience();
            let stale = script
                .on(open_root(1), Open::Gone(Gone::Stale))
                .patient(patience);
            // From the second time on it costs a retry.
            stale
                .clone()
                .resolves()
                .on(open_root(1), Open::Gone(Gone::Stale))
                .patient(patience - 1)
                .resolves();
            stale
                .notes(Note::Lost(Cause::StaleBase))
                .then(close(0))
                .holds(1)
        })
    }

    retry_open_root_stale_again => RetryStaleAgain {
        let stale = |script: Script| script.on(open_root(1), Open::Gone(Gone::Stale)).resolves();
        let spent = stale(stale(asked_with(patience(0))));
        assert!(spent.walker.patience_spent());
        [asked_with(unresolvable()), spent]
        .map(|script| {
            script
                .on(open_root(1), Open::Gone(Gone::Stale))
                .quiet()
                .over(Outcome::Failed(STALE))
        })
    }

    retry_open_root_not_directory => RetryNotDirectory {
        [Limits::DEFAULT, kept()].map(|limits| {
            asked_with(limits)
                .on(open_root(1), Open::NotDirectory)
                .quiet()
                .over(Outcome::NotDirectory)
        })
    }

    retry_open_root_not_directory_again => RetryReplaced {
        [
            asked_again(Limits::DEFAULT)
                .on(open_root(1), Open::NotDirectory)
                .quiet()
                .then(rmdir_root()),
            asked_again(kept())
                .on(open_root(1), Open::NotDirectory)
                .quiet()
                .over(Outcome::NotDirectory),
        ]
    }

    retry_open_root_mounted_again => RetryReplaced {
        [
            asked_again(Limits::DEFAULT)
                .on(open_root(1), Open::Mounted)
                .quiet()
                .then(rmdir_root()),
            asked_again(kept())
                .on(open_root(1), Open::Mounted)
                .notes(root_left(Operation::Identify, Reason::Stale))
                .over(Outcome::NotEmpty),
        ]
    }

    retry_open_root_mounted => RetryMountPoint {
        asked()
            .on(open_root(1), Open::Mounted)
            .quiet()
            .over(Outcome::Refused(Refusal::MountPoint))
    }

    retry_open_root_failed => RetryUnopenable {
        [(Open::Exhausted(EMFILE), EMFILE), (Open::Failed(E), E)].map(|(reply, errno)| {
            let outcome = Outcome::Failed(fault(Operation::Open, errno));
            asked_with(kept())
                .on(open_root(1), reply)
                .quiet()
                .over(outcome);
            asked_again(Limits::DEFAULT)
                .on(open_root(1), reply)
                .quiet()
                .then(rmdir_root());
            let unopened = asked().on(open_root(1), reply).quiet().then(rmdir_root());
            unopened
                .clone()
                .on(rmdir_root(), Rmdir::NotEmpty)
                .over(outcome);
            unopened
        })
    }

    retry_identify_root_first => RetryFirst {
        let first = opened()
            .on(identify(1), level(0))
            .quiet()
            .then(inspect(1))
            .deep(0);
        assert_eq!(first.walker.root(), Some(level(0)));
        first
    }

    retry_identify_root_again => RetryEntered {
        let again = opened_again()
            .on(identify(1), level(0))
            .quiet()
            .then(read(1))
            .deep(1);
        assert_eq!(again.walker.levels()[0].inode, level(0).inode);
        again
    }

    retry_identify_root_stranger => RetryStranger {
        let mut reborn = level(0);
        reborn.inode.birth = number(77).inode.birth;
        [
            number(77),
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
        .map(|found| {
            let stranger = opened_again()
                .on(identify(1), found)
                .quiet()
                .then(close(1))
                .deep(0);
            assert_eq!(stranger.walker.root(), Some(level(0)));
            stranger
        })
    }

    retry_identify_root_mount_point => RetryRefused {
        let mounted = Identity {
            mount: 2,
            ..level(0)
        };
        let refused = opened().on(identify(1), mounted).quiet().then(close(1));
        assert_eq!(refused.walker.root(), None);
        refused
    }

    retry_identify_root_unsupported => RetryRefused {
        opened()
            .on(identify(1), Identify::Unsupported)
            .quiet()
            .then(close(1))
    }

    /// Things were removed: this is no refusal.
    retry_identify_root_unsupported_again => RetryUnidentified {
        opened_again()
            .on(identify(1), Identify::Unsupported)
            .quiet()
            .then(close(1))
    }

    retry_identify_root_gone => RetryDied {
        GONES.map(|gone| {
            opened_again()
                .on(identify(1), Identify::Gone(gone))
                .quiet()
                .then(close(1));
            opened()
                .on(identify(1), Identify::Gone(gone))
                .quiet()
                .then(close(1))
        })
    }

    retry_identify_root_failed => RetryUnidentified {
        [opened(), opened_again()].map(|script| {
            script
                .on(identify(1), Identify::Failed(E))
                .quiet()
                .then(close(1))
        })
    }

    retry_inspect => RetryInspected {
        let entered = opened()
            .on(identify(1), level(0))
            .on(inspect(1), LOCAL)
            .quiet();
        let top = entered.walker.levels()[0];
        assert_eq!((top.inode, top.slot.unwrap().0), (level(0).inode, 1));
        assert_eq!((top.history, top.base, top.met), (History::FIRST, 0, 0));
        entered.then(read(1)).deep(1).holds(2)
    }

    /// What is not believed is not remembered either.
    retry_inspect_birthless => RetryInspected {
        let birthless = Inspect {
            births: false,
            positions: false,
        };
        let entered = opened()
            .on(identify(1), level(0))
            .on(inspect(1), birthless)
            .quiet();
        assert_eq!(entered.walker.levels()[0].inode, unborn(level(0)).inode);
        entered.then(read(1))
    }

    retry_leaving_closed_gone => RetryLeft {
        let left = opened()
            .on(identify(1), Identify::Gone(Gone::Missing))
            .closes(1);
        left.quiet().then(open_root(1)).holds(1).patient(256)
    }

    retry_leaving_closed_gone_spent => RetryLeft {
        let gone = |limits| {
            asked_with(limits)
                .on(open_root(1), Open::Opened)
                .on(identify(1), Identify::Gone(Gone::Missing))
                .closes(1)
                .on(open_root(1), Open::Opened)
                .closes(1)
        };
        let kept = Limits {
            keep_root: true,
            ..patience(0)
        };
        [
            gone(patience(0)).quiet().then(rmdir_root()),
            gone(kept)
                .notes(root_left(Operation::Read, Reason::NotEmpty))
                .over(Outcome::NotEmpty),
        ]
    }

    retry_leaving_closed_stranger => RetryLeft {
        let kept = asked_again(kept()).on(open_root(1), Open::Opened);
        [
            opened_again()
                .on(identify(1), number(77))
                .closes(1)
                .quiet()
                .then(rmdir_root())
                .holds(1),
            kept.on(identify(1), number(77))
                .closes(1)
                .notes(root_left(Operation::Identify, Reason::Stale))
                .over(Outcome::NotEmpty),
        ]
    }

    retry_leaving_closed_blocked => RetryLeft {
        let outcome = Outcome::Failed(fault(Operation::Identify, E));
        let kept = asked_with(kept()).on(open_root(1), Open::Opened);
        let removed = opened()
            .on(identify(1), Identify::Failed(E))
            .closes(1)
            .quiet()
            .then(rmdir_root());
        removed
            .clone()
            .on(rmdir_root(), Rmdir::NotEmpty)
            .over(outcome);
        let unsupported = opened_again()
            .on(identify(1), Identify::Unsupported)
            .closes(1)
            .quiet();
        unsupported
            .clone()
            .on(rmdir_root(), Rmdir::NotEmpty)
            .over(Outcome::Failed(UNIDENTIFIED));
        [
            removed,
            unsupported.then(rmdir_root()),
            kept.on(identify(1), Identify::Failed(E))
                .closes(1)
                .quiet()
                .over(outcome),
        ]
    }

    retry_leaving_closed_refused => RetryLeft {
        let mounted = Identity {
            mount: 2,
            ..level(0)
        };
        [
            (Reply::from(mounted), Refusal::MountPoint),
            (Identify::Unsupported.into(), Refusal::NoMountId),
        ]
        .map(|(reply, refusal)| {
            opened()
                .on(identify(1), reply)
                .closes(1)
                .quiet()
                .over(Outcome::Refused(refusal))
        })
    }

    retry_broken => RetryBroken {
        [
            break_word(&lost_with(Limits::DEFAULT), Reply::Closed),
            break_word(&new(), Open::Opened),
            break_word(&base(), level(0)),
            break_word(&asked(), Open::Opened),
            break_word(&opened(), level(0)),
            break_word(&opened().on(identify(1), level(0)), LOCAL),
            break_word(
                &opened().on(identify(1), Identify::Failed(E)),
                Reply::Closed,
            ),
        ]
        .concat()
    }
}

/// A root that is kept may be a mount point.
#[test]
fn retry_identify_root_mount_point_kept() {
    let mounted = Identity {
        mount: 2,
        ..level(0)
    };
    asked_with(kept())
        .on(open_root(1), Open::Opened)
        .on(identify(1), mounted)
        .took(Arm::RetryFirst);
}

/// Without births the root is known by the rest.
#[test]
fn retry_identify_root_again_birthless() {
    let birthless = Inspect {
        births: false,
        positions: true,
    };
    let again = Script::new(Limits::DEFAULT).begin_on(birthless).cut();
    let again = again
        .closes(1)
        .then_asked_again()
        .on(open_root(1), Open::Opened);
    again
        .on(identify(1), unborn(level(0)))
        .took(Arm::RetryEntered);
}

/// A new pass goes by the history; a root that could not be read may be readable now.
#[test]
fn retry_identify_root_again_clears_fault() {
    let kept = Script::new(kept()).begin().cut().closes(1).reopen();
    assert_eq!(kept.walker.levels()[0].history, History::KEPT);
    let again = root_with(&["a"])
        .fells("a")
        .closes(1)
        .then_asked_again()
        .reopen();
    let history = History { met: 1, flat: 1 };
    assert_eq!(again.walker.levels()[0].history, history);
    again
        .is(StateName::Strip)
        .on(read(1), Read::End)
        .ends_well();
}
