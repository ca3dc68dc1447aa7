//! G8: few descriptors.

use super::{SMALL, number};
use crate::support::audit::{hooked, quiet, watched, watched_with};
use crate::support::limits::{measured_child, open_descriptors, with_rlimit_nofile};
use crate::support::privilege::{NOBODY, as_nobody};
use crate::support::trees::{self, Site, from_spec};
use fell::kernel::{At, Linux};
use fell::machine::{Open, Reply, Request};
use fell::{Error, Remover, RootPath};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;

fn deep_and_wide(site: &Site) {
    trees::complex(site.root(), 3);
    trees::chain(site.root(), 300);
    trees::wide(&site.root().join("d/d/d"), 20, 20);
}

//= docs/spec.md#g8-bounded-handles
//= type=test
//# G8.1: A walk MUST NOT hold more than `max_open_dirs` + 3 descriptors at once, whatever the depth,
//# the width and the number of helpers.
//= docs/spec.md#g8-bounded-handles
//= type=test
//# G8.2: A `max_open_dirs` of 0 MUST be taken as 1.
#[test]
fn no_more_descriptors_than_allowed_are_open() {
    measured_child("handles::no_more_descriptors_than_allowed_are_open", || {
        for window in [0, 1, 2, 5, 64] {
            let site = Site::new();
            deep_and_wide(&site);
            let before = open_descriptors().len();
            let mut most = 0;
            let remover = Remover::new().max_open_dirs(window);
            let result = remover.remove_dir_all_observed(site.root(), |event| {
                // Only where one more is open than before: /proc is slow.
                if matches!(event.reply, Reply::Open(Open::Opened)) {
                    most = most.max(open_descriptors().len() - before);
                }
                ControlFlow::Continue(())
            });
            let report = result.expect("nobody wrote");
            let allowed = usize::from(window.max(1)) + 3;
            assert!(most <= allowed, "{most} with a window of {window}");
            // All that are allowed are used, or the window would be another.
            assert_eq!(most, allowed);
            assert_eq!(report.most_open as usize, most);
            assert_eq!(open_descriptors().len(), before);
        }
    });
}

//= docs/spec.md#g8-bounded-handles
//= type=test
//# G8.3: The walker MUST NOT give up the slot of the immediate parent, not even on EMFILE.
//= docs/spec.md#g8-bounded-handles
//= type=test
//# G8.4: The walker MUST NOT ask for `..` of a directory from which it opened no child.
#[test]
fn the_immediate_parent_is_held_however_few_there_are() {
    // `watched` looks at both at every request. Here only so many can be open at once.
    for most in 3..8 {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        trees::chain(&site.root().join("a"), 30);
        let mut open = BTreeSet::new();
        let (mut denied, mut asked_of) = (0, BTreeSet::new());
        let walked = watched(&Remover::new(), site.root(), |moment| {
            match moment.request {
                Request::OpenBase { slot }
                | Request::OpenRoot { slot, .. }
                | Request::Open { slot, .. }
                | Request::OpenParent { slot, .. } => {
                    if open.len() >= most {
                        denied += 1;
                        return Some(Reply::Open(Open::Exhausted(number(Errno::MFILE))));
                    }
                    // All of these openings succeed.
                    open.insert(slot);
                    if let Request::OpenParent { child, .. } = moment.request {
                        asked_of.insert(child);
                    }
                }
                Request::Close { slot } => {
                    open.remove(&slot);
                }
                _ => {}
            }
            None
        });
        assert!(denied > 0, "{most}");
        if most == 3 {
            // The root's parent, a directory and its parent: no room for a child of it.
            assert!(
                matches!(walked.result, Err(Error::NotEmpty { .. })),
                "{walked:?}"
            );
            assert!(asked_of.is_empty());
        } else {
            assert!(walked.result.is_ok(), "with {most}: {walked:?}");
        }
    }
}

