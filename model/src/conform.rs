//! Conformance: sequences of operations, no walker's among them, on the model's file system and on
//! a real one.
//!
//! The tour asks what a walker would ask. Here anything is asked of any slot: names that no listing
//! gave, slots of dead directories, `..` of everything. Each reply must be among those that the world
//! allows, and at the end both trees must be the same. An operation that means nothing where it is
//! met (a closed slot, a name that is taken) is passed over, so that any sequence can be cut shorter.
//!
//! Deliberately absent: reading on where a listing was left, which the tour has; a reading here
//! begins at the beginning and goes to the end.

use crate::adversary::Act;
use crate::real::{Board, Nature, Result, Site, Trouble, compare_listing};
use crate::words;
use crate::world::{
    By, Dialect, Dir, Entry, NAMES, OUTSIDE, ROOT_NAME, Tree, World, replies, trees,
};
use fell::machine::{Read, Request, Slot};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::test_runner::{self, FileFailurePersistence, TestCaseError, TestRunner};
use std::cell::{Cell, RefCell};

/// How many slots there are.
pub const SLOTS: u16 = 4;

/// One operation, by numbers that are reduced to what there is where it is met.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Open the root's parent in a slot.
    OpenBase(u8),
    /// Open a name of a slot in a slot.
    Open(u8, u8, u8),
    /// Open `..` of a slot in a slot, to read it.
    OpenParent(u8, u8),
    /// Open `..` of a slot in a slot, to compare it.
    OpenAbove(u8, u8),
    /// Tell which directory a slot is.
    Identify(u8),
    /// List a slot from the beginning to the end.
    List(u8),
    /// Unlink a name of a slot.
    Unlink(u8, u8),
    /// Remove a directory of a slot.
    Rmdir(u8, u8),
    /// Close a slot.
    Close(u8),
    /// Somebody removes, whatever it is.
    Remove(u8, u8),
    /// Somebody makes a file.
    File(u8, u8),
    /// Somebody makes a directory.
    Mkdir(u8, u8),
    /// Somebody renames.
    Rename(u8, u8, u8, u8),
    /// Somebody exchanges a name and one of the outside.
    Exchange(u8, u8, u8),
    /// Somebody mounts the outside, or unmounts it.
    Mount(u8, u8),
}

/// How long a sequence is at most.
const LONGEST: usize = 60;
/// Where sequences that failed are kept, to be run first.
const REGRESSIONS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/proptest-regressions/conform.txt"
);

/// What drawn sequences were.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Drawn {
    /// How many there were.
    pub sequences: usize,
    /// How many operations meant something, in all.
    pub operations: usize,
    /// How many sequences were left because an NFS client remembered a parent:
    /// [`Trouble::Remembered`]. Their operations are not counted.
    pub remembered: usize,
}

