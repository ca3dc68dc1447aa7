//! A walk against any replies: it halts within its bound, never panics, never leaks a slot, and every
//! step is a row of the table.
//!
//! [`walk`] reads limits from the first bytes of its input and replies from the rest; when the input is
//! at its end the world is friendly, and the walk must come to its own. An account of slots, names and
//! leftovers is kept beside the machine and compared after each step. Deliberately absent: a file
//! system. `src/machine/tests/random.rs` plays the same game with proptest inside the machine; this one
//! sees the public interface only, and is for a fuzzer to play.

#![forbid(unsafe_code)]

mod account;
mod replies;

use account::Account;
use fell::machine::{Arm, Inspect, Limits, Open, Outcome, Reply, Request, State, Stop, Walker};
use replies::{Bytes, friendly, hostile, identity};
use std::collections::BTreeSet;

/// What walks came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many requests were made.
    pub requests: u64,
    /// The arms that were taken.
    pub arms: BTreeSet<Arm>,
}

impl Tally {
    /// Adds another walk's.
    pub fn add(&mut self, other: Tally) {
        self.requests += other.requests;
        self.arms.extend(other.arms);
    }
}

/// Makes one walk.
///
/// # Panics
/// When anything that must hold does not.
#[must_use]
pub fn walk(input: &[u8]) -> Tally {
    let mut bytes = Bytes::new(input);
    let limits = limits(&mut bytes);
    let mut walk = Walk {
        walker: Walker::new(limits),
        account: Account::default(),
        tally: Tally::default(),
        entries: 0,
        acts: 0,
    };
    if bytes.next() % 8 > 0 {
        walk.begin(&mut bytes);
    }
    while !bytes.is_empty() && walk.live(&mut bytes) {}
    walk.run_out();
    walk.tally
}

fn limits(bytes: &mut Bytes<'_>) -> Limits {
    let flags = bytes.next();
    Limits {
        max_open_dirs: u16::from(bytes.next() % 4),
        patience: u32::from(bytes.next() % 6),
        passes: bytes.next() % 4,
        batch: u32::from(bytes.next() % 6),
        arena: u32::from(bytes.next() % 10),
        max_depth: u32::from(bytes.next() % 8),
        max_entries: (flags & 0b1100 == 0b1100).then(|| u64::from(bytes.next() % 32)),
        keep_root: flags & 0b0011 == 0b0011,
        resolvable: flags & 0b1_0000 == 0,
    }
}

struct Walk {
    walker: Walker<u8>,
    account: Account,
    tally: Tally,
    /// How many entries were listed.
    entries: u64,
    /// How many replies were not friendly, and may be the doing of others.
    acts: u64,
}

impl Walk {
    /// As nearly all walks begin: with a root that is there.
    fn begin(&mut self, bytes: &mut Bytes<'_>) {
        let flags = bytes.next();
        let kept = Inspect {
            births: flags & 1 == 0,
            positions: flags & 2 == 0,
        };
        let opened = Reply::Open(Open::Opened);
        let (base, root) = (identity(1), identity(2));
        for reply in [opened, base, opened, root, Reply::Inspect(kept)] {
            if let Some(request) = self.walker.request() {
                self.step(request, reply);
            }
        }
    }

    /// One reply of the input, and now and then an act of the caller before it. `false`: it is over.
    fn live(&mut self, bytes: &mut Bytes<'_>) -> bool {
        let act = bytes.next();
        if act == 255 {
            self.stop(Stop::Cancelled);
            return false;
        }
        if act % 16 == 1 {
            self.walker.hand_on();
            self.account.compare(&self.walker);
        }
        let Some(request) = self.walker.request() else {
            return false;
        };
        let reply = match act {
            // An answer to another request.
            254 => Reply::Closed,
            253 => Reply::Open(Open::Opened),
            _ => hostile(&request, &self.walker, bytes),
        };
        self.acts += 1;
        self.entries += u64::from(matches!(request, Request::Read { .. }));
        self.step(request, reply);
        true
    }

    fn step(&mut self, request: Request<u8>, reply: Reply<u8>) {
        self.account.before(&self.walker, &request, &reply);
        let before = self.walker.state().name();
        let patience = self.walker.patience();
        let step = self.walker.step(&mut self.account, reply);
        let arm = step.arm.expect("a step takes an arm");
        let after = self.walker.state().name();
        let row = arm.row();
        assert_eq!(row.state, before, "{arm:?}");
        assert!(row.next.contains(&after), "{arm:?} led to {after:?}");
        assert_eq!(row.is_broken_word(), !fits(&request, &reply), "{arm:?}");
        assert!(self.walker.patience() <= patience);
        self.account.note(&self.walker, step.note);
        self.account.compare(&self.walker);
        self.tally.arms.insert(arm);
        self.tally.requests += 1;
        self.is_bounded();
    }

    /// The bound that `fell::machine` states.
    fn is_bounded(&self) {
        let (entries, acts) = (self.entries, self.acts);
        let retries = u64::from(self.walker.limits().patience - self.walker.patience());
        let bound = 20 * (entries + acts + 1) * (acts + 1) * (retries + 1);
        assert!(self.tally.requests <= bound, "more than {bound} requests");
    }

    /// The caller stops the walk: what is left is closing, and an outcome that was there stays.
    fn stop(&mut self, why: Stop) {
        let decided = match self.walker.state() {
            State::Done(outcome) => *outcome,
            _ => Outcome::Stopped(why),
        };
        self.walker.stop(why);
        while let Some(request) = self.walker.request() {
            assert!(matches!(request, Request::Close { .. }), "{request:?}");
            self.step(request, Reply::Closed);
        }
        assert_eq!(self.walker.outcome(), Some(decided));
    }

    /// From here on everything is friendly, so the walk is over before long: each noted name and each
    /// level is gone after a few requests.
    fn run_out(&mut self) {
        let noted = self.walker.pending().len();
        let levels = self.walker.levels().len();
        let held = usize::try_from(self.walker.held()).expect("few");
        let most = 2 * noted + 6 * levels + held + 12;
        for _ in 0..=most {
            let Some(request) = self.walker.request() else {
                return self.account.conclude(&self.walker);
            };
            self.step(request, friendly(&request));
        }
        panic!("not over after {most} requests: {:?}", self.walker);
    }
}

/// Whether a reply is to a request of this kind.
fn fits(request: &Request<u8>, reply: &Reply<u8>) -> bool {
    core::mem::discriminant(&friendly(request)) == core::mem::discriminant(reply)
}
