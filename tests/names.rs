//! Odd names, odd types, and entries that may not be read or removed.

mod support;

use fell::{Error, Operation, Remover};
use rustix::fs::{FileType, Mode, mknodat};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use support::audit::{Walked, quiet, watched};
use support::kernel::names_in;
use support::privilege::{NOBODY, as_nobody, require, set_immutable};
use support::trees::{self, Content, Site, assert_same, from_spec, snapshot};

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Leftovers in any order, with the operation that failed.
#[track_caller]
fn assert_left(walked: &Walked, root: &Path, expected: &[(&str, Operation, Errno)]) {
    assert!(
        matches!(walked.result, Err(Error::NotEmpty { .. })),
        "{walked:?}"
    );
    let left: BTreeSet<_> = walked
        .report()
        .leftovers
        .iter()
        .map(|left| (left.path.clone(), left.operation.to_string(), left.errno))
        .collect();
    let expected = expected
        .iter()
        .map(|(path, operation, errno)| {
            let path = if path.is_empty() {
                root.to_path_buf()
            } else {
                root.join(path)
            };
            (path, operation.to_string(), errno.raw_os_error())
        })
        .collect();
    assert_eq!(left, expected);
}

#[test]
fn odd_names_go() {
    for window in [1, 64] {
        let site = Site::new();
        trees::make_odd_names(site.root());
        let many = trees::odd_names().len() as u64;
        let walked = watched(&Remover::new().max_open_dirs(window), site.root(), quiet);
        let report = walked.result.expect("names are bytes");
        assert_eq!((report.files, report.directories), (many, 2 * many + 1));
        site.assert_canaries();
    }
}

#[test]
fn a_root_may_have_any_name() {
    let site = Site::new();
    for name in trees::odd_names() {
        let root = site.aside().join(&name);
        fs::create_dir(&root).unwrap();
        from_spec(&root, "a/file\n file");
        let report = fell::remove_dir_all(&root).unwrap_or_else(|e| panic!("{name:?}: {e}"));
        assert_eq!((report.files, report.directories), (2, 2));
    }
    assert!(names_in(&site.aside()).is_empty());
}

#[test]
fn the_command_takes_odd_names() {
    let site = Site::new();
    for name in trees::odd_names() {
        let root = site.aside().join(&name);
        fs::create_dir(&root).unwrap();
        fs::write(root.join("file"), "").unwrap();
        let mut fell = Command::new(env!("CARGO_BIN_EXE_fell"));
        fell.current_dir(site.aside())
            .args(["--json", "--"])
            .arg(&name);
        let output = fell.output().unwrap();
        assert!(output.status.success(), "{name:?}: {output:?}");
        let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (&said["outcome"], &said["files"]),
            (&"removed".into(), &1.into())
        );
        let told: Vec<u8> = match said.get("path_bytes") {
            Some(bytes) => serde_json::from_value(bytes.clone()).unwrap(),
            None => said["path"].as_str().unwrap().as_bytes().to_vec(),
        };
        assert_eq!(OsStr::from_bytes(&told), name);
    }
    assert!(names_in(&site.aside()).is_empty());
}

#[test]
fn odd_types_go_unopened() {
    for window in [1, 64] {
        let site = Site::new();
        trees::odd_types(site.root(), &site);
        fs::create_dir(site.root().join("dir")).unwrap();
        trees::odd_types(&site.root().join("dir"), &site);
        let kinds = snapshot(site.root());
        assert!(
            kinds
                .values()
                .filter(|entry| entry.content == Content::Special)
                .count()
                >= 4
        );
        // One who opens a FIFO waits for ever.
        assert!(
            fs::symlink_metadata(site.root().join("fifo"))
                .unwrap()
                .file_type()
                .is_fifo()
        );
        let walked = watched(&Remover::new().max_open_dirs(window), site.root(), quiet);
        let report = walked.result.expect("all of them can be unlinked");
        assert_eq!(
            (report.files, report.directories),
            (kinds.len() as u64 - 2, 2)
        );
        site.assert_canaries();
    }
}

