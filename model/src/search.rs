//! The search by stateright: all reachable states of one configuration, every law in each.
//!
//! What stateright 0.31 does not do is not asked of it: no depth, count or time limit (they truncate
//! silently), no `eventually` (it misses lassos), no trace from a search for several properties (it
//! is not the shortest). A search is whole when it is done and nothing was found; what it counted is
//! then compared with the golden figure by the caller.

use crate::adversary::Act;
use crate::config::Config;
use crate::machine::Machine;
use crate::property::{Law, Laws, halts_alone, is_live};
use crate::seen::Seen;
use crate::universe::State;
use core::marker::PhantomData;
use stateright::{Checker, Model, Property};
use std::time::{Duration, Instant};

/// A configuration as stateright sees it.
#[derive(Debug)]
pub struct Universe<M> {
    config: Config,
    /// Only this law is looked at; all of them if there is none.
    only: Option<Law>,
    seen: Seen,
    machine: PhantomData<fn() -> M>,
}

impl<M: Machine> Universe<M> {
    /// A configuration, with all laws.
    #[must_use]
    pub fn new(config: Config) -> Universe<M> {
        Universe {
            config,
            only: None,
            seen: Seen::default(),
            machine: PhantomData,
        }
    }

    /// Looks at one law only, which gives its shortest counterexample in one thread.
    #[must_use]
    pub fn only(mut self, law: Law) -> Universe<M> {
        self.only = Some(law);
        self
    }
}

impl<M: Machine> Model for Universe<M> {
    type State = State<M>;
    type Action = Act;

    fn init_states(&self) -> Vec<State<M>> {
        let worlds = self.config.worlds();
        worlds
            .into_iter()
            .map(|world| State::new(&self.config, world))
            .collect()
    }

    fn actions(&self, state: &State<M>, actions: &mut Vec<Act>) {
        // What comes after a broken law is not worth looking at.
        if state.broken == Laws::NONE {
            state.acts(&self.config, actions);
        }
    }

    fn next_state(&self, last: &State<M>, act: Act) -> Option<State<M>> {
        let mut next = last.clone();
        next.act(&self.config, act, |taken| self.seen.take(taken));
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // One property for all laws: stateright looks each up by name in each state.
        let Some(only) = self.only else {
            return vec![Property::always(
                EVERYTHING,
                |universe: &Self, state: &State<M>| {
                    state.broken == Laws::NONE && halts_alone(&universe.config, state)
                },
            )];
        };
        laws()
            .into_iter()
            .filter(|(law, _)| *law == only)
            .map(|(law, holds)| Property::always(law.name(), holds))
            .collect()
    }
}

/// The name of the property that all laws hold. A walker that is stuck does not halt, so T1 looks
/// after deadlock as well.
const EVERYTHING: &str = "all laws";

/// Each law, and how it is looked at in a state.
type Look<M> = fn(&Universe<M>, &State<M>) -> bool;

fn laws<M: Machine>() -> [(Law, Look<M>); 13] {
    [
        (Law::G1, |_, state| state.keeps(Law::G1)),
        (Law::G2, |_, state| state.keeps(Law::G2)),
        (Law::G4, |_, state| state.keeps(Law::G4)),
        (Law::G5, |_, state| state.keeps(Law::G5)),
        (Law::G6, |_, state| state.keeps(Law::G6)),
        (Law::G7, |_, state| state.keeps(Law::G7)),
        (Law::G8, |_, state| state.keeps(Law::G8)),
        (Law::G10, |_, state| state.keeps(Law::G10)),
        (Law::G12, |_, state| state.keeps(Law::G12)),
        (Law::Table, |_, state| state.keeps(Law::Table)),
        (Law::T2, |_, state| state.keeps(Law::T2)),
        (Law::Deadlock, |universe, state| {
            is_live(&universe.config, state)
        }),
        (Law::T1, |universe, state| {
            halts_alone(&universe.config, state)
        }),
    ]
}

/// How large a search was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Size {
    /// Unique states.
    pub states: usize,
    /// Edges between them, those that end where another did included.
    pub edges: usize,
    /// The longest of the shortest ways to a state, roughly: threads do not wait for each other.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
}

/// A law that does not hold, and the shortest way to see it.
#[derive(Clone, Debug)]
pub struct Violation<M> {
    /// The law.
    pub law: Law,
    /// The states on the way there, each with the act that follows it.
    pub trace: Vec<(State<M>, Option<Act>)>,
}

/// What a search found.
#[derive(Debug)]
pub struct Found<M> {
    /// How large it was.
    pub size: Size,
    /// What was met on it.
    pub seen: Seen,
    /// Each law that does not hold in the first state that was found to break one.
    pub violations: Vec<Violation<M>>,
    /// The search came to its end.
    pub is_whole: bool,
}

/// Searches all of a configuration.
#[must_use]
pub fn search<M: Machine>(config: &Config, threads: usize) -> Found<M> {
    let begin = Instant::now();
    let checker = Universe::<M>::new(config.clone())
        .checker()
        .threads(threads)
        .spawn_bfs()
        .join();
    let broken = checker
        .discovery(EVERYTHING)
        .map_or_else(Vec::new, |path| broken_in(config, path.last_state()));
    let size = Size {
        states: checker.unique_state_count(),
        edges: checker.state_count(),
        depth: checker.max_depth(),
        time: begin.elapsed(),
    };
    let seen = Seen::default();
    seen.add(&checker.model().seen);
    Found {
        size,
        seen,
        violations: broken
            .into_iter()
            .filter_map(|law| shortest(config, law))
            .collect(),
        is_whole: checker.is_done(),
    }
}

/// The laws that do not hold in a state.
fn broken_in<M: Machine>(config: &Config, state: &State<M>) -> Vec<Law> {
    let mut broken: Vec<Law> = state.broken.iter().collect();
    if !is_live(config, state) {
        broken.push(Law::Deadlock);
    } else if !halts_alone(config, state) {
        broken.push(Law::T1);
    }
    broken
}

/// The shortest way to a state in which a law does not hold.
fn shortest<M: Machine>(config: &Config, law: Law) -> Option<Violation<M>> {
    let checker = Universe::<M>::new(config.clone())
        .only(law)
        .checker()
        .threads(1)
        .spawn_bfs()
        .join();
    let path = checker.discovery(law.name())?;
    Some(Violation {
        law,
        trace: path.into_vec(),
    })
}
