//! Lies that a walk ends with by itself.

use super::fuse::Said;
use super::support::privilege::in_mount_namespace;
use super::tree::{Answer, Call, Kind, Listed, Node, Tree};
use super::{Case, SMALL, assert_left, is, tree_of};
use fell::{Error, Operation, Remover};
use rustix::io::Errno;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// What a walk over [`SMALL`] may ask when nothing is wrong: `src/machine/mod.rs` has it for 13
/// entries, nobody who acts and no retry.
const CALM: usize = 20 * 13;

/// The honest answer, with each listed entry changed by `change`.
fn relisted(tree: &mut Tree, call: &Call, change: impl Fn(&mut Listed)) -> Said {
    let Call::List { dir, position } = *call else {
        return None;
    };
    Some(tree.list(dir, position).map(|mut listed| {
        listed.iter_mut().for_each(change);
        Answer::Listed(listed)
    }))
}

#[test]
fn an_honest_one_is_emptied() {
    in_mount_namespace("ending::an_honest_one_is_emptied", || {
        for window in [1, 2, 64] {
            let Some(case) = Case::new(tree_of(SMALL), |_, _| None) else {
                return;
            };
            let walked = case.remove(&Remover::new().max_open_dirs(window), CALM);
            let report = walked.result.expect("nobody lied");
            assert_eq!((report.files, report.directories), (6, 6));
            assert_eq!((report.passes, report.vanished, report.retries), (6, 0, 0));
            assert_eq!(case.left(), 0);
            assert!(case.mount.calls() > 40, "{}", case.mount.calls());
        }
    });
}

#[test]
fn types_are_not_told_or_wrong() {
    in_mount_namespace("ending::types_are_not_told_or_wrong", || {
        let lies: [fn(&mut Listed); 4] = [
            |entry| entry.kind = Kind::Unknown,
            |entry| entry.kind = Kind::File,
            |entry| entry.kind = Kind::Directory,
            |entry| {
                entry.kind = match entry.kind {
                    Kind::Directory => Kind::File,
                    Kind::File | Kind::Unknown => Kind::Directory,
                }
            },
        ];
        for lie in lies {
            let twist = move |tree: &mut Tree, call: &Call| relisted(tree, call, lie);
            let Some(case) = Case::new(tree_of(SMALL), twist) else {
                return;
            };
            let walked = case.remove(&Remover::new(), CALM);
            let report = walked.result.expect("a type is a hint");
            assert_eq!((report.files, report.directories), (6, 6));
            assert_eq!((report.vanished, case.left()), (0, 0));
        }
    });
}

/// Positions are counts, so what is removed while it is read moves the rest out of sight.
#[test]
fn entries_are_skipped_after_removals() {
    in_mount_namespace("ending::entries_are_skipped_after_removals", || {
        // More than one buffer holds.
        let paths = (0..5000).map(|i| format!("tree/{i}"));
        let by_count = |tree: &mut Tree, call: &Call| {
            let Call::List { dir, position } = *call else {
                return None;
            };
            Some(tree.list(dir, 0).map(|listed| {
                let counted = listed
                    .into_iter()
                    .zip(1..)
                    .skip_while(|(_, n)| *n <= position);
                let listed = counted.map(|(entry, position)| Listed { position, ..entry });
                Answer::Listed(listed.collect())
            }))
        };
        let Some(case) = Case::new(tree_of(paths), by_count) else {
            return;
        };
        let walked = case.remove(&Remover::new(), 20 * 5002);
        let report = walked.result.expect("a pass that shrinks is free");
        assert_eq!((report.files, report.retries, case.left()), (5000, 0, 0));
        // It did skip, and each pass met about half of what was left.
        assert!((3..=12).contains(&report.passes), "{report:?}");
    });
}

/// A server that fails once, when it is told to.
#[derive(Clone, Default)]
struct Failing {
    /// At which call, counted down.
    call: Arc<AtomicU64>,
    errno: Arc<AtomicI32>,
}

