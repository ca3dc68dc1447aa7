//! The removers. Each runs as a process of its own.

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};
use std::env;
use std::fmt::Display;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// Who removes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Contender {
    /// This project's library.
    Fell,
    /// The same, told to hold at most 16 descriptors.
    FellNarrow,
    /// `std::fs::remove_dir_all`.
    Std,
    /// `rm -rf`.
    Rm,
    /// The crate `remove_dir_all`.
    Crate,
    /// The crate `fuc_engine`, on which the command `rmz` is built. It uses several threads.
    Fuc,
    /// koji's algorithm, rendered in Python.
    Koji,
}

/// A rendering of koji's algorithm, by its behaviour.
const KOJI: &str = include_str!("../koji.py");

impl Contender {
    /// All of them.
    pub const ALL: [Contender; 7] = [
        Contender::Fell,
        Contender::FellNarrow,
        Contender::Std,
        Contender::Rm,
        Contender::Crate,
        Contender::Fuc,
        Contender::Koji,
    ];

    /// The word for it in tables and on command lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Contender::Fell => "fell",
            Contender::FellNarrow => "fell-narrow",
            Contender::Std => "std",
            Contender::Rm => "rm",
            Contender::Crate => "remove_dir_all",
            Contender::Fuc => "fuc_engine",
            Contender::Koji => "koji",
        }
    }

    pub(crate) fn named(name: &str) -> Contender {
        let found = Contender::ALL.into_iter().find(|c| c.name() == name);
        found.unwrap_or_else(|| panic!("no contender is called {name}"))
    }

    /// The command that removes `path`, and nothing else, in a process of its own.
    ///
    /// # Panics
    /// When this program has no path.
    #[must_use]
    pub fn command(self, path: &Path) -> Command {
        let mut command = match self {
            Contender::Rm => {
                let mut command = Command::new("rm");
                command.args(["-rf", "--"]);
                command
            }
            Contender::Koji => {
                let mut command = Command::new("python3");
                command.args(["-c", KOJI]);
                command
            }
            Contender::Fell
            | Contender::FellNarrow
            | Contender::Std
            | Contender::Crate
            | Contender::Fuc => {
                let mut command = Command::new(env::current_exe().expect("the program has a path"));
                command.args(["contend", self.name()]);
                command
            }
        };
        command.arg(path).stdin(Stdio::null());
        command
    }

    /// Removes `path` in this process.
    pub(crate) fn contend(self, path: &Path) -> ExitCode {
        match self {
            Contender::Fell => conclude(fell::remove_dir_all(path).map_err(|error| told(&error))),
            Contender::FellNarrow => {
                let remover = fell::Remover::new().max_open_dirs(13);
                conclude(remover.remove_dir_all(path).map_err(|error| told(&error)))
            }
            Contender::Std => conclude(std::fs::remove_dir_all(path)),
            Contender::Crate => conclude(remove_dir_all::remove_dir_all(path)),
            Contender::Fuc => conclude(fuc_engine::remove_dir_all(path).map_err(chain)),
            Contender::Rm | Contender::Koji => panic!("{} has its own program", self.name()),
        }
    }

    /// Runs the command and prints what it took, as one JSON object.
    pub(crate) fn measure(self, path: &Path) -> ExitCode {
        let mut command = self.command(path);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let begun = Instant::now();
        let output = command.output().expect("the contender starts");
        let seconds = begun.elapsed().as_secs_f64();
        // Of all children, and there was but this one.
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage works");
        let micros = |time: nix::sys::time::TimeVal| time.num_microseconds();
        println!(
            "{}",
            json!({
                "ok": output.status.success() && path.symlink_metadata().is_err(),
                "seconds": seconds,
                "user_us": micros(usage.user_time()),
                "system_us": micros(usage.system_time()),
                "peak_kib": usage.max_rss(),
                "said": String::from_utf8_lossy(&output.stderr),
            })
        );
        ExitCode::SUCCESS
    }

    /// Measures the removal of `path`.
    ///
    /// # Panics
    /// When the measuring process fails.
    #[must_use]
    pub fn measured(self, path: &Path) -> Value {
        let program = env::current_exe().expect("the program has a path");
        let output = Command::new(program)
            .args(["measure", self.name()])
            .arg(path)
            .stderr(Stdio::inherit())
            .output()
            .expect("this program starts");
        serde_json::from_slice(&output.stdout).expect("it prints JSON")
    }
}

/// The error with the leftovers, as the command `fell` says them.
fn told(error: &fell::Error) -> String {
    let leftovers = error.report().leftovers.iter();
    let mut lines: Vec<String> = leftovers.map(ToString::to_string).collect();
    lines.push(error.to_string());
    lines.join("\n")
}

fn chain(error: fuc_engine::Error) -> String {
    match error {
        fuc_engine::Error::Io { error, context } => format!("{context}: {error}"),
        other => other.to_string(),
    }
}

fn conclude<T>(result: Result<T, impl Display>) -> ExitCode {
    match result {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
