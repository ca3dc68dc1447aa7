//! koji's own cases (pull request 2699) on real directories, and the cases koji could not try.
//!
//! Whatever happens beside the walker happens between two of its requests, in a hook of its kernel;
//! only the tests with threads or processes leave the order to chance. docs/lineage.md says what koji
//! does in each case.

mod support;

use fell::machine::{Gone, Open, Read, Reply, Request};
use fell::{Error, Leftover, Operation, Remover, Report};
use rustix::io::Errno;
use std::env;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;
use support::again;
use support::beside::Beside;
use support::kernel::{Moment, Nth, Whereabouts, for_every, remove_hooked};
use support::privilege::{bind_mount, in_mount_namespace, mount_tmpfs, unmount};
use support::trees::{Census, Site, assert_same, census, chain, complex, from_spec, snapshot};

/// How many directories are held open: all, or only the parent, so that `..` is asked for.
const WINDOWS: [u16; 2] = [64, 1];
/// More than any walk of these tests needs: one that gets here does not halt.
const TOO_MANY: usize = 100_000;

/// koji's tree: `a` to `k`, each in the one before.
fn koji_chain() -> Site {
    let site = Site::new();
    from_spec(site.root(), "a/b/c/d/e/f/g/h/i/j/k/");
    site
}

fn koji_complex(n: usize) -> Site {
    let site = Site::new();
    complex(site.root(), n);
    site
}

