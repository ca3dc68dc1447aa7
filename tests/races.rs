//! Others at work in the tree, at every request of the walker.
//!
//! A hook acts before the k-th request, for every k that a walk has, so no order of a small tree is
//! left to chance. The tests with threads and processes come last: they are for what a hook cannot
//! do, two system calls at the same time.

mod support;

use fell::kernel::Name;
use fell::machine::{Reply, Request};
use fell::{Error, Remover, Report};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use support::beside::Beside;
use support::kernel::{Moment, for_every, remove_hooked};
use support::privilege::{bind_mount, in_mount_namespace, unmount};
use support::trees::{Site, assert_same, census, complex, from_spec, snapshot};

/// How many directories are held open: all, or only the parent, so that `..` is asked for.
const WINDOWS: [u16; 2] = [64, 1];
/// A walk with little patience, of a tree this small, that gets here does not halt.
const TOO_MANY: usize = 20_000;
/// The same for walks that no hook counts.
const TOO_LONG: Duration = Duration::from_secs(100);

/// The tree that everything happens to. Of `early` and `late` one is noted and not entered yet
/// while the directory between them is walked, whatever the order of the listing.
const TREE: &str = "
    early/
    a/early/
    a/b/c/d/
    a/b/c/file
    a/b/file
    a/b/g/
    a/file
    a/late/
    e/f/file
    file
    late/
    link -> ../../aside/trap
";

/// Stands beside the tree. `in` and `link` are moved into it; `kept` and `trap` are not in reach,
/// ever. Among what is in `kept` directories are moved: who believes their `..` is there, with names
/// in mind that are there too. To `trap` links lead; whoever acts follows them as well, so it has no
/// name that an act asks for.
const ASIDE: &str = "
    in/a/file
    in/empty/
    kept/early/file
    kept/file
    kept/late/file
    trap/early/file
    trap/late/file
    trap/only-here
    link -> ../aside/trap
";

fn site() -> Site {
    let site = Site::new();
    from_spec(site.root(), TREE);
    from_spec(&site.aside(), ASIDE);
    site
}

fn remover(window: u16) -> Remover {
    Remover::new()
        .max_open_dirs(window)
        .patience(16)
        .deadline(TOO_LONG)
}

