//! Attackers race walks of `fell` on real directories. The canaries are whole after every walk, each
//! ends as `docs/spec.md` allows, and each attacker wins its race at least once, or the test fails.
//!
//! `FELL_ATTACK_SECONDS` is how long each attacker goes on (1 unless it is set). How they
//! fare against other removers: `tests/bench/src/bin/attack.rs`, and `docs/security.md`.
//!
//! Absent: attacks that need rights in the canary, and timing. What is exact about a moment is in
//! `races.rs` and in `guarantees`; here it is the number of races.

#[path = "../support/mod.rs"]
mod support;

mod attack;

use attack::Attacker;
use attack::ground::Ground;
use attack::walks::beside;
use std::env;
use std::fs;
use std::io::{self, Write, stderr};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::privilege::{in_mount_namespace, require};

/// How long one attacker goes on.
fn time() -> Duration {
    let seconds = env::var("FELL_ATTACK_SECONDS").unwrap_or_else(|_| "1".into());
    let seconds = seconds
        .parse()
        .ok()
        .filter(|&s: &f64| s.is_finite() && s >= 0.0);
    Duration::from_secs_f64(seconds.expect("FELL_ATTACK_SECONDS is a number of seconds"))
}

/// Lets the attacker called `name` at walks, and says what came of it.
#[track_caller]
fn withstand(name: &str, place: Option<&Path>) {
    let attacker = Attacker::named(name).expect("it is in the list");
    let tally = beside(attacker, time(), || Ground::new(place));
    let (race, won) = attacker.race;
    let won = won(&tally.met);
    // Not eprintln: libtest would swallow the line of a test that passes.
    let _ = writeln!(stderr(), "{name}: {won} times {race}; {tally}");
    assert_eq!(tally.damage, [""; 0], "{name}");
    assert_eq!(tally.broken, [""; 0], "{name}");
    assert!(tally.acts > 0, "{name} did nothing");
    assert!(tally.free > 0 && tally.walks > tally.free);
    assert!(won > 0, "{name} never won: {tally}");
}

//= docs/spec.md#g2-writers
//= type=test
//# G2.1: If nothing is unremovable and others also create, rename or link beneath the root, the walk
//# MUST end Ok or NotEmpty and with no other error.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.1: The walker MUST NOT remove anything but entries of reached directories.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.2: The walker MUST NOT follow a symlink beneath the root.
#[test]
fn directories_exchanged_for_links() {
    withstand("link", None);
}

//= docs/spec.md#g2-writers
//= type=test
//# G2.2: Whatever others create, rename or link, an Ok MUST mean that the root's name was seen
//# absent.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.7: The walker MUST NOT read or remove anything in what it reached by `..` before it has
//# compared the identity of what it reached with what it noted on the way down.
#[test]
fn directories_moved_out_to_beside_their_like() {
    withstand("out", None);
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.7: The walker MUST NOT read or remove anything in what it reached by `..` before it has
//# compared the identity of what it reached with what it noted on the way down.
#[test]
fn directories_moved_up() {
    withstand("up", None);
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.1: The walker MUST NOT remove anything but entries of reached directories.
#[test]
fn directories_moved_down_into_their_siblings() {
    withstand("down", None);
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.3: The walker MUST NOT follow a symlink that stands under the root's name, not even when the
//# path given ends in a slash.
#[test]
fn the_root_exchanged_for_a_link() {
    withstand("root-link", None);
}

//= docs/spec.md#g2-writers
//= type=test
//# G2.4: Once the root has been opened, the walk MUST NOT end NotADirectory unless others replaced
//# the root's own name.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.8: When the root is opened again, a directory that differs in mount, device, inode or, where
//# the file system keeps it, birth time from the root first opened MUST NOT be entered.
#[test]
fn the_root_exchanged_for_another_directory() {
    withstand("root-other", None);
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.7: The walker MUST NOT read or remove anything in what it reached by `..` before it has
//# compared the identity of what it reached with what it noted on the way down.
#[test]
fn a_number_taken_by_another_directory() {
    let told = env::var_os("FELL_TEST_DIR").map(PathBuf::from);
    let places = told
        .into_iter()
        .chain([PathBuf::from(env!("CARGO_TARGET_TMPDIR")), env::temp_dir()]);
    let found = places
        .into_iter()
        .find(|place| reuses_numbers(place).expect("directories can be made"));
    if require(
        found.is_some(),
        "no file system here gives a freed number away",
    ) {
        withstand("number", found.as_deref());
    }
}

/// Whether a directory that is made after one was removed has its number.
fn reuses_numbers(place: &Path) -> io::Result<bool> {
    fs::create_dir_all(place)?;
    let dir = tempfile::tempdir_in(place)?;
    let name = dir.path().join("number");
    let make = || {
        fs::create_dir(&name)?;
        let number = fs::symlink_metadata(&name)?.ino();
        fs::remove_dir(&name)?;
        Ok::<u64, io::Error>(number)
    };
    let numbers = [make()?, make()?];
    let reused = numbers[0] == numbers[1];
    let not = if reused { "" } else { "not " };
    let _ = writeln!(
        stderr(),
        "{}: numbers are {not}reused at once",
        place.display()
    );
    Ok(reused)
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.4: The walker MUST NOT enter a mount point beneath the root, be it another file system or a
//# bind mount of the same device.
#[test]
fn mounts_that_come_and_go() {
    in_mount_namespace("mounts_that_come_and_go", || withstand("mount", None));
}

//= docs/spec.md#g3-termination
//= type=test
//# G3.5: The walker MUST NOT go more than `max_depth` levels deep, the root counted, which is 2^22 by
//# default.
//= docs/spec.md#g3-termination
//= type=test
//# G3.7: A deadline MUST end the walk even in a listing that never ends and under a writer that
//# always digs one level deeper.
//= docs/spec.md#g3-termination
//= type=test
//# G3.8: A cancel hook MUST end the walk even in a listing that never ends and under a writer that
//# always digs one level deeper.
#[test]
fn a_writer_always_one_level_deeper() {
    withstand("deeper", None);
}

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
fn a_writer_as_fast_as_it_can() {
    withstand("flood", None);
}
