//! Traces of the real command, while others remove, write and move on tmpfs: a fresh machine asks the
//! same, and the model's world allows what the kernel answered. And tampered with, they are refused.

use fell_model::replay::{Error, Others, Refusal, Rule, Tally, replay};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many walks a test of races replays at least.
const WALKS: u64 = 500;
/// How many trees one run of the command gets.
const TREES: usize = 20;
/// How many things each of the others does whenever some of a trace was read.
const ACTS: usize = 4;
/// How many runs there are at most until every kind of race was seen.
const RUNS: usize = 200;

/// The command. It belongs to another package, whose tests cargo has built it for, or not.
fn fell() -> &'static Path {
    static FELL: OnceLock<PathBuf> = OnceLock::new();
    FELL.get_or_init(|| {
        let output = Command::new(env!("CARGO"))
            .args(["build", "--package", "fell", "--features", "cli"])
            .args(["--bin", "fell", "--message-format", "json"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "the command is built");
        let text = String::from_utf8(output.stdout).expect("JSON");
        let built = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from));
        built.expect("cargo says where it is")
    })
}

/// A directory of its own on tmpfs, with a canary beside what is removed.
struct Site(PathBuf);

impl Site {
    fn new() -> Site {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let shm = PathBuf::from("/dev/shm");
        let place = if shm.is_dir() {
            shm
        } else {
            std::env::temp_dir()
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        sweep(&place);
        let dir = place.join(format!("{PREFIX}{}-{number}", std::process::id()));
        fs::create_dir_all(dir.join("canary/deep")).expect("the canary");
        fs::write(dir.join("canary/deep/file"), "alive").expect("the canary");
        Site(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn trees(&self) -> Vec<PathBuf> {
        (0..TREES).map(|n| self.path(&format!("tree{n}"))).collect()
    }

    /// All trees anew, whatever is there.
    fn plant(&self) {
        for dir in self.trees().iter().chain([&self.path("aside")]) {
            let _ = fs::remove_dir_all(dir);
            let _ = fs::remove_file(dir);
        }
        fs::create_dir(self.path("aside")).expect("mkdir");
        for tree in self.trees() {
            plant(&tree, 8);
        }
    }

    #[track_caller]
    fn assert_canary(&self) {
        let held = fs::read_to_string(self.path("canary/deep/file"));
        assert_eq!(held.ok().as_deref(), Some("alive"));
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the sites of this test are called, before the process and a number.
const PREFIX: &str = "fell-replay-";

/// Removes what a test left that was killed.
fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let process = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The directories of a tree.
const PLACES: [&str; 9] = [
    "a", "a/b", "a/b/c", "a/b/c/d", "e", "e/f", "e/g", "h", "h/i",
];

fn plant(tree: &Path, files: usize) {
    for place in PLACES {
        let dir = tree.join(place);
        fs::create_dir_all(&dir).expect("mkdir");
        for file in 0..files {
            fs::write(dir.join(file.to_string()), "a file").expect("a file");
        }
    }
    symlink("../canary", tree.join("link")).expect("a link");
}

/// Somebody who acts beside the command.
#[derive(Clone, Copy, PartialEq)]
enum Beside {
    Remover,
    Writer,
    Mover,
}

impl Beside {
    /// Does one thing in a tree. It may fail: what it is about may be gone.
    fn act(self, site: &Site, tree: &Path, random: &mut Random) -> io::Result<()> {
        let place = tree.join(PLACES[random.below(PLACES.len())]);
        let other = tree.join(PLACES[random.below(PLACES.len())]);
        let number = random.below(1 << 20);
        let aside = site.path(&format!("aside/{number}"));
        match (self, number % 4) {
            (Beside::Remover, 0) => fs::remove_dir_all(&place),
            (Beside::Remover, 1) => fs::remove_dir(&place),
            (Beside::Remover, _) => fs::remove_file(place.join("2")),
            (Beside::Writer, 0) => fs::create_dir(place.join("new")),
            (Beside::Writer, 1) => fs::write(place.join("new/file"), "new"),
            (Beside::Writer, _) => fs::create_dir(tree.join(format!("new{number}"))),
            (Beside::Mover, 0) => fs::rename(&place, other.join("moved")),
            (Beside::Mover, 1) => fs::rename(&place, &other),
            (Beside::Mover, 2) => {
                fs::rename(&place, &aside).and_then(|()| fs::rename(&aside, &other))
            }
            (Beside::Mover, _) => {
                fs::rename(&place, &aside).and_then(|()| symlink(site.path("canary"), &place))
            }
        }
    }
}

/// Numbers that look random and are the same each time (Knuth's linear congruence, upper bits).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

/// The command removes all trees, while `others` act; the trace of it.
///
/// The trace goes through a pipe, so the command is held up until it is read: whenever some of it was,
/// the others act, in the tree that the command is at.
fn race(site: &Site, run: usize, words: &[&str], others: &[Beside]) -> String {
    let mut command = Command::new(fell());
    command.args(["--trace", "/dev/stdout"]).args(words);
    let mut running = command
        .args(site.trees())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command runs");
    let mut pipe = running.stdout.take().expect("it is piped");
    let mut random = Random(run as u64);
    let mut trees = site.trees().into_iter().peekable();
    let (mut trace, mut some) = (Vec::new(), [0; 4096]);
    loop {
        while trees.next_if(|tree| !tree.is_dir()).is_some() {}
        for other in others {
            for _ in 0..ACTS {
                let _ = trees.peek().map(|tree| other.act(site, tree, &mut random));
            }
        }
        match pipe.read(&mut some).expect("the pipe") {
            0 => break,
            read => trace.extend_from_slice(&some[..read]),
        }
    }
    running.wait().expect("it ends");
    site.assert_canary();
    String::from_utf8(trace).expect("the names are UTF-8")
}

#[track_caller]
fn accepted(trace: &str, others: Others) -> Tally {
    match replay(trace.as_bytes(), others) {
        Ok(tally) => tally,
        Err(Error::Refused(refusal)) => panic!("{refusal}"),
        Err(Error::Io(error)) => panic!("{error}"),
    }
}

fn refused(trace: &str, others: Others) -> Option<Refusal> {
    match replay(trace.as_bytes(), others) {
        Ok(_) => None,
        Err(Error::Refused(refusal)) => Some(refusal),
        Err(Error::Io(error)) => panic!("{error}"),
    }
}

fn objects(trace: &str) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).expect("JSON");
    trace.lines().map(read).collect()
}

/// What races did to a walk, by its last line.
fn marks(end: &Value) -> impl Iterator<Item = &'static str> {
    let counts = |key: &str| end["report"][key].as_u64() > Some(0);
    let marks = [
        ("vanished", counts("vanished")),
        ("retried", counts("retries")),
        ("not empty", end["end"] == "not_empty"),
        ("removed", end["end"] == "removed"),
    ];
    marks.into_iter().filter(|mark| mark.1).map(|mark| mark.0)
}

/// Races until there are enough walks and each of `wanted` was seen, and replays them all. Returns what
/// was seen, and how often.
fn races(others: Others, crowds: &[&[Beside]], wanted: &[&str]) -> BTreeMap<&'static str, u64> {
    let site = &Site::new();
    let mut walks = 0;
    let mut seen = BTreeMap::new();
    for run in 0..RUNS {
        if walks >= WALKS && wanted.iter().all(|mark| seen.contains_key(mark)) {
            println!("{walks} walks: {seen:?}");
            return seen;
        }
        site.plant();
        let window = ["1", "2", "64"][run % 3];
        let patience = ["0", "256"][run / 4 % 2];
        let crowd = crowds[run % crowds.len()];
        let words = ["--patience", patience, "--max-open", window];
        let trace = race(site, run, &words, crowd);
        walks += accepted(&trace, others).walks;
        for end in objects(&trace).iter().filter(|line| !line["end"].is_null()) {
            for mark in marks(end) {
                *seen.entry(mark).or_insert(0) += 1;
            }
        }
    }
    panic!("{walks} walks, and of {wanted:?} only {seen:?}");
}

#[test]
fn walks_beside_everybody_are_replayed() {
    use Beside::{Mover, Remover, Writer};
    let wanted = ["vanished", "retried", "not empty", "removed"];
    let crowds: [&[Beside]; 4] = [
        &[Writer],
        &[Mover],
        &[Remover, Mover],
        &[Remover, Writer, Mover],
    ];
    races(Others::Anyone, &crowds, &wanted);
}

/// G1.1 and G1.2 of docs/spec.md, of the real command: it ends Ok, and no retry is drawn.
#[test]
fn walks_beside_removers_are_replayed() {
    use Beside::Remover;
    let crowds: [&[Beside]; 2] = [&[Remover], &[Remover, Remover]];
    let wanted = ["vanished", "removed"];
    let seen = races(Others::Removers, &crowds, &wanted);
    assert!(!seen.contains_key("retried"), "{seen:?}");
    assert!(!seen.contains_key("not empty"), "{seen:?}");
}

#[test]
fn walks_that_were_stopped_are_replayed() {
    let site = Site::new();
    let mut ends = BTreeSet::new();
    for (run, seconds) in ["0", "0.0005", "0.002", "0.005", "60"].iter().enumerate() {
        site.plant();
        let trace = race(&site, run, &["--timeout", seconds], &[]);
        accepted(&trace, Others::Removers);
        let objects = objects(&trace);
        ends.extend(
            objects
                .iter()
                .filter_map(|line| line["end"].as_str().map(str::to_owned)),
        );
    }
    assert!(
        ends.contains("timed_out") && ends.contains("removed"),
        "{ends:?}"
    );
}

/// What the command `fell-model replay` says and exits with.
fn replayed(trace: &Path) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_fell-model"))
        .arg("replay")
        .arg(trace)
        .output()
        .expect("it runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    (said, output.status.code())
}

#[test]
fn the_command_names_the_line_that_it_refuses() {
    let site = Site::new();
    let trace = site.path("copy");
    let lines = objects(&alone(&site, &[]));
    fs::write(&trace, text(&lines)).expect("a copy");
    let (said, code) = replayed(&trace);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(": 2 walks, "), "{said}");
    let mut lines = lines;
    lines.remove(2);
    fs::write(&trace, text(&lines)).expect("a copy");
    let (said, code) = replayed(&trace);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(": line 3: refused by request: "), "{said}");
    lines[0]["format"] = json!(2);
    fs::write(&trace, text(&lines)).expect("a copy");
    let (said, code) = replayed(&trace);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(": line 1: refused by format: format 2 "),
        "{said}"
    );
    assert_eq!(replayed(&site.path("absent")).1, Some(1));
}

