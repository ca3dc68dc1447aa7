//! The pictures of the machine in `docs`: the state diagram, the transition table, the matrix of
//! states and replies, and a walk of a small tree.
//!
//! All of them are drawn from the machine: the first three from [`fell::machine::TABLE`], the last
//! by driving it. Only where things stand on the page is written by hand.

mod svg;
mod tables;
mod walk;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A generated part of `machine.md`: what it is called, and what makes it.
type Part = (&'static str, fn() -> String);

const PARTS: [Part; 3] = [
    ("matrix", tables::matrix),
    ("transitions", tables::transitions),
    ("walk", walk::markdown),
];

/// Draws docs/machine.svg and the generated parts of docs/machine.md.
#[derive(clap::Args, Debug)]
pub struct Diagram {
    /// Write nothing; exit 1 when what is there is stale.
    #[arg(long)]
    check: bool,
    /// Where the documents are.
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))]
    docs: PathBuf,
}

impl Diagram {
    /// Runs the subcommand.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        match self.update() {
            Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
            Ok(stale) if self.check => {
                for path in stale {
                    eprintln!("{} is stale; run `cargo model diagram`", path.display());
                }
                ExitCode::FAILURE
            }
            Ok(written) => {
                for path in written {
                    println!("wrote {}", path.display());
                }
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{}: {error}", self.docs.display());
                ExitCode::FAILURE
            }
        }
    }

    /// The files that are stale, written unless they are only checked.
    fn update(&self) -> io::Result<Vec<PathBuf>> {
        let stale = stale(&self.docs)?;
        if !self.check {
            for (path, text) in &stale {
                fs::write(path, text)?;
            }
        }
        Ok(stale.into_iter().map(|(path, _)| path).collect())
    }
}

/// Which documents in `docs` are not what the machine says, and what they should be.
///
/// # Errors
/// A document cannot be read, or `machine.md` lacks a marker.
pub fn stale(docs: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let drawing = docs.join("machine.svg");
    let drawn = match fs::read_to_string(&drawing) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        other => other?,
    };
    let document = docs.join("machine.md");
    let written = fs::read_to_string(&document)?;
    let fresh = [
        (drawing, drawn, svg::drawing()),
        (document, written.clone(), filled(written)?),
    ];
    let stale = fresh.into_iter().filter(|(_, is, should)| is != should);
    Ok(stale.map(|(path, _, should)| (path, should)).collect())
}

/// The text with every generated part made anew.
fn filled(mut text: String) -> io::Result<String> {
    for (name, make) in PARTS {
        let begin = format!("<!-- generated: {name}; by `cargo model diagram` -->\n");
        let end = format!("<!-- end of {name} -->");
        let missing = || io::Error::other(format!("machine.md has no part `{name}`"));
        let from = text.find(&begin).ok_or_else(missing)? + begin.len();
        let to = from + text[from..].find(&end).ok_or_else(missing)?;
        text.replace_range(from..to, &format!("\n{}\n\n", make().trim_end()));
    }
    Ok(text)
}
