//! Limits and measures of one process, hence of a test that runs alone in one.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::again;

/// Runs `body` in a process of its own in which numbers of descriptors end at `soft_limit` and
/// `taken` of them (0, 1, 2 and what was inherited included) are in use: exactly
/// `soft_limit - taken` can still be opened.
#[track_caller]
pub fn with_rlimit_nofile(test: &str, soft_limit: u64, taken: usize, body: impl FnOnce()) {
    again::layered(test, "nofile", Some, || {
        assert!(
            taken as u64 <= soft_limit,
            "no more can be taken than there are"
        );
        let below = |fd: &u64| *fd < soft_limit;
        let already = open_descriptors().into_iter().filter(below).count();
        assert!(
            already <= taken,
            "{already} descriptors are in use, more than the {taken} asked for"
        );
        // Held to the end of the body. New descriptors get the lowest numbers, so all lie below.
        let _taken: Vec<File> = (already..taken)
            .map(|_| File::open("/dev/null").expect("/dev/null opens"))
            .collect();
        let maximum = getrlimit(Resource::Nofile).maximum;
        setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(soft_limit),
                maximum,
            },
        )
        .expect("a soft limit may always be lowered");
        body();
    });
}

/// The numbers of the descriptors that this process has open. Compare before and after to find a
/// leak, in a process of its own: other tests open and close as they like.
pub fn open_descriptors() -> BTreeSet<u64> {
    let listing = fs::read_dir("/proc/self/fd").expect("/proc is mounted");
    let listed: Vec<u64> = listing
        .map(|entry| entry.expect("a readable /proc").file_name())
        .map(|name| {
            name.to_str()
                .and_then(|name| name.parse().ok())
                .expect("a number")
        })
        .collect();
    // The descriptor that read the list is in it, but closed by now.
    let open = |fd: &u64| fs::read_link(format!("/proc/self/fd/{fd}")).is_ok();
    listed.into_iter().filter(open).collect()
}

/// Runs `body` in a process of its own, so that [`peak_rss_kib`] is its peak and nobody else's.
#[track_caller]
pub fn measured_child(test: &str, body: impl FnOnce()) {
    again::layered(test, "alone", Some, body);
}

/// The most memory that this process has had resident, in KiB, since it began or since
/// [`reset_peak_rss`].
pub fn peak_rss_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("Linux says VmHWM");
    line.trim()
        .trim_end_matches(" kB")
        .parse()
        .expect("VmHWM is a number of kB")
}

/// Forgets the peak so far: what building the tree took is not what removing it takes.
pub fn reset_peak_rss() -> io::Result<()> {
    fs::write("/proc/self/clear_refs", "5")
}
