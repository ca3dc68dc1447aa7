//! The configurations in which the variants are found: as small as they can be.

use crate::adversary::Adversary;
use crate::config::{Config, Start};
use crate::world::{Dialect, NAMES};
use fell::machine::Limits;

/// All of them; a variant names one.
#[must_use]
pub fn configs() -> Vec<Config> {
    let against = |name, entries, budget, who: &[Adversary]| {
        Config::new(name, entries).against(Some(budget), who.iter().copied())
    };
    let all = |name, entries, budget| against(name, entries, budget, &Adversary::ALL);
    let tight = Config::TIGHT;
    let kept = Limits {
        keep_root: true,
        ..tight
    };
    let many = Limits {
        passes: NAMES,
        ..tight
    };
    let lost = Dialect {
        positions: false,
        ..Dialect::LOCAL
    };
    let no_openat2 = Dialect {
        openat2: false,
        ..Dialect::LOCAL
    };
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
        Config::new("immovable, unknown kinds", 2)
            .from(Start::Immovable)
            .on(Dialect::LOCAL.unpleasant()),
        Config::new("few entries", 2).limits(Limits {
            max_entries: Some(1),
            ..tight
        }),
        Config::new("few levels", 2).limits(Limits {
            max_depth: 2,
            ..tight
        }),
        Config::new("skips, many passes", 3)
            .on(Dialect {
                skips: true,
                ..Dialect::LOCAL
            })
            .limits(many),
        Config::new("skips, few passes", 2).on(Dialect {
            skips: true,
            ..Dialect::LOCAL
        }),
        Config::new("immovable", 3).from(Start::Immovable),
        Config::new("immovable, positions lost", 3)
            .from(Start::Immovable)
            .on(lost)
            .limits(many),
        Config {
            entries: 4..=4,
            ..Config::new("deep, positions lost", 4)
                .from(Start::Immovable)
                .on(Dialect {
                    any_order: false,
                    ..lost
                })
                .limits(Limits {
                    passes: 12,
                    patience: 2,
                    ..tight
                })
        },
        Config::new("unsearchable", 3)
            .from(Start::Unsearchable)
            .against(Some(1), [Adversary::Fault])
            .limits(Config::LOOSE),
        against("faults", 3, 1, &[Adversary::Fault]).limits(Config::LOOSE),
        against("faults and removers", 2, 2, &[Adversary::Fault, Adversary::Remover]),
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
                ..tight
            }),
        against("chain, movers", 3, 2, &[Adversary::Mover])
            .from(Start::Chain)
            .within(2, 13, 5),
        against("no openat2", 2, 1, &[Adversary::Mounter]).on(no_openat2),
        all("no openat2, odd roots", 0, 1)
            .from(Start::Odd)
            .on(no_openat2),
        all("usurpers", 1, 2),
        all("usurpers, nfs", 1, 2).on(Dialect::NFS),
        all("kept", 2, 1).limits(kept),
        Config {
            base_goes: true,
            ..against("the parent goes", 1, 3, &[Adversary::Remover, Adversary::Fault])
                .on(Dialect::NFS)
        },
        against("no path", 1, 2, &[Adversary::Remover, Adversary::Fault])
            .on(Dialect::NFS)
            .limits(Limits {
                resolvable: false,
                ..tight
            }),
        against("symlinks", 1, 1, &[Adversary::Swapper]),
    ]
}
