//! What an observer sees: one request and its reply, before the machine takes it.

use super::ledger::Ledger;
use crate::kernel::{Name, NameStore};
use crate::machine::{Reply, Request, Walker};
use crate::report::Report;
use core::ffi::CStr;
use std::path::PathBuf;

/// One request and its reply. The observer is called after each, in the walk's own thread, and a
/// `ControlFlow::Break` cancels the walk before its next request.
///
/// For a look at progress use [`Event::report`]; for a line per removed entry match on
/// [`Event::reply`] and ask for [`Event::path`], which is built only then.
#[derive(Debug)]
pub struct Event<'a> {
    /// What the walker asked.
    pub request: Request<Name>,
    /// What came of it.
    pub reply: Reply<Name>,
    pub(super) walker: &'a Walker<Name>,
    pub(super) names: &'a NameStore,
    pub(super) ledger: &'a Ledger<'a>,
}

impl Event<'_> {
    /// The walker before it takes the reply.
    #[must_use]
    pub fn walker(&self) -> &Walker<Name> {
        self.walker
    }

    /// The name behind a token of the request or the reply.
    #[must_use]
    pub fn name(&self, name: Name) -> &CStr {
        self.names.get(name)
    }

    /// The report so far. Its leftovers may still become void, and then leave it again.
    #[must_use]
    pub fn report(&self) -> &Report {
        self.ledger.report()
    }

    /// The path of what the request is about, beginning with the root as it was given: the entry of
    /// an open, unlink or rmdir, else the directory the walker is in. Costs the depth.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        let level = self.walker.levels().len().saturating_sub(1);
        let level = u32::try_from(level).unwrap_or(u32::MAX);
        self.ledger
            .path(self.walker, self.names, level, self.request.name())
    }
}
