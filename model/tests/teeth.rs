//! Every wrong variant is found, the copy without a patch keeps every law, and the document says so.

use fell_model::teeth::{bites, stale, unbent};
use std::path::Path;

#[test]
fn every_wrong_variant_is_found() {
    let all: Vec<_> = bites("").collect();
    let alive: Vec<_> = all
        .iter()
        .filter(|bite| bite.found.is_none())
        .map(|bite| bite.name)
        .collect();
    assert_eq!(alive, Vec::<&str>::new());
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let is_stale = stale(&docs, &all).unwrap().is_some();
    assert!(!is_stale, "run `cargo model teeth --write`");
}

#[test]
fn the_copy_without_a_patch_is_the_machine() {
    let (wrong, size) = unbent(2);
    assert_eq!(wrong, Vec::<String>::new());
    assert!(size.states > 100_000, "{}", size.states);
}