/// Removes the site's root with `hook` before every request.
fn walk(
    remover: &Remover,
    site: &Site,
    mut hook: impl FnMut(&Moment<'_>) -> Option<Reply<fell::kernel::Name>>,
) -> Result<Report, Error> {
    remove_hooked(remover, site.root(), |moment| {
        assert!(moment.number < TOO_MANY, "it does not halt");
        hook(moment)
    })
}

fn is_absent(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Panics unless the walk ended Ok, the root is absent and nothing else is touched.
#[track_caller]
fn removed(site: &Site, result: Result<Report, Error>) -> Report {
    let report = result.unwrap_or_else(|error| panic!("{error}\n{:#?}", error.report()));
    assert!(
        is_absent(site.root()),
        "Ok, and the root is there: {report:#?}"
    );
    assert_eq!(
        (&report.leftovers[..], report.leftovers_total),
        (&[][..], 0)
    );
    site.assert_canaries();
    report
}

/// Panics unless the walk ended NotEmpty, the root is there and nothing else is touched.
#[track_caller]
fn not_empty(site: &Site, result: Result<Report, Error>) -> Report {
    let error = result.expect_err("something is left");
    assert!(matches!(error, Error::NotEmpty { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::DirectoryNotEmpty);
    assert!(site.root().is_dir());
    site.assert_canaries();
    error.report().clone()
}

/// What leftovers say: path, call and errno.
fn said(leftovers: &[Leftover]) -> Vec<(PathBuf, Operation, Errno)> {
    let errno = |left: &Leftover| Errno::from_raw_os_error(left.errno);
    leftovers
        .iter()
        .map(|left| (left.path.clone(), left.operation, errno(left)))
        .collect()
}

/// What a leftover at `path` makes of itself and of the directories above it, up to the root.
fn chain_of_leftovers(
    site: &Site,
    path: &Path,
    operation: Operation,
    errno: Errno,
) -> Vec<(PathBuf, Operation, Errno)> {
    let above = path
        .ancestors()
        .skip(1)
        .take_while(|above| above.starts_with(site.root()));
    let first = (path.to_path_buf(), operation, errno);
    let rest = above.map(|above| (above.to_path_buf(), Operation::Rmdir, Errno::NOTEMPTY));
    [first].into_iter().chain(rest).collect()
}

// ---- the root ----

//= docs/spec.md#g11-idempotent
//= type=test
//# G11.1: A root that is already absent MUST be Ok, and said to have been absent in the report.
#[test]
fn a_missing_root_is_ok_and_said_so() {
    let site = koji_chain();
    let report = fell::remove_dir_all(site.base().join("missing")).unwrap();
    assert!(report.already_gone);
    assert_eq!(
        (report.files, report.directories, report.vanished),
        (0, 0, 0)
    );
    let report = removed(&site, fell::remove_dir_all(site.root()));
    assert!(!report.already_gone);
    let report = removed(&site, fell::remove_dir_all(site.root()));
    assert!(report.already_gone);
}

#[test]
fn a_missing_parent_is_ok_and_said_so() {
    let site = Site::new();
    let report = fell::remove_dir_all(site.base().join("missing/er/root")).unwrap();
    assert!(report.already_gone);
    site.assert_canaries();
}

//= docs/spec.md#g11-idempotent
//= type=test
//# G11.3: A root that is a file or a symlink MUST be NotADirectory and left untouched.
#[test]
fn a_root_that_is_a_file_or_a_link_is_untouched() {
    let site = koji_chain();
    for name in ["file", "file/", "to-tree", "to-tree/", "to-tree//"] {
        let aside = site.aside();
        fs::write(aside.join("file"), "a file").unwrap();
        let _ = symlink(site.root(), aside.join("to-tree"));
        let before = (snapshot(&aside), snapshot(site.root()));
        let error = fell::remove_dir_all(aside.join(name)).unwrap_err();
        assert!(
            matches!(error, Error::NotADirectory { .. }),
            "{name}: {error}"
        );
        assert_eq!(error.kind(), ErrorKind::NotADirectory);
        assert_same(&before.0, &snapshot(&aside));
        assert_same(&before.1, &snapshot(site.root()));
    }
}

//= docs/spec.md#g10-no-global-state
//= type=test
//# G10.1: A walk MUST NOT change the working directory, the umask, the handling of signals or the
//# environment of the process.
#[test]
fn a_relative_root_is_found_and_the_working_directory_stays() {
    const TEST: &str = "a_relative_root_is_found_and_the_working_directory_stays";
    if again::inside(TEST, "cwd") {
        let before = env::current_dir().unwrap();
        // One name, a path, and a path by `..`; the last with a leftover, which is named as given.
        fell::remove_dir_all("tree").unwrap();
        assert_eq!(env::current_dir().unwrap(), before);
        fell::remove_dir_all("./other/tree/").unwrap();
        assert_eq!(env::current_dir().unwrap(), before);
        let shallow = Remover::new().max_depth(1);
        let error = shallow.remove_dir_all("../parent/third").unwrap_err();
        let first = &error.report().leftovers[0];
        assert_eq!(first.path, Path::new("../parent/third/tree"));
        assert_eq!(env::current_dir().unwrap(), before);
        fell::remove_dir_all("../parent/third").unwrap();
        assert!(!fs::exists("tree").unwrap());
        assert!(!fs::exists("other/tree").unwrap());
        assert!(!fs::exists("third").unwrap());
        fs::remove_dir("other").unwrap();
    } else {
        let site = koji_complex(2);
        for other in ["other", "third"] {
            fs::create_dir_all(site.base().join(other).join("tree")).unwrap();
            complex(&site.base().join(other).join("tree"), 2);
        }
        again::must_pass(
            TEST,
            "cwd",
            again::command(TEST, "cwd").current_dir(site.base()),
        );
        assert!(is_absent(site.root()));
        site.assert_canaries();
    }
}

#[test]
fn trailing_slashes_are_no_part_of_the_root() {
    for slashes in ["/", "//", "///"] {
        let site = koji_complex(2);
        let mut path = site.root().as_os_str().to_os_string();
        path.push(slashes);
        removed(&site, fell::remove_dir_all(&path));
    }
}

// ---- whole trees ----

#[test]
fn the_complex_tree_goes() {
    for window in WINDOWS {
        let site = koji_complex(8);
        let there = census(site.root());
        let remover = Remover::new().max_open_dirs(window);
        let report = removed(&site, remover.remove_dir_all(site.root()));
        assert_eq!(
            (report.files, report.directories),
            (there.files, there.dirs + 1)
        );
        assert_eq!((report.vanished, report.retries), (0, 0));
        assert_eq!(
            report.passes, report.directories,
            "one reading for each directory"
        );
    }
}

#[test]
fn a_path_longer_than_path_max_goes() {
    const LEVELS: usize = 3000;
    for window in WINDOWS {
        let site = Site::new();
        drop(chain(site.root(), LEVELS));
        let remover = Remover::new().max_open_dirs(window);
        // As deep as it is, what is left is named by a path that no call could be given.
        let error = remover
            .clone()
            .max_depth(2900)
            .remove_dir_all(site.root())
            .unwrap_err();
        let first = &error.report().leftovers[0];
        let expected = site.root().join("d/".repeat(2899)).join("d");
        assert_eq!(
            said(&error.report().leftovers)[0],
            (expected, Operation::Open, Errno::TOOBIG)
        );
        assert!(first.path.as_os_str().len() > 4096);
        let report = removed(&site, remover.remove_dir_all(site.root()));
        assert_eq!(
            (report.directories, report.deepest),
            (LEVELS as u64 + 1, LEVELS as u64 + 1)
        );
        assert!(
            report.most_open <= u32::from(window) + 3,
            "{}",
            report.most_open
        );
    }
}

// ---- removed by someone else ----

//= docs/spec.md#g1-removers
//= type=test
//# G1.1: If others do nothing but remove, nothing is unremovable and patience lasts, the walk MUST
//# end Ok with the root's name absent.
#[test]
fn the_tree_is_removed_at_every_step_of_the_way_down() {
    for window in WINDOWS {
        for (make, steps) in [(koji_chain as fn() -> Site, 12), (|| koji_complex(2), 44)] {
            let offered = for_every(|nth| {
                let site = make();
                let remover = Remover::new().max_open_dirs(window);
                let result = walk(&remover, &site, |moment| {
                    let down =
                        moment.descends() || matches!(moment.request, Request::OpenRoot { .. });
                    if down && nth.now() {
                        fs::remove_dir_all(site.root()).unwrap();
                    }
                    None
                });
                let report = removed(&site, result);
                assert_eq!(report.retries, 0);
            });
            assert_eq!(offered, steps);
        }
    }
}

#[test]
fn a_subtree_vanishes_just_before_it_is_entered_at_every_place() {
    for window in WINDOWS {
        let offered = for_every(|nth| {
            let site = koji_complex(2);
            let mut whereabouts = Whereabouts::below(site.root());
            let remover = Remover::new().max_open_dirs(window);
            let result = walk(&remover, &site, |moment| {
                let path = whereabouts.of(moment);
                if moment.descends() && nth.now() {
                    fs::remove_dir_all(path).unwrap();
                }
                None
            });
            let report = removed(&site, result);
            assert_eq!(
                (report.vanished, report.retries),
                (u64::from(nth.came()), 0)
            );
            // koji reads the level again for each child that is not there.
            assert_eq!(
                report.passes, report.directories,
                "one reading for each directory"
            );
        });
        assert_eq!(offered, 43);
    }
}

#[test]
fn an_entry_vanishes_just_before_it_is_removed_at_every_place() {
    let offered = for_every(|nth| {
        let site = koji_complex(2);
        let mut whereabouts = Whereabouts::below(site.root());
        let result = walk(&Remover::new(), &site, |moment| {
            let path = whereabouts.of(moment);
            let unlinks = matches!(moment.request, Request::Unlink { .. });
            if (unlinks || moment.removes_directory()) && nth.now() {
                let gone = if unlinks {
                    fs::remove_file(path)
                } else {
                    fs::remove_dir(path)
                };
                gone.unwrap();
            }
            None
        });
        let report = removed(&site, result);
        assert_eq!(
            (report.vanished, report.retries),
            (u64::from(nth.came()), 0)
        );
        assert_eq!(report.passes, 44, "one reading for each directory");
    });
    let all = census(koji_complex(2).root());
    assert_eq!(offered as u64, all.files + all.dirs + 1);
}

#[test]
fn the_tree_is_removed_and_the_way_up_is_stale() {
    let offered = for_every(|nth| {
        let site = koji_chain();
        let result = walk(&Remover::new().max_open_dirs(1), &site, |moment| {
            if !(moment.ascends() && nth.now()) {
                return None;
            }
            fs::remove_dir_all(site.root()).unwrap();
            Some(Reply::Open(Open::Gone(Gone::Stale)))
        });
        let report = removed(&site, result);
        assert_eq!(report.retries, u64::from(nth.came()));
    });
    // Of 12 levels, the way up to the root has 11 steps, and the first finds its parent held.
    assert!(offered >= 10, "{offered}");
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.3: Every retry MUST draw on patience.
#[test]
fn the_way_up_is_stale_and_the_root_stands() {
    for make in [koji_chain as fn() -> Site, || koji_complex(2)] {
        let offered = for_every(|nth| {
            let site = make();
            let there = census(site.root());
            let result = walk(&Remover::new().max_open_dirs(1), &site, |moment| {
                let lost = moment.ascends() && nth.now();
                lost.then_some(Reply::Open(Open::Gone(Gone::Stale)))
            });
            let report = removed(&site, result);
            assert_eq!(report.retries, u64::from(nth.came()));
            assert_eq!(
                (report.files, report.directories),
                (there.files, there.dirs + 1)
            );
        });
        assert!(offered >= 10, "{offered}");
    }
}

//= docs/spec.md#g1-removers
//= type=test
//# G1.3: On NFS, removals by others MUST NOT draw on patience, except when a directory went whose
//# `..` the walker still needs, or the root or its parent while the root was being opened or
//# removed.
#[test]
fn the_tree_is_removed_and_reading_is_stale() {
    for window in WINDOWS {
        let offered = for_every(|nth| {
            let site = koji_complex(2);
            let remover = Remover::new().max_open_dirs(window);
            let result = walk(&remover, &site, |moment| {
                if !(moment.reads() && nth.now()) {
                    return None;
                }
                fs::remove_dir_all(site.root()).unwrap();
                Some(Reply::Read(Read::Gone(Gone::Stale)))
            });
            let report = removed(&site, result);
            assert_eq!(report.retries, 0);
        });
        let all = census(koji_complex(2).root());
        // Each entry is read, and the end of each directory.
        assert_eq!(offered as u64, all.files + 2 * all.dirs + 1);
    }
}

#[test]
fn reading_is_stale_once_and_the_tree_stands() {
    for window in WINDOWS {
        let mut again = 0;
        let offered = for_every(|nth| {
            let site = koji_complex(2);
            let there = census(site.root());
            let remover = Remover::new().max_open_dirs(window);
            let result = walk(&remover, &site, |moment| {
                let stale = moment.reads() && nth.now();
                stale.then_some(Reply::Read(Read::Gone(Gone::Stale)))
            });
            let report = removed(&site, result);
            assert!(
                report.retries <= u64::from(nth.came()),
                "{}",
                report.retries
            );
            assert_eq!(
                (report.files, report.directories),
                (there.files, there.dirs + 1)
            );
            again += report.retries;
        });
        let all = census(koji_complex(2).root());
        assert_eq!(offered as u64, all.files + 2 * all.dirs + 1);
        // A directory whose first entry is not had, for one, is not empty.
        assert!(again >= all.dirs, "{again}");
    }
}

// ---- writers ----

/// Every directory in the moment of its removal, which is after its listing: `write` is told how
/// often it was tried, from 0.
fn write_before_rmdir(
    remover: &Remover,
    site: &Site,
    nth: &mut Nth,
    mut write: impl FnMut(&Path, u32),
) -> (Result<Report, Error>, PathBuf) {
    let mut whereabouts = Whereabouts::below(site.root());
    let (mut target, mut tries) = (None, 0);
    let result = walk(remover, site, |moment| {
        let path = whereabouts.of(moment);
        if moment.removes_directory() {
            if target.is_none() && nth.now() {
                target = Some(path.clone());
            }
            if target.as_ref() == Some(&path) {
                write(&path, tries);
                tries += 1;
            }
        }
        None
    });
    (result, target.unwrap_or_default())
}

fn extra(dir: &Path) -> PathBuf {
    dir.join("extra_file")
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
fn a_new_file_after_the_listing_is_left_where_no_pass_may_follow() {
    for make in [koji_chain as fn() -> Site, || koji_complex(2)] {
        let offered = for_every(|nth| {
            let site = make();
            let remover = Remover::new().max_passes(0);
            let (result, dir) = write_before_rmdir(&remover, &site, nth, |dir, _| {
                fs::write(extra(dir), "hello world\n").unwrap();
            });
            if !nth.came() {
                removed(&site, result);
                return;
            }
            let report = not_empty(&site, result);
            assert_eq!(fs::read(extra(&dir)).unwrap(), b"hello world\n");
            let expected = chain_of_leftovers(&site, &dir, Operation::Rmdir, Errno::NOTEMPTY);
            assert_eq!(said(&report.leftovers), expected);
            let dirs = expected.len() as u64 - 1;
            assert_eq!(
                census(site.root()),
                Census { files: 1, dirs },
                "all else is gone"
            );
            assert_eq!((report.retries, report.patience_spent), (0, false));
        });
        assert!(offered >= 12);
    }
}

#[test]
fn a_new_file_after_the_listing_goes_too() {
    for make in [koji_chain as fn() -> Site, || koji_complex(2)] {
        let offered = for_every(|nth| {
            let site = make();
            let remover = Remover::new();
            let (result, _) = write_before_rmdir(&remover, &site, nth, |dir, tries| {
                if tries == 0 {
                    fs::write(extra(dir), "hello world\n").unwrap();
                }
            });
            let report = removed(&site, result);
            let more = u64::from(nth.came());
            assert_eq!(report.passes, report.directories + more, "one more reading");
            assert_eq!(report.retries, 0);
        });
        assert!(offered >= 12);
    }
}

/// As koji's test has it: written into the parent while its listed child is about to be entered.
#[test]
fn a_new_file_beside_a_listed_directory_goes_too() {
    let offered = for_every(|nth| {
        let site = koji_complex(2);
        let mut whereabouts = Whereabouts::below(site.root());
        let result = walk(&Remover::new(), &site, |moment| {
            let path = whereabouts.of(moment);
            if moment.descends() && nth.now() {
                fs::write(extra(path.parent().unwrap()), "hello world\n").unwrap();
            }
            None
        });
        let report = removed(&site, result);
        assert_eq!(report.passes, report.directories + u64::from(nth.came()));
    });
    assert_eq!(offered, 43);
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.4: When 2 passes over a directory did not shrink and it is still not empty, the walker MUST
//# make it a leftover and not read it again.
#[test]
fn a_writer_that_repeats_is_outlasted_twice_and_then_left() {
    for times in [1, 2, 3, 4, u32::MAX] {
        let offered = for_every(|nth| {
            let site = koji_chain();
            let mut seen = 0;
            let (result, dir) = write_before_rmdir(&Remover::new(), &site, nth, |dir, tries| {
                seen = tries + 1;
                if tries < times {
                    fs::write(extra(dir), tries.to_string()).unwrap();
                }
            });
            if !nth.came() || times <= 2 {
                removed(&site, result);
                return;
            }
            let report = not_empty(&site, result);
            assert_eq!(
                seen, 3,
                "the first pass is not judged, the two after it did not shrink"
            );
            assert_eq!(fs::read_to_string(extra(&dir)).unwrap(), "2");
            let expected = chain_of_leftovers(&site, &dir, Operation::Rmdir, Errno::NOTEMPTY);
            assert_eq!(said(&report.leftovers), expected);
            assert_eq!(report.retries, 0);
        });
        assert_eq!(offered, 12);
    }
}

/// Makes the directory, or removes it when it is there.
fn flap(dir: &Path) {
    if fs::remove_dir(dir).is_err() {
        let _ = fs::create_dir(dir);
    }
}

/// Requests that a walk of an undisturbed tree makes.
fn requests_undisturbed(site: &Site) -> usize {
    let mut requests = 0;
    let result = walk(&Remover::new(), site, |moment| {
        requests = moment.number;
        None
    });
    removed(site, result);
    requests
}

/// Ok, or NotEmpty for what the writer made.
#[track_caller]
fn removed_or_left(site: &Site, result: Result<Report, Error>) -> bool {
    let ok = result.is_ok();
    if ok {
        removed(site, result);
    } else {
        let report = not_empty(site, result);
        assert!(!report.leftovers.is_empty());
        assert!(
            report
                .leftovers
                .iter()
                .all(|left| left.path.starts_with(site.root()))
        );
    }
    ok
}

#[test]
fn a_flapper_at_every_few_requests_does_not_hold_the_walk() {
    let alone = requests_undisturbed(&koji_complex(2));
    let mut outcomes = [0, 0];
    for place in ["flap", "a/flap", "a/0/c/d/flap", "a/0/c/d/1/e/f/0/g/h/flap"] {
        for (every, first) in (1..=7).flat_map(|every| (0..every).map(move |first| (every, first)))
        {
            let site = koji_complex(2);
            let place = site.root().join(place);
            let mut requests = 0;
            let result = walk(&Remover::new(), &site, |moment| {
                requests = moment.number;
                if moment.number % every == first {
                    flap(&place);
                }
                None
            });
            outcomes[usize::from(removed_or_left(&site, result))] += 1;
            // A directory that flaps costs at most three passes more, and is itself entered in each.
            assert!(
                requests <= alone + 60,
                "{requests} requests, {alone} without the flapper"
            );
        }
    }
    assert!(outcomes[1] > 0, "Ok at least sometimes: {outcomes:?}");
}

/// The flapper that koji cannot get past: there whenever the level is read, gone whenever it is
/// entered.
#[test]
fn a_flapper_that_is_listed_and_never_there_costs_no_reading() {
    for place in ["flap", "a/flap", "a/1/c/d/flap"] {
        let site = koji_complex(2);
        let place = site.root().join(place);
        let mut entries = 0;
        let result = walk(&Remover::new(), &site, |moment| {
            if moment.opens("flap") {
                entries += 1;
                let _ = fs::remove_dir(&place);
            } else if moment.removes_directory() {
                let _ = fs::remove_dir(&place);
            } else {
                // Also before its level is opened: btrfs lists what was there by then, not more.
                let _ = fs::create_dir(&place);
            }
            None
        });
        let report = removed(&site, result);
        assert_eq!((entries, report.vanished), (1, 1));
        assert_eq!(
            report.passes, report.directories,
            "one reading for each directory"
        );
    }
}

#[test]
fn a_flapper_beside_the_walker_does_not_hold_the_walk() {
    for round in 0..20 {
        let site = koji_complex(3);
        let place = site
            .root()
            .join(["flap", "a/flap", "a/0/c/flap"][round % 3]);
        let flapper = Beside::repeat(move || flap(&place));
        removed_or_left(&site, fell::remove_dir_all(site.root()));
        assert!(flapper.stop() > 0);
        // No retry is needed any more once it has stopped.
        removed(&site, fell::remove_dir_all(site.root()));
    }
}

#[test]
fn a_writer_beside_the_walker_never_makes_another_error() {
    for round in 0..20 {
        let site = koji_complex(3);
        let dir = site.root().join(["", "a", "a/0/c"][round % 3]);
        let mut number = 0;
        let writer = Beside::repeat(move || {
            number += 1;
            let _ = fs::write(dir.join(format!("new{}", number % 5)), "new");
        });
        removed_or_left(&site, fell::remove_dir_all(site.root()));
        assert!(writer.stop() > 0);
        removed(&site, fell::remove_dir_all(site.root()));
    }
}

// ---- mounts ----

/// Removes a tree with a mount at `place` that `mount` makes. It must be left as `operation` and
/// `errno` say, and everything beside it must be gone; unmounted, it goes as well.
fn with_mount(place: &str, operation: Operation, errno: Errno, mount: impl Fn(&Site, &Path)) {
    for window in WINDOWS {
        let site = koji_complex(2);
        let place = site.root().join(place);
        mount(&site, &place);
        let (mounted, source) = (snapshot(&place), snapshot(&site.aside()));
        let remover = Remover::new().max_open_dirs(window);
        let report = not_empty(&site, remover.remove_dir_all(site.root()));
        assert_same(&mounted, &snapshot(&place));
        assert_same(&source, &snapshot(&site.aside()));
        let expected = chain_of_leftovers(&site, &place, operation, errno);
        assert_eq!(said(&report.leftovers), expected);
        assert_eq!(report.retries, 0);
        assert_only_way_to(&site, &place);
        unmount(&place);
        removed(&site, fell::remove_dir_all(site.root()));
        assert_same(&source, &snapshot(&site.aside()));
    }
}

/// Nothing is left below the root but what leads to the mount, and the mount.
#[track_caller]
fn assert_only_way_to(site: &Site, place: &Path) {
    let mut expected: Vec<PathBuf> = place
        .ancestors()
        .take_while(|above| above.starts_with(site.root()))
        .map(Path::to_path_buf)
        .collect();
    expected.sort();
    let there: Vec<PathBuf> = snapshot(site.root())
        .into_keys()
        .map(|path| {
            if path == Path::new("") {
                site.root().to_path_buf()
            } else {
                site.root().join(path)
            }
        })
        .filter(|path| path == place || !path.starts_with(place))
        .collect();
    assert_eq!(there, expected);
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.6: A mount point beneath the root MUST become a leftover.
#[test]
fn another_file_system_inside_is_left() {
    in_mount_namespace("another_file_system_inside_is_left", || {
        with_mount("a/0/c", Operation::Open, Errno::XDEV, |_, place| {
            mount_tmpfs(place);
            from_spec(place, "file\ndir/file\nempty/");
        });
    });
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.4: The walker MUST NOT enter a mount point beneath the root, be it another file system or a
//# bind mount of the same device.
#[test]
fn a_bind_mount_of_the_same_device_is_left() {
    in_mount_namespace("a_bind_mount_of_the_same_device_is_left", || {
        with_mount("a/1/c/d/0", Operation::Open, Errno::XDEV, |site, place| {
            let source = site.aside().join("source");
            fs::create_dir(&source).unwrap();
            from_spec(&source, "file\ndir/file\nempty/");
            bind_mount(&source, place);
        });
    });
}

#[test]
fn a_bind_mounted_file_is_left() {
    in_mount_namespace("a_bind_mounted_file_is_left", || {
        with_mount("a/1/file", Operation::Unlink, Errno::BUSY, |site, place| {
            let source = site.aside().join("source");
            fs::write(&source, "precious\n").unwrap();
            bind_mount(&source, place);
        });
    });
}

// ---- several at once ----

//= docs/spec.md#g10-no-global-state
//= type=test
//# G10.2: Any number of walks MUST be able to run at once in one process.
#[test]
fn ten_trees_by_ten_threads() {
    let sites: Vec<Site> = (0..10).map(|_| koji_complex(5)).collect();
    let there = census(sites[0].root());
    let start = Barrier::new(sites.len());
    thread::scope(|scope| {
        for (number, site) in (0..).zip(&sites) {
            let (start, remover) = (&start, Remover::new().max_open_dirs(number));
            scope.spawn(move || {
                start.wait();
                let report = removed(site, remover.remove_dir_all(site.root()));
                assert_eq!(
                    (report.files, report.directories),
                    (there.files, there.dirs + 1)
                );
                assert_eq!((report.vanished, report.retries), (0, 0));
            });
        }
    });
}

#[test]
fn one_tree_by_three_threads() {
    for round in 0..20 {
        let site = koji_complex(4);
        let there = census(site.root());
        let start = Barrier::new(3);
        let reports: Vec<Report> = thread::scope(|scope| {
            let walks: Vec<_> = WINDOWS
                .iter()
                .chain(&[round])
                .map(|&window| {
                    let (start, root) = (&start, site.root());
                    scope.spawn(move || {
                        start.wait();
                        Remover::new().max_open_dirs(window).remove_dir_all(root)
                    })
                })
                .collect();
            walks
                .into_iter()
                .map(|walk| removed(&site, walk.join().unwrap()))
                .collect()
        });
        assert_eq!(
            reports.iter().map(|report| report.files).sum::<u64>(),
            there.files
        );
        let directories = reports.iter().map(|report| report.directories).sum::<u64>();
        assert_eq!(directories, there.dirs + 1, "each is removed by one");
        assert!(
            reports.iter().all(|report| report.retries == 0),
            "{reports:#?}"
        );
    }
}

#[cfg(feature = "cli")]
#[test]
fn one_tree_by_three_processes() {
    use std::process::{Command, Stdio};
    for _ in 0..5 {
        let site = koji_complex(6);
        let there = census(site.root());
        let start = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_fell"));
            command
                .args(["--json", "--timeout", "100"])
                .arg(site.root())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let walks: Vec<_> = (0..3).map(|_| start()).collect();
        let mut directories = 0;
        for walk in walks {
            let output = walk.wait_with_output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            assert!(output.status.success(), "{}: {said}", output.status);
            let line: serde_json::Value = serde_json::from_str(&said).unwrap();
            assert_eq!(line["retries"], 0, "{line}");
            directories += line["dirs"].as_u64().unwrap();
        }
        assert!(is_absent(site.root()));
        assert_eq!(directories, there.dirs + 1, "each is removed by one");
        site.assert_canaries();
    }
}
