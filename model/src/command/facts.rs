//! `facts`: what file systems answer, measured, kept, compared, and drawn into docs/kernel.md.

use clap::{Args, Subcommand};
use fell_model::facts::record::{Column, compare, missing, parse};
use fell_model::facts::{Ground, page};
use std::cell::Cell;
use std::env;
use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

/// The words behind `facts`.
#[derive(Args)]
pub(crate) struct Facts {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Measure one file system, as root, and print its column
    Measure(Measure),
    /// Compare the columns in the outputs of lanes with the model and with what is kept
    Check(Logs),
    /// Keep the columns in the outputs of lanes, and draw docs/kernel.md
    Keep(Logs),
    /// Draw docs/kernel.md from what is kept
    Page {
        /// Write nothing; exit 1 when the page is stale
        #[arg(long)]
        check: bool,
    },
}

#[derive(Args)]
struct Measure {
    /// A directory on it, in which all may be made and removed
    #[arg(long)]
    dir: PathBuf,
    /// The column's name
    #[arg(long)]
    name: String,
    /// The same directory as another client sees it, which then is the one that acts
    #[arg(long)]
    other: Option<PathBuf>,
    /// How many seconds to wait after others' acts
    #[arg(long, default_value_t = 0.0)]
    wait: f64,
    /// Build in the lower directory of an overlayfs, and measure that
    #[arg(long)]
    lower: bool,
}

#[derive(Args)]
struct Logs {
    /// The outputs
    #[arg(required = true)]
    logs: Vec<PathBuf>,
}

impl Facts {
    /// Runs the subcommand.
    pub(crate) fn run(self) -> ExitCode {
        let done = match self.what {
            What::Measure(measure) => measure.run(),
            What::Check(logs) => logs.check(),
            What::Keep(logs) => logs.keep(),
            What::Page { check } => draw(check),
        };
        done.unwrap_or_else(|error| {
            eprintln!("facts: {error}");
            ExitCode::FAILURE
        })
    }
}

impl Measure {
    fn run(self) -> io::Result<ExitCode> {
        const INSIDE: &str = "FELL_FACTS_INSIDE";
        if env::var_os(INSIDE).is_none() {
            // It mounts, and so wants a mount namespace of its own; without unsafe code only a new
            // process gets one.
            let mut unshare = Command::new("unshare");
            unshare.args(["--mount", "--propagation", "private", "--"]);
            unshare
                .arg(env::current_exe()?)
                .args(env::args_os().skip(1));
            return Err(unshare.env(INSIDE, "1").exec());
        }
        let ground = Ground {
            here: self.dir,
            there: self.other,
            wait: Duration::from_secs_f64(self.wait),
            lower: self.lower,
            made: Cell::new(0),
        };
        let mut column = Column::new(&self.name, &ground)?;
        column.measure(&ground);
        print!("{column}");
        Ok(ExitCode::SUCCESS)
    }
}

impl Logs {
    fn columns(&self) -> io::Result<Vec<Column>> {
        let mut text = String::new();
        for log in &self.logs {
            text += &fs::read_to_string(log)?;
        }
        Ok(parse(&text))
    }

    fn check(&self) -> io::Result<ExitCode> {
        let measured = self.columns()?;
        let found = compare(&measured, &parse(&fs::read_to_string(page::kept())?));
        for note in &found.notes {
            println!("note: {note}");
        }
        let all = env::var_os("FELL_REQUIRE").is_some_and(|value| value == "all");
        for name in &found.missing {
            let kind = if all { "failed" } else { "note" };
            println!("{kind}: {name}: not measured");
        }
        for failure in &found.failures {
            println!("failed: {failure}");
        }
        let answers: usize = measured.iter().map(|column| column.answers.len()).sum();
        println!(
            "{answers} answers of {} columns were compared",
            measured.len()
        );
        let failed = !found.failures.is_empty() || all && !found.missing.is_empty();
        Ok(ExitCode::from(u8::from(failed)))
    }

    fn keep(&self) -> io::Result<ExitCode> {
        let measured = self.columns()?;
        let lost = missing(&measured, &parse(&fs::read_to_string(page::kept())?));
        if !lost.is_empty() {
            // What is no longer wanted is taken out of the file by hand.
            let names = lost.join("; ");
            return Err(io::Error::other(format!("kept, and not measured: {names}")));
        }
        let text: String = measured.iter().map(Column::to_string).collect();
        fs::write(page::kept(), text)?;
        println!("wrote {}", page::kept().display());
        draw(false)
    }
}

fn draw(check: bool) -> io::Result<ExitCode> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    match page::stale(&docs)? {
        None => Ok(ExitCode::SUCCESS),
        Some((path, _)) if check => {
            eprintln!("{} is stale; run `cargo model facts page`", path.display());
            Ok(ExitCode::FAILURE)
        }
        Some((path, text)) => {
            fs::write(&path, text)?;
            println!("wrote {}", path.display());
            Ok(ExitCode::SUCCESS)
        }
    }
}
