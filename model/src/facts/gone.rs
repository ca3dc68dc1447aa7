//! Directories that others remove or move while they are held open.

use super::calls::{
    Listed, identity, listing, open, open_parent, read, read_all, rmdir, said, say, seek_to, unlink,
};
use super::ground::{Ground, Tree};
use super::{Assumes, Fact, Group};
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, mkdirat, openat, renameat};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::path::Path;

const MISSING: Assumes = Assumes::Nfs(&["ENOENT"], &["ESTALE"]);
/// An NFS client keeps what it knew of a listing, all of it or less.
const LISTING: Assumes = Assumes::Nfs(
    &["ENOENT"],
    &["ESTALE", "its entries", "`.` and `..`", "the end"],
);
const PARENT: Assumes = Assumes::Nfs(&["its last parent"], &["ESTALE"]);
/// What is in the lower directory of an overlayfs is not renamed.
const CANNOT: &str = "EXDEV, it cannot be moved";

/// A directory that was removed.
pub(super) const REMOVED: Group = Group {
    title: "A directory that others removed, held open",
    others: true,
    facts: &[
        Fact {
            asks: "getdents64, not listed before",
            assumes: LISTING,
            measure: |g| dead(g, |v| listing(read(&v.d, 1024))),
        },
        Fact {
            asks: "getdents64, its names known here, listed by somebody else before",
            assumes: LISTING,
            measure: |g| listed(g, |v| listing(read(&v.d, 1024))),
        },
        Fact {
            asks: "getdents64 at the start, listed through this descriptor before",
            assumes: LISTING,
            measure: |g| {
                listed_by_it(g, |v| {
                    listing(seek_to(&v.d, 0).and_then(|_| read(&v.d, 1024)))
                })
            },
        },
        Fact {
            asks: "getdents64, half of it read",
            assumes: LISTING,
            measure: half_read,
        },
        Fact {
            asks: "open its child",
            assumes: MISSING,
            measure: |g| dead(g, |v| say(open(&v.d, "c"))),
        },
        Fact {
            asks: "open a name that it never had",
            assumes: MISSING,
            measure: |g| dead(g, |v| say(open(&v.d, "absent"))),
        },
        Fact {
            asks: "open `.`",
            assumes: Assumes::Any,
            measure: |g| dead(g, |v| say(openat(&v.d, ".", OFlags::PATH, Mode::empty()))),
        },
        Fact {
            asks: "open `..`",
            assumes: PARENT,
            measure: |g| dead(g, Victim::parent),
        },
        Fact {
            asks: "open `..`, its last parent removed as well",
            assumes: PARENT,
            measure: |g| {
                let victim = Victim::new(g)?;
                victim.removed("q")?;
                Ok(victim.parent())
            },
        },
        Fact {
            asks: "open `..` three times, all three on the way removed",
            assumes: Assumes::Nfs(&["the last parents"], &["ESTALE"]),
            measure: |g| {
                let victim = Victim::new(g)?;
                let c = open(&victim.d, "c")?;
                victim.removed("q")?;
                Ok(victim.ancestors(c))
            },
        },
        Fact {
            asks: "unlink its file",
            assumes: MISSING,
            measure: |g| dead(g, |v| say(unlink(&v.d, "f"))),
        },
        Fact {
            asks: "rmdir its child",
            assumes: MISSING,
            measure: |g| dead(g, |v| say(rmdir(&v.d, "c"))),
        },
        Fact {
            asks: "mkdir in it",
            assumes: MISSING,
            measure: |g| dead(g, |v| say(mkdirat(&v.d, "new", Mode::RWXU))),
        },
        Fact {
            asks: "rename something into it",
            assumes: MISSING,
            measure: |g| dead(g, |v| say(renameat(&v.p, "spare", &v.d, "new"))),
        },
        Fact {
            asks: "link a file into it",
            assumes: MISSING,
            measure: |g| {
                dead(g, |v| {
                    say(linkat(&v.p, "file", &v.d, "new", AtFlags::empty()))
                })
            },
        },
        Fact {
            asks: "statx: its number and mount",
            assumes: Assumes::Nfs(&["as before"], &["ESTALE"]),
            measure: |g| {
                let victim = Victim::new(g)?;
                let before = identity(&victim.d)?;
                victim.removed("q/d")?;
                Ok(said(identity(&victim.d).map(|now| {
                    let same = (now.stx_ino, now.stx_mnt_id) == (before.stx_ino, before.stx_mnt_id);
                    if same { "as before" } else { "another" }
                })))
            },
        },
        Fact {
            asks: "open its name in its parent",
            assumes: MISSING,
            measure: |g| dead(g, |v| say(open(&v.q, "d"))),
        },
        Fact {
            asks: "rmdir its name in its parent",
            assumes: Assumes::One(&["ENOENT"]),
            measure: |g| dead(g, |v| say(rmdir(&v.q, "d"))),
        },
    ],
};

