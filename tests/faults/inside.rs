//! Every call of a walk fails with every errno, by a kernel that answers in the system's place.
//!
//! Where a fault may leave more than the entry it is about, what is beneath that, and the way there:
//! when the root or its parent cannot be opened, identified or read (the walk is not in the tree
//! then). Three wrong answers cannot be seen through and are believed: ENOENT for the root's parent,
//! for the root when it is opened, and for the root when it is removed.

use super::faulty::{Fault, Manner, Plan, Setting, Trial, Where, remove_with_faults};
use super::support::limits::{measured_child, open_descriptors};
use super::support::trees::{Site, from_spec, wide};
use super::{TREE, concerns, standing};
use fell::machine::{Gone, Identify, Open, Operation, Read, Reply, Request, Rmdir, Seek, Unlink};
use fell::{Error, Refused};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What any of the calls was seen or is said to give, EINTR excepted. ENOSYS is statx's where there is
/// none, EINVAL lseek's in a directory that is gone.
const ERRNOS: [Errno; 19] = [
    Errno::NOENT,
    Errno::STALE,
    Errno::ACCESS,
    Errno::PERM,
    Errno::IO,
    Errno::ROFS,
    Errno::BUSY,
    Errno::MFILE,
    Errno::NFILE,
    Errno::NOMEM,
    Errno::XDEV,
    Errno::LOOP,
    Errno::NOTDIR,
    Errno::ISDIR,
    Errno::NOTEMPTY,
    Errno::EXIST,
    Errno::NAMETOOLONG,
    Errno::NOSYS,
    Errno::INVAL,
];

const SETTINGS: [Setting; 4] = [
    Setting {
        window: 1,
        births: true,
        keep_root: false,
    },
    Setting {
        window: 2,
        births: true,
        keep_root: false,
    },
    Setting {
        window: 1,
        births: false,
        keep_root: false,
    },
    Setting {
        window: 2,
        births: true,
        keep_root: true,
    },
];

/// How a walk must end after one fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expected {
    /// Ok, and nothing is left: the fault was a race, or looks like one.
    Healed,
    /// NotEmpty: the entry stays, and is named with the call and the errno.
    Left,
    /// One or the other: the reading failed, and it depends on whether all had been read.
    LeftOrHealed,
    /// NotEmpty because of the root itself.
    RootLeft,
    /// The same call and errno, and nothing is said to be left.
    Io,
    /// The reading of the root failed, and it depends on whether all had been read.
    IoOrHealed,
    NotADirectory,
    Refused(Refused),
    /// Ok: it was told that the root is absent.
    Believed,
}

fn expected(fault: &Fault, setting: Setting, first_root: bool) -> Expected {
    match &fault.at {
        Where::Below(entry) => {
            // The levels above the current one: the root is held with the parent, or is not any more.
            let held = entry.components().count().saturating_sub(1);
            expected_below(fault, setting.window > 1 && held > 1)
        }
        // The way is lost, and found from the root.
        Where::Up => Expected::Healed,
        Where::Base | Where::Root => expected_at_root(fault, setting, first_root),
    }
}

/// `gives_back` is whether more than the immediate parent's slot is held.
fn expected_below(fault: &Fault, gives_back: bool) -> Expected {
    let unless = |heals| {
        if heals {
            Expected::Healed
        } else {
            Expected::Left
        }
    };
    match fault.reply {
        // Gone and not there any more: the parent is not empty then, and is read again. Another type:
        // the call for that type says which is right.
        Reply::Open(Open::Gone(_) | Open::NotDirectory)
        | Reply::Identify(Identify::Gone(_))
        | Reply::Read(Read::Gone(_))
        | Reply::Seek(Seek::Gone(_))
        | Reply::Unlink(Unlink::Gone(_) | Unlink::IsDirectory)
        | Reply::Rmdir(Rmdir::Gone(_) | Rmdir::NotEmpty | Rmdir::NotDirectory) => Expected::Healed,
        Reply::Open(Open::Exhausted(_)) => unless(gives_back || fault.was_empty),
        // Rule 3: what cannot be entered may still be empty.
        Reply::Open(Open::Mounted | Open::Failed(_))
        | Reply::Identify(Identify::Unsupported | Identify::Failed(_)) => unless(fault.was_empty),
        Reply::Read(Read::Failed(_)) => Expected::LeftOrHealed,
        // More had been there than was noted.
        Reply::Seek(Seek::Failed(_))
        | Reply::Unlink(Unlink::Denied(_) | Unlink::Failed(_))
        | Reply::Rmdir(Rmdir::Busy | Rmdir::Failed(_)) => Expected::Left,
        ref other => panic!("{other:?} is no failure"),
    }
}

