//! What the world is after a reply was given, and after an act of somebody else.

use super::{BASE, By, Cursor, Dialect, Dir, Entry, OUTSIDE, Place, ROOT_NAME, World};
use fell::machine::{Gone, Open, Position, Read, Reply, Request, Rmdir, Seek, Slot, Unlink};

/// What walkers do.
impl World {
    /// The world after `reply` was given to `request`. Returns the directory from which an entry was
    /// removed.
    pub fn answer(
        &mut self,
        dialect: &Dialect,
        who: usize,
        request: &Request<u8>,
        reply: &Reply<u8>,
    ) -> Option<Dir> {
        match (*request, *reply) {
            (Request::OpenBase { slot }, Reply::Open(Open::Opened)) => {
                self.open(who, slot, BASE, false);
            }
            (Request::OpenRoot { base, slot }, Reply::Open(open)) => {
                self.open_name(who, base, ROOT_NAME, slot, open);
            }
            (Request::Open { parent, name, slot }, Reply::Open(open)) => {
                self.open_name(who, parent, name, slot, open);
            }
            (
                Request::OpenParent { child, slot } | Request::OpenAbove { child, slot },
                Reply::Open(Open::Opened),
            ) => {
                let child = self.cursor(who, child).copied();
                if let Some((dir, mounted)) = child.and_then(|child| self.above(child)) {
                    self.open(who, slot, dir, mounted);
                }
            }
            (Request::Read { slot }, Reply::Read(Read::Entry { name, .. })) => {
                self.returned(who, slot, name);
            }
            (Request::Read { slot }, Reply::Read(Read::End)) => self.ended(who, slot),
            (Request::Seek { slot, position }, Reply::Seek(Seek::Sought)) => {
                self.seek(dialect, who, slot, position);
            }
            (Request::Unlink { parent, name }, Reply::Unlink(Unlink::Removed))
            | (Request::Rmdir { parent, name }, Reply::Rmdir(Rmdir::Removed)) => {
                let dir = self.open_dir(who, parent)?;
                self.remove(dialect, dir, name, By::Walker);
                return Some(dir);
            }
            (Request::RmdirRoot { base }, Reply::Rmdir(Rmdir::Removed)) => {
                let dir = self.open_dir(who, base)?;
                self.remove(dialect, dir, ROOT_NAME, By::Walker);
                return Some(dir);
            }
            (Request::Close { slot }, Reply::Closed) => {
                if let Some(cursor) = self.cursor_mut(who, slot) {
                    *cursor = Cursor::CLOSED;
                }
                self.collect();
            }
            _ => {}
        }
        None
    }

    /// What `..` reaches, and whether that is on the mount. It leads up from the mount to where that
    /// is mounted, and into the mount from what is below the directory that it hides. Of what was moved
    /// away from what the mount shows there is none.
    pub(super) fn above(&self, child: Cursor) -> Option<(Dir, bool)> {
        let dir = child.dir()?;
        let parent = self.parent(dir);
        if !child.mounted {
            return Some(if self.is_covered(parent) {
                (OUTSIDE, true)
            } else {
                (parent, false)
            });
        }
        if dir == OUTSIDE {
            // Of a mount that is gone it is the mount itself.
            return Some(self.mount.map_or((OUTSIDE, true), |(at, _)| (at, false)));
        }
        self.is_beneath(parent, OUTSIDE).then_some((parent, true))
    }

    /// Whether a directory is hidden by the mount.
    fn is_covered(&self, dir: Dir) -> bool {
        self.mount
            .is_some_and(|(parent, name)| self.entry(parent, name) == Entry::Directory(dir))
    }

    fn open_name(&mut self, who: usize, parent: Slot, name: u8, slot: Slot, open: Open) {
        let Some(dir) = self.open_dir(who, parent) else {
            return;
        };
        let name = name & !super::FOLLOWED;
        let through = self.is_through_mount(who, parent);
        match (open, self.entry(dir, name)) {
            // Only whoever follows symlinks is told that one was opened.
            (Open::Opened, Entry::Link) => self.open(who, slot, OUTSIDE, false),
            (Open::Opened, Entry::Directory(_)) if !through && self.is_mount(dir, name) => {
                self.open(who, slot, OUTSIDE, true);
            }
            (Open::Opened, Entry::Directory(child)) => self.open(who, slot, child, through),
            // Now this client has noticed.
            (Open::Gone(Gone::Missing | Gone::Stale), Entry::Forgotten) => {
                self.put(dir, name, Entry::Absent);
            }
            _ => {}
        }
    }

