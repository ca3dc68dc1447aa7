//! The world: a file system as small as can be, with the semantics that Linux was measured to have.
//!
//! This file, `answer` and `effect` are the definition of what the walker may rely on; `tree` only
//! plants the trees that searches begin with. [`World`] is what there is: numbered directories with
//! numbered names, and who has which of them open. `answer`
//! gives, for a request, the *set* of replies that are allowed; `effect` what the world is after one
//! of them was given. Which one is given is the adversary's choice, so a listing comes in any order,
//! and what came or went while it was read may be in it or not.
//!
//! Deliberately absent: time, contents, links to files, permissions other than two bits a directory.
//!
//! **Numbers.** A directory's number is its inode number. It is given to the next mkdir when the
//! directory is dead, not open and not the last parent of one that is, whoever remembers it; then
//! its birth is another one than any walker remembers, unless births are unknown. So a reused number
//! is met as often as it can be, and the universe stays finite.

mod answer;
mod effect;
mod tree;

pub use answer::{EACCES, EIO, EMFILE, EPERM, replies};
pub use tree::{Tree, trees};

use core::hash::{Hash, Hasher};
use fell::machine::{Birth, Identity, Inode, Position, Slot};

/// How many directories there can be at once.
pub const DIRS: usize = 13;
/// How many names there are.
pub const NAMES: u8 = 5;
/// How many slots a walker can have; one more than any limit of the model allows, so that a leak
/// shows before there are none left.
pub const SLOTS: usize = 6;
/// How many walkers there can be.
pub const WALKERS: usize = 2;
/// The name of the root in its parent.
pub const ROOT_NAME: u8 = 0;

/// Set in a name that is to be opened, it lets the opening follow a symlink, as chdir(2) does and as
/// every part of a path but its last is resolved. The machine of `fell` never sets it.
pub const FOLLOWED: u8 = 0x80;
/// Where the listing of a directory begins: a seek there is rewinddir(3).
pub const START: Position = Position(0xff00);

/// The number of a directory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Dir(pub u8);

/// The root's parent.
pub const BASE: Dir = Dir(0);
/// A directory elsewhere on the same file system: where things are moved to and come from, where
/// symlinks lead, and what bind mounts show. It stays as it is unless somebody else changes it.
pub const OUTSIDE: Dir = Dir(1);
/// A directory in [`OUTSIDE`].
pub const CANARY: Dir = Dir(2);
/// The directory that has the root's name when the walk begins.
pub const ROOT: Dir = Dir(3);

impl Dir {
    fn index(self) -> usize {
        usize::from(self.0)
    }

    fn bit(self) -> u16 {
        1 << self.0
    }

    /// All there can be.
    pub fn all() -> impl Iterator<Item = Dir> {
        (0..).take(DIRS).map(Dir)
    }
}

/// What stands under a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Entry {
    /// Nothing.
    Absent,
    /// Nothing any more; but this client has not noticed, and may answer ESTALE once (NFS).
    Forgotten,
    /// A file.
    File,
    /// A symlink to [`OUTSIDE`].
    Link,
    /// A file that nobody can remove (EPERM).
    Fixed,
    /// A directory.
    Directory(Dir),
}

impl Entry {
    const DIRECTORY: u8 = 5;

    const fn code(self) -> u8 {
        match self {
            Entry::Absent => 0,
            Entry::Forgotten => 1,
            Entry::File => 2,
            Entry::Link => 3,
            Entry::Fixed => 4,
            Entry::Directory(Dir(dir)) => Entry::DIRECTORY + dir,
        }
    }

    const fn of(code: u8) -> Entry {
        match code {
            0 => Entry::Absent,
            1 => Entry::Forgotten,
            2 => Entry::File,
            3 => Entry::Link,
            4 => Entry::Fixed,
            dir => Entry::Directory(Dir(dir - Entry::DIRECTORY)),
        }
    }

    /// Whether the name is there.
    #[must_use]
    pub const fn is_present(self) -> bool {
        !matches!(self, Entry::Absent | Entry::Forgotten)
    }
}

/// An open directory, and how far its listing was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Cursor {
    /// The directory's number; [`Cursor::CLOSED`] when the slot is free.
    dir: u8,
    /// It was reached through a mount.
    mounted: bool,
    /// The names returned in this pass.
    returned: u8,
    /// The names that must be returned before the end: there since the pass began.
    owed: u8,
    /// The names that were read ahead as directories, and went or changed since.
    went_directories: u8,
    /// The names that were read ahead as no directories, and went or changed since.
    went_files: u8,
}

