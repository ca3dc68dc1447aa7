//! What a person, or a program, is told about each path.

use crate::args::Args;
use fell::machine::{Reply, Request, Rmdir, Unlink};
use fell::{Error, Event, Leftover, Report, printable};
use serde_json::{Value, json};
use std::fmt;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// Prints about one path.
pub(crate) struct Printer {
    json: bool,
    verbose: bool,
    quiet: bool,
    out: io::BufWriter<io::Stdout>,
    /// The first error of `out`; what comes after it is not written.
    error: Option<io::Error>,
}

impl Printer {
    pub(crate) fn new(args: &Args) -> Printer {
        Printer {
            json: args.json,
            verbose: args.verbose,
            quiet: args.quiet,
            out: io::BufWriter::new(io::stdout()),
            error: None,
        }
    }

    /// Names what a step removed.
    pub(crate) fn step(&mut self, event: &Event<'_>) {
        if !self.verbose {
            return;
        }
        let what = match (event.request, event.reply) {
            (_, Reply::Unlink(Unlink::Removed)) => "removed",
            (Request::Rmdir { .. } | Request::RmdirRoot { .. }, Reply::Rmdir(Rmdir::Removed)) => {
                "removed directory"
            }
            _ => return,
        };
        self.line(format_args!("{what} '{}'", printable(&event.path())));
    }

    /// Tells what became of the path. An error is one of writing that; the removal is done.
    pub(crate) fn end(
        mut self,
        path: &Path,
        result: &Result<Report, Error>,
        elapsed: Duration,
    ) -> io::Result<()> {
        if self.json {
            self.line(format_args!("{}", object(path, result, elapsed)));
        } else if self.verbose {
            self.line(format_args!("{}", summary(path, result, elapsed)));
        }
        // Before anything on standard error, which may be the same file.
        let written = self.error.map_or_else(|| self.out.flush(), Err);
        if let (Err(error), false) = (result, self.quiet) {
            complain(error);
        }
        match written {
            // A closed pipe is the reader's wish.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    fn line(&mut self, text: fmt::Arguments<'_>) {
        if self.error.is_none() {
            self.error = writeln!(self.out, "{text}").err();
        }
    }
}

/// Each leftover on standard error, and the error.
fn complain(error: &Error) {
    let mut err = io::stderr().lock();
    let report = error.report();
    for leftover in &report.leftovers {
        let _ = writeln!(err, "fell: {leftover}");
    }
    let unlisted = report.leftovers_total - report.leftovers.len() as u64;
    if unlisted > 0 {
        let _ = writeln!(err, "fell: and {unlisted} more");
    }
    let _ = writeln!(err, "fell: {error}");
}

fn summary(path: &Path, result: &Result<Report, Error>, elapsed: Duration) -> String {
    let report = report(result);
    format!(
        "{}: {}: {} files and {} directories removed, {} vanished, {} left, {} retries, in {:.3} s",
        printable(path),
        outcome(result).replace('_', " "),
        report.files,
        report.directories,
        report.vanished,
        report.leftovers_total,
        report.retries,
        elapsed.as_secs_f64(),
    )
}

/// The report, whatever came of the walk.
pub(crate) fn report(result: &Result<Report, Error>) -> &Report {
    match result {
        Ok(report) => report,
        Err(error) => error.report(),
    }
}

/// The outcome in one word.
pub(crate) fn outcome(result: &Result<Report, Error>) -> &'static str {
    match result {
        Ok(report) if report.already_gone => "already_gone",
        Ok(_) => "removed",
        Err(Error::NotEmpty { .. }) => "not_empty",
        Err(Error::NotADirectory { .. }) => "not_a_directory",
        Err(Error::Refused { .. }) => "refused",
        Err(Error::Cancelled { .. }) => "cancelled",
        Err(_) => "failed",
    }
}

fn object(path: &Path, result: &Result<Report, Error>, elapsed: Duration) -> Value {
    let report = report(result);
    let leftovers: Vec<Value> = report.leftovers.iter().map(leftover).collect();
    let mut object = json!({
        "path": path.to_string_lossy(),
        "outcome": outcome(result),
        "files": report.files,
        "dirs": report.directories,
        "vanished": report.vanished,
        "passes": report.passes,
        "retries": report.retries,
        "deepest": report.deepest,
        "most_open": report.most_open,
        "leftovers": leftovers,
        "leftovers_total": report.leftovers_total,
        "patience_spent": report.patience_spent,
        "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
    });
    with_bytes(&mut object, path);
    if let Err(error) = result {
        object["error"] = error.to_string().into();
    }
    object
}

fn leftover(leftover: &Leftover) -> Value {
    let mut object = json!({
        "path": leftover.path.to_string_lossy(),
        "operation": leftover.operation.to_string(),
        "errno": leftover.errno,
    });
    with_bytes(&mut object, &leftover.path);
    object
}

/// JSON has no strings of bytes: a path that is no UTF-8 is told as numbers too.
fn with_bytes(object: &mut Value, path: &Path) {
    if path.to_str().is_none() {
        object["path_bytes"] = path.as_os_str().as_bytes().into();
    }
}
