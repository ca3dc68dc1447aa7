//! The model is true: its world on real directories, by the tour and by drawn sequences; and what
//! is wrong in a world is seen.

#[path = "../../tests/support/mod.rs"]
mod support;

use fell::RootPath;
use fell::machine::Walker;
use fell_model::adversary::Act;
use fell_model::conform::draw;
use fell_model::real::{Listing, Nature, Site, Trouble, Twin};
use fell_model::tour::configs::configs;
use fell_model::tour::tour;
use fell_model::universe::State;
use fell_model::world::{ROOT, World, trees};
use fell_model::{Adversary, Config, Dialect};
use std::path::PathBuf;
use std::time::Instant;
use support::privilege::{in_mount_namespace, require};

/// Where the other tests build their trees.
fn place() -> PathBuf {
    let shared = PathBuf::from("/dev/shm");
    let default = || {
        if shared.is_dir() {
            shared
        } else {
            std::env::temp_dir()
        }
    };
    std::env::var_os("FELL_TEST_DIR").map_or_else(default, PathBuf::from)
}

fn nature(private: bool) -> Nature {
    Nature::of(&place(), None, private).expect("a directory for trees")
}

/// More edges than a test has time for; `cargo model tour` walks them.
const LARGE: [&str; 3] = ["unsearchable, all, 2 by 1", "all, 1 by 2", "all, 3 by 1"];

#[test]
fn every_edge_is_what_the_kernel_does() {
    let test = "every_edge_is_what_the_kernel_does";
    in_mount_namespace(test, || {
        let nature = nature(true);
        let all = nature.may_mount && nature.may_be_nobody && nature.may_fix;
        if !require(all, "mounts, immutable files or nobody are not to be had") {
            return;
        }
        let begin = Instant::now();
        let mut replayed = 0;
        for (config, listing) in configs(&nature) {
            if LARGE.contains(&config.name.as_str()) {
                continue;
            }
            let row = tour(&nature, &config, listing, None, None).unwrap();
            assert_eq!(row.mismatches, Vec::<String>::new(), "{}", row.name);
            assert_eq!(row.edges, row.replayed + row.unselected, "{}", row.name);
            // Sorted, all that the kernel chooses is how it answers a seek in a dead directory.
            assert!(
                listing == Listing::Own || row.unselected * 10 < row.edges,
                "{row:?}"
            );
            assert!(row.replayed > 50, "{row:?}");
            replayed += row.replayed;
        }
        eprintln!("{replayed} edges in {:.1} s", begin.elapsed().as_secs_f64());
        assert!(replayed >= 20_000, "{replayed}");
    });
}

#[test]
fn drawn_sequences_are_the_same_on_both() {
    in_mount_namespace("drawn_sequences_are_the_same_on_both", || {
        let drawn = draw(&nature(true), 1_000).unwrap_or_else(|words| panic!("{words}"));
        assert!(
            drawn.sequences >= 1_000 && drawn.operations >= 10_000,
            "{drawn:?}"
        );
    });
}

/// A world that follows symlinks at `O_NOFOLLOW`, as no kernel does.
#[test]
fn a_wrong_dialect_is_seen() {
    let nature = nature(false);
    let wrong = Dialect {
        follows: true,
        ..nature.dialect
    };
    let config = Config::new("wrong", 1)
        .against(Some(1), [Adversary::Swapper])
        .on(wrong);
    let row = tour(&nature, &config, Listing::Sorted, None, None).unwrap();
    let words = row.mismatches.first().expect("a mismatch");
    assert!(words.contains("the kernel says:  no directory"), "{words}");
    assert!(words.contains("swapper: exchange root/a"), "{words}");
    let right = config.on(nature.dialect);
    let row = tour(&nature, &right, Listing::Sorted, None, None).unwrap();
    assert_eq!(row.mismatches, Vec::<String>::new());
}

/// A world in which an entry is denied that is not, and one that has an entry more.
#[test]
fn a_wrong_reply_and_a_wrong_tree_are_seen() {
    let nature = nature(false);
    let mut site = Site::new(&nature).unwrap();
    let config = Config::new("here", 3).on(nature.dialect);
    for forest in trees(2) {
        let world = World::planted(&config.dialect, &forest);
        assert!(walk(&config, &mut site, &world, &world).is_ok_and(|steps| steps > 5));
        let mut wrong = world.clone();
        wrong.seal(ROOT);
        let denied = walk(&config, &mut site, &world, &wrong);
        let Err(Trouble::Differs(words)) = denied else {
            panic!("{denied:?}");
        };
        assert!(words.contains("errno 13"), "{words}");
    }
    let world = World::planted(&config.dialect, &trees(2)[0]);
    site.plant(&world).unwrap();
    site.compare(&world).unwrap();
    std::fs::write(site.root().join("z"), "").unwrap();
    assert!(matches!(site.compare(&world), Err(Trouble::Differs(_))));
}

/// Walks through `planted` alone, both walkers step for step, the model's in `believed`.
fn walk(
    config: &Config,
    site: &mut Site,
    planted: &World,
    believed: &World,
) -> Result<usize, Trouble> {
    let root = RootPath::new(site.root()).expect("a path with a name");
    site.plant(planted)?;
    let mut twin = Twin::new(config, &root, 0, Listing::Sorted);
    let mut state = State::<Walker<u8>>::new(config, believed.clone());
    let mut steps = 0;
    while state.first.request().is_some() {
        let heard = twin.ask(site, config, &state, None)?;
        twin.step(heard);
        let act = Act::Reply {
            who: 0,
            reply: heard.said,
            fault: false,
        };
        state.act(config, act, |_| ());
        site.settle(&state.world);
        steps += 1;
    }
    twin.asks_the_same(&state)?;
    site.compare(&state.world)?;
    Ok(steps)
}
