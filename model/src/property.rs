//! What must hold, as named items that cite the specification.
//!
//! Laws of steps and of outcomes are judged when the step is taken and leave a bit in the state; laws
//! of states (T1, no deadlock) are judged once for each state. T3 is judged by the exact search
//! (`exact`) on the whole graph.

use crate::config::{Config, Start};
use crate::machine::Machine;
use crate::rank::Rank;
use crate::universe::{FAULTED, IMMOVABLE, MOVED, REPLACED, STOPPED, State, WROTE};
use crate::world::{Dir, Entry, NAMES, ROOT_NAME, Unread, World};
use core::ops::BitOrAssign;
use fell::machine::{Arm, Outcome, Reply, Request, Rmdir, StateName, Step};

/// A law.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Law {
    /// Removers alone never make it fail.
    //= docs/spec.md#g1-removers
    G1,
    /// Writers make it end Ok or `NotEmpty`.
    //= docs/spec.md#g2-writers
    G2,
    /// Only reached directories are read and only entries of them removed, and no other file system is
    /// entered.
    //= docs/spec.md#g4-confinement
    G4,
    /// Ok only when the root's name was seen absent, and then without leftovers.
    //= docs/spec.md#g5-honest-success
    G5,
    /// `NotEmpty` names a leftover, and never without a cause.
    //= docs/spec.md#g6-honest-failure
    G6,
    /// One unremovable entry stops nothing else.
    //= docs/spec.md#g7-best-effort
    G7,
    /// At most `max_open_dirs` + 3 slots, and no `..` of a directory from which no child was opened.
    //= docs/spec.md#g8-bounded-handles
    G8,
    /// No more names noted than the arena has room for.
    //= docs/spec.md#g9-bounded-memory
    G9,
    /// Every slot is closed on every way out.
    //= docs/spec.md#g10-no-global-state
    G10,
    /// A root to be kept is Ok only when a whole pass met nothing, and never removed.
    //= docs/spec.md#g12-keep-root
    G12,
    /// Each step is the row of the table that it says it is; a reading that was cut short is no pass.
    Table,
    /// Before it is done a walker asks something, and the world has an answer.
    Deadlock,
    /// Neither deeper than `max_depth` nor more removed than `max_entries`, no directory twice on the
    /// way, no path resolved that there is not, and no retry when nobody acts.
    //= docs/spec.md#g3-termination
    G3,
    /// From every state the walkers alone halt within the bound.
    //= docs/spec.md#g3-termination
    T1,
    /// A rank falls at every step of a walker.
    T2,
    /// No cycle consists of steps of walkers alone.
    T3,
}

impl Law {
    /// All of them.
    pub const ALL: [Law; 16] = [
        Law::G1,
        Law::G2,
        Law::G4,
        Law::G5,
        Law::G6,
        Law::G7,
        Law::G8,
        Law::G9,
        Law::G10,
        Law::G12,
        Law::Table,
        Law::Deadlock,
        Law::G3,
        Law::T1,
        Law::T2,
        Law::T3,
    ];

    /// Its name, and what it says in a line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Law::G1 => "G1 removers",
            Law::G2 => "G2 writers",
            Law::G4 => "G4 confinement",
            Law::G5 => "G5 honest success",
            Law::G6 => "G6 honest failure",
            Law::G7 => "G7 best effort",
            Law::G8 => "G8 bounded handles",
            Law::G9 => "G9 bounded memory",
            Law::G10 => "G10 every slot closed",
            Law::G12 => "G12 keep_root",
            Law::Table => "table",
            Law::Deadlock => "no deadlock",
            Law::G3 => "G3 limits kept",
            Law::T1 => "T1 halts alone",
            Law::T2 => "T2 rank falls",
            Law::T3 => "T3 no cycle",
        }
    }
}

/// A set of laws.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Laws(u16);

impl Laws {
    /// None.
    pub const NONE: Laws = Laws(0);

    /// Whether one is among them.
    #[must_use]
    pub const fn has(self, law: Law) -> bool {
        self.0 & 1 << law as u16 != 0
    }

    /// One bit for each.
    pub(crate) const fn bits(self) -> u16 {
        self.0
    }

    /// Them, in order.
    pub fn iter(self) -> impl Iterator<Item = Law> {
        Law::ALL.into_iter().filter(move |&law| self.has(law))
    }

