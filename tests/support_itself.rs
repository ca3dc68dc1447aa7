//! Shows that what the other tests stand on holds: each helper of `support` does what it says, and
//! fails when it should.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rustix::fs::{Access, CWD, Mode, OFlags, access, openat};
use rustix::io::Errno;
use rustix::process::geteuid;

use support::beside::Beside;
use support::clear::clear;
use support::trees::{self, Census, Content, Entry, Site, census, snapshot};
use support::{again, calls, limits, privilege};

/// What `act` panics with; it must.
fn panic_of<T>(act: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(act)) else {
        panic!("it did not panic")
    };
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .expect("a message")
}

fn mounts() -> String {
    fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted")
}

/// The temporary directory of a site, which is to be gone when the site is dropped.
fn top_of(site: &Site) -> PathBuf {
    site.base()
        .parent()
        .expect("the site's directory")
        .to_path_buf()
}

// ---- trees ----

#[test]
fn what_was_added_is_watched_from_then_on() {
    let place = tempfile::tempdir().unwrap();
    let mut site = Site::in_place(place.path());
    assert!(site.root().starts_with(place.path()));
    fs::write(site.outside().join("added"), "kept").unwrap();
    assert_eq!(site.damage().len(), 1, "it is new");
    site.watch_all();
    assert_eq!(site.damage(), [""; 0]);
    fs::write(site.outside().join("added"), "changed").unwrap();
    fs::remove_file(site.base().join("tree~")).unwrap();
    assert_eq!(site.damage().len(), 2, "{:?}", site.damage());
}

#[test]
fn a_site_has_an_empty_root_and_goes_away() {
    let site = Site::new();
    assert_eq!(census(site.root()), Census::default());
    assert_eq!(site.root().parent(), Some(site.base()));
    site.assert_canaries();
    let top = top_of(&site);
    drop(site);
    assert!(!top.exists());
}

#[test]
fn what_befalls_the_root_is_not_the_canaries_business() {
    let site = Site::new();
    trees::complex(site.root(), 2);
    site.assert_canaries();
    fs::remove_dir_all(site.root()).unwrap();
    site.assert_canaries();
    fs::write(site.root(), "a file now").unwrap();
    fs::write(site.aside().join("file"), "not watched").unwrap();
    site.assert_canaries();
}

#[test]
fn a_canary_that_is_gone_changed_replaced_or_new_is_found() {
    type Harm = fn(&Site);
    let harms: [(&str, Harm); 6] = [
        ("gone", |site| {
            fs::remove_file(site.base().join("tree~")).unwrap();
        }),
        ("gone", |site| {
            fs::remove_dir(site.outside().join("dir/empty")).unwrap();
        }),
        ("changed", |site| {
            fs::write(site.outside().join("file"), "Xile\n").unwrap();
        }),
        ("changed", |site| {
            // The same contents, but not the same file.
            let file = site.base().join(".tree");
            fs::copy(&file, site.aside().join("copy")).unwrap();
            fs::rename(site.aside().join("copy"), file).unwrap();
        }),
        ("changed", |site| {
            let mode = fs::Permissions::from_mode(0o700);
            fs::set_permissions(site.base().join("tre"), mode).unwrap();
        }),
        ("new", |site| {
            fs::write(site.base().join("tree2/new"), "").unwrap();
        }),
    ];
    for (what, harm) in harms {
        let site = Site::new();
        harm(&site);
        let text = panic_of(|| site.assert_canaries());
        assert!(text.contains(what) && text.lines().count() == 2, "{text}");
    }
}

#[test]
fn a_chain_is_as_deep_as_asked_and_its_bottom_is_open() {
    let site = Site::new();
    let bottom = trees::chain(site.root(), 50);
    let path = site.root().join(vec!["d"; 50].join("/"));
    let inode = fs::metadata(&path).unwrap().ino();
    assert_eq!(rustix::fs::fstat(&bottom).unwrap().st_ino, inode);
    assert_eq!(census(site.root()), Census { files: 0, dirs: 50 });
}

#[test]
fn wide_and_complex_have_what_they_say() {
    let site = Site::new();
    trees::wide(site.root(), 300, 200);
    assert_eq!(
        census(site.root()),
        Census {
            files: 300,
            dirs: 200
        }
    );
    assert!(site.root().join("f299").is_file() && site.root().join("d199").is_dir());

    let site = Site::new();
    trees::complex(site.root(), 8);
    assert!(site.root().join("a/7/c/d/7/e/f/7/g/h").is_dir());
    // a; i, c, d; j, e, f; k, g, h.
    let dirs = 1 + 8 * (3 + 8 * (3 + 8 * 3));
    assert_eq!(
        census(site.root()),
        Census {
            files: 8 + 64 + 512,
            dirs
        }
    );
}

