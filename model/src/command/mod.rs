//! What `fell-model` can be asked to do, one file each.

pub(crate) mod check;
pub(crate) mod conform;
pub(crate) mod explore;
pub(crate) mod facts;
pub(crate) mod lineage;
pub(crate) mod replay;
pub(crate) mod teeth;
pub(crate) mod tour;
