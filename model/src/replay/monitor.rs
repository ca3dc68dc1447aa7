//! The world of a trace, as far as it can be known: what is open, and which directories were met.
//!
//! The tree of a real race is unknown, and it is larger than [`World`](crate::world::World) can
//! hold. So nothing is kept here but what stays true whatever others do meanwhile, and each rule says
//! where in `world` it comes from (see [`Rule::reason`]). A trace that passes is one that some world
//! and some others can have caused, as far as these rules see. Deliberately absent: the tree, and any
//! rule that holds by luck or by the habits of one file system.
//!
//! **Files are local** where positions are kept: the machine was told so of ext4, xfs, btrfs and tmpfs
//! only (`Inspect`). Rules that a file server or FUSE may break are kept there alone.

use super::errno::impossible;
use super::others::{Known, Others};
use super::read::Name;
use super::rule::Rule;
use fell::machine::{
    Birth, Gone, Identify, Identity, Inspect, Limits, Open, Position, Read, Reply, Request, Rmdir,
    Seek, Slot, Unlink,
};
use std::collections::{HashMap, HashSet};

/// The rule that was broken, and how.
pub(super) type Broken = (Rule, String);

/// Which directory, however it was reached.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Directory {
    device: u64,
    number: u64,
    birth: Birth,
}

/// How a directory was opened.
#[derive(Clone, Copy, Debug)]
enum Came {
    /// As the root's parent.
    Base,
    /// By a name, in a directory that was known by then.
    Name(Option<Identity>, Option<Name>),
    /// By the `..` of a directory, to stand in it.
    Parent(Option<Identity>),
    /// By the `..` of a directory, to be compared.
    Above,
}

/// An open directory.
#[derive(Debug)]
struct Held {
    came: Came,
    identity: Option<Identity>,
    /// It answered that it was removed.
    dead: bool,
    /// The names returned since it was opened, and where.
    listed: HashMap<Name, Position>,
    /// Its listing is at the end.
    ended: bool,
}

impl Held {
    fn new(came: Came) -> Held {
        Held {
            came,
            identity: None,
            dead: false,
            listed: HashMap::new(),
            ended: false,
        }
    }
}

/// By which call names are opened, as far as that shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Opening {
    /// It said that a name is a mount point.
    Openat2,
    /// It opened a mount point.
    Openat,
}

/// What is known of the world of one walk.
#[derive(Debug)]
pub(super) struct Monitor {
    keep_root: bool,
    most_open: usize,
    held: Vec<Option<Held>>,
    kept: Option<Inspect>,
    opening: Option<Opening>,
    /// The mount of the root, once it is known.
    home: Option<u64>,
    /// Some directory was identified.
    identifies: bool,
    /// The birth that a number had last.
    births: HashMap<(u64, u64), Birth>,
    dead: HashSet<Directory>,
    /// What others who only remove leave as it was; `None`: others may do anything.
    known: Option<Known>,
}

impl Monitor {
    pub(super) fn new(limits: &Limits, others: Others) -> Monitor {
        let limits = limits.clamped();
        Monitor {
            keep_root: limits.keep_root,
            most_open: usize::from(limits.max_open_dirs) + 3,
            held: Vec::new(),
            kept: None,
            opening: None,
            home: None,
            identifies: false,
            births: HashMap::new(),
            dead: HashSet::new(),
            known: match others {
                Others::Anyone => None,
                Others::Removers => Some(Known::default()),
            },
        }
    }