    fn open(&mut self, who: usize, slot: Slot, dir: Dir, mounted: bool) {
        // The root's parent needs no right to be read, and is not.
        let owed = if dir == BASE { 0 } else { self.present(dir) };
        if let Some(cursor) = self.cursor_mut(who, slot) {
            *cursor = Cursor {
                dir: dir.0,
                mounted,
                owed,
                ..Cursor::CLOSED
            };
        }
    }

    fn returned(&mut self, who: usize, slot: Slot, name: u8) {
        if let Some(cursor) = self.cursor_mut(who, slot) {
            let bit = 1 << name;
            cursor.returned |= bit;
            cursor.owed &= !bit;
            cursor.went_directories &= !bit;
            cursor.went_files &= !bit;
            if let Some(dir) = cursor.dir() {
                self.came[who][dir.index()] &= !bit;
            }
        }
    }

    /// Who reads on behind the end is told the same again.
    fn ended(&mut self, who: usize, slot: Slot) {
        if let Some(cursor) = self.cursor_mut(who, slot) {
            cursor.returned = (1 << super::NAMES) - 1;
            cursor.owed = 0;
            cursor.went_directories = 0;
            cursor.went_files = 0;
        }
    }

    /// Continuing elsewhere forgets what was read ahead, but not what an NFS client keeps. What went and
    /// came again while the directory was closed is owed like what stayed; to a reader that is one more
    /// entry that came.
    fn seek(&mut self, dialect: &Dialect, who: usize, slot: Slot, position: Position) {
        let place = Place::of(position);
        let Some(dir) = self.open_dir(who, slot) else {
            return;
        };
        let present = self.present(dir);
        let came = self.came[who][dir.index()];
        if let Some(cursor) = self.cursor_mut(who, slot) {
            cursor.returned = place.returned & !came;
            cursor.owed = if dialect.positions {
                place.owed & present
            } else {
                0
            };
            if !dialect.nfs {
                cursor.went_directories = 0;
                cursor.went_files = 0;
            }
        }
    }
}

/// What others do.
impl World {
    /// A name goes, and with a directory all that was there of it.
    pub fn remove(&mut self, dialect: &Dialect, dir: Dir, name: u8, by: By) {
        let entry = self.take(dialect, dir, name);
        if let Entry::Directory(child) = entry {
            self.alive &= !child.bit();
            self.dead |= child.bit();
            if dialect.nfs && by == By::Other {
                self.forgotten |= child.bit();
                self.put(dir, name, Entry::Forgotten);
            }
            self.collect();
        }
    }

    /// The root's parent goes; it is empty.
    pub fn remove_base(&mut self) {
        self.alive &= !BASE.bit();
        self.dead |= BASE.bit();
        self.forgotten |= BASE.bit();
        self.collect();
    }

    /// A name goes; what stood under it lives on and is returned.
    pub fn take(&mut self, dialect: &Dialect, dir: Dir, name: u8) -> Entry {
        let entry = self.entry(dir, name);
        self.put(dir, name, Entry::Absent);
        let bit = 1 << name;
        for cursor in self.cursors.iter_mut().flatten() {
            if cursor.dir != dir.0 {
                continue;
            }
            if dialect.nfs || dialect.read_ahead && cursor.returned & bit == 0 {
                match entry {
                    Entry::Directory(_) => cursor.went_directories |= bit,
                    _ => cursor.went_files |= bit,
                }
            }
            cursor.owed &= if dialect.skips { 0 } else { !bit };
        }
        entry
    }

