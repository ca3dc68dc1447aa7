//! What the walker asks of the world: one request is at most one system call.

/// The number by which the machine names an open directory.
///
/// The machine alone decides which number an opened directory gets (the lowest that is free) and
/// when it is closed; the world only keeps a table from numbers to descriptors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(pub u16);

/// Where in a directory a reading stands. Given by the world with every entry and handed back to
/// it unread (`d_off` of getdents64(2)).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Position(pub u64);

/// One question to the world. `N` is the token by which machine and world name an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Request<N> {
    /// Resolve the path of the root's parent and open it as `slot`. Needs no right to read it.
    OpenBase {
        /// The number the parent gets.
        slot: Slot,
    },
    /// Open the root by its name in `base`, following no symlink; entering another mount only
    /// under `keep_root`.
    OpenRoot {
        /// The root's parent.
        base: Slot,
        /// The number the root gets.
        slot: Slot,
    },
    /// Open the directory `name` in `parent`, following no symlink and entering no other mount.
    Open {
        /// The directory that has the entry.
        parent: Slot,
        /// The entry to open.
        name: N,
        /// The number the opened directory gets.
        slot: Slot,
    },
    /// Open `..` of `child`. What it reaches is believed only after its identity was compared.
    OpenParent {
        /// The directory whose parent is wanted.
        child: Slot,
        /// The number the parent gets.
        slot: Slot,
    },
    /// Open `..` of `child` to be compared and nothing else: it need not be readable, and it may lie
    /// on another mount.
    OpenAbove {
        /// The directory whose parent is wanted.
        child: Slot,
        /// The number the parent gets.
        slot: Slot,
    },
    /// Tell which directory `slot` is.
    Identify {
        /// The open directory.
        slot: Slot,
    },
    /// Tell what the file system of the root keeps its word on. Asked once a walk.
    Inspect {
        /// The root.
        slot: Slot,
    },
    /// The next entry of `slot`. The world may read ahead and answer from what it has.
    Read {
        /// The directory being read.
        slot: Slot,
    },
    /// Let the next `Read` of `slot` continue behind `position`, forgetting what was read ahead.
    Seek {
        /// The directory being read.
        slot: Slot,
        /// Behind which entry to continue.
        position: Position,
    },
    /// Remove the entry `name` of `parent`, which is believed to be no directory.
    Unlink {
        /// The directory that has the entry.
        parent: Slot,
        /// The entry to remove.
        name: N,
    },
    /// Remove the directory `name` of `parent`, which is believed to be empty.
    Rmdir {
        /// The directory that has the entry.
        parent: Slot,
        /// The directory to remove.
        name: N,
    },
    /// Remove the root by its name in `base`.
    RmdirRoot {
        /// The root's parent.
        base: Slot,
    },
    /// Close `slot`. The number is free from the reply on.
    Close {
        /// The directory to close.
        slot: Slot,
    },
}

impl<N: Copy> Request<N> {
    /// The entry it is about, where it names one.
    #[must_use]
    pub const fn name(&self) -> Option<N> {
        match *self {
            Request::Open { name, .. }
            | Request::Unlink { name, .. }
            | Request::Rmdir { name, .. } => Some(name),
            Request::OpenBase { .. }
            | Request::OpenRoot { .. }
            | Request::OpenParent { .. }
            | Request::OpenAbove { .. }
            | Request::Identify { .. }
            | Request::Inspect { .. }
            | Request::Read { .. }
            | Request::Seek { .. }
            | Request::RmdirRoot { .. }
            | Request::Close { .. } => None,
        }
    }
}

/// The kind of call behind a request, as a report names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// openat2(2) or openat(2).
    Open,
    /// statx(2).
    Identify,
    /// getdents64(2).
    Read,
    /// lseek(2).
    Seek,
    /// unlinkat(2) without flags.
    Unlink,
    /// unlinkat(2) with `AT_REMOVEDIR`.
    Rmdir,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_it_is_about() {
        let slot = Slot(7);
        let (parent, name) = (slot, 'n');
        for request in [
            Request::Open { parent, name, slot },
            Request::Unlink { parent, name },
            Request::Rmdir { parent, name },
        ] {
            assert_eq!(request.name(), Some('n'));
        }
        assert_eq!(Request::<char>::RmdirRoot { base: slot }.name(), None);
    }
}
