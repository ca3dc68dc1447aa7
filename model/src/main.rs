//! The command `fell-model`: checks the machine, and draws it.

#![forbid(unsafe_code)]

mod command;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Checks the machine of `fell` against every adversary, in a model of the file system.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Search all reachable states of every configuration and look at every law in each
    Check(command::check::Check),
    /// Put other removers into the same world and write what they break into docs/lineage.md
    Lineage(command::lineage::Lineage),
    /// Draw the diagram, the matrix and the tables of the machine into docs/
    Diagram(fell_model::diagram::Diagram),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Check(check) => check.run(),
        Command::Lineage(lineage) => lineage.run(),
        Command::Diagram(diagram) => diagram.run(),
    }
}