fn expected_at_root(fault: &Fault, setting: Setting, first_root: bool) -> Expected {
    let of_base = matches!(fault.request, Request::OpenBase { .. });
    match fault.reply {
        Reply::Open(Open::Gone(Gone::Missing)) | Reply::Rmdir(Rmdir::Gone(Gone::Missing)) => {
            Expected::Believed
        }
        Reply::Open(Open::Gone(Gone::Stale)) if !of_base => Expected::Healed,
        Reply::Identify(Identify::Gone(_))
        | Reply::Read(Read::Gone(_))
        | Reply::Rmdir(Rmdir::Gone(Gone::Stale) | Rmdir::NotEmpty) => Expected::Healed,
        Reply::Open(Open::NotDirectory) if !of_base => Expected::NotADirectory,
        Reply::Rmdir(Rmdir::NotDirectory) => Expected::NotADirectory,
        Reply::Open(Open::Mounted) if !of_base && first_root => {
            Expected::Refused(Refused::MountPoint)
        }
        // A kept root that is said to be another one now.
        Reply::Open(Open::Mounted) if !of_base => Expected::RootLeft,
        Reply::Rmdir(Rmdir::Busy) => Expected::RootLeft,
        Reply::Identify(Identify::Unsupported) if first_root => {
            Expected::Refused(Refused::NoMountId)
        }
        Reply::Read(Read::Failed(_)) if !setting.keep_root => Expected::IoOrHealed,
        Reply::Open(_)
        | Reply::Identify(Identify::Unsupported | Identify::Failed(_))
        | Reply::Read(Read::Failed(_))
        | Reply::Rmdir(Rmdir::Failed(_)) => Expected::Io,
        ref other => panic!("{other:?} is no failure"),
    }
}

fn operation(fault: &Fault) -> Operation {
    match fault.reply {
        Reply::Open(_) => Operation::Open,
        Reply::Identify(_) => Operation::Identify,
        Reply::Read(_) => Operation::Read,
        Reply::Seek(_) => Operation::Seek,
        Reply::Unlink(_) => Operation::Unlink,
        Reply::Rmdir(_) => Operation::Rmdir,
        Reply::Inspect(_) | Reply::Closed => panic!("{fault:?} is no failure"),
    }
}

/// The errno of the fault, as a report has it: classes of errnos have one number each.
fn told(fault: &Fault) -> Errno {
    match fault.reply {
        Reply::Open(Open::NotDirectory) => Errno::NOTDIR,
        // Where mounts cannot be told apart, anything might be another file system.
        Reply::Identify(Identify::Unsupported) => Errno::XDEV,
        _ => fault.errno,
    }
}

type Line = (PathBuf, Operation, i32);

/// The lines of the report below `root`.
fn lines(trial: &Trial, root: &Path) -> Vec<Line> {
    let line = |left: &fell::Leftover| {
        let below = left.path.strip_prefix(root).expect("below the root");
        (below.to_path_buf(), left.operation, left.errno)
    };
    trial.report().leftovers.iter().map(line).collect()
}

/// The lines of a report after a fault at `entry`: the fault, then everything above, which is not
/// empty therefore.
fn lines_of(fault: &Fault, entry: &Path, setting: Setting) -> Vec<Line> {
    let full = |path: &Path| {
        let kept = setting.keep_root && path == Path::new("");
        let operation = if kept {
            Operation::Read
        } else {
            Operation::Rmdir
        };
        let errno = Errno::NOTEMPTY.raw_os_error();
        (path.to_path_buf(), operation, errno)
    };
    let first = (
        entry.to_path_buf(),
        operation(fault),
        told(fault).raw_os_error(),
    );
    // What could not be read is tried all the same, and its own removal fails too.
    let itself = matches!(fault.reply, Reply::Read(_) | Reply::Seek(_));
    let above = entry.ancestors().skip(usize::from(!itself)).map(full);
    [first].into_iter().chain(above).collect()
}

/// A site whose root is built anew before each walk.
struct Bench {
    site: Site,
    build: fn(&Path),
    entries: usize,
}

impl Bench {
    fn new(build: fn(&Path)) -> Bench {
        let site = Site::new();
        build(site.root());
        let entries = standing(site.root()).len();
        Bench {
            site,
            build,
            entries,
        }
    }

