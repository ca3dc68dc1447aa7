//! Walks of `fell` beside an attacker, and what came of them.
//!
//! Half of them are *free*: the attacker acts in a thread of its own, as fast as it can; and in half of
//! these the walk yields the processor now and then, which only helps the attacker. The others are
//! *exact*: the attacker acts between two requests, as often as at each and as seldom as at every
//! 55th, so that races are met however few processors there are; some of them do without openat2(2).

use std::fmt;
use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use fell::kernel::{At, Calls, Linux, Opening};
use fell::machine::{Gone, Identify, Open, Read, Reply, Request, Rmdir, Seek, StateName, Unlink};
use fell::{Error, Event, Remover, Report, RootPath};

use super::ground::Ground;
use super::{Attack, Attacker, Bound};
use crate::support::audit::{Audit, hooked};
use crate::support::beside::Beside;

/// A walk that no bound was asked for and that gets here does not end.
const TOO_LONG: Duration = Duration::from_secs(60);
/// The bounds.
const DEPTH: u32 = 64;
const ENTRIES: u64 = 500;
const DEADLINE: Duration = Duration::from_millis(20);
const EVENTS: u64 = 3000;
/// A walk that yields does so once in so many requests: the attacker may then have the processor for
/// milliseconds.
const YIELD: u64 = 48;
/// At every so many requests an attacker acts.
const PACES: [usize; 9] = [1, 2, 3, 5, 8, 13, 21, 34, 55];
/// As many walks are made at least; and as many at most in search of a race.
const LEAST_ROUNDS: usize = 24;
const MOST_ROUNDS: usize = 2000;
/// As many complaints are kept word for word.
const WORDS: usize = 5;

/// What walks met that only others can have caused.
#[derive(Clone, Copy, Default, Debug)]
pub struct Met {
    /// Entries that were a directory a moment ago and are none, or the other way round.
    pub turned: u64,
    /// Entries and directories that were gone.
    pub gone: u64,
    /// Mount points.
    pub mounted: u64,
    /// `..` was another directory than the one it was on the way down.
    pub other_parent: u64,
    /// The same, and it had the inode number of the right one.
    pub reborn: u64,
    /// Another directory had the root's name.
    pub other_root: u64,
    /// Walks that one of their bounds ended, or cut short.
    pub bounded: u64,
}

impl Met {
    fn see(&mut self, event: &Event<'_>) {
        match event.reply {
            Reply::Open(Open::NotDirectory)
            | Reply::Rmdir(Rmdir::NotDirectory)
            | Reply::Unlink(Unlink::IsDirectory) => self.turned += 1,
            Reply::Open(Open::Mounted) | Reply::Rmdir(Rmdir::Busy) => self.mounted += 1,
            Reply::Open(Open::Gone(Gone::Missing))
            | Reply::Read(Read::Gone(Gone::Missing))
            | Reply::Seek(Seek::Gone(Gone::Missing))
            | Reply::Unlink(Unlink::Gone(Gone::Missing))
            | Reply::Rmdir(Rmdir::Gone(Gone::Missing)) => self.gone += 1,
            Reply::Identify(Identify::Is(found)) => self.compare(event, found),
            _ => {}
        }
    }

    /// What the machine is about to compare.
    fn compare(&mut self, event: &Event<'_>, found: fell::machine::Identity) {
        let walker = event.walker();
        match (walker.state().name(), walker.levels(), event.request) {
            (StateName::Ascend, [.., parent, _], _) => {
                let other = found.inode != parent.inode;
                self.other_parent += u64::from(other);
                self.reborn += u64::from(other && found.inode.number == parent.inode.number);
            }
            (StateName::Descend, _, _) => {
                let entered = walker.root().is_some_and(|root| root.mount != found.mount);
                self.mounted += u64::from(entered);
            }
            (StateName::Retry, _, Request::Identify { slot }) if walker.base() != Some(slot) => {
                self.other_root += u64::from(walker.root().is_some_and(|root| root != found));
            }
            _ => {}
        }
    }
}

