//! `replay`: traces of real walks through a fresh machine and past the model's rules.

use clap::{Args, ValueEnum};
use fell_model::replay::{self, Error, replay};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The words behind `replay`.
#[derive(Args)]
pub(crate) struct Replay {
    /// What others may have done while the walks were made
    #[arg(long, value_enum, default_value_t = Others::Anyone)]
    others: Others,
    /// Files that `fell --trace` wrote
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<PathBuf>,
}

/// What others may have done.
#[derive(Clone, Copy, ValueEnum)]
enum Others {
    /// Anything
    Anyone,
    /// They removed, and did nothing else
    Removers,
}

impl Replay {
    /// Runs the subcommand: all traces are replayed, and one that is refused makes it fail.
    pub(crate) fn run(&self) -> ExitCode {
        let others = match self.others {
            Others::Anyone => replay::Others::Anyone,
            Others::Removers => replay::Others::Removers,
        };
        let accepted = self
            .traces
            .iter()
            .map(|trace| accepts(trace, others))
            .filter(|&accepted| !accepted)
            .count()
            == 0;
        if accepted {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }
}

fn accepts(trace: &Path, others: replay::Others) -> bool {
    let shown = trace.display();
    let replayed = File::open(trace)
        .map_err(Error::Io)
        .and_then(|file| replay(BufReader::new(file), others));
    match replayed {
        Ok(tally) => {
            println!(
                "{shown}: {} walks, {} requests: the machine asks the same, and the world allows \
                 the replies",
                tally.walks, tally.steps
            );
            true
        }
        Err(Error::Refused(refusal)) => {
            println!("{shown}: {refusal}");
            false
        }
        Err(Error::Io(error)) => {
            eprintln!("{shown}: {error}");
            false
        }
    }
}
