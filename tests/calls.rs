//! How many system calls a tree costs: per directory at most openat2, statx, two getdents64,
//! unlinkat, close; per file one unlinkat and nothing else.

mod support;

use fell::Remover;
use fell::machine::{Read, Reply, Request};
use std::ops::ControlFlow;
use std::process::Command;
use support::calls::strace_counts;
use support::trees::{self, Census, Site, census};

/// A tree in which every directory is read at once: none has more than a buffer holds.
fn build(site: &Site) -> Census {
    trees::complex(site.root(), 6);
    trees::chain(site.root(), 40);
    trees::wide(&site.root().join("d"), 300, 200);
    trees::odd_types(site.root(), site);
    let below = census(site.root());
    Census {
        dirs: below.dirs + 1,
        ..below
    }
}

#[test]
fn the_kernel_is_asked_no_more_than_that() {
    let site = Site::new();
    let Census { files, dirs } = build(&site);
    let mut fell = Command::new(env!("CARGO_BIN_EXE_fell"));
    fell.arg(site.root());
    // From the opening of the root's parent on.
    let marker = site.base().to_str().unwrap().to_owned() + "/\", ";
    let Some(traced) = strace_counts(&fell, &marker) else {
        return;
    };
    assert!(traced.output.status.success(), "{traced:?}");
    let counts = traced.counts;
    let count = |name: &str| counts.get(name).copied().unwrap_or_default();
    assert_eq!(count("openat2"), dirs);
    assert_eq!(count("getdents64"), 2 * dirs);
    assert_eq!(count("unlinkat"), dirs + files);
    // The parent's own, which is opened before the count begins.
    assert_eq!(count("statx"), dirs + 1);
    assert!(
        (dirs + 1..=dirs + 4).contains(&count("close")),
        "{counts:?}"
    );
    assert_eq!(count("fstatfs"), 1);
    // Nothing else that costs: what remains belongs to the process's beginning and end.
    let mut known = vec![
        "openat2",
        "getdents64",
        "unlinkat",
        "statx",
        "close",
        "fstatfs",
    ];
    if cfg!(debug_assertions) {
        // std's own check that what it closes is open.
        known.push("fcntl");
    }
    let rest: u64 = counts
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()))
        .map(|(_, n)| n)
        .sum();
    assert!(rest < 40, "{counts:?}");
}

#[test]
fn the_machine_asks_no_more_than_that() {
    let site = Site::new();
    let Census { files, dirs } = build(&site);
    let [
        mut opens,
        mut identities,
        mut entries,
        mut ends,
        mut removals,
        mut closes,
        mut others,
    ] = [0; 7];
    let result = Remover::new().remove_dir_all_observed(site.root(), |event| {
        *(match (event.request, event.reply) {
            (Request::Open { .. } | Request::OpenRoot { .. }, _) => &mut opens,
            (Request::Identify { .. }, _) => &mut identities,
            (Request::Read { .. }, Reply::Read(Read::Entry { .. })) => &mut entries,
            (Request::Read { .. }, _) => &mut ends,
            (Request::Unlink { .. } | Request::Rmdir { .. } | Request::RmdirRoot { .. }, _) => {
                &mut removals
            }
            (Request::Close { .. }, _) => &mut closes,
            _ => &mut others,
        }) += 1;
        ControlFlow::Continue(())
    });
    result.expect("nobody wrote");
    // The root's parent is opened, identified and closed as well, and the root inspected.
    assert_eq!((opens, identities, closes), (dirs, dirs + 1, dirs + 1));
    assert_eq!((entries, ends), (dirs - 1 + files, dirs));
    assert_eq!((removals, others), (dirs + files, 2));
}
