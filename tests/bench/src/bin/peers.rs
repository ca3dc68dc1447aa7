//! Tries `fell` and other removers on what goes wrong in trees, and prints a table of what happened.
//!
//! ```text
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin peers
//! ```
//!
//! Needs root, strace, unshare and python3. A call is held up by strace for half a second while
//! the trial acts; each remover runs as a process of its own.

use fell_bench::contender::Contender;
use fell_bench::scratch::Scratch;
use fell_bench::{serve, trees};
use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::Duration;

/// A trial: a name, and what is tried. Answers what happened.
type Trial = (&'static str, fn(Contender, &Path) -> String);

const TRIALS: [Trial; 12] = [
    ("a file vanishes after it was listed", file_vanishes),
    (
        "a directory vanishes after it was listed",
        directory_vanishes,
    ),
    ("the same remover beside, 30 trees", remover_beside),
    (
        "a file appears in a directory about to be removed",
        file_appears,
    ),
    ("a writer beside, 10 trees", writer_beside),
    ("bind mount of the same device inside", bind_mount),
    ("depth 5,000 (longer than PATH_MAX)", |c, at| {
        deep(c, at, 5_000)
    }),
    ("depth 100,000", |c, at| deep(c, at, 100_000)),
    ("depth 1,000 with `ulimit -n 16`", few_descriptors),
    (
        "an empty directory without permissions, as its owner",
        unreadable,
    ),
    ("goes on after one entry that cannot be removed", one_stays),
    ("names what is left", names_left),
];

const CONTENDERS: [Contender; 6] = [
    Contender::Fell,
    Contender::Rm,
    Contender::Std,
    Contender::Crate,
    Contender::Fuc,
    Contender::Koji,
];

fn main() -> ExitCode {
    if let Some(code) = serve() {
        return code;
    }
    let wanted: Vec<String> = env::args().skip(1).collect();
    let scratch = Scratch::new();
    print!("| trial |");
    for contender in CONTENDERS {
        print!(" {} |", contender.name());
    }
    println!("\n| --- |{}", " --- |".repeat(CONTENDERS.len()));
    for (number, (name, trial)) in TRIALS.iter().enumerate() {
        if !wanted.is_empty() && !wanted.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        print!("| {name} |");
        for contender in CONTENDERS {
            let at = scratch
                .path()
                .join(format!("{number}-{}", contender.name()));
            fs::create_dir(&at).expect("mkdir");
            fs::set_permissions(&at, fs::Permissions::from_mode(0o755)).expect("chmod");
            print!(" {} |", trial(contender, &at));
        }
        println!();
    }
    ExitCode::SUCCESS
}

// ---- trials ----

fn file_vanishes(contender: Contender, at: &Path) -> String {
    let root = tree(at, &["a/file", "a/victim", "z"]);
    let victim = root.join("a/victim");
    let output = held_up(
        contender,
        &root,
        &victim,
        "unlink,unlinkat,lstat,newfstatat",
        || {
            fs::remove_file(&victim).expect("it is there");
        },
    );
    caught(output, &root)
}

fn directory_vanishes(contender: Contender, at: &Path) -> String {
    let root = tree(at, &["a/file", "b/victim/file", "c/file"]);
    let victim = root.join("b/victim");
    let calls = "open,openat,openat2,chdir,lstat,newfstatat,statx";
    let output = held_up(contender, &root, &victim, calls, || {
        fs::remove_dir_all(&victim).expect("it is there");
    });
    caught(output, &root)
}

fn remover_beside(contender: Contender, at: &Path) -> String {
    let (mut failed, mut left, mut said) = (0, 0, String::new());
    for round in 0..30 {
        let root = at.join(round.to_string());
        trees::bushy(&root, 30).expect("a tree");
        let both = [(); 2].map(|()| start(contender.command(&root)));
        let outputs = both.map(finish);
        failed += usize::from(outputs.iter().any(|output| !output.status.success()));
        left += usize::from(is_there(&root));
        for output in outputs.iter().filter(|output| !output.status.success()) {
            said = last_line(output, &root);
        }
    }
    match failed {
        0 => format!("no error, {left} trees left"),
        _ => format!("{failed} times an error, {left} trees left, last: `{said}`"),
    }
}

fn file_appears(contender: Contender, at: &Path) -> String {
    let root = tree(at, &["a/file", "b/victim/", "c/file"]);
    let victim = root.join("b/victim");
    let new = victim.join("new");
    let output = held_up(contender, &root, &victim, "rmdir,unlinkat", || {
        fs::write(&new, "new\n").expect("its directory is there");
    });
    caught(output, &root)
}

fn writer_beside(contender: Contender, at: &Path) -> String {
    let (mut failed, mut false_ok, mut said) = (0, 0, String::new());
    for round in 0..10 {
        let root = at.join(round.to_string());
        trees::bushy(&root, 30).expect("a tree");
        let child = start(contender.command(&root));
        // It writes in 30 directories, 200 times, and is done.
        for write in 0..200 {
            for dir in 0..30 {
                let _ = fs::write(root.join(format!("{dir}/0/new-{write}")), "new\n");
            }
        }
        let output = finish(child);
        failed += usize::from(!output.status.success());
        false_ok += usize::from(output.status.success() && is_there(&root));
        if !output.status.success() {
            said = last_line(&output, &root);
        }
    }
    match failed {
        0 => format!("no error, {false_ok} times a false success"),
        _ => format!("{failed} times an error, {false_ok} times a false success, last: `{said}`"),
    }
}

fn bind_mount(contender: Contender, at: &Path) -> String {
    let root = tree(at, &["a/file", "mount/", "z/file"]);
    let outside = at.join("outside");
    fs::create_dir(&outside).expect("mkdir");
    fs::write(outside.join("precious"), "precious\n").expect("a file");
    // In a namespace of its own, where the mount ends with the remover.
    let script = "mount --bind \"$1\" \"$2\" && shift 2 && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        script,
        "sh",
    ]);
    command.arg(&outside).arg(root.join("mount"));
    let output = finish(start(behind(command, &contender.command(&root))));
    let source = if is_there(&outside.join("precious")) {
        "source intact"
    } else {
        "**source emptied**"
    };
    let rest = if is_there(&root.join("a/file")) || is_there(&root.join("z/file")) {
        "rest left"
    } else {
        "rest removed"
    };
    format!("{source}, {rest}, {}", status(&output))
}