#[test]
fn a_trace_without_a_walk_is_refused() {
    let refusal = refused("", Others::Anyone).expect("it is refused");
    assert_eq!((refusal.line, refusal.rule), (1, Rule::Order));
}

// ---- teeth ----

/// A trace of a tree that nobody disturbed, with a window of one: it goes up by `..`.
fn alone(site: &Site, words: &[&str]) -> String {
    let (tree, trace) = (site.path("tree0"), site.path("trace"));
    plant(&tree, 1);
    let mut command = Command::new(fell());
    command
        .arg("--trace")
        .arg(&trace)
        .args(["--max-open", "1"])
        .args(words);
    let ended = command.arg(tree).arg(site.path("absent")).status();
    assert!(ended.expect("the command runs").success());
    fs::read_to_string(trace).expect("a trace")
}

/// One way to tamper with a trace: where, what kind it is of, and what comes of it.
struct Tampered {
    kind: String,
    lines: Vec<Value>,
}

fn text(lines: &[Value]) -> String {
    let ended = |line: &Value| [line.to_string(), "\n".to_owned()];
    lines.iter().flat_map(ended).collect()
}

/// Whole lines dropped, doubled and exchanged.
fn shuffled(lines: &[Value]) -> Vec<Tampered> {
    let mut all = Vec::new();
    let mut add = |kind: &str, lines| {
        let kind = kind.to_owned();
        all.push(Tampered { kind, lines });
    };
    for at in 0..lines.len() {
        let mut dropped = lines.to_vec();
        dropped.remove(at);
        add("a line dropped", dropped);
        let mut doubled = lines.to_vec();
        doubled.insert(at, lines[at].clone());
        add("a line doubled", doubled);
        if at > 0 && lines[at] != lines[at - 1] {
            let mut exchanged = lines.to_vec();
            exchanged.swap(at - 1, at);
            add("two lines exchanged", exchanged);
        }
    }
    all
}

