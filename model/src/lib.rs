//! Checks the very machine that `fell` drives against every adversary, in a file system as small as
//! can be.
//!
//! [`Check`] runs one configuration of one's own; [`suite`] has those that `fell-model check` runs.
//! Deliberately absent: a copy of the machine, or anything that stands for it.
//!
//! Read it in this order: [`world`], what a walker may rely on; [`adversary`], who else is there;
//! [`universe`], how the two meet; [`property`], what must hold; then how it is searched.

#![forbid(unsafe_code)]

pub mod adversary;
pub mod canon;
mod check;
pub mod config;
pub mod conform;
pub mod diagram;
pub mod exact;
pub mod explore;
pub mod facts;
pub mod lineage;
pub mod machine;
pub mod property;
pub mod rank;
pub mod real;
pub mod replay;
pub mod rival;
pub mod scaling;
pub mod search;
pub mod seen;
pub mod suite;
pub mod teeth;
pub mod tour;
pub mod universe;
pub mod words;
pub mod world;

pub use adversary::{Adversaries, Adversary};
pub use check::{Check, Failure, Summary};
pub use config::{Config, Second, Start};
pub use machine::Machine;
pub use property::Law;
pub use world::Dialect;
