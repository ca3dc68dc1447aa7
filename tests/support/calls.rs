//! System calls as strace sees them: counted, or made to fail.
//!
//! Everything here answers None (or does nothing) after saying so through
//! [`require`] when strace is missing or may not trace.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Output, Stdio};

use rustix::fs::{Access, access};
use tempfile::NamedTempFile;

use super::again;
use super::privilege::require;

/// How often each system call was made, by name.
pub type Counts = BTreeMap<String, u64>;

/// What became of a command under [`strace_counts`].
#[derive(Debug)]
pub struct Traced {
    pub output: Output,
    pub counts: Counts,
}

/// Names that exist nowhere; asking for them marks a place in a trace.
const BEGIN: &str = "/fell-mark/begin";
const END: &str = "/fell-mark/end";

/// Runs `command` and counts its system calls, those of its threads and children included, after
/// the first one that mentions `marker` (a path, say: the calls before it are the loader's and the
/// runtime's, and differ from machine to machine). Panics when no call mentions it.
#[track_caller]
pub fn strace_counts(command: &Command, marker: &str) -> Option<Traced> {
    let (mut wrapped, log) = logging(command)?;
    let output = wrapped.output().expect("strace ran a moment ago");
    let counts = tally(&log, marker, None);
    Some(Traced { output, counts })
}

/// Counts the system calls of `body` alone, run in a process of its own. Only the outer process is
/// given the counts: `if let Some(counts) = strace_self(...) { assert... }`.
#[track_caller]
pub fn strace_self(test: &str, body: impl FnOnce()) -> Option<Counts> {
    const LAYER: &str = "strace";
    if again::inside(test, LAYER) {
        mark(BEGIN);
        body();
        mark(END);
        return None;
    }
    let (mut wrapped, log) = logging(&again::command(test, LAYER))?;
    again::must_pass(test, LAYER, &mut wrapped);
    Some(tally(&log, BEGIN, Some(END)))
}

/// Runs `command` with system calls tampered with: `what` is strace's, as in
/// `openat2:error=ENOSYS` or `unlinkat:error=EIO:when=3`.
#[track_caller]
pub fn strace_inject(command: &Command, what: &str) -> Option<Output> {
    let mut wrapped = injecting(command, what)?;
    Some(wrapped.output().expect("strace ran a moment ago"))
}

/// Runs `body` in a process of its own with system calls tampered with, as [`strace_inject`] does.
#[track_caller]
pub fn strace_inject_self(test: &str, what: &str, body: impl FnOnce()) {
    again::layered(test, "inject", |command| injecting(&command, what), body);
}

#[track_caller]
fn injecting(command: &Command, what: &str) -> Option<Command> {
    let inject = format!("inject={what}");
    // With `-qq` and the log thrown away, stderr is the command's own.
    let prefix = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
    tracing_works().then(|| again::under(&prefix, command))
}

/// `command` under strace, and the file that will hold the trace.
#[track_caller]
fn logging(command: &Command) -> Option<(Command, NamedTempFile)> {
    if !tracing_works() {
        return None;
    }
    let log = NamedTempFile::new().expect("a file for the trace");
    let path = log.path().as_os_str();
    let prefix = ["strace", "-f", "-qq", "-o"].map(OsStr::new);
    let wrapped = again::under(&[&prefix[..], &[path]].concat(), command);
    Some((wrapped, log))
}

#[track_caller]
fn tracing_works() -> bool {
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "true"])
        .stderr(Stdio::null())
        .status();
    require(
        status.is_ok_and(|status| status.success()),
        "strace is missing or may not trace",
    )
}

fn mark(name: &str) {
    assert!(
        access(name, Access::EXISTS).is_err(),
        "{name} must not exist"
    );
}

/// Counts the calls after the line that mentions `begin`, up to the one that mentions `end`.
#[track_caller]
fn tally(log: &NamedTempFile, begin: &str, end: Option<&str>) -> Counts {
    let log = fs::read(log.path()).expect("the trace");
    // Lossy: strace escapes what it quotes, but not everything is quoted.
    let log = String::from_utf8_lossy(&log);
    let mut lines = log.lines();
    // Without this a wrong marker would count nothing, and "at most" would hold.
    assert!(
        lines.any(|line| line.contains(begin)),
        "no system call mentions {begin}"
    );
    let mut counts = Counts::new();
    for line in lines.take_while(|line| !end.is_some_and(|end| line.contains(end))) {
        // `123  openat(...) = 3`, where a call that was interrupted in the log is counted at its
        // first half; `<... resumed>`, `+++ exited` and `--- SIGCHLD` are no calls.
        let call = line
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start();
        let Some((name, _)) = call.split_once('(') else {
            continue;
        };
        if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    counts
}
