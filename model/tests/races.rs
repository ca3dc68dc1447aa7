//! Races as text: each file of `tests/races` is played on the model and on a real directory, and both
//! must say what stands in it.
//!
//! ```text
//! # What it is about.
//! tree a/ a/b c@ d/          directories, files, symlinks to the outside; `tree` alone: an empty root
//! root file                  or link, or absent, in place of a tree
//! mounted root/d             also sealed, shut, unsearchable: what nobody can remove, enter, search
//! max_open_dirs 1            any limit; else those of `limits`
//! before open root/a: rmdir root/a
//! before 2 read root: create root/e
//! each rmdir root: mkdir root/f
//! ----
//! what happened, a line for each request that is not mere book-keeping, with its row of the table
//! ```
//!
//! A moment is a request in the words of the log; `before 2` is the second time that it is made. An act is
//! one of those that [`acts`] knows, or `answer ESTALE` (any errno of [`errno`]): then the request is not
//! carried out, and that is its reply. With `FELL_BLESS=1` what follows the dashes is written anew, if the
//! model and the kernel agree. Names are `a` to `e`, as in the model; `outside` has a file `a`, a link `b`
//! and a directory `c`. Listings are sorted. Deliberately absent: what only NFS does, but for its errnos.

use fell::RootPath;
use fell::kernel::failed;
use fell::machine::{
    Arm, At, Errno, Identify, Limits, Note, Open, Read, Reply, Request, Seek, Slot, Stop, Walker,
};
use fell_model::adversary::{Act, Place};
use fell_model::config::{Config, Start};
use fell_model::property::Law;
use fell_model::real::{Listing, Nature, Site, Twin};
use fell_model::universe::{State, Taken};
use fell_model::world::{BASE, Dialect, Dir, Entry, OUTSIDE, ROOT, ROOT_NAME, World};
use rustix::io::Errno as Number;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Write as _, stderr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// No script has a walk of so many requests.
const TOO_MANY: usize = 500;

/// Unless a script says otherwise.
fn limits() -> Limits {
    Limits {
        patience: 2,
        passes: 2,
        ..Config::LOOSE
    }
}

/// When something happens.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Moment {
    /// The request, in the words of the log.
    request: String,
    /// The how manieth; each, if none.
    nth: Option<usize>,
    /// In words.
    act: String,
}

/// A file of `tests/races`.
struct Script {
    name: String,
    text: String,
    world: World,
    /// Of the laws some are about roots that can be removed.
    start: Start,
    limits: Limits,
    moments: Vec<Moment>,
    expected: String,
}

impl Script {
    fn read(path: &Path, dialect: &Dialect) -> Script {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let all = fs::read_to_string(path).expect("a script");
        let (text, expected) = all.split_once("----\n").unwrap_or((&all, ""));
        let mut script = Script {
            name: name.into_owned(),
            text: text.to_owned(),
            world: World::bare(),
            start: Start::Tree,
            limits: limits(),
            moments: Vec::new(),
            expected: expected.to_owned(),
        };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let read = script.line(line.trim(), dialect);
            read.unwrap_or_else(|| panic!("{}: not understood: {line}", script.name));
        }
        script
    }

    fn line(&mut self, line: &str, dialect: &Dialect) -> Option<()> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" => {}
            "tree" => plant(&mut self.world, dialect, rest)?,
            "root" => {
                self.start = Start::Odd;
                let entry = match rest {
                    "absent" => return Some(()),
                    "file" => Entry::File,
                    "link" => Entry::Link,
                    _ => return None,
                };
                self.world.give(dialect, BASE, ROOT_NAME, entry);
            }
            "mounted" => {
                let place = place(&self.world, rest)?;
                if place == (BASE, ROOT_NAME) {
                    self.start = Start::Odd;
                }
                self.world.set_mount(Some(place));
            }
            "sealed" | "shut" | "unsearchable" => {
                let dir = dir(&self.world, rest)?;
                match word {
                    "sealed" => self.world.seal(dir),
                    "shut" => self.world.shut(dir),
                    _ => self.world.make_unsearchable(dir),
                }
            }
            "before" => {
                let (number, moment) = rest.split_once(' ')?;
                let number = number.parse().ok();
                let moment = if number.is_some() { moment } else { rest };
                self.moment(moment, Some(number.unwrap_or(1)))?;
            }
            "each" => self.moment(rest, None)?,
            _ => self.limit(word, rest)?,
        }
        Some(())
    }

    fn moment(&mut self, text: &str, nth: Option<usize>) -> Option<()> {
        let (request, act) = text
            .split_once(": ")
            .filter(|(_, act)| is_act(act) || errno(act).is_some())?;
        self.moments.push(Moment {
            request: request.to_owned(),
            nth,
            act: act.to_owned(),
        });
        Some(())
    }

    fn limit(&mut self, word: &str, value: &str) -> Option<()> {
        let limits = &mut self.limits;
        match word {
            "max_open_dirs" => limits.max_open_dirs = value.parse().ok()?,
            "patience" => limits.patience = value.parse().ok()?,
            "passes" => limits.passes = value.parse().ok()?,
            "batch" => limits.batch = value.parse().ok()?,
            "arena" => limits.arena = value.parse().ok()?,
            "max_depth" => limits.max_depth = value.parse().ok()?,
            "max_entries" => limits.max_entries = Some(value.parse().ok()?),
            "keep_root" => limits.keep_root = true,
            _ => return None,
        }
        Some(())
    }
}

