//! G11 and G12: which roots, and roots that are kept.

use super::SMALL;
use crate::support::audit::{quiet, watched};
use crate::support::limits::measured_child;
use crate::support::privilege::{NOBODY, as_nobody, bind_mount, in_mount_namespace, mount_tmpfs};
use crate::support::trees::{Census, Site, assert_same, census, from_spec, snapshot};
use fell::machine::{Reply, Request, Unlink};
use fell::{Error, Refused, Remover};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use std::env;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};

//= docs/spec.md#g11-idempotent
//= type=test
//# G11.1: A root that is already absent MUST be Ok, and said to have been absent in the report.
//= docs/spec.md#g11-idempotent
//= type=test
//# G11.2: With `must_exist`, a root that is already absent MUST be Io of the kind NotFound.
#[test]
fn an_absent_root_is_ok_unless_it_must_exist() {
    let site = Site::new();
    from_spec(site.root(), SMALL);
    let report = fell::remove_dir_all(site.root()).unwrap();
    assert!(!report.already_gone);
    assert_eq!((report.files, report.directories), (6, 7));
    for keep in [false, true] {
        let remover = Remover::new().keep_root(keep);
        for absent in ["tree", "tree/", "nowhere/tree"] {
            let absent = site.base().join(absent);
            let report = remover.remove_dir_all(&absent).unwrap();
            assert!(report.already_gone);
            assert_eq!(
                (report.files, report.directories, report.deepest),
                (0, 0, 0)
            );
            let error = remover
                .clone()
                .must_exist(true)
                .remove_dir_all(&absent)
                .unwrap_err();
            assert!(matches!(error, Error::Io { .. }), "{error:?}");
            assert!(error.report().already_gone);
            assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
        }
    }
    // One that was there and went meanwhile was not absent.
    let site = Site::new();
    let walked = watched(&Remover::new().must_exist(true), site.root(), |moment| {
        if moment.reads() {
            let _ = fs::remove_dir(site.root());
        }
        None
    });
    assert!(!walked.result.expect("it did exist").already_gone);
}

//= docs/spec.md#g11-idempotent
//= type=test
//# G11.3: A root that is a file or a symlink MUST be NotADirectory and left untouched.
#[test]
fn a_root_that_is_no_directory_stays() {
    let site = Site::new();
    symlink("tree", site.aside().join("link")).unwrap();
    for name in ["tree~", ".tree", "to-tree"] {
        for slash in ["", "/"] {
            for keep in [false, true] {
                let path = format!("{}/{name}{slash}", site.base().display());
                let error = Remover::new()
                    .keep_root(keep)
                    .remove_dir_all(&path)
                    .unwrap_err();
                assert!(matches!(error, Error::NotADirectory { .. }), "{error:?}");
                assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotADirectory);
                site.assert_canaries();
            }
        }
    }
    assert!(site.root().exists());
}

//= docs/spec.md#g11-idempotent
//= type=test
//# G11.4: The walk MUST be Refused, and nothing touched, when the path is empty, is `/`, or has `.`
//# or `..` as its last component.
#[test]
fn paths_that_name_no_entry_are_refused() {
    measured_child("roots::paths_that_name_no_entry_are_refused", || {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        env::set_current_dir(site.root()).unwrap();
        let before = snapshot(site.root());
        let here = site.root().display().to_string();
        for keep in [false, true] {
            for path in [
                "",
                "/",
                "//",
                ".",
                "./",
                "..",
                "../",
                "a/.",
                "a/..",
                "a/b/../..",
                "../tree/.",
                &format!("{here}/."),
                &format!("{here}/a/.."),
            ] {
                let mut asked = 0;
                let result = Remover::new()
                    .keep_root(keep)
                    .remove_dir_all_observed(path, |_| {
                        asked += 1;
                        std::ops::ControlFlow::Continue(())
                    });
                let error = result.unwrap_err();
                assert!(
                    matches!(error, Error::Refused { .. }),
                    "{path:?}: {error:?}"
                );
                assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
                assert_eq!(asked, 0);
            }
        }
        let dir = openat(CWD, site.root(), OFlags::PATH, Mode::empty()).unwrap();
        for name in ["", "/", ".", "..", "a/b", "/a", "./a"] {
            let error = Remover::new().remove_dir_all_at(&dir, name).unwrap_err();
            assert!(
                matches!(error, Error::Refused { .. }),
                "{name:?}: {error:?}"
            );
        }
        assert_same(&before, &snapshot(site.root()));
        site.assert_canaries();
    });
}