fn walk(
    remover: &Remover,
    root: &Path,
    mut hook: impl FnMut(&Moment<'_>),
) -> Result<Report, Error> {
    remove_hooked(remover, root, |moment| -> Option<Reply<Name>> {
        assert!(moment.number < TOO_MANY, "it does not halt");
        hook(moment);
        None
    })
}

fn is_absent(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// What is true whatever others do: nothing out of reach is touched, Ok means that the root is
/// absent, and NotEmpty says what is left. Answers whether it is Ok; any other error panics.
#[track_caller]
fn honest(site: &Site, result: &Result<Report, Error>) -> bool {
    site.assert_canaries();
    let unreachable = ["kept/", "trap/"];
    let is_kept = |line: &&str| unreachable.iter().any(|dir| line.starts_with(dir));
    for file in ASIDE.lines().map(str::trim).filter(is_kept) {
        let held = fs::read_to_string(site.aside().join(file)).unwrap_or_default();
        assert_eq!(held, format!("{file}\n"), "{file} is out of reach");
    }
    match result {
        Ok(report) => {
            assert!(
                is_absent(site.root()),
                "Ok, and the root is there: {report:#?}"
            );
            assert_eq!((report.leftovers.len(), report.leftovers_total), (0, 0));
            true
        }
        Err(Error::NotEmpty { report, .. }) => {
            assert!(report.leftovers_total >= report.leftovers.len() as u64);
            assert!(
                !report.leftovers.is_empty(),
                "NotEmpty, and nothing is left: {report:#?}"
            );
            for left in &report.leftovers {
                assert!(left.path.starts_with(site.root()), "{left}");
                assert_ne!(left.errno, 0, "{left}");
            }
            false
        }
        Err(error) => panic!("{error}\n{:#?}", error.report()),
    }
}

#[track_caller]
fn removed(site: &Site, result: Result<Report, Error>) -> Report {
    assert!(honest(site, &result), "{}", result.unwrap_err());
    result.unwrap()
}

/// Ok, and it took no retry: removers never make one necessary where files are local.
#[track_caller]
fn removed_without_retry(site: &Site, result: Result<Report, Error>) -> Report {
    let report = removed(site, result);
    assert_eq!(
        (report.retries, report.patience_spent),
        (0, false),
        "{report:#?}"
    );
    report
}

// ---- removers ----

/// What one remover may do at one moment.
const REMOVALS: [&str; 12] = [
    "",
    "a",
    "a/b",
    "a/b/c",
    "a/b/c/d",
    "a/b/c/file",
    "a/b/g",
    "a/file",
    "e",
    "e/f/file",
    "file",
    "link",
];

/// Whatever it is, if it is there.
fn remove_any(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    }
}

//= docs/spec.md#g1-removers
//= type=test
//# G1.1: If others do nothing but remove, nothing is unremovable and patience lasts, the walk MUST
//# end Ok with the root's name absent.
//= docs/spec.md#g1-removers
//= type=test
//# G1.2: On a local file system, removals by others MUST NOT draw on patience.
//= docs/spec.md#g6-honest-failure
//= type=test
//# G6.4: When nobody wrote, nothing was unremovable and patience was not spent, the walk MUST NOT end
//# NotEmpty.
#[test]
fn a_remover_of_anything_at_every_request() {
    for window in WINDOWS {
        for place in REMOVALS {
            let mut done = 0;
            let requests = for_every(|nth| {
                let site = site();
                let place = site.root().join(place);
                let result = walk(&remover(window), site.root(), |_| {
                    if nth.now() {
                        done += usize::from(remove_any(&place).is_ok());
                    }
                });
                removed_without_retry(&site, result);
            });
            assert!(done > 2 && requests > 50, "{done} of {requests}: {place}");
        }
    }
}

/// A remover that takes one entry at each request, in the order of its own: from `first` on.
#[test]
fn a_remover_that_never_rests() {
    for window in WINDOWS {
        for first in 0..REMOVALS.len() {
            for every in 1..=9 {
                let site = site();
                let result = walk(&remover(window), site.root(), |moment| {
                    if moment.number.is_multiple_of(every) {
                        let turn = first + moment.number / every * 5;
                        // The root itself would be the end of it at once.
                        let place = REMOVALS[1..][turn % (REMOVALS.len() - 1)];
                        let _ = remove_any(&site.root().join(place));
                    }
                });
                removed_without_retry(&site, result);
            }
        }
    }
}

// ---- two walkers ----

#[test]
fn a_second_walk_from_beginning_to_end_at_every_request() {
    for (outer, inner) in [(64, 64), (64, 1), (1, 64), (1, 1)] {
        let requests = for_every(|nth| {
            let site = site();
            let there = census(site.root());
            let mut second = None;
            let result = walk(&remover(outer), site.root(), |_| {
                if nth.now() {
                    second = Some(remover(inner).remove_dir_all(site.root()));
                }
            });
            let first = removed_without_retry(&site, result);
            let second = second.map(|second| removed_without_retry(&site, second));
            let (files, directories) = second.map_or((0, 0), |r| (r.files, r.directories));
            assert_eq!(first.files + files, there.files, "each is removed by one");
            assert_eq!(first.directories + directories, there.dirs + 1);
        });
        assert!(requests > 50, "{requests}");
    }
}

/// A walker in a thread of its own, which makes a request only when it is told to.
struct Led {
    go: Sender<()>,
    made: Receiver<()>,
    walk: JoinHandle<Result<Report, Error>>,
}

impl Led {
    fn start(remover: Remover, root: PathBuf) -> Led {
        let (go, told) = channel();
        let (makes, made) = channel();
        let walk = thread::spawn(move || {
            let mut begun = false;
            walk(&remover, &root, |_| {
                // The request before this one was carried out. Errors: who led it has ended.
                if begun {
                    let _ = makes.send(());
                }
                begun = true;
                let _ = told.recv();
            })
        });
        Led { go, made, walk }
    }

    /// Returns when one more request was made, or the walk has ended.
    fn one_request(&self) {
        if self.go.send(()).is_ok() {
            let _ = self.made.recv();
        }
    }

    fn end(self) -> Result<Report, Error> {
        drop((self.go, self.made));
        self.walk.join().expect("the led walk ends")
    }
}

#[test]
fn two_walkers_in_step_from_every_request_on() {
    for windows in [(64, 64), (64, 1), (1, 1)] {
        for (ours, theirs) in [(1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (2, 3), (5, 7)] {
            let starts = for_every(|nth| {
                let site = site();
                let there = census(site.root());
                let led = Led::start(remover(windows.1), site.root().to_path_buf());
                let mut since = None;
                let result = walk(&remover(windows.0), site.root(), |moment| {
                    if nth.now() {
                        since = Some(moment.number);
                    }
                    if since.is_some_and(|since| (moment.number - since) % ours == 0) {
                        (0..theirs).for_each(|_| led.one_request());
                    }
                });
                let first = removed_without_retry(&site, result);
                let second = removed_without_retry(&site, led.end());
                assert_eq!(
                    first.files + second.files,
                    there.files,
                    "each is removed by one"
                );
                assert_eq!(first.directories + second.directories, there.dirs + 1);
            });
            assert!(starts > 30, "{starts}");
        }
    }
}

// ---- writers, movers, swappers ----

/// What somebody does at one moment. It may fail: what it is about may be gone.
type Act = fn(&Site) -> io::Result<()>;

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}

/// Moves `from` to `to`, which must not be there, or back.
fn there_or_back(from: &Path, to: &Path) -> io::Result<()> {
    let go = |from: &Path, to: &Path| renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE);
    Ok(go(from, to).or_else(|_| go(to, from))?)
}

