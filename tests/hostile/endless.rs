//! What only limits end. That a walk does not end by itself is seen by its going on until it is
//! cancelled, after far more requests than the honest tree would take.

use super::fuse::Said;
use super::support::privilege::in_mount_namespace;
use super::tree::{Answer, Call, Kind, Listed, Node, Tree};
use super::{Case, assert_left, is, tree_of};
use fell::machine::Limits;
use fell::{Error, Remover};
use rustix::io::Errno;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Ends a walk in each of the three ways, on a mount of its own each. `seen` is after how many requests
/// it is cancelled.
fn only_limits_end<T>(paths: &[&str], seen: usize, twist: fn() -> T)
where
    T: FnMut(&mut Tree, &Call) -> Said + Send + 'static,
{
    let case = || Case::new(tree_of(paths), twist());
    let Some(endless) = case() else {
        return;
    };
    let mut requests = 0;
    let result = Remover::new().remove_dir_all_observed(endless.root(), |_| {
        requests += 1;
        assert!(requests <= seen, "the walk goes on after a cancel");
        if requests == seen {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    assert!(matches!(result, Err(Error::Cancelled { .. })), "{result:?}");

    let endless = case().expect("it was there a moment ago");
    let begun = Instant::now();
    let limit = Duration::from_millis(100);
    let walked = endless.remove(&Remover::new().deadline(limit), 2_000_000);
    assert!(
        matches!(walked.result, Err(Error::TimedOut { .. })),
        "{walked:?}"
    );
    assert!(begun.elapsed() >= limit);

    let endless = case().expect("it was there a moment ago");
    let entries = 3000;
    let remover = Remover::new().max_entries(entries).max_leftovers(10_000);
    let walked = endless.remove(&remover, 20 * 3001);
    assert!(
        matches!(walked.result, Err(Error::NotEmpty { .. })),
        "{walked:?}"
    );
    // One more than may be met is seen.
    assert_eq!(walked.asked.entries, entries + 1);
    let mut reasons = walked.report().leftovers.iter().map(|left| left.errno);
    let named = reasons.any(|errno| errno == Errno::TOOBIG.raw_os_error());
    assert!(named, "{walked:?}");
}

/// A listing that always has 100 more, called and numbered by `name`, of this type.
fn hundred_more(position: u64, kind: Kind, name: fn(u64) -> u64) -> Answer {
    let more = (position + 1..=position + 100).map(|n| Listed {
        name: name(n).to_string().into_bytes(),
        kind,
        position: n,
        inode: 1_000_000 + n,
    });
    Answer::Listed(more.collect())
}

/// Everything in `tree/endless` is there, of this type, and goes when it is removed.
fn all_there(kind: Kind) -> impl FnMut(&mut Tree, &Call) -> Said + Send {
    const IDS: u64 = 1_000_000;
    move |tree, call| match call {
        Call::List { dir, position } if is(tree, *dir, "tree/endless") => {
            Some(Ok(hundred_more(*position, kind, |n| n)))
        }
        // What is in a directory of it.
        Call::List { dir, .. } if *dir >= IDS => Some(Ok(Answer::Listed(Vec::new()))),
        Call::Lookup { dir, name } if is(tree, *dir, "tree/endless") => {
            let number: u64 = std::str::from_utf8(name).ok()?.parse().ok()?;
            Some(Ok(Answer::Node(Node {
                id: IDS + number,
                inode: IDS + number,
                directory: kind == Kind::Directory,
            })))
        }
        Call::Attributes { node } if *node >= IDS => Some(Ok(Answer::Node(Node {
            id: *node,
            inode: *node,
            directory: kind == Kind::Directory,
        }))),
        Call::Unlink { dir, .. } | Call::Rmdir { dir, .. } if is(tree, *dir, "tree/endless") => {
            Some(Ok(Answer::Done))
        }
        Call::Rmdir { name, .. } if name == b"endless" => Some(Err(Errno::NOTEMPTY)),
        _ => None,
    }
}

const ENDLESS: &[&str] = &["tree/endless/", "tree/file"];

//= docs/spec.md#g3-termination
//= type=test
//# G3.6: Where `max_entries` is set, which it is not by default, the walker MUST NOT remove or enter
//# more than that many entries.
//= docs/spec.md#g3-termination
//= type=test
//# G3.7: A deadline MUST end the walk even in a listing that never ends and under a writer that
//# always digs one level deeper.
//= docs/spec.md#g3-termination
//= type=test
//# G3.8: A cancel hook MUST end the walk even in a listing that never ends and under a writer that
//# always digs one level deeper.
#[test]
fn files_without_an_end() {
    in_mount_namespace("endless::files_without_an_end", || {
        only_limits_end(ENDLESS, 30_000, || all_there(Kind::File));
    });
}

#[test]
fn directories_without_an_end() {
    in_mount_namespace("endless::directories_without_an_end", || {
        only_limits_end(ENDLESS, 60_000, || all_there(Kind::Directory));
    });
}

/// Nothing of what is listed is there.
#[test]
fn ghosts_without_an_end() {
    in_mount_namespace("endless::ghosts_without_an_end", || {
        only_limits_end(ENDLESS, 30_000, || {
            |tree: &mut Tree, call: &Call| match call {
                Call::List { dir, position } if is(tree, *dir, "tree/endless") => {
                    Some(Ok(hundred_more(*position, Kind::Unknown, |n| n)))
                }
                Call::Rmdir { name, .. } if name == b"endless" => Some(Err(Errno::NOTEMPTY)),
                _ => None,
            }
        });
    });
}

/// The same three names again and again, of which one is there, once.
#[test]
fn names_repeated_without_an_end() {
    in_mount_namespace("endless::names_repeated_without_an_end", || {
        let paths = ["tree/endless/1", "tree/file"];
        only_limits_end(&paths, 30_000, || {
            |tree: &mut Tree, call: &Call| match call {
                Call::List { dir, position } if is(tree, *dir, "tree/endless") => {
                    Some(Ok(hundred_more(*position, Kind::File, |n| n % 3)))
                }
                Call::Rmdir { name, .. } if name == b"endless" => Some(Err(Errno::NOTEMPTY)),
                _ => None,
            }
        });
    });
}

/// Each position leads to the beginning.
fn goes_back(tree: &mut Tree, call: &Call) -> Said {
    match call {
        Call::List { dir, .. } => Some(tree.list(*dir, 0).map(|mut listed| {
            for entry in &mut listed {
                entry.position = 7;
            }
            Answer::Listed(listed)
        })),
        _ => None,
    }
}

/// All that is removed is not listed again, so this ends: by the buffers that bring `.` and `..` only.
#[test]
fn positions_that_repeat_end_where_all_can_be_removed() {
    in_mount_namespace(
        "endless::positions_that_repeat_end_where_all_can_be_removed",
        || {
            let Some(case) = Case::new(tree_of(["tree/a/one", "tree/a/two", "tree/b"]), goes_back)
            else {
                return;
            };
            // `a` is noted again and again, as often as one reading may.
            let ceiling = 4 * Limits::DEFAULT.batch as usize;
            let walked = case.remove(&Remover::new(), ceiling);
            assert!(walked.result.is_ok() && case.left() == 0, "{walked:?}");
        },
    );
}

/// But what cannot be removed is listed for ever.
#[test]
fn positions_that_repeat_do_not_end_at_what_stays() {
    in_mount_namespace(
        "endless::positions_that_repeat_do_not_end_at_what_stays",
        || {
            only_limits_end(&["tree/endless/stays", "tree/file"], 30_000, || {
                |tree: &mut Tree, call: &Call| match call {
                    Call::Unlink { name, .. } if name == b"stays" => Some(Err(Errno::PERM)),
                    Call::List { dir, .. } if is(tree, *dir, "tree/endless") => {
                        goes_back(tree, call)
                    }
                    _ => None,
                }
            });
        },
    );
}

/// Only a position that was sought leads to the beginning: a reading that goes on behind what it just
/// read goes on. Of `all` subdirectories `stay` cannot be removed.
fn seek_goes_back(all: usize, stay: usize) -> Option<Case> {
    let paths = (0..all).map(|i| format!("tree/{i}/"));
    let mut behind = 0;
    Case::new(tree_of(paths), move |tree, call| match call {
        Call::List { dir, position } if is(tree, *dir, "tree") => {
            let sought = *position != 0 && *position != behind;
            let listed = tree.list(*dir, if sought { 0 } else { *position });
            Some(listed.map(|mut listed| {
                // Less than the kernel has room for, so that the last one is where it reads on.
                listed.truncate(100);
                behind = listed.last().map_or(*position, |last| last.position);
                Answer::Listed(listed)
            }))
        }
        Call::Rmdir { dir, name } if is(tree, *dir, "tree") => {
            let number: usize = std::str::from_utf8(name).ok()?.parse().ok()?;
            (number < stay).then_some(Err(Errno::PERM))
        }
        _ => None,
    })
}

/// A reading is resumed by a seek only when it noted as much as it may, so one that goes back ends
/// where fewer than that cannot be removed: the second time all that stays is noted.
#[test]
fn a_seek_that_goes_back_ends_where_little_stays() {
    in_mount_namespace(
        "endless::a_seek_that_goes_back_ends_where_little_stays",
        || {
            let (all, stay) = (Limits::DEFAULT.batch as usize + 4, 100);
            let Some(case) = seek_goes_back(all, stay) else {
                return;
            };
            let walked = case.remove(&Remover::new(), 20 * (all + 2));
            assert!(
                matches!(walked.result, Err(Error::NotEmpty { .. })),
                "{walked:?}"
            );
            assert_eq!((walked.asked.seeks, case.left()), (1, 1 + stay));
        },
    );
}

#[test]
fn a_seek_that_goes_back_does_not_end_where_much_stays() {
    in_mount_namespace(
        "endless::a_seek_that_goes_back_does_not_end_where_much_stays",
        || {
            let stay = Limits::DEFAULT.batch as usize + 4;
            let Some(case) = seek_goes_back(stay, stay) else {
                return;
            };
            let mut seeks = 0;
            let result = Remover::new().remove_dir_all_observed(case.root(), |event| {
                let seek = matches!(event.request, fell::machine::Request::Seek { .. });
                seeks += usize::from(seek);
                assert!(seeks <= 4, "the walk goes on after a cancel");
                // An honest one has one.
                if seeks == 4 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            assert!(matches!(result, Err(Error::Cancelled { .. })), "{result:?}");
            let limit = 2 * stay as u64;
            let walked = case.remove(&Remover::new().max_entries(limit), 20 * 2 * stay);
            assert!(
                matches!(walked.result, Err(Error::NotEmpty { .. })),
                "{walked:?}"
            );
            assert!(
                walked.asked.seeks > 1 && case.left() == stay + 1,
                "{walked:?}"
            );
            let deadline = Duration::from_millis(1);
            let walked = case.remove(&Remover::new().deadline(deadline), 20 * 2 * stay);
            assert!(
                matches!(walked.result, Err(Error::TimedOut { .. })),
                "{walked:?}"
            );
        },
    );
}

/// Every directory has one more in it.
fn bottomless(_: &mut Tree, call: &Call) -> Said {
    const IDS: u64 = 1_000_000;
    let below = |id: u64| {
        Ok(Answer::Node(Node {
            id,
            inode: id,
            directory: true,
        }))
    };
    match call {
        Call::Lookup { dir, name } if name == b"d" => Some(below(IDS.max(*dir) + 1)),
        Call::Attributes { node } if *node > IDS => Some(below(*node)),
        Call::List { dir, position } if *dir != super::tree::TOP => {
            let one = Listed {
                name: b"d".to_vec(),
                kind: Kind::Directory,
                position: 1,
                inode: IDS.max(*dir) + 1,
            };
            let listed = if *position == 0 {
                vec![one]
            } else {
                Vec::new()
            };
            Some(Ok(Answer::Listed(listed)))
        }
        Call::Rmdir { .. } => Some(Err(Errno::NOTEMPTY)),
        _ => None,
    }
}

#[test]
fn depth_without_an_end() {
    in_mount_namespace("endless::depth_without_an_end", || {
        only_limits_end(&["tree/"], 20_000, || bottomless);
        // Here `max_depth` is another one, and the default one would end it, too.
        let Some(case) = Case::new(tree_of(["tree/"]), bottomless) else {
            return;
        };
        let walked = case.remove(&Remover::new().max_depth(3).max_open_dirs(1), 20 * 5);
        let full = Errno::NOTEMPTY;
        let expected = [
            ("d/d/d", Errno::TOOBIG),
            ("d/d", full),
            ("d", full),
            ("", full),
        ];
        assert_left(&walked, &case.root(), &expected);
        assert_eq!(walked.report().deepest, 3);
    });
}

/// Nothing is wrong but that each answer takes its time: the deadline is kept between two requests.
#[test]
fn a_slow_one() {
    in_mount_namespace("endless::a_slow_one", || {
        let paths = (0..300).map(|i| format!("tree/{i}"));
        let mut slow = true;
        let twist = move |_: &mut Tree, call: &Call| {
            if matches!(call, Call::Unlink { .. }) && slow {
                std::thread::sleep(Duration::from_millis(5));
            }
            // A second walk is served at once.
            slow &= !matches!(call, Call::Rmdir { .. });
            None
        };
        let Some(case) = Case::new(tree_of(paths), twist) else {
            return;
        };
        let hurried = Remover::new().deadline(Duration::from_millis(200));
        let walked = case.remove(&hurried, 20 * 302);
        assert!(
            matches!(walked.result, Err(Error::TimedOut { .. })),
            "{walked:?}"
        );
        // Each of 300 would have taken 5 ms.
        assert!((1..300).contains(&walked.report().files), "{walked:?}");
        let rest = case.left();
        let walked = case.remove(&Remover::new(), 20 * 302);
        let report = walked.result.expect("nobody hurries");
        assert_eq!((report.files + 1, case.left()), (rest as u64, 0));
    });
}