    /// A name comes, under which nothing stood.
    pub fn give(&mut self, dialect: &Dialect, dir: Dir, name: u8, entry: Entry) {
        self.put(dir, name, entry);
        if let Entry::Directory(child) = entry {
            self.parents[child.index()] = dir.0;
        }
        if dialect.relists {
            for came in &mut self.came {
                came[dir.index()] |= 1 << name;
            }
            for cursor in self.cursors.iter_mut().flatten() {
                if cursor.dir == dir.0 {
                    cursor.returned &= !(1 << name);
                }
            }
        }
    }

    /// Renames what is outside, so that it stands under the lowest names in an order of its own: who
    /// moves things there could as well. Not so while somebody reads there.
    pub fn tidy(&mut self) {
        let is_read = |cursor: &Cursor| cursor.dir == OUTSIDE.0 && cursor.mounted;
        let is_mount = self.mount.is_some_and(|(dir, _)| dir == OUTSIDE);
        if is_mount || self.cursors.iter().flatten().any(is_read) {
            return;
        }
        let first = Self::cell(OUTSIDE, 0);
        let names = &mut self.entries[first..first + usize::from(super::NAMES)];
        // Nothing is 0 and comes last; a forgotten name is nothing to those who are outside.
        for code in names.iter_mut() {
            if !Entry::of(*code).is_present() {
                *code = 0;
            }
        }
        names.sort_unstable_by_key(|&code| code.wrapping_sub(1));
    }

    /// The number that the next mkdir gets: the lowest that is free. None when all are taken.
    #[must_use]
    pub fn next_dir(&self) -> Option<Dir> {
        Dir::all().find(|dir| (self.alive | self.dead) & dir.bit() == 0)
    }

    /// A directory is made. `birth` is its birth.
    pub fn make(&mut self, dialect: &Dialect, dir: Dir, name: u8, number: Dir, birth: u8) {
        self.alive |= number.bit();
        self.births[number.index()] = birth;
        self.give(dialect, dir, name, Entry::Directory(number));
    }

    /// Changes a directory's birth.
    pub fn set_birth(&mut self, dir: Dir, birth: u8) {
        self.births[dir.index()] = birth;
    }

    /// Something is mounted on a name, or the mount goes.
    pub fn set_mount(&mut self, mount: Option<(Dir, u8)>) {
        self.mount = mount;
    }

    /// Forgets what nobody can reach any more, so that equal worlds are equal values.
    fn collect(&mut self) {
        if self.dead == 0 {
            return;
        }
        let mut used = self
            .cursors
            .iter()
            .flatten()
            .filter_map(|cursor| cursor.dir())
            .fold(0, |mask, dir| mask | dir.bit());
        loop {
            let before = used;
            let dead = before & self.dead;
            for dir in Dir::all().filter(|dir| dead & dir.bit() != 0) {
                used |= self.parent(dir).bit();
            }
            if used == before {
                break;
            }
        }
        let free = self.dead & !used;
        for dir in Dir::all().filter(|dir| free & dir.bit() != 0) {
            self.forget(dir);
        }
    }

    fn forget(&mut self, dir: Dir) {
        let kept = !dir.bit();
        self.dead &= kept;
        self.forgotten &= kept;
        self.shut &= kept;
        self.sealed &= kept;
        self.unsearchable &= kept;
        self.foreign &= kept;
        self.parents[dir.index()] = 0;
        self.births[dir.index()] = 0;
        for came in &mut self.came {
            came[dir.index()] = 0;
        }
        for name in 0..super::NAMES {
            self.put(dir, name, Entry::Absent);
        }
    }

    /// Marks a directory as one that cannot be opened.
    pub fn shut(&mut self, dir: Dir) {
        self.shut |= dir.bit();
    }

    /// Marks a directory as one in which nothing can be removed.
    pub fn seal(&mut self, dir: Dir) {
        self.sealed |= dir.bit();
    }

    /// Marks a directory as one through which nothing can be reached.
    pub fn make_unsearchable(&mut self, dir: Dir) {
        self.unsearchable |= dir.bit();
    }

    /// Marks a directory as a subvolume.
    pub fn set_foreign(&mut self, dir: Dir) {
        self.foreign |= dir.bit();
    }
}
