//! The command `fell`, as built: every option, every exit code, every outcome, its output, and what
//! it does when interrupted.
//!
//! Nothing here sleeps and hopes. Where a walk has to be caught in its middle, its output is not read: with
//! `-v` the command waits for room in the pipe, and cannot end.
#![cfg(feature = "cli")]

mod support;

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, openat};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;
use std::time::Duration;
use support::again::under;
use support::privilege::{bind_mount, in_mount_namespace, mount_tmpfs};
use support::trees::{Census, Site, census, chain, complex, make_odd_names, odd_types, wide};

fn fell<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(words: I) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fell"));
    command.args(words).stdin(Stdio::null());
    command
}

fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(words: I) -> Output {
    fell(words).output().expect("the command starts")
}

/// Options before one path.
fn words<'a>(options: &'a [&'a str], path: &'a Path) -> Vec<&'a OsStr> {
    let options = options.iter().map(OsStr::new);
    options.chain([path.as_os_str()]).collect()
}

#[track_caller]
fn assert_code(output: &Output, code: i32) {
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout: {out}\nstderr: {err}"
    );
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn assert_silent(output: &Output) {
    assert_eq!(
        (text(&output.stdout), text(&output.stderr)),
        (String::new(), String::new())
    );
}

/// One JSON object from each line.
#[track_caller]
fn objects(bytes: &[u8]) -> Vec<Value> {
    let lines = std::str::from_utf8(bytes).expect("JSON is UTF-8").lines();
    let objects: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}")))
        .collect();
    assert!(objects.iter().all(Value::is_object), "{objects:?}");
    objects
}

/// The one object that `--json` printed, with all that is promised in it.
#[track_caller]
fn object(output: &Output) -> Value {
    let mut objects = objects(&output.stdout);
    assert_eq!(objects.len(), 1, "{objects:?}");
    let object = objects.remove(0);
    assert_promised(&object);
    object
}

#[track_caller]
fn assert_promised(object: &Value) {
    let counts = [
        "files",
        "dirs",
        "vanished",
        "passes",
        "retries",
        "deepest",
        "most_open",
        "elapsed_ms",
    ];
    for key in counts {
        assert!(object[key].is_u64(), "{key} in {object}");
    }
    for key in ["path", "outcome"] {
        assert!(object[key].is_string(), "{key} in {object}");
    }
    for leftover in object["leftovers"]
        .as_array()
        .expect("leftovers are a list")
    {
        assert!(leftover["path"].is_string(), "{object}");
        assert!(leftover["operation"].is_string(), "{object}");
        assert!(
            leftover["errno"].as_i64().is_some_and(|errno| errno > 0),
            "{object}"
        );
    }
}

fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// All that is below the root of a site, files and directories.
fn fill(site: &Site) -> Census {
    complex(site.root(), 3);
    make_odd_names(site.root());
    odd_types(site.root(), site);
    census(site.root())
}

// ---- outcomes, exit codes ----

#[test]
fn a_tree_is_removed_in_silence() {
    let site = Site::new();
    fill(&site);
    let output = run([site.root()]);
    assert_code(&output, 0);
    assert_silent(&output);
    assert!(!is_there(site.root()));
    site.assert_canaries();
}

#[test]
fn removed_in_json() {
    let site = Site::new();
    let there = fill(&site);
    let output = run(words(&["--json"], site.root()));
    assert_code(&output, 0);
    let object = object(&output);
    assert_eq!(object["outcome"], "removed");
    assert_eq!(object["path"], site.root().to_str().unwrap());
    assert_eq!(object["files"], there.files);
    assert_eq!(object["dirs"], there.dirs + 1);
    assert_eq!(object["vanished"], 0);
    assert_eq!(object["retries"], 0);
    // Each directory was read once.
    assert_eq!(object["passes"], there.dirs + 1);
    // The root, a, i, c, d, j, e, f, k, g, h.
    assert_eq!(object["deepest"], 11);
    assert_eq!(object["leftovers"], Value::Array(Vec::new()));
    assert!(output.stderr.is_empty());
    site.assert_canaries();
}

