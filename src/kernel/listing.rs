//! What was read ahead of one directory.
//!
//! rustix lends a name of its getdents64 buffer only until the next one is asked for, and this crate
//! forbids itself the unsafe code that would keep it. So each buffer is packed once, names behind
//! one another, and every name stands there until the buffer is used up: unlinkat(2) gets it from
//! there without a further copy. Nothing is allocated after the first buffer.

use crate::machine::{Kind, Position, Slot};
use core::ffi::CStr;
use core::mem::MaybeUninit;
use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

/// The size of the getdents64 buffer, in bytes: what glibc uses. 128 KiB was not measurably faster.
const BUFFER: usize = 32 * 1024;

/// How many buffers in a row may hold `.` and `..` only. A directory has one of them, or two where
/// each stands in a buffer of its own; one that goes on like that would hold the walk for ever.
const REFILLS: u32 = 16;

/// One entry read ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Where its name begins in the packed names.
    at: usize,
    pub(super) kind: Kind,
    /// The position behind it.
    pub(super) position: Position,
}

/// The entries read ahead of `slot`, and how many of them were handed out.
#[derive(Debug, Default)]
pub(super) struct Listing {
    slot: Option<Slot>,
    entries: Vec<Entry>,
    names: Vec<u8>,
    next: usize,
    buffer: Vec<u8>,
}

impl Listing {
    /// The name of an entry.
    pub(super) fn name(&self, index: usize) -> Option<&CStr> {
        let entry = self.entries.get(index)?;
        CStr::from_bytes_until_nul(self.names.get(entry.at..)?).ok()
    }

    /// Forgets what was read ahead.
    pub(super) fn clear(&mut self) {
        self.slot = None;
        self.entries.clear();
        self.names.clear();
        self.next = 0;
    }

    /// The next entry of the directory `fd`, which is `slot`, and its index. Reads when nothing is
    /// left: once, or again when all it got was `.` and `..`.
    pub(super) fn next(
        &mut self,
        slot: Slot,
        fd: BorrowedFd<'_>,
    ) -> Result<Option<(usize, Entry)>, Errno> {
        if self.slot != Some(slot) {
            self.clear();
            self.slot = Some(slot);
        }
        let mut refills = 0;
        while self.next >= self.entries.len() {
            refills += 1;
            if refills > REFILLS {
                return Err(Errno::IO);
            }
            if !self.fill(fd)? {
                return Ok(None);
            }
        }
        let index = self.next;
        self.next += 1;
        Ok(self.entries.get(index).map(|&entry| (index, entry)))
    }

    /// Reads one buffer. `false`: the end.
    fn fill(&mut self, fd: BorrowedFd<'_>) -> Result<bool, Errno> {
        self.entries.clear();
        self.names.clear();
        self.next = 0;
        self.buffer.clear();
        self.buffer.reserve(BUFFER);
        let space: &mut [MaybeUninit<u8>] = self.buffer.spare_capacity_mut();
        let mut dir = RawDir::new(fd, space);
        loop {
            match dir.next() {
                None => return Ok(false),
                Some(Err(Errno::INTR)) => continue,
                Some(Err(errno)) => return Err(errno),
                Some(Ok(entry)) => {
                    let name = entry.file_name();
                    if name != c"." && name != c".." {
                        self.entries.push(Entry {
                            at: self.names.len(),
                            kind: kind(entry.file_type()),
                            position: Position(entry.next_entry_cookie()),
                        });
                        self.names.extend_from_slice(name.to_bytes_with_nul());
                    }
                }
            }
            if dir.is_buffer_empty() {
                return Ok(true);
            }
        }
    }
}

fn kind(file_type: FileType) -> Kind {
    match file_type {
        FileType::Directory => Kind::Directory,
        FileType::Unknown => Kind::Unknown,
        FileType::RegularFile
        | FileType::Symlink
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice => Kind::File,
    }
}