#[test]
fn a_spec_becomes_a_tree() {
    let site = Site::new();
    trees::from_spec(
        site.root(),
        "
        dir/sub/
        file

        dir/other file
        dir/link -> ../file
        ",
    );
    let tree = snapshot(site.root());
    let content = |path: &str| tree[Path::new(path)].content.clone();
    assert_eq!(tree.len(), 6);
    assert_eq!(content(""), Content::Directory);
    assert_eq!(content("dir/sub"), Content::Directory);
    assert_eq!(content("file"), Content::File(b"file\n".to_vec()));
    assert_eq!(
        content("dir/other file"),
        Content::File(b"dir/other file\n".to_vec())
    );
    assert_eq!(content("dir/link"), Content::Link("../file".into()));
}

#[test]
fn a_snapshot_tells_inodes_modes_and_absence() {
    let site = Site::new();
    trees::from_spec(site.root(), "file");
    let before = snapshot(site.root());
    trees::assert_same(&before, &snapshot(site.root()));
    let Entry {
        identity: (_, inode),
        mode,
        ..
    } = before[Path::new("file")];
    assert_eq!(inode, fs::metadata(site.root().join("file")).unwrap().ino());
    assert_eq!(mode & 0o170_000, 0o100_000);
    fs::remove_file(site.root().join("file")).unwrap();
    let text = panic_of(|| trees::assert_same(&before, &snapshot(site.root())));
    assert!(text.contains("gone     file: file of 5 bytes"), "{text}");
    fs::remove_dir(site.root()).unwrap();
    assert!(snapshot(site.root()).is_empty());
}

