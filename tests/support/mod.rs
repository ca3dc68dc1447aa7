//! What the integration tests stand on: trees to remove, privileges to remove them with, and
//! company while it happens. Only [`kernel`] knows the crate `fell`.
//!
//! | module | gives |
//! | --- | --- |
//! | [`trees`] | [`Site`](trees::Site): a tree, canaries around it, and a cleanup that always works |
//! | [`privilege`] | mount namespaces, another user, immutable files, and skipping aloud |
//! | [`limits`] | few descriptors, peak memory of one test |
//! | [`calls`] | system calls counted or made to fail by strace |
//! | [`beside`] | a thread that acts beside the walker |
//! | [`kernel`] | acting between two requests of a walk |
//! | [`audit`] | an observer that holds a walk against what it promised |
//! | [`again`] | how a test runs itself once more in a process of its own; the others use it |
//! | [`clear`] | how a site goes away |
//!
//! Environment: `FELL_TEST_DIR` (where trees are built; otherwise `/dev/shm` where writable,
//! otherwise the temporary directory), `FELL_REQUIRE=all` (a skip is a failure). `FELL_INSIDE`,
//! `FELL_LAYERS` and `FELL_PATH` are set by [`again`] and [`privilege`] for their children.
//!
//! Helpers panic where they fail, at the caller's line: in a test there is nobody to tell.

// Each test file is a crate of its own and uses a part of this, and `pub` in it reaches nobody.
#![allow(dead_code, unreachable_pub)]

pub mod again;
pub mod audit;
pub mod beside;
pub mod calls;
pub mod clear;
pub mod kernel;
pub mod limits;
pub mod privilege;
pub mod trees;
