//! The universe: the world, the walkers in it, and what the others have left; and one thing that
//! happens in it at a time.
//!
//! What a property needs to know about the past is kept in few bits beside the walkers, and whether
//! one was broken in the bits of [`State::broken`]; a property of a state is then a look at one bit.

use crate::adversary::{Act, Place, acts, faults};
use crate::canon::mix;
use crate::config::{Config, Second};
use crate::machine::Machine;
use crate::property::{self, Law, Laws};
use crate::rival::{RIVAL, Rival};
use crate::world::{By, Dir, Entry, OUTSIDE, ROOT_NAME, WALKERS, World, replies};
use core::hash::{Hash, Hasher};
use core::ops::Deref;
use fell::machine::{At, Note, Outcome, Read, Reply, Request, Step};
use std::sync::Arc;

/// Something was created, renamed, exchanged or mounted beneath the root.
pub const WROTE: u8 = 1;
/// The root's own name was replaced.
pub const REPLACED: u8 = 2;
/// A call failed for no reason in the world.
pub const FAULTED: u8 = 4;
/// A walker was stopped.
pub const STOPPED: u8 = 8;
/// Something was moved, exchanged or mounted anywhere.
pub const MOVED: u8 = 16;
/// Something was unremovable from the start.
pub const IMMOVABLE: u8 = 32;

/// What is remembered about one walk, for the properties alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Ghost {
    /// The directories reached (G4), one bit each.
    pub reached: u16,
    /// The levels at which leftovers stand that are not void; the highest bit is the root's own.
    pub left: u8,
    /// What it was reading answered gone, and is to be removed next.
    pub cut: bool,
    /// How many entries it removed; counted only where that is limited.
    pub removed: u8,
    /// The walker met or removed something since it last opened the root.
    pub touched: bool,
}

/// A state of the universe.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State<M> {
    /// The file system.
    pub world: World,
    /// The walker.
    pub first: Kept<M>,
    /// A second one on the same tree.
    pub second: Option<Kept<M>>,
    /// Another remover in its place.
    pub rival: Option<Arc<Rival>>,
    /// What is remembered about each walk.
    pub ghosts: [Ghost; WALKERS],
    /// How many acts the others have left; [`State::UNLIMITED`]: they never stop.
    pub budget: u8,
    /// What the others have done so far.
    pub marks: u8,
    /// The laws that were broken on the way here.
    pub broken: Laws,
}

/// A walker, shared by the states between two of its steps; all but its names is hashed once, for most
/// of what happens in a universe is done by others. Equality looks at all of it.
#[derive(Clone, Debug)]
pub struct Kept<M> {
    machine: Arc<M>,
    digest: u64,
}

impl<M: Machine> Kept<M> {
    fn new(machine: M) -> Kept<M> {
        let digest = digest(&machine);
        let machine = Arc::new(machine);
        Kept { machine, digest }
    }

    /// Changes it.
    fn change<T>(&mut self, change: impl FnOnce(&mut M) -> T) -> T {
        let result = change(Arc::make_mut(&mut self.machine));
        self.digest = digest(&*self.machine);
        result
    }
}

/// A hash of all but the names that a machine keeps.
fn digest<M: Machine>(machine: &M) -> u64 {
    let mut digest = 0;
    machine.rest(&mut |word| digest = mix(digest, word));
    digest
}

impl<M> Deref for Kept<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.machine
    }
}

impl<M: PartialEq> PartialEq for Kept<M> {
    fn eq(&self, other: &Kept<M>) -> bool {
        self.digest == other.digest
            && (Arc::ptr_eq(&self.machine, &other.machine) || self.machine == other.machine)
    }
}

impl<M: Eq> Eq for Kept<M> {}

impl<M: Hash> Hash for Kept<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.machine.hash(state);
    }
}

/// What a step of a walker was, for those who count.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The step.
    pub step: Step<u8>,
    /// The outcome, if this step decided it.
    pub decided: Option<Outcome>,
}

impl Taken {
    const NOTHING: Taken = Taken {
        step: Step {
            arm: None,
            note: None,
        },
        decided: None,
    };
}

