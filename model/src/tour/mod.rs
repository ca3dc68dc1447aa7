//! The tour: the edges of a configuration's state graph, walked on a real directory.
//!
//! What the model's world says is said again by a kernel: for each edge the tree is brought to where
//! the edge begins, the adversary acts for real or the shipped walker's request is carried out, and
//! reply, tree and the walkers' next requests are compared ([`crate::real`]).
//!
//! Where the model has several replies, and it is the kernel's to choose one, the walk goes on from
//! the one that it chose; the others are counted apart. With sorted listings nothing is left to it
//! on a local file system. With its own listings most orders are.
//!
//! Deliberately absent: laws. Whether the walker is right is the search's affair; here only the world
//! is judged.

pub mod configs;
mod graph;

use crate::adversary::Act;
use crate::canon::mix;
use crate::config::{Config, Second};
use crate::real::{Listing, Nature, Result, Site, Trouble, Twin};
use crate::words;
use fell::RootPath;
use graph::{Edge, Graph};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many different replies may be wished for in vain at one place before it is left.
const TRIES: u8 = 2;
/// How far an edge that was not walked yet is looked for before the tree is planted anew.
const NEAR: usize = 2_000;
/// How many mismatches of one configuration are enough.
const ENOUGH: usize = 3;

/// What came of one configuration.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Worlds that cannot be made here, and were left out.
    pub left_out: usize,
    /// States of its graph.
    pub states: usize,
    /// Edges of its graph.
    pub edges: usize,
    /// Edges that were walked.
    pub replayed: usize,
    /// Edges that no answer of the kernel selected, and those that begin behind such an edge.
    pub unselected: usize,
    /// How often a tree was planted.
    pub restarts: usize,
    /// Calls of adversaries and requests of walkers in all, the ways to edges included.
    pub steps: usize,
    /// Directories that were told like an earlier one: same number, same birth.
    pub told_twice: usize,
    /// Walks that were left because an NFS client remembered a parent: [`Trouble::Remembered`].
    pub remembered: usize,
    /// How long it took.
    pub time: Duration,
    /// What differs, in words.
    pub mismatches: Vec<String>,
}

/// Whether an edge was walked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Not yet; wished for in vain so many times.
    Open(u8),
    Replayed,
    Unselected,
}

/// Walks `quota` edges of a configuration, or all; in the order of the search, or, where `seed` is
/// given, from edges drawn at random.
///
/// # Errors
///
/// When the site cannot be made.
pub fn tour(
    nature: &Nature,
    config: &Config,
    listing: Listing,
    quota: Option<usize>,
    seed: Option<u64>,
) -> Result<Row> {
    let begin = Instant::now();
    let worlds = config.worlds();
    let all = worlds.len();
    let worlds: Vec<_> = worlds.into_iter().filter(|w| nature.can_plant(w)).collect();
    let left_out = all - worlds.len();
    let graph = Graph::of(config, worlds);
    let site = Site::new(nature)?;
    let mut tour = Tour {
        config,
        listing,
        marks: graph.fresh_marks(),
        open: graph.edges.iter().map(Vec::len).sum(),
        graph: &graph,
        site,
        row: Row {
            name: config.name.clone(),
            left_out,
            states: graph.states.len(),
            edges: graph.edges.iter().map(Vec::len).sum(),
            ..Row::default()
        },
        tree: Vec::new(),
        from: 0,
    };
    tour.run(quota.unwrap_or(usize::MAX), seed);
    let mut row = tour.row;
    row.told_twice = tour.site.told_twice();
    row.time = begin.elapsed();
    Ok(row)
}

struct Tour<'a> {
    config: &'a Config,
    listing: Listing,
    graph: &'a Graph,
    marks: Vec<Vec<Mark>>,
    /// How many edges are marked open.
    open: usize,
    site: Site,
    row: Row,
    /// By which edge of which state each state is best reached from a start.
    tree: Vec<Option<(usize, usize)>>,
    /// Before this state none has an open edge.
    from: usize,
}

/// One walk from a start.
struct Walk<'a> {
    twins: Vec<Twin<'a>>,
    at: usize,
    way: Vec<(usize, Act)>,
}

