//! What the lineage breaks and keeps: the document is fresh, and the claims that its prose makes hold.

use fell_model::lineage::{Promise, grows, settings, stale, subjects};
use fell_model::property::Law;
use std::path::Path;

#[test]
fn the_document_is_fresh() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let stale = stale(&docs).expect("docs/lineage.md is there");
    assert!(stale.is_none(), "run `cargo model lineage`");
}

/// What a remover breaks in a setting.
fn breaks(who: &str, with: &str) -> Vec<Promise> {
    let subject = subjects().into_iter().find(|s| s.name == who);
    let setting = settings().into_iter().find(|s| s.name == with);
    let cell = subject.expect(who).look(&setting.expect(with));
    cell.broken.iter().map(|broken| broken.promise).collect()
}

#[test]
fn koji_before_tells_success_over_what_is_left() {
    assert!(breaks("koji before", "writer").contains(&Promise::Law(Law::G5)));
    assert!(breaks("koji before", "remover, NFS").contains(&Promise::Law(Law::G5)));
}

#[test]
fn koji_after_believes_the_way_up_and_can_be_held_for_ever() {
    assert!(breaks("koji after", "mover").contains(&Promise::Law(Law::G4)));
    assert!(breaks("koji after", "swapper").contains(&Promise::Law(Law::G4)));
    assert!(breaks("koji after", "for ever").contains(&Promise::Forever));
    assert!(breaks("koji after", "remover").is_empty());
}

#[test]
fn fell_keeps_everything_where_others_do_not() {
    for setting in settings() {
        assert_eq!(breaks("fell", setting.name), [], "{}", setting.name);
    }
    for subject in subjects() {
        let recursive = ["std", "remove_dir_all"].contains(&subject.name);
        assert_eq!(grows(subject.handles()), recursive, "{}", subject.name);
    }
}