impl Failing {
    fn answer(&self) -> Said {
        let left = self.call.load(Ordering::Relaxed);
        self.call.store(left.saturating_sub(1), Ordering::Relaxed);
        let errno = self.errno.load(Ordering::Relaxed);
        (left == 1).then(|| Err(Errno::from_raw_os_error(errno)))
    }
}

/// Every call of the server once, below the root and on the way to it.
#[test]
fn any_answer_may_be_estale_or_eio() {
    in_mount_namespace("ending::any_answer_may_be_estale_or_eio", || {
        let failing = Failing::default();
        let server = failing.clone();
        let Some(case) = Case::new(Tree::new(), move |_, _| server.answer()) else {
            return;
        };
        let mut ends = [0; 3];
        for errno in [Errno::STALE, Errno::IO] {
            let raw = errno.raw_os_error();
            failing.errno.store(raw, Ordering::Relaxed);
            for call in 1.. {
                for path in SMALL {
                    case.mount.tree().make(path);
                }
                failing.call.store(call, Ordering::Relaxed);
                // The failed call may need a retry, and another pass.
                let result = case.remove_lied_to(4 * 2 * CALM);
                let failed = failing.call.swap(0, Ordering::Relaxed) == 0;
                let end = match result {
                    Ok(_) => 0,
                    Err(Error::NotEmpty { report, .. }) => {
                        assert_eq!(report.leftovers[0].errno, raw, "{report:?}");
                        1
                    }
                    Err(Error::Io { source, .. }) => {
                        assert_eq!(source.raw_os_error(), Some(raw));
                        2
                    }
                    Err(other) => panic!("{other:?} after {errno:?} at call {call}"),
                };
                assert!(errno == Errno::IO || end != 1, "ESTALE leaves nothing");
                ends[end] += 1;
                let again = case.remove(&Remover::new(), CALM);
                assert!(again.result.is_ok() && case.left() == 0, "{again:?}");
                if !failed {
                    break;
                }
            }
        }
        println!("{ends:?} walks ended Ok, NotEmpty, Io");
        assert!(ends.iter().sum::<u32>() > 100, "{ends:?}");
        assert!(ends.iter().all(|&n| n > 0), "{ends:?}");
    });
}

/// With every level held the numbers are of no use but to find loops. Where `..` is needed what it
/// reaches is not believed, and neither is the root when it is opened again: one removal decides.
#[test]
fn inode_numbers_change_all_the_time() {
    in_mount_namespace("ending::inode_numbers_change_all_the_time", || {
        for (window, ends_well) in [(64, true), (1, false)] {
            let mut last = 1000;
            let twist = move |tree: &mut Tree, call: &Call| {
                let Ok(Answer::Node(node)) = tree.answer(call) else {
                    return None;
                };
                last += 1;
                let inode = last;
                Some(Ok(Answer::Node(Node { inode, ..node })))
            };
            // A removal is carried out by the look at its answer: only questions are asked twice.
            let only_questions = {
                let mut twist = twist;
                move |tree: &mut Tree, call: &Call| match call {
                    Call::Lookup { .. } | Call::Attributes { .. } => twist(tree, call),
                    _ => None,
                }
            };
            let Some(case) = Case::new(tree_of(SMALL), only_questions) else {
                return;
            };
            let walked = case.remove(&Remover::new().max_open_dirs(window), CALM);
            if ends_well {
                assert!(walked.result.is_ok() && case.left() == 0, "{walked:?}");
            } else {
                assert_left(&walked, &case.root(), &[("", Errno::NOTEMPTY)]);
                assert_eq!(walked.report().retries, 1);
            }
        }
    });
}

