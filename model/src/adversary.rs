//! Who else is there, and what they may do next.
//!
//! Every adversary acts between two requests of a walker, whenever it likes, while the budget that
//! they share lasts. They act in all directories of the tree, in those that were moved out of it,
//! and, the usurper being among them, on the root's own name.

use crate::config::Config;
use crate::machine::Machine;
use crate::universe::State;
use crate::world::{self, BASE, CANARY, Dir, Entry, NAMES, OUTSIDE, ROOT_NAME, World};
use fell::machine::{Errno, Gone, Identify, Open, Read, Reply, Request, Rmdir, Seek, Stop, Unlink};

/// Somebody who is not the walker.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Adversary {
    /// Unlinks files, removes empty directories, the root among them. What other removers do, in
    /// whatever order, is among the things that this one may do.
    Remover,
    /// Makes files and directories.
    Writer,
    /// Exchanges directories for symlinks and files, and back.
    Swapper,
    /// Renames within the tree, out of it and into it.
    Mover,
    /// Mounts the outside on directories, and unmounts it.
    Mounter,
    /// Lets writers, swappers, movers and mounters act on the root's own name.
    Usurper,
    /// Takes names from the walker to remove them itself, and may not.
    Helper,
    /// Lets a call fail as [`faults`] says: with EIO, opens below the root with EMFILE, unlinks with
    /// EACCES, and on NFS what is done at the root with ESTALE.
    Fault,
    /// Stops the walker.
    Canceller,
}

impl Adversary {
    /// All of them.
    pub const ALL: [Adversary; 9] = [
        Adversary::Remover,
        Adversary::Writer,
        Adversary::Swapper,
        Adversary::Mover,
        Adversary::Mounter,
        Adversary::Usurper,
        Adversary::Helper,
        Adversary::Fault,
        Adversary::Canceller,
    ];

    /// Its name in a table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Adversary::Remover => "remover",
            Adversary::Writer => "writer",
            Adversary::Swapper => "swapper",
            Adversary::Mover => "mover",
            Adversary::Mounter => "mounter",
            Adversary::Usurper => "usurper",
            Adversary::Helper => "helper",
            Adversary::Fault => "fault",
            Adversary::Canceller => "canceller",
        }
    }
}

/// A set of adversaries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Adversaries(u16);

impl Adversaries {
    /// All of them.
    #[must_use]
    pub fn all() -> Adversaries {
        Adversary::ALL.into_iter().collect()
    }

    /// Whether one is among them.
    #[must_use]
    pub const fn has(self, adversary: Adversary) -> bool {
        self.0 & 1 << adversary as u16 != 0
    }

    /// Them, in order.
    pub fn iter(self) -> impl Iterator<Item = Adversary> {
        Adversary::ALL.into_iter().filter(move |&a| self.has(a))
    }
}

impl FromIterator<Adversary> for Adversaries {
    fn from_iter<I: IntoIterator<Item = Adversary>>(all: I) -> Adversaries {
        Adversaries(all.into_iter().fold(0, |set, a| set | 1 << a as u16))
    }
}

/// A name in a directory.
pub type Place = (Dir, u8);

/// One thing that happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Act {
    /// The world answers a walker.
    Reply {
        /// Which walker.
        who: u8,
        /// What it says.
        reply: Reply<u8>,
        /// It is an error that nothing in the world explains.
        fault: bool,
    },
    /// The world answers the rival.
    Rival(Reply<u8>),
    /// Somebody unlinks.
    Unlink(Place),
    /// Somebody removes an empty directory.
    Rmdir(Place),
    /// Somebody removes the root's parent.
    RmdirBase,
    /// Somebody makes a file.
    File(Place),
    /// Somebody makes a directory.
    Mkdir(Place),
    /// Somebody exchanges an entry and one of the outside.
    Exchange(Place, u8),
    /// Somebody renames.
    Rename(Place, Place),
    /// Somebody mounts the outside on a directory.
    Mount(Place),
    /// Somebody unmounts it.
    Unmount,
    /// Walker 0 is asked for a name to remove.
    HandOn,
    /// Walker 0 is stopped.
    Stop(Stop),
}