    fn root(&self) -> &Path {
        self.site.root()
    }

    /// One walk with faults, shown to `check`, and then one without: all must be gone, whatever the
    /// first left, nothing beside it touched, and no descriptor open.
    fn run(&self, setting: Setting, plans: &[Plan], check: impl FnOnce(&Trial)) -> Trial {
        let before = open_descriptors();
        let trial = remove_with_faults(setting, self.root(), self.entries, plans);
        assert_eq!(before, open_descriptors(), "{trial:?}");
        check(&trial);
        let without = Setting {
            keep_root: false,
            ..setting
        };
        let again = remove_with_faults(without, self.root(), self.entries, &[]);
        assert!(again.result.is_ok(), "{again:?} after {trial:?}");
        assert!(!self.root().exists());
        self.site.assert_canaries();
        fs::create_dir(self.root()).expect("the root is gone");
        (self.build)(self.root());
        trial
    }

    /// A walk without faults.
    fn calm(&self, setting: Setting) -> Trial {
        let ok = |trial: &Trial| assert!(trial.result.is_ok(), "{trial:?}");
        self.run(setting, &[], ok)
    }

    /// One walk with one fault, which must end as expected.
    fn one_fault(&self, setting: Setting, plan: Plan, first_root: bool) {
        self.run(setting, &[plan], |trial| {
            let [fault] = &trial.faults[..] else {
                panic!("one call was to fail: {trial:?}");
            };
            let expected = expected(fault, setting, first_root);
            self.check_end(trial, fault, expected, setting);
            self.check_left(fault, expected, setting);
            let retries = u64::from(fault.at == Where::Up);
            assert!(trial.report().retries >= retries, "{trial:?}");
        });
    }

    fn check_end(&self, trial: &Trial, fault: &Fault, expected: Expected, setting: Setting) {
        let said = lines(trial, self.root());
        let as_expected = match (&trial.result, expected) {
            (
                Ok(_),
                Expected::Healed
                | Expected::LeftOrHealed
                | Expected::IoOrHealed
                | Expected::Believed,
            )
            | (Err(Error::NotADirectory { .. }), Expected::NotADirectory) => true,
            (Err(Error::NotEmpty { .. }), Expected::Left | Expected::LeftOrHealed) => {
                let Where::Below(entry) = &fault.at else {
                    panic!("{fault:?}");
                };
                said == lines_of(fault, entry, setting)
            }
            (Err(Error::NotEmpty { .. }), Expected::RootLeft) => {
                said.len() == 1 && said[0].0 == Path::new("")
            }
            (
                Err(Error::Io {
                    operation: failed,
                    source,
                    ..
                }),
                Expected::Io | Expected::IoOrHealed,
            ) => {
                *failed == operation(fault)
                    && source.raw_os_error() == Some(told(fault).raw_os_error())
            }
            (Err(Error::Refused { reason, .. }), Expected::Refused(why)) => *reason == why,
            _ => false,
        };
        assert!(
            as_expected,
            "{expected:?} with {setting:?} came to {trial:#?}"
        );
    }

    /// What is left is what the fault concerns (G7), and Ok is not said of it (G5).
    fn check_left(&self, fault: &Fault, expected: Expected, setting: Setting) {
        let left = standing(self.root());
        let kept = BTreeSet::from([PathBuf::new()]);
        let nothing = left.is_empty() || setting.keep_root && left == kept;
        let fine = match (&fault.at, expected) {
            (_, Expected::Healed) => nothing,
            (Where::Below(entry), Expected::Left) => {
                left.contains(entry) && left.iter().all(|path| concerns(entry, path))
            }
            (Where::Below(entry), _) => left.iter().all(|path| concerns(entry, path)),
            // The root's removal failed: it is all that is left.
            (Where::Root, _) if matches!(fault.request, Request::RmdirRoot { .. }) => left == kept,
            (Where::Base | Where::Root | Where::Up, _) => true,
        };
        assert!(fine, "{expected:?} of {fault:?} left {left:?}");
    }
}

fn small(root: &Path) {
    from_spec(root, TREE);
}