//= docs/spec.md#g11-idempotent
//= type=test
//# G11.5: A root that is itself a mount point MUST be Refused and left untouched.
//= docs/spec.md#g12-keep-root
//= type=test
//# G12.4: With `keep_root`, a root that is a mount point MUST be emptied like any other.
#[test]
fn a_mount_point_as_root_is_refused_or_emptied() {
    in_mount_namespace("roots::a_mount_point_as_root_is_refused_or_emptied", || {
        for bound in [false, true] {
            let site = Site::new();
            let source = site.aside().join("source");
            fs::create_dir(&source).unwrap();
            if bound {
                bind_mount(&source, site.root());
            } else {
                mount_tmpfs(site.root());
            }
            from_spec(site.root(), SMALL);
            // A mount within the mount is none of its own.
            fs::create_dir(site.root().join("a/mnt")).unwrap();
            let before = snapshot(site.root());
            let walked = watched(&Remover::new(), site.root(), quiet);
            let refused = Refused::MountPoint;
            assert!(
                matches!(walked.result, Err(Error::Refused { reason, .. }) if reason == refused),
                "{walked:?}"
            );
            assert_same(&before, &snapshot(site.root()));

            mount_tmpfs(&site.root().join("a/mnt"));
            let remover = Remover::new().keep_root(true);
            let walked = watched(&remover, site.root(), quiet);
            let full = Errno::NOTEMPTY;
            let expected = [("a/mnt", Errno::XDEV), ("a", full), ("", full)];
            super::assert_left(&walked, site.root(), &expected);
            crate::support::privilege::unmount(&site.root().join("a/mnt"));
            let walked = watched(&remover, site.root(), quiet);
            assert!(walked.result.is_ok(), "{walked:?}");
            assert_eq!(census(site.root()), Census::default());
            site.assert_canaries();
        }
    });
}

//= docs/spec.md#g12-keep-root
//= type=test
//# G12.1: With `keep_root`, the walk MUST end Ok when a whole pass over the root that began after the
//# last removal met nothing, and when the root was gone.
//= docs/spec.md#g12-keep-root
//= type=test
//# G12.3: With `keep_root`, the walker MUST NOT remove the root.
#[test]
fn a_kept_root_is_emptied_and_stays() {
    let remover = Remover::new().keep_root(true).patience(0);
    for spec in ["", SMALL] {
        let site = Site::new();
        from_spec(site.root(), spec);
        let inode = snapshot(site.root())[std::path::Path::new("")].identity;
        // `watched` sees that it is empty.
        let walked = watched(&remover, site.root(), |moment| {
            assert!(!matches!(moment.request, Request::RmdirRoot { .. }));
            None
        });
        assert!(walked.result.is_ok(), "{walked:?}");
        assert_eq!(
            snapshot(site.root())[std::path::Path::new("")].identity,
            inode
        );
        site.assert_canaries();
    }
    // What came after its place in the listing was passed is met by the next pass.
    let site = Site::new();
    from_spec(site.root(), "a/\n file");
    let mut late = false;
    let walked = watched(&remover, site.root(), |moment| {
        if matches!(moment.request, Request::Rmdir { .. }) && !late {
            late = true;
            fs::write(site.root().join("late"), "").unwrap();
        }
        None
    });
    assert_eq!(walked.result.expect("it is empty").files, 2);
    // Gone at any moment.
    for when in 1.. {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        let mut last = 0;
        let walked = watched(&Remover::new().keep_root(true), site.root(), |moment| {
            last = moment.number;
            if last == when {
                let _ = fs::remove_dir_all(site.root());
            }
            None
        });
        assert!(walked.result.is_ok(), "at {when}: {walked:?}");
        if last < when {
            break;
        }
        assert!(!site.root().exists());
    }
}

