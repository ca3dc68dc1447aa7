//! docs/kernel.md shows the facts that are kept, all of them, and the model allows them.
//!
//! Measuring takes root, file systems and minutes; `tests/filesystems/facts` does it.

use fell_model::facts::page::{kept, stale};
use fell_model::facts::record::{compare, parse};
use std::path::Path;

#[test]
fn the_page_is_drawn_from_what_is_kept() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let stale = stale(&docs).expect("the page and the facts");
    assert!(stale.is_none(), "run `cargo model facts page`");
}

#[test]
fn what_is_kept_is_whole_and_allowed() {
    let columns = parse(&std::fs::read_to_string(kept()).expect("the facts"));
    assert!(columns.len() >= 10, "{} columns", columns.len());
    let found = compare(&columns, &columns);
    assert!(found.failures.is_empty(), "{:#?}", found.failures);
}
