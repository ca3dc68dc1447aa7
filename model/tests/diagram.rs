//! The documents say what the machine does.

use fell::machine::{Row, StateName, TABLE};
use std::fs;
use std::path::{Path, PathBuf};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

#[test]
fn the_documents_are_fresh() {
    let stale = fell_model::diagram::stale(&docs()).unwrap();
    let stale: Vec<_> = stale.iter().map(|(path, _)| path.display()).collect();
    assert!(stale.is_empty(), "{stale:?}: run `cargo model diagram`");
}

fn row(arm: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| format!("{:?}", row.arm) == arm)
}

/// Between backquotes a word that begins like an arm is one.
#[test]
fn the_arms_that_are_named_exist() {
    const FIRST: [&str; 8] = [
        "Descend",
        "Strip",
        "Ascend",
        "RemoveEmpty",
        "Child",
        "Root",
        "Retry",
        "Done",
    ];
    for name in ["machine.md", "architecture.md"] {
        let text = fs::read_to_string(docs().join(name)).unwrap();
        for word in text.split('`').skip(1).step_by(2) {
            let rest = FIRST.iter().find_map(|first| word.strip_prefix(first));
            if rest.is_some_and(|rest| rest.starts_with(char::is_uppercase)) {
                assert!(row(word).is_some(), "{name}: `{word}` is no arm");
            }
        }
    }
}

/// In the examples every arm may follow the one before it.
#[test]
fn the_examples_follow_the_table() {
    let text = fs::read_to_string(docs().join("machine.md")).unwrap();
    let examples: Vec<&str> = text
        .split("```text\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(examples.len() > 10);
    for example in examples {
        let mut next: Option<&[StateName]> = None;
        for line in example.lines() {
            let word = line.split_whitespace().next().unwrap();
            match word {
                "others:" => {}
                "…" => next = None,
                _ => {
                    let row = row(word).unwrap_or_else(|| panic!("no arm: {line}"));
                    let follows = next.is_none_or(|next| next.contains(&row.state));
                    assert!(follows, "may not follow: {line}");
                    next = Some(row.next);
                }
            }
        }
    }
}
