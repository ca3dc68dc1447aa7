//! Linux: the table of descriptors, and the system call behind each request.

use super::Kernel;
use super::calls::{Calls, Opening};
use super::errno;
use super::identity::{identify, inspect};
use super::names::{Name, NameStore};
use crate::machine::{
    Errno as Number, Identify, Inspect, Open, Read, Reply, Request, Rmdir, Seek, Slot, Unlink,
};
use crate::root::RootPath;
use core::ffi::CStr;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, SeekFrom};
use rustix::io::{Errno, retry_on_intr};

/// Where the root's parent is found.
#[derive(Clone, Copy, Debug)]
pub enum At<'a> {
    /// By its path, from the current directory.
    Path,
    /// It is this directory. The descriptor may be of any kind, `O_PATH` included.
    Directory(BorrowedFd<'a>),
}

/// The kernel of the system, for one walk. Its descriptors are closed when it is dropped, whatever
/// the way out.
#[derive(Debug)]
pub struct Linux<'a> {
    root: &'a RootPath,
    at: At<'a>,
    keep_root: bool,
    calls: Calls,
    /// The descriptor of each slot.
    open: Vec<Option<OwnedFd>>,
}

//= docs/spec.md#g4-confinement
//# G4.2: The walker MUST NOT follow a symlink beneath the root.
//= docs/spec.md#g4-confinement
//# G4.3: The walker MUST NOT follow a symlink that stands under the root's name, not even when the
//# path given ends in a slash.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// A directory that is identified, or names are looked up in, and nothing else.
const COMPARED: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl<'a> Linux<'a> {
    /// For a walk from `root`. Under `keep_root` the root may be a mount point.
    #[must_use]
    pub fn new(root: &'a RootPath, at: At<'a>, keep_root: bool) -> Linux<'a> {
        Linux {
            root,
            at,
            keep_root,
            calls: Calls::probed(),
            open: Vec::new(),
        }
    }

    /// With other calls than the ones probed.
    #[must_use]
    pub fn with_calls(self, calls: Calls) -> Linux<'a> {
        Linux { calls, ..self }
    }

    /// The descriptor of a slot. The machine asks only for slots it holds, so EBADF is for a driver
    /// that answers in the kernel's place and lost track.
    fn fd(&self, Slot(slot): Slot) -> Result<BorrowedFd<'_>, Errno> {
        let held = self.open.get(usize::from(slot)).and_then(Option::as_ref);
        held.map(AsFd::as_fd).ok_or(Errno::BADF)
    }

    fn hold(&mut self, Slot(slot): Slot, opened: Result<OwnedFd, Errno>) -> Open {
        match opened {
            Err(errno) => errno::open(errno),
            Ok(fd) => {
                let slot = usize::from(slot);
                if slot >= self.open.len() {
                    self.open.resize_with(slot + 1, || None);
                }
                self.open[slot] = Some(fd);
                Open::Opened
            }
        }
    }

    fn open_base(&self) -> Result<OwnedFd, Errno> {
        match self.at {
            At::Path => retry_on_intr(|| {
                rustix::fs::openat(CWD, self.root.parent(), COMPARED, Mode::empty())
            }),
            At::Directory(fd) => {
                retry_on_intr(|| rustix::fs::openat(fd, c".", COMPARED, Mode::empty()))
            }
        }
    }

    /// Opens a directory by its name, in the mount of its parent unless `cross`.
    fn open_child(&self, parent: Slot, name: &CStr, cross: bool) -> Result<OwnedFd, Errno> {
        let parent = self.fd(parent)?;
        match self.calls.opening {
            Opening::Openat => {
                retry_on_intr(|| rustix::fs::openat(parent, name, DIRECTORY, Mode::empty()))
            }
            Opening::Openat2 => {
                let resolve = if cross {
                    ResolveFlags::empty()
                } else {
                    ResolveFlags::NO_XDEV
                };
                retry_on_intr(|| {
                    rustix::fs::openat2(parent, name, DIRECTORY, Mode::empty(), resolve)
                })
            }
        }
    }

    fn open_parent(&self, child: Slot, flags: OFlags) -> Result<OwnedFd, Errno> {
        let child = self.fd(child)?;
        retry_on_intr(|| rustix::fs::openat(child, c"..", flags, Mode::empty()))
    }

    fn read(&self, slot: Slot, names: &mut NameStore) -> Read<Name> {
        let next = self.fd(slot).and_then(|fd| names.listing.next(slot, fd));
        match next {
            Err(errno) => errno::read(errno),
            Ok(None) => Read::End,
            Ok(Some((index, entry))) => Read::Entry {
                name: Name::fresh(index),
                kind: entry.kind,
                position: entry.position,
            },
        }
    }

    fn remove(&self, parent: Slot, name: &CStr, flags: AtFlags) -> Result<(), Errno> {
        let parent = self.fd(parent)?;
        //= docs/spec.md#g10-no-global-state
        //# G10.3: A call that ends in EINTR MUST be made again without the machine seeing it.
        retry_on_intr(|| rustix::fs::unlinkat(parent, name, flags))
    }

    fn unlink(&self, parent: Slot, name: &CStr) -> Unlink {
        match self.remove(parent, name, AtFlags::empty()) {
            Ok(()) => Unlink::Removed,
            Err(errno) => errno::unlink(errno),
        }
    }

    fn rmdir(&self, parent: Slot, name: &CStr) -> Rmdir {
        match self.remove(parent, name, AtFlags::REMOVEDIR) {
            Ok(()) => Rmdir::Removed,
            Err(errno) => errno::rmdir(errno),
        }
    }
}

