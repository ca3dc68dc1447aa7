//! The command is killed at some moment of its walk and run again: the tree is gone, and nothing
//! beside it was touched.
//!
//! By strace at each of its calls, which is exact, and between calls by a clock. Time decides
//! nothing but which moment is tried, and nothing is expected of a moment; kills that came too late
//! are not counted.

use super::TREE;
use super::support::calls::{strace_counts, strace_inject};
use super::support::trees::{Site, census, complex, from_spec};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

fn fell(root: &Path) -> Command {
    let mut fell = Command::new(env!("CARGO_BIN_EXE_fell"));
    fell.args(["--max-open", "1"]).arg(root);
    fell
}

fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}

/// Runs the command once more after a kill.
#[track_caller]
fn finish(site: &Site) {
    let again = fell(site.root()).output().expect("fell runs");
    assert!(again.status.success(), "{again:?}");
    assert!(!site.root().exists());
    site.assert_canaries();
}

#[test]
fn killed_at_any_call_and_run_again() {
    const CALLS: [&str; 6] = [
        "openat2",
        "openat",
        "statx",
        "getdents64",
        "unlinkat",
        "close",
    ];
    let site = Site::new();
    from_spec(site.root(), TREE);
    let Some(traced) = strace_counts(&fell(site.root()), "execve") else {
        return;
    };
    let (mut kills, mut before_the_end) = (0, 0);
    for call in CALLS {
        for when in 1..=traced.counts[call] {
            let site = Site::new();
            from_spec(site.root(), TREE);
            let what = format!("{call}:signal=KILL:when={when}");
            let output = strace_inject(&fell(site.root()), &what).expect("strace ran a moment ago");
            assert!(was_killed(output.status), "{what}: {output:?}");
            site.assert_canaries();
            kills += 1;
            before_the_end += u32::from(site.root().exists());
            finish(&site);
        }
    }
    println!("{kills} kills at calls, {before_the_end} with the root still there");
    // Each of the 16 entries has a removal, the last of which is the root's.
    assert!(
        before_the_end >= 16 && kills >= before_the_end,
        "{before_the_end}"
    );
}

/// A walk long enough for a clock to hit: some 10 ms.
fn build(site: &Site) {
    complex(site.root(), 5);
}

/// How many there are below the root.
fn entries(site: &Site) -> u64 {
    let below = census(site.root());
    below.files + below.dirs
}

/// Numbers that look drawn and are the same in every run (xorshift64), from 0 to 1.
fn dice() -> impl FnMut() -> f64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from(u32::try_from(state >> 32).expect("32 bits")) / f64::from(u32::MAX)
    }
}

#[test]
fn killed_at_any_time_and_run_again() {
    const KILLS: usize = 90;
    let site = Site::new();
    build(&site);
    let whole = entries(&site);
    let begun = Instant::now();
    finish(&site);
    let mut span = begun.elapsed();
    let mut dice = dice();
    let (mut hits, mut late, mut left) = (0, 0, BTreeSet::new());
    while hits < KILLS {
        let site = Site::new();
        build(&site);
        if kill_after(&site, span.mul_f64(dice())) {
            hits += 1;
            left.insert(entries(&site));
        } else {
            // It was faster than the one that was measured.
            late += 1;
            assert!(late < 10 * KILLS, "the walk is too short to be hit");
            span = span.mul_f64(0.98);
        }
        finish(&site);
    }
    let within = left.iter().filter(|&&entries| entries < whole).count();
    println!(
        "{hits} kills before the end, {late} too late; they left {} different numbers of {whole} \
         entries",
        left.len()
    );
    // Not all before the first removal: spread over the walk.
    assert!(within >= KILLS / 10, "{left:?}");
}

/// Whether the command was killed before its end, so long after its start.
fn kill_after(site: &Site, delay: Duration) -> bool {
    let begun = Instant::now();
    let mut child = fell(site.root())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("fell runs");
    while begun.elapsed() < delay {
        std::hint::spin_loop();
    }
    child.kill().expect("it was not waited for");
    let killed = was_killed(child.wait().expect("it ends"));
    site.assert_canaries();
    killed && site.root().exists()
}