    /// Looks at one request and its reply, and remembers what they tell. `bytes` are those of a name.
    pub(super) fn step<'a>(
        &mut self,
        request: &Request<Name>,
        reply: &Reply<Name>,
        bytes: impl FnOnce(Name) -> &'a [u8],
    ) -> Result<(), Broken> {
        self.uses_open_slots(request)?;
        if let Some(why) = impossible(request, reply, self.keep_root) {
            return Err((Rule::Errno, why.to_owned()));
        }
        self.is_not_forgotten(request, reply)?;
        self.lives(request, reply)?;
        match (*request, *reply) {
            (_, Reply::Open(open)) => self.opened(request, open)?,
            (Request::Identify { slot }, Reply::Identify(identify)) => {
                self.identified(slot, identify)?;
            }
            (Request::Inspect { slot }, Reply::Inspect(kept)) => {
                self.kept = Some(kept);
                self.home = self.identity(slot).map(|identity| identity.mount);
            }
            (Request::Read { slot }, Reply::Read(read)) => self.read(slot, read, bytes)?,
            (Request::Seek { slot, .. }, Reply::Seek(Seek::Sought)) => {
                self.slot(slot).ended = false;
            }
            (Request::Close { slot: Slot(slot) }, _) => self.held[usize::from(slot)] = None,
            _ => {}
        }
        self.tells_others(request, reply)
    }

    /// Every slot that is asked of is open, and the one that is asked for is free.
    fn uses_open_slots(&self, request: &Request<Name>) -> Result<(), Broken> {
        let (used, asked) = (used(request), asked_for(request));
        if let Some(slot) = used.filter(|&slot| self.held(slot).is_none()) {
            return Err((Rule::Slots, format!("slot {} is closed", slot.0)));
        }
        if let Some(slot) = asked.filter(|&slot| self.held(slot).is_some()) {
            return Err((Rule::Slots, format!("slot {} is taken", slot.0)));
        }
        let open = self.held.iter().flatten().count();
        if asked.is_some() && open >= self.most_open {
            return Err((Rule::Slots, format!("{open} are open already")));
        }
        Ok(())
    }

    fn is_not_forgotten(&self, request: &Request<Name>, reply: &Reply<Name>) -> Result<(), Broken> {
        let (Reply::Open(Open::Gone(gone))
        | Reply::Identify(Identify::Gone(gone))
        | Reply::Read(Read::Gone(gone))
        | Reply::Seek(Seek::Gone(gone))
        | Reply::Unlink(Unlink::Gone(gone))
        | Reply::Rmdir(Rmdir::Gone(gone))) = *reply
        else {
            return Ok(());
        };
        // The path of the root's parent may lead over other file systems.
        let identity = used(request).and_then(|slot| self.identity(slot));
        let is_home = identity.is_some_and(|identity| Some(identity.mount) == self.home);
        if gone == Gone::Stale && self.is_local() && is_home {
            return Err((Rule::Stale, "files are local here".to_owned()));
        }
        // statx of an open directory looks nothing up; a FUSE server may still say so.
        if matches!(reply, Reply::Identify(_)) && gone == Gone::Missing && self.is_local() {
            return Err((
                Rule::Errno,
                "statx answers for removed directories".to_owned(),
            ));
        }
        Ok(())
    }

    /// A directory that answered that it was removed shows no sign of life.
    fn lives(&mut self, request: &Request<Name>, reply: &Reply<Name>) -> Result<(), Broken> {
        let (slot, is_alive) = match (*request, reply) {
            (
                Request::OpenRoot { base: slot, .. } | Request::Open { parent: slot, .. },
                Reply::Open(open),
            ) => (
                slot,
                matches!(open, Open::Opened | Open::NotDirectory | Open::Mounted),
            ),
            (Request::Read { slot }, Reply::Read(read)) => {
                (slot, matches!(read, Read::Entry { .. } | Read::End))
            }
            (Request::Unlink { parent, .. }, Reply::Unlink(unlink)) => (
                parent,
                matches!(unlink, Unlink::Removed | Unlink::IsDirectory),
            ),
            (
                Request::Rmdir { parent: slot, .. } | Request::RmdirRoot { base: slot },
                Reply::Rmdir(rmdir),
            ) => (
                slot,
                matches!(
                    rmdir,
                    Rmdir::Removed | Rmdir::NotEmpty | Rmdir::NotDirectory | Rmdir::Busy
                ),
            ),
            _ => return Ok(()),
        };
        if is_alive && self.held(slot).is_some_and(|held| held.dead) {
            return Err((
                Rule::Dead,
                format!("the directory of slot {} was removed", slot.0),
            ));
        }
        Ok(())
    }

    fn opened(&mut self, request: &Request<Name>, open: Open) -> Result<(), Broken> {
        if open == Open::Mounted && self.opening.replace(Opening::Openat2) == Some(Opening::Openat)
        {
            return Err((Rule::Mount, "a mount point was opened before".to_owned()));
        }
        if open != Open::Opened {
            return Ok(());
        }
        let (slot, came) = match *request {
            Request::OpenBase { slot } => (slot, Came::Base),
            Request::OpenRoot { base, slot } => (slot, Came::Name(self.identity(base), None)),
            Request::Open { parent, name, slot } => {
                (slot, Came::Name(self.identity(parent), Some(name)))
            }
            Request::OpenParent { child, slot } => (slot, Came::Parent(self.identity(child))),
            Request::OpenAbove { slot, .. } => (slot, Came::Above),
            _ => return Ok(()),
        };
        let index = usize::from(slot.0);
        if index >= self.held.len() {
            self.held.resize_with(index + 1, || None);
        }
        self.held[index] = Some(Held::new(came));
        Ok(())
    }

    fn identified(&mut self, slot: Slot, told: Identify) -> Result<(), Broken> {
        let identity = match told {
            Identify::Is(identity) => identity,
            Identify::Unsupported if self.identifies => {
                return Err((Rule::System, "a directory was identified before".to_owned()));
            }
            Identify::Unsupported | Identify::Gone(_) | Identify::Failed(_) => return Ok(()),
        };
        self.identifies = true;
        let known = self.identity(slot);
        if known.is_some_and(|known| self.known_as(known) != self.known_as(identity)) {
            return Err((Rule::Same, format!("slot {} was another directory", slot.0)));
        }
        let came = self.slot(slot).came;
        self.crosses_no_mount(came, identity)?;
        is_not_within(came, identity)?;
        self.has_its_number(slot, identity)?;
        self.is_not_dead(slot, came, identity)?;
        self.slot(slot).identity = Some(identity);
        Ok(())
    }

    /// A name is opened within its mount, unless it is the root that is kept or openat2 is not there.
    fn crosses_no_mount(&mut self, came: Came, identity: Identity) -> Result<(), Broken> {
        let is_free = matches!(came, Came::Name(_, None)) && self.keep_root;
        match came {
            Came::Name(Some(parent), _) if parent.mount != identity.mount && !is_free => {
                if self.opening.replace(Opening::Openat) == Some(Opening::Openat2) {
                    return Err((Rule::Mount, "openat2 stopped at mounts before".to_owned()));
                }
                Ok(())
            }
            Came::Parent(Some(child)) if child.mount != identity.mount => {
                Err((Rule::Mount, "`..` led to another mount".to_owned()))
            }
            Came::Base | Came::Name(..) | Came::Parent(_) | Came::Above => Ok(()),
        }
    }

    /// While a directory is open, nothing else has its number.
    fn has_its_number(&self, slot: Slot, identity: Identity) -> Result<(), Broken> {
        if !self.is_local() {
            return Ok(());
        }
        let ours = self.known_as(identity);
        let clashes = |other: Identity| {
            let theirs = self.known_as(other);
            (ours.device, ours.number) == (theirs.device, theirs.number) && ours != theirs
        };
        let other = self
            .held
            .iter()
            .flatten()
            .filter_map(|held| held.identity)
            .find(|&other| clashes(other));
        match other {
            Some(other) => Err((
                Rule::Number,
                format!(
                    "slot {} has number {}, born {}, and one born {} is open",
                    slot.0, ours.number, ours.birth.0, other.inode.birth.0
                ),
            )),
            None => Ok(()),
        }
    }

    /// What was removed, or gave its number away, is reached by `..` at most.
    fn is_not_dead(&mut self, slot: Slot, came: Came, identity: Identity) -> Result<(), Broken> {
        let directory = self.known_as(identity);
        if directory.birth == Birth::UNKNOWN || !self.is_local() {
            return Ok(());
        }
        if self.dead.contains(&directory) {
            if let Came::Name(..) | Came::Base = came {
                return Err((
                    Rule::Dead,
                    "it was removed, and has a name again".to_owned(),
                ));
            }
            self.slot(slot).dead = true;
        }
        let number = (directory.device, directory.number);
        match self.births.insert(number, directory.birth) {
            Some(birth) if birth != directory.birth => {
                self.dead.insert(Directory { birth, ..directory });
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    fn read<'a>(
        &mut self,
        slot: Slot,
        read: Read<Name>,
        bytes: impl FnOnce(Name) -> &'a [u8],
    ) -> Result<(), Broken> {
        let is_local = self.is_local();
        match read {
            Read::Entry { name, position, .. } => {
                let bytes = bytes(name);
                if matches!(bytes, b"" | b"." | b"..") || bytes.iter().any(|b| b"/\0".contains(b)) {
                    return Err((Rule::Name, "no entry is called so".to_owned()));
                }
                let held = self.slot(slot);
                if held.ended {
                    return Err((Rule::Listing, "the listing was at its end".to_owned()));
                }
                if held.listed.insert(name, position) == Some(position) && is_local {
                    return Err((
                        Rule::Listing,
                        "the same entry, at the same place".to_owned(),
                    ));
                }
            }
            Read::End => self.slot(slot).ended = true,
            Read::Gone(_) => {
                self.slot(slot).dead = true;
                let identity = self.identity(slot);
                self.dead
                    .extend(identity.map(|identity| self.known_as(identity)));
            }
            Read::Failed(_) => {}
        }
        Ok(())
    }

    /// What a step tells of others who only remove.
    fn tells_others(&mut self, request: &Request<Name>, reply: &Reply<Name>) -> Result<(), Broken> {
        // Where names may be cached, or births are not known, they prove nothing.
        if !self.is_local() || !self.kept.is_some_and(|kept| kept.births) {
            return Ok(());
        }
        let Some(mut known) = self.known.take() else {
            return Ok(());
        };
        let result = match *request {
            // What the root is on is known only when it was identified.
            Request::Identify { slot } | Request::Inspect { slot } => {
                self.tells_parent(&mut known, slot)
            }
            // No name of it is asked for.
            Request::OpenParent { .. } | Request::OpenAbove { .. } => Ok(()),
            _ => match used(request).and_then(|slot| self.identity(slot)) {
                Some(parent) => known.step(self.known_as(parent), request, reply),
                None => Ok(()),
            },
        };
        self.known = Some(known);
        result.map_err(|why| (Rule::Others, why.to_owned()))
    }

    /// What an open directory is called, or is the parent of.
    fn tells_parent(&self, known: &mut Known, slot: Slot) -> Result<(), &'static str> {
        let Some((identity, came)) = self
            .held(slot)
            .and_then(|held| Some((held.identity?, held.came)))
        else {
            return Ok(());
        };
        let directory = self.known_as(identity);
        match came {
            Came::Name(Some(parent), name) => known.is(self.known_as(parent), name, directory),
            Came::Parent(Some(child)) => known.parent(self.known_as(child), directory),
            Came::Base | Came::Name(None, _) | Came::Parent(None) | Came::Above => Ok(()),
        }
    }

    /// Which directory an identity is, as far as this file system can be believed.
    fn known_as(&self, identity: Identity) -> Directory {
        let is_believed = self.kept.is_none_or(|kept| kept.births);
        Directory {
            device: identity.device,
            number: identity.inode.number,
            birth: if is_believed {
                identity.inode.birth
            } else {
                Birth::UNKNOWN
            },
        }
    }

    fn is_local(&self) -> bool {
        self.kept.is_some_and(|kept| kept.positions)
    }

    fn held(&self, Slot(slot): Slot) -> Option<&Held> {
        self.held.get(usize::from(slot))?.as_ref()
    }

    fn identity(&self, slot: Slot) -> Option<Identity> {
        self.held(slot)?.identity
    }

    /// An open slot; which slots are open was looked at before.
    fn slot(&mut self, Slot(slot): Slot) -> &mut Held {
        self.held[usize::from(slot)].get_or_insert_with(|| Held::new(Came::Base))
    }
}

