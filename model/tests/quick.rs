//! The quick suite, as `fell-model check --quick` runs it, and the library as an embedder uses it.

use fell::machine::{Limits, Walker};
use fell_model::seen::Seen;
use fell_model::suite::{Golden, Tier, entries, run};
use fell_model::{Adversary, Check};

#[test]
fn the_quick_suite_holds_and_meets_every_arm() {
    let golden = Golden::read();
    let seen = Seen::default();
    let mut states = 0;
    for entry in entries().iter().filter(|entry| entry.tier == Tier::Quick) {
        let row = run::<Walker<u8>>(entry, 2, golden.get(&entry.config.name), &seen);
        assert_eq!(row.wrong, Vec::<String>::new(), "{}", row.name);
        states += row.size.states;
    }
    assert_eq!(seen.missing(), Vec::<String>::new());
    assert!(states >= 1_000_000, "{states}");
}

#[test]
fn names_of_configurations_are_unique() {
    let mut names: Vec<String> = entries().into_iter().map(|e| e.config.name).collect();
    let all = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn an_embedder_checks_limits_of_their_own() {
    let limits = Limits {
        max_open_dirs: 2,
        patience: 3,
        batch: 2,
        ..Limits::DEFAULT
    };
    let summary = Check::new()
        .entries(2)
        .budget(1)
        .adversaries([Adversary::Remover, Adversary::Mover])
        .limits(limits)
        .exactly()
        .run()
        .unwrap();
    assert!(summary.size.states > 200);
}
