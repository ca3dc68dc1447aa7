//! A listing held against the world, for walkers and boards alike.

use super::{Result, Trouble};
use crate::world::{Entry, World};
use fell::machine::{Kind, Slot};

/// Whether `have`, read from the beginning to the end, is what the world has in a slot's directory.
/// What is dead has nothing, but an NFS client may still tell what went: [`World::may_linger`].
///
/// # Errors
///
/// [`Trouble::Differs`] if not.
pub(crate) fn compare_listing(
    world: &World,
    who: usize,
    slot: Slot,
    unknown: bool,
    mut have: Vec<(Option<u8>, Kind)>,
) -> Result<()> {
    let Some(dir) = world.open_dir(who, slot) else {
        return Err(Trouble::Differs(format!("slot {} is not open", slot.0)));
    };
    let kind = |entry| match entry {
        Entry::Directory(_) => Kind::Directory,
        _ => Kind::File,
    };
    let listed = world.list(dir).map(|(n, e)| (Some(n), kind(e)));
    let want: Vec<_> = listed.filter(|_| world.is_alive(dir)).collect();
    have.sort_by_key(|&(name, _)| name);
    let is_there = |name| want.iter().any(|&(want, _)| want == name);
    have.retain(|&(name, _)| {
        let lingers = name.is_some_and(|name| world.may_linger(who, slot, name));
        is_there(name) || !lingers
    });
    let is_same = |(want, have): (&(_, Kind), &(_, Kind))| {
        let untold = unknown && have.1 == Kind::Unknown;
        want.0 == have.0 && (want.1 == have.1 || untold)
    };
    if want.len() == have.len() && want.iter().zip(&have).all(is_same) {
        return Ok(());
    }
    Err(Trouble::Differs(format!(
        "the listing of #{} is {have:?}; in the model it is {want:?}",
        dir.0
    )))
}
