//! The command `fell`: removes directory trees and says what became of each.
//!
//! Deliberately absent: decisions about trees. The library removes; this parses words, listens to
//! Ctrl-C and prints.

mod args;
mod print;
mod signals;
mod trace;

use args::Args;
use clap::Parser;
use core::ops::ControlFlow;
use fell::{Error, Event, Report};
use print::Printer;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use trace::Trace;

/// All gone, or already absent.
const GONE: u8 = 0;
/// Any other outcome.
const LEFT: u8 = 1;
/// The words were wrong, or a root was refused.
const USAGE: u8 = 2;
/// Ctrl-C, or SIGTERM.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let args = Args::parse();
    let interrupted = match signals::listen(INTERRUPTED) {
        Ok(interrupted) => interrupted,
        Err(error) => {
            eprintln!("fell: cannot listen to signals: {error}");
            return ExitCode::from(LEFT);
        }
    };
    let mut trace = match args.trace.as_deref().map(Trace::create).transpose() {
        Ok(trace) => trace,
        Err(error) => {
            eprintln!("fell: cannot write the trace: {error}");
            return ExitCode::from(USAGE);
        }
    };
    let mut worst = GONE;
    for path in &args.paths {
        worst = worst.max(fell_one(&args, path, trace.as_mut(), &interrupted));
        if interrupted.load(Ordering::Relaxed) {
            worst = INTERRUPTED;
            break;
        }
    }
    if let Some(Err(error)) = trace.map(Trace::finish) {
        eprintln!("fell: cannot write the trace: {error}");
        worst = worst.max(LEFT);
    }
    ExitCode::from(worst)
}

/// Removes one tree and prints what became of it. Returns the exit code.
fn fell_one(
    args: &Args,
    path: &Path,
    mut trace: Option<&mut Trace>,
    interrupted: &AtomicBool,
) -> u8 {
    let remover = args.remover();
    let mut printer = Printer::new(args);
    let begun = Instant::now();
    if let Some(trace) = trace.as_deref_mut() {
        trace.begin(path, remover.limits());
    }
    let result = remover.remove_dir_all_observed(path, |event: &Event<'_>| {
        if let Some(trace) = trace.as_deref_mut() {
            trace.step(event);
        }
        printer.step(event);
        if interrupted.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    if let Some(trace) = trace {
        trace.end(&result);
    }
    let code = exit_code(&result);
    match printer.end(path, &result, begun.elapsed()) {
        Ok(()) => code,
        Err(error) => {
            eprintln!("fell: cannot write to standard output: {error}");
            code.max(LEFT)
        }
    }
}

fn exit_code(result: &Result<Report, Error>) -> u8 {
    match result {
        Ok(_) => GONE,
        Err(Error::Refused { .. }) => USAGE,
        Err(Error::Cancelled { .. }) => INTERRUPTED,
        Err(_) => LEFT,
    }
}
