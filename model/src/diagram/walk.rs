//! A plain walk of a small tree, request by request: the real machine, and a world that only ever
//! answers what nobody else's acts could change.
//!
//! The walk is the worked example of `docs/machine.md`, and the arrows it takes are the ones that
//! the diagram draws bold.

use fell::machine::{
    Birth, Identify, Identity, Inode, Inspect, Kind, Limits, Names, Open, Outcome, Position, Read,
    Reply, Request, Rmdir, Seek, Slot, StateName, Unlink, Walker,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Every path of the tree, the root's parent first. What ends in a slash is a directory.
const TREE: [&str; 7] = [
    "./", "./r/", "./r/a", "./r/d/", "./r/d/b", "./r/d/e/", "./r/f/",
];

/// One step of the walk.
pub(super) struct Line {
    /// The state that was waiting.
    pub state: StateName,
    /// What it asked.
    pub request: String,
    /// What it was told.
    pub reply: String,
    /// The arm that was taken.
    pub arm: String,
    /// The state that followed.
    pub next: StateName,
}

/// Walks the tree, with one level above the current one held: the root's slot is given up, and the
/// root found again by `..`.
pub(super) fn walk() -> Vec<Line> {
    let limits = Limits {
        max_open_dirs: 1,
        ..Limits::DEFAULT
    };
    let mut walker = Walker::new(limits);
    let mut world = World::new();
    let mut lines = Vec::new();
    while let Some(request) = walker.request() {
        let state = walker.state().name();
        let words = world.words(request);
        let (reply, told) = world.answer(request);
        let step = walker.step(&mut Tokens, reply);
        lines.push(Line {
            state,
            request: words,
            reply: told,
            arm: step.arm.map_or_else(String::new, |arm| format!("{arm:?}")),
            next: walker.state().name(),
        });
    }
    assert_eq!(walker.outcome(), Some(Outcome::Removed));
    assert_eq!(world.paths, BTreeSet::from(["./".to_owned()]));
    lines
}

/// The arrows the walk takes.
pub(super) fn arrows() -> BTreeSet<(StateName, StateName)> {
    walk()
        .into_iter()
        .map(|line| (line.state, line.next))
        .collect()
}

/// The walk as a table.
pub(super) fn markdown() -> String {
    let mut out =
        String::from("| # | state | request | reply | arm |\n| ---: | --- | --- | --- | --- |\n");
    for (number, line) in walk().iter().enumerate() {
        let Line {
            state,
            request,
            reply,
            arm,
            ..
        } = line;
        let _ = writeln!(
            out,
            "| {} | {state:?} | {request} | {reply} | `{arm}` |",
            number + 1
        );
    }
    out
}

/// Names are static strings, so they are their own tokens and there is nothing to keep.
struct Tokens;

impl Names for Tokens {
    type Name = &'static str;

    fn keep(&mut self, fresh: &'static str) -> &'static str {
        fresh
    }

    fn forget(&mut self, _kept: &'static str) {}

    fn clear(&mut self) {}
}

/// The tree, and which directory each slot has open and how far it is read.
struct World {
    paths: BTreeSet<String>,
    open: BTreeMap<u16, (String, u64)>,
}

impl World {
    fn new() -> World {
        World {
            paths: TREE.into_iter().map(str::to_owned).collect(),
            open: BTreeMap::new(),
        }
    }

    fn path(&self, slot: Slot) -> &str {
        self.open.get(&slot.0).map_or("", |(path, _)| path)
    }

    /// The request in words.
    fn words(&self, request: Request<&str>) -> String {
        let at = |slot: Slot| match self.path(slot).trim_end_matches('/').rsplit('/').next() {
            Some(".") => "the base".to_owned(),
            Some(name) => format!("`{name}`"),
            None => String::new(),
        };
        match request {
            Request::OpenBase { slot } => format!("open the base as {}", slot.0),
            Request::OpenRoot { slot, .. } => format!("open the root `r` as {}", slot.0),
            Request::Open { parent, name, slot } => {
                format!("open `{name}` in {} as {}", at(parent), slot.0)
            }
            Request::OpenParent { child, slot } | Request::OpenAbove { child, slot } => {
                format!("open `..` of {} as {}", at(child), slot.0)
            }
            Request::Identify { slot } => format!("identify {}", slot.0),
            Request::Inspect { slot } => format!("inspect {}", slot.0),
            Request::Read { slot } => format!("read {}", at(slot)),
            Request::Seek { slot, position } => {
                format!("seek {} to {}", at(slot), position.0)
            }
            Request::Unlink { parent, name } => format!("unlink `{name}` in {}", at(parent)),
            Request::Rmdir { parent, name } => format!("rmdir `{name}` in {}", at(parent)),
            Request::RmdirRoot { .. } => "rmdir the root `r`".to_owned(),
            Request::Close { slot } => format!("close {} ({})", slot.0, at(slot)),
        }
    }

    /// The reply, and the same in words.
    fn answer(&mut self, request: Request<&'static str>) -> (Reply<&'static str>, String) {
        let (reply, told) = match request {
            Request::OpenBase { slot } => self.opened(slot, "./".to_owned()),
            Request::OpenRoot { slot, .. } => self.opened(slot, "./r/".to_owned()),
            Request::Open { parent, name, slot } => {
                let path = format!("{}{name}/", self.path(parent));
                self.opened(slot, path)
            }
            Request::OpenParent { child, slot } | Request::OpenAbove { child, slot } => {
                let inner = self.path(child).trim_end_matches('/');
                let path = inner.rsplit_once('/').map_or("", |(outer, _)| outer);
                self.opened(slot, format!("{path}/"))
            }
            Request::Identify { slot } => self.identified(slot),
            Request::Inspect { .. } => (
                Reply::Inspect(Inspect {
                    births: true,
                    positions: true,
                }),
                "births and positions are kept",
            ),
            Request::Read { slot } => return self.read(slot),
            Request::Seek { slot, position } => {
                if let Some((_, read)) = self.open.get_mut(&slot.0) {
                    *read = position.0;
                }
                (Reply::Seek(Seek::Sought), "sought")
            }
            Request::Unlink { parent, name } => {
                self.remove(&format!("{}{name}", self.path(parent)));
                (Reply::Unlink(Unlink::Removed), "removed")
            }
            Request::Rmdir { parent, name } => {
                self.remove(&format!("{}{name}/", self.path(parent)));
                (Reply::Rmdir(Rmdir::Removed), "removed")
            }
            Request::RmdirRoot { .. } => {
                self.remove("./r/");
                (Reply::Rmdir(Rmdir::Removed), "removed")
            }
            Request::Close { slot } => {
                assert!(self.open.remove(&slot.0).is_some(), "not open");
                (Reply::Closed, "closed")
            }
        };
        (reply, told.to_owned())
    }

    fn opened(&mut self, slot: Slot, path: String) -> (Reply<&'static str>, &'static str) {
        assert!(self.paths.contains(&path), "no directory");
        assert!(self.open.insert(slot.0, (path, 0)).is_none(), "taken");
        (Reply::Open(Open::Opened), "opened")
    }

    fn identified(&self, slot: Slot) -> (Reply<&'static str>, &'static str) {
        let place = |path: &str| TREE.iter().position(|&p| p == path);
        let number = place(self.path(slot)).map_or(0, |place| place as u64);
        let inode = Inode {
            number,
            birth: Birth(0),
        };
        let identity = Identity {
            mount: 1,
            device: 1,
            inode,
        };
        let told = match number {
            0 => "is the base",
            1 => "is `r`",
            3 => "is `d`",
            5 => "is `e`",
            _ => "is `f`",
        };
        (Reply::Identify(Identify::Is(identity)), told)
    }

    /// The next entry. A position is the place in [`TREE`] behind the entry.
    fn read(&mut self, slot: Slot) -> (Reply<&'static str>, String) {
        let Some((path, read)) = self.open.get_mut(&slot.0) else {
            return (Reply::Closed, "not open".to_owned());
        };
        for (place, &entry) in TREE.iter().enumerate() {
            let position = place as u64 + 1;
            let Some(rest) = entry.strip_prefix(path.as_str()) else {
                continue;
            };
            let name = rest.trim_end_matches('/');
            let below = name.is_empty() || name.contains('/');
            if below || position <= *read || !self.paths.contains(entry) {
                continue;
            }
            *read = position;
            let (kind, what) = if rest.ends_with('/') {
                (Kind::Directory, "a directory")
            } else {
                (Kind::File, "a file")
            };
            let reply = Read::Entry {
                name,
                kind,
                position: Position(position),
            };
            return (Reply::Read(reply), format!("`{name}`, {what}"));
        }
        (Reply::Read(Read::End), "end".to_owned())
    }

    fn remove(&mut self, path: &str) {
        assert!(self.paths.remove(path), "absent");
        let below = |other: &String| path.ends_with('/') && other.starts_with(path);
        assert!(!self.paths.iter().any(below), "not empty");
    }
}
