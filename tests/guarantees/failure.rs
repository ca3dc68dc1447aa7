//! G5, G6, G7: what Ok and NotEmpty mean, and what one failure is allowed to spoil.

use super::{SMALL, number, removed_around};
use crate::support::audit::{hooked, quiet, watched, watched_with};
use crate::support::trees::{self, Content, Site, from_spec, snapshot};
use fell::kernel::{At, Linux};
use fell::machine::{Gone, Open, Read, Reply, Request, Rmdir, Unlink};
use fell::{Error, Operation, Remover, RootPath};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

//= docs/spec.md#g5-honest-success
//= type=test
//# G5.1: The walk MUST NOT end Ok unless the root's name was seen absent, because its rmdir succeeded
//# or because it was gone.
#[test]
fn no_other_answer_about_the_root_is_a_success() {
    let answers = [
        Rmdir::NotEmpty,
        Rmdir::NotDirectory,
        Rmdir::Busy,
        Rmdir::Failed(number(Errno::IO)),
        Rmdir::Failed(number(Errno::ACCESS)),
        Rmdir::Gone(Gone::Stale),
    ];
    for answer in answers {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        let walked = watched(&Remover::new(), site.root(), |moment| {
            let decides = matches!(moment.request, Request::RmdirRoot { .. });
            decides.then_some(Reply::Rmdir(answer))
        });
        assert!(walked.result.is_err(), "{answer:?}: {walked:?}");
        assert!(site.root().exists());
    }
    let openings = [
        Open::NotDirectory,
        Open::Mounted,
        Open::Exhausted(number(Errno::MFILE)),
        Open::Failed(number(Errno::IO)),
        Open::Gone(Gone::Stale),
    ];
    for answer in openings {
        for which in 1..=2 {
            let site = Site::new();
            from_spec(site.root(), SMALL);
            let mut opened = 0;
            let walked = watched(&Remover::new(), site.root(), |moment| {
                if matches!(moment.request, Request::RmdirRoot { .. }) && opened == 1 {
                    fs::write(site.root().join("late"), "").unwrap();
                }
                if matches!(moment.request, Request::OpenRoot { .. }) {
                    opened += 1;
                    return (opened >= which).then_some(Reply::Open(answer));
                }
                None
            });
            assert!(
                walked.result.is_err(),
                "{answer:?} at opening {which}: {walked:?}"
            );
            assert!(site.root().exists());
        }
    }
}

//= docs/spec.md#g5-honest-success
//= type=test
//# G5.2: An Ok MUST NOT carry leftovers.
#[test]
fn leftovers_that_somebody_else_removed_are_none() {
    // What could not be removed goes just before the directory above it is removed, or the root is.
    for (before_root, window) in [(false, 1), (false, 64), (true, 1), (true, 64)] {
        let site = Site::new();
        from_spec(site.root(), "a/b/stay\n a/b/stay2\n c/stay\n stay");
        let remover = Remover::new().max_open_dirs(window);
        let mut failed = 0;
        let walked = watched(&remover, site.root(), |moment| match moment.request {
            Request::Unlink { .. } => {
                failed += 1;
                Some(Reply::Unlink(Unlink::Failed(number(Errno::IO))))
            }
            Request::Rmdir { .. } if !before_root => {
                for dir in ["a/b", "c"] {
                    let dir = site.root().join(dir);
                    if dir.file_name().unwrap().as_encoded_bytes() == moment.name {
                        fs::remove_dir_all(dir).unwrap();
                    }
                }
                None
            }
            Request::RmdirRoot { .. } => {
                fs::remove_dir_all(site.root()).unwrap();
                None
            }
            _ => None,
        });
        assert_eq!(failed, 4);
        let report = walked.result.expect("the root is gone");
        assert!(report.leftovers.is_empty());
        assert_eq!(report.leftovers_total, 0);
    }
}

