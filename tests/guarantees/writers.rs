//! G2: others who create, rename and link beneath the root.

use super::{Dice, SMALL};
use crate::support::audit::watched;
use crate::support::trees::{Site, from_spec};
use fell::machine::Request;
use fell::{Error, Remover};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// The directories of the tree, the root first.
fn directories(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_path_buf()];
    let mut next = 0;
    while let Some(dir) = found.get(next).cloned() {
        next += 1;
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        found.extend(
            entries
                .map(|e| e.path())
                .filter(|e| !e.is_symlink() && e.is_dir()),
        );
    }
    found
}

/// One act of a writer beneath `root`. Acts that are impossible do nothing.
fn write(root: &Path, dice: &mut Dice) {
    let dirs = directories(root);
    let into = dirs[dice.below(dirs.len())].join(format!("new{}", dice.below(4)));
    let from = &dirs[dice.below(dirs.len())];
    match dice.below(5) {
        // Not through a symlink: `e/link`, moved up, leads out of the tree.
        0 => drop(fs::File::create_new(&into)),
        1 => drop(fs::create_dir(&into)),
        2 => drop(symlink("..", &into)),
        3 if from != root => drop(fs::rename(from, &into)),
        3 | 4 => {
            let first = fs::read_dir(from).ok().and_then(|mut dir| dir.next()?.ok());
            if let Some(first) = first {
                drop(
                    fs::hard_link(first.path(), &into).or_else(|_| fs::rename(first.path(), into)),
                );
            }
        }
        _ => unreachable!(),
    }
}

//= docs/spec.md#g2-writers
//= type=test
//# G2.1: If nothing is unremovable and others also create, rename or link beneath the root, the walk
//# MUST end Ok or NotEmpty and with no other error.
//= docs/spec.md#g2-writers
//= type=test
//# G2.2: Whatever others create, rename or link, an Ok MUST mean that the root's name was seen
//# absent.
//= docs/spec.md#g2-writers
//= type=test
//# G2.3: A NotEmpty that is turned into an I/O error MUST have the kind of ENOTEMPTY.
#[test]
fn one_who_writes_between_requests_leaves_ok_or_not_empty() {
    let (mut gone, mut left) = (0, 0);
    for seed in 1..=120 {
        for (window, every, acts) in [(1, 1, 40), (64, 3, 8), (1, 5, usize::MAX), (2, 2, 12)] {
            let site = Site::new();
            from_spec(site.root(), SMALL);
            let mut dice = Dice(seed);
            let mut done = 0;
            let remover = Remover::new().max_open_dirs(window).patience(8);
            // That an Ok is one is seen to by `watched`.
            let walked = watched(&remover, site.root(), |moment| {
                if moment.number % every == 0 && done < acts && site.root().exists() {
                    done += 1;
                    write(site.root(), &mut dice);
                }
                None
            });
            match walked.result {
                Ok(_) => gone += 1,
                Err(error @ Error::NotEmpty { .. }) => {
                    left += 1;
                    assert!(site.root().exists(), "{error:?}");
                    assert_eq!(
                        io::Error::from(error).kind(),
                        io::ErrorKind::DirectoryNotEmpty
                    );
                }
                Err(error) => panic!("seed {seed}, window {window}: {error:?}"),
            }
            site.assert_canaries();
        }
    }
    assert!(
        gone > 20 && left > 20,
        "{gone} ended Ok and {left} NotEmpty"
    );
}

//= docs/spec.md#g2-writers
//= type=test
//# G2.2: Whatever others create, rename or link, an Ok MUST mean that the root's name was seen
//# absent.
#[test]
fn what_is_written_last_is_seen() {
    let site = Site::new();
    from_spec(site.root(), SMALL);
    let walked = watched(&Remover::new(), site.root(), |moment| {
        if matches!(moment.request, Request::RmdirRoot { .. }) {
            fs::write(site.root().join("again"), "").unwrap();
        }
        None
    });
    assert!(matches!(walked.result, Err(Error::NotEmpty { .. })));
    assert!(site.root().join("again").exists());
}

//= docs/spec.md#g2-writers
//= type=test
//# G2.4: Once the root has been opened, the walk MUST NOT end NotADirectory unless others replaced
//# the root's own name.
#[test]
fn only_who_replaces_the_root_makes_it_no_directory() {
    // Every directory beneath the root becomes a file or a link just before it is opened or removed.
    for link in [false, true] {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        let dirs = ["a", "a/b", "a/b/c", "d", "e", "e/empty"];
        let walked = watched(&Remover::new(), site.root(), |moment| {
            if matches!(moment.request, Request::Open { .. } | Request::Rmdir { .. }) {
                for dir in dirs.map(|dir| site.root().join(dir)) {
                    let is_named = dir.file_name().unwrap().as_encoded_bytes() == moment.name;
                    if is_named && !dir.is_symlink() && dir.is_dir() {
                        fs::rename(&dir, site.aside().join(format!("{}", moment.number))).unwrap();
                        if link {
                            symlink(site.outside().join("dir"), &dir).unwrap();
                        } else {
                            fs::write(&dir, "").unwrap();
                        }
                    }
                }
            }
            None
        });
        assert!(walked.result.is_ok(), "{walked:?}");
        site.assert_canaries();
    }
    // The root itself, at every request.
    let mut ends = Vec::new();
    for when in 1.. {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        let mut last = 0;
        let walked = watched(&Remover::new(), site.root(), |moment| {
            last = moment.number;
            if moment.number == when && site.root().exists() {
                fs::rename(site.root(), site.aside().join("tree")).unwrap();
                fs::write(site.root(), "a file now").unwrap();
            }
            None
        });
        if last < when {
            break;
        }
        ends.push(match walked.result {
            Err(Error::NotADirectory { .. }) => {
                assert_eq!(fs::read(site.root()).unwrap(), b"a file now");
                true
            }
            Ok(_) => false,
            Err(error) => panic!("{error:?}"),
        });
    }
    assert!(ends.contains(&true), "{ends:?}");
}
