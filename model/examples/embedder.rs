//! The check in somebody else's continuous integration, with their own limits and adversaries.

use fell::machine::Limits;
use fell_model::{Adversary, Check};

fn main() -> Result<(), fell_model::Failure> {
    let limits = Limits {
        max_open_dirs: 2,
        patience: 3,
        batch: 2,
        ..Limits::DEFAULT
    };
    let summary = Check::new()
        .entries(2)
        .budget(2)
        .adversaries([Adversary::Remover, Adversary::Mover])
        .limits(limits)
        .run()?;
    println!("{} states hold", summary.size.states);
    Ok(())
}