//= docs/spec.md#g7-best-effort
//= type=test
//# G7.1: One unremovable entry MUST NOT keep the walker from removing anything else that can be
//# removed.
//= docs/spec.md#g6-honest-failure
//= type=test
//# G6.2: Every leftover named MUST carry its path, the operation that failed and the errno.
//= docs/spec.md#g3-termination
//= type=test
//# G3.2: The number of requests MUST stay within a bound that is computed from the number of entries,
//# the number of acts of others and patience, and that the documentation of the machine states.
#[test]
fn any_call_may_fail_with_any_errno() {
    measured_child("inside::any_call_may_fail_with_any_errno", || {
        let bench = Bench::new(small);
        for setting in SETTINGS {
            let calls = bench.calm(setting).calls.len();
            // Each of 15 entries is read and removed, each of 7 directories opened, identified and
            // read to its end.
            assert!(calls >= 2 * 15 + 3 * 7, "{calls} with {setting:?}");
            for call in 1..=calls {
                for errno in ERRNOS {
                    let plan = Plan {
                        call,
                        errno,
                        manner: Manner::Once,
                    };
                    // A kept root is opened again, for the pass that confirms; the first opening is
                    // the third call.
                    bench.one_fault(setting, plan, call <= 4);
                }
            }
            println!("{calls} calls, {} errnos: {setting:?}", ERRNOS.len());
        }
    });
}

/// A removal that took place although its answer says otherwise, as on a server whose reply was lost:
/// nothing below the root is left, and a root that is left is not said to be gone.
#[test]
fn a_removal_whose_answer_is_lost_has_taken_place() {
    measured_child(
        "inside::a_removal_whose_answer_is_lost_has_taken_place",
        || {
            let bench = Bench::new(small);
            let removes = |call: &Request<_>| {
                matches!(
                    call,
                    Request::Unlink { .. } | Request::Rmdir { .. } | Request::RmdirRoot { .. }
                )
            };
            let mut lost = 0;
            for setting in SETTINGS {
                let calls = bench.calm(setting).calls;
                let removals = (1..=calls.len()).filter(|call| removes(&calls[call - 1]));
                for (call, errno) in removals.flat_map(|call| ERRNOS.map(|errno| (call, errno))) {
                    let plan = Plan {
                        call,
                        errno,
                        manner: Manner::AnswerLost,
                    };
                    bench.run(setting, &[plan], |trial| check_lost(&bench, setting, trial));
                    lost += 1;
                }
            }
            // Everything is removed once; the root is not under the last setting.
            assert_eq!(lost, (4 * bench.entries - 1) * ERRNOS.len());
        },
    );
}

fn check_lost(bench: &Bench, setting: Setting, trial: &Trial) {
    let [fault] = &trial.faults[..] else {
        panic!("one answer was to be lost: {trial:?}");
    };
    let left = standing(bench.root());
    let kept = usize::from(setting.keep_root);
    assert_eq!(left.len(), kept, "{left:?}: {trial:?}");
    // What was said to be left went with its directory, but for one whose directory is kept.
    if matches!(fault.at, Where::Below(_)) && !setting.keep_root {
        assert!(trial.result.is_ok(), "{trial:?}");
    }
}

/// A disk that dies, a server that goes, a file system that becomes read-only: from some call on all
/// fail alike. Only ENOENT can make it believe that the root is gone.
#[test]
fn all_calls_may_fail_from_any_on() {
    measured_child("inside::all_calls_may_fail_from_any_on", || {
        let bench = Bench::new(small);
        for setting in SETTINGS {
            for call in 1..=bench.calm(setting).calls.len() {
                for errno in ERRNOS {
                    let manner = Manner::ForGood;
                    let plan = Plan {
                        call,
                        errno,
                        manner,
                    };
                    bench.run(setting, &[plan], |trial| check_dead(&bench, setting, trial));
                }
            }
        }
    });
}

