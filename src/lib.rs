#![cfg_attr(not(feature = "std"), no_std)]
//! Removes a directory tree while others remove, write or move things in it.

extern crate alloc;

pub mod machine;
