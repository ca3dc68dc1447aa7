//! The trees.

use rustix::fs::{CWD, Mode, OFlags, mkdirat, openat};
use serde_json::Value;
use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `depth` directories called `d`, each in the one before.
///
/// # Errors
/// As the system calls.
pub fn chain(at: &Path, depth: usize) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut dir = openat(CWD, at, flags, Mode::empty())?;
    for _ in 0..depth {
        mkdirat(&dir, c"d", Mode::from_raw_mode(0o755))?;
        dir = openat(&dir, c"d", flags, Mode::empty())?;
    }
    Ok(())
}

/// Empty files and empty directories side by side.
///
/// # Errors
/// As the system calls.
pub fn wide(at: &Path, files: usize, dirs: usize) -> io::Result<()> {
    for i in 0..files {
        File::create(at.join(format!("f{i}")))?;
    }
    for i in 0..dirs {
        fs::create_dir(at.join(format!("d{i}")))?;
    }
    Ok(())
}

/// A small ordinary tree: `top` directories of 10 directories of 9 files, 101 entries each.
///
/// # Errors
/// As the system calls.
pub fn bushy(at: &Path, top: usize) -> io::Result<()> {
    for i in 0..top {
        for j in 0..10 {
            let dir = at.join(format!("{i}/{j}"));
            fs::create_dir_all(&dir)?;
            wide(&dir, 9, 0)?;
        }
    }
    Ok(())
}

/// Where cargo keeps the sources of what this project is built from.
///
/// # Errors
/// When cargo cannot tell.
pub fn sources() -> io::Result<Vec<PathBuf>> {
    let run = |program: &str, args: &[&str]| -> io::Result<String> {
        let output = Command::new(program).args(args).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            Ok(text)
        } else {
            Err(io::Error::other(
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ))
        }
    };
    let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let rustc = run("rustc", &["-vV"])?;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata = run(
        &cargo,
        &[
            "metadata",
            "--locked",
            "--all-features",
            "--format-version=1",
            "--filter-platform",
            host.unwrap_or_default(),
            "--manifest-path",
            manifest,
        ],
    )?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let sources: BTreeSet<PathBuf> = packages
        .filter(|package| package["source"].is_string())
        .filter_map(|package| Path::new(package["manifest_path"].as_str()?).parent())
        .map(Path::to_path_buf)
        .collect();
    Ok(sources.into_iter().collect())
}

/// Copies of `sources`, again and again, until there are at least `entries`. Says how many.
///
/// # Errors
/// As the system calls.
pub fn real(at: &Path, sources: &[PathBuf], entries: u64) -> io::Result<u64> {
    let mut made = 0;
    for round in 0.. {
        let top = at.join(format!("copy-{round}"));
        fs::create_dir(&top)?;
        made += 1;
        for source in sources {
            made += copy(source, &top.join(source.file_name().unwrap_or_default()))?;
        }
        if made >= entries || sources.is_empty() {
            break;
        }
    }
    Ok(made)
}

fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    fs::create_dir(to)?;
    let mut made = 1;
    let mut waiting = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = waiting.pop() {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let copy = to.join(entry.file_name());
            made += 1;
            if entry.file_type()?.is_dir() {
                fs::create_dir(&copy)?;
                waiting.push((entry.path(), copy));
            } else {
                fs::copy(entry.path(), copy)?;
            }
        }
    }
    Ok(made)
}
