//! The whole graph of a configuration: full states, and every edge.

use super::Mark;
use crate::adversary::Act;
use crate::config::Config;
use crate::universe::State;
use crate::world::World;
use fell::machine::{Reply, Walker};
use std::collections::HashMap;
use std::sync::Arc;

/// What may happen, and what is then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) act: Act,
    pub(super) to: usize,
}

/// States in the order in which a breadth-first search meets them.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) states: Vec<Arc<State<Walker<u8>>>>,
    pub(super) edges: Vec<Vec<Edge>>,
    /// So many states are where it begins.
    pub(super) starts: usize,
}

impl Graph {
    pub(super) fn of(config: &Config, worlds: Vec<World>) -> Graph {
        let mut graph = Graph {
            states: Vec::new(),
            edges: Vec::new(),
            starts: 0,
        };
        let mut numbers = HashMap::new();
        for world in worlds {
            graph.number(&mut numbers, State::new(config, world));
        }
        graph.starts = graph.states.len();
        let mut acts = Vec::new();
        while graph.edges.len() < graph.states.len() {
            let state = Arc::clone(&graph.states[graph.edges.len()]);
            state.acts(config, &mut acts);
            let edges = acts.drain(..).map(|act| {
                let mut next = State::clone(&state);
                next.act(config, act, |_| ());
                let to = graph.number(&mut numbers, next);
                Edge { act, to }
            });
            let edges = edges.collect();
            graph.edges.push(edges);
        }
        graph
    }

    fn number(
        &mut self,
        numbers: &mut HashMap<Arc<State<Walker<u8>>>, usize>,
        state: State<Walker<u8>>,
    ) -> usize {
        if let Some(&number) = numbers.get(&state) {
            return number;
        }
        let state = Arc::new(state);
        numbers.insert(Arc::clone(&state), self.states.len());
        self.states.push(state);
        self.states.len() - 1
    }

    pub(super) fn fresh_marks(&self) -> Vec<Vec<Mark>> {
        let edges = self.edges.iter();
        edges
            .map(|edges| vec![Mark::Open(0); edges.len()])
            .collect()
    }

    /// The edge on which a walker is given a reply.
    pub(super) fn reply(&self, from: usize, who: u8, reply: Reply<u8>) -> Option<usize> {
        let fault = false;
        let act = Act::Reply { who, reply, fault };
        self.edges[from].iter().position(|edge| edge.act == act)
    }
}
