//! The documents say what the machine does.

use std::path::Path;

#[test]
fn the_documents_are_fresh() {
    let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    let stale = fell_model::diagram::stale(docs).unwrap();
    let stale: Vec<_> = stale.iter().map(|(path, _)| path.display()).collect();
    assert!(stale.is_empty(), "{stale:?}: run `cargo model diagram`");
}
