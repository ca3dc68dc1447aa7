//! The configurations of `fell-model check`, their golden figures, and the run over all of them.

use crate::adversary::Adversary;
use crate::config::{Config, Second, Start};
use crate::exact::exact;
use crate::machine::Machine;
use crate::search::{Found, Size, search, search_deep};
use crate::seen::Seen;
use crate::words;
use crate::world::Dialect;
use fell::machine::Limits;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How much is run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tier {
    /// In `cargo test`: seconds.
    Quick,
    /// In continuous integration: minutes.
    Default,
    /// Before a release: half an hour.
    Full,
}

/// A configuration of the suite.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The configuration.
    pub config: Config,
    /// From which tier on it is run.
    pub tier: Tier,
    /// It is run by the exact search too.
    pub exactly: bool,
    /// It is searched depth first, which takes a tenth of the memory.
    pub deep: bool,
}

/// The remover, writer, swapper and mover: who can act for ever in a finite universe.
const TIRELESS: [Adversary; 4] = [
    Adversary::Remover,
    Adversary::Writer,
    Adversary::Swapper,
    Adversary::Mover,
];

/// Who else acts where a rival is at work.
const RIVALS_OTHERS: [Adversary; 3] = [Adversary::Remover, Adversary::Writer, Adversary::Mover];

/// All configurations, the smallest first.
#[must_use]
pub fn entries() -> Vec<Entry> {
    let mut all = quick();
    all.extend(default().into_iter().map(|config| Entry {
        config,
        tier: Tier::Default,
        exactly: false,
        deep: false,
    }));
    all.push(Entry {
        config: together(),
        tier: Tier::Default,
        exactly: false,
        deep: true,
    });
    all.extend(full().into_iter().map(|config| Entry {
        config,
        tier: Tier::Full,
        exactly: false,
        deep: true,
    }));
    all
}

fn quick() -> Vec<Entry> {
    let small = |config| Entry {
        config,
        tier: Tier::Quick,
        exactly: true,
        deep: false,
    };
    let large = |config| Entry {
        exactly: false,
        ..small(config)
    };
    let all =
        |name, entries, budget| Config::new(name, entries).against(Some(budget), Adversary::ALL);
    let kept = Limits {
        keep_root: true,
        ..Config::TIGHT
    };
    vec![
        small(Config::new("alone", 5)),
        small(Config::new("alone, loose", 4).limits(Config::LOOSE)),
        small(Config::new("removers", 3).against(Some(3), [Adversary::Remover])),
        small(Config::new("immovable", 3).from(Start::Immovable)),
        small(all("odd roots", 0, 2).from(Start::Odd).on(Dialect::NFS)),
        small(all("odd roots, kept", 0, 1).from(Start::Odd).limits(kept)),
        small(no_way_back()),
        small(all("no mount ids", 1, 1).on(Dialect {
            mount_ids: false,
            ..Dialect::LOCAL
        })),
        small(all("no openat2", 2, 1).on(Dialect {
            openat2: false,
            ..Dialect::LOCAL.unpleasant()
        })),
        small(
            all("no openat2, odd roots", 0, 1)
                .from(Start::Odd)
                .on(Dialect {
                    openat2: false,
                    ..Dialect::LOCAL
                }),
        ),
        small(all("positions lost", 2, 1).on(Dialect {
            positions: false,
            relists: true,
            ..Dialect::LOCAL
        })),
        small(all("skips", 2, 1).on(Dialect {
            skips: true,
            ..Dialect::LOCAL.unpleasant()
        })),
        small(all("few entries, few levels", 2, 1).limits(Limits {
            max_depth: 2,
            max_entries: Some(2),
            ..Config::LOOSE
        })),
        small(all("kept", 2, 1).limits(kept)),
        small(all("kept, no patience", 1, 2).limits(Limits {
            patience: 0,
            ..kept
        })),
        small(two("two, removers", 2).against(Some(1), [Adversary::Remover])),
        small(beside(Second::Rm, "beside rm", 2).against(Some(1), [Adversary::Remover])),
        small(beside(Second::Koji, "beside koji", 2).against(Some(1), [Adversary::Remover])),
        large(
            beside(Second::Rm, "beside rm, nfs", 2)
                .against(Some(1), RIVALS_OTHERS)
                .on(Dialect::NFS),
        ),
        large(
            beside(Second::Koji, "beside koji, nfs", 2)
                .against(Some(1), RIVALS_OTHERS)
                .on(Dialect::NFS),
        ),
        small(parent_goes()),
        small(no_path()),
        small(flapper()),
        small(made_again()),
        large(
            all("immovable, all", 2, 1)
                .from(Start::Immovable)
                .on(Dialect::LOCAL.unpleasant()),
        ),
        large(narrow()),
        large(births_unknown()),
        large(all("all, 3 by 1", 3, 1).on(Dialect::LOCAL.unpleasant())),
        large(all("all, 2 by 2", 2, 2)),
        large(all("all, 2 by 2, nfs", 2, 2).on(Dialect::NFS)),
    ]
}