#[test]
fn already_gone_in_json() {
    let site = Site::new();
    for absent in [
        site.base().join("absent"),
        site.base().join("no/parent/either"),
    ] {
        let output = run(words(&["--json"], &absent));
        assert_code(&output, 0);
        let object = object(&output);
        assert_eq!(object["outcome"], "already_gone");
        assert_eq!((&object["files"], &object["dirs"]), (&0.into(), &0.into()));
        assert!(output.stderr.is_empty());
    }
    site.assert_canaries();
}

#[test]
fn an_absent_path_that_must_exist_is_a_failure() {
    let site = Site::new();
    let absent = site.base().join("absent");
    let output = run(words(&["--must-exist", "--json"], &absent));
    assert_code(&output, 1);
    assert_eq!(object(&output)["outcome"], "failed");
    assert!(text(&output.stderr).contains("No such file or directory"));
    // One that is there is removed as ever.
    let output = run(words(&["--must-exist"], site.root()));
    assert_code(&output, 0);
    assert!(!is_there(site.root()));
}

#[test]
fn not_a_directory_in_json() {
    let site = Site::new();
    // A file, a link to a directory, and the same link with a slash.
    for path in ["tree2/deep/er/file", "to-tree", "to-tree/"] {
        let path = site.base().join(path);
        let output = run(words(&["--json"], &path));
        assert_code(&output, 1);
        assert_eq!(object(&output)["outcome"], "not_a_directory");
        assert!(text(&output.stderr).contains("it is not a directory"));
    }
    assert!(is_there(site.root()));
    site.assert_canaries();
}

#[test]
fn refused_in_json() {
    let site = Site::new();
    fill(&site);
    let dot = site.root().join(".");
    let dots = site.root().join("a/..");
    for path in [Path::new(""), Path::new("/"), Path::new("///"), &dot, &dots] {
        let output = run(words(&["--json"], path));
        assert_code(&output, 2);
        assert_eq!(object(&output)["outcome"], "refused");
        assert!(text(&output.stderr).starts_with("fell: refused to remove"));
    }
    assert!(is_there(&site.root().join("a/0/c/d/0/e/f/0/g/h")));
    site.assert_canaries();
}

#[test]
fn not_empty_in_json() {
    in_mount_namespace("not_empty_in_json", || {
        let site = Site::new();
        let there = fill(&site);
        let held = site.root().join("a/0/file");
        bind_mount(&site.outside().join("file"), &held);
        let output = run(words(&["--json"], site.root()));
        assert_code(&output, 1);
        let object = object(&output);
        assert_eq!(object["outcome"], "not_empty");
        assert_eq!(object["files"], there.files - 1);
        // The root, a and 0 hold what is left.
        assert_eq!(object["dirs"], there.dirs - 2);
        let first = &object["leftovers"][0];
        assert_eq!(first["path"], held.to_str().unwrap());
        assert_eq!(first["operation"], "unlink");
        assert_eq!(first["errno"], rustix::io::Errno::BUSY.raw_os_error());
        for leftover in object["leftovers"].as_array().unwrap() {
            let path = leftover["path"].as_str().unwrap();
            assert!(is_there(Path::new(path)), "{path}");
            assert!(
                text(&output.stderr).contains(path),
                "each leftover is on stderr"
            );
        }
        site.assert_canaries();
    });
}

#[test]
fn a_mount_point_is_refused_but_its_contents_can_go() {
    in_mount_namespace("a_mount_point_is_refused_but_its_contents_can_go", || {
        let site = Site::new();
        mount_tmpfs(site.root());
        fs::create_dir_all(site.root().join("a/b")).unwrap();
        let output = run(words(&["--json"], site.root()));
        assert_code(&output, 2);
        assert_eq!(object(&output)["outcome"], "refused");
        assert!(is_there(&site.root().join("a/b")));
        assert_code(&run(words(&["--contents"], site.root())), 0);
        assert_eq!(fs::read_dir(site.root()).unwrap().count(), 0);
        site.assert_canaries();
    });
}