/// Each child looks like a directory on the way to it, so the way is lost each time.
#[test]
fn all_have_one_inode_number() {
    in_mount_namespace("ending::all_have_one_inode_number", || {
        let twist = |tree: &mut Tree, call: &Call| match call {
            Call::Lookup { .. } | Call::Attributes { .. } => match tree.answer(call) {
                Ok(Answer::Node(node)) => Some(Ok(Answer::Node(Node { inode: 7, ..node }))),
                _ => None,
            },
            _ => None,
        };
        let Some(case) = Case::new(tree_of(SMALL), twist) else {
            return;
        };
        let walked = case.remove(&Remover::new().patience(5), 6 * CALM);
        assert_left(&walked, &case.root(), &[("", Errno::NOTEMPTY)]);
        assert_eq!(walked.report().retries, 5);
        assert!(walked.report().patience_spent);
    });
}

fn ghosts() -> Vec<Listed> {
    let kinds = [Kind::Unknown, Kind::Directory, Kind::File];
    let ghost = |(i, kind)| Listed {
        name: format!("ghost{i}").into_bytes(),
        kind,
        position: 1_000_000 + i,
        inode: 1_000_000 + i,
    };
    (0..30_u64)
        .zip(kinds.into_iter().cycle())
        .map(ghost)
        .collect()
}

#[test]
fn entries_are_listed_that_do_not_exist() {
    in_mount_namespace("ending::entries_are_listed_that_do_not_exist", || {
        let twist = |tree: &mut Tree, call: &Call| {
            let Call::List { dir, position } = *call else {
                return None;
            };
            Some(tree.list(dir, position).map(|mut listed| {
                listed.extend(ghosts());
                listed.retain(|entry| entry.position > position);
                Answer::Listed(listed)
            }))
        };
        let Some(case) = Case::new(tree_of(SMALL), twist) else {
            return;
        };
        // 30 more in each of 6 directories.
        let walked = case.remove(&Remover::new(), CALM + 20 * 180);
        let report = walked.result.expect("they are gone");
        assert_eq!((report.files, report.directories), (6, 6));
        assert_eq!((report.vanished, report.passes), (180, 6));
    });
}

#[test]
fn names_are_listed_three_times() {
    in_mount_namespace("ending::names_are_listed_three_times", || {
        const AGAIN: u64 = 1_000_000;
        let twist = |tree: &mut Tree, call: &Call| {
            let Call::List { dir, position } = *call else {
                return None;
            };
            // As they stood when the reading began: what was removed meanwhile is listed all the same.
            Some(tree.list(dir, 0).map(|listed| {
                let thrice = (0..3).flat_map(|round| {
                    listed.iter().map(move |entry| Listed {
                        position: entry.position + round * AGAIN,
                        ..entry.clone()
                    })
                });
                Answer::Listed(thrice.filter(|entry| entry.position > position).collect())
            }))
        };
        let Some(case) = Case::new(tree_of(SMALL), twist) else {
            return;
        };
        let walked = case.remove(&Remover::new(), 3 * CALM);
        let report = walked.result.expect("they are removed once");
        assert_eq!((report.files, report.directories), (6, 6));
        // All of a directory fits into one reading.
        assert_eq!(report.vanished, 2 * 11);
    });
}

/// Answers every removal of a directory in the tree's place.
fn refusing(errno: Errno, which: &'static str) -> impl FnMut(&mut Tree, &Call) -> Said {
    move |tree, call| match call {
        Call::Rmdir { dir, name } => {
            let path = [name.as_slice()];
            let refused = which.is_empty() || is_entry(tree, *dir, path[0], which);
            refused.then_some(Err(errno))
        }
        _ => None,
    }
}

/// Whether the entry `name` of `dir` is what the path leads to.
fn is_entry(tree: &Tree, dir: u64, name: &[u8], path: &str) -> bool {
    let (above, last) = path.rsplit_once('/').unwrap_or(("", path));
    is(tree, dir, above) && name == last.as_bytes()
}