//= docs/spec.md#g5-honest-success
//= type=test
//# G5.3: When the root's parent answers ESTALE, the walker MUST NOT take the root for gone unless the
//# parent's path was resolved once more and the parent or the root then answered ENOENT.
#[test]
fn a_stale_parent_is_resolved_once_more() {
    let stale = Reply::Open(Open::Gone(Gone::Stale));
    let stale_rmdir = Reply::Rmdir(Rmdir::Gone(Gone::Stale));
    // Stale once, at the opening or at the removal: the root is there, and is removed.
    for at_rmdir in [false, true] {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        let mut once = true;
        let walked = watched(&Remover::new(), site.root(), |moment| {
            match moment.request {
                Request::OpenRoot { .. } if !at_rmdir && once => {
                    once = false;
                    Some(stale)
                }
                Request::RmdirRoot { .. } if at_rmdir && once => {
                    once = false;
                    Some(stale_rmdir)
                }
                _ => None,
            }
        });
        assert!(walked.result.is_ok(), "{walked:?}");
        assert_eq!(walked.asked.bases, 2);
    }
    // Stale for ever: Io, be the root there or not.
    for at_rmdir in [false, true] {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        let walked = watched(&Remover::new(), site.root(), |moment| {
            match moment.request {
                Request::OpenRoot { .. } if !at_rmdir => Some(stale),
                Request::RmdirRoot { .. } if at_rmdir => Some(stale_rmdir),
                _ => None,
            }
        });
        let is_stale = |error: &Error| {
            matches!(error, Error::Io { source, .. }
                if source.raw_os_error() == Some(Errno::STALE.raw_os_error()))
        };
        assert!(walked.result.as_ref().is_err_and(is_stale), "{walked:?}");
        assert!(site.root().exists());
    }
    // Stale, and the path leads nowhere then: to no root, or to no parent.
    for whole in [false, true] {
        let site = Site::new();
        let parent = site.aside().join("parent");
        from_spec(&site.aside(), "parent/tree/file");
        let mut once = true;
        let walked = watched(&Remover::new(), &parent.join("tree"), |moment| {
            if matches!(moment.request, Request::OpenRoot { .. }) && once {
                once = false;
                let gone = if whole {
                    parent.clone()
                } else {
                    parent.join("tree")
                };
                fs::remove_dir_all(gone).unwrap();
                return Some(stale);
            }
            None
        });
        assert!(walked.result.is_ok(), "{walked:?}");
        assert_eq!(walked.asked.bases, 2);
    }
}

//= docs/spec.md#g5-honest-success
//= type=test
//# G5.3: When the root's parent answers ESTALE, the walker MUST NOT take the root for gone unless the
//# parent's path was resolved once more and the parent or the root then answered ENOENT.
#[test]
fn a_stale_parent_without_a_path_is_an_error() {
    let site = Site::new();
    let base = fs::File::open(site.base()).unwrap();
    let root = RootPath::entry("tree").unwrap();
    let at = At::Directory(std::os::fd::AsFd::as_fd(&base));
    let kernel = hooked(Linux::new(&root, at, false), |moment| {
        matches!(moment.request, Request::OpenRoot { .. })
            .then_some(Reply::Open(Open::Gone(Gone::Stale)))
    });
    let mut kernel = kernel;
    let continued = |_: &fell::Event<'_>| ControlFlow::Continue(());
    let result = Remover::new().remove_dir_all_with(&root, &mut kernel, continued);
    assert!(
        matches!(
            result,
            Err(Error::Io {
                operation: Operation::Open,
                ..
            })
        ),
        "{result:?}"
    );
    assert!(site.root().exists());
}

//= docs/spec.md#g6-honest-failure
//= type=test
//# G6.1: A NotEmpty MUST name at least one leftover.
//= docs/spec.md#g6-honest-failure
//= type=test
//# G6.2: Every leftover named MUST carry its path, the operation that failed and the errno.
//= docs/spec.md#g6-honest-failure
//= type=test
//# G6.3: Leftovers MUST be named in the order in which they were found.
#[test]
fn leftovers_are_named_in_the_order_of_finding() {
    for window in [1, 64] {
        let site = Site::new();
        trees::complex(site.root(), 3);
        from_spec(site.root(), SMALL);
        let path = RootPath::new(site.root()).unwrap();
        let linux = Linux::new(&path, At::Path, false);
        // Files called `file` stay, and directories called `1` cannot be opened.
        let mut kernel = hooked(linux, |moment| {
            if matches!(moment.request, Request::Unlink { .. }) && moment.name == b"file" {
                return Some(Reply::Unlink(Unlink::Denied(number(Errno::PERM))));
            }
            moment
                .opens("1")
                .then_some(Reply::Open(Open::Failed(number(Errno::IO))))
        });
        let mut found: Vec<(PathBuf, Operation, i32)> = Vec::new();
        let remover = Remover::new().max_open_dirs(window);
        let result = remover.remove_dir_all_with(&path, &mut kernel, |event| {
            let mut find = |operation, errno: Errno| {
                found.push((event.path(), operation, errno.raw_os_error()));
            };
            match event.reply {
                Reply::Unlink(Unlink::Denied(_)) => find(Operation::Unlink, Errno::PERM),
                Reply::Rmdir(Rmdir::NotEmpty) if event.path().ends_with("1") => {
                    find(Operation::Open, Errno::IO);
                }
                Reply::Rmdir(Rmdir::NotEmpty) => find(Operation::Rmdir, Errno::NOTEMPTY),
                _ => {}
            }
            ControlFlow::Continue(())
        });
        let Err(Error::NotEmpty { report, .. }) = result else {
            panic!("{result:?}")
        };
        let named: Vec<_> = report
            .leftovers
            .iter()
            .map(|l| (l.path.clone(), l.operation, l.errno))
            .collect();
        assert_eq!(named, found);
        assert!(found.len() > 20);
        for left in &report.leftovers {
            assert!(
                left.path.starts_with(site.root()) && left.path.exists(),
                "{left}"
            );
            assert!(left.error().raw_os_error() == Some(left.errno));
        }
    }
}

