//! Calls as the executor makes them, and their answers in words.

use fell::machine::{Birth, Inode};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, SeekFrom, Statx, StatxFlags, openat,
    openat2, seek, statx, unlinkat,
};
use rustix::io::Errno;
use std::io;
use std::mem::MaybeUninit;

/// How every directory is opened.
pub(super) const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The size of the buffer that fell reads with.
pub(super) const BUFFER: usize = 32 * 1024;

/// `ok`, or the name of the errno.
pub(super) fn say<T>(done: Result<T, Errno>) -> String {
    said(done.map(|_| "ok"))
}

/// What it is, or the name of the errno.
pub(super) fn said<T: Into<String>>(done: Result<T, Errno>) -> String {
    done.map_or_else(name, Into::into)
}

/// The same of a call of std.
pub(super) fn say_io<T>(done: io::Result<T>) -> String {
    done.map_or_else(
        |error| Errno::from_io_error(&error).map_or_else(|| error.to_string(), name),
        |_| "ok".to_owned(),
    )
}

fn name(errno: Errno) -> String {
    let name = match errno {
        Errno::ACCESS => "EACCES",
        Errno::BUSY => "EBUSY",
        Errno::EXIST => "EEXIST",
        Errno::INVAL => "EINVAL",
        Errno::IO => "EIO",
        Errno::ISDIR => "EISDIR",
        Errno::LOOP => "ELOOP",
        Errno::MLINK => "EMLINK",
        Errno::NAMETOOLONG => "ENAMETOOLONG",
        Errno::NOENT => "ENOENT",
        Errno::NOSYS => "ENOSYS",
        Errno::NOTDIR => "ENOTDIR",
        Errno::NOTEMPTY => "ENOTEMPTY",
        Errno::NOTTY => "ENOTTY",
        Errno::OPNOTSUPP => "EOPNOTSUPP",
        Errno::PERM => "EPERM",
        Errno::ROFS => "EROFS",
        Errno::STALE => "ESTALE",
        Errno::XDEV => "EXDEV",
        other => return format!("errno {}", other.raw_os_error()),
    };
    name.to_owned()
}

/// Opens a child as the walker does.
pub(super) fn open(dir: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    openat2(dir, name, DIRECTORY, Mode::empty(), ResolveFlags::NO_XDEV)
}

/// Opens `..` as the walker does.
pub(super) fn open_parent(dir: impl AsFd) -> Result<OwnedFd, Errno> {
    openat(dir, "..", DIRECTORY, Mode::empty())
}

pub(super) fn unlink(dir: impl AsFd, name: &str) -> Result<(), Errno> {
    unlinkat(dir, name, AtFlags::empty())
}

pub(super) fn rmdir(dir: impl AsFd, name: &str) -> Result<(), Errno> {
    unlinkat(dir, name, AtFlags::REMOVEDIR)
}

/// What identifies, as the executor asks for it, and the number of links.
pub(super) fn identity(fd: impl AsFd) -> Result<Statx, Errno> {
    let mask = StatxFlags::INO | StatxFlags::BTIME | StatxFlags::MNT_ID | StatxFlags::NLINK;
    statx(fd, c"", AtFlags::EMPTY_PATH, mask)
}

/// Number and birth; the time of change is not asked for.
pub(super) fn inode(fd: impl AsFd) -> Result<Inode, Errno> {
    let stat = identity(fd)?;
    let told = stat.stx_mask & StatxFlags::BTIME.bits() != 0;
    let birth = stat.stx_btime.tv_sec * 1_000_000_000 + i64::from(stat.stx_btime.tv_nsec);
    Ok(Inode {
        number: stat.stx_ino,
        birth: if told { Birth(birth) } else { Birth::UNKNOWN },
    })
}

/// An entry of a listing.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) kind: FileType,
    /// Where the listing goes on behind it.
    pub(super) position: u64,
}

/// One getdents64 with a buffer of `size` bytes, without `.` and `..`; `None` is the end.
pub(super) fn read(fd: impl AsFd, size: usize) -> Result<Option<Vec<Listed>>, Errno> {
    let mut buffer = vec![MaybeUninit::uninit(); size];
    let mut dir = RawDir::new(fd, &mut buffer);
    let mut found = Vec::new();
    while let Some(entry) = dir.next() {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != "." && name != ".." {
            found.push(Listed {
                name,
                kind: entry.file_type(),
                position: entry.next_entry_cookie(),
            });
        }
        if dir.is_buffer_empty() {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// All that follows.
pub(super) fn read_all(fd: impl AsFd) -> Result<Vec<Listed>, Errno> {
    let mut found = Vec::new();
    while let Some(more) = read(&fd, BUFFER)? {
        found.extend(more);
    }
    Ok(found)
}

/// A reading, in words.
pub(super) fn listing(read: Result<Option<Vec<Listed>>, Errno>) -> String {
    said(read.map(|read| match read {
        None => "the end",
        Some(entries) if entries.is_empty() => "`.` and `..`",
        Some(_) => "its entries",
    }))
}

/// Goes on at a position.
pub(super) fn seek_to(fd: impl AsFd, position: u64) -> Result<u64, Errno> {
    seek(fd, SeekFrom::Start(position))
}
