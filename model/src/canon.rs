//! What is left of a state once everything that no law and no step can tell apart is left out. Two
//! states with one canonical form have the same future up to the names in it, so one of them is searched.
//!
//! Left out is
//! - **how entries are called**: no walker looks into a name, listings come in any order, and others make
//!   things under every name that is free. To exchange two names of a directory, wherever they
//!   stand (in it, in listings and positions of it, among what was noted in it), is an automorphism;
//! - **how directories are numbered**: identities are compared and nothing else. A new directory has
//!   one that no walker remembers, and which of those is all the same. So a directory is what it is
//!   called by: the place in the tree, who holds it in which slot, and at which level of whose way it is;
//! - **what is never looked at again**: how far a listing was read that will be sought before it is
//!   read on, the position of a reading that ended, what is in a directory that was removed, the
//!   slots that will only be closed, the noted names of a level whose directory exists no more, and,
//!   once nobody else acts, names under which nothing stands and what is outside and in no walker's hands;
//! - **causes that say no more than others do**, and everything but what is held once a walk is decided.
//!
//! The form is spelled out in words, so that it can be kept exactly ([`spelled`]) or hashed at once
//! ([`key`]). Searches go on from the states themselves: a trace has the names that it began with.
//! Where births are unknown, listings are sorted, or a machine does not tell its names, nothing is
//! left out. `tests/reductions.rs` compares searches with and without, and looks whether states
//! with one form have the same successors.
//!
//! Deliberately absent: an order of walkers (only the first is cancelled and gives names away), and
//! counts inside a walker, which only the machine can know to be done with.

use crate::adversary::Adversary;
use crate::config::Config;
use crate::machine::{Machine, Named, Use};
use crate::universe::{FAULTED, IMMOVABLE, MOVED, REPLACED, STOPPED, State, WROTE};
use crate::world::{BASE, CANARY, DIRS, Dir, Entry, NAMES, OUTSIDE, SLOTS, World};
use fell::machine::{Inode, Slot};

/// How many names there are.
const CELLS: usize = NAMES as usize;

/// The canonical form of a state in 64 bits; 0 where there is none.
#[must_use]
pub fn key<M: Machine>(config: &Config, state: &State<M>) -> u64 {
    form::<Hashed, M>(config, state).map_or(0, |Hashed(hash)| hash.max(1))
}

/// The canonical form of a state word by word; nothing where there is none.
#[must_use]
pub fn spelled<M: Machine>(config: &Config, state: &State<M>) -> Option<Vec<u64>> {
    form::<Spelled, M>(config, state).map(|Spelled(words)| words)
}

/// Words in a row, kept or hashed.
trait Words: Clone + Ord + Default {
    /// Every word is kept.
    const EXACT: bool;

    fn add(&mut self, word: u64);

    fn append(&mut self, words: &Self);
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Hashed(u64);

impl Words for Hashed {
    const EXACT: bool = false;

    fn add(&mut self, word: u64) {
        self.0 = mix(self.0, word);
    }

