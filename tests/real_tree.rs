//! Real input: the sources of everything this project is built from, copied until they are at least
//! 50,000 entries, removed by the command, alone and in company.
#![cfg(feature = "cli")]

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use support::beside::Beside;
use support::trees::{Site, census};

/// Entries of the tree, at least.
const ENTRIES: u64 = 50_000;

fn run(command: &mut Command) -> String {
    let output = command.output().expect("it starts");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {err}");
    String::from_utf8(output.stdout).expect("it prints UTF-8")
}

/// Where cargo keeps the sources of this project's dependencies. Asked of cargo, offline: what
/// the tests were built from is there.
fn sources() -> BTreeSet<PathBuf> {
    let version = run(Command::new("rustc").arg("-vV"));
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("a host");
    let metadata = run(Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version=1",
            "--offline",
            "--locked",
            "--all-features",
        ])
        // Those of other systems were perhaps never fetched.
        .args(["--filter-platform", host])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ]));
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let foreign = packages
        .iter()
        .filter(|package| package["source"].is_string());
    foreign
        .map(|package| Path::new(package["manifest_path"].as_str().expect("a path")))
        .map(|manifest| manifest.parent().expect("a file's parent").to_path_buf())
        .collect()
}

/// Copies a directory; the second time and later by hard links to the first copy, which is how
/// much the machine has to have memory for.
fn copy(from: &Path, to: &Path, each: fn(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
    fs::create_dir(to)?;
    let mut waiting = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = waiting.pop() {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let copy = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                fs::create_dir(&copy)?;
                waiting.push((entry.path(), copy));
            } else {
                each(&entry.path(), &copy)?;
            }
        }
    }
    Ok(())
}

/// Makes the tree.
fn real_tree(root: &Path) {
    let first = root.join("copy-0");
    fs::create_dir(&first).expect("mkdir");
    for source in sources() {
        let name = source.file_name().expect("name and version");
        copy(&source, &first.join(name), |from, to| {
            fs::copy(from, to).map(|_| ())
        })
        .expect("the sources can be copied");
    }
    let one = census(&first);
    let one = one.files + one.dirs + 1;
    assert!(one > 1000, "cargo keeps few sources here: {one} entries");
    for number in 1..ENTRIES.div_ceil(one) {
        let next = root.join(format!("copy-{number}"));
        copy(&first, &next, |from, to| fs::hard_link(from, to)).expect("links can be made");
    }
    let all = census(root);
    assert!(all.files + all.dirs >= ENTRIES, "{all:?}");
}

fn fell(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fell"));
    command.arg("--json").arg(root).stdin(Stdio::null());
    command
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let err = String::from_utf8_lossy(&output.stderr);
        panic!(
            "{error}: {}\n{err}",
            String::from_utf8_lossy(&output.stdout)
        )
    })
}

#[test]
fn alone_the_report_is_the_census() {
    let site = Site::new();
    real_tree(site.root());
    let there = census(site.root());
    let output = fell(site.root()).output().expect("the command starts");
    let object = object(&output);
    assert_eq!(output.status.code(), Some(0), "{object}");
    assert_eq!(object["outcome"], "removed");
    assert_eq!(object["files"], there.files);
    assert_eq!(object["dirs"], there.dirs + 1);
    assert_eq!(
        object["passes"],
        there.dirs + 1,
        "each directory is read once"
    );
    assert_eq!(object["vanished"], 0);
    assert_eq!(object["retries"], 0);
    assert_eq!(object["leftovers"], Value::Array(Vec::new()));
    assert!(output.stderr.is_empty());
    assert!(site.root().symlink_metadata().is_err());
    site.assert_canaries();
}

/// Makes files and directories all over the tree, as long as it is there.
fn write_in(root: &Path) -> u64 {
    let mut made = 0;
    let Ok(tops) = fs::read_dir(root) else {
        return 0;
    };
    for top in tops.filter_map(Result::ok) {
        let Ok(crates) = fs::read_dir(top.path()) else {
            continue;
        };
        // Some of them: whoever writes everywhere at once makes a flood, not company.
        for one in crates.filter_map(Result::ok).step_by(7) {
            let src = one.path().join("src");
            made += u64::from(fs::write(src.join("written beside"), "here\n").is_ok());
            let dir = src.join("made beside");
            made += u64::from(fs::create_dir(&dir).is_ok());
            made += u64::from(fs::write(dir.join("and in it"), "here\n").is_ok());
        }
    }
    made
}

/// A remover beside: a process that is waited for whatever happens.
struct Remover(Child);

impl Remover {
    fn new(command: &mut Command) -> Remover {
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        Remover(command.spawn().expect("the remover starts"))
    }
}

impl Drop for Remover {
    fn drop(&mut self) {
        let _ = self.0.wait();
    }
}

#[test]
fn in_company_the_report_is_right() {
    let site = Site::new();
    real_tree(site.root());
    let before = census(site.root());
    let root = site.root().to_path_buf();
    let writer = {
        let (root, mut made) = (root.clone(), 0);
        Beside::spawn(move |stop| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                made += write_in(&root);
                std::thread::yield_now();
            }
            made
        })
    };
    let removers = [
        Remover::new(Command::new("rm").arg("-rf").arg("--").arg(&root)),
        Remover::new(&mut fell(&root)),
    ];
    let output = fell(&root).output().expect("the command starts");
    drop(removers);
    let made = writer.stop();
    let object = object(&output);
    let number = |key: &str| object[key].as_u64().expect("a number");

    // What it says it removed was there: at first, or made since.
    assert!(
        number("files") + number("dirs") <= before.files + before.dirs + 1 + made,
        "{object}"
    );
    match object["outcome"].as_str() {
        Some("removed") => {
            assert_eq!(output.status.code(), Some(0));
            assert!(root.symlink_metadata().is_err(), "{object}");
            assert_eq!(object["leftovers"], Value::Array(Vec::new()));
        }
        Some("not_empty") => {
            assert_eq!(output.status.code(), Some(1));
            let leftovers = object["leftovers"].as_array().expect("a list");
            assert!(!leftovers.is_empty(), "{object}");
            for leftover in leftovers {
                let path = leftover["path"].as_str().expect("names here are UTF-8");
                assert!(Path::new(path).starts_with(&root), "{leftover}");
                // Left because others wrote: a directory that was not empty when it was to be
                // removed. It may have been removed by the others since.
                assert_eq!(leftover["operation"], "rmdir", "{leftover}");
                let not_empty = rustix::io::Errno::NOTEMPTY.raw_os_error();
                assert_eq!(leftover["errno"], not_empty, "{leftover}");
            }
        }
        _ => panic!("neither Ok nor NotEmpty: {object}"),
    }

    // Now that nobody writes, the rest goes, and the report is exact again.
    let rest = census_or_nothing(&root);
    let output = fell(&root).output().expect("the command starts");
    let again = self::object(&output);
    assert_eq!(output.status.code(), Some(0), "{again}");
    match rest {
        None => assert_eq!(again["outcome"], "already_gone"),
        Some(entries) => {
            assert_eq!(again["outcome"], "removed");
            assert_eq!(
                again["files"].as_u64().zip(again["dirs"].as_u64()),
                Some(entries)
            );
        }
    }
    assert!(root.symlink_metadata().is_err());
    site.assert_canaries();
}

/// Files and directories of what is left, its root counted.
fn census_or_nothing(root: &Path) -> Option<(u64, u64)> {
    root.symlink_metadata().ok()?;
    let rest = census(root);
    Some((rest.files, rest.dirs + 1))
}
