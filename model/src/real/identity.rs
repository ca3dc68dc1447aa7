//! Which real directory is which directory of the model.

use crate::world::{DIRS, Dialect, Dir, World};
use fell::machine::{Birth, Identity, Inode};
use rustix::fd::AsFd;
use rustix::fs::{AtFlags, StatxFlags};
use std::collections::HashSet;

/// A table from directories of the model to what statx(2) says of the real ones.
#[derive(Debug)]
pub(super) struct Table {
    /// Births are told and stay the same.
    births: bool,
    /// The mount and the device that the walker finds the root's parent on.
    home: (u64, u64),
    inodes: [Option<Inode>; DIRS],
    /// All that were ever noted since the planting.
    noted: HashSet<(u64, i64)>,
    /// How many directories were made with the number and the birth of an earlier one.
    pub(super) told_twice: usize,
}

impl Table {
    pub(super) fn new(births: bool, home: (u64, u64)) -> Table {
        Table {
            births,
            home,
            inodes: [None; DIRS],
            noted: HashSet::new(),
            told_twice: 0,
        }
    }

    /// Forgets everything but what is counted.
    pub(super) fn clear(&mut self) {
        self.inodes = [None; DIRS];
        self.noted.clear();
    }

    /// The real directory `fd` is `dir` from now on.
    pub(super) fn note(&mut self, dir: Dir, fd: impl AsFd) -> rustix::io::Result<()> {
        let inode = self.believed(stat(fd)?.2);
        let is_new = self.noted.insert((inode.number, inode.birth.0));
        self.told_twice += usize::from(!is_new);
        self.inodes[usize::from(dir.0)] = Some(inode);
        Ok(())
    }

    /// Forgets what the model has forgotten.
    pub(super) fn settle(&mut self, world: &World) {
        for dir in Dir::all().filter(|dir| world.known() & 1 << dir.0 == 0) {
            self.inodes[usize::from(dir.0)] = None;
        }
    }

    /// The directory of the model that a real one is.
    pub(super) fn dir(&self, inode: Inode) -> Option<Dir> {
        let inode = Some(self.believed(inode));
        Dir::all().find(|dir| self.inodes[usize::from(dir.0)] == inode)
    }

    /// A real identity as the model would tell it.
    pub(super) fn tell(
        &self,
        world: &World,
        dialect: &Dialect,
        identity: Identity,
    ) -> Option<Identity> {
        let dir = self.dir(identity.inode)?;
        Some(Identity {
            mount: u64::from(identity.mount != self.home.0),
            device: u64::from(identity.device != self.home.1),
            inode: world.inode(dialect, dir),
        })
    }

    fn believed(&self, inode: Inode) -> Inode {
        Inode {
            birth: if self.births {
                inode.birth
            } else {
                Birth::UNKNOWN
            },
            ..inode
        }
    }
}

/// The mount, the device and the inode of a directory.
pub(super) fn stat(fd: impl AsFd) -> rustix::io::Result<(u64, u64, Inode)> {
    let mask = StatxFlags::INO | StatxFlags::BTIME | StatxFlags::MNT_ID;
    let stat = rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, mask)?;
    let device = u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor);
    let birth = if stat.stx_mask & StatxFlags::BTIME.bits() == 0 {
        Birth::UNKNOWN
    } else {
        Birth(stat.stx_btime.tv_sec * 1_000_000_000 + i64::from(stat.stx_btime.tv_nsec))
    };
    let number = stat.stx_ino;
    Ok((stat.stx_mnt_id, device, Inode { number, birth }))
}