/// Draws `cases` sequences and runs them; those that failed before are run first.
///
/// # Errors
///
/// The shortest sequence that fails, in words.
pub fn draw(nature: &Nature, cases: u32) -> std::result::Result<Drawn, String> {
    let site = Site::new(nature).map_err(|trouble| trouble.to_string())?;
    let site = RefCell::new(site);
    let drawn = Cell::new(Drawn::default());
    let mut runner = TestRunner::new(test_runner::Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        ..test_runner::Config::default()
    });
    let sequences = (any::<u16>(), vec(operation(), 1..LONGEST));
    let run = runner.run(&sequences, |(number, operations)| {
        let mut site = site.borrow_mut();
        let mut so_far = drawn.get();
        so_far.sequences += 1;
        match conform(nature, &mut site, &tree(number), &operations) {
            Ok(done) => so_far.operations += done,
            Err(Trouble::Remembered(_)) => so_far.remembered += 1,
            Err(trouble) => return Err(TestCaseError::fail(trouble.to_string())),
        }
        drawn.set(so_far);
        Ok(())
    });
    run.map(|()| drawn.get()).map_err(|error| error.to_string())
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::{
        Close, Exchange, File, Identify, List, Mkdir, Mount, Open, OpenAbove, OpenBase, OpenParent,
        Remove, Rename, Rmdir, Unlink,
    };
    let (slot, name, dir) = (0..4u8, 0..3u8, any::<u8>());
    prop_oneof![
        2 => slot.clone().prop_map(OpenBase),
        8 => (slot.clone(), name.clone(), slot.clone()).prop_map(|(a, b, c)| Open(a, b, c)),
        4 => (slot.clone(), slot.clone()).prop_map(|(a, b)| OpenParent(a, b)),
        2 => (slot.clone(), slot.clone()).prop_map(|(a, b)| OpenAbove(a, b)),
        4 => slot.clone().prop_map(Identify),
        4 => slot.clone().prop_map(List),
        3 => (slot.clone(), name.clone()).prop_map(|(a, b)| Unlink(a, b)),
        3 => (slot.clone(), name.clone()).prop_map(|(a, b)| Rmdir(a, b)),
        1 => slot.prop_map(Close),
        3 => (dir, name.clone()).prop_map(|(a, b)| Remove(a, b)),
        1 => (dir, name.clone()).prop_map(|(a, b)| File(a, b)),
        2 => (dir, name.clone()).prop_map(|(a, b)| Mkdir(a, b)),
        3 => (dir, name.clone(), dir, name.clone())
            .prop_map(|(a, b, c, d)| Rename(a, b, c, d)),
        2 => (dir, name.clone(), name.clone()).prop_map(|(a, b, c)| Exchange(a, b, c)),
        2 => (dir, name).prop_map(|(a, b)| Mount(a, b)),
    ]
}

/// The tree a sequence begins with: one of all that have so many entries.
#[must_use]
pub fn tree(number: u16) -> Vec<Tree> {
    let all: Vec<_> = (0..=4).flat_map(trees).collect();
    all[usize::from(number) % all.len()].clone()
}

/// Runs a sequence on both. Returns how many operations meant something.
///
/// # Errors
///
/// [`Trouble::Differs`] when the kernel answers what the model does not allow, or the trees differ.
pub fn conform(
    nature: &Nature,
    site: &mut Site,
    forest: &[Tree],
    operations: &[Operation],
) -> Result<usize> {
    let dialect = nature.dialect;
    let world = World::planted(&dialect, forest);
    site.plant(&world)?;
    let root = site.root_path();
    let mut run = Run {
        nature,
        board: Board::new(site, &root)?,
        site,
        dialect,
        world,
        done: Vec::new(),
    };
    // Everything else needs something that is open.
    let begin = [Operation::OpenBase(0), Operation::Open(0, ROOT_NAME, 1)];
    for &operation in begin.iter().chain(operations) {
        let done = run.take(operation);
        done.map_err(|trouble| run.in_words(trouble))?;
    }
    run.site
        .compare(&run.world)
        .map_err(|trouble| run.in_words(trouble))?;
    Ok(run.done.len())
}

struct Run<'a> {
    nature: &'a Nature,
    site: &'a mut Site,
    board: Board<'a>,
    dialect: Dialect,
    world: World,
    /// What was done, in words.
    done: Vec<String>,
}

