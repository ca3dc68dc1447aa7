//! What others did meanwhile, where a trace says what they may do.
//!
//! Others who only remove make nothing and move nothing: a name that went stays away, what a name
//! stands for is what it stood for, and a directory's parent is the one it was found in. By default
//! others may do anything, and none of this is looked at.

use super::monitor::Directory;
use super::read::Name;
use fell::machine::{Kind, Open, Read, Reply, Request, Rmdir, Unlink};
use std::collections::HashMap;

/// What others may have done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Others {
    /// Anything.
    #[default]
    Anyone,
    /// They removed, and did nothing else.
    Removers,
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Thing {
    /// It is there, and its type was not told.
    Something,
    File,
    Directory(Option<Directory>),
    Nothing,
}

/// A name in a directory; the root's own is `None`.
type Place = (Directory, Option<Name>);

/// What is known of names and parents.
#[derive(Debug, Default)]
pub(super) struct Known {
    things: HashMap<Place, Thing>,
    parents: HashMap<Directory, Directory>,
}

impl Known {
    /// A request about a name in `parent`, or for its next one, was answered.
    pub(super) fn step(
        &mut self,
        parent: Directory,
        request: &Request<Name>,
        reply: &Reply<Name>,
    ) -> Result<(), &'static str> {
        let place = (parent, request.name());
        let directory = Thing::Directory(None);
        match *reply {
            Reply::Read(Read::Entry { name, kind, .. }) => {
                let thing = match kind {
                    Kind::Directory => directory,
                    Kind::File => Thing::File,
                    Kind::Unknown => Thing::Something,
                };
                self.there((parent, Some(name)), thing)
            }
            Reply::Open(Open::Opened | Open::Mounted)
            | Reply::Unlink(Unlink::IsDirectory)
            | Reply::Rmdir(Rmdir::NotEmpty | Rmdir::Busy) => self.there(place, directory),
            Reply::Open(Open::NotDirectory) | Reply::Rmdir(Rmdir::NotDirectory) => {
                self.there(place, Thing::File)
            }
            Reply::Unlink(Unlink::Removed) => {
                self.there(place, Thing::File)?;
                self.went(place);
                Ok(())
            }
            Reply::Rmdir(Rmdir::Removed) => {
                self.there(place, directory)?;
                self.went(place);
                Ok(())
            }
            Reply::Open(Open::Gone(_))
            | Reply::Unlink(Unlink::Gone(_))
            | Reply::Rmdir(Rmdir::Gone(_)) => {
                self.went(place);
                Ok(())
            }
            Reply::Open(Open::Exhausted(_) | Open::Failed(_))
            | Reply::Unlink(Unlink::Denied(_) | Unlink::Failed(_))
            | Reply::Rmdir(Rmdir::Failed(_))
            | Reply::Read(_)
            | Reply::Identify(_)
            | Reply::Inspect(_)
            | Reply::Seek(_)
            | Reply::Closed => Ok(()),
        }
    }

    /// The directory that was opened under a name is `directory`.
    pub(super) fn is(
        &mut self,
        parent: Directory,
        name: Option<Name>,
        directory: Directory,
    ) -> Result<(), &'static str> {
        self.parents.insert(directory, parent);
        self.there((parent, name), Thing::Directory(Some(directory)))
    }

    /// The `..` of `child` is `parent`.
    pub(super) fn parent(
        &mut self,
        child: Directory,
        parent: Directory,
    ) -> Result<(), &'static str> {
        match self.parents.insert(child, parent) {
            Some(known) if known != parent => Err("a directory was moved"),
            Some(_) | None => Ok(()),
        }
    }

    fn there(&mut self, place: Place, thing: Thing) -> Result<(), &'static str> {
        let known = self.things.entry(place).or_insert(thing);
        *known = match (*known, thing) {
            (Thing::Nothing, _) => return Err("a name came back"),
            (Thing::Something, thing) => thing,
            (Thing::Directory(None), Thing::Directory(which)) => Thing::Directory(which),
            (known, Thing::Something) | (known @ Thing::Directory(_), Thing::Directory(None)) => {
                known
            }
            (known, thing) if known == thing => known,
            _ => return Err("a name stands for something else"),
        };
        Ok(())
    }

    fn went(&mut self, place: Place) {
        self.things.insert(place, Thing::Nothing);
    }
}