/// What came of all walks beside one attacker.
#[derive(Default, Debug)]
pub struct Tally {
    pub walks: u64,
    /// Of these, beside a thread.
    pub free: u64,
    /// Of these, as many met the attacker's race.
    pub free_won: u64,
    pub exact_won: u64,
    /// What the attacker did.
    pub acts: u64,
    pub met: Met,
    pub retries: u64,
    /// Walks that spent their patience.
    pub impatient: u64,
    pub ok: u64,
    pub not_empty: u64,
    pub not_directory: u64,
    pub stopped: u64,
    /// Walks after which a canary was not whole, and what was wrong.
    pub damaged: u64,
    pub damage: Vec<String>,
    /// Ends that the contract does not allow.
    pub broken: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { met, .. } = self;
        write!(
            f,
            "walks {} (of {} free, {} met it; of the others {}), {} acts; met: {} turned, {} gone, {} mounted, {} other parents \
             ({} with its number), {} other roots, {} bounded; {} retries, {} impatient; {} ok, {} \
             not empty, {} not a directory, {} stopped; {} damaged, {} broken",
            self.walks,
            self.free,
            self.free_won,
            self.exact_won,
            self.acts,
            met.turned,
            met.gone,
            met.mounted,
            met.other_parent,
            met.reborn,
            met.other_root,
            met.bounded,
            self.retries,
            self.impatient,
            self.ok,
            self.not_empty,
            self.not_directory,
            self.stopped,
            self.damaged,
            self.broken.len(),
        )
    }
}

/// How one walk is made.
#[derive(Clone, Copy, Debug)]
struct Manner {
    window: u16,
    bound: Bound,
    /// The attacker acts at every so many requests, from the one on; without, it is free.
    pace: Option<(usize, usize)>,
    /// The walk yields the processor.
    yields: bool,
    /// An exact walk opens as where there is no openat2(2).
    openat: bool,
}

impl Manner {
    /// All manners in turn.
    fn of(attacker: &Attacker, round: usize) -> Manner {
        let every = PACES[round / 2 % PACES.len()];
        Manner {
            window: attacker.windows[round / 2 % attacker.windows.len()],
            bound: attacker.bounds[round / 4 % attacker.bounds.len()],
            pace: (round % 2 == 0).then_some((every, round / 18 % every)),
            yields: round % 8 >= 4,
            openat: round / 2 % 5 == 4,
        }
    }

    fn calls(self) -> Calls {
        let probed = Calls::probed();
        let opening = if self.openat {
            Opening::Openat
        } else {
            probed.opening
        };
        Calls { opening, ..probed }
    }

    fn remover(self) -> Remover {
        let remover = Remover::new().max_open_dirs(self.window);
        match self.bound {
            Bound::Depth => remover.max_depth(DEPTH).deadline(TOO_LONG),
            Bound::Entries => remover.max_entries(ENTRIES).deadline(TOO_LONG),
            Bound::Deadline => remover.deadline(DEADLINE),
            Bound::None | Bound::Cancel => remover.deadline(TOO_LONG),
        }
    }
}

/// Walks beside `attacker` for so long, on grounds made by `ground`.
pub fn beside(attacker: &Attacker, time: Duration, ground: impl Fn() -> Ground) -> Tally {
    let begun = Instant::now();
    let mut tally = Tally::default();
    let mut on = Arc::new(ground());
    for round in 0.. {
        // However slow the machine: some manners of each kind, and until a race was met.
        let met = attacker.race.1(&tally.met) > 0 || round >= MOST_ROUNDS;
        if round >= LEAST_ROUNDS && met && begun.elapsed() >= time {
            break;
        }
        if round % 500 == 499 {
            on = Arc::new(ground());
        }
        on.grow(attacker.files);
        let manner = Manner::of(attacker, round);
        let mut attack = attacker.start(&on);
        let before = attacker.race.1(&tally.met);
        let result = walk(manner, &on, &mut attack, &mut tally);
        let mut damage = attack.withdraw(&on);
        damage.extend(on.damage());
        tally.take(attacker, manner, &on, &result);
        tally.look(manner, damage);
        let won = u64::from(attacker.race.1(&tally.met) > before);
        match manner.pace {
            None => tally.free_won += won,
            Some(_) => tally.exact_won += won,
        }
        on.clear();
        if tally.damaged > 0 || !tally.broken.is_empty() {
            break;
        }
    }
    tally
}