/// Values changed in one line.
fn altered(lines: &[Value]) -> Vec<Tampered> {
    let mut all = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        for (kind, changed) in changes(line) {
            let mut lines = lines.to_vec();
            lines[at] = changed;
            all.push(Tampered { kind, lines });
        }
    }
    all
}

/// Every change of one value, with the way to it.
fn changes(line: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut unknown = line.clone();
    unknown["surprise"] = json!(1);
    all.push(("a key added".to_owned(), unknown));
    for pointer in pointers(line) {
        let old = line.pointer(&pointer).expect("it is there");
        for new in others_than(&pointer, old, line) {
            let is_base = line["request"] == json!({"call": "identify", "slot": 0});
            let whose = if is_base { " of the root's parent" } else { "" };
            let kind = format!("{pointer}{whose}: {} for {}", shown(&new), shown(old));
            let mut changed = line.clone();
            let place = match pointer.strip_suffix("/is") {
                // A word comes with what belongs to it.
                Some(reply) if new.is_object() => reply,
                _ => &pointer,
            };
            *changed.pointer_mut(place).expect("it is there") = new;
            all.push((kind, changed));
        }
    }
    all
}

/// A value in the name of a kind: numbers and names are all alike.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(reply) => reply["is"].as_str().unwrap_or("?").to_owned(),
        Value::String(text) if text.len() > 3 => text.clone(),
        Value::Bool(_) | Value::Null => value.to_string(),
        _ => "another".to_owned(),
    }
}