impl Run<'_> {
    fn take(&mut self, operation: Operation) -> Result<()> {
        let slot = |n: u8| Slot(u16::from(n) % SLOTS);
        let name = |n: u8| n % NAMES;
        match operation {
            Operation::OpenBase(to) => self.open(Request::OpenBase { slot: slot(to) }, slot(to)),
            Operation::Open(parent, n, to) => {
                let (parent, slot) = (slot(parent), slot(to));
                let request = Request::Open {
                    parent,
                    name: name(n),
                    slot,
                };
                self.open_from(parent, request, slot)
            }
            Operation::OpenParent(child, to) => {
                let (child, slot) = (slot(child), slot(to));
                self.open_from(child, Request::OpenParent { child, slot }, slot)?;
                self.known(slot)
            }
            Operation::OpenAbove(child, to) => {
                let (child, slot) = (slot(child), slot(to));
                self.open_from(child, Request::OpenAbove { child, slot }, slot)?;
                self.known(slot)
            }
            Operation::Identify(at) => self.on(slot(at), Request::Identify { slot: slot(at) }),
            Operation::List(at) => self.list(slot(at)),
            Operation::Unlink(at, n) => {
                let (parent, name) = (slot(at), name(n));
                self.on(parent, Request::Unlink { parent, name })
            }
            Operation::Rmdir(at, n) => {
                let (parent, name) = (slot(at), name(n));
                self.on(parent, Request::Rmdir { parent, name })
            }
            Operation::Close(at) => self.on(slot(at), Request::Close { slot: slot(at) }),
            other => match self.act(other) {
                Some(act) => self.others(act),
                None => Ok(()),
            },
        }
    }

    /// A slot that is taken is closed before.
    fn open(&mut self, request: Request<u8>, slot: Slot) -> Result<()> {
        self.on(slot, Request::Close { slot })?;
        self.ask(request)
    }

    /// Opening in the very slot that it is opened from means nothing; nor does a root's parent that
    /// cannot be left.
    fn open_from(&mut self, from: Slot, request: Request<u8>, slot: Slot) -> Result<()> {
        let Some(dir) = self.world.open_dir(0, from).filter(|_| from != slot) else {
            return Ok(());
        };
        let goes_up = !matches!(request, Request::Open { .. });
        let is_top =
            dir == crate::world::BASE || dir == OUTSIDE && !self.world.is_through_mount(0, from);
        if goes_up && is_top {
            return Ok(());
        }
        self.open(request, slot)
    }

    /// On NFS what `..` reached is identified at once, as the walker does: a client that remembers another
    /// parent is met here, before what is opened from there looks wrong.
    fn known(&mut self, slot: Slot) -> Result<()> {
        if self.dialect.nfs {
            return self.on(slot, Request::Identify { slot });
        }
        Ok(())
    }

    fn on(&mut self, slot: Slot, request: Request<u8>) -> Result<()> {
        match self.world.open_dir(0, slot) {
            Some(_) => self.ask(request),
            None => Ok(()),
        }
    }

    fn ask(&mut self, request: Request<u8>) -> Result<()> {
        let mut allowed = Vec::new();
        replies(&self.world, &self.dialect, false, 0, &request, &mut allowed);
        let asked = words::asks(&self.world, 0, &request);
        let said = self
            .board
            .ask(self.site, &self.world, &self.dialect, request);
        let says = said.map_or_else(|| "what it never says".to_owned(), |r| words::says(&r));
        self.done.push(format!("{asked} -> {says}"));
        let Some(said) = said.filter(|said| allowed.contains(said)) else {
            let allowed: Vec<String> = allowed.iter().map(words::says).collect();
            let trouble = self.board.trouble(&self.dialect, &request, said);
            return Err(trouble(format!(
                "{asked}\n  the model allows: {}\n  the kernel says:  {says} ({said:?})",
                allowed.join("; or ")
            )));
        };
        self.world.answer(&self.dialect, 0, &request, &said);
        self.site.settle(&self.world);
        Ok(())
    }

    /// The whole listing, which must be the model's.
    fn list(&mut self, slot: Slot) -> Result<()> {
        let Some(dir) = self.world.open_dir(0, slot) else {
            return Ok(());
        };
        // The root's parent is never read, and is held without the right to.
        if self.board.is_path(slot) {
            return Ok(());
        }
        let (have, end) = self.board.list(self.site, slot);
        self.done.push(format!("list #{}", dir.0));
        compare_listing(&self.world, 0, slot, self.dialect.unknown_kinds, have)?;
        let ends = match end {
            Read::End => self.world.is_alive(dir) || self.dialect.nfs,
            Read::Gone(_) => !self.world.is_alive(dir),
            Read::Entry { .. } | Read::Failed(_) => false,
        };
        if ends {
            return Ok(());
        }
        let alive = self.world.is_alive(dir);
        Err(Trouble::Differs(format!(
            "list #{}, which is alive: {alive}; the listing ends with {end:?}",
            dir.0
        )))
    }

    /// What somebody else does, if it can be done here and is in the model.
    fn act(&self, operation: Operation) -> Option<Act> {
        let world = &self.world;
        let alive: Vec<Dir> = world
            .dirs()
            .filter(|&dir| dir != crate::world::BASE)
            .collect();
        let dir = |n: u8| alive.get(usize::from(n) % alive.len()).copied();
        let name = |n: u8| n % NAMES;
        let is_loop = |entry, to| matches!(entry, Entry::Directory(d) if world.is_beneath(to, d));
        match operation {
            Operation::Remove(d, n) => {
                let place = (dir(d)?, name(n));
                match world.entry(place.0, place.1) {
                    _ if world.is_mount(place.0, place.1) => None,
                    Entry::Directory(child) => world.is_empty(child).then_some(Act::Rmdir(place)),
                    Entry::File | Entry::Link => Some(Act::Unlink(place)),
                    _ => None,
                }
            }
            Operation::File(d, n) => {
                let place = (dir(d)?, name(n));
                let is_free = !world.entry(place.0, place.1).is_present();
                is_free.then_some(Act::File(place))
            }
            Operation::Mkdir(d, n) => {
                let place = (dir(d)?, name(n));
                let is_free = !world.entry(place.0, place.1).is_present();
                (is_free && world.next_dir().is_some()).then_some(Act::Mkdir(place))
            }
            Operation::Rename(d, n, to, as_name) => {
                let (from, to) = ((dir(d)?, name(n)), (dir(to)?, name(as_name)));
                let entry = world.entry(from.0, from.1);
                let can = entry.is_present()
                    && !world.entry(to.0, to.1).is_present()
                    && !world.is_mount(from.0, from.1)
                    && !is_loop(entry, to.0);
                can.then_some(Act::Rename(from, to))
            }
            Operation::Exchange(d, n, out) => {
                let (here, there) = ((dir(d)?, name(n)), (OUTSIDE, name(out)));
                let (a, b) = (world.entry(here.0, here.1), world.entry(OUTSIDE, there.1));
                let can = a.is_present()
                    && b.is_present()
                    && here != there
                    && !world.is_mount(here.0, here.1)
                    && !world.is_mount(OUTSIDE, there.1)
                    && !is_loop(a, OUTSIDE)
                    && !is_loop(b, here.0);
                can.then_some(Act::Exchange(here, there.1))
            }
            Operation::Mount(d, n) if self.nature.may_mount => {
                let place = (dir(d)?, name(n));
                let is_directory = matches!(world.entry(place.0, place.1), Entry::Directory(_));
                match world.mount() {
                    Some(_) => Some(Act::Unmount),
                    None => is_directory.then_some(Act::Mount(place)),
                }
            }
            _ => None,
        }
    }

    fn others(&mut self, act: Act) -> Result<()> {
        let before = self.world.clone();
        let (world, dialect) = (&mut self.world, &self.dialect);
        match act {
            Act::Unlink((dir, name)) | Act::Rmdir((dir, name)) => {
                world.remove(dialect, dir, name, By::Other);
            }
            Act::File((dir, name)) => world.give(dialect, dir, name, Entry::File),
            Act::Mkdir((dir, name)) => {
                if let Some(number) = world.next_dir() {
                    world.make(dialect, dir, name, number, 0);
                }
            }
            Act::Rename(from, to) => {
                let entry = world.take(dialect, from.0, from.1);
                world.give(dialect, to.0, to.1, entry);
            }
            Act::Exchange(here, name) => {
                let a = world.take(dialect, here.0, here.1);
                let b = world.take(dialect, OUTSIDE, name);
                world.give(dialect, here.0, here.1, b);
                world.give(dialect, OUTSIDE, name, a);
            }
            Act::Mount(place) => world.set_mount(Some(place)),
            Act::Unmount => world.set_mount(None),
            _ => {}
        }
        self.done.push(format!("{act:?}"));
        // What is outside stays as it is put: nothing is searched here that could be kept small.
        self.site.act_untidied(&before, act, &self.world)
    }

    fn in_words(&self, trouble: Trouble) -> Trouble {
        match trouble {
            Trouble::Differs(words) => Trouble::Differs(format!(
                "{}\n  {}\n  mismatch: {words}",
                self.done.join("\n"),
                words::tree(&self.world)
            )),
            other @ (Trouble::Failed { .. } | Trouble::Remembered(_)) => other,
        }
    }
}
