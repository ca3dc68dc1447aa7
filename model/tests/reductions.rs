//! What the canonical form leaves out changes nothing: states of one form have the same successors,
//! searches with and without it come to the same, and those who look differently at a tree keep
//! their names.

use fell::machine::Walker;
use fell_model::adversary::Act;
use fell_model::canon::{key, spelled};
use fell_model::config::Config;
use fell_model::exact::exact;
use fell_model::suite::{Entry, Tier, entries};
use fell_model::universe::State;
use fell_model::words::tree;
use std::collections::{BTreeSet, HashMap, HashSet};

type Fell = State<Walker<u8>>;

/// The largest configuration that is searched without reduction here, in states.
const LARGE: usize = 20_000;

/// By what a state is left.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Step {
    /// A walker's, after what the world answered.
    Plain,
    /// A walker's, after a fault.
    Faulty,
    /// One of somebody else.
    Others,
}

impl Step {
    fn of(act: Act) -> Step {
        match act {
            Act::Reply { fault: false, .. } => Step::Plain,
            Act::Reply { fault: true, .. } => Step::Faulty,
            _ => Step::Others,
        }
    }
}

/// What a form leads to: by which kind of step, and to which form.
type Next = BTreeSet<(Step, usize)>;

/// The configurations of the quick suite in which something is left out.
fn reduced() -> impl Iterator<Item = Entry> {
    let quick = entries().into_iter().filter(|e| e.tier == Tier::Quick);
    quick.filter(|entry| {
        let begin = entry.config.worlds().pop();
        let begin = begin.map(|world| Fell::new(&entry.config, world));
        begin.is_some_and(|state| spelled(&entry.config, &state).is_some())
    })
}

/// The forms of all states, found without reduction; nothing if there are too many states. Fails
/// where two states of one form do not lead to the same forms by steps of the same kind.
fn forms(config: &Config) -> Option<usize> {
    let mut numbers: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut number = |state: &Fell| {
        let next = numbers.len();
        *numbers
            .entry(spelled(config, state).unwrap())
            .or_insert(next)
    };
    let begins = config.worlds().into_iter();
    let mut open: Vec<Fell> = begins.map(|world| Fell::new(config, world)).collect();
    let mut known: HashSet<Fell> = open.iter().cloned().collect();
    let mut leads: HashMap<usize, (Next, Fell)> = HashMap::new();
    let mut acts = Vec::new();
    while let Some(state) = open.pop() {
        if known.len() > LARGE {
            return None;
        }
        let mut nexts = Next::new();
        state.acts(config, &mut acts);
        for act in acts.drain(..) {
            let mut next = state.clone();
            next.act(config, act, |_| ());
            nexts.insert((Step::of(act), number(&next)));
            if known.insert(next.clone()) {
                open.push(next);
            }
        }
        let other = leads.entry(number(&state));
        let (other, like) = other.or_insert_with(|| (nexts.clone(), state.clone()));
        assert!(
            *other == nexts,
            "{}: one form, but not the same successors:\n{}\n{like:?}\n{}\n{state:?}",
            config.name,
            tree(&like.world),
            tree(&state.world),
        );
    }
    Some(leads.len())
}

#[test]
fn states_of_one_form_have_the_same_successors() {
    let mut counted = 0;
    for entry in reduced() {
        let Some(forms) = forms(&entry.config) else {
            continue;
        };
        counted += 1;
        let found = exact::<Walker<u8>>(&entry.config);
        assert_eq!(found.states, forms, "{}", entry.config.name);
    }
    assert!(counted > 15, "{counted}");
}

#[test]
fn with_and_without_reduction_walkers_go_as_far_alone() {
    for entry in reduced().filter(|entry| entry.exactly) {
        let whole = Config {
            reduced: false,
            ..entry.config.clone()
        };
        let (less, all) = (
            exact::<Walker<u8>>(&entry.config),
            exact::<Walker<u8>>(&whole),
        );
        let name = &entry.config.name;
        assert!(
            less.violation.is_none() && all.violation.is_none(),
            "{name}"
        );
        assert_eq!(less.longest, all.longest, "{name}");
        assert!(less.states < all.states, "{name}");
    }
}

#[test]
fn nothing_is_left_out_where_it_would_be_told_apart() {
    use fell_model::{Adversary, Dialect, Second};
    let config = Config::new("", 2).against(Some(1), [Adversary::Mover]);
    let spelled = |config: &Config| {
        let state = Fell::new(config, config.worlds().remove(0));
        assert_eq!(spelled(config, &state).is_some(), key(config, &state) != 0);
        key(config, &state) != 0
    };
    assert!(spelled(&config));
    for told in [
        config.clone().on(Dialect {
            births: false,
            ..Dialect::LOCAL
        }),
        config.clone().on(Dialect {
            any_order: false,
            ..Dialect::LOCAL
        }),
        Config {
            beside: Some(Second::Rm),
            ..config.clone()
        },
        Config {
            reduced: false,
            ..config
        },
    ] {
        assert!(!spelled(&told), "{told:?}");
    }
}
