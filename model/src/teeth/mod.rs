//! Teeth: a check that cannot fail is worth nothing. Variants of the machine that are known to be
//! wrong live beside it, and each must be found.
//!
//! They are patches of `src/machine` (`variants.rs`), which the build script puts into one bent copy
//! of it, each behind the question whether it is the one that is chosen. With none chosen the copy is
//! the machine, and every law holds for it in every configuration used here. Deliberately absent:
//! searches for whatever a variant may break; each names the law and the configuration that find it,
//! so that a law that goes blind is noticed even if another one still sees.

mod configs;
mod document;
#[expect(dead_code, reason = "the patches are for the build script")]
mod variants;

pub use configs::configs;
pub use document::{document, stale};

use crate::adversary::Act;
use crate::config::Config;
use crate::property::Law;
use crate::search::{Size, Violation, search, shortest};
use core::sync::atomic::{AtomicUsize, Ordering};
use fell::machine::Walker;
use std::sync::{Mutex, PoisonError};
use variants::{VARIANTS, Variant};

#[allow(
    clippy::all,
    clippy::pedantic,
    dead_code,
    unused,
    missing_docs,
    unreachable_pub,
    reason = "the machine is linted where it stands"
)]
mod copy {
    include!(concat!(env!("OUT_DIR"), "/bent.rs"));
    pub(crate) use bent::{Ascend, Descend, Level, Reading, Retry, State, Strip, Walker, rank};
}

/// The bent copy of the machine, as the machine is found in `fell`.
pub(crate) mod bent {
    pub(crate) use super::copy::{
        Ascend, Descend, Level, Reading, Retry, State, Strip, Walker, rank,
    };
}

type Bent = bent::Walker<u8>;

const NONE: usize = usize::MAX;

/// Which variant is chosen.
static CHOSEN: AtomicUsize = AtomicUsize::new(NONE);
/// Held by who has chosen: variants run one after another.
static TURN: Mutex<()> = Mutex::new(());

/// Whether `variant` is chosen. The bent copy asks this where a patch was put.
pub(crate) fn is_bent(variant: usize) -> bool {
    CHOSEN.load(Ordering::Relaxed) == variant
}

/// Runs with one variant chosen.
fn with<T>(variant: usize, run: impl FnOnce() -> T) -> T {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    CHOSEN.store(variant, Ordering::Relaxed);
    let result = run();
    CHOSEN.store(NONE, Ordering::Relaxed);
    drop(turn);
    result
}

/// What came of one variant.
#[derive(Debug)]
pub struct Bite {
    /// The variant.
    pub name: &'static str,
    /// The rule, limit or guarantee that it breaks.
    pub breaks: &'static str,
    /// What it does wrong.
    pub wrong: &'static str,
    /// The law that is to find it.
    pub law: &'static str,
    /// The configuration in which it is to be found.
    pub config: &'static str,
    /// How it was found; nothing if it was not.
    pub found: Option<Finding>,
}

/// How a variant was found.
#[derive(Debug)]
pub struct Finding {
    /// How many steps and acts there are on the shortest way.
    pub steps: usize,
    /// Who acted on it beside the walker.
    pub who: Vec<&'static str>,
    /// That way, in words.
    pub trace: String,
}

/// Lets the variants whose name contains `only` run, one after another, in the configuration and
/// against the law that are to find them.
pub fn bites(only: &str) -> impl Iterator<Item = Bite> {
    let configs = configs();
    let all = VARIANTS.iter().enumerate();
    let chosen = all.filter(move |(_, variant)| variant.name.contains(only));
    chosen.map(move |(number, variant)| {
        let (law, config) = variant.found;
        Bite {
            name: variant.name,
            breaks: variant.breaks,
            wrong: variant.wrong,
            law,
            config,
            found: bite(number, variant, &configs),
        }
    })
}