//= docs/spec.md#g6-honest-failure
//= type=test
//# G6.1: A NotEmpty MUST name at least one leftover.
#[test]
fn even_a_list_of_none_names_the_root() {
    let site = Site::new();
    from_spec(site.root(), "a/file");
    let remover = Remover::new().max_leftovers(0);
    let walked = watched(&remover, site.root(), |moment| {
        let unlinks = matches!(moment.request, Request::Unlink { .. });
        unlinks.then_some(Reply::Unlink(Unlink::Failed(number(Errno::IO))))
    });
    super::assert_left(&walked, site.root(), &[("", Errno::NOTEMPTY)]);
    assert_eq!(walked.report().leftovers_total, 3);
}

//= docs/spec.md#g6-honest-failure
//= type=test
//# G6.4: When nobody wrote, nothing was unremovable and patience was not spent, the walk MUST NOT end
//# NotEmpty.
#[test]
fn alone_it_always_ends_ok() {
    type Build = fn(&Site);
    let builds: [Build; 6] = [
        |_| (),
        |site| from_spec(site.root(), SMALL),
        |site| trees::complex(site.root(), 4),
        // More than a reading notes, and more than a buffer holds.
        |site| trees::wide(site.root(), 5000, 10_000),
        |site| drop(trees::chain(site.root(), 3000)),
        |site| trees::make_odd_names(site.root()),
    ];
    for build in builds {
        for window in [0, 1, 2, 64] {
            let site = Site::new();
            build(&site);
            let remover = Remover::new().max_open_dirs(window).patience(0);
            let report = watched(&remover, site.root(), quiet)
                .result
                .expect("nobody wrote");
            assert_eq!((report.retries, report.patience_spent), (0, false));
            site.assert_canaries();
        }
    }
}

//= docs/spec.md#g7-best-effort
//= type=test
//# G7.1: One unremovable entry MUST NOT keep the walker from removing anything else that can be
//# removed.
#[test]
fn one_failing_call_spoils_nothing_beside_it() {
    let error = number(Errno::IO);
    for window in [1, 64] {
        for when in 1.. {
            let site = Site::new();
            from_spec(site.root(), SMALL);
            let (mut asked, mut failed) = (0, None);
            let remover = Remover::new().max_open_dirs(window);
            let path = RootPath::new(site.root()).unwrap();
            // The entry whose removal fails, and fails for ever.
            let kernel = hooked(Linux::new(&path, At::Path, false), |moment| {
                let failing = match moment.request {
                    Request::Unlink { .. } => Reply::Unlink(Unlink::Failed(error)),
                    Request::Rmdir { .. } => Reply::Rmdir(Rmdir::Failed(error)),
                    Request::Open { .. } => Reply::Open(Open::Failed(error)),
                    _ => return None,
                };
                asked += 1;
                if asked == when {
                    let opens = moment.descends();
                    failed = Some((moment.name.clone(), opens));
                }
                (asked == when).then_some(failing)
            });
            let walked = watched_with(&remover, &path, kernel);
            let Some((name, opens)) = failed else { break };
            let Err(Error::NotEmpty { report, .. }) = walked.result else {
                // What could not be opened was empty, and is gone all the same.
                assert!(opens, "{name:?}");
                continue;
            };
            // Nothing is left but the entry, its ancestors and what is beneath it.
            let bad = report.leftovers[0].path.clone();
            assert_eq!(bad.file_name().unwrap().as_encoded_bytes(), name);
            for (left, entry) in snapshot(site.root()) {
                let left = site.root().join(left);
                let beneath = opens && left.starts_with(&bad);
                assert!(
                    bad.starts_with(&left) || beneath,
                    "{} is left",
                    left.display()
                );
                assert!(left == bad || beneath || entry.content == Content::Directory);
            }
        }
    }
}

//= docs/spec.md#g7-best-effort
//= type=test
//# G7.1: One unremovable entry MUST NOT keep the walker from removing anything else that can be
//# removed.
#[test]
fn what_was_noted_of_an_unreadable_rest_is_still_tried() {
    let site = Site::new();
    from_spec(site.root(), "a/b/file\n a/c/file\n x/file");
    // The listing of `a` breaks at its end.
    let mut inside = false;
    let mut ends = 0;
    let walked = removed_around(&Remover::new(), site.root(), |request, ask| {
        let reply = ask();
        match (request, reply) {
            (Request::Read { .. }, Reply::Read(Read::Entry { .. })) => inside = true,
            (Request::Read { .. }, Reply::Read(Read::End)) if inside => {
                ends += 1;
                if ends == 1 {
                    return Reply::Read(Read::Failed(number(Errno::IO)));
                }
            }
            _ => {}
        }
        reply
    });
    // The first listing to end is the root's: all in it was noted, so it is removed all the same.
    let report = walked.result.expect("everything was noted before");
    assert_eq!((report.files, report.directories), (3, 5));
    let gone: BTreeSet<&Path> = [site.root()].into_iter().filter(|p| p.exists()).collect();
    assert!(gone.is_empty());
}