impl<M: Machine> State<M> {
    /// The budget of those who never stop.
    pub const UNLIMITED: u8 = u8::MAX;

    /// The beginning, in a world.
    #[must_use]
    pub fn new(config: &Config, world: World) -> State<M> {
        let marks = if world.has_immovable() { IMMOVABLE } else { 0 };
        State {
            world,
            first: Kept::new(M::new(config.limits)),
            second: (config.beside == Some(Second::Same)).then(|| Kept::new(M::new(config.limits))),
            rival: Rival::of(config).map(Arc::new),
            ghosts: [Ghost::default(); WALKERS],
            budget: config.budget.unwrap_or(Self::UNLIMITED),
            marks,
            broken: Laws::default(),
        }
    }

    /// The walkers, with their numbers.
    pub fn walkers(&self) -> impl Iterator<Item = (usize, &M)> {
        core::iter::once(&self.first)
            .chain(&self.second)
            .map(Deref::deref)
            .enumerate()
    }

    /// One walker.
    #[must_use]
    pub fn walker(&self, who: usize) -> &M {
        match &self.second {
            Some(second) if who == 1 => second,
            _ => &self.first,
        }
    }

    /// A hash of all but the names that a walker keeps.
    pub(crate) fn digest(&self, who: usize) -> u64 {
        match &self.second {
            Some(second) if who == 1 => second.digest,
            _ => self.first.digest,
        }
    }

    fn kept(&mut self, who: usize) -> &mut Kept<M> {
        match &mut self.second {
            Some(second) if who == 1 => second,
            _ => &mut self.first,
        }
    }

    /// Whether the others may still act.
    #[must_use]
    pub fn has_budget(&self) -> bool {
        self.budget > 0
    }