/// Beneath the root.
const ACTS: &[(&str, Act)] = &[
    ("a file in the root", |site| {
        fs::write(site.root().join("new"), "new")
    }),
    ("a file in the middle", |site| {
        fs::write(site.root().join("a/b/new"), "new")
    }),
    ("a file at the bottom", |site| {
        fs::write(site.root().join("a/b/c/d/new"), "new")
    }),
    ("a directory in the root", |site| {
        fs::create_dir(site.root().join("new"))
    }),
    ("a directory in the middle", |site| {
        fs::create_dir(site.root().join("a/b/new"))
    }),
    ("a tree in the root", |site| {
        let new = site.root().join("new");
        fs::create_dir(&new)?;
        fs::create_dir(new.join("a"))?;
        fs::create_dir(new.join("b"))?;
        fs::write(new.join("a/file"), "new")
    }),
    ("a hard link to a canary", |site| {
        fs::hard_link(site.outside().join("file"), site.root().join("a/b/hard"))
    }),
    ("a link to what is kept", |site| {
        symlink(site.aside().join("trap"), site.root().join("a/new"))
    }),
    ("another in place of a directory", |site| {
        remove_any(&site.root().join("a/b"))?;
        fs::create_dir(site.root().join("a/b"))?;
        fs::write(site.root().join("a/b/new"), "new")
    }),
    ("out, from the middle", |site| {
        there_or_back(&site.root().join("a/b"), &site.aside().join("moved"))
    }),
    ("out, from below the root", |site| {
        there_or_back(&site.root().join("a"), &site.aside().join("moved"))
    }),
    ("out, from the bottom", |site| {
        there_or_back(&site.root().join("a/b/c"), &site.aside().join("moved"))
    }),
    ("into a directory of others", |site| {
        // Whoever believes `..` then stands among what is kept.
        there_or_back(&site.root().join("a/b"), &site.aside().join("kept/moved"))
    }),
    ("from below the root into a directory of others", |site| {
        there_or_back(&site.root().join("a"), &site.aside().join("kept/moved"))
    }),
    ("in", |site| {
        there_or_back(&site.aside().join("in"), &site.root().join("a/in"))
    }),
    ("in, over an empty directory", |site| {
        fs::rename(site.aside().join("in"), site.root().join("a/b/g"))
    }),
    ("down", |site| {
        there_or_back(&site.root().join("e"), &site.root().join("a/b/e"))
    }),
    ("up", |site| {
        there_or_back(&site.root().join("a/b/c"), &site.root().join("c"))
    }),
    ("upside down", |site| {
        let (root, turned) = (site.root(), site.root().join("b"));
        if is_absent(&turned) {
            fs::rename(root.join("a/b"), &turned)?;
            fs::rename(root.join("a"), turned.join("a"))
        } else {
            fs::rename(turned.join("a"), root.join("a"))?;
            fs::rename(&turned, root.join("a/b"))
        }
    }),
    ("siblings exchanged", |site| {
        exchange(&site.root().join("a"), &site.root().join("e"))
    }),
    ("cousins exchanged", |site| {
        exchange(&site.root().join("a/b"), &site.root().join("e/f"))
    }),
    ("a directory for a link to what is kept", |site| {
        exchange(&site.root().join("a/b"), &site.aside().join("link"))
    }),
    ("the first directory for a link to what is kept", |site| {
        exchange(&site.root().join("a"), &site.aside().join("link"))
    }),
    ("a directory for a link, not at once", |site| {
        fs::rename(site.root().join("a/b"), site.aside().join("moved"))?;
        symlink(site.aside().join("trap"), site.root().join("a/b"))
    }),
    ("a file for a directory", |site| {
        exchange(&site.root().join("a/file"), &site.aside().join("in"))
    }),
    ("a directory for a file", |site| {
        exchange(&site.root().join("a/b"), &site.root().join("file"))
    }),
    ("a link for a directory", |site| {
        exchange(&site.root().join("link"), &site.root().join("e"))
    }),
];

