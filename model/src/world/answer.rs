//! What the world may answer: for each request the set of allowed replies, the plainest one first.
//!
//! Errnos that no state of this world causes are not here; they come from the adversary *fault*.

use super::{Cursor, Dialect, Dir, Entry, NAMES, Place, ROOT_NAME, World};
use fell::machine::{
    Errno, Gone, Identify, Inspect, Kind, Open, Read, Reply, Request, Rmdir, Seek, Slot, Unlink,
};

/// EPERM.
pub const EPERM: Errno = Errno(1);
/// EIO.
pub const EIO: Errno = Errno(5);
/// EACCES.
pub const EACCES: Errno = Errno(13);
/// EMFILE.
pub const EMFILE: Errno = Errno(24);

/// The replies that the world may give to a request of walker `who`.
pub fn replies(
    world: &World,
    dialect: &Dialect,
    keep_root: bool,
    who: usize,
    request: &Request<u8>,
    into: &mut Vec<Reply<u8>>,
) {
    let answer = Answer {
        world,
        dialect,
        who,
    };
    match *request {
        Request::OpenBase { .. } => {
            into.push(Reply::Open(if world.is_alive(super::BASE) {
                Open::Opened
            } else {
                Open::Gone(Gone::Missing)
            }));
        }
        Request::OpenRoot { base, .. } => {
            answer.open(base, ROOT_NAME, !keep_root, into);
        }
        Request::Open { parent, name, .. } => answer.open(parent, name, true, into),
        Request::OpenParent { child, .. } => {
            answer.open_parent(child, true, into);
        }
        Request::OpenAbove { child, .. } => {
            answer.open_parent(child, false, into);
        }
        Request::Identify { slot } => answer.identify(slot, into),
        Request::Inspect { .. } => into.push(Reply::Inspect(Inspect {
            births: dialect.births,
            positions: dialect.positions,
        })),
        Request::Read { slot } => answer.read(slot, into),
        Request::Seek { slot, .. } => answer.seek(slot, into),
        Request::Unlink { parent, name } => {
            into.push(Reply::Unlink(answer.unlink(parent, name)));
            if answer.may_be_stale(answer.dir(parent)) {
                into.push(Reply::Unlink(Unlink::Gone(Gone::Stale)));
            }
        }
        Request::Rmdir { parent, name } => answer.rmdir_stale(parent, name, into),
        Request::RmdirRoot { base } => answer.rmdir_stale(base, ROOT_NAME, into),
        Request::Close { .. } => into.push(Reply::Closed),
    }
}

struct Answer<'a> {
    world: &'a World,
    dialect: &'a Dialect,
    who: usize,
}

