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
    /// Walk through a configuration by hand, in a browser
    Explore(command::explore::Explore),
    /// Let every wrong variant of the machine run: each must be found
    Teeth(command::teeth::Teeth),
    /// Put other removers into the same world and write what they break into docs/lineage.md
    Lineage(command::lineage::Lineage),
    /// Measure what file systems answer, and compare it with what the model assumes
    Facts(command::facts::Facts),
    /// Replay traces of real walks (`fell --trace`): exits 1 at one that cannot have been
    Replay(command::replay::Replay),
    /// Walk every edge on a real directory, and compare what the kernel answers
    Tour(command::tour::Tour),
    /// Run drawn sequences of operations on the model and on a real directory
    Conform(command::conform::Conform),
    /// Draw the diagram, the matrix and the tables of the machine into docs/
    Diagram(fell_model::diagram::Diagram),
    /// Count how the number of states grows, into docs/model.md
    Scaling(fell_model::scaling::Scaling),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Check(check) => check.run(),
        Command::Explore(explore) => explore.run(),
        Command::Teeth(teeth) => teeth.run(),
        Command::Lineage(lineage) => lineage.run(),
        Command::Facts(facts) => facts.run(),
        Command::Replay(replay) => replay.run(),
        Command::Tour(tour) => tour.run(),
        Command::Conform(conform) => conform.run(),
        Command::Diagram(diagram) => diagram.run(),
        Command::Scaling(scaling) => scaling.run(),
    }
}
