//! One configuration: which trees, which limits, which file system, and who else is there.

use crate::adversary::{Adversaries, Adversary};
use crate::world::{Dialect, World, trees};
use core::ops::RangeInclusive;
use fell::machine::Limits;

/// What the worlds of a configuration begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// The root is a directory, and everything in it can be removed.
    Tree,
    /// The root is a directory, and one thing in it, or it itself, cannot be removed.
    Immovable,
    /// The root is the first of directories that stand one in the other, and all can be removed.
    Chain,
    /// The root is a directory, and through one directory nothing can be reached, `..` included.
    Unsearchable,
    /// The root is no directory, or a mount point, or absent, or its parent is.
    Odd,
}

/// Who removes the same tree beside the walker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Second {
    /// The same machine: every law is looked at for both.
    Same,
    /// koji's `rmtree` after its pull request 2699 (see [`crate::rival`]).
    Koji,
    /// GNU `rm -rf`.
    Rm,
}

/// One configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its name in the table and among the golden figures.
    pub name: String,
    /// What its worlds begin with.
    pub start: Start,
    /// How many entries the trees have.
    pub entries: RangeInclusive<u8>,
    /// Under how many names others make things.
    pub names: u8,
    /// How many directories others may make it, the ones outside the tree counted.
    pub dirs: u8,
    /// How many names there are outside.
    pub outside: u8,
    /// The limits of the walkers.
    pub limits: Limits,
    /// The file system.
    pub dialect: Dialect,
    /// Who else is there.
    pub adversaries: Adversaries,
    /// How many acts they have together; `None`: they never stop.
    pub budget: Option<u8>,
    /// Who else removes the same tree, by an algorithm.
    pub beside: Option<Second>,
    /// The remover may remove the root's parent as well.
    pub base_goes: bool,
    /// Of states that differ by what nothing can tell apart one is searched (see [`crate::canon`]).
    pub reduced: bool,
}

impl Config {
    /// The smallest limits there are: nothing but the immediate parent is held, one name is noted,
    /// one retry and one further pass are allowed.
    pub const TIGHT: Limits = Limits {
        max_open_dirs: 1,
        patience: 1,
        passes: 1,
        batch: 1,
        arena: 1,
        max_depth: 16,
        max_entries: None,
        keep_root: false,
        resolvable: true,
    };

    /// Limits one larger.
    pub const LOOSE: Limits = Limits {
        max_open_dirs: 2,
        patience: 2,
        batch: 2,
        arena: 8,
        ..Config::TIGHT
    };

    /// A configuration of trees of up to `entries` entries with nobody else.
    #[must_use]
    pub fn new(name: &str, entries: u8) -> Config {
        Config {
            name: name.to_owned(),
            start: Start::Tree,
            entries: 0..=entries,
            names: entries.max(2),
            dirs: 13,
            outside: 5,
            limits: Config::TIGHT,
            dialect: Dialect::LOCAL,
            adversaries: Adversaries::default(),
            budget: Some(0),
            beside: None,
            base_goes: false,
            reduced: true,
        }
    }

    /// With these adversaries and so many acts.
    #[must_use]
    pub fn against(
        mut self,
        budget: Option<u8>,
        adversaries: impl IntoIterator<Item = Adversary>,
    ) -> Config {
        self.adversaries = adversaries.into_iter().collect();
        self.budget = budget;
        self
    }

    /// With these limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Config {
        self.limits = limits;
        self
    }

    /// On this file system.
    #[must_use]
    pub fn on(mut self, dialect: Dialect) -> Config {
        self.dialect = dialect;
        self
    }

    /// In which others make so many names in a directory, directories up to so many, and move so
    /// many things outside. The outside has three names and three directories, with the root's
    /// parent; the root is the fourth.
    #[must_use]
    pub fn within(mut self, names: u8, dirs: u8, outside: u8) -> Config {
        self.names = names;
        self.dirs = dirs;
        self.outside = outside;
        self
    }

    /// From this start.
    #[must_use]
    pub fn from(mut self, start: Start) -> Config {
        self.start = start;
        self
    }

    /// The worlds it begins with.
    #[must_use]
    pub fn worlds(&self) -> Vec<World> {
        let planted = || {
            self.entries
                .clone()
                .flat_map(trees)
                .map(|forest| World::planted(&self.dialect, &forest))
        };
        match self.start {
            Start::Tree => planted().collect(),
            Start::Immovable => planted()
                .flat_map(|world| world.with_one_immovable(&self.dialect))
                .collect(),
            Start::Chain => self
                .entries
                .clone()
                .map(|entries| World::chain(&self.dialect, entries))
                .collect(),
            Start::Unsearchable => planted()
                .flat_map(|world| world.with_one_unsearchable())
                .collect(),
            Start::Odd => World::odd(&self.dialect),
        }
    }

    /// Whether the root, being a directory, can be told from a mount, and listings are whole, or
    /// become so by passes; if not, some guarantees have nothing to stand on.
    #[must_use]
    pub fn is_honest(&self) -> bool {
        let is_whole = !self.dialect.skips || self.has_many_passes();
        self.dialect.positions && is_whole && self.dialect.mount_ids
    }

    /// Whether there are as many passes as names. Listings skip only after a removal, or where they
    /// are resumed, so each pass then removes something or meets all.
    #[must_use]
    pub fn has_many_passes(&self) -> bool {
        self.limits.passes >= crate::world::NAMES
    }

    /// Whether the limits cut no walk short.
    #[must_use]
    pub fn is_ample(&self) -> bool {
        self.limits.max_entries.is_none()
            && usize::try_from(self.limits.max_depth).is_ok_and(|depth| depth >= crate::world::DIRS)
    }
}
