//! Names, and the tokens that stand for them.
//!
//! Two stores, told apart by one bit of the token: names of the listing that is being read, and
//! names the machine keeps. The kept ones are a stack of bytes in one buffer, NUL after each, so a
//! name is handed to the next system call where it lies. No name is allocated for itself.

use super::listing::Listing;
use crate::machine::Names;
use core::ffi::CStr;

/// The token of a name: a number with a bit for the store it is in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Name(u32);

impl Name {
    const FRESH: u32 = 1 << 31;

    /// The entry `index` of the current listing.
    pub(super) fn fresh(index: usize) -> Name {
        Name(Name::FRESH | number(index))
    }
}

/// Offsets are below 2^31 - 1: a listing has at most 32 KiB, and a way of 2^22 levels, as deep as the
/// default allows, at most 1 GiB where names have 255 bytes. The largest number stands for a name that
/// did not fit: it is kept nowhere and reads as the empty name, which no directory has.
fn number(index: usize) -> u32 {
    u32::try_from(index)
        .unwrap_or(u32::MAX)
        .min(Name::FRESH - 1)
}

/// Where the store ends.
const TOO_FAR: usize = (Name::FRESH - 1) as usize;

/// The names of one walk.
#[derive(Debug, Default)]
pub struct NameStore {
    pub(super) listing: Listing,
    kept: Vec<u8>,
    /// How much of `kept` is in use. What lies behind is forgotten, and still readable until the
    /// next name is kept.
    used: usize,
}

impl NameStore {
    /// The name behind a token; empty when it was forgotten long ago.
    #[must_use]
    pub fn get(&self, name: Name) -> &CStr {
        let from = (name.0 & !Name::FRESH) as usize;
        if from >= TOO_FAR {
            return c"";
        }
        let found = if name.0 & Name::FRESH == 0 {
            self.kept
                .get(from..)
                .and_then(|bytes| CStr::from_bytes_until_nul(bytes).ok())
        } else {
            self.listing.name(from)
        };
        found.unwrap_or(c"")
    }

    /// The bytes of the name behind a token.
    #[must_use]
    pub fn bytes(&self, name: Name) -> &[u8] {
        self.get(name).to_bytes()
    }
}

impl Names for NameStore {
    type Name = Name;

    fn keep(&mut self, fresh: Name) -> Name {
        let index = (fresh.0 & !Name::FRESH) as usize;
        let kept = Name(number(self.used));
        if self.used >= TOO_FAR {
            return kept;
        }
        self.kept.truncate(self.used);
        let name = self.listing.name(index).unwrap_or(c"");
        self.kept.extend_from_slice(name.to_bytes_with_nul());
        self.used = self.kept.len();
        kept
    }

    fn forget(&mut self, kept: Name) {
        self.used = self.used.min(kept.0 as usize);
    }

    fn clear(&mut self) {
        self.used = 0;
    }
}
