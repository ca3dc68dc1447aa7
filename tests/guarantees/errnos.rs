//! E: which errno means what. By strace, which answers in the kernel's place: what the command makes
//! of an errno is told by its report.

use super::number;
use crate::support::audit::{quiet, watched};
use crate::support::calls::strace_inject;
use crate::support::trees::{Site, from_spec};
use fell::kernel::Name;
use fell::machine::{Identify, Open, Read, Reply, Request, Rmdir, Unlink};
use fell::{Error, Operation, Remover};
use rustix::io::Errno;
use serde_json::Value;
use std::io;
use std::ops::ControlFlow;
use std::process::Command;
use std::time::Duration;

/// What `fell --json` says of a tree made from `spec`, with one system call tampered with; nothing
/// where there is no strace.
fn tampered(spec: &str, what: &str) -> Option<Value> {
    let site = Site::new();
    from_spec(site.root(), spec);
    let mut fell = Command::new(env!("CARGO_BIN_EXE_fell"));
    fell.arg("--json").arg(site.root());
    let output = strace_inject(&fell, what)?;
    let said: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{what}: {error}: {output:?}"));
    let gone = matches!(said["outcome"].as_str(), Some("removed"));
    assert_eq!(gone, !site.root().exists(), "{what}: {said}");
    site.assert_canaries();
    Some(said)
}

/// Asserts what was said, field by field.
#[track_caller]
fn assert_said(what: &str, said: &Value, expected: &Value) {
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(&said[field], value, "{field} with {what}: {said}");
    }
}

// The first openat2 is the probe's, the second the root's.

//= docs/spec.md#e-errnos
//= type=test
//# E.1: ENOENT, ESTALE, and EINVAL in answer to a seek MUST be classified as gone.
#[test]
fn enoent_and_estale_are_gone() {
    for errno in ["ENOENT", "ESTALE"] {
        for (spec, call) in [
            // An entry that is said to be gone and is not is met by the next pass.
            ("file", "unlinkat"),
            ("dir/file", "openat2:3"),
            ("dir/", "unlinkat"),
        ] {
            let (call, when) = call.split_once(':').unwrap_or((call, "1"));
            let what = format!("{call}:error={errno}:when={when}");
            let Some(said) = tampered(spec, &what) else {
                return;
            };
            let expected = serde_json::json!({
                "outcome": "removed", "vanished": 1, "leftovers_total": 0, "retries": 0,
            });
            assert_said(&what, &said, &expected);
        }
        // A reading: not a pass, and the directory is read again.
        let what = format!("getdents64:error={errno}:when=1");
        let Some(said) = tampered("file", &what) else {
            return;
        };
        let expected = serde_json::json!({"outcome": "removed", "retries": 1, "files": 1});
        assert_said(&what, &said, &expected);
    }
    // At the root: absent by ENOENT, and by ESTALE only asked again.
    let Some(said) = tampered("file", "openat2:error=ESTALE:when=2") else {
        return;
    };
    assert_said(
        "ESTALE",
        &said,
        &serde_json::json!({"outcome": "removed", "retries": 1}),
    );
}

//= docs/spec.md#e-errnos
//= type=test
//# E.2: ENOTDIR and ELOOP MUST be classified as not a directory.
#[test]
fn enotdir_and_eloop_are_no_directory() {
    for errno in ["ENOTDIR", "ELOOP"] {
        // Opening: it is unlinked as a file, which says that it is a directory, which is opened.
        let what = format!("openat2:error={errno}:when=3");
        let Some(said) = tampered("dir/file", &what) else {
            return;
        };
        let expected = serde_json::json!({"outcome": "removed", "files": 1, "leftovers_total": 0});
        assert_said(&what, &said, &expected);
        // Removing: the same.
        let what = format!("unlinkat:error={errno}:when=1");
        let Some(said) = tampered("dir/", &what) else {
            return;
        };
        assert_said(
            &what,
            &said,
            &serde_json::json!({"outcome": "removed", "leftovers_total": 0}),
        );
        // The root.
        let what = format!("openat2:error={errno}:when=2");
        let Some(said) = tampered("dir/", &what) else {
            return;
        };
        assert_said(
            &what,
            &said,
            &serde_json::json!({"outcome": "not_a_directory"}),
        );
        let what = format!("unlinkat:error={errno}:when=2");
        let Some(said) = tampered("dir/", &what) else {
            return;
        };
        assert_said(
            &what,
            &said,
            &serde_json::json!({"outcome": "not_a_directory"}),
        );
    }
}