//= docs/spec.md#g2-writers
//= type=test
//# G2.1: If nothing is unremovable and others also create, rename or link beneath the root, the walk
//# MUST end Ok or NotEmpty and with no other error.
//= docs/spec.md#g2-writers
//= type=test
//# G2.2: Whatever others create, rename or link, an Ok MUST mean that the root's name was seen absent.
//= docs/spec.md#g3-termination
//= type=test
//# G3.1: When others act only finitely often, the walker MUST halt.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.1: The walker MUST NOT remove anything but entries of reached directories.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.2: The walker MUST NOT follow a symlink beneath the root.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.7: The walker MUST NOT read or remove anything in what it reached by `..` before it has compared
//# the identity of what it reached with what it noted on the way down.
#[test]
fn one_act_at_every_request() {
    for window in WINDOWS {
        for (what, act) in ACTS {
            let mut done = 0;
            let requests = for_every(|nth| {
                let site = site();
                let mut moment_of_act = None;
                let result = walk(&remover(window), site.root(), |moment| {
                    if nth.now() {
                        moment_of_act = Some(moment.request);
                        done += usize::from(act(&site).is_ok());
                    }
                });
                let context = format!("{what}, before {moment_of_act:?}");
                // One act is one that a further pass, or a retry, makes good.
                let ok = honest_in(&context, &site, &result);
                assert!(ok, "{context}: {}", result.unwrap_err());
            });
            assert!(done > 5 && requests > 50, "{done} of {requests}: {what}");
        }
    }
}

/// [`honest`], and if it is not, says when.
fn honest_in(context: &str, site: &Site, result: &Result<Report, Error>) -> bool {
    let honest = || honest(site, result);
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(honest)).unwrap_or_else(|panic| {
        eprintln!("{context}");
        std::panic::resume_unwind(panic)
    })
}

#[test]
fn an_act_again_and_again() {
    let mut outcomes = [0, 0];
    for window in WINDOWS {
        for (what, act) in ACTS {
            for (every, first) in
                (1..=6).flat_map(|every| (0..every).map(move |first| (every, first)))
            {
                let site = site();
                let result = walk(&remover(window), site.root(), |moment| {
                    if moment.number % every == first {
                        let _ = act(&site);
                    }
                });
                let context = format!("{what}, at every {every}th request from {first} on");
                outcomes[usize::from(honest_in(&context, &site, &result))] += 1;
                // With nobody at work any more, nothing is in the way.
                removed(&site, fell::remove_dir_all(site.root()));
            }
        }
    }
    assert!(
        outcomes.iter().all(|&count| count > 100),
        "both outcomes are seen: {outcomes:?}"
    );
}

