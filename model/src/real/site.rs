//! A directory that mirrors a world.
//!
//! ```text
//! fell-model-PID-N/base/a     the root's name in the root's parent
//! fell-model-PID-N/outside/   what is outside: a file, a symlink to outside, a directory
//! ```
//!
//! Adversaries act through a descriptor (`O_PATH`) of each directory that is alive, so they reach
//! what a mount hides, and on NFS through another client. These descriptors are closed as soon as the
//! model's directory is dead: a dead directory lives on by the walker's descriptors alone.

use super::identity::{Table, stat};
use super::nature::Nature;
use super::{Result, Trouble, failed, place_in, text};
use crate::adversary::{Act, Place};
use crate::words;
use crate::world::{BASE, DIRS, Dialect, Dir, Entry, NAMES, OUTSIDE, ROOT_NAME, World};
use fell::RootPath;
use fell::machine::Identity;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, FileType, IFlags, Mode, OFlags, RawDir, RenameFlags, ResolveFlags, openat,
    unlinkat,
};
use rustix::io::Errno;
use rustix::mount::UnmountFlags;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

/// To be named, entered and identified, and nothing else.
const HELD: OFlags = OFlags::PATH
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);
/// A name that no directory of the model has.
const SPARE: &str = "spare";

/// A directory that has all names.
const LETTERS: &str = "letters";

/// What stands under a name, for others to see.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Thing {
    /// A file, removable or not.
    File,
    /// A symlink to the outside.
    Link,
    /// A directory of the model.
    Directory(u8),
    /// A mount point.
    Mount,
    /// Nothing that the model has.
    Stranger,
}

/// Each name that is there, and what stands under it.
pub type Picture = BTreeMap<(u8, String), Thing>;

/// A real directory that mirrors a world.
#[derive(Debug)]
pub struct Site {
    /// Where the walker finds it.
    path: PathBuf,
    /// Where the others find it.
    other: PathBuf,
    held: [Option<Arc<OwnedFd>>; DIRS],
    table: Table,
    /// Files that were made immutable.
    fixed: Vec<OwnedFd>,
    mount: Option<Place>,
    /// Walkers are nobody: as root nothing would be denied them.
    nobody: bool,
}

impl Site {
    /// An empty one in `nature.dir`.
    ///
    /// # Errors
    ///
    /// When no directory can be made there.
    pub fn new(nature: &Nature) -> Result<Site> {
        let path = place_in(&nature.dir);
        let name = path.file_name().unwrap_or_default();
        let other = nature.other.as_deref().unwrap_or(&nature.dir).join(name);
        let what = other.display().to_string();
        fs::create_dir(&other)
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
            .map_err(failed(format!("mkdir {what}")))?;
        let top = rustix::fs::open(&path, HELD, Mode::empty()).map_err(failed(what))?;
        let (mount, device, _) = stat(&top).map_err(failed("statx of the site"))?;
        Ok(Site {
            path,
            other,
            held: Default::default(),
            table: Table::new(nature.dialect.births, (mount, device)),
            fixed: Vec::new(),
            mount: None,
            nobody: false,
        })
    }

