//! The configurations in which the variants are found: as small as they can be.

use crate::adversary::Adversary;
use crate::config::{Config, Start};
use crate::world::{Dialect, NAMES};
use fell::machine::Limits;

/// All of them; a variant names one.
#[must_use]
pub fn configs() -> Vec<Config> {
    [alone(), unremovable(), removed(), moved()].concat()
}

const TIGHT: Limits = Config::TIGHT;

const MANY_PASSES: Limits = Limits {
    passes: NAMES,
    ..TIGHT
};

const POSITIONS_LOST: Dialect = Dialect {
    positions: false,
    ..Dialect::LOCAL
};

const NO_OPENAT2: Dialect = Dialect {
    openat2: false,
    ..Dialect::LOCAL
};

fn against(name: &str, entries: u8, budget: u8, who: &[Adversary]) -> Config {
    Config::new(name, entries).against(Some(budget), who.iter().copied())
}

fn all(name: &str, entries: u8, budget: u8) -> Config {
    against(name, entries, budget, &Adversary::ALL)
}

/// Nobody else is there.
fn alone() -> Vec<Config> {
    vec![
        Config::new("alone", 3),
        Config::new("alone, loose", 3).limits(Limits {
            arena: 1,
            ..Config::LOOSE
        }),
        Config::new("alone, wrong kinds", 2).on(Dialect {
            wrong_kinds: true,
            ..Dialect::LOCAL
        }),
        Config::new("few entries", 2).limits(Limits {
            max_entries: Some(1),
            ..TIGHT
        }),
        Config::new("few levels", 2).limits(Limits {
            max_depth: 2,
            ..TIGHT
        }),
        Config::new("skips, many passes", 3)
            .on(Dialect {
                skips: true,
                ..Dialect::LOCAL
            })
            .limits(MANY_PASSES),
        Config::new("skips, few passes", 2).on(Dialect {
            skips: true,
            ..Dialect::LOCAL
        }),
    ]
}

/// Something cannot be removed.
fn unremovable() -> Vec<Config> {
    vec![
        Config::new("immovable", 3).from(Start::Immovable),
        Config::new("immovable, positions lost", 3)
            .from(Start::Immovable)
            .on(POSITIONS_LOST)
            .limits(MANY_PASSES),
        Config {
            entries: 4..=4,
            ..Config::new("deep, positions lost", 4)
                .from(Start::Immovable)
                .on(Dialect {
                    any_order: false,
                    ..POSITIONS_LOST
                })
                .limits(Limits {
                    passes: 12,
                    patience: 2,
                    ..TIGHT
                })
        },
        Config::new("unsearchable", 3)
            .from(Start::Unsearchable)
            .against(Some(1), [Adversary::Fault])
            .limits(Config::LOOSE),
        Config::new("immovable, unknown kinds", 2)
            .from(Start::Immovable)
            .on(Dialect::LOCAL.unpleasant()),
    ]
}

/// Calls fail, and others remove or write.
fn removed() -> Vec<Config> {
    vec![
        against("faults", 3, 1, &[Adversary::Fault]).limits(Config::LOOSE),
        against(
            "faults and removers",
            2,
            2,
            &[Adversary::Fault, Adversary::Remover],
        ),
        against("removers", 3, 1, &[Adversary::Remover]),
        against("removers, nfs", 3, 2, &[Adversary::Remover]).on(Dialect::NFS),
        against("writers", 2, 1, &[Adversary::Writer]),
        against("made again", 1, 3, &[Adversary::Remover, Adversary::Writer]),
        against(
            "made again, unsearchable",
            2,
            4,
            &[Adversary::Remover, Adversary::Writer],
        )
        .from(Start::Unsearchable)
        .within(1, 8, 5),
    ]
}

/// Others move, exchange, mount, and act on the root's own name.
fn moved() -> Vec<Config> {
    vec![
        against("movers", 3, 1, &[Adversary::Mover]).within(2, 13, 5),
        against("flapper", 1, 4, &[Adversary::Swapper]).on(Dialect::LOCAL.unpleasant()),
        against("stopped", 1, 1, &[Adversary::Canceller]),
        against("helpers", 3, 2, &[Adversary::Helper]).limits(Config::LOOSE),
        Config::new("births unknown", 3)
            .from(Start::Chain)
            .on(Dialect {
                births: false,
                ..Dialect::LOCAL
            }),
        against(
            "strangers",
            0,
            3,
            &[Adversary::Writer, Adversary::Mover, Adversary::Usurper],
        )
        .within(1, 8, 5),
        against("removers, nfs, no patience", 3, 2, &[Adversary::Remover])
            .on(Dialect::NFS)
            .limits(Limits {
                patience: 0,
                ..TIGHT
            }),
        against("chain, movers", 3, 2, &[Adversary::Mover])
            .from(Start::Chain)
            .within(2, 13, 5),
        against("no openat2", 2, 1, &[Adversary::Mounter]).on(NO_OPENAT2),
        all("no openat2, odd roots", 0, 1)
            .from(Start::Odd)
            .on(NO_OPENAT2),
        all("usurpers", 1, 2),
        all("usurpers, nfs", 1, 2).on(Dialect::NFS),
        all("kept", 2, 1).limits(Limits {
            keep_root: true,
            ..TIGHT
        }),
        Config {
            base_goes: true,
            ..against(
                "the parent goes",
                1,
                3,
                &[Adversary::Remover, Adversary::Fault],
            )
            .on(Dialect::NFS)
        },
        against("no path", 1, 2, &[Adversary::Remover, Adversary::Fault])
            .on(Dialect::NFS)
            .limits(Limits {
                resolvable: false,
                ..TIGHT
            }),
        against("symlinks", 1, 1, &[Adversary::Swapper]),
    ]
}
