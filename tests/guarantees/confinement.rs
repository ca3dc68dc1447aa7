//! G4: only the tree.

use super::{SMALL, altered, assert_left};
use crate::support::audit::{quiet, watched};
use crate::support::kernel::names_in;
use crate::support::privilege::{bind_mount, in_mount_namespace, mount_tmpfs};
use crate::support::trees::{self, Site, assert_same, from_spec, snapshot};
use fell::machine::{Birth, Identify, Identity, Inode, Inspect, Reply, Request};
use fell::{Error, Remover};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

//= docs/spec.md#g4-confinement
//= type=test
//# G4.1: The walker MUST NOT remove anything but entries of reached directories.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.2: The walker MUST NOT follow a symlink beneath the root.
#[test]
fn links_go_and_what_they_lead_to_stays() {
    for window in [1, 64] {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        trees::odd_types(site.root(), &site);
        trees::odd_types(&site.root().join("a/b"), &site);
        let outside = site.outside();
        symlink("../..", site.root().join("a/up")).unwrap();
        symlink("../../../outside/dir", site.root().join("a/dir")).unwrap();
        symlink(&outside, site.root().join("a/outside")).unwrap();
        let walked = watched(&Remover::new().max_open_dirs(window), site.root(), quiet);
        assert!(walked.result.is_ok(), "{walked:?}");
        site.assert_canaries();
    }
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.1: The walker MUST NOT remove anything but entries of reached directories.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.2: The walker MUST NOT follow a symlink beneath the root.
#[test]
fn a_directory_swapped_for_a_link_at_any_moment_is_not_followed() {
    for victim in ["a", "a/b", "a/b/c", "d", "e"] {
        for (window, back) in [(1, false), (64, false), (1, true)] {
            for when in 1.. {
                let site = Site::new();
                from_spec(site.root(), SMALL);
                let path = site.root().join(victim);
                let kept = site.aside().join("kept");
                // Relative: the way from `/` leads through a mount, and is barred by that alone.
                let up = "../".repeat(2 + victim.matches('/').count());
                let target = format!("{up}outside/dir");
                let mut last = 0;
                let remover = Remover::new().max_open_dirs(window);
                let walked = watched(&remover, site.root(), |moment| {
                    last = moment.number;
                    if last == when && path.exists() {
                        fs::rename(&path, &kept).unwrap();
                        symlink(&target, &path).unwrap();
                        assert!(path.join("sub/file").exists());
                    } else if back && last == when + 1 && path.is_symlink() {
                        fs::remove_file(&path).unwrap();
                        fs::rename(&kept, &path).unwrap();
                    }
                    None
                });
                site.assert_canaries();
                let ended = matches!(walked.result, Ok(_) | Err(Error::NotEmpty { .. }));
                assert!(ended, "{victim} at {when}: {walked:?}");
                if last < when {
                    break;
                }
            }
        }
    }
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.3: The walker MUST NOT follow a symlink that stands under the root's name, not even when the
//# path given ends in a slash.
#[test]
fn a_root_that_is_a_link_is_not_followed() {
    for target in ["dir", "file", "nowhere"] {
        for slashes in ["", "/", "///"] {
            let site = Site::new();
            fs::remove_dir(site.root()).unwrap();
            symlink(site.outside().join(target), site.root()).unwrap();
            let given = format!("{}{slashes}", site.root().display());
            let walked = watched(&Remover::new(), Path::new(&given), quiet);
            assert!(
                matches!(walked.result, Err(Error::NotADirectory { .. })),
                "{walked:?}"
            );
            assert!(site.root().is_symlink());
            site.assert_canaries();
            let kept = watched(&Remover::new().keep_root(true), Path::new(&given), quiet);
            assert!(
                matches!(kept.result, Err(Error::NotADirectory { .. })),
                "{kept:?}"
            );
            site.assert_canaries();
        }
    }
    // Relative: the way from `/` leads through a mount, and is barred by that alone.
    let site = Site::new();
    fs::remove_dir(site.root()).unwrap();
    symlink("../outside/dir", site.root()).unwrap();
    assert!(fell::remove_dir_all(site.root()).is_err());
    site.assert_canaries();
    // It may become one at any moment.
    for when in 1.. {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        let mut last = 0;
        let given = format!("{}/", site.root().display());
        let walked = watched(&Remover::new(), Path::new(&given), |moment| {
            last = moment.number;
            if last == when && site.root().exists() {
                fs::rename(site.root(), site.aside().join("tree")).unwrap();
                symlink("../outside/dir", site.root()).unwrap();
            }
            None
        });
        site.assert_canaries();
        if last < when {
            break;
        }
        let ended = matches!(walked.result, Ok(_) | Err(Error::NotADirectory { .. }));
        assert!(ended, "at {when}: {walked:?}");
    }
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.4: The walker MUST NOT enter a mount point beneath the root, be it another file system or a
//# bind mount of the same device.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.6: A mount point beneath the root MUST become a leftover.
#[test]
fn mounts_beneath_the_root_are_left() {
    in_mount_namespace("confinement::mounts_beneath_the_root_are_left", || {
        for window in [1, 64] {
            let site = Site::new();
            from_spec(site.root(), "a/bound/\n a/file\n tmp/\n one\n b/c/file");
            bind_mount(&site.outside().join("dir"), &site.root().join("a/bound"));
            mount_tmpfs(&site.root().join("tmp"));
            fs::write(site.root().join("tmp/canary"), "").unwrap();
            bind_mount(&site.outside().join("file"), &site.root().join("one"));
            let walked = watched(&Remover::new().max_open_dirs(window), site.root(), quiet);
            site.assert_canaries();
            assert!(site.root().join("tmp/canary").exists());
            assert!(
                matches!(walked.result, Err(Error::NotEmpty { .. })),
                "{walked:?}"
            );
            let mut left = walked.left(site.root());
            left.sort();
            let [xdev, busy, not_empty] =
                [Errno::XDEV, Errno::BUSY, Errno::NOTEMPTY].map(Errno::raw_os_error);
            let expected = [
                ("", not_empty),
                ("a", not_empty),
                ("a/bound", xdev),
                ("one", busy),
                ("tmp", xdev),
            ];
            assert_eq!(left, expected.map(|(path, errno)| (path.to_owned(), errno)));
            let names: Vec<OsString> = names_in(site.root()).into_iter().collect();
            assert_eq!(names, ["a", "one", "tmp"]);
            assert_eq!(names_in(&site.root().join("a")).len(), 1);
        }
    });
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.4: The walker MUST NOT enter a mount point beneath the root, be it another file system or a
//# bind mount of the same device.
#[test]
fn what_is_mounted_at_any_moment_is_not_entered() {
    in_mount_namespace(
        "confinement::what_is_mounted_at_any_moment_is_not_entered",
        || {
            for when in 1.. {
                let site = Site::new();
                from_spec(site.root(), "a/bound/file");
                let at = site.root().join("a/bound");
                let (mut last, mut entered, mut mounted) = (0, false, false);
                let walked = watched(&Remover::new(), site.root(), |moment| {
                    last = moment.number;
                    if last == when && at.exists() {
                        bind_mount(&site.outside().join("dir"), &at);
                        mounted = true;
                    }
                    entered |= !mounted && moment.opens("bound");
                    None
                });
                site.assert_canaries();
                // A mount on a directory that is removed later keeps it; one on a removed one is none.
                assert_eq!(walked.result.is_ok(), !mounted, "at {when}: {walked:?}");
                if last < when {
                    break;
                }
            }
        },
    );
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.5: The walker MUST NOT enter a directory beneath the root whose device differs from the root's,
//# as that of a btrfs subvolume does.
#[test]
fn another_device_in_the_same_mount_is_not_entered() {
    let site = Site::new();
    from_spec(site.root(), "a/sub/dir/file\n a/sub/file\n a/file\n file");
    let mut is_sub = None;
    let walked = altered(&Remover::new(), site.root(), |request, reply, names| {
        match (request, reply) {
            (Request::Open { name, slot, .. }, _) => {
                is_sub = (names.bytes(name) == b"" || names.bytes(name) == b"sub").then_some(slot);
                reply
            }
            (Request::Identify { slot }, Reply::Identify(Identify::Is(found)))
                if is_sub == Some(slot) =>
            {
                // As btrfs answers: the mount is the same, and the device is not.
                let device = found.device + 1;
                Reply::Identify(Identify::Is(Identity { device, ..found }))
            }
            (request, reply) => {
                let using = match request {
                    Request::Read { slot } => Some(slot),
                    Request::Unlink { parent, .. } | Request::Rmdir { parent, .. } => Some(parent),
                    _ => None,
                };
                assert!(is_sub.is_none() || using != is_sub);
                if matches!(request, Request::Close { slot } if is_sub == Some(slot)) {
                    is_sub = None;
                }
                reply
            }
        }
    });
    let not_empty = Errno::NOTEMPTY;
    assert_left(
        &walked,
        site.root(),
        &[("a/sub", Errno::XDEV), ("a", not_empty), ("", not_empty)],
    );
    assert!(site.root().join("a/sub/dir/file").exists() && site.root().join("a/sub/file").exists());
    assert!(!site.root().join("a/file").exists() && !site.root().join("file").exists());
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.1: The walker MUST NOT remove anything but entries of reached directories.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.7: The walker MUST NOT read or remove anything in what it reached by `..` before it has
//# compared the identity of what it reached with what it noted on the way down.
#[test]
fn a_parent_that_is_another_one_is_not_touched() {
    for moved in ["a/b/c", "a/b", "a"] {
        for when in 1.. {
            let site = Site::new();
            from_spec(site.root(), SMALL);
            // Has the names that the walker would go on with: those of the root and its like.
            let trap = site.aside().join("trap");
            fs::create_dir(&trap).unwrap();
            from_spec(&trap, SMALL);
            let before = snapshot(&trap);
            let into = trap.join("caught");
            let mut last = 0;
            let walked = watched(&Remover::new().max_open_dirs(1), site.root(), |moment| {
                last = moment.number;
                if last == when {
                    let _ = fs::rename(site.root().join(moved), &into);
                }
                None
            });
            // What was moved may be emptied, for it was reached, and nothing beside it.
            let mut after = snapshot(&trap);
            after.retain(|path: &PathBuf, _| !path.starts_with("caught"));
            assert_same(&before, &after);
            site.assert_canaries();
            let report = walked
                .result
                .unwrap_or_else(|e| panic!("{moved} at {when}: {e:?}"));
            assert!(report.retries <= 1, "{report:?}");
            if last < when {
                break;
            }
        }
    }
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.7: The walker MUST NOT read or remove anything in what it reached by `..` before it has
//# compared the identity of what it reached with what it noted on the way down.
#[test]
fn every_part_of_the_identity_of_a_parent_is_compared() {
    type Other = fn(Identity) -> Identity;
    let others: [Other; 4] = [
        |i| Identity {
            mount: i.mount + 1,
            ..i
        },
        |i| Identity {
            device: i.device + 1,
            ..i
        },
        |i| Identity {
            inode: Inode {
                number: i.inode.number + 1,
                ..i.inode
            },
            ..i
        },
        |i| Identity {
            inode: Inode {
                birth: Birth(i.inode.birth.0 + 1),
                ..i.inode
            },
            ..i
        },
    ];
    for other in others {
        let site = Site::new();
        from_spec(site.root(), "a/b/c/d/");
        let (mut by_dots, mut compared) = (None, 0);
        let remover = Remover::new().max_open_dirs(1).patience(2);
        let walked = altered(&remover, site.root(), |request, reply, _| {
            match (request, reply) {
                // Births are to be believed here, whatever the file system.
                (_, Reply::Inspect(kept)) => Reply::Inspect(Inspect {
                    births: true,
                    ..kept
                }),
                (Request::OpenParent { slot, .. }, _) => {
                    by_dots = Some(slot);
                    reply
                }
                (Request::Identify { slot }, Reply::Identify(Identify::Is(found)))
                    if by_dots == Some(slot) =>
                {
                    by_dots = None;
                    compared += 1;
                    Reply::Identify(Identify::Is(other(found)))
                }
                (_, reply) => {
                    let closed = matches!(request, Request::Close { .. });
                    assert!(
                        by_dots.is_none() || closed,
                        "{request:?} before it was identified"
                    );
                    reply
                }
            }
        });
        assert!(compared > 0);
        assert_eq!(walked.report().retries, compared.min(2), "{walked:?}");
    }
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.8: When the root is opened again, a directory that differs in mount, device, inode or, where
//# the file system keeps it, birth time from the root first opened MUST NOT be entered.
#[test]
fn another_directory_under_the_roots_name_is_not_entered() {
    for keep in [false, true] {
        let site = Site::new();
        from_spec(site.root(), "a/file\n file");
        let mut swapped = false;
        let remover = Remover::new().keep_root(keep);
        let walked = watched(&remover, site.root(), |moment| {
            let again = if keep {
                // The second pass is the one that confirms it.
                matches!(moment.request, Request::OpenRoot { .. }) && moment.number > 5
            } else {
                matches!(moment.request, Request::RmdirRoot { .. })
            };
            if again && !swapped {
                swapped = true;
                fs::rename(site.root(), site.aside().join("tree")).unwrap();
                fs::create_dir(site.root()).unwrap();
                from_spec(site.root(), SMALL);
            }
            None
        });
        assert!(swapped);
        assert!(
            matches!(walked.result, Err(Error::NotEmpty { .. })),
            "{walked:?}"
        );
        assert_eq!(
            trees::census(site.root()),
            trees::Census { files: 6, dirs: 6 }
        );
    }
}

//= docs/spec.md#g4-confinement
//= type=test
//# G4.8: When the root is opened again, a directory that differs in mount, device, inode or, where
//# the file system keeps it, birth time from the root first opened MUST NOT be entered.
#[test]
fn every_part_of_the_identity_of_the_root_is_compared() {
    type Other = fn(Identity) -> Identity;
    let others: [(Other, bool); 5] = [
        (
            |i| Identity {
                mount: i.mount + 1,
                ..i
            },
            false,
        ),
        (
            |i| Identity {
                device: i.device + 1,
                ..i
            },
            false,
        ),
        (
            |i| Identity {
                inode: Inode {
                    number: i.inode.number + 1,
                    ..i.inode
                },
                ..i
            },
            false,
        ),
        (
            |i| Identity {
                inode: Inode {
                    birth: Birth(i.inode.birth.0 + 1),
                    ..i.inode
                },
                ..i
            },
            false,
        ),
        (|i| i, true),
    ];
    for (other, same) in others {
        let site = Site::new();
        from_spec(site.root(), "file");
        let (mut opened, mut root, mut late) = (0, None, 0);
        let walked = altered(&Remover::new(), site.root(), |request, reply, _| {
            match (request, reply) {
                (Request::OpenRoot { slot, .. }, _) => {
                    opened += 1;
                    root = Some(slot);
                }
                // One came too late for the first pass.
                (Request::Read { .. }, Reply::Read(fell::machine::Read::End)) if opened == 1 => {
                    fs::write(site.root().join("late"), "").unwrap();
                    late += 1;
                }
                (Request::Identify { slot }, Reply::Identify(Identify::Is(found)))
                    if opened == 2 && root == Some(slot) =>
                {
                    return Reply::Identify(Identify::Is(other(found)));
                }
                // Births are to be believed here, whatever the file system.
                (_, Reply::Inspect(kept)) => {
                    return Reply::Inspect(Inspect {
                        births: true,
                        ..kept
                    });
                }
                _ => {}
            }
            reply
        });
        assert_eq!((opened, late), (2, 1));
        assert_eq!(walked.result.is_ok(), same, "{walked:?}");
        assert_eq!(site.root().join("late").exists(), !same);
    }
}