/// All of them, one after another.
#[test]
fn all_acts_in_turn() {
    for window in WINDOWS {
        for stride in [1, 7] {
            for (every, first) in (1..=9).flat_map(|every| (0..ACTS.len()).map(move |f| (every, f)))
            {
                let site = site();
                let result = walk(&remover(window), site.root(), |moment| {
                    if moment.number.is_multiple_of(every) {
                        let (_, act) = ACTS[(first + moment.number / every * stride) % ACTS.len()];
                        let _ = act(&site);
                    }
                });
                let context =
                    format!("act {first}, then each {stride}th, at every {every}th request");
                honest_in(&context, &site, &result);
                removed(&site, fell::remove_dir_all(site.root()));
            }
        }
    }
}

// ---- the root's own name ----

#[derive(Clone, Copy, PartialEq, Debug)]
enum Stranger {
    Nothing,
    EmptyDirectory,
    Directory,
    File,
    Link,
}

impl Stranger {
    /// The root is moved aside and this takes its name, in one call where there is something to
    /// exchange it with.
    fn replace(self, site: &Site) -> io::Result<()> {
        let stranger = site.aside().join("stranger");
        match self {
            Stranger::Nothing => return fs::rename(site.root(), stranger),
            Stranger::EmptyDirectory => fs::create_dir(&stranger)?,
            Stranger::Directory => {
                fs::create_dir(&stranger)?;
                from_spec(&stranger, "file\ndir/file");
            }
            Stranger::File => fs::write(&stranger, "a stranger")?,
            Stranger::Link => symlink(site.outside().join("dir"), &stranger)?,
        }
        exchange(site.root(), &stranger)
    }
}

//= docs/spec.md#g2-writers
//= type=test
//# G2.4: Once the root has been opened, the walk MUST NOT end NotADirectory unless others replaced the
//# root's own name.
//= docs/spec.md#g4-confinement
//= type=test
//# G4.8: When the root is opened again, a directory that differs in mount, device, inode or, where the
//# file system keeps it, birth time from the root first opened MUST NOT be entered.
//= docs/spec.md#g5-honest-success
//= type=test
//# G5.1: The walk MUST NOT end Ok unless the root's name was seen absent, because its rmdir succeeded
//# or because it was gone.
#[test]
fn the_root_is_replaced_at_every_request() {
    use Stranger::{Directory, EmptyDirectory, File, Link, Nothing};
    for window in WINDOWS {
        for stranger in [Nothing, EmptyDirectory, Directory, File, Link] {
            for_every(|nth| {
                let site = site();
                let (mut opened, mut replaced) = (false, None);
                let mut before = None;
                let result = walk(&remover(window), site.root(), |moment| {
                    if nth.now() && stranger.replace(&site).is_ok() {
                        replaced = Some(opened);
                        before = Some(snapshot(site.root()));
                    }
                    opened |= matches!(moment.request, Request::OpenRoot { .. });
                });
                match (replaced, stranger) {
                    // Before the root is opened, what stands there then is the root; after that,
                    // a stranger that is empty is removed by the one rmdir that decides.
                    (None, _)
                    | (Some(false), Nothing | EmptyDirectory | Directory)
                    | (Some(true), Nothing | EmptyDirectory) => {
                        removed(&site, result);
                    }
                    (Some(true), Directory) => {
                        assert!(!honest(&site, &result), "{stranger:?} is still there");
                        let report = result.as_ref().unwrap_err().report();
                        assert_eq!(report.leftovers[0].path, site.root());
                        assert_same(&before.unwrap(), &snapshot(site.root()));
                    }
                    (Some(_), File | Link) => {
                        let error = result.expect_err("the stranger is there");
                        assert!(matches!(error, Error::NotADirectory { .. }), "{error}");
                        assert_same(&before.unwrap(), &snapshot(site.root()));
                        site.assert_canaries();
                    }
                }
            });
        }
    }
}