fn bite(number: usize, variant: &Variant, configs: &[Config]) -> Option<Finding> {
    let (law, config) = variant.found;
    let law = Law::ALL.into_iter().find(|l| l.name() == law)?;
    let config = bent_world(variant, configs.iter().find(|c| c.name == config)?);
    with(number, || {
        let violation: Violation<Bent> = shortest(&config, law)?;
        Some(Finding {
            steps: violation.trace.len() - 1,
            who: who(&violation),
            trace: document::trace(&config, &violation),
        })
    })
}

/// A variant without a patch is one of the world that the walker relies on.
fn bent_world(variant: &Variant, config: &Config) -> Config {
    let mut config = config.clone();
    config.dialect.follows = variant.patches.is_empty();
    config
}

/// Who acted beside the walker.
fn who(violation: &Violation<Bent>) -> Vec<&'static str> {
    let mut who = Vec::new();
    for act in violation.trace.iter().filter_map(|(_, act)| *act) {
        let name = match act {
            Act::Reply { fault: false, .. } => continue,
            Act::Reply { fault: true, .. } => "fault",
            Act::Rival(_) => "rival",
            Act::Unlink(_) | Act::Rmdir(_) | Act::RmdirBase => "remover",
            Act::File(_) | Act::Mkdir(_) => "writer",
            Act::Exchange(..) => "swapper",
            Act::Rename(..) => "mover",
            Act::Mount(_) | Act::Unmount => "mounter",
            Act::HandOn => "helper",
            Act::Stop(_) => "canceller",
        };
        if !who.contains(&name) {
            who.push(name);
        }
    }
    who
}

/// For each configuration which laws a variant breaks first, to choose from when a variant is added.
pub fn candidates(name: &str) -> impl Iterator<Item = (String, Vec<(&'static str, usize)>)> {
    let number = VARIANTS.iter().position(|v| v.name == name);
    configs().into_iter().filter_map(move |config| {
        let number = number?;
        let config = bent_world(&VARIANTS[number], &config);
        let found = with(number, || crate::search::first::<Bent>(&config));
        let laws = found
            .into_iter()
            .map(|v| (v.law.name(), v.trace.len() - 1))
            .collect();
        Some((config.name, laws))
    })
}

/// The names of all variants.
pub fn names() -> impl Iterator<Item = &'static str> {
    VARIANTS.iter().map(|variant| variant.name)
}

/// With no variant chosen every law holds for the copy, and it has the states that the machine has;
/// else the copy is none. Returns what is wrong, and how much was searched.
#[must_use]
pub fn unbent(threads: usize) -> (Vec<String>, Size) {
    let mut total = Size::default();
    let mut wrong = Vec::new();
    for config in configs() {
        let copy = with(NONE, || search::<Bent>(&config, threads));
        let machine = search::<Walker<u8>>(&config, threads);
        wrong.extend(
            copy.violations
                .iter()
                .map(|violation| format!("{}: {}", config.name, crate::words::trace(violation))),
        );
        if copy.size.states != machine.size.states {
            wrong.push(format!(
                "{}: the copy has {} states and the machine {}",
                config.name, copy.size.states, machine.size.states
            ));
        }
        total.states += copy.size.states;
        total.edges += copy.size.edges;
        total.time += copy.size.time + machine.size.time;
    }
    (wrong, total)
}

#[cfg(test)]
mod tests {
    use super::{Bent, VARIANTS, with};
    use crate::config::{Config, Second};
    use crate::property::Law;
    use crate::search::shortest;

    /// Rivals are removers: what is not ready for removers is found by them, nobody else acting.
    #[test]
    fn rivals_bite() {
        let wrong = "missing child is fatal";
        let number = VARIANTS.iter().position(|v| v.name == wrong).expect(wrong);
        for second in [Second::Koji, Second::Rm] {
            let config = Config {
                beside: Some(second),
                ..Config::new("beside", 2)
            };
            let found = with(number, || shortest::<Bent>(&config, Law::G1));
            assert!(found.is_some(), "{second:?}");
        }
    }
}