/// One word, where deriving would write six.
impl Hash for Cursor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from_le_bytes([
            self.dir,
            u8::from(self.mounted),
            self.returned,
            self.owed,
            self.went_directories,
            self.went_files,
            0,
            0,
        ]));
    }
}

impl Cursor {
    const NONE: u8 = u8::MAX;
    const CLOSED: Cursor = Cursor {
        dir: Cursor::NONE,
        mounted: false,
        returned: 0,
        owed: 0,
        went_directories: 0,
        went_files: 0,
    };

    fn dir(self) -> Option<Dir> {
        (self.dir != Cursor::NONE).then_some(Dir(self.dir))
    }
}

/// The file system, and what every walker has open in it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct World {
    entries: [u8; DIRS * NAMES as usize],
    /// The directory that `..` reaches: of a dead one its last parent, dead or not.
    parents: [u8; DIRS],
    births: [u8; DIRS],
    alive: u16,
    /// Removed, and still open or the last parent of one that is.
    dead: u16,
    /// Removed by another client, so that the server has forgotten them (NFS).
    forgotten: u16,
    /// Directories that cannot be opened (EACCES).
    shut: u16,
    /// Directories in which nothing can be removed (EACCES).
    sealed: u16,
    /// Directories that may be read, and through which nothing can be reached (EACCES).
    unsearchable: u16,
    /// Directories on another device of the same mount: btrfs subvolumes.
    foreign: u16,
    /// The name that is a mount point, if there is one; the mount shows [`OUTSIDE`].
    mount: Option<(Dir, u8)>,
    cursors: [[Cursor; SLOTS]; WALKERS],
    /// The names that came to each directory since each walker last read them: behind whatever
    /// position it holds, where listings tell what came again ([`Dialect::relists`]).
    came: [[u8; DIRS]; WALKERS],
}

/// What kind of file system it is, and how unpleasant its listings may be.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a feature of its own"
)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dialect {
    /// Directories that were removed answer ESTALE or ENOENT, names removed by others may answer
    /// ESTALE once, and listings may still return what went, for clients keep them.
    pub nfs: bool,
    /// Births are told and believed.
    pub births: bool,
    /// Positions survive removals; otherwise what follows a seek may be incomplete.
    pub positions: bool,
    /// Mounts are told apart when a name is opened; otherwise only by identity, afterwards.
    pub openat2: bool,
    /// Mounts can be told apart at all.
    pub mount_ids: bool,
    /// Listings may withhold the types of entries (`DT_UNKNOWN`).
    pub unknown_kinds: bool,
    /// Listings may give wrong types.
    pub wrong_kinds: bool,
    /// Listings may still return what went while they were read.
    pub read_ahead: bool,
    /// Listings may return a name again that went and came while they were read.
    pub relists: bool,
    /// Listings may skip entries after a removal.
    pub skips: bool,
    /// Listings come in any order; otherwise sorted by name.
    pub any_order: bool,
    /// An opening follows symlinks: no file system does that to `O_NOFOLLOW`, and the walker must
    /// not do without it.
    pub follows: bool,
}

impl Dialect {
    /// ext4, xfs, btrfs, tmpfs.
    pub const LOCAL: Dialect = Dialect {
        nfs: false,
        births: true,
        positions: true,
        openat2: true,
        mount_ids: true,
        unknown_kinds: false,
        wrong_kinds: false,
        read_ahead: false,
        relists: false,
        skips: false,
        any_order: true,
        follows: false,
    };

    /// NFS 4.2.
    pub const NFS: Dialect = Dialect {
        nfs: true,
        ..Dialect::LOCAL
    };

    /// Everything that a listing may do to a reader.
    #[must_use]
    pub const fn unpleasant(self) -> Dialect {
        Dialect {
            unknown_kinds: true,
            read_ahead: true,
            ..self
        }
    }
}

/// Who removes, which decides what an NFS client knows about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// A walker: this client.
    Walker,
    /// Another client.
    Other,
}

/// How many names listings may still return to a walker.
#[derive(Clone, Copy, Debug)]
pub struct Unread<'a> {
    /// The world in which it reads.
    pub world: &'a World,
    /// Which walker.
    pub who: usize,
    /// In the listing that it is reading.
    pub reading: u32,
}

impl Unread<'_> {
    /// Behind a position in the directory with this number: those that were not returned before it,
    /// and those that came since.
    #[must_use]
    pub fn behind(&self, number: u64, position: Position) -> u32 {
        let dir = usize::try_from(number).unwrap_or(DIRS);
        let came = self.world.came[self.who].get(dir).copied().unwrap_or(0);
        let returned = Place::of(position).returned & !came;
        u32::from(NAMES) - returned.count_ones()
    }
}

