//! G10: no global state, and nothing left open.

use super::SMALL;
use crate::support::audit::{quiet, watched};
use crate::support::calls::strace_inject;
use crate::support::limits::{measured_child, open_descriptors};
use crate::support::trees::{self, Site, from_spec};
use fell::{Error, Remover};
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

/// What a process has but one of.
#[derive(Debug, PartialEq)]
struct Global {
    directory: PathBuf,
    environment: BTreeMap<OsString, OsString>,
    /// The umask, and which signals are blocked, ignored and caught.
    status: Vec<String>,
}

impl Global {
    fn now() -> Global {
        let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
        let words = ["Umask:", "SigBlk:", "SigIgn:", "SigCgt:"];
        let lines = status
            .lines()
            .filter(|line| words.iter().any(|word| line.starts_with(word)));
        Global {
            directory: env::current_dir().unwrap(),
            environment: env::vars_os().collect(),
            status: lines.map(str::to_owned).collect(),
        }
    }
}

//= docs/spec.md#g10-no-global-state
//= type=test
//# G10.1: A walk MUST NOT change the working directory, the umask, the handling of signals or the
//# environment of the process.
#[test]
fn what_the_process_has_one_of_is_untouched() {
    measured_child("state::what_the_process_has_one_of_is_untouched", || {
        let site = Site::new();
        // The root is relative, and the walk deeper than any path.
        env::set_current_dir(site.base()).unwrap();
        from_spec(site.root(), SMALL);
        trees::chain(&site.root().join("a"), 3000);
        let before = Global::now();
        assert_eq!(before.status.len(), 4);
        let mut events = 0_u64;
        let result = Remover::new()
            .max_open_dirs(1)
            .remove_dir_all_observed("tree", |_| {
                events += 1;
                if events % 25 == 0 {
                    assert_eq!(Global::now(), before);
                }
                ControlFlow::Continue(())
            });
        result.expect("nobody wrote");
        assert_eq!(Global::now(), before);
    });
}

//= docs/spec.md#g10-no-global-state
//= type=test
//# G10.2: Any number of walks MUST be able to run at once in one process.
#[test]
fn walks_at_once_do_not_meet() {
    let remover = Remover::new().max_open_dirs(2);
    let own: Vec<Site> = (0..8).map(|_| Site::new()).collect();
    let shared = Site::new();
    for site in own.iter().chain([&shared]) {
        trees::complex(site.root(), 4);
    }
    let expected = (4 + 16 + 64, 2 + 4 * (3 + 4 * (3 + 4 * 3)));
    thread::scope(|scope| {
        for site in &own {
            let (remover, shared) = (&remover, &shared);
            scope.spawn(move || {
                let report = remover
                    .remove_dir_all(site.root())
                    .expect("a tree of its own");
                assert_eq!((report.files, report.directories), expected);
                remover
                    .remove_dir_all(shared.root())
                    .expect("removers only");
            });
        }
    });
    for site in own.iter().chain([&shared]) {
        assert!(!site.root().exists());
        site.assert_canaries();
    }
}

//= docs/spec.md#g10-no-global-state
//= type=test
//# G10.3: A call that ends in EINTR MUST be made again without the machine seeing it.
#[test]
fn an_interrupted_call_is_made_again() {
    // openat is the loader's as well, which does not bear it: only later ones are interrupted.
    for what in [
        "openat2:error=EINTR:when=1+2",
        "openat:error=EINTR:when=15+2",
        "statx:error=EINTR:when=10+2",
        "getdents64:error=EINTR:when=1+2",
        "unlinkat:error=EINTR:when=1+2",
        "lseek:error=EINTR:when=1+2",
        "fstatfs:error=EINTR:when=1+2",
    ] {
        let site = Site::new();
        from_spec(site.root(), SMALL);
        trees::chain(&site.root().join("a"), 20);
        // A reading is resumed only when it has noted all it may.
        let dirs = if what.starts_with("lseek") { 5000 } else { 100 };
        trees::wide(&site.root().join("d"), 100, dirs);
        let trace = site.aside().join("trace");
        let mut fell = Command::new(env!("CARGO_BIN_EXE_fell"));
        fell.args(["--max-open", "1", "--trace"])
            .arg(&trace)
            .arg(site.root());
        let Some(output) = strace_inject(&fell, what) else {
            return;
        };
        assert!(output.status.success(), "{what}: {output:?}");
        assert!(!site.root().exists());
        let eintr = format!("\"errno\":{}", rustix::io::Errno::INTR.raw_os_error());
        let trace = fs::read_to_string(&trace).unwrap();
        assert!(!trace.contains(&eintr), "the machine saw EINTR of {what}");
    }
}

/// What stops a walk after some event.
#[derive(Clone, Copy, Debug)]
enum Way {
    Cancel,
    Panic,
}

//= docs/spec.md#g10-no-global-state
//= type=test
//# G10.4: Every slot MUST be closed on every way out of a walk, a cancel and a panic of an observer
//# included.
#[test]
fn nothing_stays_open_on_any_way_out() {
    measured_child("state::nothing_stays_open_on_any_way_out", || {
        std::panic::set_hook(Box::new(|_| ()));
        for (way, window) in [
            (Way::Cancel, 1),
            (Way::Cancel, 64),
            (Way::Panic, 1),
            (Way::Panic, 64),
        ] {
            for when in 1.. {
                let site = Site::new();
                from_spec(site.root(), SMALL);
                let before = open_descriptors();
                let mut seen = 0;
                let remover = Remover::new().max_open_dirs(window);
                let result = catch_unwind(AssertUnwindSafe(|| {
                    remover.remove_dir_all_observed(site.root(), |_| {
                        seen += 1;
                        match way {
                            Way::Panic if seen == when => panic!("the observer's own"),
                            Way::Cancel if seen == when => ControlFlow::Break(()),
                            Way::Panic | Way::Cancel => ControlFlow::Continue(()),
                        }
                    })
                }));
                assert_eq!(open_descriptors(), before, "{way:?} at {when}");
                assert!(
                    seen <= when,
                    "{way:?} at {when}, and {seen} events were seen"
                );
                match (way, result) {
                    (Way::Panic, Err(_)) | (Way::Cancel, Ok(Err(Error::Cancelled { .. }))) => {}
                    // The last event came too late to change anything.
                    (_, Ok(Ok(_))) => {
                        assert!(!site.root().exists());
                        if seen < when {
                            break;
                        }
                    }
                    (way, result) => panic!("{way:?} at {when}: {result:?}"),
                }
                site.assert_canaries();
            }
        }
        let before = open_descriptors();
        let site = Site::new();
        from_spec(site.root(), SMALL);
        let result = Remover::new()
            .deadline(Duration::ZERO)
            .remove_dir_all(site.root());
        assert!(matches!(result, Err(Error::TimedOut { .. })));
        drop(watched(&Remover::new().max_depth(1), site.root(), quiet));
        drop(Remover::new().remove_dir_all(site.base().join("tree~")));
        drop(Remover::new().remove_dir_all(site.base().join("absent")));
        assert_eq!(open_descriptors(), before);
    });
}
