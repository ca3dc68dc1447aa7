//! G3: every walk ends, and within a bound.

use super::{Dice, SMALL, assert_left, removed_around};
use crate::support::audit::{hooked, quiet, watched, watched_with};
use crate::support::trees::{self, Site, from_spec};
use fell::kernel::{At, Kernel, Linux, Name, NameStore};
use fell::machine::{Limits, Open, Position, Read, Reply, Request, Rmdir, Seek, Unlink};
use fell::{Error, Remover, Report, RootPath};
use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use rustix::io::Errno;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// The bound that the documentation of `fell::machine` states.
fn bound(entries: u64, acts: u64, patience: u64) -> u64 {
    20 * (entries + acts + 1) * (acts + 1) * (patience + 1)
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.1: When others act only finitely often, the walker MUST halt.
//= docs/spec.md#g3-termination
//= type=test
//# G3.2: The number of requests MUST stay within a bound that is computed from the number of entries,
//# the number of acts of others and patience, and that the documentation of the machine states.
#[test]
fn a_finite_number_of_acts_makes_a_bounded_number_of_requests() {
    for seed in 1..=100 {
        for (acts, every) in [(1, 3), (2, 7), (5, 2), (20, 1)] {
            let site = Site::new();
            from_spec(site.root(), SMALL);
            let mut dice = Dice(seed);
            let mut done = 0;
            let remover = Remover::new().max_open_dirs(1);
            let walked = watched(&remover, site.root(), |moment| {
                // Without end this would run for ever and not fail.
                assert!(moment.number < 20_000, "the walk does not end");
                if moment.number % every == 0 && done < acts {
                    done += 1;
                    let dirs = ["", "a", "a/b", "a/b/c", "d", "e"];
                    let dir = site.root().join(dirs[dice.below(dirs.len())]);
                    let other = site.root().join(dirs[dice.below(dirs.len())]);
                    let new = other.join(format!("new{done}"));
                    let _ = match dice.below(3) {
                        0 => fs::write(new, ""),
                        1 => fs::create_dir(new),
                        _ => fs::rename(dir, new),
                    };
                }
                None
            });
            let most = bound(12, done, walked.report().retries);
            assert!(
                walked.asked.requests <= most,
                "{walked:?}, and at most {most}"
            );
        }
    }
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.2: The number of requests MUST stay within a bound that is computed from the number of entries,
//# the number of acts of others and patience, and that the documentation of the machine states.
#[test]
fn alone_the_number_of_requests_is_linear_even_with_a_leftover_at_the_bottom() {
    type Build = fn(&Path);
    let trees: [(Build, &str); 4] = [
        (|root| drop(trees::chain(root, 400)), ""),
        (|root| trees::wide(root, 3000, 9000), "f7"),
        (|root| trees::complex(root, 5), "file"),
        (
            |root| {
                trees::chain(root, 300);
                fs::write(root.join(["d"; 300].join("/")).join("stay"), "").unwrap();
            },
            "stay",
        ),
    ];
    for (build, stays) in trees {
        for window in [1, 64] {
            let site = Site::new();
            build(site.root());
            let census = trees::census(site.root());
            let most = bound(census.files + census.dirs, 0, 0);
            let remover = Remover::new().max_open_dirs(window);
            let walked = watched(&remover, site.root(), |moment| {
                assert!(moment.number as u64 <= most, "more than {most} requests");
                let unlinked = matches!(moment.request, Request::Unlink { .. });
                let stays = unlinked && moment.name == stays.as_bytes();
                stays.then_some(Reply::Unlink(Unlink::Failed(super::number(Errno::IO))))
            });
            assert_eq!(walked.result.is_ok(), stays.is_empty(), "{walked:?}");
        }
    }
}

/// Moves the directory the walker stands in out of the tree when it asks for `..`, and builds
/// another when it has come back to the root; `times` often.
fn moved_under_the_walker(remover: &Remover, times: u64) -> (super::Walked, u64) {
    let site = Site::new();
    let mut moves = 0;
    let walked = watched(remover, site.root(), |moment| {
        assert!(moment.number < 20_000, "the walk does not end");
        if matches!(moment.request, Request::OpenRoot { .. }) && moves < times {
            from_spec(site.root(), "a/b/c/d/");
        } else if moment.ascends() && moves < times {
            let aside = site.aside().join(format!("{moves}"));
            if fs::rename(site.root().join("a/b/c"), aside).is_ok() {
                moves += 1;
            }
        }
        None
    });
    (walked, moves)
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.3: Every retry MUST draw on patience.
//= docs/spec.md#g6-honest-failure
//= type=test
//# G6.5: The report MUST say when patience was spent.
#[test]
fn every_retry_draws_on_patience_and_the_report_says_when_it_is_spent() {
    for patience in [0, 1, 5] {
        let remover = Remover::new().max_open_dirs(1).patience(patience);
        let (walked, moves) = moved_under_the_walker(&remover, u64::MAX);
        assert_eq!(moves, u64::from(patience) + 1, "{walked:?}");
        assert!(
            matches!(walked.result, Err(Error::NotEmpty { .. })),
            "{walked:?}"
        );
        assert_eq!(walked.report().retries, u64::from(patience));
        // The first opening of the root is no retry.
        assert_eq!(walked.asked.roots, u64::from(patience) + 1);
        assert!(walked.report().patience_spent, "{walked:?}");
        assert!(
            walked
                .result
                .unwrap_err()
                .to_string()
                .contains("patience is spent")
        );
    }
    // One move, one retry, and it is not said to be spent: not even when it was just enough.
    let remover = Remover::new().max_open_dirs(1).patience(1);
    let (walked, _) = moved_under_the_walker(&remover, 1);
    let report = walked.result.expect("the mover has stopped");
    assert_eq!((report.retries, report.patience_spent), (1, false));
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.3: Every retry MUST draw on patience.
#[test]
fn a_reading_cut_short_draws_on_patience_too() {
    let site = Site::new();
    from_spec(site.root(), "a/file");
    let remover = Remover::new().patience(3);
    let walked = watched(&remover, site.root(), |moment| {
        assert!(moment.number < 20_000, "the walk does not end");
        let reply = Reply::Read(Read::Gone(fell::machine::Gone::Stale));
        moment.reads().then_some(reply)
    });
    assert!(
        matches!(walked.result, Err(Error::NotEmpty { .. })),
        "{walked:?}"
    );
    assert_eq!(walked.report().retries, 3);
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.4: When 2 passes over a directory did not shrink and it is still not empty, the walker MUST
//# make it a leftover and not read it again.
#[test]
fn a_directory_that_never_empties_is_left_after_three_passes() {
    let site = Site::new();
    from_spec(site.root(), "d/file\n file");
    let (mut opened, mut fresh) = (0, 0);
    let walked = watched(&Remover::new(), site.root(), |moment| {
        if moment.opens("d") {
            opened += 1;
        }
        if matches!(moment.request, Request::Rmdir { .. }) {
            fresh += 1;
            fs::write(site.root().join(format!("d/new{fresh}")), "").unwrap();
        }
        None
    });
    // The first pass is not judged, and two did not shrink.
    assert_eq!(opened, 3);
    assert_left(
        &walked,
        site.root(),
        &[("d", Errno::NOTEMPTY), ("", Errno::NOTEMPTY)],
    );
    assert!(site.root().join("d/new3").exists());
    assert!(!site.root().join("file").exists());
    // Passes that do shrink are free.
    let site = Site::new();
    from_spec(site.root(), "d/");
    let mut many = 9;
    let walked = watched(&Remover::new(), site.root(), |moment| {
        if matches!(moment.request, Request::Rmdir { .. }) {
            many -= 1;
            (0..many).for_each(|i| drop(fs::write(site.root().join(format!("d/{i}")), "")));
        }
        None
    });
    assert_eq!(walked.result.expect("it shrank").files, (1..9).sum::<u64>());
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.5: The walker MUST NOT go more than `max_depth` levels deep, the root counted, which is 2^22 by
//# default.
#[test]
fn no_deeper_than_max_depth() {
    assert_eq!(Limits::DEFAULT.max_depth, 1 << 22);
    assert_eq!(Remover::new().limits().max_depth, 1 << 22);
    let site = Site::new();
    from_spec(site.root(), "a/b/c/d/file\n a/b/empty/\n a/file");
    let remover = Remover::new().max_depth(3);
    let walked = watched(&remover, site.root(), |moment| {
        assert!(!moment.opens("c") && !moment.opens("empty"));
        None
    });
    let not_empty = Errno::NOTEMPTY;
    let expected = [
        ("a/b/c", Errno::TOOBIG),
        ("a/b", not_empty),
        ("a", not_empty),
        ("", not_empty),
    ];
    assert_left(&walked, site.root(), &expected);
    assert_eq!(walked.report().deepest, 3);
    assert!(site.root().join("a/b/c/d/file").exists());
    assert!(
        !site.root().join("a/b/empty").exists(),
        "that needs no entering"
    );
    assert!(
        watched(&Remover::new().max_depth(5), site.root(), quiet)
            .result
            .is_ok()
    );
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.6: Where `max_entries` is set, which it is not by default, the walker MUST NOT remove or enter
//# more than that many entries.
#[test]
fn no_more_than_max_entries() {
    assert_eq!(Remover::new().limits().max_entries, None);
    for limit in 0..=13 {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        let before = trees::census(site.root());
        let before = before.files + before.dirs;
        let mut entered = 0;
        let walked = watched(&Remover::new().max_entries(limit), site.root(), |moment| {
            entered += u64::from(moment.descends());
            None
        });
        assert!(entered <= limit);
        let report = walked.report();
        if limit < before {
            assert!(report.files + report.directories <= limit);
            assert!(
                matches!(walked.result, Err(Error::NotEmpty { .. })),
                "{walked:?}"
            );
            assert!(
                report
                    .leftovers
                    .iter()
                    .any(|l| l.errno == Errno::TOOBIG.raw_os_error())
            );
        } else {
            assert!(walked.result.is_ok(), "{limit} of {before}: {walked:?}");
        }
    }
}

/// A kernel with a writer who makes the listing of `root` endless: before its end is told there is
/// one more file, and reading goes on there.
struct Endless<'a> {
    inner: Linux<'a>,
    root: &'a Path,
    made: u64,
}

impl Kernel for Endless<'_> {
    fn answer(&mut self, request: Request<Name>, names: &mut NameStore) -> Reply<Name> {
        let reply = self.inner.answer(request, names);
        let (Request::Read { slot }, Reply::Read(Read::End)) = (request, reply) else {
            return reply;
        };
        self.made += 1;
        assert!(self.made < 300_000, "the walk does not end");
        fs::write(self.root.join(format!("{}", self.made)), "").unwrap();
        let again = Request::Seek {
            slot,
            position: Position(0),
        };
        assert_eq!(self.inner.answer(again, names), Reply::Seek(Seek::Sought));
        self.inner.answer(request, names)
    }
}

/// A writer who has always dug one level deeper than the walker has come. The next directory is
/// made just before the one above it is opened.
fn dug_for_ever(
    remover: &Remover,
    root: &Path,
    cancel: impl Fn(u64) -> bool,
) -> Result<Report, Error> {
    fs::create_dir(root.join("d")).unwrap();
    let mut deepest = openat(CWD, root, OFlags::PATH, Mode::empty()).unwrap();
    let path = RootPath::new(root).unwrap();
    let mut kernel = hooked(Linux::new(&path, At::Path, false), |moment| {
        assert!(moment.number < 1_000_000, "the walk does not end");
        if moment.opens("d") {
            deepest = openat(&deepest, c"d", OFlags::PATH, Mode::empty()).unwrap();
            mkdirat(&deepest, c"d", Mode::RWXU).unwrap();
        }
        None
    });
    let mut seen = 0;
    remover.remove_dir_all_with(&path, &mut kernel, |_| {
        seen += 1;
        if cancel(seen) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.7: A deadline MUST end the walk even in a listing that never ends and under a writer that
//# always digs one level deeper.
#[test]
fn a_deadline_ends_what_never_ends() {
    let limit = Duration::from_millis(50);
    let remover = Remover::new().deadline(limit);
    let site = Site::new();
    let path = RootPath::new(site.root()).unwrap();
    let inner = Linux::new(&path, At::Path, false);
    let begun = Instant::now();
    let endless = Endless {
        inner,
        root: site.root(),
        made: 0,
    };
    let walked = watched_with(&remover, &path, endless);
    assert!(
        matches!(walked.result, Err(Error::TimedOut { .. })),
        "{walked:?}"
    );
    assert!(begun.elapsed() >= limit && walked.report().files > 1);

    let site = Site::new();
    let result = dug_for_ever(&remover, site.root(), |_| false);
    assert!(matches!(&result, Err(Error::TimedOut { report, .. }) if report.deepest > 1));
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.8: A cancel hook MUST end the walk even in a listing that never ends and under a writer that
//# always digs one level deeper.
#[test]
fn a_cancel_ends_what_never_ends() {
    let site = Site::new();
    let path = RootPath::new(site.root()).unwrap();
    let inner = Linux::new(&path, At::Path, false);
    let mut endless = Endless {
        inner,
        root: site.root(),
        made: 0,
    };
    let result = Remover::new().remove_dir_all_with(&path, &mut endless, |event| {
        if event.report().files == 1000 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(&result, Err(Error::Cancelled { report, .. }) if report.files == 1000));

    let site = Site::new();
    let result = dug_for_ever(&Remover::new(), site.root(), |seen| seen == 5000);
    assert!(matches!(&result, Err(Error::Cancelled { report, .. }) if report.deepest > 1000));
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.1: When others act only finitely often, the walker MUST halt.
#[test]
fn whatever_one_call_answers_for_ever_the_walk_ends() {
    // One kind of request that never answers anything else.
    type Answer = fn(Request<Name>) -> Option<Reply<Name>>;
    let answers: &[Answer] = &[
        |r| matches!(r, Request::Rmdir { .. }).then_some(Reply::Rmdir(Rmdir::NotEmpty)),
        |r| matches!(r, Request::Rmdir { .. }).then_some(Reply::Rmdir(Rmdir::NotDirectory)),
        |r| matches!(r, Request::RmdirRoot { .. }).then_some(Reply::Rmdir(Rmdir::NotEmpty)),
        |r| matches!(r, Request::Open { .. }).then_some(Reply::Open(Open::NotDirectory)),
        |r| matches!(r, Request::OpenParent { .. }).then_some(Reply::Open(Open::NotDirectory)),
        |r| matches!(r, Request::Unlink { .. }).then_some(Reply::Unlink(Unlink::IsDirectory)),
        |r| {
            matches!(r, Request::Open { .. } | Request::OpenParent { .. })
                .then_some(Reply::Open(Open::Exhausted(super::number(Errno::MFILE))))
        },
    ];
    for (number, answer) in answers.iter().enumerate() {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        let mut requests = 0;
        let remover = Remover::new().max_open_dirs(1).patience(4);
        let walked = removed_around(&remover, site.root(), |request, ask| {
            requests += 1;
            assert!(
                requests < 100_000,
                "with answer {number} the walk does not end"
            );
            answer(request).unwrap_or_else(ask)
        });
        let ended = matches!(walked.result, Ok(_) | Err(Error::NotEmpty { .. }));
        assert!(ended, "answer {number}: {walked:?}");
    }
}