/// The names returned before a position, and those owed behind it.
pub(crate) fn place(position: Position) -> [u8; 2] {
    let Place { returned, owed } = Place::of(position);
    [returned, owed]
}

/// What a position says: the names returned before it, and those that are owed behind it.
#[derive(Clone, Copy)]
struct Place {
    returned: u8,
    owed: u8,
}

impl Place {
    fn of(Position(token): Position) -> Place {
        let [returned, owed, ..] = token.to_le_bytes();
        Place { returned, owed }
    }

    fn token(self) -> Position {
        Position(u64::from_le_bytes([
            self.returned,
            self.owed,
            0,
            0,
            0,
            0,
            0,
            0,
        ]))
    }
}

/// What the world tells.
impl World {
    /// A world with the root's parent, the outside and nothing else. The outside has a file, a
    /// directory and a symlink, under the names that trees use as well.
    #[must_use]
    pub fn bare() -> World {
        let mut world = World {
            entries: [0; DIRS * NAMES as usize],
            parents: [0; DIRS],
            births: [0; DIRS],
            alive: BASE.bit() | OUTSIDE.bit() | CANARY.bit(),
            dead: 0,
            forgotten: 0,
            shut: 0,
            sealed: 0,
            unsearchable: 0,
            foreign: 0,
            mount: None,
            cursors: [[Cursor::CLOSED; SLOTS]; WALKERS],
            came: [[0; DIRS]; WALKERS],
        };
        world.parents[OUTSIDE.index()] = OUTSIDE.0;
        world.parents[CANARY.index()] = OUTSIDE.0;
        world.put(OUTSIDE, 0, Entry::File);
        world.put(OUTSIDE, 1, Entry::Link);
        world.put(OUTSIDE, 2, Entry::Directory(CANARY));
        world
    }

    /// What stands under a name.
    #[must_use]
    pub fn entry(&self, dir: Dir, name: u8) -> Entry {
        Entry::of(self.entries[Self::cell(dir, name)])
    }

