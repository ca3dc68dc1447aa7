//! The Explorer: a configuration to be walked through by hand, in a browser.
//!
//! It is stateright's, with each act in words and each state as a drawing. The universe is the one
//! that is searched; here its acts carry their words, for the Explorer asks for the words of an act
//! without telling the state before it.

mod scene;
mod svg;

use crate::adversary::Act;
use crate::config::Config;
use crate::property::{Law, Laws, halts_alone, is_live};
use crate::universe;
use crate::words::{asks, says, tree, words};
use fell::machine::Walker;
use stateright::{Model, Path, Property};
use std::io;
use std::net::{SocketAddr, TcpListener};

/// The universe of the machine that is shipped.
pub type State = universe::State<Walker<u8>>;

/// An act, and what it is in the state before it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Told {
    /// The act.
    pub act: Act,
    /// The act in words.
    pub words: String,
}

impl Told {
    fn of(state: &State, act: Act) -> Told {
        Told {
            words: told(state, act),
            act,
        }
    }
}

/// One act in a line that fits a list.
fn told(state: &State, act: Act) -> String {
    let Act::Reply { who, reply, fault } = act else {
        return words(state, act);
    };
    let walker = usize::from(who);
    let request = state.walker(walker).request();
    let asked = request.map_or_else(String::new, |r| asks(&state.world, walker, &r));
    let fault = if fault { " (fault)" } else { "" };
    format!("walker {who}: {asked}: {}{fault}", says(&reply))
}

/// A configuration as the Explorer sees it.
#[derive(Debug)]
pub struct Explored {
    config: Config,
}

impl Explored {
    /// A configuration.
    #[must_use]
    pub fn new(config: Config) -> Explored {
        Explored { config }
    }
}

impl Model for Explored {
    type State = State;
    type Action = Told;

    fn init_states(&self) -> Vec<State> {
        let worlds = self.config.worlds().into_iter();
        worlds
            .map(|world| State::new(&self.config, world))
            .collect()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Told>) {
        let mut acts = Vec::new();
        // What comes after a broken law is not worth looking at.
        if state.broken == Laws::NONE {
            state.acts(&self.config, &mut acts);
        }
        actions.extend(acts.into_iter().map(|act| Told::of(state, act)));
    }

    fn next_state(&self, last: &State, told: Told) -> Option<State> {
        let mut next = last.clone();
        next.act(&self.config, told.act, |_| ());
        Some(next)
    }

    /// Every law but T3, which is about the whole graph; a test compares the names.
    fn properties(&self) -> Vec<Property<Explored>> {
        let looks: [(Law, Look); 13] = [
            (Law::G1, |_, state| state.keeps(Law::G1)),
            (Law::G2, |_, state| state.keeps(Law::G2)),
            (Law::G3, |_, state| state.keeps(Law::G3)),
            (Law::G4, |_, state| state.keeps(Law::G4)),
            (Law::G5, |_, state| state.keeps(Law::G5)),
            (Law::G6, |_, state| state.keeps(Law::G6)),
            (Law::G7, |_, state| state.keeps(Law::G7)),
            (Law::G8, |_, state| state.keeps(Law::G8)),
            (Law::G9, |_, state| state.keeps(Law::G9)),
            (Law::G10, |_, state| state.keeps(Law::G10)),
            (Law::G12, |_, state| state.keeps(Law::G12)),
            (Law::Table, |_, state| state.keeps(Law::Table)),
            (Law::T2, |_, state| state.keeps(Law::T2)),
        ];
        let mut all: Vec<_> = looks
            .into_iter()
            .map(|(law, look)| Property::always(law.name(), look))
            .collect();
        all.push(Property::always(Law::Deadlock.name(), |this, state| {
            is_live(&this.config, state)
        }));
        all.push(Property::always(Law::T1.name(), |this, state| {
            halts_alone(&this.config, state)
        }));
        all
    }

    fn format_action(&self, told: &Told) -> String {
        told.words.clone()
    }

    fn format_step(&self, last: &State, told: Told) -> Option<String> {
        let words = told.words.clone();
        let next = self.next_state(last, told)?;
        let (before, after) = (tree(&last.world), tree(&next.world));
        Some(format!("{words}\n\nbefore  {before}\nafter   {after}"))
    }

    fn as_svg(&self, path: Path<State, Told>) -> Option<String> {
        svg::drawing(&self.config, &path.into_vec())
    }
}

/// How a law is looked at in a state: a function of its own for each, as stateright wants it.
type Look = fn(&Explored, &State) -> bool;

/// Serves the Explorer; returns only if it cannot listen.
///
/// # Errors
///
/// When the address cannot be listened on. stateright would panic.
pub fn serve(config: Config, address: SocketAddr) -> io::Result<()> {
    TcpListener::bind(address)?;
    Explored::new(config).checker().serve(address);
    Ok(())
}