    /// One law, if it is broken.
    #[must_use]
    pub const fn when(law: Law, broken: bool) -> Laws {
        Laws(if broken { 1 << law as u16 } else { 0 })
    }
}

impl BitOrAssign for Laws {
    fn bitor_assign(&mut self, other: Laws) {
        self.0 |= other.0;
    }
}

/// What is kept of a walker to judge its step by.
pub(crate) struct Before {
    state: StateName,
    rank: Option<Rank>,
    /// What was read last was cut short, and there is patience for another reading.
    must_repeat: bool,
    pub(crate) decided: bool,
}

impl Before {
    pub(crate) fn of<M: Machine>(state: &State<M>, who: usize) -> Before {
        let walker = state.walker(who);
        Before {
            state: walker.state_name(),
            rank: rank(state, who),
            must_repeat: state.ghosts[who].cut && walker.patience() > 0,
            decided: walker.decided().is_some(),
        }
    }
}

fn rank<M: Machine>(state: &State<M>, who: usize) -> Option<Rank> {
    let walker = state.walker(who);
    let reading = walker
        .reading()
        .map_or(0, |slot| state.world.unread(who, slot));
    let world = &state.world;
    walker.rank(&Unread {
        world,
        who,
        reading,
    })
}

/// What is asked must be allowed to be asked: no other file system is read, a kept root stays.
pub(crate) fn of_request<M: Machine>(
    config: &Config,
    state: &State<M>,
    who: usize,
    request: &Request<u8>,
) -> Laws {
    let mut broken = Laws::NONE;
    match *request {
        Request::Read { slot } => {
            let is_foreign = state
                .world
                .open_dir(who, slot)
                .is_some_and(|dir| state.world.is_foreign(dir));
            let is_mounted = state.world.is_through_mount(who, slot);
            // Where births are unknown, a directory with a reached one's number is taken for it.
            let reached = state.ghosts[who].reached;
            let is_stranger = config.dialect.births
                && reached != 0
                && state
                    .world
                    .open_dir(who, slot)
                    .is_some_and(|dir| reached & 1 << dir.0 == 0 && state.world.is_alive(dir));
            broken |= Laws::when(Law::G4, is_stranger);
            // A kept root may be a mount point: then that is the file system it is on.
            let at_root = config.limits.keep_root;
            broken |= Laws::when(Law::G4, is_foreign || is_mounted && !at_root);
        }
        // A parent without a path that can be resolved again is opened once.
        Request::OpenBase { .. } => {
            let again = *state.walker(who) != M::new(config.limits);
            broken |= Laws::when(Law::G3, again && !config.limits.resolvable);
        }
        // From such a directory no child can have been opened.
        //= docs/spec.md#g8-bounded-handles
        Request::OpenParent { child, .. } => {
            let no_child = state
                .world
                .open_dir(who, child)
                .is_some_and(|dir| state.world.is_unsearchable(dir));
            broken |= Laws::when(Law::G8, no_child);
        }
        Request::RmdirRoot { .. } => broken |= Laws::when(Law::G12, config.limits.keep_root),
        _ => {}
    }
    broken
}

/// Only entries of reached directories are removed, and the root's name; and no more than allowed.
pub(crate) fn of_removal<M: Machine>(
    config: &Config,
    state: &State<M>,
    who: usize,
    request: &Request<u8>,
    dir: Dir,
) -> Laws {
    let ghost = &state.ghosts[who];
    let is_root = matches!(request, Request::RmdirRoot { .. });
    let mut broken = Laws::when(Law::G4, !is_root && ghost.reached & 1 << dir.0 == 0);
    let over = config
        .limits
        .max_entries
        .is_some_and(|most| u64::from(ghost.removed) > most);
    broken |= Laws::when(Law::G3, over);
    broken
}