impl Answer<'_> {
    fn cursor(&self, slot: Slot) -> &Cursor {
        self.world.cursor(self.who, slot).unwrap_or(&Cursor::CLOSED)
    }

    /// The directory of a slot; the outside for a slot that is not open, which only a machine that
    /// lost count asks for (and which then breaks G4 and T1).
    fn dir(&self, slot: Slot) -> Dir {
        self.cursor(slot).dir().unwrap_or(super::OUTSIDE)
    }

    /// How a directory that was removed may answer what is asked of it through a descriptor, the
    /// likeliest first. An NFS client answers from what it knows or asks the server, whoever removed it.
    fn gone(&self, dir: Dir) -> &'static [Gone] {
        if self.world.is_alive(dir) {
            &[]
        } else if !self.dialect.nfs {
            &[Gone::Missing]
        } else if self.world.forgotten & dir.bit() != 0 {
            &[Gone::Stale, Gone::Missing]
        } else {
            &[Gone::Missing, Gone::Stale]
        }
    }

    /// Whether an NFS server may answer that there is no such directory.
    fn may_be_stale(&self, dir: Dir) -> bool {
        self.dialect.nfs && !self.world.is_alive(dir)
    }

    /// Opening a name: no symlink is followed, and no mount entered where openat2 stops at them.
    fn open(&self, parent: Slot, name: u8, stops: bool, into: &mut Vec<Reply<u8>>) {
        let dir = self.dir(parent);
        // The right to search is asked for before anything is looked up, in a dead directory too.
        if self.world.is_unsearchable(dir) && !self.may_be_stale(dir) {
            return into.push(Reply::Open(Open::Failed(EACCES)));
        }
        if !self.world.is_alive(dir) {
            let gone = self.gone(dir).iter();
            return into.extend(gone.map(|&gone| Reply::Open(Open::Gone(gone))));
        }
        // Seen through the mount, nothing is mounted there.
        let is_covered =
            !self.cursor(parent).mounted && self.world.is_mount(dir, name & !super::FOLLOWED);
        let open = match self.world.entry(dir, name & !super::FOLLOWED) {
            Entry::Link if name & super::FOLLOWED != 0 => Open::Opened,
            Entry::Absent => Open::Gone(Gone::Missing),
            Entry::Forgotten => {
                into.push(Reply::Open(Open::Gone(Gone::Missing)));
                Open::Gone(Gone::Stale)
            }
            Entry::Link if self.dialect.follows => Open::Opened,
            Entry::File | Entry::Link | Entry::Fixed => Open::NotDirectory,
            Entry::Directory(_) if is_covered => {
                if stops && self.dialect.openat2 {
                    Open::Mounted
                } else {
                    Open::Opened
                }
            }
            Entry::Directory(child) if self.world.is_shut(child) => Open::Failed(EACCES),
            Entry::Directory(_) => Open::Opened,
        };
        into.push(Reply::Open(open));
    }

    /// `..` of a removed directory succeeds and reaches its last parent, unless the server is asked.
    /// Who only compares needs no right to read what it reaches.
    fn open_parent(&self, child: Slot, reads: bool, into: &mut Vec<Reply<u8>>) {
        let dir = self.dir(child);
        if self.may_be_stale(dir) {
            into.push(Reply::Open(Open::Gone(Gone::Stale)));
        }
        into.push(Reply::Open(match self.world.above(*self.cursor(child)) {
            _ if self.world.is_unsearchable(dir) => Open::Failed(EACCES),
            None => Open::Gone(Gone::Missing),
            Some((parent, _)) if reads && self.world.is_shut(parent) => Open::Failed(EACCES),
            Some(_) => Open::Opened,
        }));
    }

    fn identify(&self, slot: Slot, into: &mut Vec<Reply<u8>>) {
        let dir = self.dir(slot);
        if !self.dialect.mount_ids {
            return into.push(Reply::Identify(Identify::Unsupported));
        }
        let identity = self
            .world
            .identity(self.dialect, dir, self.cursor(slot).mounted);
        into.push(Reply::Identify(Identify::Is(identity)));
        // The attributes may be cached, or asked for.
        if self.may_be_stale(dir) {
            into.push(Reply::Identify(Identify::Gone(Gone::Stale)));
        }
    }

    fn read(&self, slot: Slot, into: &mut Vec<Reply<u8>>) {
        let dir = self.dir(slot);
        let cursor = self.cursor(slot);
        // What was read ahead is told even of a directory that is dead.
        let gone = self.gone(dir);
        into.extend(gone.iter().map(|&gone| Reply::Read(Read::Gone(gone))));
        for name in 0..NAMES {
            let before = into.len();
            self.read_name(dir, *cursor, name, into);
            // What went may be in what was read ahead or not, so that what is there may be next.
            let is_there = self.world.entry(dir, name).is_present();
            if !self.dialect.any_order && is_there && into.len() > before {
                break;
            }
        }
        // An NFS client may not even notice.
        if cursor.owed == 0 && (gone.is_empty() || self.dialect.nfs) {
            into.push(Reply::Read(Read::End));
        }
    }

    /// The ways in which a listing may return a name: as what it is, as what it was, or as neither.
    fn read_name(&self, dir: Dir, cursor: Cursor, name: u8, into: &mut Vec<Reply<u8>>) {
        let bit = 1 << name;
        if cursor.returned & bit != 0 {
            return;
        }
        let position = Place {
            returned: cursor.returned | bit,
            owed: cursor.owed & !bit,
        }
        .token();
        let mut entry = |kind| {
            into.push(Reply::Read(Read::Entry {
                name,
                kind,
                position,
            }));
        };
        let now = self.world.entry(dir, name);
        let is_directory = matches!(now, Entry::Directory(_));
        let is_file = now.is_present() && !is_directory;
        let is_wrong = now.is_present() && self.dialect.wrong_kinds;
        if is_directory || is_wrong || cursor.went_directories & bit != 0 {
            entry(Kind::Directory);
        }
        if is_file || is_wrong || cursor.went_files & bit != 0 {
            entry(Kind::File);
        }
        if now.is_present() && self.dialect.unknown_kinds {
            entry(Kind::Unknown);
        }
    }

    fn seek(&self, slot: Slot, into: &mut Vec<Reply<u8>>) {
        into.push(Reply::Seek(Seek::Sought));
        // ext4: the positions of a directory that was removed are out of its bounds.
        let gone = self.gone(self.dir(slot));
        into.extend(gone.iter().map(|&gone| Reply::Seek(Seek::Gone(gone))));
    }

    fn unlink(&self, parent: Slot, name: u8) -> Unlink {
        let dir = self.dir(parent);
        let entry = self.world.entry(dir, name);
        if self.world.is_unsearchable(dir) {
            return Unlink::Denied(EACCES);
        }
        if !self.world.is_alive(dir) || !entry.is_present() {
            return Unlink::Gone(Gone::Missing);
        }
        match entry {
            _ if self.world.is_sealed(dir) => Unlink::Denied(EACCES),
            Entry::Fixed => Unlink::Denied(EPERM),
            Entry::Directory(_) => Unlink::IsDirectory,
            Entry::File | Entry::Link => Unlink::Removed,
            Entry::Absent | Entry::Forgotten => Unlink::Gone(Gone::Missing),
        }
    }

    fn rmdir_stale(&self, parent: Slot, name: u8, into: &mut Vec<Reply<u8>>) {
        into.push(Reply::Rmdir(self.rmdir(parent, name)));
        if self.may_be_stale(self.dir(parent)) {
            into.push(Reply::Rmdir(Rmdir::Gone(Gone::Stale)));
        }
    }

    fn rmdir(&self, parent: Slot, name: u8) -> Rmdir {
        let dir = self.dir(parent);
        let entry = self.world.entry(dir, name);
        if self.world.is_unsearchable(dir) {
            return Rmdir::Failed(EACCES);
        }
        if !self.world.is_alive(dir) || !entry.is_present() {
            return Rmdir::Gone(Gone::Missing);
        }
        match entry {
            _ if self.world.is_sealed(dir) => Rmdir::Failed(EACCES),
            Entry::Fixed => Rmdir::Failed(EPERM),
            Entry::Directory(_) if self.world.is_mount(dir, name) => Rmdir::Busy,
            // The empty directory behind a subvolume's name cannot be removed by rmdir alone.
            Entry::Directory(child) if self.world.is_empty(child) => Rmdir::Removed,
            Entry::Directory(_) => Rmdir::NotEmpty,
            Entry::File | Entry::Link => Rmdir::NotDirectory,
            Entry::Absent | Entry::Forgotten => Rmdir::Gone(Gone::Missing),
        }
    }
}