    /// Whether every walk is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.walkers().all(|(_, walker)| walker.outcome().is_some())
    }

    /// The replies that the world may give a walker.
    pub fn replies(&self, config: &Config, who: usize, into: &mut Vec<Reply<u8>>) {
        if let Some(request) = self.walker(who).request() {
            let keep_root = config.limits.keep_root;
            replies(&self.world, &config.dialect, keep_root, who, &request, into);
        }
    }

    /// Everything that may happen next.
    pub fn acts(&self, config: &Config, into: &mut Vec<Act>) {
        let mut answers = Vec::with_capacity(16);
        let fault = config.adversaries.has(crate::adversary::Adversary::Fault) && self.has_budget();
        for (who, walker) in self.walkers() {
            let Some(request) = walker.request() else {
                continue;
            };
            let who = u8::try_from(who).unwrap_or(0);
            answers.clear();
            self.replies(config, usize::from(who), &mut answers);
            let plain = answers.len();
            if fault && walker.decided().is_none() {
                faults(config.dialect.nfs, &request, &mut answers);
            }
            into.extend(answers.iter().enumerate().map(|(i, &reply)| Act::Reply {
                who,
                reply,
                fault: i >= plain,
            }));
        }
        acts(config, self, into);
    }

    /// What is after an act. Steps of walkers are told to `seen`.
    pub fn act(&mut self, config: &Config, act: Act, seen: impl FnOnce(Taken)) {
        match act {
            Act::Reply { who, reply, fault } => {
                if fault {
                    self.spend();
                    self.marks |= FAULTED;
                }
                let taken = self.answer(config, usize::from(who), reply, fault);
                seen(taken);
            }
            Act::Rival(reply) => self.compete(config, reply),
            Act::HandOn => {
                self.spend();
                self.first.change(M::hand_on);
            }
            Act::Stop(why) => {
                self.spend();
                self.marks |= STOPPED;
                self.first.change(|walker| walker.stop(why));
                self.ghosts[0].cut = false;
                self.broken |= property::of_end(self, 0);
                seen(Taken {
                    decided: self.first.decided(),
                    ..Taken::NOTHING
                });
            }
            Act::Unlink(_)
            | Act::Rmdir(_)
            | Act::RmdirBase
            | Act::File(_)
            | Act::Mkdir(_)
            | Act::Exchange(..)
            | Act::Rename(..)
            | Act::Mount(_)
            | Act::Unmount => {
                self.spend();
                self.disturb(config, act);
                // A rival may stand outside, where a symlink led it.
                if self.rival.is_none() {
                    self.world.tidy();
                }
                let there = self.world.known();
                for ghost in &mut self.ghosts {
                    ghost.reached &= there;
                }
            }
        }
    }

    /// The world answers the rival.
    fn compete(&mut self, config: &Config, reply: Reply<u8>) {
        let Some(rival) = &mut self.rival else { return };
        let Some(request) = rival.request() else {
            return;
        };
        self.world.answer(&config.dialect, RIVAL, &request, &reply);
        Arc::make_mut(rival).step(reply);
        let there = self.world.known();
        for ghost in &mut self.ghosts {
            ghost.reached &= there;
        }
    }

    fn spend(&mut self) {
        if self.budget != Self::UNLIMITED {
            self.budget -= 1;
        }
    }

    /// The world answers a walker, which takes its step; the laws of steps are looked after.
    fn answer(&mut self, config: &Config, who: usize, reply: Reply<u8>, fault: bool) -> Taken {
        let Some(request) = self.walker(who).request() else {
            return Taken::NOTHING;
        };
        self.broken |= property::of_request(config, self, who, &request);
        let before = property::Before::of(self, who);
        let removed_from = self.world.answer(&config.dialect, who, &request, &reply);
        let step = self.kept(who).change(|walker| walker.step(reply));
        self.remember(who, &request, &reply, step.note);
        let cuts = matches!(
            reply,
            Reply::Read(Read::Gone(_)) | Reply::Seek(fell::machine::Seek::Gone(_))
        );
        let ends = matches!(reply, Reply::Rmdir(_)) || matches!(step.note, Some(Note::Lost(_)));
        let walks = self.walker(who).decided().is_none() && !config.limits.keep_root;
        let ghost = &mut self.ghosts[who];
        ghost.cut = (ghost.cut || cuts) && !ends && walks;
        if let Some(dir) = removed_from {
            let is_root = matches!(request, Request::RmdirRoot { .. });
            let counts = !is_root && config.limits.max_entries.is_some();
            let ghost = &mut self.ghosts[who];
            ghost.touched = true;
            ghost.removed = ghost.removed.saturating_add(u8::from(counts));
            self.broken |= property::of_removal(config, self, who, &request, dir);
        }
        self.broken |= property::of_step(config, self, who, &before, &reply, step, fault);
        let there = self.world.known();
        for ghost in &mut self.ghosts {
            ghost.reached &= there;
        }
        let decided = if before.decided {
            None
        } else {
            self.walker(who).decided()
        };
        if let Some(outcome) = decided {
            self.broken |= property::of_outcome(config, self, who, outcome);
        }
        Taken { step, decided }
    }

    /// The world answers a walker, and nobody judges.
    pub(crate) fn advance(
        &mut self,
        config: &Config,
        who: usize,
        request: &Request<u8>,
        reply: Reply<u8>,
    ) {
        self.world.answer(&config.dialect, who, request, &reply);
        // Nobody compares this state, so its digest may be an old one.
        Arc::make_mut(&mut self.kept(who).machine).step(reply);
    }

    /// Keeps what the properties will ask about the past.
    fn remember(
        &mut self,
        who: usize,
        request: &Request<u8>,
        reply: &Reply<u8>,
        note: Option<Note<u8>>,
    ) {
        // The root is the directory first opened, and the walk's own before it is identified.
        if let (Request::OpenRoot { slot, .. }, None) = (request, self.walker(who).root()) {
            if let Some(dir) = self.world.open_dir(who, *slot) {
                self.ghosts[who].reached = self.world.subtree(dir);
            }
        }
        let ghost = &mut self.ghosts[who];
        match (request, reply) {
            (Request::OpenRoot { .. }, _) => ghost.touched = false,
            (_, Reply::Read(Read::Entry { .. })) => ghost.touched = true,
            _ => {}
        }
        match note {
            Some(Note::Leftover { at, .. }) => {
                let (bit, kept) = match at {
                    At::Root => (0x80, 0xff),
                    At::Level(level) | At::Entry(level, _) => {
                        let bit = 1u8 << level.min(6);
                        // What was left further down is told by this line as well.
                        (bit, bit | (bit - 1) | 0x80)
                    }
                };
                ghost.left = ghost.left & kept | bit;
            }
            Some(Note::Void { level }) => ghost.left &= (1u8 << level.min(6)) - 1,
            Some(Note::Lost(_)) => ghost.left = 0,
            None => {}
        }
    }

    /// Somebody who is not a walker does something to the file system.
    fn disturb(&mut self, config: &Config, act: Act) {
        let dialect = &config.dialect;
        match act {
            Act::Unlink((dir, name)) | Act::Rmdir((dir, name)) => {
                self.world.remove(dialect, dir, name, By::Other);
            }
            Act::RmdirBase => self.world.remove_base(),
            Act::File(to) => {
                self.mark(to, WROTE);
                self.world.give(dialect, to.0, to.1, Entry::File);
            }
            Act::Mkdir(to) => {
                self.mark(to, WROTE);
                self.make(config, to);
            }
            Act::Exchange(place, name) => {
                self.mark(place, WROTE | MOVED);
                let here = self.world.take(dialect, place.0, place.1);
                let there = self.world.take(dialect, OUTSIDE, name);
                self.arrive(config, place, there);
                self.arrive(config, (OUTSIDE, name), here);
            }
            Act::Rename(from, to) => {
                self.mark(to, WROTE | MOVED);
                let entry = self.world.take(dialect, from.0, from.1);
                self.arrive(config, to, entry);
            }
            Act::Mount(place) => {
                self.mark(place, WROTE | MOVED);
                self.world.set_mount(Some(place));
            }
            Act::Unmount => {
                self.marks |= MOVED;
                self.world.set_mount(None);
            }
            Act::Reply { .. } | Act::Rival(_) | Act::HandOn | Act::Stop(_) => {}
        }
    }

    /// Remembers that something was made under a name. What is made beneath no root and in nothing
    /// reached does not count as written.
    fn mark(&mut self, (dir, name): Place, marks: u8) {
        if (dir, name) == (crate::world::BASE, ROOT_NAME) {
            self.marks |= marks | REPLACED;
        } else if self.is_inside(dir) {
            self.marks |= marks;
        } else {
            self.marks |= marks & !WROTE;
        }
    }

    /// Whether a directory is beneath the root's name, or in reach of a walker.
    fn is_inside(&self, dir: Dir) -> bool {
        let reached = self.ghosts.iter().fold(0, |mask, g| mask | g.reached);
        let root = self.world.entry(crate::world::BASE, ROOT_NAME);
        reached & 1 << dir.0 != 0
            || matches!(root, Entry::Directory(root) if self.world.is_beneath(dir, root))
    }

    fn arrive(&mut self, config: &Config, to: Place, entry: Entry) {
        self.world.give(&config.dialect, to.0, to.1, entry);
        if let Entry::Directory(child) = entry {
            let subtree = self.world.subtree(child);
            for ghost in &mut self.ghosts {
                if ghost.reached & 1 << to.0.0 != 0 {
                    ghost.reached |= subtree;
                }
            }
        }
    }

    /// Makes a directory whose identity no walker remembers.
    fn make(&mut self, config: &Config, to: Place) {
        let Some(number) = self.world.next_dir() else {
            return;
        };
        let mut birth = 0;
        self.world.make(&config.dialect, to.0, to.1, number, birth);
        if config.dialect.births {
            loop {
                let inode = self.world.inode(&config.dialect, number);
                if !self.walkers().any(|(_, walker)| walker.remembers(inode)) {
                    break;
                }
                birth += 1;
                self.world.set_birth(number, birth);
            }
        }
        for ghost in &mut self.ghosts {
            let parent = ghost.reached >> to.0.0 & 1;
            ghost.reached = ghost.reached & !(1 << number.0) | parent << number.0;
        }
    }

    /// Whether no law was broken on the way here.
    #[must_use]
    pub fn keeps(&self, law: Law) -> bool {
        !self.broken.has(law)
    }
}