/// The step is a row of the table, the rank falls, the slots are bounded and at last all closed.
pub(crate) fn of_step<M: Machine>(
    config: &Config,
    state: &State<M>,
    who: usize,
    before: &Before,
    reply: &Reply<u8>,
    step: Step<u8>,
    fault: bool,
) -> Laws {
    let walker = state.walker(who);
    let mut broken = Laws::NONE;
    if let Some(arm) = step.arm {
        let row = arm.row();
        let fits = row.state == before.state && row.next.contains(&walker.state_name());
        broken |= Laws::when(Law::Table, !fits || row.is_broken_word());
        // Without births the grandparent is compared too (rule 5).
        broken |= Laws::when(Law::Table, arm == Arm::AscendSame && !config.dialect.births);
        let repeats = matches!(arm, Arm::ChildCut | Arm::RootCut);
        let must_repeat = before.must_repeat && *reply == Reply::Rmdir(Rmdir::NotEmpty);
        broken |= Laws::when(Law::Table, must_repeat && !repeats);
    }
    if let (Some(before), Some(after), false) = (before.rank, rank(state, who), fault) {
        broken |= Laws::when(Law::T2, after >= before);
    }
    let open = state.world.open_slots(who);
    broken |= Laws::when(Law::G8, open > walker_bound(state, who));
    if let Some(depth) = walker.depth() {
        let limits = &config.limits;
        broken |= Laws::when(
            Law::G3,
            walker.is_looped() || depth > limits.max_depth as usize,
        );
        // One name of each level but the current one is being walked and does not count.
        let noted = walker.noted().saturating_sub(depth.saturating_sub(1));
        broken |= Laws::when(Law::G9, noted > limits.arena.max(1) as usize);
    }
    broken |= of_end(state, who);
    broken
}

/// A walk that is over holds nothing.
pub(crate) fn of_end<M: Machine>(state: &State<M>, who: usize) -> Laws {
    let is_over = state.walker(who).outcome().is_some();
    Laws::when(Law::G10, is_over && state.world.open_slots(who) > 0)
}

fn walker_bound<M: Machine>(state: &State<M>, who: usize) -> usize {
    state.walker(who).max_open_dirs() + 3
}

/// An outcome must be true, and there must be a cause for it.
pub(crate) fn of_outcome<M: Machine>(
    config: &Config,
    state: &State<M>,
    who: usize,
    outcome: Outcome,
) -> Laws {
    let walker = state.walker(who);
    let ghost = &state.ghosts[who];
    let is_ok = matches!(
        outcome,
        Outcome::Removed | Outcome::Vanished | Outcome::Absent | Outcome::Emptied
    );
    let is_not_empty = outcome == Outcome::NotEmpty;
    let is_failed = matches!(outcome, Outcome::Failed(_));
    let disturbed = state.marks & (WROTE | MOVED | FAULTED | STOPPED | REPLACED | IMMOVABLE) != 0;
    let spent = walker.is_spent();
    let is_whole = config.is_honest() && config.is_ample() && config.start != Start::Odd;
    // Without a path to resolve, ESTALE proves nothing (rule 8).
    let is_stale =
        config.dialect.nfs && !config.limits.resolvable && matches!(outcome, Outcome::Failed(_));
    let drew = walker.patience() != config.limits.patience;
    let mut broken = Laws::NONE;
    if is_whole && !disturbed {
        broken |= Laws::when(Law::G1, !(is_ok || is_stale || config.dialect.nfs && spent));
        broken |= Laws::when(Law::G1, drew && !config.dialect.nfs);
    }
    broken |= Laws::when(
        Law::G2,
        is_whole && !is_allowed(state.marks, outcome) && !is_stale,
    );
    let absent = outcome == Outcome::Emptied || state.world.is_root_absent();
    broken |= Laws::when(Law::G5, is_ok && (!absent || ghost.left != 0));
    let cause = state.marks & (WROTE | FAULTED | IMMOVABLE) != 0 || spent;
    broken |= Laws::when(Law::G6, is_not_empty && ghost.left == 0);
    broken |= Laws::when(Law::G6, is_not_empty && is_whole && !cause);
    let untouched = config.budget == Some(state.budget) && config.beside.is_none();
    // What the machine promises of its requests: somebody acted for each further pass.
    let must_not_draw = untouched && config.is_honest() && !config.dialect.skips;
    broken |= Laws::when(Law::G3, drew && must_not_draw);
    let calm = untouched && !spent && is_whole;
    broken |= Laws::when(
        Law::G7,
        (is_not_empty || is_failed) && calm && leaves_removable(&state.world),
    );
    // Where positions are lost, a leftover explains nothing: that costs a retry at least.
    let trusted = config.has_many_passes()
        && config.limits.patience > 0
        && walker.patience() == config.limits.patience
        && config.is_ample()
        && config.dialect.mount_ids;
    broken |= Laws::when(
        Law::G7,
        is_not_empty && untouched && trusted && leaves_removable(&state.world),
    );
    broken |= Laws::when(Law::G12, outcome == Outcome::Emptied && ghost.touched);
    broken
}

