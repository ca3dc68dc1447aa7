//! Makes the bent copy of the machine: `src/machine` with every patch of `src/teeth/variants.rs`,
//! each behind a question which variant is chosen. One copy serves all variants, so they compile
//! once. A patch that fits no place, or two, fails the build.

use std::env;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

#[allow(dead_code)]
mod variants {
    include!("src/teeth/variants.rs");
}

/// Files with words only: the bent copy speaks those of the machine, so that one world serves both.
const SHARED: &[(&str, &str)] = &[
    ("limits", "Limits"),
    (
        "outcome",
        "At, Cause, Fault, Note, Outcome, Reason, Refusal, Stop",
    ),
    ("pending", "Names, Pending"),
    (
        "reply",
        "Birth, Errno, Gone, Identify, Identity, Inode, Inspect, Kind, Open, Read, Reply, Rmdir, \
         Seek, Unlink",
    ),
    ("request", "Operation, Position, Request, Slot"),
    ("table", "Arm, Row, StateName, TABLE"),
];

fn main() {
    let source = Path::new("../src/machine");
    println!("cargo::rerun-if-changed={}", source.display());
    println!("cargo::rerun-if-changed=src/teeth/variants.rs");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("bent");
    fs::create_dir_all(&out).expect("OUT_DIR can be written");
    let mut files: Vec<(String, String)> = fs::read_dir(source)
        .expect("the machine is there")
        .filter_map(Result::ok)
        .filter(|entry| entry.path().extension().is_some_and(|e| e == "rs"))
        .map(|entry| {
            let name = entry.file_name().into_string().expect("names are ASCII");
            (
                name,
                fs::read_to_string(entry.path()).expect("source is text"),
            )
        })
        .collect();
    for (number, variant) in variants::VARIANTS.iter().enumerate() {
        let chosen = format!("crate::teeth::is_bent({number})");
        for patch in variant.patches {
            let (_, text) = files
                .iter_mut()
                .find(|(name, _)| name == patch.file)
                .unwrap_or_else(|| panic!("{}: no file {}", variant.name, patch.file));
            let places = places(text, patch.find);
            let [place] = places.as_slice() else {
                panic!(
                    "{}: fits {} places of {}",
                    variant.name,
                    places.len(),
                    patch.file
                );
            };
            text.replace_range(place.clone(), &patch.replace.replace("BENT", &chosen));
        }
    }
    bend_rank(&out);
    for (name, text) in files {
        let module = name.trim_end_matches(".rs");
        if SHARED.iter().any(|(shared, _)| *shared == module) {
            continue;
        }
        let mut text = rewrite(&text);
        if name == "mod.rs" {
            text.push_str("\npub mod rank;\n");
        }
        fs::write(out.join(&name), text).expect("OUT_DIR can be written");
    }
    let path = out.join("mod.rs");
    let path = path.to_str().expect("OUT_DIR is text");
    let entry = format!("#[path = {path:?}]\nmod bent;\n");
    fs::write(out.with_extension("rs"), entry).expect("OUT_DIR can be written");
}

/// The rank of the bent copy is the same text, which only speaks of another walker.
fn bend_rank(out: &Path) {
    const WALKER: &str = "use fell::machine::{";
    println!("cargo::rerun-if-changed=src/rank.rs");
    let text = fs::read_to_string("src/rank.rs").expect("the rank is there");
    assert!(text.contains(WALKER), "rank.rs names its walker otherwise");
    let text = text.replace(WALKER, "use super::{");
    fs::write(out.join("rank.rs"), text).expect("OUT_DIR can be written");
}

/// Where `find` stands in `text`, whatever the white space between its words: how a line is wrapped
/// is no part of a patch.
fn places(text: &str, find: &str) -> Vec<Range<usize>> {
    let words: Vec<&str> = find.split_whitespace().collect();
    text.match_indices(words[0])
        .filter_map(|(start, first)| {
            let mut at = start + first.len();
            for word in &words[1..] {
                at += text[at..].len() - text[at..].trim_start().len();
                at += text[at..].strip_prefix(word).map(|_| word.len())?;
            }
            Some(start..at)
        })
        .collect()
}

/// The shared files become re-exports, and tests stay with the machine.
fn rewrite(text: &str) -> String {
    let mut text = text
        .replace("#[cfg(test)]\nmod tests;", "")
        .replace("alloc::vec::Vec", "std::vec::Vec");
    for (module, words) in SHARED {
        let exports = format!("mod {module} {{\n    pub use fell::machine::{{{words}}};\n}}\n");
        text = text.replace(&format!("pub mod {module};\n"), &exports);
        text = text.replace(&format!("mod {module};\n"), &exports);
    }
    text
}