#[test]
fn of_several_paths_all_are_tried_and_the_highest_code_counts() {
    let site = Site::new();
    fill(&site);
    let (absent, file) = (site.base().join("absent"), site.outside().join("file"));
    let dot = site.outside().join(".");
    let aside = site.aside();
    for (code, paths) in [
        (0, vec![absent.as_path(), &aside]),
        (1, vec![&file, &absent]),
        (2, vec![&file, &dot, site.root()]),
    ] {
        let output = run(words(&["--json"], Path::new("--"))
            .into_iter()
            .chain(paths.iter().map(|path| path.as_os_str())));
        assert_code(&output, code);
        let objects = objects(&output.stdout);
        objects.iter().for_each(assert_promised);
        let told: Vec<&str> = objects
            .iter()
            .map(|o| o["path"].as_str().unwrap())
            .collect();
        let given: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(told, given);
    }
    assert!(
        !is_there(site.root()),
        "the last path was tried after two errors"
    );
    site.assert_canaries();
    fs::create_dir(site.aside()).unwrap();
}

// ---- options ----

#[test]
fn contents_keeps_the_root() {
    let site = Site::new();
    let there = fill(&site);
    let before = fs::symlink_metadata(site.root()).unwrap();
    let output = run(words(&["--contents", "--json"], site.root()));
    assert_code(&output, 0);
    let object = object(&output);
    assert_eq!(object["outcome"], "removed");
    assert_eq!(object["dirs"], there.dirs);
    assert_eq!(
        fs::symlink_metadata(site.root()).unwrap().ino(),
        before.ino()
    );
    assert_eq!(fs::read_dir(site.root()).unwrap().count(), 0);
    site.assert_canaries();
}

#[test]
fn max_open_bounds_what_is_held() {
    for (max_open, most) in [("1", 4), ("5", 8), ("64", 67)] {
        let site = Site::new();
        drop(chain(site.root(), 300));
        let output = run(words(&["--json", "--max-open", max_open], site.root()));
        assert_code(&output, 0);
        let object = object(&output);
        assert!(object["most_open"].as_u64().unwrap() <= most, "{object}");
        assert_eq!(object["dirs"], 301);
        assert_eq!(object["deepest"], 301);
    }
}

#[test]
fn options_reach_the_machine() {
    let site = Site::new();
    let file = site.aside().join("trace");
    let given = [
        "--patience",
        "7",
        "--max-open",
        "9",
        "--contents",
        "--trace",
    ];
    let mut command = fell(given);
    let output = command.arg(&file).arg(site.root()).output().unwrap();
    assert_code(&output, 0);
    let limits = &objects(&fs::read(file).unwrap())[0]["limits"];
    assert_eq!(limits["patience"], 7);
    assert_eq!(limits["max_open_dirs"], 9);
    assert_eq!(limits["keep_root"], true);
}

#[test]
fn verbose_names_every_entry() {
    let site = Site::new();
    complex(site.root(), 2);
    let mut expected = BTreeSet::new();
    for (path, entry) in support::trees::snapshot(site.root()) {
        let what = match entry.content {
            support::trees::Content::Directory => "removed directory",
            _ => "removed",
        };
        // The root itself is the empty path.
        let path = site.root().join(path);
        let path = path.to_str().unwrap().trim_end_matches('/');
        expected.insert(format!("{what} '{path}'"));
    }
    let output = run(words(&["-v"], site.root()));
    assert_code(&output, 0);
    let out = text(&output.stdout);
    let mut lines: Vec<&str> = out.lines().collect();
    let summary = lines.pop().expect("a summary");
    assert_eq!(
        lines.last(),
        Some(&&*format!("removed directory '{}'", site.root().display()))
    );
    assert_eq!(lines.len(), expected.len(), "each once");
    assert_eq!(
        lines
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>(),
        expected
    );
    assert!(summary.contains(": removed: 14 files and "), "{summary}");
    assert!(output.stderr.is_empty());
}

#[test]
fn quiet_says_nothing() {
    let site = Site::new();
    let absent = site.base().join("absent");
    for (code, options, path) in [
        (1, &["-q"][..], site.outside().join("file")),
        (2, &["--quiet"], site.outside().join(".")),
        (1, &["-q", "--must-exist"], absent),
        (1, &["-q", "--timeout", "0"], site.root().to_path_buf()),
        (0, &["-q"], site.root().to_path_buf()),
    ] {
        let output = run(words(options, &path));
        assert_code(&output, code);
        assert_silent(&output);
    }
    site.assert_canaries();
}