/// Whether an outcome is one that those who acted can cause.
fn is_allowed(marks: u8, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Removed
        | Outcome::Vanished
        | Outcome::Absent
        | Outcome::Emptied
        | Outcome::NotEmpty => true,
        Outcome::NotDirectory | Outcome::Refused(_) => marks & REPLACED != 0,
        Outcome::Stopped(_) => marks & STOPPED != 0,
        // The root itself may be what is unremovable.
        Outcome::Failed(_) => marks & (FAULTED | IMMOVABLE) != 0,
        Outcome::Broken => false,
    }
}

/// Whether something is left beneath the root that could have been removed.
fn leaves_removable(world: &World) -> bool {
    let Entry::Directory(root) = world.entry(crate::world::BASE, ROOT_NAME) else {
        return false;
    };
    let is_entered = |dir: Dir| {
        let mut at = dir;
        while at != root {
            let parent = world.parent(at);
            if world.is_shut(at)
                || world.is_foreign(at)
                || is_mounted(world, at)
                || world.is_unsearchable(parent)
            {
                return false;
            }
            at = parent;
        }
        !world.is_shut(root)
    };
    let is_locked = |dir| world.is_sealed(dir) || world.is_unsearchable(dir);
    world
        .dirs()
        .filter(|&dir| world.is_beneath(dir, root) && is_entered(dir) && !is_locked(dir))
        .any(|dir| {
            world.list(dir).any(|(name, entry)| match entry {
                Entry::File | Entry::Link => true,
                Entry::Directory(child) => world.is_empty(child) && !world.is_mount(dir, name),
                Entry::Absent | Entry::Forgotten | Entry::Fixed => false,
            })
        })
}

fn is_mounted(world: &World, dir: Dir) -> bool {
    world
        .mount()
        .is_some_and(|(parent, name)| world.entry(parent, name) == Entry::Directory(dir))
}

/// T1: how many requests the walkers may still make, whatever the listings are, once nobody else
/// acts.
///
/// Each walk restarts at most patience times, and once more to decide. In a walk, a directory is read
/// at most as often as its passes shrink, which is as often as it has names, and `passes` times more;
/// where leftovers are not trusted to explain, that holds for each level separately. An entry costs at
/// most 16 requests a pass: read, unlink twice, open twice, identify, two closes, rmdir, seek, and
/// the way up by `..` and `../..` with their identities and closes.
#[must_use]
pub fn bound<M: Machine>(config: &Config, state: &State<M>) -> u32 {
    const COST: u32 = 16;
    let entries: usize = state
        .world
        .dirs()
        .map(|dir| state.world.list(dir).count())
        .sum();
    let noted: usize = state.walkers().map(|(_, walker)| walker.noted()).sum();
    let things = u32::try_from(entries + noted).unwrap_or(u32::MAX) + u32::from(NAMES) + 2;
    let passes = u32::from(config.limits.passes) + 2;
    state
        .walkers()
        .map(|(_, walker)| COST * things * passes * (walker.patience() + 2))
        .sum()
}

/// T1 for one listing: from here the walkers alone, in turn, halt within the bound.
#[must_use]
pub fn halts_alone<M: Machine>(config: &Config, state: &State<M>) -> bool {
    let mut left = bound(config, state);
    let mut alone = state.clone();
    let mut answers: Vec<Reply<u8>> = Vec::with_capacity(16);
    let walkers = alone.walkers().count();
    loop {
        let mut idle = true;
        for who in 0..walkers {
            let Some(request) = alone.walker(who).request() else {
                continue;
            };
            answers.clear();
            alone.replies(config, who, &mut answers);
            let Some(&reply) = answers.first() else {
                return false;
            };
            if left == 0 {
                return false;
            }
            left -= 1;
            idle = false;
            alone.advance(config, who, &request, reply);
        }
        if idle {
            return true;
        }
    }
}

/// Every walker asks something that the world can answer, or is over.
#[must_use]
pub fn is_live<M: Machine>(config: &Config, state: &State<M>) -> bool {
    let mut answers = Vec::new();
    (0..state.walkers().count()).all(|who| {
        let walker = state.walker(who);
        answers.clear();
        state.replies(config, who, &mut answers);
        walker.outcome().is_some() || !answers.is_empty()
    })
}