    /// The names of a directory that are there, and what stands under them.
    pub fn list(&self, dir: Dir) -> impl Iterator<Item = (u8, Entry)> + '_ {
        (0..NAMES)
            .map(move |name| (name, self.entry(dir, name)))
            .filter(|(_, entry)| entry.is_present())
    }

    /// Whether a directory has no entries.
    #[must_use]
    pub fn is_empty(&self, dir: Dir) -> bool {
        self.list(dir).next().is_none()
    }

    /// Whether a directory is there.
    #[must_use]
    pub fn is_alive(&self, dir: Dir) -> bool {
        self.alive & dir.bit() != 0
    }

    /// Where `..` leads.
    #[must_use]
    pub fn parent(&self, dir: Dir) -> Dir {
        Dir(self.parents[dir.index()])
    }

    /// Whether `dir` is `ancestor` or beneath it.
    #[must_use]
    pub fn is_beneath(&self, dir: Dir, ancestor: Dir) -> bool {
        let mut at = dir;
        for _ in 0..DIRS {
            if at == ancestor {
                return true;
            }
            let parent = self.parent(at);
            if parent == at {
                return false;
            }
            at = parent;
        }
        false
    }

    /// The directories that are there, lowest number first.
    pub fn dirs(&self) -> impl Iterator<Item = Dir> + '_ {
        Dir::all().filter(|&dir| self.is_alive(dir))
    }

    /// Whether the root's name is absent.
    #[must_use]
    pub fn is_root_absent(&self) -> bool {
        !self.is_alive(BASE) || !self.entry(BASE, ROOT_NAME).is_present()
    }

    /// Whether a name is a mount point.
    #[must_use]
    pub fn is_mount(&self, dir: Dir, name: u8) -> bool {
        self.mount == Some((dir, name))
    }

    /// The name that is a mount point.
    #[must_use]
    pub fn mount(&self) -> Option<(Dir, u8)> {
        self.mount
    }

    /// Whether a directory cannot be opened.
    #[must_use]
    pub fn is_shut(&self, dir: Dir) -> bool {
        self.shut & dir.bit() != 0
    }

    /// Whether nothing in a directory can be removed.
    #[must_use]
    pub fn is_sealed(&self, dir: Dir) -> bool {
        self.sealed & dir.bit() != 0
    }

    /// Whether a directory may be read, and nothing reached through it, `..` included.
    #[must_use]
    pub fn is_unsearchable(&self, dir: Dir) -> bool {
        self.unsearchable & dir.bit() != 0
    }

    /// Whether a directory is a subvolume.
    #[must_use]
    pub fn is_foreign(&self, dir: Dir) -> bool {
        self.foreign & dir.bit() != 0
    }

    /// Whether anything was made unremovable.
    #[must_use]
    pub fn has_immovable(&self) -> bool {
        self.shut | self.sealed | self.unsearchable | self.foreign != 0
            || self.mount.is_some()
            || self.entries.contains(&Entry::Fixed.code())
    }

    /// The directory a walker has open as `slot`.
    #[must_use]
    pub fn open_dir(&self, who: usize, slot: Slot) -> Option<Dir> {
        self.cursor(who, slot).and_then(|cursor| cursor.dir())
    }

    /// How many slots a walker has open.
    #[must_use]
    pub fn open_slots(&self, who: usize) -> usize {
        self.cursors[who]
            .iter()
            .filter(|cursor| cursor.dir().is_some())
            .count()
    }

    /// How many names the listing of a slot may still return.
    #[must_use]
    pub fn unread(&self, who: usize, slot: Slot) -> u32 {
        let returned = self.cursor(who, slot).map_or(0, |cursor| cursor.returned);
        u32::from(NAMES) - returned.count_ones()
    }

    /// Whether the listing of a slot has returned a name.
    #[must_use]
    pub fn has_returned(&self, who: usize, slot: Slot, name: u8) -> bool {
        self.cursor(who, slot)
            .is_some_and(|cursor| cursor.returned & 1 << name != 0)
    }

    /// The names that came to a directory since a walker last read them, one bit each; kept only where
    /// listings tell what came again.
    #[must_use]
    pub fn came(&self, who: usize, dir: Dir) -> u8 {
        self.came[who][dir.index()]
    }

    /// Whether a name that is not there may still be in what was read ahead of a slot.
    #[must_use]
    pub fn may_linger(&self, who: usize, slot: Slot, name: u8) -> bool {
        self.cursor(who, slot).is_some_and(|cursor| {
            (cursor.returned | cursor.went_directories | cursor.went_files) & 1 << name != 0
        })
    }

    /// Which directory it is, as statx tells.
    #[must_use]
    pub fn identity(&self, dialect: &Dialect, dir: Dir, mounted: bool) -> Identity {
        Identity {
            mount: u64::from(mounted),
            device: u64::from(self.is_foreign(dir)),
            inode: self.inode(dialect, dir),
        }
    }

    /// A directory's number and birth.
    #[must_use]
    pub fn inode(&self, dialect: &Dialect, dir: Dir) -> Inode {
        Inode {
            number: u64::from(dir.0),
            birth: if dialect.births {
                Birth(i64::from(self.births[dir.index()]))
            } else {
                Birth::UNKNOWN
            },
        }
    }

    /// The directories that have a number, dead ones included, one bit each.
    #[must_use]
    pub fn known(&self) -> u16 {
        self.alive | self.dead
    }

    /// A directory and all that are beneath it, one bit each.
    #[must_use]
    pub fn subtree(&self, top: Dir) -> u16 {
        self.dirs()
            .filter(|&dir| self.is_beneath(dir, top))
            .fold(top.bit(), |mask, dir| mask | dir.bit())
    }

    /// Whether a slot was opened through a mount.
    #[must_use]
    pub fn is_through_mount(&self, who: usize, slot: Slot) -> bool {
        self.cursor(who, slot).is_some_and(|cursor| cursor.mounted)
    }

    /// How far the listing of a slot was read: the names returned, those owed, and those that went
    /// and may still be returned, as directories and as no directories.
    pub(crate) fn listing(&self, who: usize, slot: Slot) -> [u8; 4] {
        self.cursor(who, slot).map_or([0; 4], |c| {
            [c.returned, c.owed, c.went_directories, c.went_files]
        })
    }

    /// Whether the server has forgotten a directory (NFS).
    pub(crate) fn is_forgotten(&self, dir: Dir) -> bool {
        self.forgotten & dir.bit() != 0
    }

    fn cursor(&self, who: usize, Slot(slot): Slot) -> Option<&Cursor> {
        self.cursors[who].get(usize::from(slot))
    }

    fn cursor_mut(&mut self, who: usize, Slot(slot): Slot) -> Option<&mut Cursor> {
        self.cursors[who].get_mut(usize::from(slot))
    }

    fn cell(dir: Dir, name: u8) -> usize {
        dir.index() * usize::from(NAMES) + usize::from(name)
    }

    fn put(&mut self, dir: Dir, name: u8, entry: Entry) {
        self.entries[Self::cell(dir, name)] = entry.code();
    }

    /// The names that are there, one bit each.
    fn present(&self, dir: Dir) -> u8 {
        self.list(dir).fold(0, |mask, (name, _)| mask | 1 << name)
    }
}
