//! Lets the attackers of `tests/attackers` at `fell` and at other removers, and prints what each kept.
//!
//! ```text
//! cargo run --release --manifest-path tests/bench/Cargo.toml --bin attack -- [--seconds N] [--peer-seconds N] [ATTACKER...]
//! ```
//!
//! First `fell` in this process, where an observer sees which races were met, for `--seconds` an
//! attacker (60); then every remover as a process of its own beside the same attackers, for
//! `--peer-seconds` each (20). Either is left out when it is given 0.
//!
//! A remover that is led astray could remove anything. So all of this happens in a mount namespace in
//! which only a tmpfs of its own, and an ext4 on it, can be written: it all ends with the program, also
//! when that is killed. Needs root, unshare, setpriv, mount, mkfs.ext4 and
//! python3.

use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fell_bench::contender::Contender;
use fell_bench::serve;
use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount, mount_remount};

#[path = "../../../attackers/attack/mod.rs"]
mod attack;
#[path = "../../../support/mod.rs"]
mod support;

use attack::ground::Ground;
use attack::walks::{act_beside, beside};
use attack::{ALL, Attacker, Bound, Place};

const CONTENDERS: [Contender; 6] = [
    Contender::Fell,
    Contender::Rm,
    Contender::Std,
    Contender::Crate,
    Contender::Fuc,
    Contender::Koji,
];

/// Set for the process in the namespace.
const INSIDE: &str = "FELL_ATTACK_INSIDE";
/// The tmpfs, and the ext4 on it.
const SCRATCH: &str = "/dev/shm";
const EXT4: &str = "/dev/shm/ext4";
/// So far down that no remover that goes up one `..` too many for each level of a tree leaves it.
const DOWN: &str = "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16";
/// How long a writer goes on beside a remover that does not end.
const WRITING: Duration = Duration::from_secs(2);
/// How long a remover may take with nobody beside it any more, or beside who is no writer.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    if let Some(code) = serve() {
        return code;
    }
    if env::var_os(INSIDE).is_none() {
        return in_namespace();
    }
    let wanted = Wanted::parse(env::args().skip(1));
    confine().expect("a place where nothing can be lost");
    wanted.run();
    ExitCode::SUCCESS
}