impl Kernel for Linux<'_> {
    fn answer(&mut self, request: Request<Name>, names: &mut NameStore) -> Reply<Name> {
        match request {
            Request::OpenBase { slot } => {
                let opened = self.open_base();
                Reply::Open(self.hold(slot, opened))
            }
            Request::OpenRoot { base, slot } => {
                names.listing.clear();
                let opened = self.open_child(base, self.root.name(), self.keep_root);
                Reply::Open(self.hold(slot, opened))
            }
            Request::Open { parent, name, slot } => {
                let opened = self.open_child(parent, names.get(name), false);
                names.listing.clear();
                Reply::Open(self.hold(slot, opened))
            }
            Request::OpenParent { child, slot } => {
                let opened = self.open_parent(child, DIRECTORY);
                Reply::Open(self.hold(slot, opened))
            }
            Request::OpenAbove { child, slot } => {
                let opened = self.open_parent(child, COMPARED);
                Reply::Open(self.hold(slot, opened))
            }
            Request::Identify { slot } => Reply::Identify(match self.fd(slot) {
                Ok(fd) => identify(fd, self.calls.mount_ids),
                Err(errno) => Identify::Failed(Number(errno.raw_os_error())),
            }),
            Request::Inspect { slot } => Reply::Inspect(match self.fd(slot) {
                Ok(fd) => inspect(fd),
                Err(_) => Inspect {
                    births: false,
                    positions: false,
                },
            }),
            Request::Read { slot } => Reply::Read(self.read(slot, names)),
            Request::Seek { slot, position } => {
                names.listing.clear();
                let sought = self.fd(slot).and_then(|fd| {
                    retry_on_intr(|| rustix::fs::seek(fd, SeekFrom::Start(position.0)))
                });
                Reply::Seek(sought.map_or_else(errno::seek, |_| Seek::Sought))
            }
            Request::Unlink { parent, name } => Reply::Unlink(self.unlink(parent, names.get(name))),
            Request::Rmdir { parent, name } => Reply::Rmdir(self.rmdir(parent, names.get(name))),
            Request::RmdirRoot { base } => Reply::Rmdir(self.rmdir(base, self.root.name())),
            Request::Close { slot: Slot(slot) } => {
                if let Some(held) = self.open.get_mut(usize::from(slot)) {
                    *held = None;
                }
                Reply::Closed
            }
        }
    }
}