fn plant(world: &mut World, dialect: &Dialect, names: &str) -> Option<()> {
    world.make(dialect, BASE, ROOT_NAME, ROOT, 0);
    for name in names.split_whitespace() {
        let path = format!("root/{}", name.trim_end_matches(['/', '@', '!']));
        let (dir, letter) = place(world, &path)?;
        match name.chars().last()? {
            '/' => {
                let number = world.next_dir()?;
                world.make(dialect, dir, letter, number, 0);
            }
            '@' => world.give(dialect, dir, letter, Entry::Link),
            _ => world.give(dialect, dir, letter, Entry::File),
        }
    }
    Some(())
}

/// The directory and the name that a path leads to, whether it is there or not.
fn place(world: &World, path: &str) -> Option<Place> {
    let Some((above, name)) = path.rsplit_once('/') else {
        return (path == "root").then_some((BASE, ROOT_NAME));
    };
    let [letter @ b'a'..=b'e'] = name.as_bytes() else {
        return None;
    };
    Some((dir(world, above)?, letter - b'a'))
}

fn dir(world: &World, path: &str) -> Option<Dir> {
    match path {
        "base" => return Some(BASE),
        "outside" => return Some(OUTSIDE),
        _ => {}
    }
    let (above, name) = place(world, path)?;
    match world.entry(above, name) {
        Entry::Directory(dir) => Some(dir),
        _ => None,
    }
}

/// The acts that words stand for, where they can be done.
fn acts(world: &World, words: &str) -> Option<Vec<Act>> {
    let words: Vec<&str> = words.split_whitespace().collect();
    let there = |path| {
        let (dir, name) = place(world, path)?;
        let is_there = world.is_alive(dir) && world.entry(dir, name).is_present();
        is_there.then_some((dir, name))
    };
    let free = |path| {
        let (dir, name) = place(world, path)?;
        let is_free = world.is_alive(dir) && !world.entry(dir, name).is_present();
        is_free.then_some((dir, name))
    };
    let act = match words[..] {
        // `is_act` knows the same.
        ["rmdir", "base"] => Act::RmdirBase,
        ["rmdir", path] => {
            let is_empty = world.is_empty(dir(world, path)?);
            Act::Rmdir(there(path).filter(|_| is_empty)?)
        }
        ["unlink", path] => Act::Unlink(there(path)?),
        ["remove", path] => return Some(remove(world, there(path)?)),
        ["create", path] => Act::File(free(path)?),
        ["mkdir", path] => Act::Mkdir(free(path)?),
        ["rename", from, to] => Act::Rename(there(from)?, free(to)?),
        ["exchange", path, other] => Act::Exchange(there(path)?, there(other)?.1),
        ["mount", path] => Act::Mount(there(path)?),
        ["unmount"] => Act::Unmount,
        ["cancel"] => Act::Stop(Stop::Cancelled),
        ["time", "out"] => Act::Stop(Stop::TimedOut),
        _ => return None,
    };
    Some(vec![act])
}