/// The ways to all values that are no objects.
fn pointers(line: &Value) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = vec![(String::new(), line)];
    while let Some((way, value)) = open.pop() {
        match value {
            Value::Object(map) => {
                open.extend(
                    map.iter()
                        .map(|(key, value)| (format!("{way}/{key}"), value)),
                );
            }
            _ => all.push(way),
        }
    }
    all
}

/// What may stand in a value's place.
fn others_than(pointer: &str, old: &Value, line: &Value) -> Vec<Value> {
    let words = |all: &[&str]| all.iter().map(|&word| json!(word)).collect::<Vec<_>>();
    let key = pointer.rsplit('/').next().unwrap_or_default();
    let all = match key {
        "walk" => Vec::new(),
        "is" => replies(line["request"]["call"].as_str().unwrap_or_default()),
        "call" => words(&["open", "read", "close", "unlink", "surprise"]),
        "kind" => words(&["file", "directory", "unknown"]),
        "end" => words(&[
            "removed",
            "already_gone",
            "not_empty",
            "failed",
            "cancelled",
        ]),
        "name" => words(&["2", "other", ".."]),
        "max_entries" => vec![json!(1_000_000)],
        _ => match old {
            Value::Bool(old) => vec![json!(!old)],
            Value::Number(old) => {
                let old = old.as_i64().unwrap_or(0);
                vec![json!(old + 1), json!(old - 1)]
            }
            _ => Vec::new(),
        },
    };
    let is_other = |new: &Value| new != old && new["is"] != *old;
    all.into_iter().filter(is_other).collect()
}

/// The replies to a call, and one that is none.
fn replies(call: &str) -> Vec<Value> {
    let eio = json!({"is": "failed", "errno": 5});
    let mut all = vec![
        json!({"is": "surprise"}),
        json!({"is": "missing"}),
        json!({"is": "stale"}),
    ];
    all.push(eio);
    match call {
        "unlink" => {
            all.extend([json!({"is": "removed"}), json!({"is": "is_directory"})]);
            all.push(json!({"is": "denied", "errno": 13}));
        }
        "rmdir" | "rmdir_root" => {
            let words = ["removed", "not_empty", "not_directory", "busy"];
            all.extend(words.map(|word| json!({ "is": word })));
        }
        "read" => {
            all.push(json!({"is": "end"}));
            all.push(json!({"is": "entry", "name": "x", "kind": "file", "position": 7}));
        }
        "identify" => all.push(json!({"is": "unsupported"})),
        "close" | "inspect" | "seek" => {}
        _ => {
            all.extend(["opened", "not_directory", "mounted"].map(|word| json!({ "is": word })));
            all.push(json!({"is": "exhausted", "errno": 24}));
        }
    }
    all
}

/// What a trace may say as well: why nothing follows from it.
const HARMLESS: [(&str, &str); 10] = [
    ("/limits/", "a limit that the walk did not come near"),
    ("/reply/positions: ", "a file system of another kind"),
    ("/reply/inode of the root's parent: ", "another parent"),
    ("/reply/birth of the root's parent: ", "another parent"),
    ("/reply/device of the root's parent: ", "another parent"),
    (
        "/reply/mount of the root's parent: ",
        "another parent, of the absent root",
    ),
    ("/reply/position: ", "a position that nobody sought"),
    (
        "/reply/kind: unknown for file",
        "a type that made no difference",
    ),
    (
        "/reply/inode: ",
        "another directory, never compared with this one",
    ),
    (
        "/reply/birth: ",
        "another directory, never compared with this one",
    ),
];

#[test]
fn a_trace_that_was_tampered_with_is_refused() {
    let site = Site::new();
    let trace = alone(&site, &[]);
    accepted(&trace, Others::Removers);
    let lines = objects(&trace);
    let mut allowed: BTreeMap<String, usize> = BTreeMap::new();
    let (mut all, mut caught) = (0, BTreeMap::new());
    for Tampered { kind, lines } in shuffled(&lines).into_iter().chain(altered(&lines)) {
        all += 1;
        match refused(&text(&lines), Others::Anyone) {
            Some(refusal) => *caught.entry(refusal.rule).or_insert(0) += 1,
            None => *allowed.entry(kind).or_insert(0) += 1,
        }
    }
    println!("{all} tamperings; refused {caught:#?}; allowed {allowed:#?}");
    let is_harmless = |kind: &&String| HARMLESS.iter().any(|(way, _)| kind.starts_with(way));
    let harmful: Vec<_> = allowed.keys().filter(|kind| !is_harmless(kind)).collect();
    assert!(harmful.is_empty(), "{harmful:#?}");
    let rules = [
        Rule::Format,
        Rule::Order,
        Rule::Request,
        Rule::Outcome,
        Rule::Report,
    ];
    assert!(
        rules.iter().all(|rule| caught.contains_key(rule)),
        "{caught:?}"
    );
}
