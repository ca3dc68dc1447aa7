//! The fuzz target without a fuzzer: a fixed number of inputs of random bytes, the same each time.
//!
//! For where there is no nightly toolchain. Fails also when the walks came to little: when an arm of the
//! table that fitting replies reach was not taken.

#![forbid(unsafe_code)]

use fell::machine::TABLE;
use fell_fuzz::{Tally, walk};
use std::process::ExitCode;

/// How many walks.
const WALKS: u32 = 300_000;
/// The longest input, in bytes.
const LONGEST: usize = 1024;

fn main() -> ExitCode {
    let mut random = Random(1);
    let mut sum = Tally::default();
    let mut input = Vec::new();
    for _ in 0..WALKS {
        // Lengths whose logarithm is even: short walks are as likely as long ones.
        let longest = LONGEST >> random.below(8);
        input.clear();
        input.resize_with(random.below(longest), || random.byte());
        sum.add(walk(&input));
    }
    let missed: Vec<_> = TABLE
        .iter()
        .filter(|row| !sum.arms.contains(&row.arm))
        .map(|row| row.arm)
        .collect();
    println!(
        "{WALKS} walks, {} requests, {} of {} arms",
        sum.requests,
        sum.arms.len(),
        TABLE.len()
    );
    if missed.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("never taken: {missed:?}");
    ExitCode::FAILURE
}

/// xorshift64 (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[4]
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % bound
    }
}
