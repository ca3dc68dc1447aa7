//! The command `fell`.

fn main() {}