#[test]
fn a_root_of_an_odd_type_is_not_a_directory() {
    let site = Site::new();
    let dir = fs::File::open(site.aside()).unwrap();
    trees::odd_types(&site.aside(), &site);
    mknodat(&dir, "plain", FileType::RegularFile, Mode::RWXU, 0).unwrap();
    symlink(site.outside().join("dir"), site.aside().join("link")).unwrap();
    let before = snapshot(&site.aside());
    for name in names_in(&site.aside()) {
        let error = fell::remove_dir_all(site.aside().join(&name)).unwrap_err();
        assert!(
            matches!(error, Error::NotADirectory { .. }),
            "{name:?}: {error:?}"
        );
    }
    assert_same(&before, &snapshot(&site.aside()));
    site.assert_canaries();
}

/// Directories that nobody owns and may not read: an empty one and one with a file.
fn unreadable() -> Site {
    let site = Site::new();
    from_spec(site.root(), "a/empty/\n a/full/file\n a/file\n b/file");
    site.give_to(NOBODY);
    chmod(&site.root().join("a/empty"), 0o000);
    chmod(&site.root().join("a/full"), 0o000);
    site
}

#[test]
fn what_may_not_be_read_goes_if_it_is_empty() {
    let test = "what_may_not_be_read_goes_if_it_is_empty";
    let site = as_nobody(test, unreadable, |root| {
        let walked = watched(&Remover::new(), root, quiet);
        let full = Errno::NOTEMPTY;
        let expected = [
            ("a/full", Operation::Open, Errno::ACCESS),
            ("a", Operation::Rmdir, full),
            ("", Operation::Rmdir, full),
        ];
        assert_left(&walked, root, &expected);
        assert_eq!(names_in(&root.join("a")).len(), 1);
        assert_eq!(names_in(root).len(), 1);
        let said = walked.result.unwrap_err().to_string();
        assert!(said.contains("chmod"), "{said}");
    });
    if let Some(site) = site {
        chmod(&site.root().join("a/full"), 0o700);
        assert!(site.root().join("a/full/file").exists());
        site.assert_canaries();
    }
}

