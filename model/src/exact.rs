//! The exact search: full states and no hashes in their place, for configurations that fit.
//!
//! It keeps the whole graph, and so can tell what a search that forgets its edges cannot: that no
//! cycle consists of steps of walkers alone (T3), and how many such steps in a row there can be from
//! each state, for every choice of listing (T1).

use crate::adversary::Act;
use crate::canon::spelled;
use crate::config::Config;
use crate::machine::Machine;
use crate::property::{Law, bound};
use crate::search::Violation;
use crate::universe::State;
use std::collections::HashMap;
use std::sync::Arc;

/// What the exact search found.
#[derive(Debug)]
pub struct Exact<M> {
    /// Unique states.
    pub states: usize,
    /// The most steps in a row that walkers can take alone.
    pub longest: u32,
    /// T1 or T3, where they do not hold.
    pub violation: Option<Violation<M>>,
}

/// What a state is known by.
#[derive(PartialEq, Eq, Hash)]
enum Form<M> {
    Spelled(Vec<u64>),
    Whole(Arc<State<M>>),
}

struct Graph<M> {
    states: Vec<Arc<State<M>>>,
    /// By which act of which state each state was first met.
    met_by: Vec<Option<(usize, Act)>>,
    /// The steps of walkers: where they lead from each state.
    steps: Vec<Vec<usize>>,
}

/// Searches all of a configuration.
#[must_use]
pub fn exact<M: Machine>(config: &Config) -> Exact<M> {
    let graph = build::<M>(config);
    let (longest, law) = match longest(&graph.steps) {
        Ok(lengths) => {
            let over = (0..lengths.len())
                .find(|&at| lengths[at] > bound(config, &graph.states[at]))
                .map(|at| (Law::T1, at));
            (lengths.into_iter().max().unwrap_or(0), over)
        }
        Err(at) => (0, Some((Law::T3, at))),
    };
    Exact {
        states: graph.states.len(),
        longest,
        violation: law.map(|(law, at)| Violation {
            law,
            trace: graph.way_to(at),
        }),
    }
}

fn build<M: Machine>(config: &Config) -> Graph<M> {
    let mut graph = Graph {
        states: Vec::new(),
        met_by: Vec::new(),
        steps: Vec::new(),
    };
    let mut numbers = HashMap::new();
    for world in config.worlds() {
        graph.number(config, &mut numbers, State::new(config, world), None);
    }
    let mut acts = Vec::new();
    let mut at = 0;
    while at < graph.states.len() {
        let state = Arc::clone(&graph.states[at]);
        state.acts(config, &mut acts);
        for act in acts.drain(..) {
            let mut next = State::clone(&state);
            next.act(config, act, |_| ());
            let number = graph.number(config, &mut numbers, next, Some((at, act)));
            if matches!(act, Act::Reply { fault: false, .. }) {
                graph.steps[at].push(number);
            }
        }
        at += 1;
    }
    graph
}

impl<M: Machine> Graph<M> {
    fn number(
        &mut self,
        config: &Config,
        numbers: &mut HashMap<Form<M>, usize>,
        state: State<M>,
        met_by: Option<(usize, Act)>,
    ) -> usize {
        let state = Arc::new(state);
        let form =
            spelled(config, &state).map_or_else(|| Form::Whole(Arc::clone(&state)), Form::Spelled);
        if let Some(&number) = numbers.get(&form) {
            return number;
        }
        let number = self.states.len();
        numbers.insert(form, number);
        self.states.push(state);
        self.met_by.push(met_by);
        self.steps.push(Vec::new());
        number
    }

    fn way_to(&self, at: usize) -> Vec<(State<M>, Option<Act>)> {
        let mut way = vec![(State::clone(&self.states[at]), None)];
        let mut at = at;
        while let Some((from, act)) = self.met_by[at] {
            way.push((State::clone(&self.states[from]), Some(act)));
            at = from;
        }
        way.reverse();
        way
    }
}

/// For each node how many steps the longest way from it has; a node on a cycle if there is one.
/// Nodes are taken off once all that they lead to are.
fn longest(steps: &[Vec<usize>]) -> Result<Vec<u32>, usize> {
    let mut open: Vec<usize> = steps.iter().map(Vec::len).collect();
    let mut from: Vec<Vec<usize>> = vec![Vec::new(); steps.len()];
    for (at, next) in steps.iter().enumerate() {
        for &to in next {
            from[to].push(at);
        }
    }
    let mut lengths = vec![0u32; steps.len()];
    let mut ready: Vec<usize> = (0..steps.len()).filter(|&at| open[at] == 0).collect();
    while let Some(to) = ready.pop() {
        for &at in &from[to] {
            lengths[at] = lengths[at].max(lengths[to] + 1);
            open[at] -= 1;
            if open[at] == 0 {
                ready.push(at);
            }
        }
    }
    match open.iter().position(|&left| left > 0) {
        Some(at) => Err(at),
        None => Ok(lengths),
    }
}

#[cfg(test)]
mod tests {
    use super::longest;

    #[test]
    fn a_cycle_is_found_and_the_longest_way_is_the_longest() {
        assert_eq!(longest(&[vec![1, 2], vec![2], vec![]]), Ok(vec![2, 1, 0]));
        assert!(longest(&[vec![1], vec![2], vec![1]]).is_err());
    }
}
