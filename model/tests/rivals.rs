//! Other removers beside the walker, as adversaries.

use fell::machine::Walker;
use fell_model::adversary::Act;
use fell_model::property::halts_alone;
use fell_model::universe::State;
use fell_model::words::words;
use fell_model::world::OUTSIDE;
use fell_model::{Adversary, Config, Second};
use std::collections::HashSet;

type Fell = State<Walker<u8>>;

fn beside(second: Second) -> Config {
    Config {
        beside: Some(second),
        ..Config::new("beside", 2).against(Some(1), [Adversary::Mover])
    }
}

/// All states that the rival and the mover reach, the walker waiting, and whether a step of the rival
/// took something from outside.
fn waiting(config: &Config) -> (Vec<Fell>, bool) {
    let begins = config.worlds().into_iter();
    let mut all: Vec<Fell> = begins.map(|world| Fell::new(config, world)).collect();
    let mut known: HashSet<Fell> = all.iter().cloned().collect();
    let mut acts = Vec::new();
    let outside = |state: &Fell| state.world.list(OUTSIDE).count();
    let (mut at, mut escapes) = (0, false);
    while at < all.len() {
        let state = all[at].clone();
        state.acts(config, &mut acts);
        for act in acts
            .drain(..)
            .filter(|act| !matches!(act, Act::Reply { .. }))
        {
            let mut next = state.clone();
            next.act(config, act, |_| ());
            escapes |= matches!(act, Act::Rival(_)) && outside(&next) < outside(&state);
            if known.insert(next.clone()) {
                all.push(next);
            }
        }
        at += 1;
    }
    (all, escapes)
}

/// koji believes the way up, so a mover leads it outside; rm compares numbers.
#[test]
fn koji_escapes_and_rm_does_not() {
    for (second, escapes) in [(Second::Koji, true), (Second::Rm, false)] {
        let (all, escaped) = waiting(&beside(second));
        assert_eq!(escaped, escapes, "{second:?} of {} states", all.len());
    }
}

/// Wherever a rival has come, the walker alone halts. That it breaks no law beside one is for the suite.
#[test]
fn the_walker_halts_wherever_the_rival_is() {
    for second in [Second::Koji, Second::Rm] {
        let config = beside(second);
        let (all, _) = waiting(&config);
        assert!(all.len() > 500, "{}", all.len());
        for state in &all {
            assert!(halts_alone(&config, state));
        }
        let is_over = |state: &&Fell| state.rival.as_ref().is_some_and(|r| r.request().is_none());
        assert!(all.iter().any(|state| is_over(&state)));
    }
}

#[test]
fn a_rival_has_a_name_in_traces() {
    for (second, said) in [(Second::Koji, "koji: open"), (Second::Rm, "rm: open")] {
        let config = beside(second);
        let state = Fell::new(&config, config.worlds().remove(0));
        let mut acts = Vec::new();
        state.acts(&config, &mut acts);
        let told: Vec<String> = acts.iter().map(|&act| words(&state, act)).collect();
        assert!(told.iter().any(|told| told.starts_with(said)), "{told:?}");
    }
}
