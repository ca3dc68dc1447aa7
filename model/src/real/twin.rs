//! The shipped walker on the shipped kernel, step for step with a walker of the model.

use super::above::Above;
use super::listing::compare_listing;
use super::nature::as_nobody;
use super::site::Site;
use super::{Result, Trouble, name_of};
use crate::config::Config;
use crate::universe::State;
use crate::words;
use fell::RootPath;
use fell::kernel::{At, Calls, Kernel, Linux, MountIds, Name, NameStore, Opening, failed};
use fell::machine::{Errno, Identify, Inspect, Position, Read, Reply, Request, Slot, Stop, Walker};

/// How listings are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listing {
    /// Each reading reads the directory whole, which must be what the model has in it; what it
    /// returns is the caller's wish. Positions are sought, and then read from the beginning.
    Sorted,
    /// As the kernel gives it: read ahead in its order, at its positions.
    Own,
}

/// A walker on a site.
#[derive(Debug)]
pub struct Twin<'a> {
    walker: Walker<Name>,
    names: NameStore,
    linux: Linux<'a>,
    above: Above,
    who: usize,
    listing: Listing,
    /// The kernel's positions, and the model's for the same places.
    positions: Vec<(Position, Position)>,
}

/// What the kernel answered, or what was answered in its place.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// In the words of the model; one of the replies that it allows, or a fault.
    pub said: Reply<u8>,
    /// In the walker's own.
    own: Reply<Name>,
}

