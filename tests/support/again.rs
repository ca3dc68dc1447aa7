//! Runs the test that calls it once more, in a process of its own: the one mechanism behind
//! namespaces, users, limits and tracing. These belong to a process, and libtest runs all tests
//! as threads of one.
//!
//! A *layer* is what the new process has and the old one had not (`"mounts"`, `"nobody"`, ...).
//! The test function runs in both processes, so what stands beside the body runs twice; [`inside`]
//! tells which one this is. Layers nest: a body that asks for another layer runs once more with
//! both. Only what strace traces cannot be traced again.

use std::env;
use std::ffi::OsStr;
use std::io::{Write, stderr};
use std::process::{Command, ExitStatus};

/// The test for which this process was started.
const INSIDE: &str = "FELL_INSIDE";
/// Its layers, comma separated, outermost first.
const LAYERS: &str = "FELL_LAYERS";

/// Whether this process was started for `test` and has `layer`.
pub fn inside(test: &str, layer: &str) -> bool {
    layers_of(test).iter().any(|name| name == layer)
}

/// Whether this process has `layer`, for whichever test.
pub fn has_layer(layer: &str) -> bool {
    env::var(INSIDE).is_ok_and(|test| inside(&test, layer))
}

fn layers_of(test: &str) -> Vec<String> {
    if env::var(INSIDE).is_ok_and(|name| name == test) {
        let layers = env::var(LAYERS).unwrap_or_default();
        layers.split(',').map(str::to_owned).collect()
    } else {
        Vec::new()
    }
}

/// The command that runs `test` and nothing else, marked as having `layer` besides those that this
/// process has for it. `test` is the whole name, modules included.
pub fn command(test: &str, layer: &str) -> Command {
    let mut layers = layers_of(test);
    layers.push(layer.to_owned());
    let binary = env::current_exe().expect("the path of the test binary");
    let mut command = Command::new(binary);
    // Ignored tests are included: whoever runs one by hand expects its inside to run too.
    command
        .args([
            "--exact",
            test,
            "--include-ignored",
            "--nocapture",
            "--test-threads",
            "1",
        ])
        .env(INSIDE, test)
        .env(LAYERS, layers.join(","));
    command
}

/// `command` behind the words of `prefix` (`["strace", "-f"]`), with its environment and
/// directory.
pub fn under<S: AsRef<OsStr>>(prefix: &[S], command: &Command) -> Command {
    let (first, rest) = prefix.split_first().expect("a prefix has a program");
    let mut wrapped = Command::new(first);
    wrapped
        .args(rest)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    if let Some(dir) = command.get_current_dir() {
        wrapped.current_dir(dir);
    }
    wrapped
}

/// How a test run by [`run`] ended.
#[derive(Debug)]
pub struct Verdict {
    /// Exactly one test ran, and it passed.
    pub passed: bool,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command made by [`command`] to its end.
#[track_caller]
pub fn run(command: &mut Command) -> Verdict {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{:?} does not start: {error}", command.get_program()));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    // A misspelt name runs no test and succeeds: success alone says nothing.
    let passed = output.status.success() && stdout.contains("test result: ok. 1 passed;");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Verdict {
        passed,
        status: output.status,
        stdout,
        stderr,
    }
}

/// Runs a command made by [`command`] and panics unless exactly one test ran and passed. What it
/// was told of skips is said aloud here too.
#[track_caller]
pub fn must_pass(test: &str, layer: &str, command: &mut Command) {
    let verdict = run(command);
    for line in verdict
        .stderr
        .lines()
        .filter(|line| line.starts_with("skipped: "))
    {
        // Not eprintln: libtest would swallow the line of a test that passes.
        let _ = writeln!(stderr(), "{line}");
    }
    assert!(
        verdict.passed,
        "`{test}` did not run and pass with layer `{layer}`: {}\n--- stdout ---\n{}\n--- stderr ---\n{}",
        verdict.status, verdict.stdout, verdict.stderr
    );
    eprint!("{}{}", verdict.stdout, verdict.stderr);
}

/// Inside `layer` runs `body`; outside runs `test` once more behind `wrap`, and fails unless it
/// passes there. `wrap` answers None when the layer is not to be had, having said so.
#[track_caller]
pub fn layered(
    test: &str,
    layer: &str,
    wrap: impl FnOnce(Command) -> Option<Command>,
    body: impl FnOnce(),
) {
    if inside(test, layer) {
        body();
    } else if let Some(mut command) = wrap(command(test, layer)) {
        must_pass(test, layer, &mut command);
    }
}
