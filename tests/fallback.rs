//! Without openat2, and without the mount ids of statx: the same walk by older calls.

mod support;

use fell::kernel::{At, Calls, Linux, MountIds, Opening};
use fell::{Error, Refused, Remover, RootPath};
use rustix::io::Errno;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::audit::{Walked, hooked, quiet, watched_with};
use support::calls::{strace_inject, strace_self};
use support::privilege::{bind_mount, in_mount_namespace, mount_tmpfs};
use support::trees::{self, Census, Site, assert_same, census, from_spec, snapshot};

/// All there are but the ones that have nothing to fall back from.
const FALLBACKS: [Calls; 3] = [
    Calls {
        opening: Opening::Openat,
        mount_ids: MountIds::Statx,
    },
    Calls {
        opening: Opening::Openat,
        mount_ids: MountIds::Fdinfo,
    },
    Calls {
        opening: Opening::Openat2,
        mount_ids: MountIds::Fdinfo,
    },
];

fn remove_by(calls: Calls, remover: &Remover, root: &Path) -> Walked {
    let path = RootPath::new(root).expect("a root that can be removed");
    let linux = Linux::new(&path, At::Path, remover.limits().keep_root).with_calls(calls);
    watched_with(remover, &path, hooked(linux, quiet))
}

#[test]
fn trees_go_by_the_older_calls_too() {
    for calls in FALLBACKS {
        for window in [1, 64] {
            let site = Site::new();
            trees::complex(site.root(), 4);
            trees::chain(site.root(), 200);
            trees::odd_types(site.root(), &site);
            let remover = Remover::new().max_open_dirs(window).patience(0);
            let walked = remove_by(calls, &remover, site.root());
            assert!(walked.result.is_ok(), "{calls:?}: {walked:?}");
            site.assert_canaries();
        }
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
fn mounts_are_not_entered_by_the_older_calls_either() {
    in_mount_namespace("mounts_are_not_entered_by_the_older_calls_either", || {
        for calls in FALLBACKS {
            let site = Site::new();
            from_spec(site.root(), "a/bound/\n a/file\n tmp/\n one\n b/c/file");
            bind_mount(&site.outside().join("dir"), &site.root().join("a/bound"));
            mount_tmpfs(&site.root().join("tmp"));
            fs::write(site.root().join("tmp/canary"), "").unwrap();
            bind_mount(&site.outside().join("file"), &site.root().join("one"));
            let walked = remove_by(calls, &Remover::new(), site.root());
            site.assert_canaries();
            assert!(site.root().join("tmp/canary").exists());
            assert!(
                matches!(walked.result, Err(Error::NotEmpty { .. })),
                "{walked:?}"
            );
            let mut left = walked.left(site.root());
            left.sort();
            let [xdev, busy, full] =
                [Errno::XDEV, Errno::BUSY, Errno::NOTEMPTY].map(Errno::raw_os_error);
            let expected = [
                ("", full),
                ("a", full),
                ("a/bound", xdev),
                ("one", busy),
                ("tmp", xdev),
            ];
            assert_eq!(
                left,
                expected.map(|(path, errno)| (path.to_owned(), errno)),
                "{calls:?}"
            );
        }
    });
}

//= docs/spec.md#g11-idempotent
//= type=test
//# G11.5: A root that is itself a mount point MUST be Refused and left untouched.
//= docs/spec.md#g12-keep-root
//= type=test
//# G12.4: With `keep_root`, a root that is a mount point MUST be emptied like any other.
#[test]
fn a_root_that_is_a_mount_point_is_refused_or_emptied() {
    in_mount_namespace("a_root_that_is_a_mount_point_is_refused_or_emptied", || {
        for calls in FALLBACKS {
            for bound in [false, true] {
                let site = Site::new();
                if bound {
                    bind_mount(&site.aside(), site.root());
                } else {
                    mount_tmpfs(site.root());
                }
                from_spec(site.root(), "a/file\n file");
                let before = snapshot(site.root());
                let walked = remove_by(calls, &Remover::new(), site.root());
                let refused = matches!(
                    walked.result,
                    Err(Error::Refused {
                        reason: Refused::MountPoint,
                        ..
                    })
                );
                assert!(refused, "{calls:?}: {walked:?}");
                assert_same(&before, &snapshot(site.root()));
                let walked = remove_by(calls, &Remover::new().keep_root(true), site.root());
                assert!(walked.result.is_ok(), "{calls:?}: {walked:?}");
                assert_eq!(census(site.root()), Census::default());
            }
        }
    });
}

#[test]
fn where_mounts_cannot_be_told_apart_nothing_is_touched() {
    for opening in [Opening::Openat, Opening::Openat2] {
        for keep in [false, true] {
            let site = Site::new();
            from_spec(site.root(), "a/file\n file");
            let before = snapshot(site.root());
            let calls = Calls {
                opening,
                mount_ids: MountIds::Absent,
            };
            let walked = remove_by(calls, &Remover::new().keep_root(keep), site.root());
            let refused = matches!(
                walked.result,
                Err(Error::Refused {
                    reason: Refused::NoMountId,
                    ..
                })
            );
            assert!(refused, "{walked:?}");
            assert_same(&before, &snapshot(site.root()));
        }
    }
}

#[test]
fn the_command_does_without_openat2() {
    // An old kernel, and what seccomp filters answer.
    for errno in ["ENOSYS", "EPERM", "EACCES"] {
        let site = Site::new();
        trees::complex(site.root(), 3);
        trees::odd_types(site.root(), &site);
        let mut fell = Command::new(env!("CARGO_BIN_EXE_fell"));
        fell.arg(site.root());
        let Some(output) = strace_inject(&fell, &format!("openat2:error={errno}")) else {
            return;
        };
        assert!(
            output.status.success() && output.stderr.is_empty(),
            "{output:?}"
        );
        assert!(!site.root().exists());
        site.assert_canaries();
    }
}

#[test]
fn the_command_enters_no_mount_without_openat2() {
    in_mount_namespace("the_command_enters_no_mount_without_openat2", || {
        for errno in ["ENOSYS", "EPERM"] {
            let site = Site::new();
            from_spec(site.root(), "bound/\n file");
            bind_mount(&site.outside().join("dir"), &site.root().join("bound"));
            let mut fell = Command::new(env!("CARGO_BIN_EXE_fell"));
            fell.arg(site.root());
            let what = format!("openat2:error={errno}");
            let Some(output) = strace_inject(&fell, &what) else {
                return;
            };
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            assert!(
                String::from_utf8_lossy(&output.stderr).contains("mount or subvolume is there")
            );
            site.assert_canaries();
            assert!(!site.root().join("file").exists());
        }
    });
}

#[test]
fn openat2_is_probed_once_a_process_and_not_used_by_the_fallback() {
    let test = "openat2_is_probed_once_a_process_and_not_used_by_the_fallback";
    let counts = strace_self(test, || {
        for _ in 0..3 {
            let site = Site::new();
            from_spec(site.root(), "a/b/file");
            let walked = remove_by(FALLBACKS[0], &Remover::new(), site.root());
            assert!(walked.result.is_ok());
        }
    });
    if let Some(counts) = counts {
        // `Linux::new` probes, though its answer is not used here.
        assert_eq!(counts.get("openat2"), Some(&1), "{counts:?}");
    }
}
