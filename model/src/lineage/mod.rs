//! Where `fell` comes from, and what else there is: other removers' algorithms as machines over the
//! same world, judged by the same laws.
//!
//! Each is written from its source, and its documentation says what it abstracts. What a remover does
//! not promise is not held against it as an error of its authors: a law that it breaks is one that
//! `fell` keeps in the same configuration.
//!
//! Deliberately absent: anything about speed, and faults that nothing in the world explains.

mod forever;
mod fuc;
mod koji;
mod markdown;
mod recursive;
mod remover;
mod rm;

pub(crate) use koji::Koji;
pub use markdown::{markdown, stale};
pub(crate) use remover::Remover;
pub(crate) use rm::Rm;

use crate::adversary::{Act, Adversary};
use crate::config::{Config, Start};
use crate::machine::Machine;
use crate::property::Law;
use crate::universe::State;
use crate::world::{Dialect, Tree, World};
use fell::machine::Walker;

/// What is looked at: a law, or one of two promises that need a look of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promise {
    /// A law of the model.
    Law(Law),
    /// It halts although others never stop, in a finite universe.
    //= docs/spec.md#g3-termination
    Forever,
    /// The descriptors it holds do not grow with the depth.
    //= docs/spec.md#g8-bounded-handles
    Handles,
}

impl Promise {
    /// All that are looked at.
    pub const ALL: [Promise; 9] = [
        Promise::Law(Law::G1),
        Promise::Law(Law::G2),
        Promise::Forever,
        Promise::Law(Law::T1),
        Promise::Law(Law::G4),
        Promise::Law(Law::G5),
        Promise::Law(Law::G6),
        Promise::Law(Law::G7),
        Promise::Handles,
    ];

    /// Its name in a table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Promise::Law(law) => law.name().split(' ').next().unwrap_or_default(),
            Promise::Forever => "G3",
            Promise::Handles => "G8",
        }
    }

    /// What it says.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Promise::Law(law) => law.name(),
            Promise::Forever => "G3 halts although others never stop",
            Promise::Handles => "G8 bounded handles",
        }
    }
}

/// A promise that is broken, and the shortest way to see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broken {
    /// The promise.
    pub promise: Promise,
    /// One line an act.
    pub trace: Vec<String>,
}

/// What came of one remover in one setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cell {
    /// How many states were searched.
    pub states: usize,
    /// What is broken.
    pub broken: Vec<Broken>,
}

/// A remover, and how it is surveyed.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// Its name in a table.
    pub name: &'static str,
    /// Where its algorithm was read.
    pub source: &'static str,
    look: fn(&Setting) -> Cell,
    handles: fn() -> [usize; 4],
}

impl Subject {
    /// Looks at it in a setting.
    #[must_use]
    pub fn look(&self, setting: &Setting) -> Cell {
        (self.look)(setting)
    }

    /// The most descriptors that it holds in chains of 1, 2, 3 and 4 directories below the root, the
    /// one that stands for the root's parent not counted.
    #[must_use]
    pub fn handles(&self) -> [usize; 4] {
        (self.handles)()
    }
}

/// All of them, `fell` the last.
#[must_use]
pub fn subjects() -> [Subject; 7] {
    [
        subject::<remover::Remover<koji::Koji<false>>>(
            "koji before",
            "`rmtree` before koji pull request 2699",
        ),
        subject::<remover::Remover<koji::Koji<true>>>(
            "koji after",
            "`rmtree` after koji pull request 2699",
        ),
        subject::<remover::Remover<rm::Rm>>(
            "GNU rm",
            "`rm -rf` of coreutils 9.1: `src/remove.c`, gnulib's `lib/fts.c`",
        ),
        subject::<remover::Remover<recursive::Recursive<false>>>(
            "std",
            "`std::fs::remove_dir_all`: `library/std/src/sys/fs/unix.rs`",
        ),
        subject::<remover::Remover<recursive::Recursive<true>>>(
            "remove_dir_all",
            "the crate `remove_dir_all` 1.0.0: `src/_impl.rs`",
        ),
        subject::<remover::Remover<fuc::Fuc>>(
            "fuc",
            "the crate `fuc_engine` 3.2.1: `src/ops/remove.rs`",
        ),
        subject::<Walker<u8>>("fell", "the machine that is shipped"),
    ]
}

