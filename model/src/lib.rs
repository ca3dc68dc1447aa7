//! Checks the machine of `fell` against every adversary. The next step of the work fills it.

pub mod diagram;