//= docs/spec.md#e-errnos
//= type=test
//# E.3: ENOTEMPTY and EEXIST MUST be classified as not empty.
#[test]
fn enotempty_and_eexist_are_not_empty() {
    for errno in ["ENOTEMPTY", "EEXIST"] {
        for when in [1, 2] {
            let what = format!("unlinkat:error={errno}:when={when}");
            let Some(said) = tampered("dir/", &what) else {
                return;
            };
            // Another pass, over the directory or the root.
            let expected = serde_json::json!({"outcome": "removed", "passes": 3, "retries": 0});
            assert_said(&what, &said, &expected);
        }
    }
}

//= docs/spec.md#e-errnos
//= type=test
//# E.4: Below the root, every other errno that ends the attempt to remove an entry MUST make that
//# entry a leftover.
#[test]
fn any_other_errno_below_the_root_is_a_leftover() {
    for (errno, raw) in [
        ("EIO", Errno::IO),
        ("EROFS", Errno::ROFS),
        ("EACCES", Errno::ACCESS),
        ("EPERM", Errno::PERM),
        ("EBUSY", Errno::BUSY),
        ("ENAMETOOLONG", Errno::NAMETOOLONG),
    ] {
        for (spec, call, path, operation) in [
            ("file", "unlinkat:1", "/file", "unlink"),
            ("dir/", "unlinkat:1", "/dir", "rmdir"),
            ("dir/file", "openat2:3", "/dir", "open"),
            ("dir/file", "getdents64:3", "/dir", "read"),
        ] {
            let (call, when) = call.split_once(':').unwrap();
            let what = format!("{call}:error={errno}:when={when}");
            let Some(said) = tampered(spec, &what) else {
                return;
            };
            assert_said(&what, &said, &serde_json::json!({"outcome": "not_empty"}));
            let first = &said["leftovers"][0];
            assert!(
                first["path"].as_str().unwrap().ends_with(path),
                "{what}: {said}"
            );
            assert_eq!(first["operation"], operation, "{what}: {said}");
            assert_eq!(first["errno"], raw.raw_os_error(), "{what}: {said}");
        }
    }
}

//= docs/spec.md#e-errnos
//= type=test
//# E.5: At the root, every other errno MUST end the walk NotEmpty if there are leftovers, and Io if
//# there are none.
#[test]
fn any_other_errno_at_the_root_is_not_empty_or_io() {
    type Tamper = fn(Request<Name>, fell::machine::Errno) -> Option<Reply<Name>>;
    for errno in [Errno::IO, Errno::ACCESS, Errno::PERM, Errno::ROFS] {
        let error = number(errno);
        for with_leftover in [false, true] {
            let site = Site::new();
            from_spec(site.root(), "stay");
            let walked = watched(&Remover::new(), site.root(), |moment| {
                match moment.request {
                    Request::Unlink { .. } if with_leftover => {
                        Some(Reply::Unlink(Unlink::Failed(number(Errno::IO))))
                    }
                    Request::RmdirRoot { .. } => Some(Reply::Rmdir(Rmdir::Failed(error))),
                    _ => None,
                }
            });
            if with_leftover {
                let expected = [("stay", Errno::IO), ("", errno)];
                super::assert_left(&walked, site.root(), &expected);
            } else {
                assert_io(walked.result, Operation::Rmdir, errno);
            }
        }
        let tampers: [(Operation, Tamper); 4] = [
            (Operation::Open, |request, error| {
                matches!(request, Request::OpenBase { .. })
                    .then_some(Reply::Open(Open::Failed(error)))
            }),
            (Operation::Open, |request, error| {
                matches!(request, Request::OpenRoot { .. })
                    .then_some(Reply::Open(Open::Failed(error)))
            }),
            (Operation::Identify, |request, error| {
                let reply = Reply::Identify(Identify::Failed(error));
                matches!(request, Request::Identify { .. }).then_some(reply)
            }),
            (Operation::Read, |request, error| {
                matches!(request, Request::Read { .. }).then_some(Reply::Read(Read::Failed(error)))
            }),
        ];
        for (operation, tamper) in tampers {
            let site = Site::new();
            from_spec(site.root(), "stay");
            let walked = watched(&Remover::new(), site.root(), |moment| {
                tamper(moment.request, error)
            });
            assert_io(walked.result, operation, errno);
            assert!(site.root().join("stay").exists());
        }
    }
}