//= docs/spec.md#g8-bounded-handles
//= type=test
//# G8.4: The walker MUST NOT ask for `..` of a directory from which it opened no child.
#[test]
fn a_directory_that_may_not_be_searched_is_left_by_its_held_parent() {
    let setup = || {
        let site = Site::new();
        from_spec(
            site.root(),
            "a/b/c/blind/\n a/b/c/after/file\n a/b/blind/\n a/file",
        );
        site.give_to(NOBODY);
        for blind in ["a/b/c/blind", "a/b/blind"] {
            fs::set_permissions(site.root().join(blind), Permissions::from_mode(0o444)).unwrap();
        }
        site
    };
    let test = "handles::a_directory_that_may_not_be_searched_is_left_by_its_held_parent";
    let site = as_nobody(test, setup, |root| {
        let walked = watched(&Remover::new().max_open_dirs(1), root, quiet);
        let report = walked.result.expect("all of it can be removed");
        assert_eq!((report.retries, report.directories), (0, 7));
    });
    if let Some(site) = site {
        assert!(!site.root().exists());
        site.assert_canaries();
    }
}

//= docs/spec.md#g8-bounded-handles
//= type=test
//# G8.5: A limit of 16 descriptors for the process, some of them taken by others, MUST NOT change how
//# a walk ends.
#[test]
fn sixteen_descriptors_are_enough() {
    let test = "handles::sixteen_descriptors_are_enough";
    // The tree is built by a process that may open more.
    let taken = [8, 10, 12];
    with_rlimit_nofile(test, 16, taken[0], || {
        for (more, window) in [(0, 64), (2, 64), (4, 64), (4, 1)] {
            let site = Site::new();
            deep_and_wide(&site);
            let _more: Vec<_> = (0..more)
                .map(|_| fs::File::open("/dev/null").unwrap())
                .collect();
            let walked = watched(&Remover::new().max_open_dirs(window), site.root(), quiet);
            let report = walked
                .result
                .unwrap_or_else(|error| panic!("{more} more: {error:?}"));
            assert_eq!(report.retries, 0);
            assert_eq!(report.files, 3 + 9 + 27 + 20);
            assert!(usize::try_from(report.most_open).unwrap() <= 16 - taken[0] - more);
        }
    });
}

//= docs/spec.md#e-errnos
//= type=test
//# E.6: On EMFILE and ENFILE the walker MUST give back a slot and ask again.
#[test]
fn a_slot_is_given_back_and_the_child_asked_for_again() {
    for errno in [Errno::MFILE, Errno::NFILE] {
        let site = Site::new();
        from_spec(site.root(), "a/b/c/d/file");
        let path = RootPath::new(site.root()).unwrap();
        let mut requests = Vec::new();
        let mut once = true;
        let kernel = hooked(Linux::new(&path, At::Path, false), |moment| {
            requests.push(moment.request);
            let denied = moment.opens("d") && std::mem::take(&mut once);
            denied.then_some(Reply::Open(Open::Exhausted(number(errno))))
        });
        let walked = watched_with(&Remover::new(), &path, kernel);
        assert!(walked.result.is_ok(), "{walked:?}");
        let child = |request: &Request<_>| match *request {
            Request::Open { parent, name, .. } => Some((parent, name)),
            _ => None,
        };
        let asked: Vec<_> = requests
            .windows(3)
            .filter(|three| matches!(three[1], Request::Close { .. }))
            .filter(|three| child(&three[0]).is_some() && child(&three[0]) == child(&three[2]))
            .collect();
        assert_eq!(asked.len(), 1, "{requests:?}");
    }
}

//= docs/spec.md#e-errnos
//= type=test
//# E.7: When no slot can be given back, EMFILE and ENFILE MUST be a leftover below the root and Io at
//# the root.
#[test]
fn with_nothing_to_give_back_it_is_a_leftover_or_io() {
    for errno in [Errno::MFILE, Errno::NFILE] {
        let site = Site::new();
        from_spec(site.root(), "a/b/c/file\n a/b/file\n empty/");
        let exhausted = Reply::Open(Open::Exhausted(number(errno)));
        let walked = watched(&Remover::new(), site.root(), |moment| {
            (moment.opens("c") || moment.opens("empty")).then_some(exhausted)
        });
        let full = Errno::NOTEMPTY;
        let expected = [("a/b/c", errno), ("a/b", full), ("a", full), ("", full)];
        super::assert_left(&walked, site.root(), &expected);

        let walked = watched(&Remover::new(), site.root(), |moment| {
            matches!(moment.request, Request::OpenRoot { .. }).then_some(exhausted)
        });
        let Err(Error::Io { source, .. }) = walked.result else {
            panic!("{walked:?}")
        };
        assert_eq!(source.raw_os_error(), Some(errno.raw_os_error()));
    }
}