#[test]
fn an_empty_directory_may_not_be_removed() {
    in_mount_namespace("ending::an_empty_directory_may_not_be_removed", || {
        for errno in [
            Errno::BUSY,
            Errno::PERM,
            Errno::ACCESS,
            Errno::ROFS,
            Errno::IO,
        ] {
            let Some(case) = Case::new(tree_of(SMALL), refusing(errno, "tree/a/b")) else {
                return;
            };
            let walked = case.remove(&Remover::new(), CALM);
            let not_empty = Errno::NOTEMPTY;
            let expected = [("a/b", errno), ("a", not_empty), ("", not_empty)];
            assert_left(&walked, &case.root(), &expected);
            assert_eq!((walked.report().passes, case.left()), (6, 3));
        }
    });
}

/// For ever not empty, and nothing is in it: few passes, and nobody above reads again.
#[test]
fn an_empty_directory_is_said_not_to_be_empty() {
    in_mount_namespace("ending::an_empty_directory_is_said_not_to_be_empty", || {
        let not_empty = Errno::NOTEMPTY;
        for errno in [Errno::NOTEMPTY, Errno::EXIST] {
            let Some(case) = Case::new(tree_of(SMALL), refusing(errno, "tree/a/b")) else {
                return;
            };
            let walked = case.remove(&Remover::new(), 3 * CALM);
            let expected = [("a/b", not_empty), ("a", not_empty), ("", not_empty)];
            assert_left(&walked, &case.root(), &expected);
            // The first pass over `a/b` is not judged, the second shrinks to nothing, two do not
            // shrink; the others are read once.
            assert_eq!((walked.report().passes, case.left()), (6 + 3, 3));
            assert!(!walked.report().patience_spent);
        }
    });
}

/// All directories for ever: the innermost are left after few passes, and those above them are
/// explained and read once.
#[test]
fn no_directory_is_ever_empty() {
    in_mount_namespace("ending::no_directory_is_ever_empty", || {
        let Some(case) = Case::new(tree_of(SMALL), refusing(Errno::NOTEMPTY, "")) else {
            return;
        };
        let walked = case.remove(&Remover::new(), 3 * CALM);
        let report = walked.report();
        assert!(
            matches!(walked.result, Err(Error::NotEmpty { .. })),
            "{report:?}"
        );
        assert_eq!((report.files, report.directories, case.left()), (6, 0, 6));
        // `c`, `side` and `empty` have no directory in them; only in `empty` the second pass does not
        // shrink.
        assert_eq!((report.passes, report.leftovers_total), (6 + 3 + 3 + 2, 6));
    });
}

/// A removal that is said to have succeeded, and did not.
#[test]
fn an_entry_comes_back_for_ever() {
    in_mount_namespace("ending::an_entry_comes_back_for_ever", || {
        for (immortal, passes) in [("tree/a/b/c/file", 6 + 2), ("tree/empty", 6 + 2 * 2 + 2)] {
            let twist = move |tree: &mut Tree, call: &Call| match call {
                Call::Unlink { dir, name } | Call::Rmdir { dir, name } => {
                    is_entry(tree, *dir, name, immortal).then_some(Ok(Answer::Done))
                }
                _ => None,
            };
            let Some(case) = Case::new(tree_of(SMALL), twist) else {
                return;
            };
            let walked = case.remove(&Remover::new(), 4 * CALM);
            let report = walked.report();
            assert!(
                matches!(walked.result, Err(Error::NotEmpty { .. })),
                "{report:?}"
            );
            assert!(report.passes <= passes, "{report:?}");
            // The way to it, with itself.
            assert_eq!(case.left(), immortal.split('/').count());
        }
    });
}