// ---- mounts that come and go ----

//= docs/spec.md#g4-confinement
//= type=test
//# G4.4: The walker MUST NOT enter a mount point beneath the root, be it another file system or a
//# bind mount of the same device.
#[test]
fn a_mount_comes_at_every_request() {
    in_mount_namespace("a_mount_comes_at_every_request", || {
        for window in WINDOWS {
            for place in ["a/b", "a", "e", "a/b/c/d", ""] {
                let mut done = 0;
                for_every(|nth| {
                    let site = site();
                    let place = site.root().join(place);
                    let mut mounted = false;
                    let result = walk(&remover(window), site.root(), |_| {
                        if nth.now() && place.is_dir() {
                            bind_mount(&site.outside(), &place);
                            mounted = true;
                        }
                    });
                    done += usize::from(mounted);
                    if !mounted {
                        removed(&site, result);
                        return;
                    }
                    match result {
                        // A root that is a mount point when it is first looked at.
                        Err(Error::Refused { .. }) if place == site.root() => {
                            site.assert_canaries();
                        }
                        result => {
                            assert!(!honest(&site, &result), "a mount cannot be removed");
                            let left = &result.unwrap_err().report().leftovers.clone();
                            assert!(left.iter().any(|left| left.path == place), "{left:#?}");
                        }
                    }
                    unmount(&place);
                    removed(&site, fell::remove_dir_all(site.root()));
                });
                assert!(done > 5, "{done} at {place}");
            }
        }
    });
}

#[test]
fn a_mount_goes_at_every_request() {
    in_mount_namespace("a_mount_goes_at_every_request", || {
        for window in WINDOWS {
            for_every(|nth| {
                let site = site();
                let place = site.root().join("a/b");
                bind_mount(&site.outside(), &place);
                let result = walk(&remover(window), site.root(), |_| {
                    if nth.now() {
                        unmount(&place);
                    }
                });
                honest(&site, &result);
                if !nth.came() {
                    unmount(&place);
                }
                removed(&site, fell::remove_dir_all(site.root()));
            });
        }
    });
}

// ---- at the same time ----

#[test]
fn removers_of_every_kind_beside_the_walker() {
    for round in 0..30 {
        let site = Site::new();
        complex(site.root(), 4);
        from_spec(&site.aside(), ASIDE);
        let start = Barrier::new(4);
        // First, for a process takes its time to begin.
        let mut rm = Command::new("rm")
            .arg("-rf")
            .arg(site.root())
            .stderr(Stdio::null())
            .spawn()
            .expect("rm");
        let reports: Vec<_> = thread::scope(|scope| {
            let (site, start) = (&site, &start);
            // std gives up when someone else is faster, which is its right.
            let std = scope.spawn(|| {
                start.wait();
                let _ = fs::remove_dir_all(site.root());
            });
            let walks: Vec<_> = [64, 1, round % 5]
                .map(|window| {
                    scope.spawn(move || {
                        start.wait();
                        remover(window).remove_dir_all(site.root())
                    })
                })
                .into();
            std.join().unwrap();
            walks.into_iter().map(|walk| walk.join().unwrap()).collect()
        });
        rm.wait().expect("rm ends");
        for result in reports {
            removed_without_retry(&site, result);
        }
    }
}

#[test]
fn all_acts_beside_the_walker() {
    for round in 0..20 {
        let site = Arc::new(site());
        complex(site.root(), 2);
        let actor = {
            let (site, mut turn) = (Arc::clone(&site), round);
            Beside::repeat(move || {
                let _ = ACTS[turn % ACTS.len()].1(&site);
                turn += 7;
            })
        };
        let window = WINDOWS[round % 2];
        let result = remover(window).remove_dir_all(site.root());
        assert!(actor.stop() > 0);
        honest(&site, &result);
        removed(&site, fell::remove_dir_all(site.root()));
    }
}
