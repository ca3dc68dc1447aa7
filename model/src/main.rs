//! The command `fell-model`.

use clap::Parser;
use std::process::ExitCode;

/// Checks the machine of `fell`, and draws it.
#[derive(Parser, Debug)]
#[command(version)]
enum Command {
    Diagram(fell_model::diagram::Diagram),
}

fn main() -> ExitCode {
    match Command::parse() {
        Command::Diagram(diagram) => diagram.run(),
    }
}
