//! Calls of the command fail, by strace: what users run, and the errno goes the whole way.

use super::support::calls::{strace_counts, strace_inject};
use super::support::trees::{Site, from_spec};
use super::{TREE, concerns, standing};
use rustix::io::Errno;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The calls a tree is removed with, and what a report calls them.
const CALLS: [(&str, &[&str]); 5] = [
    ("openat2", &["open"]),
    ("statx", &["identify"]),
    ("getdents64", &["read"]),
    ("unlinkat", &["unlink", "rmdir"]),
    // What it cannot tell is taken for the worst.
    ("fstatfs", &[]),
];

const ERRNOS: [(&str, Errno); 3] = [
    ("ESTALE", Errno::STALE),
    ("EIO", Errno::IO),
    ("EMFILE", Errno::MFILE),
];

fn fell(root: &Path) -> Command {
    let mut fell = Command::new(env!("CARGO_BIN_EXE_fell"));
    fell.args(["--json", "--max-open", "1"]).arg(root);
    fell
}

fn said(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// How often a walk over [`TREE`] makes each of the [`CALLS`]; nothing where there is no strace.
fn calm() -> Option<[u64; 5]> {
    let site = Site::new();
    from_spec(site.root(), TREE);
    let traced = strace_counts(&fell(site.root()), "execve")?;
    assert!(traced.output.status.success(), "{traced:?}");
    Some(CALLS.map(|(call, _)| traced.counts[call]))
}

/// One run of the command with `what` injected, shown to `check`, and one without.
fn tampered(what: &str, check: impl FnOnce(&Value, &Path)) {
    let site = Site::new();
    from_spec(site.root(), TREE);
    let output = strace_inject(&fell(site.root()), what).expect("strace ran a moment ago");
    let said = said(&output);
    let gone = said["outcome"] == "removed";
    assert_eq!(gone, !site.root().exists(), "{what}: {said}");
    assert_eq!(gone, output.status.success(), "{what}: {said}");
    check(&said, site.root());
    let again = fell(site.root()).output().expect("fell runs");
    assert!(
        again.status.success() && !site.root().exists(),
        "{what}: {again:?}"
    );
    site.assert_canaries();
}

#[test]
fn any_call_of_the_command_may_fail() {
    let Some(counts) = calm() else {
        return;
    };
    let [mut removed, mut not_empty, mut failed] = [0; 3];
    for ((call, operations), count) in CALLS.into_iter().zip(counts) {
        for (name, errno) in ERRNOS {
            for when in 1..=count {
                let what = format!("{call}:error={name}:when={when}");
                tampered(&what, |said, root| {
                    match said["outcome"].as_str() {
                        Some("removed") => removed += 1,
                        Some("not_empty") => {
                            not_empty += 1;
                            assert_left(&what, said, root, operations, errno);
                        }
                        // Only where the root itself, or its parent, is concerned.
                        Some("failed") => failed += 1,
                        _ => panic!("{what}: {said}"),
                    }
                });
            }
        }
    }
    println!("{counts:?} calls; {removed} removed, {not_empty} not empty, {failed} failed");
    // ESTALE heals. The root's own opening, identification (its parent's too), first reading and
    // removal may fail with either of the others; a first openat2 that fails is the probe's.
    assert!(removed >= counts.iter().sum::<u64>(), "{removed}");
    assert!((1..=2 * 5).contains(&failed), "{failed}");
    assert!(not_empty > 0);
}

/// The first line is the fault, and all that stands is at or beneath it, or on the way there.
#[track_caller]
fn assert_left(what: &str, said: &Value, root: &Path, operations: &[&str], errno: Errno) {
    let below = |path: &Value| {
        let path = Path::new(path.as_str().expect("a plain path"));
        path.strip_prefix(root).expect("below the root").to_owned()
    };
    let leftovers = said["leftovers"].as_array().expect("a list");
    let first = leftovers.first().expect("NotEmpty names something");
    assert_eq!(first["errno"], errno.raw_os_error(), "{what}: {said}");
    let operation = first["operation"].as_str().expect("a word");
    assert!(operations.contains(&operation), "{what}: {said}");
    let entry: PathBuf = below(&first["path"]);
    let left = standing(root);
    let concerned = left.iter().all(|path| concerns(&entry, path));
    assert!(concerned, "{what} left {left:?}: {said}");
    for line in leftovers {
        assert!(
            left.contains(&below(&line["path"])),
            "{what}: {line} is not left"
        );
    }
}

//= docs/spec.md#g10-no-global-state
//= type=test
//# G10.3: A call that ends in EINTR MUST be made again without the machine seeing it.
#[test]
fn any_call_of_the_command_may_be_interrupted() {
    let Some(counts) = calm() else {
        return;
    };
    for ((call, _), count) in CALLS.into_iter().zip(counts) {
        for when in 1..=count {
            let what = format!("{call}:error=EINTR:when={when}");
            tampered(&what, |said, _| {
                assert_eq!(said["outcome"], "removed", "{what}: {said}");
                for nothing in ["retries", "vanished", "leftovers_total"] {
                    assert_eq!(said[nothing], 0, "{what}: {said}");
                }
                // Each directory is read once.
                assert_eq!(said["passes"], said["dirs"], "{what}: {said}");
            });
        }
    }
}