#[test]
fn a_timeout_of_nothing_removes_nothing() {
    let site = Site::new();
    let there = fill(&site);
    let output = run(words(&["--timeout", "0", "--json"], site.root()));
    assert_code(&output, 1);
    let object = object(&output);
    assert_eq!(object["outcome"], "failed");
    assert_eq!((&object["files"], &object["dirs"]), (&0.into(), &0.into()));
    assert!(text(&output.stderr).contains("timed out while removing"));
    assert_eq!(census(site.root()), there);
    // One that is long enough changes nothing.
    assert_code(&run(words(&["--timeout", "3600.5"], site.root())), 0);
    assert!(!is_there(site.root()));
}

#[test]
fn a_relative_path_and_one_that_looks_like_an_option() {
    let site = Site::new();
    let odd = OsStr::new("-rf");
    fs::create_dir_all(site.root().join(odd).join("a")).unwrap();
    fs::create_dir_all(site.root().join("b/c")).unwrap();
    let output = fell(["--json", "--", "-rf", "b///"])
        .current_dir(site.root())
        .output()
        .unwrap();
    assert_code(&output, 0);
    let objects = objects(&output.stdout);
    assert_eq!(objects[0]["path"], "-rf");
    assert_eq!(objects[1]["path"], "b///");
    assert_eq!(objects[1]["dirs"], 2);
    assert_eq!(fs::read_dir(site.root()).unwrap().count(), 0);
}

#[test]
fn names_that_are_no_utf8_are_told_as_bytes_too() {
    in_mount_namespace("names_that_are_no_utf8_are_told_as_bytes_too", || {
        let site = Site::new();
        let root = site.root().join(OsStr::from_bytes(b"r\xffoot"));
        let held = root.join(OsStr::from_bytes(b"held \xc3( \n"));
        fs::create_dir(&root).unwrap();
        fs::write(&held, "").unwrap();
        bind_mount(&site.outside().join("file"), &held);
        let trace = site.aside().join("trace");
        let mut command = fell(["--json", "--trace"]);
        let output = command.arg(&trace).arg(&root).output().unwrap();
        assert_code(&output, 1);
        let object = object(&output);
        let bytes = |value: &Value| -> OsString {
            let numbers = value.as_array().expect("a list of bytes");
            let byte = |number: &Value| u8::try_from(number.as_u64().unwrap()).unwrap();
            OsString::from_vec(numbers.iter().map(byte).collect())
        };
        assert_eq!(bytes(&object["path_bytes"]), root);
        assert_eq!(bytes(&object["leftovers"][0]["path_bytes"]), held);
        // In the trace a name is a string, or bytes.
        let lines = objects(&fs::read(trace).unwrap());
        let name = &lines
            .iter()
            .find(|line| line["request"]["call"] == "unlink")
            .unwrap();
        assert_eq!(bytes(&name["request"]["name"]), held.file_name().unwrap());
        site.assert_canaries();
    });
}

// ---- the trace ----

#[test]
fn the_trace_has_a_line_for_every_request() {
    let (traced, counted) = (Site::new(), Site::new());
    complex(traced.root(), 3);
    complex(counted.root(), 3);
    let mut requests = 0;
    let remover = fell::Remover::new();
    let done = remover.remove_dir_all_observed(counted.root(), |_| {
        requests += 1;
        ControlFlow::Continue(())
    });
    done.expect("nothing is in the way");

    let file = traced.aside().join("trace");
    let absent = traced.base().join("absent");
    let mut command = fell(["--trace"]);
    let output = command
        .arg(&file)
        .arg(traced.root())
        .arg(absent)
        .output()
        .unwrap();
    assert_code(&output, 0);
    assert_silent(&output);
    let lines = objects(&fs::read(file).unwrap());
    let kinds: Vec<&str> = lines.iter().map(kind_of_line).collect();
    let mut expected = vec!["walk"];
    expected.extend(vec!["step"; requests]);
    // The root's parent is opened, identified and closed, and the root is not there.
    expected.extend(["end", "walk", "step", "step", "step", "step", "end"]);
    assert_eq!(kinds, expected);
    let ends: Vec<&Value> = lines.iter().filter(|l| !l["end"].is_null()).collect();
    assert_eq!(
        (&ends[0]["end"], &ends[0]["steps"]),
        (&"removed".into(), &requests.into())
    );
    assert_eq!(
        (&ends[1]["end"], &ends[1]["report"]["files"]),
        (&"already_gone".into(), &0.into())
    );
    let last = &lines[lines.len() - 3];
    assert_eq!(last["reply"]["is"], "missing", "the absent root: {last}");
}