/// The root, its parent and what leads to it go while the walker is deep below.
fn no_way_back() -> Config {
    Config::new("no way back", 3)
        .against(Some(2), [Adversary::Remover, Adversary::Fault])
        .on(Dialect::NFS)
}

/// The root's parent is removed as soon as it is empty.
fn parent_goes() -> Config {
    Config {
        base_goes: true,
        ..Config::new("the parent goes", 2)
            .against(Some(3), [Adversary::Remover, Adversary::Fault])
            .on(Dialect::NFS)
    }
}

/// The root's parent was given without a path that could be resolved again.
fn no_path() -> Config {
    Config::new("no path", 1)
        .against(Some(2), [Adversary::Remover, Adversary::Fault])
        .on(Dialect::NFS)
        .limits(Limits {
            resolvable: false,
            ..Config::TIGHT
        })
}

/// One entry that changes faster than anybody can look.
fn flapper() -> Config {
    Config::new("flapper", 1)
        .against(Some(4), [Adversary::Swapper])
        .on(Dialect::LOCAL.unpleasant())
}

/// A directory goes while it is read, and another one with entries comes in its place.
fn made_again() -> Config {
    let who = [
        Adversary::Remover,
        Adversary::Writer,
        Adversary::Mover,
        Adversary::Usurper,
    ];
    Config::new("made again", 1)
        .against(Some(3), who)
        .within(1, 13, 5)
}

/// Deep trees, and descriptors run out.
fn narrow() -> Config {
    Config {
        entries: 3..=3,
        ..Config::new("narrow", 3)
            .against(Some(2), [Adversary::Fault])
            .limits(Config::LOOSE)
    }
}

/// Reused inode numbers look the same: the grandparent is compared too.
fn births_unknown() -> Config {
    Config {
        entries: 3..=3,
        ..Config::new("births unknown", 3)
            .against(
                Some(2),
                [
                    Adversary::Remover,
                    Adversary::Writer,
                    Adversary::Mover,
                    Adversary::Fault,
                ],
            )
            .within(1, 13, 5)
            .on(Dialect {
                births: false,
                ..Dialect::NFS
            })
    }
}

fn two(name: &str, entries: u8) -> Config {
    beside(Second::Same, name, entries)
}

fn beside(second: Second, name: &str, entries: u8) -> Config {
    Config {
        beside: Some(second),
        ..Config::new(name, entries)
    }
}

fn default() -> Vec<Config> {
    let all =
        |name, entries, budget| Config::new(name, entries).against(Some(budget), Adversary::ALL);
    vec![
        two("two, all", 2).against(Some(1), Adversary::ALL),
        two("two, 3 entries", 3).against(Some(1), [Adversary::Remover]),
        beside(Second::Rm, "beside rm, 3 entries", 3).against(Some(1), RIVALS_OTHERS),
        beside(Second::Koji, "beside koji, 3 entries", 3).against(Some(1), RIVALS_OTHERS),
        beside(Second::Rm, "beside rm, 3 entries, nfs", 3)
            .against(Some(1), [Adversary::Remover])
            .on(Dialect::NFS),
        beside(Second::Koji, "beside koji, 3 entries, nfs", 3)
            .against(Some(1), [Adversary::Remover])
            .on(Dialect::NFS),
        all("all, 3 by 1, unpleasant nfs", 3, 1)
            .limits(Config::LOOSE)
            .on(Dialect::NFS.unpleasant()),
        all("all, 3 by 2, loose", 3, 2).limits(Config::LOOSE),
        Config::new("tireless", 0)
            .against(None, TIRELESS)
            .within(2, 3, 3),
        all("all, 4 by 2", 4, 2),
    ]
}