fn deep(contender: Contender, at: &Path, depth: usize) -> String {
    let root = tree(at, &["a/file"]);
    trees::chain(&root, depth).expect("a chain");
    let output = finish(start(contender.command(&root)));
    verdict(&output, &root)
}

fn few_descriptors(contender: Contender, at: &Path) -> String {
    let root = tree(at, &["a/file"]);
    trees::chain(&root, 1000).expect("a chain");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 16; exec \"$@\"", "sh"]);
    let output = finish(start(behind(command, &contender.command(&root))));
    verdict(&output, &root)
}

fn unreadable(contender: Contender, at: &Path) -> String {
    let root = tree(at, &["a/file", "closed/", "z/file"]);
    let closed = root.join("closed");
    give_away(&root);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("chmod");
    let output = finish(start(as_nobody(contender, &root, at)));
    verdict(&output, &root)
}

/// A tree of 21 directories, one of which a user who is not root may not change.
fn with_one_that_stays(contender: Contender, at: &Path) -> (Output, PathBuf) {
    let names: Vec<String> = (0..20).map(|i| format!("{i}/file")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.insert(10, "locked/stays");
    let root = tree(at, &names);
    give_away(&root);
    let locked = root.join("locked");
    chown(&locked, Some(0), Some(0)).expect("chown");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).expect("chmod");
    (finish(start(as_nobody(contender, &root, at))), root)
}

fn one_stays(contender: Contender, at: &Path) -> String {
    let (output, root) = with_one_that_stays(contender, at);
    let left = fs::read_dir(&root).map_or(0, Iterator::count);
    let rest = match left - 1 {
        0 => "yes".to_owned(),
        more => format!("no, {more} of 20 others left"),
    };
    format!("{rest}, {}", status(&output))
}

fn names_left(contender: Contender, at: &Path) -> String {
    let (output, root) = with_one_that_stays(contender, at);
    let said = String::from_utf8_lossy(&output.stderr);
    let named = match (said.contains("locked/stays"), said.contains("locked")) {
        (true, _) => "yes",
        (false, true) => "its directory",
        (false, false) => "no",
    };
    format!("{named}: `{}`", last_line(&output, &root))
}