impl Tour<'_> {
    fn run(&mut self, quota: usize, seed: Option<u64>) {
        let path = RootPath::new(self.site.root()).expect("a site has a name");
        self.tree = self.ways();
        while self.open > 0 && self.row.replayed < quota && self.row.mismatches.len() < ENOUGH {
            let Some((start, plan)) = self.plan(seed) else {
                break;
            };
            self.row.restarts += 1;
            let mut walk = Walk {
                twins: (0..=usize::from(self.config.beside == Some(Second::Same)))
                    .map(|who| Twin::new(self.config, &path, who, self.listing))
                    .collect(),
                at: start,
                way: Vec::new(),
            };
            match self.walk(&mut walk, plan, quota) {
                Ok(()) => {}
                Err(Trouble::Remembered(_)) => self.row.remembered += 1,
                Err(trouble) => {
                    let words = self.words(&walk, &trouble);
                    self.row.mismatches.push(words);
                }
            }
        }
        let unselected = self.marks.iter().flatten();
        let unselected = unselected.filter(|&&mark| mark == Mark::Unselected).count();
        // What is still open when all was tried begins where no answer led.
        let is_done = self.row.replayed < quota;
        self.row.unselected = unselected + if is_done { self.open } else { 0 };
    }

    /// From a start by the planned edges, then wherever an open edge is near.
    fn walk(&mut self, walk: &mut Walk<'_>, plan: Vec<usize>, quota: usize) -> Result<()> {
        let graph = self.graph;
        self.site.plant(&graph.states[walk.at].world)?;
        let mut plan: VecDeque<usize> = plan.into();
        while self.row.replayed < quota {
            let next = plan.pop_front().or_else(|| {
                let open = self.open_edge(walk.at);
                open.or_else(|| {
                    plan = self.nearest(walk.at)?;
                    plan.pop_front()
                })
            });
            let Some(next) = next else {
                break;
            };
            if !self.take(walk, next)? {
                plan.clear();
            }
        }
        let state = &graph.states[walk.at];
        for twin in &walk.twins {
            twin.asks_the_same(state)?;
        }
        self.site.compare(&state.world)
    }

    /// Takes an edge; `false` if the kernel chose another.
    fn take(&mut self, walk: &mut Walk<'_>, wished: usize) -> Result<bool> {
        let graph = self.graph;
        let (from, state) = (walk.at, &graph.states[walk.at]);
        let Edge { act, to } = graph.edges[from][wished];
        self.row.steps += 1;
        let mut taken = wished;
        walk.way.push((from, act));
        match act {
            Act::Reply { who, reply, .. } => {
                let twin = &mut walk.twins[usize::from(who)];
                let asked = twin.ask(&self.site, self.config, state, Some(reply));
                let heard = asked.inspect_err(|_| self.set(from, wished, Mark::Unselected))?;
                taken = graph.reply(from, who, heard.said).unwrap_or(wished);
                walk.way.pop();
                walk.way.push((from, graph.edges[from][taken].act));
                twin.step(heard);
                let to = graph.edges[from][taken].to;
                self.site.settle(&graph.states[to].world);
            }
            Act::HandOn => {
                walk.twins[0].hand_on();
            }
            Act::Stop(why) => walk.twins[0].stop(why),
            _ => {
                let after = &graph.states[to].world;
                let acted = self.site.act(&state.world, act, after);
                acted.inspect_err(|_| self.set(from, wished, Mark::Unselected))?;
            }
        }
        walk.at = graph.edges[from][taken].to;
        let is_new = self.marks[from][taken] != Mark::Replayed;
        self.set(from, taken, Mark::Replayed);
        if taken != wished {
            self.in_vain(from, wished);
        }
        if is_new {
            self.row.replayed += 1;
            self.site.compare(&graph.states[walk.at].world)?;
        }
        Ok(taken == wished)
    }

    fn in_vain(&mut self, state: usize, edge: usize) {
        if let Mark::Open(tries) = self.marks[state][edge] {
            let mark = if tries + 1 < TRIES {
                Mark::Open(tries + 1)
            } else {
                Mark::Unselected
            };
            self.set(state, edge, mark);
        }
    }

    fn set(&mut self, state: usize, edge: usize, mark: Mark) {
        let is_open = |mark| matches!(mark, Mark::Open(_));
        let before = std::mem::replace(&mut self.marks[state][edge], mark);
        self.open -= usize::from(is_open(before) && !is_open(mark));
    }

    fn open_edge(&self, state: usize) -> Option<usize> {
        let is_open = |mark: &Mark| matches!(mark, Mark::Open(_));
        self.marks[state].iter().position(is_open)
    }

    /// The way from a state to the nearest open edge, that edge included.
    fn nearest(&self, from: usize) -> Option<VecDeque<usize>> {
        let mut met = vec![(from, usize::MAX, 0)];
        let mut known = std::collections::HashSet::from([from]);
        let mut next = 0;
        while next < met.len() && met.len() < NEAR {
            let (state, ..) = met[next];
            if let Some(open) = self.open_edge(state) {
                let mut way = VecDeque::from([open]);
                let mut at = next;
                while met[at].1 != usize::MAX {
                    way.push_front(met[at].2);
                    at = met[at].1;
                }
                return Some(way);
            }
            for (edge, to) in self.passable(state) {
                if known.insert(to) {
                    met.push((to, next, edge));
                }
            }
            next += 1;
        }
        None
    }

    /// The edges of a state that the kernel may be expected to choose, and where they lead.
    fn passable(&self, state: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let edges = self.graph.edges[state].iter().enumerate();
        edges
            .filter(move |&(edge, _)| self.marks[state][edge] != Mark::Unselected)
            .map(|(edge, &Edge { to, .. })| (edge, to))
    }

    /// The shortest way from a start to each state.
    fn ways(&self) -> Vec<Option<(usize, usize)>> {
        let mut tree = vec![None; self.graph.states.len()];
        let mut queue: VecDeque<usize> = (0..self.graph.starts).collect();
        while let Some(state) = queue.pop_front() {
            for (edge, to) in self.passable(state) {
                if to >= self.graph.starts && tree[to].is_none() {
                    tree[to] = Some((state, edge));
                    queue.push_back(to);
                }
            }
        }
        tree
    }

    /// A start, and a way from it to an open edge; none if no open edge can be reached.
    fn plan(&mut self, seed: Option<u64>) -> Option<(usize, Vec<usize>)> {
        let states = self.graph.states.len();
        while self.from < states && self.open_edge(self.from).is_none() {
            self.from += 1;
        }
        let first = seed.map_or(self.from, |seed| {
            // Fixed seeds: the same numbers in every run.
            let drawn = mix(seed, self.row.restarts as u64);
            usize::try_from(drawn).unwrap_or(usize::MAX) % states
        });
        for round in 0..2 {
            let mut all = (first..states).chain(self.from..first);
            let found = all.find_map(|state| self.plan_to(state));
            if found.is_some() {
                return found;
            }
            if round == 0 {
                self.tree = self.ways();
            }
        }
        None
    }

    fn plan_to(&self, state: usize) -> Option<(usize, Vec<usize>)> {
        let mut way = vec![self.open_edge(state)?];
        let mut at = state;
        while at >= self.graph.starts {
            let (from, edge) = self.tree[at]?;
            if self.marks[from][edge] == Mark::Unselected {
                return None;
            }
            way.push(edge);
            at = from;
        }
        way.reverse();
        Some((at, way))
    }

    fn words(&self, walk: &Walk<'_>, trouble: &Trouble) -> String {
        let state = |at: usize| &*self.graph.states[at];
        let first = walk.way.first().map_or(walk.at, |&(from, _)| from);
        let mut lines = vec![format!("       {}", words::tree(&state(first).world))];
        lines.extend(walk.way.iter().enumerate().map(|(number, &(from, act))| {
            format!("{number:3}. {}", words::words(state(from), act))
        }));
        let tree = words::tree(&state(walk.at).world);
        format!(
            "{}\n       {tree}\n  mismatch: {trouble}\n",
            lines.join("\n")
        )
    }
}
