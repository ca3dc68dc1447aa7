//! `lineage`: other removers in the same world, written into docs/lineage.md.

use clap::Args;
use fell_model::lineage::stale;
use std::path::PathBuf;
use std::process::ExitCode;

/// The words behind `lineage`.
#[derive(Args)]
pub(crate) struct Lineage {
    /// Write nothing; exit 1 when what is there is stale
    #[arg(long)]
    check: bool,
    /// Where the documents are
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))]
    docs: PathBuf,
}

impl Lineage {
    /// Runs the subcommand.
    pub(crate) fn run(&self) -> ExitCode {
        match stale(&self.docs) {
            Ok(None) => ExitCode::SUCCESS,
            Ok(Some((path, _))) if self.check => {
                eprintln!("{} is stale; run `cargo model lineage`", path.display());
                ExitCode::FAILURE
            }
            Ok(Some((path, text))) => match std::fs::write(&path, text) {
                Ok(()) => {
                    println!("wrote {}", path.display());
                    ExitCode::SUCCESS
                }
                Err(error) => failed(&path, &error),
            },
            Err(error) => failed(&self.docs, &error),
        }
    }
}

fn failed(path: &std::path::Path, error: &std::io::Error) -> ExitCode {
    eprintln!("{}: {error}", path.display());
    ExitCode::FAILURE
}
