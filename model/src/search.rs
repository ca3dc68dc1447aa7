//! The search by stateright: all reachable states of one configuration, every law in each.
//!
//! What stateright 0.31 does not do is not asked of it: no depth, count or time limit (they truncate
//! silently), no `eventually` (it misses lassos), no trace from a search for several properties (it
//! is not the shortest). A search is whole when it is done and nothing was found; what it counted is
//! then compared with the golden figure by the caller.

use crate::adversary::Act;
use crate::canon;
use crate::config::Config;
use crate::machine::Machine;
use crate::property::{Law, Laws, halts_alone, is_live};
use crate::seen::Seen;
use crate::universe::State;
use core::hash::{Hash, Hasher};
use core::marker::PhantomData;
use stateright::{Checker, Model, Path, Property};
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

/// A state by its canonical form. stateright remembers what a state hashes to, and goes on from the
/// first state that hashes so, so a path to it has the names that it began with.
#[derive(Clone, Debug)]
pub struct Keyed<M> {
    /// The state.
    pub state: State<M>,
    /// Its canonical form, hashed; 0 where there is none.
    key: u64,
    /// The walker came here alone from a state that is searched, by the reply that T1 gives, so that
    /// what T1 is to look at was looked at there.
    is_followed: bool,
}

impl<M: Machine> Keyed<M> {
    fn new(config: &Config, state: State<M>) -> Keyed<M> {
        let key = canon::key(config, &state);
        Keyed {
            state,
            key,
            is_followed: false,
        }
    }

    /// T1 from here on.
    fn halts(&self, config: &Config) -> bool {
        self.is_followed || halts_alone(config, &self.state)
    }
}

/// Whether an act is the one by which a walker that is the only one goes on in T1.
fn is_plainest<M: Machine>(config: &Config, state: &State<M>, act: Act) -> bool {
    let Act::Reply { reply, fault, .. } = act else {
        return false;
    };
    let mut answers = Vec::with_capacity(16);
    state.replies(config, 0, &mut answers);
    state.second.is_none() && !fault && answers.first() == Some(&reply)
}

impl<M: Machine> PartialEq for Keyed<M> {
    fn eq(&self, other: &Keyed<M>) -> bool {
        self.key == other.key && self.state == other.state
    }
}

impl<M: Machine> Hash for Keyed<M> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        if self.key == 0 {
            self.state.hash(hasher);
        } else {
            hasher.write_u64(self.key);
        }
    }
}

impl<M: Machine> Model for Universe<M> {
    type State = Keyed<M>;
    type Action = Act;

    fn init_states(&self) -> Vec<Keyed<M>> {
        let worlds = self.config.worlds();
        worlds
            .into_iter()
            .map(|world| Keyed::new(&self.config, State::new(&self.config, world)))
            .collect()
    }

    fn actions(&self, Keyed { state, .. }: &Keyed<M>, actions: &mut Vec<Act>) {
        // What comes after a broken law is not worth looking at, unless it is not the one looked for.
        let is_over = match self.only {
            Some(law) => !state.keeps(law),
            None => state.broken != Laws::NONE,
        };
        if !is_over {
            state.acts(&self.config, actions);
        }
    }