/// Which of the four kinds a line of a trace is; panics where it has other keys.
#[track_caller]
fn kind_of_line(line: &Value) -> &'static str {
    let keys: Vec<&str> = line
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    match keys[..] {
        ["walk", "format", "limits"] => "walk",
        ["request", "reply"] => {
            assert!(line["request"]["call"].is_string(), "{line}");
            assert!(line["reply"]["is"].is_string(), "{line}");
            "step"
        }
        ["stop"] => "stop",
        ["end", "steps", "report"] => "end",
        _ => panic!("{line}"),
    }
}

#[test]
fn the_trace_says_that_a_walk_was_stopped() {
    let site = Site::new();
    let there = fill(&site);
    let file = site.aside().join("trace");
    let mut command = fell(["--timeout", "0", "--trace"]);
    let output = command.arg(&file).arg(site.root()).output().unwrap();
    assert_code(&output, 1);
    let lines = objects(&fs::read(file).unwrap());
    assert_eq!(
        lines.iter().map(kind_of_line).collect::<Vec<_>>(),
        ["walk", "stop", "end"]
    );
    assert_eq!(lines[1]["stop"], "timed_out");
    assert_eq!(
        (&lines[2]["end"], &lines[2]["steps"]),
        (&"timed_out".into(), &0.into())
    );
    assert_eq!(census(site.root()), there);
    site.assert_canaries();
}

#[test]
fn a_trace_that_cannot_be_begun_is_wrong_usage() {
    let site = Site::new();
    let there = fill(&site);
    let file = site.base().join("no/such/place");
    let output = fell(["--trace"])
        .arg(file)
        .arg(site.root())
        .output()
        .unwrap();
    assert_code(&output, 2);
    assert!(text(&output.stderr).contains("cannot write the trace"));
    assert_eq!(census(site.root()), there);
}

#[test]
fn a_trace_that_cannot_be_written_does_not_stop_the_removal() {
    let site = Site::new();
    fill(&site);
    let output = fell(["--trace", "/dev/full"])
        .arg(site.root())
        .output()
        .unwrap();
    assert_code(&output, 1);
    assert!(text(&output.stderr).contains("cannot write the trace: No space left on device"));
    assert!(!is_there(site.root()));
}

#[test]
fn a_long_report_is_whole_where_both_outputs_are_one_file() {
    let site = Site::new();
    // No UTF-8, so that it is told byte by byte too: more than any buffer holds.
    let mut path = site.aside().clone();
    for _ in 0..15 {
        path.push(OsString::from_vec(vec![0xff; 250]));
    }
    let at = site.aside().join("out");
    let out = fs::File::create(&at).unwrap();
    let mut command = fell(words(&["--json", "--must-exist"], &path));
    command.stdout(out.try_clone().unwrap()).stderr(out);
    assert_eq!(command.status().unwrap().code(), Some(1));
    let said = fs::read(&at).unwrap();
    let first = said.split(|&byte| byte == b'\n').next().unwrap();
    assert!(first.len() > 16_384, "{}", first.len());
    assert_eq!(objects(first).len(), 1);
    site.assert_canaries();
}

#[test]
fn a_report_that_cannot_be_written_does_not_stop_the_removal_and_is_told() {
    for options in [&["-v"][..], &["--json"]] {
        let site = Site::new();
        fill(&site);
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = fell(words(options, site.root()))
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_code(&output, 1);
        let err = text(&output.stderr);
        assert!(
            err.contains("cannot write to standard output: No space left on device"),
            "{err}"
        );
        assert!(!is_there(site.root()));
        site.assert_canaries();
    }
}

// ---- usage ----

