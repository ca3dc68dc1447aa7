//! The machine against a scripted world.
//!
//! `script` is the world and `words` what it is told in. `descend`, `strip`, `ascend`,
//! `remove_empty`, `retry` and `done` have one test for each answer to each thing a state may wait
//! for, named `<state>_<reply>`; `arms!` keeps them in lists as well, by which
//! `every_arm_is_tested` holds them against the table. `order`, `window`, `passes`, `lost`, `given`
//! and `stop` are whole walks, by subject. `random` is the machine against a hostile world.

extern crate std;

/// Tests that each end by taking the arm they name. Every step of a script is held against its row
/// of the table, so the body says only what the row does not: the requests, the note, what is held.
macro_rules! arms {
    ($($(#[$doc:meta])* $name:ident => $arm:ident $body:block)*) => {
        mod bodies {
            #[allow(clippy::wildcard_imports)]
            use super::*;
            $($(#[$doc])* pub(super) fn $name() -> std::vec::Vec<Script> {
                Scripts::all($body)
            })*
        }
        $(#[test] fn $name() {
            assert_took(Arm::$arm, &bodies::$name());
        })*
        /// The tests of this file, each with the arm it is for.
        pub(super) const ARMS: &[(Arm, fn() -> std::vec::Vec<Script>)] =
            &[$((Arm::$arm, bodies::$name),)*];
    };
}

mod ascend;
mod descend;
mod done;
mod given;
mod lost;
mod order;
mod passes;
mod random;
mod remove_empty;
mod retry;
mod script;
mod stop;
mod strip;
mod window;
mod words;

use super::table::TABLE;
use script::assert_took;
use std::vec::Vec;

/// Runs the tests of single arms once more, so that it holds in whatever way they are run.
#[test]
fn every_arm_is_tested() {
    let files = [
        descend::ARMS,
        strip::ARMS,
        ascend::ARMS,
        remove_empty::ARMS,
        retry::ARMS,
        done::ARMS,
    ];
    let mut taken = Vec::new();
    for &(arm, test) in files.iter().copied().flatten() {
        assert_took(arm, &test());
        taken.push(arm);
    }
    let missing: Vec<_> = TABLE
        .iter()
        .map(|row| row.arm)
        .filter(|arm| !taken.contains(arm))
        .collect();
    assert!(missing.is_empty(), "no test takes {missing:?}");
}
