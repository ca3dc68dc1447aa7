//! One check for those who embed `fell`: their limits, their adversaries, ten lines.

use crate::adversary::Adversary;
use crate::config::{Config, Second, Start};
use crate::exact::exact;
use crate::machine::Machine;
use crate::search::{Size, search};
use crate::words;
use crate::world::Dialect;
use core::fmt;
use fell::machine::{Limits, Walker};

/// One configuration to be checked.
#[derive(Clone, Debug)]
pub struct Check {
    config: Config,
    exactly: bool,
    threads: usize,
}

/// What was checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Summary {
    /// How large it was.
    pub size: Size,
    /// The most requests in a row that walkers made alone, if the exact search was asked for.
    pub longest: Option<u32>,
}

/// Why a check failed, in words: the law, and the shortest way to see it broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl Default for Check {
    fn default() -> Check {
        Check::new()
    }
}

impl Check {
    /// All trees of up to 2 entries, with tight limits, and nobody else.
    #[must_use]
    pub fn new() -> Check {
        Check {
            config: Config::new("check", 2),
            exactly: false,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// All trees of up to so many entries, 5 at most.
    #[must_use]
    pub fn entries(mut self, entries: u8) -> Check {
        let entries = entries.min(crate::world::NAMES);
        self.config.entries = 0..=entries;
        self.config.names = entries.max(2);
        self
    }

    /// The limits of the walker. Values of 1 and 2 find what larger ones hide; `max_open_dirs` is
    /// at most 2 here.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Check {
        self.config.limits = Limits {
            max_open_dirs: limits.max_open_dirs.min(2),
            ..limits
        };
        self
    }

    /// Who else is there.
    #[must_use]
    pub fn adversaries(mut self, adversaries: impl IntoIterator<Item = Adversary>) -> Check {
        self.config.adversaries = adversaries.into_iter().collect();
        self
    }

    /// How many acts they have together.
    #[must_use]
    pub fn budget(mut self, acts: u8) -> Check {
        self.config.budget = Some(acts);
        self
    }

    /// They never stop.
    #[must_use]
    pub fn unlimited(mut self) -> Check {
        self.config.budget = None;
        self
    }

    /// Others make things under so many names in a directory, directories up to so many (the outside
    /// has three, with the root's parent; the root is the fourth), and move so many things outside.
    /// Without a budget this is what keeps it small.
    #[must_use]
    pub fn within(mut self, names: u8, dirs: u8, outside: u8) -> Check {
        self.config = self.config.within(names, dirs, outside);
        self
    }

    /// Two walkers remove the same tree.
    #[must_use]
    pub fn two_walkers(self) -> Check {
        self.beside(Second::Same)
    }

    /// Somebody else removes the same tree by an algorithm.
    #[must_use]
    pub fn beside(mut self, second: Second) -> Check {
        self.config.beside = Some(second);
        self
    }

    /// The file system.
    #[must_use]
    pub fn on(mut self, dialect: Dialect) -> Check {
        self.config.dialect = dialect;
        self
    }

    /// What the trees begin with.
    #[must_use]
    pub fn from(mut self, start: Start) -> Check {
        self.config.start = start;
        self
    }

    /// Searches with full states as well, which needs the memory, finds cycles, and tells how many
    /// requests a walker alone makes.
    #[must_use]
    pub fn exactly(mut self) -> Check {
        self.exactly = true;
        self
    }

    /// Checks the machine of `fell`.
    ///
    /// # Errors
    ///
    /// A law that does not hold, with the shortest trace in words.
    pub fn run(&self) -> Result<Summary, Failure> {
        self.run_machine::<Walker<u8>>()
    }

    /// Checks another machine.
    ///
    /// # Errors
    ///
    /// A law that does not hold, with the shortest trace in words.
    pub fn run_machine<M: Machine>(&self) -> Result<Summary, Failure> {
        let found = search::<M>(&self.config, self.threads);
        if let Some(violation) = found.violations.first() {
            return Err(Failure(words::trace(violation)));
        }
        if !found.is_whole {
            return Err(Failure("the search was cut short".to_owned()));
        }
        let mut longest = None;
        if self.exactly {
            let exact = exact::<M>(&self.config);
            if let Some(violation) = &exact.violation {
                return Err(Failure(words::trace(violation)));
            }
            if exact.states != found.size.states {
                return Err(Failure(format!(
                    "{} states are {} exactly: hashes collided",
                    found.size.states, exact.states
                )));
            }
            longest = Some(exact.longest);
        }
        Ok(Summary {
            size: found.size,
            longest,
        })
    }
}