#[test]
fn wrong_usage_touches_nothing() {
    let site = Site::new();
    let there = fill(&site);
    for options in [
        &["--no-such-option"][..],
        &["--json", "-v"],
        &["-q", "-v"],
        &["--max-open", "0"],
        &["--max-open", "65001"],
        &["--max-open", "many"],
        &["--patience", "-1"],
        &["--timeout", "-1"],
        &["--timeout", "soon"],
        &["--trace"],
    ] {
        // `--trace` takes the root for its file, and then has no path.
        let output = run(words(options, site.root()));
        assert_code(&output, 2);
        assert!(text(&output.stderr).starts_with("error: "), "{options:?}");
        assert!(output.stdout.is_empty());
    }
    assert_code(&run::<_, &str>([]), 2);
    assert_eq!(census(site.root()), there);
    site.assert_canaries();
}

#[test]
fn help_and_version_are_no_errors() {
    let output = run(["--help"]);
    assert_code(&output, 0);
    let help = text(&output.stdout);
    for option in [
        "--contents",
        "--must-exist",
        "--max-open",
        "--patience",
        "--timeout",
        "--json",
        "--trace",
        "--verbose",
        "--quiet",
        "130  interrupted",
    ] {
        assert!(help.contains(option), "{option}");
    }
    let output = run(["--version"]);
    assert_code(&output, 0);
    assert_eq!(
        text(&output.stdout),
        format!("fell {}\n", env!("CARGO_PKG_VERSION"))
    );
}

// ---- caught in the middle ----

/// So many that what `-v` says of them fits in no pipe and no buffer.
const MANY: usize = 5000;

/// A command that waits for room in its output, with the first line of it.
struct Stuck {
    child: Child,
    out: BufReader<ChildStdout>,
    first: String,
}

impl Stuck {
    #[track_caller]
    fn new(options: &[&str], root: &Path) -> Stuck {
        Stuck::of(fell(words(options, root)), root)
    }

    #[track_caller]
    fn of(mut command: Command, root: &Path) -> Stuck {
        wide(root, MANY, 0);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the command starts");
        let mut out = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut first = String::new();
        out.read_line(&mut first).expect("a line");
        let stuck = Stuck { child, out, first };
        // Writing is the only thing it sleeps for.
        while stuck.state() != 'S' {
            thread::yield_now();
        }
        stuck
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(path).expect("/proc tells about a child that was not waited for")
    }

    fn state(&self) -> char {
        let stat = self.proc("stat");
        let state = stat
            .rsplit(") ")
            .next()
            .and_then(|rest| rest.chars().next());
        state.expect("a state behind the name")
    }

    /// Whether a signal was sent and not yet taken.
    fn is_pending(&self, signal: Signal) -> bool {
        let status = self.proc("status");
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("ShdPnd:"))
            .expect("ShdPnd");
        let mask = u64::from_str_radix(mask.trim(), 16).expect("a mask in hexadecimal");
        mask >> (signal.as_raw() - 1) & 1 == 1
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a signal to a child");
    }

    /// Lets it go on, to its end.
    fn end(mut self) -> Output {
        let mut rest = self.first.into_bytes();
        self.out.read_to_end(&mut rest).expect("the rest");
        let output = self.child.wait_with_output().expect("it ends");
        Output {
            stdout: rest,
            ..output
        }
    }
}