/// Runs this program again, where its mounts are its own. It is killed when this process is.
fn in_namespace() -> ExitCode {
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--"])
        .args(["setpriv", "--pdeathsig", "KILL", "--"])
        .arg(env::current_exe().expect("the program has a path"))
        .args(env::args_os().skip(1))
        .env(INSIDE, "1")
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        failed => {
            eprintln!("attack: unshare: {failed:?}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
struct Wanted {
    attackers: Vec<&'static Attacker>,
    own: Duration,
    each: Duration,
}

impl Wanted {
    fn parse(mut words: impl Iterator<Item = String>) -> Wanted {
        let mut wanted = Wanted {
            attackers: Vec::new(),
            own: Duration::from_secs(60),
            each: Duration::from_secs(20),
        };
        while let Some(word) = words.next() {
            let mut seconds = || {
                let number = words.next().and_then(|number| number.parse().ok());
                Duration::from_secs(number.expect("a number of seconds"))
            };
            match word.as_str() {
                "--seconds" => wanted.own = seconds(),
                "--peer-seconds" => wanted.each = seconds(),
                name => {
                    let found = Attacker::named(name);
                    let found = found.unwrap_or_else(|| panic!("no attacker is called {name}"));
                    wanted.attackers.push(found);
                }
            }
        }
        if wanted.attackers.is_empty() {
            wanted.attackers.extend(ALL);
        }
        wanted
    }

    fn run(&self) {
        if !self.own.is_zero() {
            println!(
                "fell, observed, {} s an attacker; load {}\n",
                self.own.as_secs(),
                load()
            );
            for attacker in &self.attackers {
                let tally = beside(attacker, self.own, || ground(attacker));
                let (race, won) = attacker.race;
                println!(
                    "{}: {} times {race}; {tally}",
                    attacker.name,
                    won(&tally.met)
                );
                for line in tally.damage.iter().chain(&tally.broken) {
                    println!("  {line}");
                }
            }
        }
        if !self.each.is_zero() {
            println!(
                "\nas processes, {} s each; load {}\n",
                self.each.as_secs(),
                load()
            );
            print_head();
            for attacker in &self.attackers {
                let cells = CONTENDERS.map(|contender| self.trial(attacker, contender));
                println!("| {} | {} |", attacker.name, cells.join(" | "));
            }
            println!("\nload {}", load());
        }
    }

    /// One remover beside one attacker, again and again.
    fn trial(&self, attacker: &Attacker, contender: Contender) -> String {
        let begun = Instant::now();
        let mut outcome = Outcome::default();
        while begun.elapsed() < self.each {
            // Made anew each time, for what others have lost cannot be lost again.
            let ground = Arc::new(ground(attacker));
            ground.grow(attacker.files);
            outcome.removal(attacker, contender, &ground);
        }
        let name = contender.name();
        for line in &outcome.damage {
            eprintln!("{} / {name}: {line}", attacker.name);
        }
        outcome.told()
    }
}

fn print_head() {
    let names = CONTENDERS.map(Contender::name);
    println!("| attacker | {} |", names.join(" | "));
    println!("| --- |{}", " --- |".repeat(names.len()));
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// What came of all removals beside one attacker.
#[derive(Default)]
struct Outcome {
    removals: u64,
    acts: u64,
    /// A canary was not whole afterwards; and of the first time what was lost.
    damaged: u64,
    damage: Vec<String>,
    errors: u64,
    /// It said that it succeeded, and the root was there.
    lies: u64,
    /// Killed by a signal that was not ours.
    crashes: u64,
    /// It did not end while its attacker was at work, and not afterwards either.
    unended: u64,
    killed: u64,
}

impl Outcome {
    fn removal(&mut self, attacker: &Attacker, contender: Contender, ground: &Arc<Ground>) {
        let at_work = act_beside(ground, attacker.start(ground));
        let mut child = start(contender, ground.root());
        let writes = attacker.bounds != [Bound::None];
        let mut ended = wait(&mut child, if writes { WRITING } else { PATIENCE });
        let (mut attack, acts) = at_work.stop();
        if ended.is_none() {
            self.unended += 1;
            ended = wait(&mut child, PATIENCE);
        }
        if ended.is_none() {
            self.killed += 1;
            child.kill().expect("it is still there");
            child.wait().expect("it ends");
        }
        self.removals += 1;
        self.acts += acts;
        match ended.map(|status| status.code()) {
            Some(Some(0)) => {
                let there = fs::symlink_metadata(ground.root()).is_ok();
                self.lies += u64::from(there && !attacker.takes_name);
            }
            Some(Some(_)) => self.errors += 1,
            Some(None) => self.crashes += 1,
            None => {}
        }
        let mut damage = attack.withdraw(ground);
        damage.extend(ground.damage());
        if !damage.is_empty() {
            self.damaged += 1;
            if self.damage.is_empty() {
                self.damage = damage;
                self.damage.truncate(3);
            }
        }
        ground.restore();
    }

    fn told(&self) -> String {
        let kept = match self.damaged {
            0 => "kept".to_owned(),
            lost => format!("**lost {lost}**"),
        };
        let mut told = format!("{kept} of {}, {} acts", self.removals, self.acts);
        for (count, what) in [
            (self.errors, "errors"),
            (self.lies, "false successes"),
            (self.crashes, "crashes"),
            (self.unended, "without end beside it"),
            (self.killed, "killed"),
        ] {
            if count > 0 {
                write!(told, ", {count} {what}").expect("a String takes it");
            }
        }
        told
    }
}

fn start(contender: Contender, root: &Path) -> Child {
    let mut command = contender.command(root);
    let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().expect("the remover starts")
}

/// How it ended, if it does within `time`.
fn wait(child: &mut Child, time: Duration) -> Option<std::process::ExitStatus> {
    let begun = Instant::now();
    loop {
        let status = child.try_wait().expect("it is our child");
        if status.is_some() || begun.elapsed() >= time {
            return status;
        }
        thread::sleep(Duration::from_micros(200));
    }
}

// ---- the place ----

fn ground(attacker: &Attacker) -> Ground {
    let place = match attacker.place {
        Place::ReusesNumbers => Path::new(EXT4).join(DOWN),
        Place::Any | Place::Mounts => Path::new(SCRATCH).join(DOWN),
    };
    Ground::new(Some(&place))
}

/// A tmpfs, an ext4 in a file on it, and nothing else that can be written.
///
/// Everything else is made read-only first, pseudo file systems too: `/proc`, `/dev` and what is like
/// them can be used all the same, for device nodes are written on read-only mounts as well. What
/// is mounted afterwards is then never among it, whatever was at the same place before.
fn confine() -> io::Result<()> {
    for Mounted { place, .. } in mounts()? {
        // What is hidden below another mount cannot be reached, and not be remounted either.
        let _ = mount_remount(&place, MountFlags::BIND | MountFlags::RDONLY, "");
    }
    mount("fell-attack", SCRATCH, "tmpfs", MountFlags::empty(), None)?;
    let image = Path::new(SCRATCH).join("image");
    File::create(&image)?.set_len(256 << 20)?;
    run(Command::new("mkfs.ext4").arg("-q").arg(&image))?;
    fs::create_dir(EXT4)?;
    run(Command::new("mount")
        .args(["-o", "loop"])
        .arg(&image)
        .arg(EXT4))?;
    let mut writable = mounts()?;
    writable.retain(|mounted| mounted.is_writable && mounted.is_reached());
    let mut writable: Vec<PathBuf> = writable.into_iter().map(|m| m.place).collect();
    writable.sort();
    if writable != [Path::new(SCRATCH), Path::new(EXT4)] {
        let found = format!("what can be written is {writable:?}");
        return Err(io::Error::other(found));
    }
    Ok(())
}

/// A line of mountinfo.
struct Mounted {
    id: u64,
    place: PathBuf,
    is_writable: bool,
}

impl Mounted {
    /// `36 35 98:0 /root /place rw,noatime ...`
    fn parse(line: &[u8]) -> Option<Mounted> {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let &[id, _, _, _, place, options, ..] = &fields[..] else {
            return None;
        };
        Some(Mounted {
            id: std::str::from_utf8(id).ok()?.parse().ok()?,
            place: PathBuf::from(OsString::from_vec(unescaped(place))),
            // The mount's own options; the file system's are further on.
            is_writable: !options.split(|&byte| byte == b',').any(|o| o == b"ro"),
        })
    }

    /// Whether its place leads to it: not if another mount is on top of it or of the way to it. What
    /// the kernel does not say counts as reached.
    fn is_reached(&self) -> bool {
        let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
        match statx(CWD, &self.place, flags, StatxFlags::MNT_ID) {
            Ok(found) => found.stx_mnt_id == self.id,
            Err(Errno::NOENT | Errno::NOTDIR) => false,
            Err(_) => true,
        }
    }
}

/// What is mounted. A line that cannot be read is an error: it may be what can be written.
fn mounts() -> io::Result<Vec<Mounted>> {
    let table = fs::read("/proc/self/mountinfo")?;
    let lines = table.split(|&byte| byte == b'\n');
    let parsed = lines.filter(|line| !line.is_empty()).map(|line| {
        let what = || io::Error::other(format!("mountinfo: {}", line.escape_ascii()));
        Mounted::parse(line).ok_or_else(what)
    });
    parsed.collect()
}

/// A place as mountinfo has it: blanks, line ends and backslashes are `\` and three octal digits.
fn unescaped(mut place: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some((&first, rest)) = place.split_first() {
        let octal = rest.get(..3).filter(|_| first == b'\\');
        let octal = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(escaped.unwrap_or(first));
        place = &rest[if escaped.is_some() { 3 } else { 0 }..];
    }
    bytes
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{command:?}: {status}")))
    }
}
