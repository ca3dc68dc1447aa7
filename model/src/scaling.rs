//! How the number of states grows with entries and acts: the table of `docs/model.md`.
//!
//! Every adversary acts, on all trees of up to so many entries. States and edges are exact and are
//! counted again by a test where that is quick; seconds are what one machine took once.

use crate::adversary::Adversary;
use crate::config::Config;
use crate::search::{Size, search};
use crate::world::trees;
use fell::machine::Walker;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How many entries and acts there are together in the largest rows.
const LARGE: u8 = 5;
/// The same, in the rows that are counted again to see whether the table is stale.
const SMALL: u8 = 3;
/// How many acts there are at most.
const ACTS: u8 = 3;

const BEGIN: &str = "<!-- generated: scaling; by `cargo model scaling` -->\n";
const END: &str = "<!-- end of scaling -->";
const HEAD: &str = "| entries, up to | trees | acts | unique states | edges | seconds |\n\
                    |---:|---:|---:|---:|---:|---:|\n";

/// Counts states and writes the table of docs/model.md.
#[derive(clap::Args, Debug)]
pub struct Scaling {
    /// Write nothing; count the small rows again, and exit 1 when the table says otherwise
    #[arg(long)]
    check: bool,
    /// Searching threads
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
}

impl Scaling {
    /// Runs the subcommand.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let done = if self.check {
            stale(self.threads)
        } else {
            write(self.threads).map(|()| Vec::new())
        };
        match done {
            Ok(stale) => {
                for row in &stale {
                    eprintln!("stale: {row}; run `cargo model scaling`");
                }
                ExitCode::from(u8::from(!stale.is_empty()))
            }
            Err(error) => {
                eprintln!("{}: {error}", document().display());
                ExitCode::FAILURE
            }
        }
    }
}

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/model.md")
}

/// The rows with at most so many entries and acts together.
fn rows(most: u8) -> impl Iterator<Item = (u8, u8)> {
    (0..=most)
        .flat_map(|entries| (0..=ACTS).map(move |acts| (entries, acts)))
        .filter(move |(entries, acts)| entries + acts <= most)
}

fn count(entries: u8, acts: u8, threads: usize) -> Size {
    let config = Config::new("scaling", entries).against(Some(acts), Adversary::ALL);
    search::<Walker<u8>>(&config, threads).size
}

/// A row of the table without its seconds.
fn row(entries: u8, acts: u8, size: &Size) -> String {
    let trees: usize = (0..=entries).map(|n| trees(n).len()).sum();
    format!(
        "| {entries} | {trees} | {acts} | {} | {} |",
        grouped(size.states),
        grouped(size.edges)
    )
}

/// A number with a comma after every third digit.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Where the table stands in the document.
fn table(text: &str) -> io::Result<core::ops::Range<usize>> {
    let missing = || io::Error::other("there is no generated part `scaling`");
    let from = text.find(BEGIN).ok_or_else(missing)? + BEGIN.len();
    let length = text[from..].find(END).ok_or_else(missing)?;
    Ok(from..from + length)
}

fn write(threads: usize) -> io::Result<()> {
    let mut made = format!("\n{HEAD}");
    for (entries, acts) in rows(LARGE) {
        let size = count(entries, acts, threads);
        let line = format!(
            "{} {:.1} |\n",
            row(entries, acts, &size),
            size.time.as_secs_f64()
        );
        print!("{line}");
        made.push_str(&line);
    }
    made.push('\n');
    let mut text = fs::read_to_string(document())?;
    let place = table(&text)?;
    text.replace_range(place, &made);
    fs::write(document(), text)
}

/// What the table does not say of the small rows though it should.
///
/// # Errors
///
/// When the document cannot be read or has no such table.
pub fn stale(threads: usize) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(document())?;
    let table = &text[table(&text)?];
    let says = |row: &str| table.lines().any(|line| line.starts_with(row));
    let small =
        rows(SMALL).map(|(entries, acts)| row(entries, acts, &count(entries, acts, threads)));
    let mut stale: Vec<String> = small.filter(|row| !says(row)).collect();
    let lines = table.lines().filter(|line| !line.is_empty()).count();
    let wanted = HEAD.lines().count() + rows(LARGE).count();
    if lines != wanted {
        stale.push(format!("{lines} lines, not {wanted}"));
    }
    Ok(stale)
}