#[track_caller]
fn make_fifo(at: &Path) {
    mknodat(CWD, at, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a FIFO");
}

#[track_caller]
fn assert_some_are_left(root: &Path) {
    let left = fs::read_dir(root).expect("the root is left").count();
    assert!(left > 0 && left < MANY, "{left} are left");
}

#[test]
fn ctrl_c_ends_in_a_report() {
    for signal in [Signal::INT, Signal::TERM] {
        let site = Site::new();
        let stuck = Stuck::new(&["-v"], site.root());
        assert!(stuck.first.starts_with("removed '"), "{}", stuck.first);
        stuck.signal(signal);
        let output = stuck.end();
        assert_code(&output, 130);
        assert_some_are_left(site.root());
        // The report is right: what it says was removed and what is there are all there was.
        let out = text(&output.stdout);
        let summary = out.lines().last().unwrap();
        let left = fs::read_dir(site.root()).unwrap().count();
        let expected = format!(
            ": cancelled: {} files and 0 directories removed",
            MANY - left
        );
        assert!(summary.contains(&expected), "{summary}");
        assert!(text(&output.stderr).contains("cancelled while removing"));
        site.assert_canaries();
    }
}

#[test]
fn a_signal_that_was_ignored_before_stays_ignored() {
    let site = Site::new();
    let command = fell(words(&["-v"], site.root()));
    // What a shell without job control does to what it puts into the background.
    let ignoring = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"];
    let stuck = Stuck::of(under(&ignoring, &command), site.root());
    stuck.signal(Signal::INT);
    let output = stuck.end();
    assert_code(&output, 0);
    assert!(!is_there(site.root()));
    // The other one is listened to.
    fs::create_dir(site.root()).unwrap();
    let stuck = Stuck::of(under(&ignoring, &command), site.root());
    stuck.signal(Signal::TERM);
    assert_code(&stuck.end(), 130);
    assert_some_are_left(site.root());
    site.assert_canaries();
}

#[test]
fn cancelled_in_json_and_the_paths_behind_it_are_not_begun() {
    // With --json there is no output to wait for; the trace is a FIFO that nobody reads.
    let site = Site::new();
    wide(site.root(), MANY, 0);
    let (fifo, second) = (site.aside().join("trace"), site.aside().join("second"));
    fs::create_dir(&second).unwrap();
    make_fifo(&fifo);
    let mut command = fell(["--json", "--trace"]);
    command.arg(&fifo).arg(site.root()).arg(&second);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Opening waits for the command to open the other end.
    let reader = openat(CWD, &fifo, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let mut reader = BufReader::new(fs::File::from(reader));
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    assert!(first.contains("\"walk\""), "{first}");
    let out = BufReader::new(child.stdout.take().unwrap());
    let stuck = Stuck { child, out, first };
    while stuck.state() != 'S' {
        thread::yield_now();
    }
    stuck.signal(Signal::INT);
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    let output = Stuck {
        first: String::new(),
        ..stuck
    }
    .end();
    assert_code(&output, 130);
    let object = object(&output);
    assert_eq!(object["outcome"], "cancelled");
    let left = fs::read_dir(site.root()).unwrap().count();
    assert_some_are_left(site.root());
    assert_eq!(object["files"], MANY - left);
    assert!(
        is_there(&second),
        "the path behind the interrupted one is not begun"
    );
    objects(rest.as_bytes());
}

#[test]
fn a_second_signal_ends_at_once() {
    let site = Site::new();
    let mut stuck = Stuck::new(&["-v"], site.root());
    stuck.signal(Signal::INT);
    while stuck.is_pending(Signal::INT) {
        thread::yield_now();
    }
    // Its output is still not read, so it cannot have gone on.
    assert!(stuck.child.try_wait().unwrap().is_none());
    stuck.signal(Signal::INT);
    let status = stuck.child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    let mut err = String::new();
    stuck
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut err)
        .unwrap();
    assert_eq!(err, "", "no report");
    assert_some_are_left(site.root());
}

#[test]
fn a_timeout_in_the_middle_ends_in_a_report() {
    let site = Site::new();
    // Long enough for a slow machine to fill the pipe in.
    let stuck = Stuck::new(&["-v", "--timeout", "2"], site.root());
    // The one place where time is what is tested: the command began before this, so that now its
    // time is surely over.
    thread::sleep(Duration::from_secs(2));
    let output = stuck.end();
    assert_code(&output, 1);
    assert!(text(&output.stderr).contains("timed out while removing"));
    assert_some_are_left(site.root());
}

#[test]
fn a_reader_that_goes_away_does_not_stop_the_removal() {
    for options in [&["-v"][..], &["--json"]] {
        let site = Site::new();
        wide(site.root(), MANY, 10);
        let fifo = site.aside().join("out");
        make_fifo(&fifo);
        let open = |how: OFlags| openat(CWD, &fifo, how | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let reader = open(OFlags::RDONLY | OFlags::NONBLOCK);
        let writer = open(OFlags::WRONLY);
        drop(reader);
        let mut command = fell(words(options, site.root()));
        let output = command
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_code(&output, 0);
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
        assert!(!is_there(site.root()));
    }
    // And one that goes away in the middle.
    let site = Site::new();
    let Stuck { mut child, out, .. } = Stuck::new(&["-v"], site.root());
    drop(out);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(!is_there(site.root()));
}