/// The errno of `answer ESTALE`, which is an act upon the request itself.
fn errno(words: &str) -> Option<Errno> {
    let errno = match words.strip_prefix("answer ")? {
        "EPERM" => Number::PERM,
        "ENOENT" => Number::NOENT,
        "EIO" => Number::IO,
        "EACCES" => Number::ACCESS,
        "EBUSY" => Number::BUSY,
        "EINVAL" => Number::INVAL,
        "ENFILE" => Number::NFILE,
        "EMFILE" => Number::MFILE,
        "ENOSYS" => Number::NOSYS,
        "ESTALE" => Number::STALE,
        _ => return None,
    };
    Some(Errno(errno.raw_os_error()))
}

/// Whether words are those of an act, which can be done or not. Paths are looked up when it is due.
fn is_act(words: &str) -> bool {
    let words: Vec<&str> = words.split_whitespace().collect();
    let (verb, paths) = words.split_first().unwrap_or((&"", &[]));
    let is_path = |path: &&str| {
        let mut parts = path.split('/');
        let begins = matches!(parts.next(), Some("root" | "base" | "outside"));
        begins && parts.all(|name| name.len() == 1 && ("a"..="e").contains(&name))
    };
    match (*verb, paths) {
        ("rmdir" | "unlink" | "remove" | "create" | "mkdir" | "mount", [_])
        | ("rename" | "exchange", [_, _]) => paths.iter().all(is_path),
        ("time", ["out"]) | ("unmount" | "cancel", []) => true,
        _ => false,
    }
}

/// The acts of rm -r; a world is at most as deep as it has directories.
fn remove(world: &World, place: Place) -> Vec<Act> {
    match world.entry(place.0, place.1) {
        Entry::Directory(dir) => {
            let below = world
                .list(dir)
                .flat_map(|(name, _)| remove(world, (dir, name)));
            below.chain([Act::Rmdir(place)]).collect()
        }
        _ => vec![Act::Unlink(place)],
    }
}

/// Where a directory is now.
fn path(world: &World, at: Dir) -> String {
    let name = match at {
        BASE => return "base".to_owned(),
        OUTSIDE => return "outside".to_owned(),
        _ if !world.is_alive(at) => return format!("#{} (removed)", at.0),
        _ => world
            .list(world.parent(at))
            .find(|(_, entry)| *entry == Entry::Directory(at)),
    };
    match name {
        Some((name, _)) => entry(world, world.parent(at), name),
        None => format!("#{}", at.0),
    }
}

fn entry(world: &World, dir: Dir, name: u8) -> String {
    if (dir, name) == (BASE, ROOT_NAME) {
        return "root".to_owned();
    }
    format!("{}/{}", path(world, dir), char::from(b'a' + name))
}

/// A request in words.
fn asked(world: &World, request: &Request<u8>) -> String {
    let slot = |slot: Slot| match world.open_dir(0, slot) {
        Some(dir) => path(world, dir),
        None => format!("slot {}", slot.0),
    };
    let child = |parent: Slot, name: u8| match world.open_dir(0, parent) {
        Some(dir) => entry(world, dir, name),
        None => format!("slot {}", parent.0),
    };
    match *request {
        Request::OpenBase { .. } => "open base".to_owned(),
        Request::OpenRoot { .. } => "open root".to_owned(),
        Request::Open { parent, name, .. } => format!("open {}", child(parent, name)),
        Request::OpenParent { child, .. } => format!("open .. of {}", slot(child)),
        Request::OpenAbove { child, .. } => format!("compare .. of {}", slot(child)),
        Request::Identify { slot: s } => format!("identify {}", slot(s)),
        Request::Inspect { slot: s } => format!("inspect {}", slot(s)),
        Request::Read { slot: s } => format!("read {}", slot(s)),
        Request::Seek { slot: s, .. } => format!("seek {}", slot(s)),
        Request::Unlink { parent, name } => format!("unlink {}", child(parent, name)),
        Request::Rmdir { parent, name } => format!("rmdir {}", child(parent, name)),
        Request::RmdirRoot { .. } => "rmdir root".to_owned(),
        Request::Close { slot: s } => format!("close {}", slot(s)),
    }
}