impl<'a> Twin<'a> {
    /// Walker `who` of a configuration, which has asked nothing yet.
    #[must_use]
    pub fn new(config: &Config, root: &'a RootPath, who: usize, listing: Listing) -> Twin<'a> {
        let dialect = &config.dialect;
        let calls = Calls {
            opening: if dialect.openat2 {
                Calls::probed().opening
            } else {
                Opening::Openat
            },
            mount_ids: if dialect.mount_ids {
                MountIds::Statx
            } else {
                MountIds::Absent
            },
        };
        Twin {
            walker: Walker::new(config.limits),
            names: NameStore::default(),
            linux: Linux::new(root, At::Path, config.limits.keep_root).with_calls(calls),
            above: Above::default(),
            who,
            listing,
            positions: vec![(Position::default(), Position::default())],
        }
    }

    /// The walker.
    #[must_use]
    pub fn walker(&self) -> &Walker<Name> {
        &self.walker
    }

    /// Stops it.
    pub fn stop(&mut self, why: Stop) {
        self.walker.stop(why);
    }

    /// Takes a name from it.
    pub fn hand_on(&mut self) -> bool {
        self.walker.hand_on().is_some()
    }

    /// Whether it asks what the model's walker asks.
    ///
    /// # Errors
    ///
    /// [`Trouble::Differs`] if not.
    pub fn asks_the_same(&self, state: &State<Walker<u8>>) -> Result<()> {
        let model = state.walker(self.who).request();
        let own = self.walker.request();
        let is_same = match (model, own) {
            (None, None) => self.walker.outcome() == state.walker(self.who).outcome(),
            (Some(model), Some(own)) => self.is_same(&model, &own),
            _ => false,
        };
        if is_same {
            return Ok(());
        }
        Err(Trouble::Differs(format!(
            "the walkers part: the model's asks {model:?}, the shipped one {own:?}"
        )))
    }

    fn is_same(&self, model: &Request<u8>, own: &Request<Name>) -> bool {
        let position = match (*model, *own) {
            (Request::Seek { position: a, .. }, Request::Seek { position: b, slot }) => {
                let is_known = self.positions.contains(&(b, a));
                Some((is_known, Request::Seek { slot, position: a }))
            }
            _ => None,
        };
        let (is_known, own) = position.unwrap_or((true, *own));
        is_known && self.spelled(&own) == Some(*model)
    }

    /// A request with the model's names.
    fn spelled(&self, request: &Request<Name>) -> Option<Request<u8>> {
        let name = |name| name_of(self.names.bytes(name));
        Some(match *request {
            Request::OpenBase { slot } => Request::OpenBase { slot },
            Request::OpenRoot { base, slot } => Request::OpenRoot { base, slot },
            Request::Open {
                parent,
                name: n,
                slot,
            } => Request::Open {
                parent,
                name: name(n)?,
                slot,
            },
            Request::OpenParent { child, slot } => Request::OpenParent { child, slot },
            Request::OpenAbove { child, slot } => Request::OpenAbove { child, slot },
            Request::Identify { slot } => Request::Identify { slot },
            Request::Inspect { slot } => Request::Inspect { slot },
            Request::Read { slot } => Request::Read { slot },
            Request::Seek { slot, position } => Request::Seek { slot, position },
            Request::Unlink { parent, name: n } => Request::Unlink {
                parent,
                name: name(n)?,
            },
            Request::Rmdir { parent, name: n } => Request::Rmdir {
                parent,
                name: name(n)?,
            },
            Request::RmdirRoot { base } => Request::RmdirRoot { base },
            Request::Close { slot } => Request::Close { slot },
        })
    }

    /// Carries the outstanding request out. `wish` is the reply that the caller would like, where
    /// there is a choice. Neither walker has taken its step yet: see [`Twin::step`].
    ///
    /// # Errors
    ///
    /// [`Trouble::Differs`] when the walkers ask for different things, or the kernel answers what
    /// the model does not allow.
    pub fn ask(
        &mut self,
        site: &Site,
        config: &Config,
        state: &State<Walker<u8>>,
        wish: Option<Reply<u8>>,
    ) -> Result<Heard> {
        self.asks_the_same(state)?;
        let Some(request) = self.walker.request() else {
            return Err(Trouble::Differs("the walk is over".to_owned()));
        };
        let mut allowed = Vec::new();
        state.replies(config, self.who, &mut allowed);
        let own = match (request, self.listing) {
            (Request::Read { slot }, Listing::Sorted) => {
                let wish = wish.or(allowed.first().copied());
                self.read_sorted(site, state, slot, config.dialect.unknown_kinds, wish)?
            }
            _ => self.call(site, request),
        };
        let said = self.translated(site, config, state, &allowed, own);
        let heard = said.map(|said| Heard {
            said,
            own: self.expressed(own, said),
        });
        match heard {
            Some(heard) if allowed.contains(&heard.said) => Ok(heard),
            _ => {
                let words = self.differs(state, &allowed, said, own);
                let trouble = self.above.trouble(&config.dialect, &request, said);
                Err(trouble(words))
            }
        }
    }

    /// Answers the outstanding request with an errno in the kernel's place: a fault, which the model
    /// need not allow. Nothing is carried out. None for a request that cannot fail.
    ///
    /// # Errors
    ///
    /// [`Trouble::Differs`] when the walkers ask for different things.
    pub fn fail(&self, state: &State<Walker<u8>>, errno: Errno) -> Result<Option<Heard>> {
        self.asks_the_same(state)?;
        let model = state.walker(self.who).request();
        let said = model.and_then(|request| failed(&request, errno));
        let own = self.walker.request();
        let own = own.and_then(|request| failed(&request, errno));
        Ok(said.zip(own).map(|(said, own)| Heard { said, own }))
    }

    /// The shipped walker takes its step. The model's is the caller's.
    pub fn step(&mut self, heard: Heard) {
        self.walker.step(&mut self.names, heard.own);
    }

    fn call(&mut self, site: &Site, request: Request<Name>) -> Reply<Name> {
        self.above.note(&request);
        let Twin { linux, names, .. } = self;
        as_nobody(site.is_for_nobody(), || linux.answer(request, names))
    }

    /// To the beginning of the listing: the next reading reads it whole anyway.
    fn rewind(&mut self, site: &Site, slot: Slot) -> Reply<Name> {
        let position = Position::default();
        self.call(site, Request::Seek { slot, position })
    }

    /// Reads the directory whole, which must be what the model has in it, and answers `wish`.
    fn read_sorted(
        &mut self,
        site: &Site,
        state: &State<Walker<u8>>,
        slot: Slot,
        unknown: bool,
        wish: Option<Reply<u8>>,
    ) -> Result<Reply<Name>> {
        // Twice: behind the end the names of the first reading are no more.
        let mut counted = 0;
        self.rewind(site, slot);
        loop {
            match self.call(site, Request::Read { slot }) {
                Reply::Read(Read::Entry { .. }) => counted += 1,
                Reply::Read(Read::End) => break,
                error => return Ok(error),
            }
        }
        self.rewind(site, slot);
        let mut have = Vec::new();
        for _ in 0..counted {
            let reply = self.call(site, Request::Read { slot });
            let Reply::Read(Read::Entry { name, kind, .. }) = reply else {
                break;
            };
            have.push((name_of(self.names.bytes(name)), kind, reply));
        }
        let world = &state.world;
        let listed = have.iter().map(|&(name, kind, _)| (name, kind)).collect();
        compare_listing(world, self.who, slot, unknown, listed)?;
        have.retain(|&(name, ..)| name.is_some_and(|n| !world.has_returned(self.who, slot, n)));
        have.sort_by_key(|&(name, ..)| name);
        // What came meanwhile may be left out, and what a cache has may be gone from it.
        let next = match wish {
            Some(Reply::Read(Read::End)) => None,
            Some(Reply::Read(Read::Entry { name, .. })) => {
                let wished = have.iter().find(|&&(have, ..)| have == Some(name));
                wished.or(have.first())
            }
            _ => have.first(),
        };
        Ok(next.map_or(Reply::Read(Read::End), |&(_, _, reply)| reply))
    }

    /// What the kernel said in the words of the model, if it has any.
    fn translated(
        &self,
        site: &Site,
        config: &Config,
        state: &State<Walker<u8>>,
        allowed: &[Reply<u8>],
        own: Reply<Name>,
    ) -> Option<Reply<u8>> {
        Some(match own {
            Reply::Open(open) => Reply::Open(open),
            Reply::Identify(Identify::Is(identity)) => {
                let told = site.tell(&state.world, &config.dialect, identity)?;
                Reply::Identify(Identify::Is(told))
            }
            Reply::Identify(other) => Reply::Identify(other),
            // Births that are kept and never told are none.
            Reply::Inspect(kept) => Reply::Inspect(Inspect {
                births: kept.births && config.dialect.births,
                ..kept
            }),
            Reply::Read(Read::Entry { name, kind, .. }) => {
                let name = name_of(self.names.bytes(name))?;
                *allowed.iter().find(|reply| {
                    matches!(reply, Reply::Read(Read::Entry { name: n, kind: k, .. })
                        if *n == name && *k == kind)
                })?
            }
            Reply::Read(Read::End) => Reply::Read(Read::End),
            Reply::Read(Read::Gone(gone)) => Reply::Read(Read::Gone(gone)),
            Reply::Read(Read::Failed(errno)) => Reply::Read(Read::Failed(errno)),
            Reply::Seek(seek) => Reply::Seek(seek),
            Reply::Unlink(unlink) => Reply::Unlink(unlink),
            Reply::Rmdir(rmdir) => Reply::Rmdir(rmdir),
            Reply::Closed => Reply::Closed,
        })
    }

    /// What the walker is told: identities are the model's.
    fn expressed(&mut self, own: Reply<Name>, said: Reply<u8>) -> Reply<Name> {
        match (own, said) {
            (
                Reply::Read(Read::Entry { position, .. }),
                Reply::Read(Read::Entry { position: told, .. }),
            ) => {
                if !self.positions.contains(&(position, told)) {
                    self.positions.push((position, told));
                }
                own
            }
            (_, Reply::Identify(identify)) => Reply::Identify(identify),
            (_, Reply::Inspect(kept)) => Reply::Inspect(kept),
            _ => own,
        }
    }

    fn differs(
        &self,
        state: &State<Walker<u8>>,
        allowed: &[Reply<u8>],
        said: Option<Reply<u8>>,
        own: Reply<Name>,
    ) -> String {
        let asked = state.walker(self.who).request();
        let asked = asked.map_or_else(String::new, |request| {
            words::asks(&state.world, self.who, &request)
        });
        let says = |reply: &Reply<u8>| format!("{} ({reply:?})", words::says(reply));
        let model: Vec<String> = allowed.iter().map(says).collect();
        let kernel = said.map_or_else(|| format!("{own:?}"), |said| says(&said));
        format!(
            "walker {} asks: {asked}\n  the model allows: {}\n  the kernel says:  {kernel}",
            self.who,
            model.join("; or ")
        )
    }
}