/// A directory that was moved.
pub(super) const MOVED: Group = Group {
    title: "A directory that others moved, held open",
    others: true,
    facts: &[
        Fact {
            asks: "open `..`",
            assumes: Assumes::One(&["its new parent", CANNOT]),
            measure: |g| moved(g, Victim::parent),
        },
        Fact {
            asks: "getdents64",
            assumes: Assumes::One(&["its entries", CANNOT]),
            measure: |g| moved(g, |v| listing(read(&v.d, 1024))),
        },
        Fact {
            asks: "unlink its file",
            assumes: Assumes::One(&["ok", CANNOT]),
            measure: |g| moved(g, |v| say(unlink(&v.d, "f"))),
        },
        Fact {
            asks: "open its old name",
            assumes: Assumes::Nfs(&["ENOENT", CANNOT], &["ESTALE"]),
            measure: |g| moved(g, |v| say(open(&v.q, "d"))),
        },
        Fact {
            asks: "rmdir its old name",
            assumes: Assumes::One(&["ENOENT", CANNOT]),
            measure: |g| moved(g, |v| say(rmdir(&v.q, "d"))),
        },
    ],
};

/// `q/d` with a directory `c`, a file `f` and a symlink in `d`; all three are held open.
struct Victim {
    tree: Tree,
    p: OwnedFd,
    q: OwnedFd,
    d: OwnedFd,
}

impl Victim {
    fn new(ground: &Ground) -> io::Result<Victim> {
        let tree = ground.tree(|at| {
            fs::create_dir_all(at.join("q/d/c"))?;
            fs::create_dir(at.join("spare"))?;
            fs::create_dir(at.join("elsewhere"))?;
            fs::write(at.join("file"), "")?;
            fs::write(at.join("q/d/f"), "")?;
            std::os::unix::fs::symlink("c", at.join("q/d/link"))
        })?;
        let (p, q, d) = (tree.open(".")?, tree.open("q")?, tree.open("q/d")?);
        // Its names are known here, as they are to a walker that listed it.
        for name in ["c", "f", "link"] {
            fs::symlink_metadata(tree.here.join("q/d").join(name))?;
        }
        Ok(Victim { tree, p, q, d })
    }

    fn removed(&self, path: &str) -> io::Result<()> {
        self.tree.others(|at| fs::remove_dir_all(at.join(path)))
    }

    /// Which directory `..` of `d` is.
    fn parent(&self) -> String {
        said(open_parent(&self.d).and_then(|found| {
            let found = identity(found)?.stx_ino;
            let elsewhere = fs::symlink_metadata(self.tree.there.join("elsewhere"));
            let elsewhere = elsewhere
                .ok()
                .map(|e| std::os::unix::fs::MetadataExt::ino(&e));
            // Held open, and so known even where it is dead.
            let last = identity(&self.q).map(|q| q.stx_ino);
            Ok(match last {
                _ if elsewhere == Some(found) => "its new parent",
                Ok(last) if last == found => "its last parent",
                _ => "something else",
            })
        }))
    }

    /// Whether `..` from `c` leads to `d`, `q` and `p`.
    fn ancestors(&self, mut at: OwnedFd) -> String {
        for known in [&self.d, &self.q, &self.p] {
            let up = open_parent(&at).and_then(|up| Ok((identity(&up)?.stx_ino, up)));
            match (up, identity(known)) {
                (Err(errno), _) | (_, Err(errno)) => return say::<()>(Err(errno)),
                (Ok((found, _)), Ok(known)) if found != known.stx_ino => {
                    return "something else".to_owned();
                }
                (Ok((_, up)), Ok(_)) => at = up,
            }
        }
        "the last parents".to_owned()
    }
}

fn dead(ground: &Ground, call: fn(&Victim) -> String) -> io::Result<String> {
    let victim = Victim::new(ground)?;
    victim.removed("q/d")?;
    Ok(call(&victim))
}

fn moved(ground: &Ground, call: fn(&Victim) -> String) -> io::Result<String> {
    let victim = Victim::new(ground)?;
    let done = victim
        .tree
        .others(|at| Ok(renameat(CWD, at.join("q/d"), CWD, at.join("elsewhere/d"))?));
    match done {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::XDEV) => Ok(CANNOT.to_owned()),
        done => done.map(|()| call(&victim)),
    }
}

fn listed(ground: &Ground, call: fn(&Victim) -> String) -> io::Result<String> {
    let victim = Victim::new(ground)?;
    read_all(victim.tree.open("q/d")?)?;
    victim.removed("q/d")?;
    Ok(call(&victim))
}

fn listed_by_it(ground: &Ground, call: fn(&Victim) -> String) -> io::Result<String> {
    let victim = Victim::new(ground)?;
    read_all(&victim.d)?;
    victim.removed("q/d")?;
    Ok(call(&victim))
}

fn half_read(ground: &Ground) -> io::Result<String> {
    const MANY: u32 = 1000;
    let fill = |at: &Path| {
        fs::create_dir(at.join("d"))?;
        (0..MANY).try_for_each(|i| fs::create_dir(at.join(format!("d/{i}"))))
    };
    let tree = ground.tree(fill)?;
    let d = tree.open("d")?;
    let first: Option<Vec<Listed>> = read(&d, 4096)?;
    if first.is_none_or(|first| first.len() as u64 >= u64::from(MANY)) {
        return Err(io::Error::other("it was read whole, or not at all"));
    }
    tree.others(|at| fs::remove_dir_all(at.join("d")))?;
    Ok(listing(read(&d, 4096)))
}