/// All trees of up to 3 entries with 3 acts, every adversary together.
fn together() -> Config {
    Config::new("all, 3 by 3", 3).against(Some(3), Adversary::ALL)
}

/// All trees of up to 5 entries, one adversary at a time with 3 acts; the usurper is with each.
fn full() -> Vec<Config> {
    let each = Adversary::ALL
        .into_iter()
        .filter(|&adversary| adversary != Adversary::Usurper)
        .map(|adversary| {
            let name = format!("{}, 5 by 3", adversary.name());
            let config = Config::new(&name, 5).against(Some(3), [adversary, Adversary::Usurper]);
            // With tight limits every noted name is being walked, and there is none to give away.
            let helps = adversary == Adversary::Helper;
            config.limits(if helps { Config::LOOSE } else { Config::TIGHT })
        });
    let all = Config::new("all, 4 by 3", 4).against(Some(3), Adversary::ALL);
    let writer = [Adversary::Writer, Adversary::Usurper];
    let writer = Config::new("writer, 5 by 4", 5).against(Some(4), writer);
    each.chain([all, writer]).collect()
}

/// The numbers of unique states that configurations are known to have.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Golden(BTreeMap<String, usize>);

impl Golden {
    /// Where they are kept.
    #[must_use]
    pub fn path() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("golden.txt")
    }

    /// Reads them: a line for each configuration, its number first.
    #[must_use]
    pub fn read() -> Golden {
        let text = std::fs::read_to_string(Golden::path()).unwrap_or_default();
        let lines = text.lines().filter_map(|line| {
            let (number, name) = line.trim_start().split_once("  ")?;
            Some((name.to_owned(), number.parse().ok()?))
        });
        Golden(lines.collect())
    }

    /// Writes them.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self) -> std::io::Result<()> {
        let lines = self.0.iter();
        let text = lines.fold(String::new(), |text, (name, number)| {
            text + &format!("{number:>11}  {name}\n")
        });
        std::fs::write(Golden::path(), text)
    }

    /// Takes a number for the right one.
    pub fn bless(&mut self, name: &str, states: usize) {
        self.0.insert(name.to_owned(), states);
    }

    /// The number of a configuration.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }
}

/// What came of one configuration.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Who else is there, in words.
    pub adversaries: String,
    /// How large it was.
    pub size: Size,
    /// The most requests in a row that walkers made alone, where the exact search was run.
    pub longest: Option<u32>,
    /// What is wrong, in words; nothing if nothing is.
    pub wrong: Vec<String>,
}

/// Runs one configuration; what it met is added to `seen`.
#[must_use]
pub fn run<M: Machine>(entry: &Entry, threads: usize, golden: Option<usize>, seen: &Seen) -> Row {
    let config = &entry.config;
    let found: Found<M> = if entry.deep {
        search_deep(config, threads)
    } else {
        search(config, threads)
    };
    seen.add(&found.seen);
    let mut wrong: Vec<String> = found.violations.iter().map(words::trace).collect();
    if !found.is_whole {
        wrong.push("the search was cut short".to_owned());
    }
    match golden {
        Some(states) if states != found.size.states => {
            wrong.push(format!("the golden figure is {states} states"));
        }
        Some(_) => {}
        None => wrong.push("there is no golden figure (--bless)".to_owned()),
    }
    let mut longest = None;
    if entry.exactly && found.violations.is_empty() {
        let exact = exact::<M>(config);
        wrong.extend(exact.violation.iter().map(words::trace));
        if exact.states != found.size.states {
            wrong.push(format!("the exact search has {} states", exact.states));
        }
        longest = Some(exact.longest);
    }
    Row {
        name: config.name.clone(),
        adversaries: adversaries(config),
        size: found.size,
        longest,
        wrong,
    }
}

/// Who else is there, in words.
fn adversaries(config: &Config) -> String {
    let names: Vec<&str> = config.adversaries.iter().map(Adversary::name).collect();
    let who = match names.len() {
        0 => "nobody".to_owned(),
        n if n == Adversary::ALL.len() => "all".to_owned(),
        _ => names.join(" "),
    };
    let acts = match config.budget {
        None => " for ever".to_owned(),
        Some(0) => String::new(),
        Some(acts) => format!(", {acts} acts"),
    };
    let beside = match config.beside {
        None => "",
        Some(Second::Same) => ", two walkers",
        Some(Second::Koji) => ", koji",
        Some(Second::Rm) => ", rm",
    };
    format!("{who}{acts}{beside}")
}