    /// Where the root is or will be.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.path.join("base").join(text(ROOT_NAME))
    }

    /// The same, taken apart for a walker.
    ///
    /// # Panics
    ///
    /// Never: a site has a name.
    #[must_use]
    pub fn root_path(&self) -> RootPath {
        RootPath::new(self.root()).expect("a site has a name")
    }

    /// A directory beside the tree that has a file under each name of the model.
    pub(super) fn letters(&self) -> Result<PathBuf> {
        let made = fs::create_dir_all(self.other.join(LETTERS)).and_then(|()| {
            (0..NAMES).try_for_each(|name| fs::write(self.other.join(LETTERS).join(text(name)), ""))
        });
        let why = |error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        made.map_err(why).map_err(failed("make the letters"))?;
        Ok(self.path.join(LETTERS))
    }

    /// How many directories were made with the number and birth of one that was there before, since
    /// the site was made: what a walker could not tell apart.
    #[must_use]
    pub fn told_twice(&self) -> usize {
        self.table.told_twice
    }

    /// Whether walkers are to be nobody.
    #[must_use]
    pub fn is_for_nobody(&self) -> bool {
        self.nobody
    }

    /// A real identity as the model would tell it; none if the model has no such directory.
    #[must_use]
    pub fn tell(&self, world: &World, dialect: &Dialect, identity: Identity) -> Option<Identity> {
        self.table.tell(world, dialect, identity)
    }

    /// Removes what is there and plants a world.
    ///
    /// # Errors
    ///
    /// When something cannot be made; [`Nature::can_plant`] tells beforehand.
    pub fn plant(&mut self, world: &World) -> Result<()> {
        self.clear()?;
        self.nobody = world
            .dirs()
            .any(|d| world.is_shut(d) || world.is_sealed(d) || world.is_unsearchable(d));
        for (dir, name) in [(BASE, "base"), (OUTSIDE, "outside")] {
            if world.is_alive(dir) {
                let top = rustix::fs::open(&self.other, HELD, Mode::empty());
                let top = top.map_err(failed("open the site"))?;
                self.make(top.as_fd(), name, dir)?;
                self.fill(world, dir)?;
            }
        }
        if let Some(place) = world.mount() {
            self.mount(place)?;
        }
        Ok(())
    }

    /// Depth is bounded by how many directories a world can have.
    fn fill(&mut self, world: &World, dir: Dir) -> Result<()> {
        for (name, entry) in world.list(dir) {
            let letter = text(name);
            match entry {
                Entry::File => self.file((dir, name))?,
                Entry::Fixed => {
                    self.file((dir, name))?;
                    self.fix((dir, name))?;
                }
                Entry::Link => {
                    let to = self.path.join("outside");
                    rustix::fs::symlinkat(to, self.fd(dir)?, &letter)
                        .map_err(failed(format!("symlink {letter}")))?;
                }
                Entry::Directory(child) => {
                    let parent = self.fd(dir)?;
                    self.make(parent.as_fd(), &letter, child)?;
                    self.fill(world, child)?;
                    Self::protect(world, parent.as_fd(), &letter, child)?;
                }
                Entry::Absent | Entry::Forgotten => {}
            }
        }
        Ok(())
    }

    /// What the model calls shut cannot be read, sealed not written, unsearchable not searched.
    fn protect(world: &World, parent: BorrowedFd<'_>, name: &str, dir: Dir) -> Result<()> {
        let bits = [
            (world.is_shut(dir), 0o444),
            (world.is_sealed(dir), 0o222),
            (world.is_unsearchable(dir), 0o111),
        ];
        let denied = bits.iter().filter(|(is, _)| *is).fold(0, |m, (_, b)| m | b);
        if denied == 0 {
            return Ok(());
        }
        let mode = Mode::from_raw_mode(0o777 & !denied);
        rustix::fs::chmodat(parent, name, mode, AtFlags::empty()).map_err(failed("chmod"))
    }

    /// Lets somebody act; the world is `before` and then `after`.
    ///
    /// # Errors
    ///
    /// When it cannot be done, which the model says it can.
    pub fn act(&mut self, before: &World, act: Act, after: &World) -> Result<()> {
        self.act_untidied(before, act, after)?;
        self.tidy(after)
    }

    /// Lets somebody act where the model does not put what is outside in order.
    ///
    /// # Errors
    ///
    /// When it cannot be done, which the model says it can.
    pub fn act_untidied(&mut self, before: &World, act: Act, after: &World) -> Result<()> {
        self.carry_out(before, act)?;
        self.settle(after);
        Ok(())
    }

    fn carry_out(&mut self, before: &World, act: Act) -> Result<()> {
        let what = || failed(format!("{act:?}"));
        match act {
            Act::Unlink((dir, name)) => {
                unlinkat(self.fd(dir)?, text(name), AtFlags::empty()).map_err(what())
            }
            Act::Rmdir((dir, name)) => {
                unlinkat(self.fd(dir)?, text(name), AtFlags::REMOVEDIR).map_err(what())
            }
            Act::RmdirBase => {
                unlinkat(CWD, self.other.join("base"), AtFlags::REMOVEDIR).map_err(what())
            }
            Act::File(place) => self.file(place),
            Act::Mkdir((dir, name)) => {
                let Some(number) = before.next_dir() else {
                    return Ok(());
                };
                let parent = self.fd(dir)?;
                self.make(parent.as_fd(), &text(name), number)
            }
            Act::Exchange((dir, name), out) => self.exchange((dir, name), (OUTSIDE, out)),
            Act::Rename(from, to) => self.rename(from, &text(from.1), to.0, &text(to.1)),
            Act::Mount(place) => self.mount(place),
            Act::Unmount => self.unmount(),
            Act::Reply { .. } | Act::Rival(_) | Act::HandOn | Act::Stop(_) => Ok(()),
        }
    }

    /// Lets go of what is dead. To be called after each reply to a walker.
    pub fn settle(&mut self, world: &World) {
        self.table.settle(world);
        for dir in Dir::all().filter(|&dir| !world.is_alive(dir)) {
            self.held[usize::from(dir.0)] = None;
        }
    }

    /// Renames what is outside as [`World::tidy`] did.
    fn tidy(&mut self, world: &World) -> Result<()> {
        let want: BTreeMap<String, Thing> = world
            .list(OUTSIDE)
            .map(|(name, entry)| (text(name), thing(world, (OUTSIDE, name), entry)))
            .collect();
        let mut have = self.list(OUTSIDE)?;
        if want == have {
            return Ok(());
        }
        let wrong: Vec<(String, Thing)> = have
            .iter()
            .filter(|(name, thing)| want.get(*name) != Some(thing))
            .map(|(name, &thing)| (name.clone(), thing))
            .collect();
        for (name, thing) in wrong {
            let aside = format!("{SPARE}{name}");
            self.rename((OUTSIDE, 0), &name, OUTSIDE, &aside)?;
            have.remove(&name);
            have.insert(aside, thing);
        }
        for (name, thing) in &want {
            if have.contains_key(name) {
                continue;
            }
            let found = have
                .iter()
                .find(|(from, other)| from.starts_with(SPARE) && *other == thing)
                .map(|(from, _)| from.clone());
            // What is not found is seen by whoever compares the picture.
            if let Some(from) = found {
                self.rename((OUTSIDE, 0), &from, OUTSIDE, name)?;
                have.remove(&from);
            }
        }
        Ok(())
    }

    /// Whether everything is as the model has it.
    ///
    /// # Errors
    ///
    /// [`Trouble::Differs`] if not, with both in words.
    pub fn compare(&self, world: &World) -> Result<()> {
        let (want, have) = (expected(world), self.picture(world)?);
        if want == have {
            return Ok(());
        }
        let line = |picture: &Picture| {
            let name = |dir: u8| match Dir(dir) {
                BASE => "base".to_owned(),
                OUTSIDE => "outside".to_owned(),
                Dir(number) => format!("#{number}"),
            };
            let words = picture
                .iter()
                .map(|((dir, entry), thing)| format!("{}/{entry} {thing:?}", name(*dir)));
            words.collect::<Vec<_>>().join(", ")
        };
        Err(Trouble::Differs(format!(
            "the tree is not the model's\n  model:  {}\n  kernel: {}\n  {}",
            line(&want),
            line(&have),
            words::tree(world)
        )))
    }

    /// Everything there is in the directories that the model has alive.
    ///
    /// # Errors
    ///
    /// When a directory cannot be read.
    pub fn picture(&self, world: &World) -> Result<Picture> {
        let mut all = Picture::new();
        for dir in world.dirs() {
            let entries = self.list(dir)?;
            all.extend(entries.into_iter().map(|(name, t)| ((dir.0, name), t)));
        }
        Ok(all)
    }

    fn list(&self, dir: Dir) -> Result<BTreeMap<String, Thing>> {
        let what = || failed(format!("list #{}", dir.0));
        let fd = self.fd(dir)?;
        let listed = openat(&fd, c".", READ, Mode::empty()).map_err(what())?;
        let mut buffer = Vec::with_capacity(4096);
        let mut entries = RawDir::new(&listed, buffer.spare_capacity_mut());
        let mut all = BTreeMap::new();
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(what())?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                let thing = self.thing(fd.as_fd(), &name, entry.file_type());
                all.insert(name, thing);
            }
        }
        Ok(all)
    }

    fn thing(&self, dir: BorrowedFd<'_>, name: &str, hint: FileType) -> Thing {
        match hint {
            FileType::RegularFile => Thing::File,
            FileType::Symlink => match rustix::fs::readlinkat(dir, name, Vec::new()) {
                Ok(to)
                    if to.as_bytes()
                        == self.path.join("outside").as_os_str().as_encoded_bytes() =>
                {
                    Thing::Link
                }
                _ => Thing::Stranger,
            },
            FileType::Directory => {
                let mode = Mode::empty();
                match rustix::fs::openat2(dir, name, HELD, mode, ResolveFlags::NO_XDEV) {
                    Err(Errno::XDEV) => Thing::Mount,
                    Err(_) => Thing::Stranger,
                    Ok(fd) => stat(fd)
                        .ok()
                        .and_then(|(_, _, inode)| self.table.dir(inode))
                        .map_or(Thing::Stranger, |dir| Thing::Directory(dir.0)),
                }
            }
            _ => Thing::Stranger,
        }
    }

    fn fd(&self, dir: Dir) -> Result<Arc<OwnedFd>> {
        let held = self.held.get(usize::from(dir.0)).cloned().flatten();
        held.ok_or(Errno::BADF)
            .map_err(failed(format!("#{} is not there", dir.0)))
    }

    fn make(&mut self, parent: BorrowedFd<'_>, name: &str, dir: Dir) -> Result<()> {
        let what = || failed(format!("mkdir {name} as #{}", dir.0));
        rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)).map_err(what())?;
        if self.nobody {
            let all = Mode::from_raw_mode(0o777);
            rustix::fs::chmodat(parent, name, all, AtFlags::empty()).map_err(what())?;
        }
        let fd = openat(parent, name, HELD, Mode::empty()).map_err(what())?;
        self.table.note(dir, &fd).map_err(what())?;
        self.held[usize::from(dir.0)] = Some(Arc::new(fd));
        Ok(())
    }

    fn file(&mut self, (dir, name): Place) -> Result<()> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        let made = openat(self.fd(dir)?, text(name), flags, Mode::from_raw_mode(0o644));
        made.map(drop)
            .map_err(failed(format!("create {} in #{}", text(name), dir.0)))
    }

    fn fix(&mut self, (dir, name): Place) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(self.fd(dir)?, text(name), flags, Mode::empty());
        let file = file.map_err(failed("open what is to be immutable"))?;
        set_immutable(&file, true).map_err(failed("make a file immutable"))?;
        self.fixed.push(file);
        Ok(())
    }

    fn rename(&self, from: Place, name: &str, to: Dir, as_name: &str) -> Result<()> {
        let flags = RenameFlags::NOREPLACE;
        let (dir, to) = (self.fd(from.0)?, self.fd(to)?);
        let renamed = match rustix::fs::renameat_with(&dir, name, &to, as_name, flags) {
            // NFS knows no flags.
            Err(Errno::INVAL) => rustix::fs::renameat(dir, name, to, as_name),
            done => done,
        };
        renamed.map_err(failed(format!(
            "rename {name} in #{} to {as_name}",
            from.0.0
        )))
    }

    /// In one call, or where the file system has none, by three renames that nobody sees between two
    /// requests.
    fn exchange(&self, here: Place, there: Place) -> Result<()> {
        let (a, b) = (text(here.1), text(there.1));
        let (from, to) = (self.fd(here.0)?, self.fd(there.0)?);
        match rustix::fs::renameat_with(&from, &a, &to, &b, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::XDEV) => {
                self.rename(there, &b, there.0, SPARE)?;
                self.rename(here, &a, there.0, &b)?;
                self.rename(there, SPARE, here.0, &a)
            }
            done => done.map_err(failed(format!("exchange {a} and outside/{b}"))),
        }
    }

    /// The way to a name that does not lead through what is mounted above it.
    fn way(&self, (dir, name): Place) -> Result<String> {
        let fd = self.fd(dir)?.as_raw_fd();
        Ok(format!("/proc/self/fd/{fd}/{}", text(name)))
    }

    fn mount(&mut self, place: Place) -> Result<()> {
        let outside = format!("/proc/self/fd/{}", self.fd(OUTSIDE)?.as_raw_fd());
        let at = self.way(place)?;
        rustix::mount::mount_bind(outside, at).map_err(failed("mount --bind"))?;
        self.mount = Some(place);
        Ok(())
    }

    fn unmount(&mut self) -> Result<()> {
        let Some(place) = self.mount.take() else {
            return Ok(());
        };
        let flags = UnmountFlags::DETACH | UnmountFlags::NOFOLLOW;
        rustix::mount::unmount(self.way(place)?, flags).map_err(failed("umount"))
    }

    /// Removes everything but the site itself.
    fn clear(&mut self) -> Result<()> {
        self.unmount()?;
        for file in self.fixed.drain(..) {
            set_immutable(&file, false).map_err(failed("make a file mutable"))?;
        }
        self.held = Default::default();
        self.table.clear();
        for name in ["base", "outside"] {
            match fs::remove_dir_all(self.other.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    let why = Errno::from_io_error(&error).unwrap_or(Errno::IO);
                    return Err(failed(format!("clear {name}"))(why));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Who drops it has no use for an error, and a failing test shall fail for its own reason.
        let _ = self.clear();
        let _ = fs::remove_dir_all(self.other.join(LETTERS));
        let _ = fs::remove_dir(&self.other);
    }
}

/// What the model says is there.
fn expected(world: &World) -> Picture {
    let entries = world.dirs().flat_map(|dir| {
        world
            .list(dir)
            .map(move |(name, entry)| ((dir.0, text(name)), thing(world, (dir, name), entry)))
    });
    entries.collect()
}

fn thing(world: &World, (dir, name): Place, entry: Entry) -> Thing {
    match entry {
        Entry::Link => Thing::Link,
        Entry::Directory(_) if world.is_mount(dir, name) => Thing::Mount,
        Entry::Directory(child) => Thing::Directory(child.0),
        Entry::File | Entry::Fixed | Entry::Absent | Entry::Forgotten => Thing::File,
    }
}

/// Sets or takes the flag that nothing removes, not even root.
pub(super) fn set_immutable(file: impl AsFd, immutable: bool) -> rustix::io::Result<()> {
    let mut flags = rustix::fs::ioctl_getflags(&file)?;
    flags.set(IFlags::IMMUTABLE, immutable);
    rustix::fs::ioctl_setflags(&file, flags)
}
