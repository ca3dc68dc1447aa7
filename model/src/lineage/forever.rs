//! Others that never stop: whether a remover can be kept from its end by them for ever.
//!
//! In a finite universe a run without an end passes some state again. So a run that has steps of the
//! remover again and again is a cycle that has one.

use super::{Broken, Cell, Promise, markdown};
use crate::adversary::Act;
use crate::config::Config;
use crate::machine::Machine;
use crate::property::{Law, Laws, halts_alone};
use crate::search::Violation;
use crate::universe::State;
use std::collections::{HashMap, VecDeque};

/// From how many of the nearest states on a cycle the shortest is taken.
const TRIED: usize = 256;

struct Graph<M> {
    states: Vec<State<M>>,
    /// By which act of which state each state was first met.
    met_by: Vec<Option<(usize, Act)>>,
    edges: Vec<Vec<(usize, Act)>>,
}

/// Looks for such a cycle.
pub(super) fn look<M: Machine>(config: &Config) -> Cell {
    let graph = build::<M>(config, false);
    let part = parts(&graph.edges);
    let is_step = |act: &Act| matches!(act, Act::Reply { .. });
    // States are in the order of their distance, so the nearest come first.
    let nearest = graph.edges.iter().enumerate().flat_map(|(at, edges)| {
        let part = &part;
        edges
            .iter()
            .filter(move |(to, act)| is_step(act) && part[*to] == part[at])
            .map(move |&(to, act)| (at, to, act))
    });
    let ways = nearest.take(TRIED).map(|(at, to, act)| {
        let mut way = graph.way_to(at);
        let lasso = way.len() - 1;
        if let Some(last) = way.last_mut() {
            last.1 = Some(act);
        }
        way.extend(graph.way_within(to, at, &part));
        (way, lasso)
    });
    let shortest = ways.min_by_key(|(way, _)| way.len());
    let broken = shortest.map(|(way, lasso)| Broken {
        promise: Promise::Forever,
        trace: markdown::lasso(&way, lasso),
    });
    Cell {
        states: graph.states.len(),
        broken: broken.into_iter().collect(),
    }
}

/// Looks at the laws: each with the shortest way to a state that breaks it.
pub(super) fn laws<M: Machine>(config: &Config) -> (usize, Vec<Violation<M>>) {
    let graph = build::<M>(config, true);
    let mut found: Vec<(Law, usize)> = Vec::new();
    for (at, state) in graph.states.iter().enumerate() {
        let halts = state.broken != Laws::NONE || halts_alone(config, state);
        let broken = state.broken.iter().chain((!halts).then_some(Law::T1));
        for law in broken {
            if !found.iter().any(|(known, _)| *known == law) {
                found.push((law, at));
            }
        }
    }
    let violations = found.into_iter().map(|(law, at)| Violation {
        law,
        trace: graph.way_to(at),
    });
    (graph.states.len(), violations.collect())
}

fn build<M: Machine>(config: &Config, judges: bool) -> Graph<M> {
    let mut graph = Graph {
        states: Vec::new(),
        met_by: Vec::new(),
        edges: Vec::new(),
    };
    let mut numbers = HashMap::new();
    let starts = config.worlds();
    for world in starts {
        graph.number(&mut numbers, State::new(config, world), None);
    }
    let mut acts = Vec::new();
    let mut at = 0;
    while at < graph.states.len() {
        let state = graph.states[at].clone();
        // What comes after a broken law is not worth looking at.
        if state.broken == Laws::NONE {
            state.acts(config, &mut acts);
        }
        for act in acts.drain(..) {
            let mut next = state.clone();
            next.act(config, act, |_| ());
            if !judges {
                next.broken = Laws::NONE;
            }
            let number = graph.number(&mut numbers, next, Some((at, act)));
            graph.edges[at].push((number, act));
        }
        at += 1;
    }
    graph
}

impl<M: Machine> Graph<M> {
    fn number(
        &mut self,
        numbers: &mut HashMap<State<M>, usize>,
        state: State<M>,
        met_by: Option<(usize, Act)>,
    ) -> usize {
        if let Some(&number) = numbers.get(&state) {
            return number;
        }
        let number = self.states.len();
        numbers.insert(state.clone(), number);
        self.states.push(state);
        self.met_by.push(met_by);
        self.edges.push(Vec::new());
        number
    }

    fn way_to(&self, at: usize) -> Vec<(State<M>, Option<Act>)> {
        let mut way = vec![(self.states[at].clone(), None)];
        let mut at = at;
        while let Some((from, act)) = self.met_by[at] {
            way.push((self.states[from].clone(), Some(act)));
            at = from;
        }
        way.reverse();
        way
    }

    /// The shortest way between two states of one strongly connected part.
    fn way_within(&self, from: usize, to: usize, part: &[usize]) -> Vec<(State<M>, Option<Act>)> {
        let mut met_by: HashMap<usize, (usize, Act)> = HashMap::new();
        let mut ready = VecDeque::from([from]);
        while let Some(at) = ready.pop_front() {
            if at == to {
                break;
            }
            for &(next, act) in &self.edges[at] {
                if part[next] == part[to] && next != from && !met_by.contains_key(&next) {
                    met_by.insert(next, (at, act));
                    ready.push_back(next);
                }
            }
        }
        let mut way = vec![(self.states[to].clone(), None)];
        let mut at = to;
        while let Some(&(before, act)) = met_by.get(&at).filter(|_| at != from) {
            way.push((self.states[before].clone(), Some(act)));
            at = before;
        }
        way.reverse();
        way
    }
}

/// The strongly connected part of each node (Tarjan's way, without recursion).
fn parts(edges: &[Vec<(usize, Act)>]) -> Vec<usize> {
    const NEW: usize = usize::MAX;
    let mut index = vec![NEW; edges.len()];
    let mut low = vec![0; edges.len()];
    let mut part = vec![NEW; edges.len()];
    let (mut next, mut count) = (0, 0);
    let mut open = Vec::new();
    for start in 0..edges.len() {
        let mut calls = Vec::new();
        if index[start] == NEW {
            calls.push((start, 0));
        }
        while let Some((at, edge)) = calls.pop() {
            if edge == 0 {
                index[at] = next;
                low[at] = next;
                next += 1;
                open.push(at);
            } else {
                let (to, _) = edges[at][edge - 1];
                if part[to] == NEW {
                    low[at] = low[at].min(low[to]);
                }
            }
            if let Some(&(to, _)) = edges[at].get(edge) {
                calls.push((at, edge + 1));
                if index[to] == NEW {
                    calls.push((to, 0));
                }
            } else if low[at] == index[at] {
                while let Some(top) = open.pop() {
                    part[top] = count;
                    if top == at {
                        break;
                    }
                }
                count += 1;
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::parts;
    use crate::adversary::Act;

    #[test]
    fn what_leads_back_is_one_part() {
        let to = |nodes: &[usize]| nodes.iter().map(|&node| (node, Act::HandOn)).collect();
        let part = parts(&[to(&[1, 3]), to(&[2]), to(&[1, 3]), to(&[])]);
        assert_eq!(part[1], part[2]);
        assert_ne!(part[0], part[1]);
        assert_ne!(part[3], part[1]);
        assert_ne!(part[3], part[0]);
    }
}