//= docs/spec.md#g12-keep-root
//= type=test
//# G12.2: With `keep_root`, entries that are still met when passes end MUST make the walk end
//# NotEmpty.
//= docs/spec.md#g12-keep-root
//= type=test
//# G12.3: With `keep_root`, the walker MUST NOT remove the root.
#[test]
fn a_kept_root_that_never_empties_is_not_empty() {
    let remover = Remover::new().keep_root(true);
    // A writer that is there before every pass.
    let site = Site::new();
    let mut many = 0;
    let walked = watched(&remover, site.root(), |moment| {
        if matches!(moment.request, Request::OpenRoot { .. }) {
            many += 1;
            fs::write(site.root().join(format!("{many}")), "").unwrap();
        }
        None
    });
    super::assert_left(&walked, site.root(), &[("", Errno::NOTEMPTY)]);
    assert!((2..10).contains(&many), "{many} passes");
    // One entry that stays, and one that is skipped once.
    let site = Site::new();
    from_spec(site.root(), "stay\n a/file");
    let walked = watched(&remover, site.root(), |moment| {
        let stays = matches!(moment.request, Request::Unlink { .. }) && moment.name == b"stay";
        stays.then_some(Reply::Unlink(Unlink::Failed(super::number(Errno::IO))))
    });
    super::assert_left(
        &walked,
        site.root(),
        &[("stay", Errno::IO), ("", Errno::NOTEMPTY)],
    );
    assert_eq!(census(site.root()), Census { files: 1, dirs: 0 });
}

//= docs/spec.md#g1-removers
//= type=test
//# G1.1: If others do nothing but remove, nothing is unremovable and patience lasts, the walk MUST
//# end Ok with the root's name absent.
#[test]
fn a_parent_need_not_be_readable_and_may_be_given_as_any_descriptor() {
    // Searchable and writable, and that is all.
    let setup = || {
        let site = Site::new();
        fs::create_dir(site.root().join("dark")).unwrap();
        from_spec(
            &site.root().join("dark"),
            "one/a/file\n two/a/file\n three/file",
        );
        site.give_to(NOBODY);
        fs::set_permissions(site.root().join("dark"), Permissions::from_mode(0o300)).unwrap();
        site
    };
    let test = "roots::a_parent_need_not_be_readable_and_may_be_given_as_any_descriptor";
    as_nobody(test, setup, |root| {
        let dark = root.join("dark");
        assert!(fs::read_dir(&dark).is_err());
        fell::remove_dir_all(dark.join("one")).expect("no right to read is needed");
        let dir = openat(CWD, &dark, OFlags::PATH, Mode::empty()).unwrap();
        // Moved meanwhile: no path is resolved.
        fs::rename(&dark, root.join("moved")).unwrap();
        let report = Remover::new()
            .remove_dir_all_at(&dir, "two/")
            .expect("O_PATH is enough");
        assert_eq!((report.files, report.directories), (1, 2));
        let report = Remover::new().remove_dir_all_at(&dir, "two").unwrap();
        assert!(report.already_gone);
        fs::set_permissions(root.join("moved"), Permissions::from_mode(0o700)).unwrap();
        let dir = fs::File::open(root.join("moved")).unwrap();
        let result = Remover::new().max_depth(1).remove_dir_all_at(&dir, "three");
        result.expect("a descriptor for reading will do too");
        assert_eq!(census(root), Census { files: 0, dirs: 1 });
    });
}