/// A reply in words; none for mere book-keeping.
fn told(request: &Request<u8>, reply: &Reply<u8>, arm: Arm) -> Option<String> {
    match *reply {
        Reply::Closed | Reply::Inspect(_) | Reply::Seek(Seek::Sought) => None,
        Reply::Open(Open::Opened) if matches!(request, Request::OpenBase { .. }) => None,
        Reply::Identify(Identify::Is(_)) => match arm {
            Arm::AscendMoved | Arm::AscendAboveMoved | Arm::RetryStranger => {
                Some("another directory".to_owned())
            }
            Arm::DescendLooped => Some("already on the way".to_owned()),
            Arm::DescendForeign => Some("another file system".to_owned()),
            Arm::RetryRefused => Some("a mount point".to_owned()),
            _ => None,
        },
        Reply::Read(Read::Entry { name, kind, .. }) => {
            Some(format!("{} ({kind:?})", char::from(b'a' + name)))
        }
        Reply::Open(open) => Some(format!("{open:?}")),
        Reply::Identify(other) => Some(format!("{other:?}")),
        Reply::Read(read) => Some(format!("{read:?}")),
        Reply::Seek(seek) => Some(format!("{seek:?}")),
        Reply::Unlink(unlink) => Some(format!("{unlink:?}")),
        Reply::Rmdir(rmdir) => Some(format!("{rmdir:?}")),
    }
}

/// What became of a request before which somebody acted.
enum Fate {
    /// It is made.
    Made,
    /// It is not: this is its answer.
    Answered(Errno),
    /// It is not: the walk was stopped.
    Stopped,
}

/// A script being played.
struct Play<'a> {
    script: &'a Script,
    config: Config,
    state: State<Walker<u8>>,
    /// How often each request was made.
    made: BTreeMap<String, usize>,
    /// Whose acts were done at least once.
    done: BTreeSet<&'a Moment>,
    log: String,
}