fn check_dead(bench: &Bench, setting: Setting, trial: &Trial) {
    let first = trial.faults.first().expect("one call at least failed");
    let left = standing(bench.root());
    match &trial.result {
        Ok(_) => {
            let believed = first.errno == Errno::NOENT;
            assert!(left.is_empty() || believed, "{left:?}: {trial:?}");
        }
        Err(Error::NotEmpty { .. }) => {
            let said = lines(trial, bench.root());
            let named = said.iter().any(|(path, ..)| left.contains(path));
            assert!(named, "{left:?}: {trial:?}");
        }
        Err(Error::Io { source, .. }) => {
            let raw = source.raw_os_error();
            let told = trial.faults.iter().map(|fault| told(fault).raw_os_error());
            assert!(told.map(Some).any(|errno| errno == raw), "{trial:?}");
        }
        Err(Error::NotADirectory { .. }) => {
            assert!(matches!(first.errno, Errno::NOTDIR | Errno::LOOP));
        }
        Err(Error::Refused { .. }) => {
            assert!(matches!(first.errno, Errno::XDEV | Errno::NOSYS));
            assert!(
                setting.keep_root || left.len() == bench.entries,
                "{trial:?}"
            );
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// One of each meaning.
const FEW: [Errno; 4] = [Errno::NOENT, Errno::NOTDIR, Errno::MFILE, Errno::IO];

const PAIRED: &str = "
    a/b/c/file
    a/file
    empty/
";

fn paired(root: &Path) {
    from_spec(root, PAIRED);
}

/// Two faults may conceal each other: what one leaves explains what the other hid. So less is known
/// than of one: each end must be one that the faults allow, and be told as it is.
#[test]
fn any_two_calls_may_fail() {
    measured_child("inside::any_two_calls_may_fail", || {
        let bench = Bench::new(paired);
        let setting = SETTINGS[0];
        let calls = bench.calm(setting).calls.len();
        let mut both = 0;
        for first in 1..=calls {
            for errnos in FEW.iter().flat_map(|&one| FEW.map(|other| [one, other])) {
                // The second may come where there was no call without the first.
                for second in first + 1.. {
                    let plans =
                        [(first, errnos[0]), (second, errnos[1])].map(|(call, errno)| Plan {
                            call,
                            errno,
                            manner: Manner::Once,
                        });
                    let mut met = 0;
                    bench.run(setting, &plans, |trial| {
                        met = trial.faults.len();
                        check_pair(&bench, trial);
                    });
                    if met < 2 {
                        break;
                    }
                    both += 1;
                }
            }
        }
        println!("{both} pairs of faults in walks of about {calls} calls");
        assert!(both > calls * (calls - 1) / 2 * FEW.len(), "{both}");
    });
}

fn check_pair(bench: &Bench, trial: &Trial) {
    let left = standing(bench.root());
    let about = |fault: &Fault| match &fault.at {
        Where::Below(entry) => Some(entry.clone()),
        Where::Up => None,
        // The whole tree.
        Where::Base | Where::Root => Some(PathBuf::new()),
    };
    let concerned: Vec<PathBuf> = trial.faults.iter().filter_map(about).collect();
    for path in &left {
        let fine = concerned.iter().any(|entry| concerns(entry, path));
        assert!(fine, "{} is left: {trial:?}", path.display());
    }
    let said = lines(trial, bench.root());
    for (path, operation, errno) in &said {
        assert!(left.contains(path), "{left:?} lacks a line of {trial:?}");
        let full = *errno == Errno::NOTEMPTY.raw_os_error();
        let is_fault = |fault: &Fault| {
            (operation, errno) == (&self::operation(fault), &told(fault).raw_os_error())
        };
        assert!(full || trial.faults.iter().any(is_fault), "{trial:?}");
    }
    let absent = |fault: &Fault| {
        fault.errno == Errno::NOENT && matches!(fault.at, Where::Base | Where::Root)
    };
    match &trial.result {
        Ok(_) => assert!(
            left.is_empty() || trial.faults.iter().any(absent),
            "{trial:?}"
        ),
        Err(Error::NotEmpty { .. }) => assert!(!said.is_empty(), "{trial:?}"),
        Err(Error::Io { .. } | Error::NotADirectory { .. }) => {
            let at_root = |fault: &Fault| matches!(fault.at, Where::Base | Where::Root);
            assert!(trial.faults.iter().any(at_root), "{trial:?}");
        }
        Err(other) => panic!("{other:?}"),
    }
}

/// More subdirectories than one reading notes: only then a reading is resumed by a seek.
fn resumed(root: &Path) {
    from_spec(root, "wide/\n file");
    wide(&root.join("wide"), 0, 4100);
}

#[test]
fn a_seek_may_fail_with_any_errno() {
    measured_child("inside::a_seek_may_fail_with_any_errno", || {
        let bench = Bench::new(resumed);
        let setting = SETTINGS[0];
        let seeks = |call: &Request<_>| matches!(call, Request::Seek { .. });
        let seek = bench.calm(setting).calls.iter().position(seeks);
        let call = 1 + seek.expect("not all names can be noted at once");
        for errno in ERRNOS {
            let plan = Plan {
                call,
                errno,
                manner: Manner::Once,
            };
            bench.one_fault(setting, plan, false);
        }
    });
}
