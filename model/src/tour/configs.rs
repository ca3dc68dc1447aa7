//! Which configurations are toured.

use crate::adversary::Adversary;
use crate::config::{Config, Second, Start};
use crate::real::{Listing, Nature};
use crate::world::Dialect;
use fell::machine::Limits;

/// All configurations that can be toured on a file system, the smallest first, with how their
/// listings are told. Faults are left out, for nothing in a world causes them.
#[must_use]
pub fn configs(nature: &Nature) -> Vec<(Config, Listing)> {
    let sorted = sorted(nature)
        .into_iter()
        .map(|config| (config, Listing::Sorted));
    let own = own(nature).into_iter().map(|config| (config, Listing::Own));
    sorted.chain(own).collect()
}

/// Everybody who can act here.
fn everybody(nature: &Nature) -> Vec<Adversary> {
    let is_here = |adversary: &Adversary| match adversary {
        Adversary::Fault => false,
        Adversary::Mounter => nature.may_mount,
        _ => true,
    };
    Adversary::ALL.into_iter().filter(is_here).collect()
}

fn sorted(nature: &Nature) -> Vec<Config> {
    use Adversary::{Canceller, Helper, Mounter, Mover, Remover, Swapper, Usurper, Writer};
    let new = |name: &str, entries| Config::new(name, entries).on(nature.dialect);
    let who = |adversary: Adversary, entries, acts| {
        new(
            &format!("{}, {entries} by {acts}", adversary.name()),
            entries,
        )
        .against(Some(acts), [adversary])
    };
    let kept = Limits {
        keep_root: true,
        ..Config::TIGHT
    };
    let all = |name: &str, entries, acts| new(name, entries).against(Some(acts), everybody(nature));
    let mut some = vec![
        new("alone", 5),
        new("alone, loose", 4).limits(Config::LOOSE),
        who(Remover, 3, 2),
        who(Writer, 1, 2),
        who(Swapper, 2, 2),
        who(Mover, 2, 1),
        new("usurper, 1 by 1", 1).against(Some(1), [Usurper, Writer, Swapper, Mover]),
        new("helper and canceller, 3 by 2", 3)
            .against(Some(2), [Helper, Canceller])
            .limits(Config::LOOSE),
        Config {
            beside: Some(Second::Same),
            ..new("two walkers, 1 by 1", 1).against(Some(1), [Remover])
        },
        Config {
            base_goes: true,
            ..new("the parent goes", 1).against(Some(3), [Remover])
        },
        all("odd roots, 0 by 1", 0, 1).from(Start::Odd),
        all("odd roots, kept, 0 by 1", 0, 1)
            .from(Start::Odd)
            .limits(kept),
        all("kept, 1 by 1", 1, 1).limits(kept),
        new("immovable, remover, 2 by 1", 2)
            .against(Some(1), [Remover])
            .from(Start::Immovable),
        all("immovable, all, 1 by 1", 1, 1).from(Start::Immovable),
        all("unsearchable, all, 2 by 1", 2, 1).from(Start::Unsearchable),
        all("all, 2 by 1", 2, 1),
        all("all, 1 by 2", 1, 2),
    ];
    if nature.may_mount {
        let without = Dialect {
            openat2: false,
            ..nature.dialect
        };
        some.push(who(Mounter, 2, 2));
        some.push(
            new("mounter, no openat2", 2)
                .against(Some(2), [Mounter])
                .on(without),
        );
        some.push(
            all("no openat2, odd roots", 0, 1)
                .from(Start::Odd)
                .on(without),
        );
    }
    some.retain(|config| !config.worlds().iter().all(|world| !nature.can_plant(world)));
    some.push(all("all, 3 by 1", 3, 1));
    some
}

/// With listings as the kernel gives them: read ahead, in its order.
fn own(nature: &Nature) -> Vec<Config> {
    use Adversary::{Mover, Remover, Swapper, Writer};
    let dialect = Dialect {
        any_order: true,
        read_ahead: true,
        relists: true,
        ..nature.dialect
    };
    let new =
        |name: &str, entries| Config::new(&format!("own listings, {name}"), entries).on(dialect);
    vec![
        new("alone", 4),
        new("loose", 3).limits(Config::LOOSE),
        new("remover, 2 by 2", 2).against(Some(2), [Remover]),
        new("writers, 2 by 1", 2).against(Some(1), [Remover, Writer, Swapper, Mover]),
    ]
}