    fn next_state(&self, last: &Keyed<M>, act: Act) -> Option<Keyed<M>> {
        let mut next = last.state.clone();
        next.act(&self.config, act, |taken| self.seen.take(taken));
        let is_followed = is_plainest(&self.config, &last.state, act);
        Some(Keyed {
            is_followed,
            ..Keyed::new(&self.config, next)
        })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // One property for all laws: stateright looks each up by name in each state.
        let Some(only) = self.only else {
            return vec![Property::always(
                EVERYTHING,
                |universe: &Self, keyed: &Keyed<M>| {
                    keyed.state.broken == Laws::NONE && keyed.halts(&universe.config)
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
type Look<M> = fn(&Universe<M>, &Keyed<M>) -> bool;

fn laws<M: Machine>() -> [(Law, Look<M>); 15] {
    [
        (Law::G1, |_, keyed| keyed.state.keeps(Law::G1)),
        (Law::G2, |_, keyed| keyed.state.keeps(Law::G2)),
        (Law::G4, |_, keyed| keyed.state.keeps(Law::G4)),
        (Law::G5, |_, keyed| keyed.state.keeps(Law::G5)),
        (Law::G6, |_, keyed| keyed.state.keeps(Law::G6)),
        (Law::G7, |_, keyed| keyed.state.keeps(Law::G7)),
        (Law::G8, |_, keyed| keyed.state.keeps(Law::G8)),
        (Law::G9, |_, keyed| keyed.state.keeps(Law::G9)),
        (Law::G10, |_, keyed| keyed.state.keeps(Law::G10)),
        (Law::G12, |_, keyed| keyed.state.keeps(Law::G12)),
        (Law::Table, |_, keyed| keyed.state.keeps(Law::Table)),
        (Law::G3, |_, keyed| keyed.state.keeps(Law::G3)),
        (Law::T2, |_, keyed| keyed.state.keeps(Law::T2)),
        (Law::Deadlock, |universe, keyed| {
            is_live(&universe.config, &keyed.state)
        }),
        (Law::T1, |universe, keyed| keyed.halts(&universe.config)),
    ]
}

/// How large a search was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Size {
    /// Unique states.
    pub states: usize,
    /// Edges between them, those that end where another did included.
    pub edges: usize,
    /// The longest of the shortest ways to a state, roughly: threads do not wait for each other. Depth
    /// first, the longest way that was gone.
    pub depth: usize,
    /// How long it took.
    pub time: Duration,
}

/// The states on a way, each with the act that follows it.
pub type Trace<M> = Vec<(State<M>, Option<Act>)>;

/// A law that does not hold, and the shortest way to see it, or some way where that is not found.
#[derive(Clone, Debug)]
pub struct Violation<M> {
    /// The law.
    pub law: Law,
    /// The way there.
    pub trace: Trace<M>,
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

/// Searches all of a configuration, breadth first.
#[must_use]
pub fn search<M: Machine>(config: &Config, threads: usize) -> Found<M> {
    let begin = Instant::now();
    let universe = Universe::<M>::new(config.clone());
    let checker = universe.checker().threads(threads).spawn_bfs().join();
    found(config, begin, &checker)
}

/// Searches all of a configuration, depth first. Breadth first stateright keeps a state and the
/// whole way to it for all that it has still to look at, which are millions; depth first hundreds, and
/// of the others 8 bytes each. Where others never stop, ways have no end: search those by breadth.
#[must_use]
pub fn search_deep<M: Machine>(config: &Config, threads: usize) -> Found<M> {
    let begin = Instant::now();
    let universe = Universe::<M>::new(config.clone());
    let checker = universe.checker().threads(threads).spawn_dfs().join();
    found(config, begin, &checker)
}

fn found<M: Machine>(
    config: &Config,
    begin: Instant,
    checker: &impl Checker<Universe<M>>,
) -> Found<M> {
    let violations = checker.discovery(EVERYTHING).map_or_else(Vec::new, |path| {
        let laws = broken_in(config, &path.last_state().state);
        reported(laws, &way(path), |law| shortest(config, law))
    });
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
        violations,
        is_whole: checker.is_done(),
    }
}

/// What is said of a discovery: each law by the shortest way, or by the one that was gone where a
/// search for the law alone does not meet it. T1 leaves no bit in a state, and that search may go on
/// from another state of the same form. So may the way itself, which then ends in a state that
/// breaks nothing; the other laws being in its bits, T1 is what was broken.
fn reported<M: Machine>(
    mut laws: Vec<Law>,
    trace: &[(State<M>, Option<Act>)],
    again: impl Fn(Law) -> Option<Violation<M>>,
) -> Vec<Violation<M>> {
    if laws.is_empty() {
        laws.push(Law::T1);
    }
    let own = |law| Violation {
        law,
        trace: trace.to_vec(),
    };
    laws.into_iter()
        .map(|law| again(law).unwrap_or_else(|| own(law)))
        .collect()
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

/// The laws that are broken first, in one thread, each with a way there.
#[must_use]
pub fn first<M: Machine>(config: &Config) -> Vec<Violation<M>> {
    let checker = Universe::<M>::new(config.clone())
        .checker()
        .threads(1)
        .spawn_bfs()
        .join();
    let Some(path) = checker.discovery(EVERYTHING) else {
        return Vec::new();
    };
    let laws = broken_in(config, &path.last_state().state);
    reported(laws, &way(path), |_| None)
}

/// The shortest way to a state in which a law does not hold. T3 is not looked at here.
#[must_use]
pub fn shortest<M: Machine>(config: &Config, law: Law) -> Option<Violation<M>> {
    let checker = Universe::<M>::new(config.clone())
        .only(law)
        .checker()
        .threads(1)
        .spawn_bfs()
        .join();
    let path = checker.discovery(law.name())?;
    Some(Violation {
        law,
        trace: way(path),
    })
}

fn way<M: Machine>(path: Path<Keyed<M>, Act>) -> Trace<M> {
    let steps = path.into_vec().into_iter();
    steps.map(|(keyed, act)| (keyed.state, act)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Violation, reported};
    use crate::config::Config;
    use crate::property::Law;
    use crate::universe::State;
    use fell::machine::Walker;

    /// Of a way of one state: what is reported, and by how many states.
    fn said(laws: &[Law], again: Option<Law>) -> Vec<(Law, usize)> {
        let config = Config::new("", 1);
        let state = State::<Walker<u8>>::new(&config, config.worlds().remove(0));
        let trace = [(state.clone(), None)];
        let twice = |law| Violation {
            law,
            trace: vec![(state.clone(), None), (state.clone(), None)],
        };
        let again = |law| (again == Some(law)).then(|| twice(law));
        let reported = reported(laws.to_vec(), &trace, again).into_iter();
        reported
            .map(|found| (found.law, found.trace.len()))
            .collect()
    }

    #[test]
    fn what_was_discovered_is_reported_though_it_is_not_met_again() {
        let both = [Law::G1, Law::T1];
        assert_eq!(said(&both, Some(Law::G1)), [(Law::G1, 2), (Law::T1, 1)]);
        assert_eq!(said(&both, None), [(Law::G1, 1), (Law::T1, 1)]);
        assert_eq!(said(&[], None), [(Law::T1, 1)]);
    }
}