/// Looked up, it is now a file and now a directory, another one each time.
#[test]
fn a_name_changes_its_type_at_every_look() {
    in_mount_namespace("ending::a_name_changes_its_type_at_every_look", || {
        let mut looks = 0;
        let twist = move |_: &mut Tree, call: &Call| match call {
            Call::Lookup { name, .. } if name == b"other" => {
                looks += 1;
                Some(Ok(Answer::Node(Node {
                    id: 1_000_000 + looks,
                    inode: 1_000_000 + looks,
                    directory: looks % 2 == 0,
                })))
            }
            _ => None,
        };
        let Some(case) = Case::new(tree_of(SMALL), twist) else {
            return;
        };
        let walked = case.remove(&Remover::new(), 4 * CALM);
        assert!(
            matches!(walked.result, Ok(_) | Err(Error::NotEmpty { .. })),
            "{walked:?}"
        );
        assert!(case.left() <= 2, "{}", case.left());
    });
}

/// Lists `.` and `..` and nothing else in `at`, without an end, which may be removed or not.
fn dots(at: &'static str, removable: bool) -> impl FnMut(&mut Tree, &Call) -> Said {
    let mut listings = 0;
    move |tree, call| match call {
        // Nobody but a test would end it.
        Call::List { dir, .. } if is(tree, *dir, at) && listings == 1000 => Some(Err(Errno::IO)),
        Call::List { dir, position } if is(tree, *dir, at) => {
            listings += 1;
            let dots = [&b"."[..], b".."].into_iter().zip(1..);
            let listed = dots.map(|(name, n)| Listed {
                name: name.to_vec(),
                kind: Kind::Directory,
                position: position + n,
                inode: *dir,
            });
            Some(Ok(Answer::Listed(listed.collect())))
        }
        Call::Rmdir { dir, name } if !removable && is_entry(tree, *dir, name, at) => {
            Some(Err(Errno::NOTEMPTY))
        }
        _ => None,
    }
}

/// 16 readings that bring nothing are a failure of the reading.
#[test]
fn dots_are_listed_for_ever() {
    in_mount_namespace("ending::dots_are_listed_for_ever", || {
        let tree = || tree_of(["tree/a/b/", "tree/a/file", "tree/file"]);
        let walk = |tree, at, removable| {
            let case = Case::new(tree, dots(at, removable))?;
            let walked = case.remove(&Remover::new(), CALM);
            assert!(case.mount.calls() < 150, "{}", case.mount.calls());
            Some((case, walked))
        };
        let Some((case, walked)) = walk(tree(), "tree/a/b", true) else {
            return;
        };
        assert!(walked.result.is_ok() && case.left() == 0, "{walked:?}");

        let (case, walked) = walk(tree(), "tree/a/b", false).expect("it mounted a moment ago");
        let full = Errno::NOTEMPTY;
        let expected = [("a/b", Errno::IO), ("a/b", full), ("a", full), ("", full)];
        assert_left(&walked, &case.root(), &expected);
        assert_eq!(case.left(), 3);

        let (_case, walked) = walk(tree_of(["tree/"]), "tree", false).expect("the same");
        let io = Some(Errno::IO.raw_os_error());
        match walked.result {
            Err(Error::Io {
                operation, source, ..
            }) => assert_eq!((operation, source.raw_os_error()), (Operation::Read, io)),
            other => panic!("{other:?}"),
        }
    });
}

/// A listing of `tree/a` with one more entry, which comes first or last.
fn listing_with(
    name: &'static [u8],
    kind: Kind,
    first: bool,
) -> impl FnMut(&mut Tree, &Call) -> Said {
    const LAST: u64 = 1_000_000;
    move |tree, call| match *call {
        Call::List { dir, position } if is(tree, dir, "tree/a") => {
            let listed = tree.list(dir, position).map(|mut listed| {
                let odd = Listed {
                    name: name.to_vec(),
                    kind,
                    position: LAST,
                    inode: LAST,
                };
                match (first, position) {
                    (true, 0) => listed.insert(0, odd),
                    (true, _) | (false, LAST) => {}
                    (false, _) => listed.push(odd),
                }
                Answer::Listed(listed)
            });
            Some(listed)
        }
        _ => None,
    }
}

