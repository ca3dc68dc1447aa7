//! A file system in memory that keeps every promise, and the words between it and the kernel. A test
//! breaks a promise by answering a call in its place.

use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

/// A type, as a listing gives it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Unknown,
    Directory,
    File,
}

/// A file or a directory, as the kernel is told of it. For the kernel another id is another node; the
/// inode number is for programs to see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) inode: u64,
    pub(crate) directory: bool,
}

/// An entry of a listing.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: Kind,
    /// Where reading goes on behind it.
    pub(crate) position: u64,
    pub(crate) inode: u64,
}

/// What the kernel asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Call {
    Lookup { dir: u64, name: Vec<u8> },
    Attributes { node: u64 },
    Open { dir: u64 },
    List { dir: u64, position: u64 },
    Unlink { dir: u64, name: Vec<u8> },
    Rmdir { dir: u64, name: Vec<u8> },
}

/// What it is answered, if no errno.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Node(Node),
    /// As many of them as the kernel has room for; none is the end.
    Listed(Vec<Listed>),
    Done,
}

/// The kernel calls the root of a mount so.
pub(crate) const TOP: u64 = 1;

#[derive(Debug)]
struct Entry {
    node: u64,
    directory: bool,
    /// Behind it, for as long as the directory lives.
    position: u64,
}

/// The honest one. Node ids and inode numbers are the same, and never used twice.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The entries of each directory.
    dirs: BTreeMap<u64, BTreeMap<Vec<u8>, Entry>>,
    /// What is no directory and never was.
    files: BTreeSet<u64>,
    last: u64,
}

impl Tree {
    pub(crate) fn new() -> Tree {
        Tree {
            dirs: BTreeMap::from([(TOP, BTreeMap::new())]),
            files: BTreeSet::new(),
            last: TOP,
        }
    }

    /// Makes `path`, which ends in `/` for a directory, with all above it.
    pub(crate) fn make(&mut self, path: &str) {
        let file = (!path.ends_with('/')).then(|| path.rsplit('/').next().expect("a name"));
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        let mut dir = TOP;
        for (i, name) in names.iter().enumerate() {
            let directory = file.is_none() || i + 1 < names.len();
            dir = self.enter(dir, name.as_bytes(), directory);
        }
    }

    /// The entry `name` of `dir`, made unless it is there.
    pub(crate) fn enter(&mut self, dir: u64, name: &[u8], directory: bool) -> u64 {
        let entries = self.dirs.get_mut(&dir).expect("a directory");
        if let Some(entry) = entries.get(name) {
            return entry.node;
        }
        self.last += 1;
        let entry = Entry {
            node: self.last,
            directory,
            // 1 and 2 are behind `.` and `..`.
            position: self.last + 1,
        };
        entries.insert(name.to_vec(), entry);
        if directory {
            self.dirs.insert(self.last, BTreeMap::new());
        } else {
            self.files.insert(self.last);
        }
        self.last
    }

    /// The node of a path.
    pub(crate) fn find(&self, path: impl AsRef<Path>) -> Option<u64> {
        let mut node = TOP;
        for part in path.as_ref().components() {
            let Component::Normal(name) = part else {
                return None;
            };
            node = self.dirs.get(&node)?.get(name.as_encoded_bytes())?.node;
        }
        Some(node)
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.dirs.values().map(BTreeMap::len).sum()
    }

    /// The answer to a call.
    pub(crate) fn answer(&mut self, call: &Call) -> Result<Answer, Errno> {
        match call {
            Call::Lookup { dir, name } => {
                let entry = self.entries(*dir)?.get(name).ok_or(Errno::NOENT)?;
                Ok(Answer::Node(node(entry.node, entry.directory)))
            }
            Call::Attributes { node: id } => Ok(Answer::Node(node(*id, !self.files.contains(id)))),
            Call::Open { .. } => Ok(Answer::Done),
            Call::List { dir, position } => Ok(Answer::Listed(self.list(*dir, *position)?)),
            Call::Unlink { dir, name } => {
                let entries = self.dirs.get_mut(dir).ok_or(Errno::NOENT)?;
                entries.remove(name).ok_or(Errno::NOENT)?;
                Ok(Answer::Done)
            }
            Call::Rmdir { dir, name } => {
                let child = self.entries(*dir)?.get(name).ok_or(Errno::NOENT)?.node;
                if !self.entries(child)?.is_empty() {
                    return Err(Errno::NOTEMPTY);
                }
                self.dirs.remove(&child);
                let entries = self.dirs.get_mut(dir).ok_or(Errno::NOENT)?;
                entries.remove(name);
                Ok(Answer::Done)
            }
        }
    }

    fn entries(&self, dir: u64) -> Result<&BTreeMap<Vec<u8>, Entry>, Errno> {
        self.dirs.get(&dir).ok_or(Errno::NOENT)
    }

    /// What stands behind `position`, in the order of positions.
    pub(crate) fn list(&self, dir: u64, position: u64) -> Result<Vec<Listed>, Errno> {
        let dots = [(&b"."[..], 1), (&b".."[..], 2)].map(|(name, position)| Listed {
            name: name.to_vec(),
            kind: Kind::Directory,
            position,
            inode: dir,
        });
        let mut listed: Vec<Listed> = dots.into();
        listed.extend(self.entries(dir)?.iter().map(|(name, entry)| Listed {
            name: name.clone(),
            kind: if entry.directory {
                Kind::Directory
            } else {
                Kind::File
            },
            position: entry.position,
            inode: entry.node,
        }));
        listed.retain(|entry| entry.position > position);
        listed.sort_by_key(|entry| entry.position);
        Ok(listed)
    }
}

fn node(id: u64, directory: bool) -> Node {
    Node {
        id,
        inode: id,
        directory,
    }
}
