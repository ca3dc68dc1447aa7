//! A world on a real directory: planted, acted on, walked through, and read back.

use fell::RootPath;
use fell::machine::Walker;
use fell_model::adversary::Act;
use fell_model::real::{Listing, Nature, Site, Trouble, Twin};
use fell_model::universe::State;
use fell_model::world::{ROOT, ROOT_NAME, World, trees};
use fell_model::{Adversary, Config};
use std::path::PathBuf;

/// As the other tests choose it.
fn place() -> PathBuf {
    let shared = PathBuf::from("/dev/shm");
    std::env::var_os("FELL_TEST_DIR").map_or_else(
        || {
            if shared.is_dir() {
                shared
            } else {
                std::env::temp_dir()
            }
        },
        PathBuf::from,
    )
}

fn config(nature: &Nature, listing: Listing) -> Config {
    let mut dialect = nature.dialect;
    dialect.any_order = listing == Listing::Own;
    dialect.read_ahead = listing == Listing::Own;
    Config::new("here", 3)
        .against(Some(2), [Adversary::Remover, Adversary::Writer])
        .on(dialect)
}

/// Walks through a world alone, both walkers step for step.
fn walk(
    config: &Config,
    site: &mut Site,
    world: &World,
    listing: Listing,
) -> Result<usize, Trouble> {
    let root = RootPath::new(site.root()).expect("a path with a name");
    site.plant(world)?;
    site.compare(world)?;
    let mut twin = Twin::new(config, &root, 0, listing);
    let mut state = State::<Walker<u8>>::new(config, world.clone());
    let mut steps = 0;
    while state.first.request().is_some() {
        let reply = twin.ask(site, config, &state, None)?;
        twin.step(reply);
        let (who, reply) = (0, reply.said);
        state.act(
            config,
            Act::Reply {
                who,
                reply,
                fault: false,
            },
            |_| (),
        );
        site.settle(&state.world);
        steps += 1;
    }
    twin.asks_the_same(&state)?;
    site.compare(&state.world)?;
    Ok(steps)
}

#[test]
fn a_walk_alone_is_the_same_on_both() {
    let nature = Nature::of(&place(), None, false).unwrap();
    let mut site = Site::new(&nature).unwrap();
    for listing in [Listing::Sorted, Listing::Own] {
        let config = config(&nature, listing);
        for forest in (0..=4).flat_map(trees) {
            let world = World::planted(&config.dialect, &forest);
            let steps = walk(&config, &mut site, &world, listing);
            assert!(steps.unwrap_or_else(|e| panic!("{e}")) > 5);
        }
    }
}

#[test]
fn what_differs_is_seen() {
    let nature = Nature::of(&place(), None, false).unwrap();
    let mut site = Site::new(&nature).unwrap();
    let config = config(&nature, Listing::Sorted);
    let world = World::planted(&config.dialect, &trees(2)[0]);
    site.plant(&world).unwrap();
    site.compare(&world).unwrap();
    let nobody_knows = site.root().join("z");
    std::fs::write(&nobody_knows, "").unwrap();
    assert!(matches!(site.compare(&world), Err(Trouble::Differs(_))));
    std::fs::remove_file(nobody_knows).unwrap();
    site.compare(&world).unwrap();
    let mut other = world.clone();
    other.take(&config.dialect, ROOT, 0);
    assert!(matches!(site.compare(&other), Err(Trouble::Differs(_))));
    assert_eq!(site.root().file_name().unwrap(), "a");
    assert_eq!(ROOT_NAME, 0);
}
