//! What a directory is on: the dialect of its file system, and what may be done there.

use super::site::Site;
use super::{Result, Trouble, failed};
use crate::world::{BASE, Dialect, ROOT, ROOT_NAME, Tree, World};
use fell::RootPath;
use fell::kernel::{At, Calls, Kernel, Linux, NameStore, Opening};
use fell::machine::{Birth, Identify, Reply, Request, Slot};
use rustix::io::Errno;
use rustix::thread::set_thread_res_uid;
use std::fmt;
use std::path::{Path, PathBuf};

/// The user that owns nothing.
const NOBODY: u32 = 65534;
/// `NFS_SUPER_MAGIC` of linux/magic.h.
const NFS: u64 = 0x6969;

/// A directory in which sites can be made, and what is known about it.
#[derive(Clone, Debug)]
pub struct Nature {
    /// The directory, as walkers see it.
    pub dir: PathBuf,
    /// The same directory as the others see it, where that is another: on NFS by another client.
    pub other: Option<PathBuf>,
    /// What its file system says of itself, by the walker's own requests. Listings are sorted, for
    /// the twin sorts them.
    pub dialect: Dialect,
    /// Bind mounts can be made, and nobody else sees them.
    pub may_mount: bool,
    /// Files can be made immutable.
    pub may_fix: bool,
    /// Walkers can be nobody, to whom things are denied.
    pub may_be_nobody: bool,
}

impl Nature {
    /// Looks at a directory. `private`: this process has a mount namespace of its own.
    ///
    /// # Errors
    ///
    /// When nothing can be made in it, or the walker cannot say what it is.
    pub fn of(dir: &Path, other: Option<&Path>, private: bool) -> Result<Nature> {
        let mut nature = Nature {
            dir: dir.to_path_buf(),
            other: other.map(Path::to_path_buf),
            dialect: Dialect {
                any_order: false,
                ..Dialect::LOCAL
            },
            may_mount: false,
            may_fix: false,
            may_be_nobody: false,
        };
        nature.dialect = nature.asked()?;
        let plain = World::planted(&nature.dialect, &[Tree::File]);
        let mut mounted = plain.clone();
        mounted.set_mount(Some((BASE, ROOT_NAME)));
        // What one client mounts the other does not see.
        nature.may_mount = private && other.is_none() && nature.tries(&mounted, |_| Ok(()));
        let mut fixed = plain.clone();
        fixed.give(&nature.dialect, ROOT, 1, crate::world::Entry::Fixed);
        nature.may_fix = nature.tries(&fixed, |_| Ok(()));
        let mut sealed = plain;
        sealed.seal(ROOT);
        nature.may_be_nobody = nature.tries(&sealed, |site| {
            let seen = as_nobody(true, || std::fs::read_dir(site.root()).map(drop));
            seen.map_err(|_| failed("nobody cannot get there")(Errno::ACCESS))
        });
        Ok(nature)
    }

    /// Whether everything that is immovable in a world can be made so here. Subvolumes cannot.
    #[must_use]
    pub fn can_plant(&self, world: &World) -> bool {
        let needs_nobody = |d| world.is_shut(d) || world.is_sealed(d) || world.is_unsearchable(d);
        let fixed = |d| world.list(d).any(|(_, e)| e == crate::world::Entry::Fixed);
        (self.may_mount || world.mount().is_none())
            && (self.may_fix || !world.dirs().any(fixed))
            && (self.may_be_nobody || !world.dirs().any(needs_nobody))
            && !world.dirs().any(|dir| world.is_foreign(dir))
    }

    fn tries(&self, world: &World, then: impl FnOnce(&Site) -> Result<()>) -> bool {
        let site = Site::new(self).and_then(|mut site| {
            site.plant(world)?;
            Ok(site)
        });
        site.and_then(|site| then(&site)).is_ok()
    }

    /// The dialect, by what the shipped kernel answers to Inspect and Identify.
    fn asked(&self) -> Result<Dialect> {
        let mut site = Site::new(self)?;
        site.plant(&World::planted(&self.dialect, &[Tree::File]))?;
        let root = RootPath::new(site.root())
            .map_err(|_| failed("the site has no proper path")(Errno::INVAL))?;
        let mut linux = Linux::new(&root, At::Path, false);
        let mut names = NameStore::default();
        let (base, slot) = (Slot(0), Slot(1));
        linux.answer(Request::OpenBase { slot: base }, &mut names);
        linux.answer(Request::OpenRoot { base, slot }, &mut names);
        let kept = linux.answer(Request::Inspect { slot }, &mut names);
        let identity = linux.answer(Request::Identify { slot }, &mut names);
        let (Reply::Inspect(kept), Reply::Identify(Identify::Is(identity))) = (kept, identity)
        else {
            return Err(Trouble::Differs(format!(
                "the walker cannot tell what it stands on: {kept:?}, {identity:?}"
            )));
        };
        let file_system = rustix::fs::statfs(&self.dir).map_err(failed("statfs"))?;
        #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)]
        let is_nfs = file_system.f_type as u64 == NFS;
        Ok(Dialect {
            nfs: is_nfs,
            // Of what the other client made, a listing may not tell the type.
            unknown_kinds: is_nfs,
            // A birth that is not told tells nothing apart, whatever it would be worth.
            births: kept.births && identity.inode.birth != Birth::UNKNOWN,
            positions: kept.positions,
            openat2: Calls::probed().opening == Opening::Openat2,
            ..self.dialect
        })
    }
}

impl fmt::Display for Nature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |is| if is { "yes" } else { "no" };
        write!(
            f,
            "births told: {}, positions kept: {}, openat2: {}, NFS: {}; here can be made: mounts: {}, \
             immutable files: {}, what is denied to a walker: {}",
            yes(self.dialect.births),
            yes(self.dialect.positions),
            yes(self.dialect.openat2),
            yes(self.dialect.nfs),
            yes(self.may_mount),
            yes(self.may_fix),
            yes(self.may_be_nobody)
        )
    }
}

/// Does something as nobody. Only this thread is, and only so long.
pub(super) fn as_nobody<T>(nobody: bool, act: impl FnOnce() -> T) -> T {
    let become_user = |uid| {
        let uid = rustix::process::Uid::from_raw(uid);
        set_thread_res_uid(None, uid, None)
    };
    if !nobody || !rustix::process::geteuid().is_root() || become_user(NOBODY).is_err() {
        return act();
    }
    let done = act();
    // The real and the saved user are still root.
    become_user(0).expect("root may become root again");
    done
}