    fn append(&mut self, words: &Hashed) {
        self.add(words.0);
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Spelled(Vec<u64>);

impl Words for Spelled {
    const EXACT: bool = true;

    fn add(&mut self, word: u64) {
        self.0.push(word);
    }

    fn append(&mut self, words: &Spelled) {
        self.0.push(words.0.len() as u64);
        self.0.extend(&words.0);
    }
}

/// Puts a word behind a hash: for each hash, and for each word, a bijection. The constants are those
/// of the finalizer of Murmur 3.
pub(crate) fn mix(hash: u64, word: u64) -> u64 {
    let mut mixed = (hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 32).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed = (mixed ^ mixed >> 29).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ mixed >> 32
}

fn form<W: Words, M: Machine>(config: &Config, state: &State<M>) -> Option<W> {
    // A rival does not tell which names it keeps.
    let is_told = M::TELLS && state.rival.is_none();
    if !is_told || !config.reduced || !config.dialect.births || !config.dialect.any_order {
        return None;
    }
    let mut words = W::default();
    words.add(u64::from(state.broken.bits()));
    for (who, walker) in state.walkers() {
        let mut rest = W::default();
        if W::EXACT {
            walker.rest(&mut |word| rest.add(word));
        } else {
            rest.add(state.digest(who));
        }
        words.append(&rest);
        words.add(state.world.open_slots(who) as u64);
        if walker.decided().is_none() {
            let ghost = &state.ghosts[who];
            let touched = ghost.touched && config.limits.keep_root;
            words.add(pack(&[ghost.left, u8::from(ghost.cut), ghost.removed]));
            words.add(u64::from(touched));
        }
    }
    // Nothing but closing follows, whatever the world is.
    if state
        .walkers()
        .all(|(_, walker)| walker.decided().is_some())
    {
        return Some(words);
    }
    words.add(pack(&[state.budget, causes(state.marks)]));
    let draft = Draft::<W>::of(config, state);
    words.append(&draft.tree(BASE));
    words.append(&draft.tree(OUTSIDE));
    Some(words)
}

fn pack(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// What others did, as far as a law can still tell: that something moved is no cause of its own, and
/// whoever wrote where something failed or is immovable excuses nothing that is not excused.
fn causes(marks: u8) -> u8 {
    let mut causes = marks;
    if causes & (FAULTED | IMMOVABLE) != 0 {
        causes &= !WROTE;
    }
    if causes & (FAULTED | IMMOVABLE | WROTE | STOPPED | REPLACED) != 0 {
        causes &= !MOVED;
    }
    causes
}

/// What is said of each directory and of each of its names, neither being called anything.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says another thing of what can still be met"
)]
struct Draft<'a, W> {
    world: &'a World,
    /// Others may still act.
    acting: bool,
    /// What is outside can still be met: it can come back, be shown by a mount, or be where a symlink
    /// leads.
    shows_outside: bool,
    dirs: [W; DIRS],
    cells: [[W; CELLS]; DIRS],
    /// Listings still have what went, and a seek does not make them forget it.
    lingers: bool,
    /// Listings of directories that were removed go on.
    lists_dead: bool,
    /// The directories that are told of, one bit each.
    told: u16,
}

/// The kinds of words that are said of a directory or a name.
const HELD: u8 = 1;
const READ: u8 = 2;
const LEVEL: u8 = 3;
const PAUSED: u8 = 4;
const NOTED: u8 = 5;
const CURRENT: u8 = 6;
const FIRST: u8 = 7;
const CAME: u8 = 8;

/// What is said of something that a walker has to do with.
fn mark(kind: u8, who: usize, number: usize) -> u64 {
    let byte = |number| u8::try_from(number).unwrap_or(u8::MAX);
    pack(&[kind, byte(who), byte(number)])
}

impl<'a, W: Words> Draft<'a, W> {
    fn of<M: Machine>(config: &Config, state: &'a State<M>) -> Draft<'a, W> {
        let acting = state.budget > 0;
        let is_mounted = state.world.mount().is_some()
            || (0..SLOTS).any(|slot| {
                let slot = Slot(u16::try_from(slot).unwrap_or(u16::MAX));
                state
                    .walkers()
                    .any(|(who, _)| state.world.is_through_mount(who, slot))
            });
        let shows_outside = acting || is_mounted || config.dialect.follows;
        let mut draft = Draft {
            world: &state.world,
            acting,
            shows_outside,
            dirs: core::array::from_fn(|_| W::default()),
            cells: core::array::from_fn(|_| core::array::from_fn(|_| W::default())),
            lingers: config.dialect.nfs,
            lists_dead: config.dialect.nfs || config.dialect.read_ahead,
            told: 0,
        };
        for (who, walker) in state.walkers() {
            if walker.decided().is_none() {
                draft.walker(config, who, walker);
            }
        }
        draft.prune(config);
        for dir in Dir::all() {
            if draft.told & 1 << dir.0 != 0 {
                draft.directory(config, state, dir);
            }
        }
        draft
    }

    /// What a walker has to do with directories.
    fn walker<M: Machine>(&mut self, config: &Config, who: usize, walker: &M) {
        for number in 0..SLOTS {
            self.slot(who, walker, number);
        }
        self.way(config, who, walker);
        if config.dialect.relists {
            for dir in Dir::all() {
                for name in (0..NAMES).filter(|name| self.world.came(who, dir) >> name & 1 != 0) {
                    self.say_name(dir, name, mark(CAME, who, 0));
                }
            }
        }
        let root = walker.root().map(|root| root.inode);
        if let Some(dir) = root.and_then(|inode| self.find(config, inode)) {
            self.say(dir, mark(FIRST, who, 0));
        }
    }

    fn slot<M: Machine>(&mut self, who: usize, walker: &M, number: usize) {
        let world = self.world;
        let slot = Slot(u16::try_from(number).unwrap_or(u16::MAX));
        let Some(dir) = world.open_dir(who, slot) else {
            return;
        };
        let number = number * 2 + usize::from(world.is_through_mount(who, slot));
        match walker.uses(slot) {
            Use::Closing => {}
            Use::Held => {
                let held = mark(HELD, who, number);
                self.say(dir, held);
                if self.lingers {
                    let [_, _, went @ ..] = world.listing(who, slot);
                    self.say_masks(dir, held, [0, 0, went[0], went[1]]);
                }
            }
            Use::Reading => {
                let read = mark(READ, who, number);
                self.say(dir, read);
                self.say_masks(dir, read, world.listing(who, slot));
            }
        }
    }

    /// The levels of a walker, and the names in them. A level whose directory exists no more is never
    /// come back to.
    fn way<M: Machine>(&mut self, config: &Config, who: usize, walker: &M) {
        let mut levels = [None; CELLS + DIRS];
        walker.named(&mut |named| match named {
            Named::Level {
                level,
                inode,
                position,
            } => {
                let Some(dir) = self.find(config, inode) else {
                    return;
                };
                self.say(dir, mark(LEVEL, who, level));
                if let Some(known) = levels.get_mut(level) {
                    *known = Some(dir);
                }
                if let Some(position) = position {
                    let [returned, owed] = crate::world::place(position);
                    self.say_masks(dir, mark(PAUSED, who, level), [returned, owed, 0, 0]);
                }
            }
            Named::Noted { level, index, name } => {
                if let Some(&Some(dir)) = levels.get(level) {
                    self.say_name(dir, name, mark(NOTED, who, index));
                }
            }
            Named::Current { level, name } => {
                if let Some(&Some(dir)) = levels.get(level) {
                    self.say_name(dir, name, mark(CURRENT, who, 0));
                }
            }
        });
    }

    /// The directory that an identity is the one of, if there is one.
    fn find(&self, config: &Config, inode: Inode) -> Option<Dir> {
        let known = |dir: &Dir| {
            u64::from(dir.0) == inode.number
                && self.world.known() >> dir.0 & 1 == 1
                && self.world.inode(&config.dialect, *dir) == inode
        };
        Dir::all().find(known)
    }

    fn say(&mut self, dir: Dir, word: u64) {
        self.told |= 1 << dir.0;
        self.dirs[usize::from(dir.0)].add(word);
    }

    /// Nothing is reached through a directory that was removed, so its names are all the same, unless
    /// its listing still has some.
    fn say_name(&mut self, dir: Dir, name: u8, word: u64) {
        if self.world.is_alive(dir) || self.lists_dead {
            self.cells[usize::from(dir.0)][usize::from(name)].add(word);
        }
    }

    /// What was read of a directory: the names returned and those owed, and what went meanwhile. A
    /// name that nobody will make, and that no listing still has, can be met no more.
    fn say_masks(&mut self, dir: Dir, word: u64, [returned, owed, went @ ..]: [u8; 4]) {
        for name in 0..NAMES {
            let may_stand = self.acting || self.world.entry(dir, name).is_present();
            let is_met = may_stand || self.lingers || went.iter().any(|mask| mask >> name & 1 != 0);
            let read = if is_met { [returned, owed] } else { [0, 0] };
            let bits = [read, went]
                .iter()
                .flatten()
                .fold(0, |bits, mask| bits << 1 | u64::from(mask >> name & 1));
            if bits != 0 {
                self.say_name(dir, name, word << 8 | bits);
            }
        }
    }

    /// Chooses what is told: what is there, and of what was removed only what a walker has to do
    /// with, and what lies above that.
    fn prune(&mut self, config: &Config) {
        let world = self.world;
        let mut told = self.told;
        for dir in Dir::all().filter(|dir| self.told & 1 << dir.0 != 0) {
            let mut at = dir;
            while world.parent(at) != at && told & 1 << world.parent(at).0 == 0 {
                at = world.parent(at);
                told |= 1 << at.0;
            }
        }
        // What is beneath one of them is in a walker's hands as well.
        let held = told & !(1 << BASE.0 | 1 << OUTSIDE.0);
        let is_held =
            |dir| Dir::all().any(|top| held & 1 << top.0 != 0 && world.is_beneath(dir, top));
        for dir in world.dirs() {
            if self.shows_outside || !world.is_beneath(dir, OUTSIDE) || is_held(dir) {
                told |= 1 << dir.0;
            }
        }
        // Numbers may run out, or be given out again: then every one counts.
        if self.acting && counts_numbers(config) {
            told |= world.known();
        }
        // Others look for the canary by its number.
        if self.acting {
            told |= world.known() & 1 << CANARY.0;
        }
        self.told = told | 1 << BASE.0 | 1 << OUTSIDE.0;
    }

    /// What a directory and its names are by themselves.
    fn directory<M: Machine>(&mut self, config: &Config, state: &State<M>, dir: Dir) {
        let world = self.world;
        let acting = self.acting;
        let flags = [
            world.is_alive(dir),
            world.is_forgotten(dir),
            world.is_shut(dir),
            world.is_sealed(dir),
            world.is_unsearchable(dir),
            world.is_foreign(dir),
            acting && dir == CANARY,
            acting && dir.0 < config.dirs,
        ];
        let mut is = flags
            .iter()
            .fold(0, |word, &flag| word << 1 | u64::from(flag));
        for ghost in &state.ghosts {
            is = is << 1 | u64::from(ghost.reached >> dir.0 & 1);
        }
        self.dirs[usize::from(dir.0)].add(is);
        if !world.is_alive(dir) {
            return;
        }
        for name in 0..NAMES {
            self.name(config, dir, name);
        }
    }

    /// What stands under a name. Who comes outside by `..` compares where it is, and no more.
    fn name(&mut self, config: &Config, dir: Dir, name: u8) {
        let world = self.world;
        let may_come = match dir {
            BASE => 1,
            OUTSIDE => config.outside,
            _ => config.names,
        };
        let entry = world.entry(dir, name);
        let is_told = matches!(entry, Entry::Directory(child) if self.told & 1 << child.0 != 0);
        if dir == OUTSIDE && !self.shows_outside && !is_told {
            return;
        }
        let is_free = self.acting && name < may_come;
        let kind = match entry {
            Entry::Absent => 0,
            Entry::Forgotten => 1,
            Entry::File => 2,
            Entry::Link => 3,
            Entry::Fixed => 4,
            Entry::Directory(_) => 5,
        };
        let is_mount = world.is_mount(dir, name);
        let is = pack(&[kind, u8::from(is_free), u8::from(is_mount)]);
        self.cells[usize::from(dir.0)][usize::from(name)].add(is);
    }

    /// A directory and what is beneath it. Its names, and what was removed from it, have no order.
    /// No world is deeper than it has directories.
    fn tree(&self, dir: Dir) -> W {
        let mut words = self.dirs[usize::from(dir.0)].clone();
        let mut cells = self.cells[usize::from(dir.0)].clone();
        if self.world.is_alive(dir) || self.lists_dead {
            for (name, cell) in (0..).zip(&mut cells) {
                if let Entry::Directory(child) = self.world.entry(dir, name) {
                    if self.told & 1 << child.0 != 0 {
                        cell.append(&self.tree(child));
                    }
                }
            }
            cells.sort_unstable();
            for cell in &cells {
                words.append(cell);
            }
        }
        let is_removed = |&other: &Dir| {
            self.told & 1 << other.0 != 0
                && other != dir
                && !self.world.is_alive(other)
                && self.world.parent(other) == dir
        };
        let mut removed: Vec<W> = Dir::all()
            .filter(is_removed)
            .map(|other| self.tree(other))
            .collect();
        removed.sort_unstable();
        for other in &removed {
            words.append(other);
        }
        words
    }
}

/// Whether so many directories can be made that numbers below the bound run out.
fn counts_numbers(config: &Config) -> bool {
    let makes = config.adversaries.has(Adversary::Writer);
    let most = config
        .budget
        .map(|acts| 4 + usize::from(*config.entries.end()) + usize::from(acts));
    let is_ample = usize::from(config.dirs) >= DIRS && most.is_some_and(|most| most <= DIRS);
    makes && !is_ample
}