/// A directory is reached from another one.
fn is_not_within(came: Came, identity: Identity) -> Result<(), Broken> {
    let (Came::Name(Some(other), _) | Came::Parent(Some(other))) = came else {
        return Ok(());
    };
    // The other is still open, so that its number alone tells it.
    let is_same = other.mount == identity.mount
        && other.device == identity.device
        && other.inode.number == identity.inode.number;
    if is_same {
        return Err((
            Rule::Within,
            "it is the directory it was reached from".to_owned(),
        ));
    }
    Ok(())
}

/// The slot that a request uses.
fn used(request: &Request<Name>) -> Option<Slot> {
    match *request {
        Request::OpenBase { .. } => None,
        Request::OpenRoot { base: slot, .. }
        | Request::Open { parent: slot, .. }
        | Request::OpenParent { child: slot, .. }
        | Request::OpenAbove { child: slot, .. }
        | Request::Identify { slot }
        | Request::Inspect { slot }
        | Request::Read { slot }
        | Request::Seek { slot, .. }
        | Request::Unlink { parent: slot, .. }
        | Request::Rmdir { parent: slot, .. }
        | Request::RmdirRoot { base: slot }
        | Request::Close { slot } => Some(slot),
    }
}

/// The slot that is to be opened.
fn asked_for(request: &Request<Name>) -> Option<Slot> {
    match *request {
        Request::OpenBase { slot }
        | Request::OpenRoot { slot, .. }
        | Request::Open { slot, .. }
        | Request::OpenParent { slot, .. }
        | Request::OpenAbove { slot, .. } => Some(slot),
        Request::Identify { .. }
        | Request::Inspect { .. }
        | Request::Read { .. }
        | Request::Seek { .. }
        | Request::Unlink { .. }
        | Request::Rmdir { .. }
        | Request::RmdirRoot { .. }
        | Request::Close { .. } => None,
    }
}
