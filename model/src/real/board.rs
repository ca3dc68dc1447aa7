//! The shipped kernel without a walker: any request of any slot.

use super::above::Above;
use super::nature::as_nobody;
use super::site::Site;
use super::{Result, Trouble, failed, name_of};
use crate::world::{Dialect, NAMES, World};
use fell::RootPath;
use fell::kernel::{At, Kernel, Linux, Name, NameStore};
use fell::machine::{Identify, Kind, Names, Position, Read, Reply, Request, Slot};
use rustix::io::Errno;
use std::collections::BTreeSet;

/// Slots, and the kernel behind them.
#[derive(Debug)]
pub struct Board<'a> {
    linux: Linux<'a>,
    names: NameStore,
    /// The token of each name of the model.
    letters: Vec<Name>,
    /// Slots that were opened to be compared.
    paths: BTreeSet<u16>,
    above: Above,
}

impl<'a> Board<'a> {
    /// On a site that is planted. The kernel takes a name by its token only, and gives tokens for
    /// what it lists, so a directory with all names is listed first.
    ///
    /// # Errors
    ///
    /// When that directory cannot be made or listed.
    pub fn new(site: &Site, root: &'a RootPath) -> Result<Board<'a>> {
        let letters = site.letters()?;
        let path = RootPath::new(&letters).map_err(|_| failed("letters")(Errno::INVAL))?;
        let mut linux = Linux::new(&path, At::Path, false);
        let mut names = NameStore::default();
        let (base, slot) = (Slot(0), Slot(1));
        linux.answer(Request::OpenBase { slot: base }, &mut names);
        linux.answer(Request::OpenRoot { base, slot }, &mut names);
        let mut tokens = vec![None; usize::from(NAMES)];
        while let Reply::Read(Read::Entry { name, .. }) =
            linux.answer(Request::Read { slot }, &mut names)
        {
            if let Some(letter) = name_of(names.bytes(name)) {
                tokens[usize::from(letter)] = Some(names.keep(name));
            }
        }
        let all = tokens.into_iter().collect::<Option<Vec<Name>>>();
        Ok(Board {
            linux: Linux::new(root, At::Path, false),
            names,
            letters: all.ok_or_else(|| Trouble::Differs("letters are missing".to_owned()))?,
            paths: BTreeSet::new(),
            above: Above::default(),
        })
    }

    /// Whether a slot cannot be read, having been opened to be compared.
    #[must_use]
    pub fn is_path(&self, Slot(slot): Slot) -> bool {
        self.paths.contains(&slot)
    }

    /// What the kernel answers, in the words of the model; none if it has none for it. For readings
    /// there is [`Board::list`].
    pub fn ask(
        &mut self,
        site: &Site,
        world: &World,
        dialect: &Dialect,
        request: Request<u8>,
    ) -> Option<Reply<u8>> {
        match request {
            Request::OpenBase { slot } | Request::OpenAbove { slot, .. } => {
                self.paths.insert(slot.0);
            }
            Request::Open { slot, .. } | Request::OpenParent { slot, .. } => {
                self.paths.remove(&slot.0);
            }
            _ => {}
        }
        let request = self.spelled(request)?;
        Some(match self.call(site, request) {
            Reply::Identify(Identify::Is(identity)) => {
                Reply::Identify(Identify::Is(site.tell(world, dialect, identity)?))
            }
            Reply::Open(open) => Reply::Open(open),
            Reply::Identify(other) => Reply::Identify(other),
            Reply::Inspect(kept) => Reply::Inspect(kept),
            Reply::Seek(seek) => Reply::Seek(seek),
            Reply::Unlink(unlink) => Reply::Unlink(unlink),
            Reply::Rmdir(rmdir) => Reply::Rmdir(rmdir),
            Reply::Closed => Reply::Closed,
            Reply::Read(_) => return None,
        })
    }

    /// What a reply is that the model does not allow.
    #[must_use]
    pub fn trouble(
        &self,
        dialect: &Dialect,
        request: &Request<u8>,
        said: Option<Reply<u8>>,
    ) -> fn(String) -> Trouble {
        self.above.trouble(dialect, request, said)
    }

    /// Lists a slot from the beginning: its entries, and how it ended.
    pub fn list(&mut self, site: &Site, slot: Slot) -> (Vec<(Option<u8>, Kind)>, Read<Name>) {
        let position = Position::default();
        self.call(site, Request::Seek { slot, position });
        let mut all = Vec::new();
        loop {
            match self.call(site, Request::Read { slot }) {
                Reply::Read(Read::Entry { name, kind, .. }) => {
                    all.push((name_of(self.names.bytes(name)), kind));
                }
                Reply::Read(end) => return (all, end),
                _ => return (all, Read::End),
            }
        }
    }

    fn call(&mut self, site: &Site, request: Request<Name>) -> Reply<Name> {
        self.above.note(&request);
        let Board { linux, names, .. } = self;
        as_nobody(site.is_for_nobody(), || linux.answer(request, names))
    }

    fn spelled(&self, request: Request<u8>) -> Option<Request<Name>> {
        let token = |name: u8| self.letters.get(usize::from(name)).copied();
        Some(match request {
            Request::OpenBase { slot } => Request::OpenBase { slot },
            Request::OpenRoot { base, slot } => Request::OpenRoot { base, slot },
            Request::Open { parent, name, slot } => {
                let name = token(name)?;
                Request::Open { parent, name, slot }
            }
            Request::OpenParent { child, slot } => Request::OpenParent { child, slot },
            Request::OpenAbove { child, slot } => Request::OpenAbove { child, slot },
            Request::Identify { slot } => Request::Identify { slot },
            Request::Inspect { slot } => Request::Inspect { slot },
            Request::Read { slot } => Request::Read { slot },
            Request::Seek { slot, position } => Request::Seek { slot, position },
            Request::Unlink { parent, name } => {
                let name = token(name)?;
                Request::Unlink { parent, name }
            }
            Request::Rmdir { parent, name } => {
                let name = token(name)?;
                Request::Rmdir { parent, name }
            }
            Request::RmdirRoot { base } => Request::RmdirRoot { base },
            Request::Close { slot } => Request::Close { slot },
        })
    }
}