#[test]
fn odd_names_and_types_are_there() {
    let site = Site::new();
    trees::make_odd_names(site.root());
    let found: BTreeSet<_> = fs::read_dir(site.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(found, trees::odd_names().into_iter().collect());
    for name in found {
        assert!(site.root().join(&name).join(&name).is_file(), "{name:?}");
    }

    let site = Site::new();
    trees::odd_types(site.root(), &site);
    let kind = |name| fs::symlink_metadata(site.root().join(name)).map(|found| found.file_type());
    assert!(kind("fifo").unwrap().is_fifo());
    assert!(kind("socket").unwrap().is_socket());
    assert!(kind("device").unwrap().is_char_device());
    assert!(kind("dangling").unwrap().is_symlink() && !site.root().join("dangling").exists());
    let looped = fs::metadata(site.root().join("loop-a")).unwrap_err();
    assert_eq!(looped.raw_os_error(), Some(Errno::LOOP.raw_os_error()));
    assert!(site.root().join("to-dir/sub/file").is_file());
    let canary = fs::metadata(site.outside().join("file")).unwrap().ino();
    assert_eq!(
        fs::metadata(site.root().join("to-file")).unwrap().ino(),
        canary
    );
    assert_eq!(
        fs::metadata(site.root().join("hardlink")).unwrap().ino(),
        canary
    );
    // Removing names of canaries does the canaries no harm.
    fs::remove_dir_all(site.root()).unwrap();
    site.assert_canaries();
}

#[test]
fn a_chain_too_deep_for_paths_and_stacks_is_built_and_cleared_in_little_memory() {
    const TEST: &str =
        "a_chain_too_deep_for_paths_and_stacks_is_built_and_cleared_in_little_memory";
    // A tenth of what the walker is tried on, where this is used again: it takes seconds.
    const DEPTH: usize = 100_000;
    limits::measured_child(TEST, || {
        let site = Site::new();
        let top = top_of(&site);
        let started = Instant::now();
        drop(trees::chain(site.root(), DEPTH));
        let built = started.elapsed();
        let started = Instant::now();
        drop(site);
        let cleared = started.elapsed();
        assert!(!top.exists());
        let peak = limits::peak_rss_kib();
        println!("depth {DEPTH}: built in {built:.2?}, cleared in {cleared:.2?}, {peak} KiB");
        assert!(peak < 16 * 1024, "{peak} KiB");
    });
}

#[test]
fn clearing_says_what_it_could_not_do() {
    let site = Site::new();
    let missing = clear(&site.root().join("missing"));
    assert!(missing[0].contains("No such file"), "{missing:?}");
    fs::write(site.root().join("file"), "").unwrap();
    assert!(!clear(&site.root().join("file")).is_empty());
    assert!(site.root().join("file").exists());
}

#[test]
fn what_may_not_be_read_is_cleared() {
    const TEST: &str = "what_may_not_be_read_is_cleared";
    // Only for somebody who is not root do permissions stand in the way.
    let setup = || {
        let site = Site::new();
        trees::from_spec(site.root(), "closed/sub/file\nread-only/sub/file");
        site.give_to(privilege::NOBODY);
        site
    };
    privilege::as_nobody(TEST, setup, |_| {
        let site = Site::new();
        let top = top_of(&site);
        trees::from_spec(site.root(), "closed/sub/file\nread-only/sub/file\nempty/");
        for (dir, mode) in [
            ("closed/sub", 0),
            ("closed", 0),
            ("read-only", 0o555),
            ("empty", 0),
        ] {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(site.root().join(dir), mode).unwrap();
        }
        let tree = snapshot(site.root());
        assert_eq!(tree[Path::new("closed")].content, Content::Unreadable);
        drop(site);
        assert!(!top.exists());
    });
}

// ---- again ----

#[test]
fn a_name_that_is_no_test_is_a_failure() {
    let verdict = again::run(&mut again::command("no_such_test", "some layer"));
    // libtest says ok when it ran nothing.
    assert!(verdict.status.success() && !verdict.passed, "{verdict:?}");
    let text = panic_of(|| again::layered("no_such_test", "some layer", Some, || ()));
    assert!(text.contains("did not run and pass"), "{text}");
}

#[test]
fn a_body_that_panics_inside_fails_outside() {
    const TEST: &str = "a_body_that_panics_inside_fails_outside";
    let act = || again::layered(TEST, "doom", Some, || panic!("so it says inside"));
    if again::inside(TEST, "doom") {
        act();
    }
    let text = panic_of(act);
    assert!(text.contains("so it says inside"), "{text}");
}

#[test]
fn layers_nest_and_bodies_run_innermost_only() {
    const TEST: &str = "layers_nest_and_bodies_run_innermost_only";
    let mut ran = false;
    again::layered(TEST, "one", Some, || {
        again::layered(TEST, "two", Some, || {
            assert!(again::has_layer("one") && again::has_layer("two"));
            ran = true;
        });
    });
    assert_eq!(ran, again::inside(TEST, "two"));
}

// ---- privilege ----

#[test]
fn a_skip_is_said_aloud_and_is_a_failure_where_nothing_may_be_skipped() {
    const TEST: &str = "a_skip_is_said_aloud_and_is_a_failure_where_nothing_may_be_skipped";
    if again::inside(TEST, "skip") {
        assert!(privilege::require(true, "nothing"));
        assert!(!privilege::require(false, "the reason"));
        return;
    }
    let allowed = again::run(again::command(TEST, "skip").env_remove("FELL_REQUIRE"));
    assert!(allowed.passed, "{allowed:?}");
    assert!(
        allowed
            .stderr
            .lines()
            .any(|line| line == "skipped: the reason"),
        "{allowed:?}"
    );
    assert!(!allowed.stderr.contains("nothing"), "{allowed:?}");

    let required = again::run(again::command(TEST, "skip").env("FELL_REQUIRE", "all"));
    assert!(
        !required.passed && !required.status.success(),
        "{required:?}"
    );
    assert!(
        required.stderr.contains("cannot run here: the reason"),
        "{required:?}"
    );
}

#[test]
fn mounts_are_seen_inside_and_never_outside() {
    const TEST: &str = "mounts_are_seen_inside_and_never_outside";
    let before = mounts();
    privilege::in_mount_namespace(TEST, || {
        let site = Site::new();
        let top = top_of(&site);
        trees::from_spec(site.root(), "bound/\ntmp/\nfile");
        let [bound, tmp, file] = ["bound", "tmp", "file"].map(|name| site.root().join(name));
        privilege::bind_mount(&site.outside().join("dir"), &bound);
        privilege::bind_mount(&site.outside().join("file"), &file);
        privilege::mount_tmpfs(&tmp);
        assert!(bound.join("sub/file").is_file());
        assert_eq!(fs::read(&file).unwrap(), b"file\n");
        assert_ne!(
            fs::metadata(&tmp).unwrap().dev(),
            fs::metadata(&bound).unwrap().dev()
        );
        assert_eq!(
            fs::remove_dir(&tmp).unwrap_err().kind(),
            io::ErrorKind::ResourceBusy
        );

        privilege::mount_tmpfs(&bound);
        assert!(!bound.join("sub").exists());
        privilege::unmount(&bound);
        assert!(bound.join("sub/file").is_file());

        // Cleared with three mounts in it, two of them on top of each other; what they lead to
        // outside the tree stays until its own turn comes, and a tree of somebody else for good.
        let other = Site::new();
        privilege::bind_mount(&other.outside().join("dir"), &site.root().join("tmp"));
        // And with one mount where no path leads.
        let deep = trees::chain(site.root(), 3_000);
        privilege::mount_tmpfs(Path::new(&format!("/proc/self/fd/{}", deep.as_raw_fd())));
        site.assert_canaries();
        drop(site);
        assert!(!top.exists());
        other.assert_canaries();

        // Left behind, for the outside to see if it could.
        privilege::mount_tmpfs(&std::env::temp_dir());
        assert_ne!(mounts(), before);
    });
    if !again::has_layer("mounts") {
        assert_eq!(mounts(), before);
    }
}

#[test]
fn nobody_mounts_outside_a_namespace() {
    let site = Site::new();
    let text = panic_of(|| privilege::mount_tmpfs(site.root()));
    assert!(text.contains("in_mount_namespace"), "{text}");
}

#[test]
fn nobody_may_do_what_it_owns_and_no_more() {
    const TEST: &str = "nobody_may_do_what_it_owns_and_no_more";
    let setup = || {
        let site = Site::new();
        trees::from_spec(site.root(), "given/file\nclosed/");
        site.give_to(if geteuid().is_root() {
            privilege::NOBODY
        } else {
            geteuid().as_raw()
        });
        fs::set_permissions(
            site.root().join("closed"),
            fs::Permissions::from_mode(0o000),
        )
        .unwrap();
        site
    };
    let site = privilege::as_nobody(TEST, setup, |root| {
        assert!(!geteuid().is_root());
        fs::remove_file(root.join("given/file")).unwrap();
        let denied = fs::read_dir(root.join("closed")).unwrap_err();
        assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
    });
    if let Some(site) = site {
        assert!(!site.root().join("given/file").exists());
        site.assert_canaries();
    }
}

#[test]
fn immutable_entries_stay_until_the_site_goes() {
    let site = Site::new();
    let top = top_of(&site);
    trees::from_spec(site.root(), "file\ndir/file\nother");
    for name in ["file", "dir"] {
        let outcome = privilege::set_immutable(&site.root().join(name), true);
        if !privilege::require(outcome.is_ok(), "entries cannot be made immutable") {
            return;
        }
    }
    for name in ["file", "dir/file"] {
        let denied = fs::remove_file(site.root().join(name)).unwrap_err();
        assert_eq!(
            denied.raw_os_error(),
            Some(Errno::PERM.raw_os_error()),
            "{name}"
        );
    }
    let other = site.root().join("other");
    privilege::set_immutable(&other, true).unwrap();
    privilege::set_immutable(&other, false).unwrap();
    fs::remove_file(other).unwrap();
    drop(site);
    assert!(!top.exists());
}

#[test]
fn a_missing_file_cannot_be_made_immutable() {
    let site = Site::new();
    let outcome = privilege::set_immutable(&site.root().join("missing"), true);
    assert_eq!(outcome, Err(Errno::NOENT));
}

// ---- limits ----

#[test]
fn exactly_the_promised_descriptors_are_left() {
    const TEST: &str = "exactly_the_promised_descriptors_are_left";
    limits::with_rlimit_nofile(TEST, 24, 20, || {
        let before = limits::open_descriptors();
        let open = || openat(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let mut held = Vec::new();
        let error = loop {
            match open() {
                Ok(fd) => held.push(fd),
                Err(error) => break error,
            }
        };
        assert_eq!((held.len(), error), (4, Errno::MFILE));
        drop(held);
        assert_eq!(limits::open_descriptors(), before);
        let _leak = open().unwrap();
        assert_eq!(limits::open_descriptors().difference(&before).count(), 1);
        // A site can be made and cleared with what little is left.
        trees::complex(Site::new().root(), 2);
    });
    if !again::inside(TEST, "nofile") {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        assert_ne!(
            limit.current,
            Some(24),
            "the limit is the other process's alone"
        );
    }
}

#[test]
fn a_peak_belongs_to_one_test_and_can_be_forgotten() {
    const TEST: &str = "a_peak_belongs_to_one_test_and_can_be_forgotten";
    const KIB: usize = 64 * 1024;
    limits::measured_child(TEST, || {
        let start = limits::peak_rss_kib();
        assert!(start < 32 * 1024, "{start} KiB before anything was done");
        let held = std::hint::black_box(vec![1_u8; KIB * 1024]);
        let peak = limits::peak_rss_kib();
        assert!(
            peak > start + KIB as u64 / 8 * 7,
            "{peak} KiB with {KIB} KiB held"
        );
        drop(held);
        // The kernel counts in portions, each processor its own: not to the KiB.
        assert!(limits::peak_rss_kib() > peak - KIB as u64 / 8);
        limits::reset_peak_rss().unwrap();
        assert!(limits::peak_rss_kib() < peak - KIB as u64 / 2);
    });
}

// ---- calls ----

#[test]
fn calls_of_a_command_are_counted_after_the_marker() {
    let site = Site::new();
    trees::from_spec(site.root(), "one\ntwo\nthree");
    let mut command = Command::new("rm");
    command
        .arg("--")
        .args(["one", "two", "three"].map(|name| site.root().join(name)));
    let marker = site.root().join("one");
    let Some(traced) = calls::strace_counts(&command, marker.to_str().unwrap()) else {
        return;
    };
    assert!(traced.output.status.success(), "{traced:?}");
    // The first call that names `one` may be its unlinkat or a stat before it.
    let unlinked = traced.counts.get("unlinkat").copied().unwrap_or_default();
    assert!((2..=3).contains(&unlinked), "{traced:?}");
    assert!(!traced.counts.contains_key("execve"), "{traced:?}");
    assert_eq!(census(site.root()), Census::default());

    let text = panic_of(|| calls::strace_counts(&Command::new("true"), "/no/such/marker"));
    assert!(text.contains("no system call mentions"), "{text}");
}

#[test]
fn calls_of_a_body_are_counted_and_no_others() {
    const TEST: &str = "calls_of_a_body_are_counted_and_no_others";
    let counts = calls::strace_self(TEST, || {
        for name in ["/a", "/b", "/c"] {
            let _ = openat(CWD, name, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty());
        }
        let beside = Beside::spawn(|_| access("/", Access::EXISTS));
        beside.stop().unwrap();
    });
    let Some(counts) = counts else { return };
    assert!(counts["openat"] >= 3, "{counts:?}");
    let accesses: u64 = counts
        .iter()
        .filter(|(name, _)| name.contains("access"))
        .map(|(_, n)| n)
        .sum();
    assert_eq!(
        accesses, 1,
        "the thread's counts, the marks do not: {counts:?}"
    );
    assert!(
        !counts.contains_key("execve") && !counts.contains_key("exit_group"),
        "{counts:?}"
    );
}

#[test]
fn calls_of_a_command_can_be_made_to_fail() {
    let site = Site::new();
    trees::from_spec(site.root(), "file");
    let mut command = Command::new("rm");
    command.arg("--").arg(site.root().join("file"));
    if let Some(output) = calls::strace_inject(&command, "unlinkat:error=EIO") {
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("Input/output error"));
        assert!(site.root().join("file").exists());
    }
}

#[test]
fn calls_of_a_body_can_be_made_to_fail() {
    const TEST: &str = "calls_of_a_body_can_be_made_to_fail";
    calls::strace_inject_self(TEST, "openat2:error=ENOSYS", || {
        use rustix::fs::{ResolveFlags, openat2};
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let outcome = openat2(CWD, "/", flags, Mode::empty(), ResolveFlags::NO_XDEV);
        assert_eq!(outcome.unwrap_err(), Errno::NOSYS);
    });
}

// ---- beside ----

#[test]
fn a_thread_beside_acts_until_stopped() {
    let acts = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&acts);
    let beside = Beside::repeat(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    assert!(
        acts.load(Ordering::Relaxed) >= 1,
        "it has acted before anybody goes on"
    );
    let rounds = beside.stop();
    assert_eq!(acts.load(Ordering::Relaxed), rounds);

    let counter = Arc::clone(&acts);
    drop(Beside::spawn(move |stop| {
        while !stop.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
        counter.store(0, Ordering::Relaxed);
    }));
    assert_eq!(
        acts.load(Ordering::Relaxed),
        0,
        "dropping waits for its end"
    );
}

#[test]
fn a_panic_beside_is_a_panic_here() {
    assert_eq!(
        panic_of(|| Beside::spawn(|_| panic!("beside")).stop()),
        "beside"
    );
    assert_eq!(
        panic_of(|| drop(Beside::repeat(|| panic!("at once")))),
        "at once"
    );
    // Two panics at once must not abort: the first is the one to be told.
    let both = || {
        let _beside = Beside::spawn(|_| panic!("beside"));
        panic!("here");
    };
    assert_eq!(panic_of::<()>(both), "here");
}
