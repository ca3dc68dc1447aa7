//! G9: bounded memory. What a million entries take is measured in `tests/scale.rs`.

use super::number;
use crate::support::audit::{quiet, watched};
use crate::support::trees::{self, Site, from_spec};
use fell::machine::{Limits, Pending, Position, Read, Reply, Request, Unlink};
use fell::{Error, Remover};
use rustix::fs::{CWD, FileType, Mode, OFlags, mkdirat, mknodat, openat};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;

//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.2: All levels together MUST NOT keep more than 32,768 names noted, not counting the one name of
//# each level that is being walked.
//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.3: A level MUST NOT note more than half of what the levels above it have left of the arena, but
//# may always note one name.
//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.4: The walker MUST NOT drop a list of noted names to make room for another.
//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.5: When the arena is full, a directory MUST be read one subdirectory at a time, each time going
//# on at the position where the reading stopped.
#[test]
fn a_full_arena_reads_on_where_it_stopped() {
    const LEVELS: usize = 26;
    const ARENA: usize = 32_768;
    assert_eq!(Limits::DEFAULT.arena as usize, ARENA);
    let site = Site::new();
    let (mut dir, mut outer, mut entries) = (site.root().to_path_buf(), 0, 0);
    for _ in 0..LEVELS {
        let room = ((ARENA - outer) / 2).clamp(1, Limits::DEFAULT.batch as usize);
        // Deep down a directory is read anew for each name: few are enough there.
        let dirs = (room + 50).max(200);
        trees::wide(&dir, 2, dirs);
        entries += 2 + dirs as u64;
        // The next level is in the one noted last when the list is full, which is entered first.
        let listed = fs::read_dir(&dir)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        dir = listed.filter(|path| path.is_dir()).nth(room - 1).unwrap();
        outer += room - 1;
    }

    let mut before: Vec<Pending<_>> = Vec::new();
    let mut positions: BTreeMap<usize, Position> = BTreeMap::new();
    let (mut most, mut met, mut one_at_a_time, mut deepest) = (0, 0_u64, false, 0);
    let remover = Remover::new();
    let result = remover.remove_dir_all_observed(site.root(), |event| {
        let walker = event.walker();
        let (levels, pending) = (walker.levels(), walker.pending());
        // A name is only ever added or taken away at the end: no list is dropped.
        let kept = before.len().min(pending.len());
        assert!(before.len() <= pending.len() + 1);
        assert!(before[..kept.saturating_sub(1)] == pending[..kept.saturating_sub(1)]);
        before.clear();
        before.extend_from_slice(pending);
        // Every level but the current one has one name that is being walked.
        let current = levels.len().saturating_sub(1);
        most = most.max(pending.len() - current.min(pending.len()));
        deepest = deepest.max(levels.len());
        if let Some(top) = levels.last() {
            let base = top.base as usize;
            let (outer, own) = (base - current, pending.len() - base);
            assert!(own <= ((ARENA - outer) / 2).max(1), "{own} beside {outer}");
            one_at_a_time |= own == 1 && (ARENA - outer) / 2 <= 1;
        }
        match (event.request, event.reply) {
            (Request::Read { .. }, Reply::Read(Read::Entry { position, .. })) => {
                met += 1;
                positions.insert(levels.len(), position);
            }
            (Request::Seek { position, .. }, _) => {
                assert_eq!(positions.get(&levels.len()), Some(&position));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    });
    let report = result.expect("nobody wrote");
    assert_eq!(report.directories + report.files, entries + 1);
    assert!(deepest > LEVELS, "{deepest}");
    assert!(most <= ARENA && most > ARENA - 100, "{most} were noted");
    assert!(one_at_a_time, "the arena was never full");
    // Each was met once: no list had to be read again.
    assert_eq!(met, entries);
}

/// Nothing that is unlinked goes.
fn all_stay(site: &Site, remover: &Remover) -> fell::Report {
    let walked = watched(remover, site.root(), |moment| {
        let unlinks = matches!(moment.request, Request::Unlink { .. });
        unlinks.then_some(Reply::Unlink(Unlink::Denied(number(Errno::PERM))))
    });
    match walked.result {
        Err(Error::NotEmpty { report, .. }) => *report,
        other => panic!("{other:?}"),
    }
}

//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.6: The list of leftovers MUST be limited in number, to 1,000 by default, and in bytes.
//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.7: Leftovers for which the list has no room MUST be counted.
#[test]
fn leftovers_are_listed_up_to_a_number_and_counted_beyond() {
    let site = Site::new();
    trees::wide(site.root(), 1500, 3);
    for (remover, listed) in [
        (Remover::new(), 1000),
        (Remover::new().max_leftovers(7), 7),
        (Remover::new().max_leftovers(5000), 1501),
    ] {
        let report = all_stay(&site, &remover);
        assert_eq!(
            (report.leftovers.len(), report.leftovers_total),
            (listed, 1501)
        );
    }
    assert!(watched(&Remover::new(), site.root(), quiet).result.is_ok());
}

//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.6: The list of leftovers MUST be limited in number, to 1,000 by default, and in bytes.
//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.7: Leftovers for which the list has no room MUST be counted.
#[test]
fn leftovers_are_listed_up_to_so_many_bytes() {
    // 30 levels of long names and 900 files: 7 MB of paths, fewer than 1,000 leftovers.
    let site = Site::new();
    let mut dir = openat(CWD, site.root(), OFlags::PATH, Mode::empty()).unwrap();
    let long = "x".repeat(255);
    for _ in 0..30 {
        mkdirat(&dir, long.as_str(), Mode::RWXU).unwrap();
        dir = openat(&dir, long.as_str(), OFlags::PATH, Mode::empty()).unwrap();
    }
    for i in 0..900 {
        mknodat(&dir, format!("f{i}"), FileType::RegularFile, Mode::RWXU, 0).unwrap();
    }
    let report = all_stay(&site, &Remover::new());
    let bytes: usize = report
        .leftovers
        .iter()
        .map(|left| left.path.as_os_str().len())
        .sum();
    assert!((3 << 20..=4 << 20).contains(&bytes), "{bytes}");
    assert_eq!(report.leftovers_total, 900 + 31);
    assert!(report.leftovers.len() < 900);
}

//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.7: Leftovers for which the list has no room MUST be counted.
#[test]
fn leftovers_that_become_void_are_counted_no_more() {
    let site = Site::new();
    from_spec(site.root(), "a/b/one\n a/b/two\n a/b/three\n z");
    let remover = Remover::new().max_leftovers(2);
    let walked = watched(&remover, site.root(), |moment| {
        let is_b = matches!(moment.request, Request::Rmdir { .. }) && moment.name == b"b";
        if is_b {
            fs::remove_dir_all(site.root().join("a/b")).unwrap();
        }
        let unlinks = matches!(moment.request, Request::Unlink { .. });
        unlinks.then_some(Reply::Unlink(Unlink::Denied(number(Errno::PERM))))
    });
    super::assert_left(
        &walked,
        site.root(),
        &[("z", Errno::PERM), ("", Errno::NOTEMPTY)],
    );
    assert_eq!(walked.report().leftovers_total, 2);
}
