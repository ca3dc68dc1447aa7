//! A rival: another remover at work on the same tree, as an adversary that has an algorithm.
//!
//! It is one of the lineage's (`lineage`), and no walker of `fell`: its steps are acts of somebody
//! else, no law is looked at for it, it needs no budget, and it may go on for ever. It is on the same
//! machine as the walker, so on NFS it is the same client; it knows no openat2, so it enters mounts.
//! What removers on other clients do, whatever their algorithm, is among the remover's acts.

use crate::config::{Config, Second};
use crate::lineage::{Koji, Remover, Rm};
use crate::machine::Machine;
use crate::world::{Dialect, World, replies};
use fell::machine::{Reply, Request};

/// By which number the world knows its slots.
pub const RIVAL: usize = 1;

/// Another remover.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Rival(Algorithm);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Algorithm {
    Koji(Remover<Koji<true>>),
    Rm(Remover<Rm>),
}

impl Rival {
    /// The rival of a configuration; none where the walker is alone, or its like is beside it.
    #[must_use]
    pub fn of(config: &Config) -> Option<Rival> {
        let algorithm = match config.beside? {
            Second::Same => return None,
            Second::Koji => Algorithm::Koji(Remover::new(config.limits)),
            Second::Rm => Algorithm::Rm(Remover::new(config.limits)),
        };
        Some(Rival(algorithm))
    }

    /// Its name in a trace.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self.0 {
            Algorithm::Koji(_) => "koji",
            Algorithm::Rm(_) => "rm",
        }
    }

    /// What it asks for.
    #[must_use]
    pub fn request(&self) -> Option<Request<u8>> {
        match &self.0 {
            Algorithm::Koji(koji) => koji.request(),
            Algorithm::Rm(rm) => rm.request(),
        }
    }

    /// What the world may answer.
    pub fn replies(&self, config: &Config, world: &World, into: &mut Vec<Reply<u8>>) {
        let dialect = Dialect {
            openat2: false,
            ..config.dialect
        };
        if let Some(request) = self.request() {
            let keep_root = config.limits.keep_root;
            replies(world, &dialect, keep_root, RIVAL, &request, into);
        }
    }

    /// It takes its step.
    pub fn step(&mut self, reply: Reply<u8>) {
        match &mut self.0 {
            Algorithm::Koji(koji) => koji.step(reply),
            Algorithm::Rm(rm) => rm.step(reply),
        };
    }
}