#[test]
fn a_root_that_may_not_be_read_goes_if_it_is_empty() {
    let test = "a_root_that_may_not_be_read_goes_if_it_is_empty";
    let site = as_nobody(test, unreadable, |root| {
        let report = fell::remove_dir_all(root.join("a/empty")).expect("it is empty");
        assert_eq!((report.directories, report.deepest), (1, 0));
        let error = fell::remove_dir_all(root.join("a/full")).unwrap_err();
        let Error::Io {
            operation, source, ..
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(operation, Operation::Open);
        assert_eq!(source.raw_os_error(), Some(Errno::ACCESS.raw_os_error()));
        let kept = Remover::new()
            .keep_root(true)
            .remove_dir_all(root.join("a/full"));
        assert!(matches!(kept, Err(Error::Io { .. })), "{kept:?}");
    });
    if let Some(site) = site {
        assert!(!site.root().join("a/empty").exists() && site.root().join("a/full").exists());
    }
}

#[test]
fn a_parent_that_may_not_be_written_keeps_its_entries() {
    let test = "a_parent_that_may_not_be_written_keeps_its_entries";
    let setup = || {
        let site = Site::new();
        from_spec(
            site.root(),
            "a/ro/file\n a/ro/empty/\n a/ro/dir/file\n a/file\n b/file",
        );
        site.give_to(NOBODY);
        chmod(&site.root().join("a/ro"), 0o555);
        site
    };
    let site = as_nobody(test, setup, |root| {
        let walked = watched(&Remover::new(), root, quiet);
        let (rmdir, full) = (Operation::Rmdir, Errno::NOTEMPTY);
        let expected = [
            ("a/ro/file", Operation::Unlink, Errno::ACCESS),
            ("a/ro/empty", rmdir, Errno::ACCESS),
            ("a/ro/dir", rmdir, Errno::ACCESS),
            ("a/ro", rmdir, full),
            ("a", rmdir, full),
            ("", rmdir, full),
        ];
        assert_left(&walked, root, &expected);
        // What is in a directory that stays is removed where it may be.
        assert!(!root.join("a/ro/dir/file").exists());
        assert!(!root.join("a/file").exists() && !root.join("b").exists());
        assert_eq!(walked.report().retries, 0);
    });
    drop(site);
}

#[test]
fn a_sticky_parent_keeps_what_is_not_ours() {
    let test = "a_sticky_parent_keeps_what_is_not_ours";
    if !require(
        rustix::process::geteuid().is_root() || support::again::inside(test, "nobody"),
        "only root gives away",
    ) {
        return;
    }
    let setup = || {
        let site = Site::new();
        from_spec(site.root(), "s/ours\n s/our/file\n s/theirs\n s/their/");
        site.give_to(NOBODY);
        let s = site.root().join("s");
        for theirs in [&s, &s.join("theirs"), &s.join("their")] {
            chown(theirs, Some(0), Some(0)).unwrap();
        }
        chmod(&s, 0o1777);
        site
    };
    as_nobody(test, setup, |root| {
        let walked = watched(&Remover::new(), root, quiet);
        let expected = [
            ("s/theirs", Operation::Unlink, Errno::PERM),
            ("s/their", Operation::Rmdir, Errno::PERM),
            ("s", Operation::Rmdir, Errno::NOTEMPTY),
            ("", Operation::Rmdir, Errno::NOTEMPTY),
        ];
        assert_left(&walked, root, &expected);
        assert_eq!(names_in(&root.join("s")).len(), 2);
    });
}

#[test]
fn a_root_in_a_parent_that_may_not_be_written_is_emptied() {
    let test = "a_root_in_a_parent_that_may_not_be_written_is_emptied";
    let setup = || {
        let site = Site::new();
        from_spec(site.root(), "ro/inner/a/file");
        site.give_to(NOBODY);
        chmod(&site.root().join("ro"), 0o555);
        site
    };
    as_nobody(test, setup, |root| {
        let inner = root.join("ro/inner");
        let error = fell::remove_dir_all(&inner).unwrap_err();
        let Error::Io {
            operation,
            source,
            report,
            ..
        } = error
        else {
            panic!("{error:?}")
        };
        assert_eq!(operation, Operation::Rmdir);
        assert_eq!(source.raw_os_error(), Some(Errno::ACCESS.raw_os_error()));
        assert_eq!((report.files, report.directories), (1, 1));
        assert!(names_in(&inner).is_empty());
    });
}

#[test]
fn immutable_entries_stay_and_all_else_goes() {
    let site = Site::new();
    from_spec(
        site.root(),
        "a/stay\n a/go\n dir/file\n dir/sub/\n hollow/\n b/file",
    );
    let immutable = ["a/stay", "dir", "hollow"].map(|name| site.root().join(name));
    for path in &immutable {
        let done = set_immutable(path, true);
        if !require(done.is_ok(), "no immutable entries here") {
            return;
        }
    }
    let walked = watched(&Remover::new(), site.root(), quiet);
    let (rmdir, denied, full) = (Operation::Rmdir, Errno::PERM, Errno::NOTEMPTY);
    let expected = [
        ("a/stay", Operation::Unlink, denied),
        ("a", rmdir, full),
        ("dir/file", Operation::Unlink, denied),
        ("dir/sub", rmdir, denied),
        // rmdir(2) looks at the directory's own flag first.
        ("dir", rmdir, denied),
        ("hollow", rmdir, denied),
        ("", rmdir, full),
    ];
    assert_left(&walked, site.root(), &expected);
    assert!(!site.root().join("a/go").exists() && !site.root().join("b").exists());
    for path in &immutable {
        set_immutable(path, false).unwrap();
    }
    assert!(fell::remove_dir_all(site.root()).is_ok());
}