/// What others may do in a state.
pub fn acts<M: Machine>(config: &Config, state: &State<M>, into: &mut Vec<Act>) {
    // Who is closing what it holds notices nothing any more.
    if state
        .walkers()
        .all(|(_, walker)| walker.decided().is_some())
    {
        return;
    }
    if let Some(rival) = &state.rival {
        let mut answers = Vec::with_capacity(16);
        rival.replies(config, &state.world, &mut answers);
        into.extend(answers.into_iter().map(Act::Rival));
    }
    if !state.has_budget() {
        return;
    }
    let has = |adversary| config.adversaries.has(adversary);
    let others = Others {
        config,
        world: &state.world,
        usurper: has(Adversary::Usurper),
    };
    if has(Adversary::Remover) {
        others.remove(into);
    }
    if has(Adversary::Writer) {
        others.write(into);
    }
    if has(Adversary::Swapper) {
        others.swap(into);
    }
    if has(Adversary::Mover) {
        others.rename(into);
    }
    if has(Adversary::Mounter) {
        others.mount(into);
    }
    if has(Adversary::Helper) && M::clone(&state.first).hand_on() {
        into.push(Act::HandOn);
    }
    if has(Adversary::Canceller) && state.first.decided().is_none() {
        into.push(Act::Stop(Stop::Cancelled));
        into.push(Act::Stop(Stop::TimedOut));
    }
}

struct Others<'a> {
    config: &'a Config,
    world: &'a World,
    usurper: bool,
}

impl Others<'_> {
    /// The directories that others act in: not the root's parent, not what was always outside.
    fn dirs(&self) -> impl Iterator<Item = Dir> + '_ {
        self.world.dirs().filter(|&dir| {
            dir != BASE && dir != OUTSIDE && (dir != CANARY || self.world.parent(CANARY) != OUTSIDE)
        })
    }

    /// The entries that others may rename or exchange.
    fn entries(&self) -> impl Iterator<Item = (Place, Entry)> + '_ {
        let root = (self.usurper && !self.world.is_root_absent())
            .then(|| ((BASE, ROOT_NAME), self.world.entry(BASE, ROOT_NAME)));
        let below = self
            .dirs()
            .flat_map(|dir| self.world.list(dir).map(move |(name, e)| ((dir, name), e)));
        root.into_iter()
            .chain(below)
            .filter(|&((dir, name), entry)| {
                entry != Entry::Fixed
                    && !self.world.is_sealed(dir)
                    && !self.world.is_mount(dir, name)
            })
    }

    /// The names under which others may make something.
    fn absent(&self) -> impl Iterator<Item = Place> + '_ {
        let root = (self.usurper && self.world.is_alive(BASE) && self.world.is_root_absent())
            .then_some((BASE, ROOT_NAME));
        let names = 0..self.config.names.min(NAMES);
        let below = self.dirs().flat_map(move |dir| {
            let world = self.world;
            names
                .clone()
                .filter(move |&name| !world.entry(dir, name).is_present())
                .map(move |name| (dir, name))
        });
        root.into_iter().chain(below)
    }

    fn remove(&self, into: &mut Vec<Act>) {
        let root = (BASE, ROOT_NAME);
        let below = self
            .dirs()
            .flat_map(|dir| self.world.list(dir).map(move |(name, _)| (dir, name)));
        for place in below.chain([root]) {
            let (dir, name) = place;
            if self.world.is_sealed(dir) || self.world.is_mount(dir, name) {
                continue;
            }
            match self.world.entry(dir, name) {
                Entry::Directory(child) if self.world.is_empty(child) => {
                    into.push(Act::Rmdir(place));
                }
                Entry::File | Entry::Link if dir != BASE => into.push(Act::Unlink(place)),
                _ => {}
            }
        }
        if self.config.base_goes && self.world.is_alive(BASE) && self.world.is_root_absent() {
            into.push(Act::RmdirBase);
        }
    }

    fn write(&self, into: &mut Vec<Act>) {
        for place in self.absent() {
            into.push(Act::File(place));
            if self
                .world
                .next_dir()
                .is_some_and(|dir| dir.0 < self.config.dirs)
            {
                into.push(Act::Mkdir(place));
            }
        }
    }

    fn swap(&self, into: &mut Vec<Act>) {
        for (place, entry) in self.entries() {
            for (name, other) in self.world.list(OUTSIDE) {
                let is_directory = |entry| matches!(entry, Entry::Directory(_));
                if is_directory(entry) != is_directory(other) && !self.is_loop(other, place.0) {
                    into.push(Act::Exchange(place, name));
                }
            }
        }
    }

    /// Files move only to where they would not have been found: elsewhere that is a removal and a
    /// writing.
    fn rename(&self, into: &mut Vec<Act>) {
        let outside_free = (0..self.config.outside.min(NAMES))
            .find(|&n| !self.world.entry(OUTSIDE, n).is_present());
        for (from, entry) in self.entries() {
            if let Some(name) = outside_free {
                into.push(Act::Rename(from, (OUTSIDE, name)));
            }
            if matches!(entry, Entry::Directory(_)) {
                self.rename_within(from, entry, into);
            }
        }
        for (name, entry) in self.world.list(OUTSIDE) {
            if matches!(entry, Entry::Directory(_)) {
                self.rename_within((OUTSIDE, name), entry, into);
            }
        }
    }

    fn rename_within(&self, from: Place, entry: Entry, into: &mut Vec<Act>) {
        for to in self.absent() {
            if !self.is_loop(entry, to.0) {
                into.push(Act::Rename(from, to));
            }
        }
    }

    /// Whether `entry` would be beneath itself in `dir`.
    fn is_loop(&self, entry: Entry, dir: Dir) -> bool {
        matches!(entry, Entry::Directory(child) if self.world.is_beneath(dir, child))
    }

    fn mount(&self, into: &mut Vec<Act>) {
        if self.world.mount().is_some() {
            return into.push(Act::Unmount);
        }
        for (place, entry) in self.entries() {
            if matches!(entry, Entry::Directory(_)) {
                into.push(Act::Mount(place));
            }
        }
    }
}

