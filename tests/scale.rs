//! Trees that are large in one way each. Memory is measured in a process of its own; time is
//! measured by the benchmark, not here.

mod support;

use fell::{Remover, Report};
use rustix::fs::{CWD, FileType, Mode, OFlags, mkdirat, mknodat, openat};
use std::path::Path;
use support::limits::{measured_child, peak_rss_kib, reset_peak_rss};
use support::trees::{self, Site};

/// Removes `root`. Answers the report and by how many KiB the most memory ever resident exceeds
/// what was resident before.
fn measured(remover: &Remover, root: &Path) -> (Report, u64) {
    reset_peak_rss().expect("the peak can be reset");
    let before = peak_rss_kib();
    let report = remover.remove_dir_all(root).expect("nobody wrote");
    (report, peak_rss_kib() - before)
}

//= docs/spec.md#g8-bounded-handles
//= type=test
//# G8.1: A walk MUST NOT hold more than `max_open_dirs` + 3 descriptors at once, whatever the depth,
//# the width and the number of helpers.
//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.1: The memory of a walk MUST be bounded by a constant, a small amount for each level of depth,
//# an arena of names of fixed size and the list of leftovers, however many entries there are.
#[test]
fn a_million_levels_deep() {
    const DEPTH: usize = 1_000_000;
    measured_child("a_million_levels_deep", || {
        let site = Site::new();
        drop(trees::chain(site.root(), DEPTH));
        let (report, kib) = measured(&Remover::new().max_open_dirs(13), site.root());
        assert_eq!(
            (report.directories, report.deepest),
            (DEPTH as u64 + 1, DEPTH as u64 + 1)
        );
        assert_eq!(report.retries, 0);
        assert!(report.most_open <= 16, "{}", report.most_open);
        // 80 bytes a level.
        assert!(kib < 80 * 1024, "{kib} KiB");
        site.assert_canaries();
    });
}

#[test]
fn two_hundred_thousand_files_in_one_directory() {
    let site = Site::new();
    trees::wide(site.root(), 200_000, 0);
    let report = fell::remove_dir_all(site.root()).expect("nobody wrote");
    assert_eq!(
        (report.files, report.directories, report.passes),
        (200_000, 1, 1)
    );
}

//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.1: The memory of a walk MUST be bounded by a constant, a small amount for each level of depth,
//# an arena of names of fixed size and the list of leftovers, however many entries there are.
#[test]
fn a_million_subdirectories_in_one_directory() {
    const DIRS: usize = 1_000_000;
    measured_child("a_million_subdirectories_in_one_directory", || {
        let site = Site::new();
        trees::wide(site.root(), 0, DIRS);
        let (report, more) = measured(&Remover::new(), site.root());
        // One pass: it goes on reading where it stopped.
        assert_eq!(
            (report.directories, report.passes),
            (DIRS as u64 + 1, DIRS as u64 + 1)
        );
        let peak = peak_rss_kib();
        assert!(
            peak < 32 * 1024,
            "{peak} KiB, {more} KiB of them for the walk"
        );
        assert!(more < 2 * 1024, "{more} KiB");
    });
}

//= docs/spec.md#g9-bounded-memory
//= type=test
//# G9.1: The memory of a walk MUST be bounded by a constant, a small amount for each level of depth,
//# an arena of names of fixed size and the list of leftovers, however many entries there are.
#[test]
fn wide_at_every_level() {
    const LEVELS: usize = 60;
    const DIRS: usize = 3000;
    measured_child("wide_at_every_level", || {
        let site = Site::new();
        // Names as long as they may be, so that kept ones would be seen: 45 MB in all.
        let name = |i: usize| format!("{i:0>250}");
        let mut dir = openat(CWD, site.root(), OFlags::PATH, Mode::empty()).unwrap();
        for _ in 0..LEVELS {
            for i in 0..DIRS {
                mkdirat(&dir, name(i), Mode::RWXU).unwrap();
            }
            mknodat(&dir, "file", FileType::RegularFile, Mode::RWXU, 0).unwrap();
            // Among the last found, in either order, when a reading has noted half of them.
            dir = openat(&dir, name(DIRS / 2), OFlags::PATH, Mode::empty()).unwrap();
        }
        let (report, more) = measured(&Remover::new(), site.root());
        assert_eq!(report.directories, (LEVELS * DIRS) as u64 + 1);
        assert_eq!(report.files, LEVELS as u64);
        assert_eq!(report.passes, report.directories);
        assert!(more < 16 * 1024, "{more} KiB");
    });
}
