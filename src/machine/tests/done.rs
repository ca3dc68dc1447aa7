//! Done: the outcome is decided, and what is held is closed.

extern crate std;

use super::super::{
    Arm, Fault, Gone, Limits, Open, Operation, Outcome, Read, Reason, Refusal, Reply, Rmdir, State,
    StateName, Stop,
};
#[allow(clippy::wildcard_imports)]
use super::script::*;

/// Stopped three levels down: slots 0 to 2 are held.
fn stopped() -> Script {
    let mut script = root_with(&["a"]).into_dir("a");
    let step = script.walker.stop(Stop::TimedOut);
    assert_eq!((step.arm, step.note), (None, None));
    script.decided(Outcome::Stopped(Stop::TimedOut))
}

fn at_root() -> Script {
    Script::new(Limits::DEFAULT)
        .on(open_base(0), Open::Opened)
        .on(identify(0), number(BASE))
}

/// One script for each outcome of a world that keeps its word, with the base still held.
fn ended() -> std::vec::Vec<Script> {
    let cleared = root().ends().closes(1);
    let left = root().stuck("f").ends().closes(1);
    let stale = Fault::new(Operation::Open, Reason::Stale);
    let unresolvable = Limits {
        resolvable: false,
        ..Limits::DEFAULT
    };
    let unresolvable = Script::new(unresolvable)
        .on(open_base(0), Open::Opened)
        .on(identify(0), number(BASE));
    let emptied = Script::new(Limits {
        keep_root: true,
        ..Limits::DEFAULT
    });
    std::vec![
        cleared
            .clone()
            .on(rmdir_root(), Rmdir::Removed)
            .decided(Outcome::Removed),
        cleared
            .on(rmdir_root(), Rmdir::Gone(Gone::Missing))
            .decided(Outcome::Vanished),
        at_root()
            .on(open_root(1), Open::Gone(Gone::Missing))
            .decided(Outcome::Absent),
        emptied.begin().ends().closes(1).decided(Outcome::Emptied),
        left.on(rmdir_root(), Rmdir::NotEmpty)
            .decided(Outcome::NotEmpty),
        at_root()
            .on(open_root(1), Open::NotDirectory)
            .decided(Outcome::NotDirectory),
        at_root()
            .on(open_root(1), Open::Mounted)
            .decided(Outcome::Refused(Refusal::MountPoint)),
        unresolvable
            .on(open_root(1), Open::Gone(Gone::Stale))
            .decided(Outcome::Failed(stale)),
        at_root()
            .on(open_root(1), Reply::Closed)
            .decided(Outcome::Broken),
    ]
}

arms! {
    done_closed => DoneClosed {
        let closed = stopped().closes(0).quiet().then(close(1)).holds(2);
        assert_eq!(closed.walker.outcome(), None);
        closed
            .closes(1)
            .closes(2)
            .quiet()
            .holds(0)
            .over(Outcome::Stopped(Stop::TimedOut))
    }

    done_closed_outcome => DoneClosed {
        ended()
            .into_iter()
            .map(|script| {
                let &State::Done(outcome) = script.walker.state() else {
                    unreachable!()
                };
                script.then(close(0)).closes(0).quiet().over(outcome)
            })
            .collect::<std::vec::Vec<_>>()
    }

    /// The caller's stop stays what it was; what is held is still closed.
    done_broken_stopped => DoneBroken {
        let request = close(0);
        [Reply::from(Open::Opened), Rmdir::Removed.into()].map(|reply| {
            stopped()
                .on(request, reply)
                .quiet()
                .holds(2)
                .over(Outcome::Stopped(Stop::TimedOut))
                .then(close(1))
        })
    }

    done_broken => DoneBroken {
        ended()
            .iter()
            .flat_map(|script| {
                let request = close(0);
                [Reply::from(Open::Opened), Rmdir::NotEmpty.into()].map(|reply| {
                    script
                        .clone()
                        .on(request, reply)
                        .quiet()
                        .holds(0)
                        .over(Outcome::Broken)
                })
            })
            .collect::<std::vec::Vec<_>>()
    }
}

/// However often the world breaks its word, closing ends.
#[test]
fn done_broken_to_the_end() {
    let script = stopped()
        .on(close(0), Open::Opened)
        .on(close(1), Rmdir::Busy)
        .on(close(2), Open::NotDirectory);
    assert_eq!(script.walker.request(), None);
    assert_eq!(
        script.walker.outcome(),
        Some(Outcome::Stopped(Stop::TimedOut))
    );
    let words = break_word(&root(), Read::End);
    assert!(
        words
            .iter()
            .all(|s| s.walker.state().name() == StateName::Done)
    );
}