/// As long as FUSE allows, which is more than others do, and the usual traps.
#[test]
fn names_are_odd() {
    in_mount_namespace("ending::names_are_odd", || {
        const ODD: [&[u8]; 6] = [
            &[b'x'; 1024],
            &[0xff; 600],
            b"new\nline",
            b"\x1b[31m",
            b" ",
            b"...",
        ];
        let mut tree = tree_of(SMALL);
        let dir = tree.find("tree").expect("it was made");
        for name in ODD {
            let inside = tree.enter(dir, name, true);
            tree.enter(inside, name, false);
        }
        let Some(case) = Case::new(tree, |_, _| None) else {
            return;
        };
        let walked = case.remove(&Remover::new(), 2 * CALM);
        assert!(walked.result.is_ok() && case.left() == 0, "{walked:?}");
    });
}

/// Names that end at once, or are too long to be asked for: nothing is called so, and nothing else is
/// touched.
#[test]
fn names_are_listed_that_nothing_can_have() {
    in_mount_namespace("ending::names_are_listed_that_nothing_can_have", || {
        for name in [&b"\0"[..], b"\0file", b".\0x", b"..\0x", &[b'x'; 1025]] {
            for kind in [Kind::File, Kind::Directory, Kind::Unknown] {
                let Some(case) = Case::new(tree_of(SMALL), listing_with(name, kind, false)) else {
                    return;
                };
                let walked = case.remove(&Remover::new(), CALM);
                assert!(walked.result.is_ok() && case.left() == 0, "{walked:?}");
            }
        }
    });
}

/// What no name may have the kernel does not let through: it is the reading that fails, before or after
/// what else is there.
#[test]
fn names_are_listed_that_are_none() {
    in_mount_namespace("ending::names_are_listed_that_are_none", || {
        for name in [&b"file/"[..], b"../file", b"/", b""] {
            for first in [true, false] {
                let twist = listing_with(name, Kind::File, first);
                let Some(case) = Case::new(tree_of(SMALL), twist) else {
                    return;
                };
                let walked = case.remove(&Remover::new(), CALM);
                if first {
                    let full = Errno::NOTEMPTY;
                    let expected = [("a", Errno::IO), ("a", full), ("", full)];
                    assert_left(&walked, &case.root(), &expected);
                    // The root, and `a` with all that is in it.
                    assert_eq!(case.left(), 2 + 7);
                } else {
                    // All was met, so nothing is left for the failure to explain.
                    let report = walked.result.as_ref().expect("it is empty");
                    assert_eq!((report.passes, case.left()), (6 - 1, 0));
                }
            }
        }
    });
}

/// A position that no lseek takes is one of a directory that is gone; so the reading was cut short, and
/// what is still there is met when the directory is read anew, which draws on patience.
#[test]
fn positions_are_too_large() {
    in_mount_namespace("ending::positions_are_too_large", || {
        const TOP_BIT: u64 = 1 << 63;
        let paths = (0..4100).map(|i| format!("tree/a/{i}/"));
        let large = |tree: &mut Tree, call: &Call| {
            let Call::List { dir, position } = *call else {
                return None;
            };
            Some(tree.list(dir, position & !TOP_BIT).map(|mut listed| {
                for entry in &mut listed {
                    entry.position |= TOP_BIT;
                }
                Answer::Listed(listed)
            }))
        };
        let Some(case) = Case::new(tree_of(paths), large) else {
            return;
        };
        let walked = case.remove(&Remover::new(), 20 * 4102);
        let report = walked.result.as_ref().expect("all of it goes");
        // As many as one reading notes went by the first.
        assert_eq!((report.retries, walked.asked.seeks), (1, 1), "{walked:?}");
        assert_eq!(case.left(), 0);
    });
}