impl<'a> Play<'a> {
    fn new(script: &'a Script, dialect: Dialect) -> Play<'a> {
        let config = Config::new("a script", 0)
            .from(script.start)
            .limits(script.limits)
            .on(dialect)
            .against(None, []);
        let state = State::new(&config, script.world.clone());
        Play {
            script,
            config,
            state,
            made: BTreeMap::new(),
            done: BTreeSet::new(),
            log: String::new(),
        }
    }

    fn line(&mut self, line: &str) {
        let _ = writeln!(self.log, "{}", line.trim_end());
    }

    /// Plays it on the model, or on both; `perform` does what others do.
    fn run(&mut self, mut real: Option<(&mut Site, &mut Twin<'_>)>) -> Result<(), String> {
        for _ in 0..TOO_MANY {
            let Some(request) = self.state.first.request() else {
                return self.conclude(real);
            };
            let words = asked(&self.state.world, &request);
            let count = self.made.entry(words.clone()).or_insert(0);
            *count += 1;
            let script = self.script;
            let due: Vec<&Moment> = script
                .moments
                .iter()
                .filter(|moment| moment.request == words)
                .filter(|moment| moment.nth.is_none_or(|nth| nth == *count))
                .collect();
            let mut fate = Fate::Made;
            for moment in due {
                fate = self.perform(moment, fate, &mut real)?;
            }
            match fate {
                Fate::Made => self.step(&words, request, None, &mut real)?,
                Fate::Answered(errno) => self.step(&words, request, Some(errno), &mut real)?,
                Fate::Stopped => {}
            }
        }
        Err("it does not halt".to_owned())
    }

    /// Lets somebody act before a request, and says what becomes of it.
    fn perform(
        &mut self,
        moment: &'a Moment,
        mut fate: Fate,
        real: &mut Option<(&mut Site, &mut Twin<'_>)>,
    ) -> Result<Fate, String> {
        if let Some(errno) = errno(&moment.act) {
            if !matches!(fate, Fate::Made) {
                return Err(format!("answered before: {}", moment.act));
            }
            self.done.insert(moment);
            self.line(&format!("    -- {}", moment.act));
            return Ok(Fate::Answered(errno));
        }
        let Some(acts) = acts(&self.state.world, &moment.act) else {
            return match moment.nth {
                Some(_) => Err(format!("cannot be done: {}", moment.act)),
                // Who acts again and again may come too late.
                None => Ok(fate),
            };
        };
        self.done.insert(moment);
        self.line(&format!("    -- {}", moment.act));
        for act in acts {
            let before = self.state.world.clone();
            self.state.act(&self.config, act, |_| ());
            if let Act::Stop(why) = act {
                fate = Fate::Stopped;
                if let Some((_, twin)) = real {
                    twin.stop(why);
                }
            } else if let Some((site, _)) = real {
                site.act(&before, act, &self.state.world)
                    .map_err(|error| error.to_string())?;
            }
        }
        Ok(fate)
    }

    /// What the kernel, or else the world, answers.
    fn ask(&self, real: &mut Option<(&mut Site, &mut Twin<'_>)>) -> Result<Reply<u8>, String> {
        let Some((site, twin)) = real else {
            let mut allowed = Vec::new();
            self.state.replies(&self.config, 0, &mut allowed);
            let first = allowed.first().copied();
            return first.ok_or_else(|| "no reply is allowed".to_owned());
        };
        let heard = twin.ask(site, &self.config, &self.state, None);
        let heard = heard.map_err(|error| error.to_string())?;
        twin.step(heard);
        Ok(heard.said)
    }

    /// The answer that a fault gives in the place of both.
    fn fail(
        &self,
        request: &Request<u8>,
        errno: Errno,
        real: &mut Option<(&mut Site, &mut Twin<'_>)>,
    ) -> Result<Reply<u8>, String> {
        let cannot_fail = || "a request that cannot fail was answered".to_owned();
        let Some((_, twin)) = real else {
            return failed(request, errno).ok_or_else(cannot_fail);
        };
        let heard = twin.fail(&self.state, errno);
        let heard = heard.map_err(|error| error.to_string())?;
        let heard = heard.ok_or_else(cannot_fail)?;
        twin.step(heard);
        Ok(heard.said)
    }

    /// The request is made, or answered with an errno.
    fn step(
        &mut self,
        words: &str,
        request: Request<u8>,
        errno: Option<Errno>,
        real: &mut Option<(&mut Site, &mut Twin<'_>)>,
    ) -> Result<(), String> {
        let reply = match errno {
            None => self.ask(real)?,
            Some(errno) => self.fail(&request, errno, real)?,
        };
        let (who, fault) = (0, errno.is_some());
        let mut taken = None;
        let act = Act::Reply { who, reply, fault };
        self.state
            .act(&self.config, act, |Taken { step, .. }| taken = Some(step));
        if let Some((site, _)) = real {
            site.settle(&self.state.world);
        }
        let step = taken.ok_or("no step was taken")?;
        let arm = step.arm.ok_or("no arm was taken")?;
        if let Some(said) = told(&request, &reply, arm) {
            self.line(&format!("{:<44} {arm:?}", format!("{words}: {said}")));
        }
        self.note(step.note);
        Ok(())
    }

    /// What a step tells the report.
    fn note(&mut self, note: Option<Note<u8>>) {
        match note {
            Some(Note::Leftover { at, fault }) => {
                let at = match at {
                    At::Root => "the root".to_owned(),
                    At::Level(level) => format!("the directory of level {level}"),
                    At::Entry(level, name) => {
                        format!("{} of level {level}", char::from(b'a' + name))
                    }
                };
                let (operation, reason) = (fault.operation, fault.reason);
                self.line(&format!("    left: {at}, {operation:?} {reason:?}"));
            }
            Some(Note::Void { level }) => {
                self.line(&format!("    void: what was left from level {level} on"));
            }
            Some(Note::Lost(cause)) => self.line(&format!("    the way is lost: {cause:?}")),
            None => {}
        }
    }

    fn conclude(&mut self, real: Option<(&mut Site, &mut Twin<'_>)>) -> Result<(), String> {
        let outcome = self.state.first.outcome().ok_or("no outcome")?;
        self.line(&format!("=> {outcome:?}"));
        let left = self.script.limits.patience - self.state.first.patience();
        if left > 0 {
            self.line(&format!("retries: {left}"));
        }
        let world = fell_model::words::tree(&self.state.world);
        self.line(&world);
        for moment in &self.script.moments {
            let made = self.made.get(&moment.request).copied().unwrap_or(0);
            if made < moment.nth.unwrap_or(1) {
                return Err(format!("never came: {}", moment.request));
            }
            if !self.done.contains(moment) {
                return Err(format!("never done: {}", moment.act));
            }
        }
        if let Some(law) = Law::ALL.iter().find(|&&law| !self.state.keeps(law)) {
            return Err(format!("it breaks {}", law.name()));
        }
        if let Some((site, twin)) = real {
            twin.asks_the_same(&self.state)
                .and_then(|()| site.compare(&self.state.world))
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// What the model says happens.
fn on_model(script: &Script, dialect: Dialect) -> Result<String, String> {
    let mut play = Play::new(script, dialect);
    play.run(None).map_err(|why| format!("{}{why}", play.log))?;
    Ok(play.log)
}

/// What happens on a real directory.
fn on_kernel(script: &Script, nature: &Nature) -> Result<String, String> {
    let mut site = Site::new(nature).map_err(|error| error.to_string())?;
    site.plant(&script.world)
        .map_err(|error| error.to_string())?;
    let root = RootPath::new(site.root()).map_err(|error| error.to_string())?;
    let mut play = Play::new(script, nature.dialect);
    let mut twin = Twin::new(&play.config, &root, 0, Listing::Sorted);
    let done = play.run(Some((&mut site, &mut twin)));
    done.map_err(|why| format!("{}{why}", play.log))?;
    Ok(play.log)
}

/// Set in a process that has a mount namespace of its own.
const PRIVATE: &str = "FELL_RACES_PRIVATE";

/// Runs this test once more where it may mount and nobody sees it. `false`: that was done, and passed.
fn is_private(test: &str) -> bool {
    if env::var_os(PRIVATE).is_some() {
        return true;
    }
    let unshare = |words: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation", "private", "--"])
            .args(words);
        command
    };
    if !unshare(&["true"])
        .status()
        .is_ok_and(|status| status.success())
    {
        return true;
    }
    let this = env::current_exe().expect("the path of the test");
    let this = this.to_str().expect("UTF-8");
    let mut again = unshare(&[this, "--exact", test, "--nocapture"]);
    let status = again.env(PRIVATE, "1").status().expect("unshare runs");
    assert!(status.success(), "it fails in a mount namespace of its own");
    false
}

fn scripts() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/races");
    let entries = fs::read_dir(dir).expect("tests/races");
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "txt"))
        .collect();
    all.sort();
    all
}

fn place_of_sites() -> PathBuf {
    let chosen = env::var_os("FELL_TEST_DIR").map(PathBuf::from);
    let shm = Path::new("/dev/shm");
    chosen.unwrap_or_else(|| {
        if shm.is_dir() {
            shm.into()
        } else {
            env::temp_dir()
        }
    })
}

#[test]
fn the_scripts_say_what_happens() {
    if !is_private("the_scripts_say_what_happens") {
        return;
    }
    let private = env::var_os(PRIVATE).is_some();
    let nature = Nature::of(&place_of_sites(), None, private).expect("a place for sites");
    let sorted = Dialect {
        any_order: false,
        ..Dialect::LOCAL
    };
    let wrong: Vec<String> = scripts()
        .iter()
        .filter_map(|file| play(file, sorted, &nature).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Plays a script on both, and compares what they say and what is written.
fn play(file: &Path, dialect: Dialect, nature: &Nature) -> Result<(), String> {
    let script = Script::read(file, &dialect);
    let name = &script.name;
    let model = on_model(&script, dialect).map_err(|why| format!("{name}, on the model: {why}"))?;
    if can_play(&script, nature) {
        let kernel = on_kernel(&script, nature);
        let kernel = kernel.map_err(|why| format!("{name}, on the kernel: {why}"))?;
        if kernel != model {
            return Err(format!(
                "{name}: the model\n{model}\nand the kernel\n{kernel}"
            ));
        }
    }
    if env::var_os("FELL_BLESS").is_some_and(|value| value == "1") {
        fs::write(file, format!("{}----\n{model}", script.text)).expect("written");
    } else if model != script.expected {
        let expected = &script.expected;
        return Err(format!("{name}: expected\n{expected}\nand not\n{model}"));
    }
    Ok(())
}

/// Whether the kernel can be asked here; said aloud if not, and a failure where all is required.
fn can_play(script: &Script, nature: &Nature) -> bool {
    let is_mount = |moment: &Moment| moment.act.starts_with("mount");
    let can_mount = nature.may_mount || !script.moments.iter().any(is_mount);
    if nature.can_plant(&script.world) && can_mount {
        return true;
    }
    let name = &script.name;
    let strict = env::var_os("FELL_REQUIRE").is_some_and(|value| value == "all");
    assert!(
        !strict,
        "FELL_REQUIRE=all, but {name} cannot be set up here"
    );
    // Not eprintln: libtest would swallow the line, the test being one that passes.
    let _ = writeln!(
        stderr(),
        "skipped: {name} on the kernel: it cannot be set up here"
    );
    false
}