/// One walk. The attack comes back.
fn walk(
    manner: Manner,
    ground: &Arc<Ground>,
    attack: &mut Box<dyn Attack>,
    tally: &mut Tally,
) -> Result<Report, Error> {
    let remover = manner.remover();
    let mut audit = Audit::new(manner.window);
    let met = &mut tally.met;
    let mut seen = 0;
    let observer = |event: &Event<'_>| {
        audit.see(event);
        met.see(event);
        seen += 1;
        if manner.bound == Bound::Cancel && seen > EVENTS {
            return ControlFlow::Break(());
        }
        if manner.yields && seen % YIELD == 0 {
            thread::yield_now();
        }
        ControlFlow::Continue(())
    };
    let (result, acts) = match manner.pace {
        None => free(&remover, ground, attack, observer),
        Some(pace) => {
            let calls = manner.calls();
            exact(&remover, ground, (calls, pace), attack.as_mut(), observer)
        }
    };
    audit.end(&result);
    tally.acts += acts;
    tally.walks += 1;
    tally.free += u64::from(manner.pace.is_none());
    result
}

/// The attacker acts in a thread.
fn free(
    remover: &Remover,
    ground: &Arc<Ground>,
    attack: &mut Box<dyn Attack>,
    observer: impl FnMut(&Event<'_>) -> ControlFlow<()>,
) -> (Result<Report, Error>, u64) {
    let beside = act_beside(ground, std::mem::replace(attack, Box::new(Nobody)));
    let result = remover.remove_dir_all_observed(ground.root(), observer);
    let (back, acts) = beside.stop();
    *attack = back;
    (result, acts)
}

/// A thread in which `attack` acts until it is stopped, and which gives it back and says how often it
/// did something.
pub fn act_beside(
    ground: &Arc<Ground>,
    mut attack: Box<dyn Attack>,
) -> Beside<(Box<dyn Attack>, u64)> {
    let ground = Arc::clone(ground);
    Beside::spawn(move |stop| {
        let mut acts = 0;
        while !stop.load(Ordering::Relaxed) {
            acts += u64::from(attack.act(&ground));
        }
        (attack, acts)
    })
}

/// Stands in for an attack that is with its thread.
struct Nobody;

impl Attack for Nobody {
    fn act(&mut self, _: &Ground) -> bool {
        false
    }
}

/// The attacker acts between two requests.
fn exact(
    remover: &Remover,
    ground: &Ground,
    (calls, (every, first)): (Calls, (usize, usize)),
    attack: &mut dyn Attack,
    observer: impl FnMut(&Event<'_>) -> ControlFlow<()>,
) -> (Result<Report, Error>, u64) {
    let root = RootPath::new(ground.root()).expect("a root that can be removed");
    let linux = Linux::new(&root, At::Path, false).with_calls(calls);
    let mut acts = 0;
    let mut kernel = hooked(linux, |moment| {
        if moment.number % every == first {
            acts += u64::from(attack.act(ground));
        }
        None
    });
    let result = remover.remove_dir_all_with(&root, &mut kernel, observer);
    (result, acts)
}

impl Tally {
    /// Takes one end, and holds it against the contract.
    fn take(
        &mut self,
        attacker: &Attacker,
        manner: Manner,
        ground: &Ground,
        result: &Result<Report, Error>,
    ) {
        let report = match result {
            Ok(report) => report,
            Err(error) => error.report(),
        };
        self.retries += report.retries;
        self.impatient += u64::from(report.patience_spent);
        let limited = report.leftovers.iter().any(|left| left.errno == E2BIG);
        let stopped = matches!(
            result,
            Err(Error::TimedOut { .. } | Error::Cancelled { .. })
        );
        self.met.bounded += u64::from(limited || stopped);
        // Who has its name may give it back.
        let absent = attacker.takes_name || fs::symlink_metadata(ground.root()).is_err();
        let allowed = match result {
            Ok(_) => {
                self.ok += 1;
                absent
            }
            Err(Error::NotEmpty { .. }) => {
                self.not_empty += 1;
                true
            }
            Err(Error::NotADirectory { .. }) => {
                self.not_directory += 1;
                attacker.takes_name
            }
            Err(Error::TimedOut { .. }) => {
                self.stopped += 1;
                manner.bound == Bound::Deadline
            }
            Err(Error::Cancelled { .. }) => {
                self.stopped += 1;
                manner.bound == Bound::Cancel
            }
            Err(_) => false,
        };
        if !allowed && self.broken.len() < WORDS {
            let name = attacker.name;
            self.broken.push(format!("{name}, {manner:?}: {result:?}"));
        }
    }

    fn look(&mut self, manner: Manner, damage: Vec<String>) {
        if !damage.is_empty() {
            self.damaged += 1;
            self.damage.push(format!("{manner:?}"));
            self.damage.extend(damage);
        }
    }
}

/// What a limit of the walk stands as among the leftovers.
const E2BIG: i32 = rustix::io::Errno::TOOBIG.raw_os_error();
