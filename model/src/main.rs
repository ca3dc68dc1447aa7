//! The command `fell-model`.
fn main() {}
