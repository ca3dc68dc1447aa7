//! How a [`Site`](super::trees::Site) goes away, whatever a test left in it: a million levels, a
//! million entries, mounts, immutable entries, directories that may not be read.
//!
//! Neither by the walker under test nor in its way. A directory that is not empty is moved to a
//! *bench* and emptied there. So nothing is ever deep: no recursion, no `..`, nothing to keep but a
//! list of numbers. And nothing outside is ever touched, since a mount point cannot be renamed, and
//! nothing is entered that was not renamed first.

use std::ffi::{CStr, CString};
use std::fmt::Display;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, IFlags, Mode, OFlags, RawDir, chmodat, fchmod, ioctl_getflags,
    ioctl_setflags, mkdirat, openat, renameat, statat, unlinkat,
};
use rustix::io::{Errno, Result};
use rustix::mount::{UnmountFlags, unmount};

/// Of obstacles to one call, mounts on top of each other say. Who meets more meets no end of them.
const TRIES: usize = 64;
/// Enough to see what is wrong.
const MOST_COMPLAINTS: usize = 10;

/// No test makes this name.
const BENCH: &CStr = c"bench of support::clear";

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Removes the directory `path`, in which nobody may be at work any more. Answers what could not
/// be removed, and why.
pub fn clear(path: &Path) -> Vec<String> {
    let mut complaints = match openat(CWD, path, DIRECTORY, Mode::empty()) {
        Ok(top) => Bench::in_dir(&top).map_or_else(
            |error| vec![format!("no bench: {error}")],
            |bench| bench.clear(&top),
        ),
        Err(error) => vec![error.to_string()],
    };
    if let Err(error) = fs::remove_dir(path) {
        complaints.push(error.to_string());
    }
    complaints
}

struct Bench {
    dir: OwnedFd,
    /// How many directories were moved to it; each has its number as its name.
    moved: u64,
    waiting: Vec<u64>,
    complaints: Vec<String>,
}

impl Bench {
    fn in_dir(top: &OwnedFd) -> Result<Self> {
        mkdirat(top, BENCH, Mode::RWXU)?;
        let dir = openat(top, BENCH, DIRECTORY, Mode::empty())?;
        Ok(Self {
            dir,
            moved: 0,
            waiting: Vec::new(),
            complaints: Vec::new(),
        })
    }

    fn clear(mut self, top: &OwnedFd) -> Vec<String> {
        let mut buffer = Vec::with_capacity(32 * 1024);
        if let Err(error) = self.strip(top.as_fd(), &mut buffer) {
            self.complain(c"the site itself", error);
        }
        while let Some(number) = self.waiting.pop() {
            let name = number.to_string();
            if let Err(error) = self.finish(&name, &mut buffer) {
                self.complain(c"a directory", error);
            }
        }
        if let Err(error) = unlinkat(top, BENCH, AtFlags::REMOVEDIR) {
            self.complain(BENCH, error);
        }
        self.complaints
    }

    /// Empties and removes the directory `name` of the bench.
    fn finish(&mut self, name: &str, buffer: &mut Vec<u8>) -> Result<()> {
        let name = &CString::new(name).expect("a number");
        loop {
            let bench = self.dir.as_fd();
            let dir = insist(bench, name, || {
                openat(bench, name, DIRECTORY, Mode::empty())
            })?;
            let removed = self.strip(dir.as_fd(), buffer)?;
            let bench = self.dir.as_fd();
            match insist(bench, name, || unlinkat(bench, name, AtFlags::REMOVEDIR)) {
                // Some file systems skip entries while others are removed: read it again.
                Err(Errno::NOTEMPTY | Errno::EXIST) if removed > 0 => {}
                outcome => return outcome,
            }
        }
    }

    /// Removes from `dir` what is no directory or is empty, and moves the rest to the bench.
    /// Answers how many entries have gone.
    fn strip(&mut self, dir: BorrowedFd, buffer: &mut Vec<u8>) -> Result<usize> {
        let mut gone = 0;
        let mut entries = RawDir::new(dir, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." || name == BENCH {
                continue;
            }
            match self.remove(dir, name, entry.file_type()) {
                Ok(()) => gone += 1,
                Err(error) => self.complain(name, error),
            }
        }
        Ok(gone)
    }

    fn remove(&mut self, dir: BorrowedFd, name: &CStr, hint: FileType) -> Result<()> {
        if !is_directory(dir, name, hint)? {
            return insist(dir, name, || unlinkat(dir, name, AtFlags::empty()));
        }
        match insist(dir, name, || unlinkat(dir, name, AtFlags::REMOVEDIR)) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {
                let number = self.moved;
                let to = number.to_string();
                insist(dir, name, || renameat(dir, name, &self.dir, to.as_str()))?;
                self.moved += 1;
                self.waiting.push(number);
                Ok(())
            }
            outcome => outcome,
        }
    }

    fn complain(&mut self, name: &CStr, error: impl Display) {
        if self.complaints.len() < MOST_COMPLAINTS {
            self.complaints
                .push(format!("{}: {error}", name.to_string_lossy()));
        }
    }
}

fn is_directory(dir: BorrowedFd, name: &CStr, hint: FileType) -> Result<bool> {
    match hint {
        FileType::Unknown => {
            let mode = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode;
            Ok(FileType::from_raw_mode(mode) == FileType::Directory)
        }
        known => Ok(known == FileType::Directory),
    }
}

/// Repeats `call`, which concerns the entry `name` of `dir`, while what stands in its way can be
/// taken away.
fn insist<T>(dir: BorrowedFd, name: &CStr, call: impl Fn() -> Result<T>) -> Result<T> {
    let mut loosened = false;
    for _ in 0..TRIES {
        match call() {
            Err(Errno::BUSY) => detach(dir, name)?,
            Err(Errno::PERM | Errno::ACCESS) if !loosened => {
                loosen(dir, name);
                loosened = true;
            }
            outcome => return outcome,
        }
    }
    Err(Errno::BUSY)
}

/// Takes away the uppermost mount. By descriptor: the path may be longer than a path may be.
fn detach(dir: BorrowedFd, name: &CStr) -> Result<()> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mount = openat(dir, name, flags, Mode::empty())?;
    unmount(
        format!("/proc/self/fd/{}", mount.as_raw_fd()),
        UnmountFlags::DETACH,
    )
}

/// Takes away flags and permissions that keep `name` from being read, moved or removed, as far as
/// that goes: whether it was enough is seen at the next try.
fn loosen(dir: BorrowedFd, name: &CStr) {
    // A mount goes first, so that not its root, which is somebody else's, is loosened.
    let _ = detach(dir, name);
    // Nonblocking: opening a FIFO must not wait for its other end.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Flags before permissions, which they protect too.
    make_mutable(dir);
    if let Ok(file) = openat(dir, name, flags, Mode::empty()) {
        make_mutable(file.as_fd());
    }
    let _ = fchmod(dir, Mode::RWXU);
    // Directories only: chmod would follow a link.
    if is_directory(dir, name, FileType::Unknown) == Ok(true) {
        let _ = chmodat(dir, name, Mode::RWXU, AtFlags::empty());
    }
}

fn make_mutable(file: BorrowedFd) {
    if let Ok(flags) = ioctl_getflags(file) {
        let _ = ioctl_setflags(file, flags - (IFlags::IMMUTABLE | IFlags::APPEND));
    }
}