/// The errors that a call can give though nothing in the world explains them.
pub fn faults(nfs: bool, request: &Request<u8>, into: &mut Vec<Reply<u8>>) {
    const EIO: Errno = world::EIO;
    let stale = nfs.then_some(Gone::Stale);
    match *request {
        Request::OpenBase { .. } | Request::OpenRoot { .. } => {
            into.push(Reply::Open(Open::Failed(EIO)));
            into.extend(stale.map(|gone| Reply::Open(Open::Gone(gone))));
        }
        Request::Open { .. } | Request::OpenParent { .. } | Request::OpenAbove { .. } => {
            into.push(Reply::Open(Open::Failed(EIO)));
            into.push(Reply::Open(Open::Exhausted(world::EMFILE)));
        }
        Request::Identify { .. } => into.push(Reply::Identify(Identify::Failed(EIO))),
        Request::Read { .. } => into.push(Reply::Read(Read::Failed(EIO))),
        Request::Seek { .. } => into.push(Reply::Seek(Seek::Failed(EIO))),
        Request::Unlink { .. } => {
            into.push(Reply::Unlink(Unlink::Failed(EIO)));
            into.push(Reply::Unlink(Unlink::Denied(world::EACCES)));
        }
        Request::Rmdir { .. } => into.push(Reply::Rmdir(Rmdir::Failed(EIO))),
        Request::RmdirRoot { .. } => {
            into.push(Reply::Rmdir(Rmdir::Failed(EIO)));
            into.extend(stale.map(|gone| Reply::Rmdir(Rmdir::Gone(gone))));
        }
        Request::Inspect { .. } | Request::Close { .. } => {}
    }
}