fn subject<M: Machine>(name: &'static str, source: &'static str) -> Subject {
    Subject {
        name,
        source,
        look: look::<M>,
        handles: handles::<M>,
    }
}

/// Who else is there, and where.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name in a table.
    pub name: &'static str,
    /// In words.
    pub says: &'static str,
    config: Config,
}

/// Linux without openat2, so that whoever does not compare what it opened enters mounts.
const LOCAL: Dialect = Dialect {
    openat2: false,
    ..Dialect::LOCAL
};
const NFS: Dialect = Dialect {
    openat2: false,
    ..Dialect::NFS
};

/// All of them.
#[must_use]
pub fn settings() -> Vec<Setting> {
    use Adversary::{Mounter, Mover, Remover, Swapper, Writer};
    let setting = |name, says, config| Setting { name, says, config };
    let local = |entries| Config::new("lineage", entries).on(LOCAL);
    vec![
        setting(
            "nobody",
            "one thing in the tree, or the root, cannot be removed or entered: a file, the contents \
             of a directory, a directory that cannot be opened, a subvolume, a bind mount",
            local(3).from(Start::Immovable),
        ),
        setting(
            "remover",
            "others remove, 3 acts",
            local(3).against(Some(3), [Remover]),
        ),
        setting(
            "remover, NFS",
            "others remove on another client, 3 acts",
            local(3).on(NFS).against(Some(3), [Remover]),
        ),
        setting(
            "writer",
            "others create files and directories, 2 acts",
            local(2).against(Some(2), [Writer]),
        ),
        setting(
            "swapper",
            "others exchange directories for symlinks and files, 1 act",
            local(3).against(Some(1), [Swapper]),
        ),
        setting(
            "mover",
            "others rename within the tree, out of it and into it, 1 act",
            local(3).against(Some(1), [Mover]),
        ),
        setting(
            "mounter",
            "others bind-mount a directory of the same device, 1 act",
            local(2).against(Some(1), [Mounter]),
        ),
        setting(
            "for ever",
            "others make and remove and never stop, under one name a directory",
            local(1).against(None, [Remover, Writer]).within(1, 6, 3),
        ),
        setting(
            "for ever, NFS",
            "the same from another client",
            local(1)
                .on(NFS)
                .against(None, [Remover, Writer])
                .within(1, 6, 3),
        ),
    ]
}

fn look<M: Machine>(setting: &Setting) -> Cell {
    let config = &setting.config;
    if config.budget.is_none() {
        return forever::look::<M>(config);
    }
    let (states, violations) = forever::laws::<M>(config);
    let broken = violations.iter().filter_map(|violation| {
        let promise = Promise::Law(violation.law);
        // Where nobody writes, G1 says more than G2.
        let writes = config
            .adversaries
            .iter()
            .any(|who| who != Adversary::Remover);
        let is_asked = Promise::ALL.contains(&promise) && (writes || violation.law != Law::G2);
        is_asked.then(|| Broken {
            promise,
            trace: markdown::trace(violation),
        })
    });
    Cell {
        states,
        broken: broken.collect(),
    }
}

/// Walks chains alone and counts.
fn handles<M: Machine>() -> [usize; 4] {
    [1, 2, 3, 4].map(|depth| {
        let config = Config::new("chain", 0).on(Dialect {
            any_order: false,
            ..LOCAL
        });
        let chain = (0..depth).fold(Vec::new(), |below, _| vec![Tree::Directory(below)]);
        let mut state = State::<M>::new(&config, World::planted(&config.dialect, &chain));
        let mut most = 0;
        let mut acts = Vec::new();
        while !state.is_over() {
            most = most.max(state.world.open_slots(0));
            state.acts(&config, &mut acts);
            let Some(&act) = acts.first() else { break };
            acts.clear();
            state.act(&config, act, |_| ());
        }
        most.saturating_sub(1)
    })
}

/// The states of a trace, each with what happened in it.
type Way<M> = [(State<M>, Option<Act>)];

/// Whether the descriptors that are held grow with every level.
#[must_use]
pub fn grows(handles: [usize; 4]) -> bool {
    handles.windows(2).skip(1).all(|pair| pair[1] > pair[0])
}
