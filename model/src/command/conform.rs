//! `conform`: runs drawn sequences of operations on the model and on a real directory.

use super::tour::{default_dir, in_private_namespace};
use clap::Args;
use fell_model::conform::draw;
use fell_model::real::Nature;
use std::path::PathBuf;
use std::process::ExitCode;

/// The words behind `conform`.
#[derive(Args)]
pub(crate) struct Conform {
    /// Where trees are planted [default: /dev/shm, or the temporary directory]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The same directory as the adversaries see it: on NFS, by another client
    #[arg(long)]
    other: Option<PathBuf>,
    /// How many sequences
    #[arg(long, default_value_t = 1_000)]
    cases: u32,
}

impl Conform {
    /// Draws and runs.
    pub(crate) fn run(&self) -> ExitCode {
        let private = in_private_namespace();
        let dir = self.dir.clone().unwrap_or_else(default_dir);
        let nature = match Nature::of(&dir, self.other.as_deref(), private) {
            Ok(nature) => nature,
            Err(trouble) => {
                eprintln!("{}: {trouble}", dir.display());
                return ExitCode::FAILURE;
            }
        };
        println!("{nature}");
        match draw(&nature, self.cases) {
            Ok(drawn) => {
                println!(
                    "total: {} sequences, {} operations, 0 mismatches, {} sequences left where an NFS \
                     client remembered a parent: ok",
                    drawn.sequences, drawn.operations, drawn.remembered
                );
                ExitCode::SUCCESS
            }
            Err(words) => {
                println!("{words}");
                ExitCode::FAILURE
            }
        }
    }
}
