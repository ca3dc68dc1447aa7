//! G1: others who do nothing but remove.

use super::SMALL;
use crate::support::audit::watched;
use crate::support::trees::{Site, from_spec};
use fell::Remover;
use fell::machine::{Gone, Identify, Open, Read, Reply, Request, Rmdir, Unlink};
use std::fs;
use std::path::{Path, PathBuf};

/// All that can be removed now: whatever is no directory, and empty directories. Sorted.
fn removable(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&dir) else {
            continue;
        };
        let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        if entries.is_empty() {
            found.push(dir);
        }
        entries.sort();
        for entry in entries {
            if entry.symlink_metadata().unwrap().is_dir() {
                waiting.push(entry);
            } else {
                found.push(entry);
            }
        }
    }
    found.sort();
    found
}

fn remove(path: &Path) {
    let done = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
    done.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

//= docs/spec.md#g1-removers
//= type=test
//# G1.1: If others do nothing but remove, nothing is unremovable and patience lasts, the walk MUST
//# end Ok with the root's name absent.
//= docs/spec.md#g1-removers
//= type=test
//# G1.2: On a local file system, removals by others MUST NOT draw on patience.
#[test]
fn one_who_removes_an_entry_before_every_request_is_not_in_the_way() {
    for window in [1, 2, 64] {
        for (first, every) in [(true, 1), (false, 1), (true, 2), (false, 3)] {
            let site = Site::new();
            from_spec(site.root(), SMALL);
            let remover = Remover::new().max_open_dirs(window).patience(0);
            let walked = watched(&remover, site.root(), |moment| {
                let mut removable = removable(site.root());
                if moment.number % every == 0 && !removable.is_empty() {
                    let at = if first { 0 } else { removable.len() - 1 };
                    remove(&removable.swap_remove(at));
                }
                None
            });
            let report = walked.result.expect("removers only");
            assert_eq!(report.retries, 0);
            assert!(!report.patience_spent);
            assert!(!site.root().exists());
            site.assert_canaries();
        }
    }
}

//= docs/spec.md#g1-removers
//= type=test
//# G1.1: If others do nothing but remove, nothing is unremovable and patience lasts, the walk MUST
//# end Ok with the root's name absent.
//= docs/spec.md#g1-removers
//= type=test
//# G1.2: On a local file system, removals by others MUST NOT draw on patience.
#[test]
fn any_part_of_the_tree_may_go_at_any_moment() {
    for part in ["", "a", "a/b", "a/b/c", "e"] {
        for window in [1, 64] {
            let mut when = 1;
            loop {
                let site = Site::new();
                from_spec(site.root(), SMALL);
                let mut reached = false;
                let remover = Remover::new().max_open_dirs(window).patience(0);
                let walked = watched(&remover, site.root(), |moment| {
                    if moment.number == when {
                        reached = true;
                        let _ = fs::remove_dir_all(site.root().join(part));
                    }
                    None
                });
                let report = walked.result.unwrap_or_else(|error| {
                    panic!("{part:?} at {when}, window {window}: {error:?}")
                });
                assert_eq!(report.retries, 0);
                if !reached {
                    break;
                }
                when += 1;
            }
            assert!(when > 30, "{when} requests");
        }
    }
}

/// Answers of NFS, where what another client removed is ESTALE rather than ENOENT.
fn stale(reply: Reply<fell::kernel::Name>) -> Reply<fell::kernel::Name> {
    match reply {
        Reply::Open(Open::Gone(_)) => Reply::Open(Open::Gone(Gone::Stale)),
        Reply::Identify(Identify::Gone(_)) => Reply::Identify(Identify::Gone(Gone::Stale)),
        Reply::Read(Read::Gone(_)) => Reply::Read(Read::Gone(Gone::Stale)),
        Reply::Unlink(Unlink::Gone(_)) => Reply::Unlink(Unlink::Gone(Gone::Stale)),
        other => other,
    }
}

//= docs/spec.md#g1-removers
//= type=test
//# G1.3: On NFS, removals by others MUST NOT draw on patience, except when a directory went whose
//# `..` the walker still needs, or the root or its parent while the root was being opened or
//# removed.
#[test]
fn what_is_stale_draws_on_patience_only_where_the_way_is_lost() {
    for part in ["a", "a/b", "a/b/c", "e"] {
        for window in [1, 64] {
            let mut when = 1;
            loop {
                let site = Site::new();
                from_spec(site.root(), SMALL);
                let (mut number, mut lost) = (0, false);
                let remover = Remover::new().max_open_dirs(window);
                let dead = |site: &Site| !site.root().join(part).exists();
                let walked = super::removed_around(&remover, site.root(), |request, answer| {
                    number += 1;
                    if number == when {
                        let _ = fs::remove_dir_all(site.root().join(part));
                    }
                    let reply = answer();
                    // A dead directory has no `..` there.
                    if matches!(request, Request::OpenParent { .. }) && dead(&site) {
                        lost = true;
                        return Reply::Open(Open::Gone(Gone::Stale));
                    }
                    if matches!(
                        request,
                        Request::OpenRoot { .. } | Request::RmdirRoot { .. }
                    ) {
                        return reply;
                    }
                    stale(reply)
                });
                let report = walked.result.expect("removers only");
                assert!(lost || report.retries == 0, "{part} at {when}: {report:?}");
                assert!(window == 1 || !lost, "with all held no `..` is needed");
                if number < when {
                    break;
                }
                when += 1;
            }
        }
    }
    // The answer to an rmdir of a directory that is gone.
    let site = Site::new();
    from_spec(site.root(), SMALL);
    let walked = super::altered(&Remover::new().patience(0), site.root(), |_, reply, _| {
        if reply == Reply::Rmdir(Rmdir::Removed) && site.root().exists() {
            Reply::Rmdir(Rmdir::Gone(Gone::Stale))
        } else {
            reply
        }
    });
    assert!(walked.result.is_ok());
}