// ---- how ----

/// A tree `tree` of files, and of directories where the name ends in a slash.
fn tree(at: &Path, names: &[&str]) -> PathBuf {
    let root = at.join("tree");
    for name in names {
        let path = root.join(name);
        if name.ends_with('/') {
            fs::create_dir_all(&path).expect("mkdir -p");
        } else {
            fs::create_dir_all(path.parent().expect("it was joined")).expect("mkdir -p");
            fs::write(&path, "file\n").expect("a file");
        }
    }
    root
}

/// Runs a remover under strace, which holds up its first call among `calls` that names `victim` for
/// a second; meanwhile `act` acts. Nothing when there was no such call.
fn held_up(
    contender: Contender,
    root: &Path,
    victim: &Path,
    calls: &str,
    act: impl FnOnce(),
) -> Option<Output> {
    let mut strace = Command::new("strace");
    let log = root.with_file_name("log");
    // Only these calls are logged, so that the log begins with the one that is held up.
    let trace = format!("trace={calls}");
    let inject = format!("inject={calls}:delay_enter=1s:when=1");
    // Some name it in its directory, others by its whole path.
    let name = victim.file_name().expect("it has a name");
    strace.arg("-P").arg(name).arg("-P").arg(victim);
    strace
        .args(["-f", "-qq", "-e", &trace, "-e", &inject, "-o"])
        .arg(&log);
    let mut child = start(behind(strace, &contender.command(root)));
    // strace prints the beginning of a call before it holds the call up.
    while fs::read_to_string(&log).unwrap_or_default().is_empty() {
        if child.try_wait().is_ok_and(|status| status.is_some()) {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
    act();
    Some(finish(child))
}

/// `command`, with all words of `inner` at its end.
fn behind(mut command: Command, inner: &Command) -> Command {
    command
        .arg(inner.get_program())
        .args(inner.get_args())
        .stdin(Stdio::null());
    command
}

/// The remover as a user who owns nothing; this program is copied to where that user may run it.
fn as_nobody(contender: Contender, root: &Path, at: &Path) -> Command {
    const NOBODY: u32 = 65534;
    let mut command = contender.command(root);
    let own = env::current_exe().expect("the program has a path");
    if command.get_program() == own {
        let copy = at.join("program");
        fs::copy(own, &copy).expect("a copy");
        command = {
            let mut copied = Command::new(copy);
            copied.args(command.get_args());
            copied
        };
    }
    if contender == Contender::Koji {
        // The system's own: another may lie in root's home.
        let mut system = Command::new("/usr/bin/python3");
        system.args(command.get_args());
        command = system;
    }
    command.current_dir("/").uid(NOBODY).gid(NOBODY);
    command
}

/// Gives a tree, and the directory it is in, to that user.
fn give_away(root: &Path) {
    let parent = root.parent().expect("it is in a directory");
    let all = Command::new("chown")
        .arg("-R")
        .arg("65534:65534")
        .arg(parent)
        .status();
    assert!(all.is_ok_and(|status| status.success()), "chown");
}

fn start(mut command: Command) -> Child {
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.spawn().expect("the remover starts")
}

fn finish(child: Child) -> Output {
    child.wait_with_output().expect("the remover ends")
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn caught(output: Option<Output>, root: &Path) -> String {
    output.map_or_else(|| "not caught".to_owned(), |output| verdict(&output, root))
}

fn verdict(output: &Output, root: &Path) -> String {
    match (output.status.success(), is_there(root)) {
        (true, false) => "removed".to_owned(),
        (true, true) => "**false success**".to_owned(),
        (false, false) => format!(
            "removed, but {}: `{}`",
            status(output),
            last_line(output, root)
        ),
        (false, true) => format!("{}: `{}`", status(output), last_line(output, root)),
    }
}

fn status(output: &Output) -> String {
    match output.status.code() {
        Some(0) => "success".to_owned(),
        Some(_) => "error".to_owned(),
        None => format!("killed by {}", output.status),
    }
}

/// The last line a remover said, without the path it was given.
fn last_line(output: &Output, root: &Path) -> String {
    let said = String::from_utf8_lossy(&output.stderr).replace(&*root.to_string_lossy(), "tree");
    let line = said
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let line: String = line.chars().take(90).collect();
    line.replace('|', "/").replace('`', "'")
}