#[track_caller]
fn assert_io(result: Result<fell::Report, Error>, operation: Operation, errno: Errno) {
    match result {
        Err(Error::Io {
            operation: failed,
            source,
            ..
        }) => {
            assert_eq!(
                (failed, source.raw_os_error()),
                (operation, Some(errno.raw_os_error()))
            );
        }
        other => panic!("{other:?} is no Io"),
    }
}

//= docs/spec.md#e-errnos
//= type=test
//# E.8: Every Error MUST carry the Report.
//= docs/spec.md#e-errnos
//= type=test
//# E.9: A walk that its deadline ended MUST be TimedOut, as an Error and as an I/O error.
//= docs/spec.md#e-errnos
//= type=test
//# E.10: A cancel MUST NOT be turned into an I/O error of the kind Interrupted.
#[test]
fn every_error_says_what_was_done() {
    let spec = "a/file\n b/file\n c/file\n file";
    // Removed as far as the first two files, then ended.
    let ended = |request: &Request<Name>, removed: u64| {
        removed >= 2 && matches!(request, Request::Read { .. })
    };
    let site = Site::new();
    from_spec(site.root(), spec);
    let result = Remover::new().remove_dir_all_observed(site.root(), |event| {
        if ended(&event.request, event.report().files) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
    assert_eq!(error.report().files, 2);
    let kind = io::Error::from(error).kind();
    assert!(kind != io::ErrorKind::Interrupted && kind == io::ErrorKind::Other);

    let site = Site::new();
    from_spec(site.root(), spec);
    let limit = Duration::from_millis(20);
    let remover = Remover::new().deadline(limit);
    let begun = std::time::Instant::now();
    let result = remover.remove_dir_all_observed(site.root(), |event| {
        // The observer holds the walk up until its deadline is over.
        while ended(&event.request, event.report().files) && begun.elapsed() <= limit {
            std::hint::spin_loop();
        }
        ControlFlow::Continue(())
    });
    let error = result.unwrap_err();
    // A machine that is busy may be late for the second.
    assert!(
        matches!(&error, Error::TimedOut { report, .. } if report.files <= 2),
        "{error:?}"
    );
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::TimedOut);

    // NotEmpty, NotADirectory and Io, after some were removed.
    let answers = [
        Reply::Rmdir(Rmdir::NotEmpty),
        Reply::Rmdir(Rmdir::NotDirectory),
        Reply::Rmdir(Rmdir::Failed(number(Errno::IO))),
    ];
    for answer in answers {
        let site = Site::new();
        from_spec(site.root(), spec);
        let walked = watched(&Remover::new(), site.root(), |moment| {
            matches!(moment.request, Request::RmdirRoot { .. }).then_some(answer)
        });
        let error = walked.result.unwrap_err();
        assert_eq!(
            (error.report().files, error.report().directories),
            (4, 3),
            "{error:?}"
        );
    }
    // Refused: nothing was done, and that is what it says.
    let error = Remover::new().remove_dir_all("").unwrap_err();
    assert_eq!(error.report(), &fell::Report::default());
    let walked = watched(&Remover::new(), &site.base().join("absent"), quiet);
    assert!(walked.result.is_ok_and(|report| report.already_gone));
}
