//! The machine against a hostile world: any answers in any order, with acts of the caller between.
//!
//! The world keeps its own account of slots, names and leftovers, and compares it after each step.

extern crate std;

use super::super::{
    Arm, At, Birth, Gone, Identify, Identity, Inode, Inspect, Kind, Limits, Note, Open, Outcome,
    Position, Read, Reply, Request, Rmdir, Row, Seek, Slot, StateName, Step, Stop, TABLE, Unlink,
    Walker,
};
use super::script::{BASE, E, EMFILE, Store, number};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::collections::BTreeSet;
use std::vec::Vec;

/// A walk, and the world's account of it.
struct World {
    walker: Walker<u8>,
    names: Store<u8>,
    held: BTreeSet<u16>,
    /// Slots of directories that may be searched, for a child or a parent of theirs was opened.
    searched: BTreeSet<u16>,
    /// The levels of the leftovers that are not void.
    leftovers: Vec<u32>,
    /// For each level, how many leftovers there were when it was last entered.
    marks: Vec<usize>,
    /// The number of the next directory that was never met before.
    fresh: u64,
    stopped: bool,
    /// Something was removed.
    removed: bool,
    /// Which arms were taken, and where they led.
    taken: BTreeSet<(Arm, StateName)>,
}

/// Two bytes by which an answer is chosen.
type Choice = (u8, u8);

impl World {
    fn new(limits: Limits) -> World {
        World {
            walker: Walker::new(limits),
            names: Store::default(),
            held: BTreeSet::new(),
            searched: BTreeSet::new(),
            leftovers: Vec::new(),
            marks: Vec::new(),
            fresh: 100,
            stopped: false,
            removed: false,
            taken: BTreeSet::new(),
        }
    }

    /// An answer to a request of the kind of `request`, the friendly one in about half of all cases.
    fn answer(&mut self, request: Request<u8>, (one, two): Choice) -> Reply<u8> {
        let gone = [Gone::Missing, Gone::Stale][usize::from(two % 2)];
        match request {
            Request::OpenBase { .. }
            | Request::OpenRoot { .. }
            | Request::Open { .. }
            | Request::OpenParent { .. }
            | Request::OpenAbove { .. } => Reply::Open(match one % 16 {
                0 | 1 => Open::Gone(gone),
                2 => Open::NotDirectory,
                3 => Open::Exhausted(EMFILE),
                4 => Open::Mounted,
                5 => Open::Failed(E),
                _ => Open::Opened,
            }),
            Request::Identify { .. } => Reply::Identify(match one % 16 {
                0 => Identify::Gone(gone),
                1 => Identify::Unsupported,
                2 => Identify::Failed(E),
                _ => Identify::Is(self.identity(two)),
            }),
            Request::Inspect { .. } => Reply::Inspect(Inspect {
                births: two % 2 == 0,
                positions: two % 4 < 2,
            }),
            Request::Read { .. } => Reply::Read(match one % 16 {
                0 => Read::Gone(gone),
                1 => Read::Failed(E),
                2..6 => Read::End,
                _ => Read::Entry {
                    name: one,
                    kind: match two % 6 {
                        0 => Kind::File,
                        1 => Kind::Unknown,
                        _ => Kind::Directory,
                    },
                    position: Position(u64::from(two)),
                },
            }),
            Request::Seek { .. } => Reply::Seek(match one % 8 {
                0 => Seek::Gone(gone),
                1 => Seek::Failed(E),
                _ => Seek::Sought,
            }),
            Request::Unlink { .. } => Reply::Unlink(match one % 8 {
                0 => Unlink::Gone(gone),
                1 | 2 => Unlink::IsDirectory,
                3 => Unlink::Denied(E),
                4 => Unlink::Failed(E),
                _ => Unlink::Removed,
            }),
            Request::Rmdir { .. } | Request::RmdirRoot { .. } => Reply::Rmdir(match one % 12 {
                0 => Rmdir::Gone(gone),
                1..5 => Rmdir::NotEmpty,
                5 | 6 => Rmdir::NotDirectory,
                7 => Rmdir::Busy,
                8 => Rmdir::Failed(E),
                _ => Rmdir::Removed,
            }),
            Request::Close { .. } => Reply::Closed,
        }
    }

    /// Some directory: what the walker expects, one that is on the way, a foreign one, or a new one.
    fn identity(&mut self, two: u8) -> Identity {
        let levels = self.walker.levels();
        let home = self.walker.root();
        let at = |inode| Identity {
            inode,
            ..home.unwrap_or(number(BASE))
        };
        let from_top = |back: usize| {
            let level = levels.len().checked_sub(back).and_then(|i| levels.get(i));
            level.map_or(number(BASE), |level| at(level.inode))
        };
        let ascending = self.walker.state().name() == StateName::Ascend;
        match two % 16 {
            0 => from_top(1),
            1 => from_top(2),
            2 => Identity {
                mount: 2,
                ..number(u64::from(two))
            },
            3 => Identity {
                device: 2,
                ..number(u64::from(two))
            },
            4 => at(Inode {
                number: u64::from(two),
                birth: Birth::UNKNOWN,
            }),
            // The first `..` asks for the parent, another for its parent.
            5..13 if ascending && self.held.len() <= 3 => from_top(2),
            5..13 if ascending => from_top(3),
            5..13 if levels.is_empty() && home.is_some() && self.walker.base().is_some() => {
                home.unwrap_or(number(BASE))
            }
            _ => {
                self.fresh += 1;
                number(self.fresh)
            }
        }
    }

    /// The answer after which there is least to do.
    fn friendly(request: Request<u8>) -> Reply<u8> {
        match request {
            Request::OpenBase { .. }
            | Request::OpenRoot { .. }
            | Request::Open { .. }
            | Request::OpenParent { .. }
            | Request::OpenAbove { .. } => Reply::Open(Open::Gone(Gone::Missing)),
            Request::Identify { .. } => Reply::Identify(Identify::Gone(Gone::Missing)),
            Request::Inspect { .. } => Reply::Inspect(Inspect {
                births: true,
                positions: true,
            }),
            Request::Read { .. } => Reply::Read(Read::End),
            Request::Seek { .. } => Reply::Seek(Seek::Sought),
            Request::Unlink { .. } => Reply::Unlink(Unlink::Removed),
            Request::Rmdir { .. } | Request::RmdirRoot { .. } => Reply::Rmdir(Rmdir::Removed),
            Request::Close { .. } => Reply::Closed,
        }
    }

    /// The request names what is there, and asks for the lowest free slot.
    fn check_request(&self, request: Request<u8>) {
        let free = (0..=u16::MAX)
            .find(|slot| !self.held.contains(slot))
            .unwrap();
        let is_held = |Slot(slot): Slot| assert!(self.held.contains(&slot), "{request:?}");
        match request {
            Request::OpenBase { slot } => assert_eq!(slot.0, free),
            Request::OpenRoot { base, slot } => {
                is_held(base);
                assert_eq!(slot.0, free);
            }
            Request::Open { parent, slot, .. } => {
                is_held(parent);
                assert_eq!(slot.0, free);
            }
            Request::OpenParent { child, slot } | Request::OpenAbove { child, slot } => {
                is_held(child);
                assert_eq!(slot.0, free);
                assert!(self.searched.contains(&child.0), "`..` of {child:?}");
            }
            Request::Identify { slot }
            | Request::Inspect { slot }
            | Request::Read { slot }
            | Request::Seek { slot, .. }
            | Request::Close { slot } => is_held(slot),
            Request::Unlink { parent, .. } | Request::Rmdir { parent, .. } => is_held(parent),
            Request::RmdirRoot { base } => is_held(base),
        }
    }

    /// One step, after which both accounts must agree.
    fn step(&mut self, request: Request<u8>, reply: Reply<u8>) -> Step<u8> {
        self.check_request(request);
        self.account(request, reply);
        let before = self.walker.state().name();
        let depth = self.walker.levels().len();
        let patience = self.walker.patience();
        let step = self.walker.step(&mut self.names, reply);
        let arm = step.arm.expect("a step takes an arm");
        let after = self.walker.state().name();
        assert_eq!(arm.row().state, before, "{arm:?}");
        assert!(arm.row().next.contains(&after), "{arm:?} led to {after:?}");
        self.taken.insert((arm, after));
        assert!(self.walker.patience() <= patience);
        self.note(step.note, depth);
        self.check();
        step
    }

    /// Who holds what, according to the reply.
    fn account(&mut self, request: Request<u8>, reply: Reply<u8>) {
        match (request, reply) {
            (Request::Open { parent, slot, .. }, Reply::Open(Open::Opened)) => {
                self.held.insert(slot.0);
                self.searched.insert(parent.0);
            }
            (
                Request::OpenParent { slot, .. } | Request::OpenAbove { slot, .. },
                Reply::Open(Open::Opened),
            ) => {
                self.held.insert(slot.0);
                self.searched.insert(slot.0);
            }
            (
                Request::OpenBase { slot } | Request::OpenRoot { slot, .. },
                Reply::Open(Open::Opened),
            ) => {
                self.held.insert(slot.0);
            }
            (Request::Unlink { .. }, Reply::Unlink(Unlink::Removed))
            | (Request::Rmdir { .. }, Reply::Rmdir(Rmdir::Removed)) => self.removed = true,
            // Once it is over, a slot counts as closed whatever is answered.
            (Request::Close { slot }, reply) => {
                let done = self.walker.state().name() == StateName::Done;
                if reply == Reply::Closed || done {
                    self.held.remove(&slot.0);
                    self.searched.remove(&slot.0);
                }
            }
            _ => {}
        }
    }

    /// What is left, according to the note.
    fn note(&mut self, note: Option<Note<u8>>, depth: usize) {
        let levels = self.walker.levels().len();
        if levels > depth {
            self.marks.truncate(levels - 1);
            self.marks.push(self.leftovers.len());
            assert_eq!(self.marks.len(), levels);
        }
        match note {
            None => {}
            Some(Note::Leftover { at, .. }) => {
                let level = match at {
                    At::Root => 0,
                    At::Level(level) | At::Entry(level, _) => level,
                };
                assert!(at == At::Root || (level as usize) < depth);
                self.leftovers.push(level);
            }
            Some(Note::Void { level }) => self.leftovers.truncate(self.marks[level as usize]),
            Some(Note::Lost(_)) => self.leftovers.clear(),
        }
    }

    fn check(&self) {
        let limits = self.walker.limits();
        assert_eq!(self.walker.held() as usize, self.held.len());
        assert!(self.held.len() <= usize::from(limits.max_open_dirs) + 3);
        let pending = self.walker.pending();
        assert!(
            pending
                .iter()
                .map(|p| p.name)
                .eq(self.names.kept.iter().copied())
        );
        let levels = self.walker.levels();
        assert!(levels.len() <= limits.max_depth as usize);
        assert!(pending.len() <= limits.arena as usize + 2 * levels.len());
        let first = levels.iter().position(|level| level.slot.is_some());
        let innermost = first.map_or(&[][..], |first| &levels[first..]);
        assert!(innermost.iter().all(|level| level.slot.is_some()));
        assert_eq!(innermost.is_empty(), levels.is_empty());
        if let Some(current) = levels.len().checked_sub(1) {
            let path = self.walker.path_to(u32::try_from(current).unwrap());
            assert_eq!(path.count(), current);
        }
        self.check_outcome();
    }

    fn check_outcome(&self) {
        let Some(outcome) = self.walker.outcome() else {
            return assert!(self.walker.request().is_some(), "stuck");
        };
        assert_eq!(self.walker.request(), None);
        assert!(self.held.is_empty());
        match outcome {
            Outcome::Removed | Outcome::Vanished | Outcome::Absent | Outcome::Emptied => {
                assert!(self.leftovers.is_empty(), "Ok with leftovers");
            }
            Outcome::NotEmpty => assert!(!self.leftovers.is_empty(), "NotEmpty without any"),
            Outcome::Stopped(_) => assert!(self.stopped),
            Outcome::Refused(_) => assert!(!self.removed, "Refused, and touched"),
            Outcome::NotDirectory | Outcome::Failed(_) | Outcome::Broken => {}
        }
    }

    /// Gives a name away; it may not be one on the way to the current directory.
    fn hand_on(&mut self) {
        let given = |walker: &Walker<u8>| walker.pending().iter().filter(|p| p.given).count();
        let before = given(&self.walker);
        let handed = self.walker.hand_on();
        assert_eq!(given(&self.walker), before + usize::from(handed.is_some()));
        let levels = self.walker.levels();
        if let Some((level, name)) = handed {
            let level = level as usize;
            let base = levels[level].base as usize;
            let end = levels.get(level + 1).map(|next| next.base as usize - 1);
            let own = &self.walker.pending()[base..end.unwrap_or(self.names.kept.len())];
            assert!(own.iter().any(|p| p.given && p.name == name));
        }
        self.check();
    }

    /// One answer that fits in kind, and now and then an act of the caller before it.
    fn live(&mut self, choice: Choice) -> Option<Step<u8>> {
        if choice.1 % 11 == 0 {
            self.hand_on();
        }
        let request = self.walker.request()?;
        let reply = self.answer(request, choice);
        Some(self.step(request, reply))
    }

    /// From here on everything is friendly, so the walk is over before long.
    fn run_out(&mut self) {
        let steps = 2 * self.walker.pending().len() + 6 * self.walker.levels().len() + 12;
        for _ in 0..=steps + self.held.len() {
            let Some(request) = self.walker.request() else {
                return assert!(self.walker.outcome().is_some());
            };
            self.step(request, World::friendly(request));
        }
        panic!("not over after {steps} steps: {:?}", self.walker);
    }
}

prop_compose! {
    fn limits()(
        max_open_dirs in 1..4_u16,
        patience in 0..5_u32,
        passes in 0..3_u8,
        batch in 1..5_u32,
        arena in 0..9_u32,
        max_depth in 1..7_u32,
        max_entries in option::weighted(0.2, 0..30_u64),
        keep_root in prop::bool::weighted(0.3),
        resolvable in any::<bool>(),
    ) -> Limits {
        Limits {
            max_open_dirs, patience, passes, batch, arena, max_depth, max_entries, keep_root,
            resolvable,
        }
    }
}

/// Begins as any walk does, or nearly all would be over after a few steps.
fn begun(limits: Limits, births: bool, positions: bool) -> World {
    let mut world = World::new(limits);
    let inspect = Inspect { births, positions };
    for reply in [
        Reply::Open(Open::Opened),
        Reply::Identify(Identify::Is(number(BASE))),
        Reply::Open(Open::Opened),
        Reply::Identify(Identify::Is(number(10))),
        Reply::Inspect(inspect),
    ] {
        let request = world.walker.request().unwrap();
        world.step(request, reply);
    }
    world
}

/// A request of any kind, so that an answer of any kind can be had.
fn any_request(choice: u8) -> Request<u8> {
    let slot = Slot(0);
    match choice % 8 {
        0 => Request::OpenBase { slot },
        1 => Request::Identify { slot },
        2 => Request::Inspect { slot },
        3 => Request::Read { slot },
        4 => Request::Seek {
            slot,
            position: Position(0),
        },
        5 => Request::Unlink {
            parent: slot,
            name: 0,
        },
        6 => Request::RmdirRoot { base: slot },
        _ => Request::Close { slot },
    }
}

/// Whether an answer fits a request in kind.
fn is_broken(arm: Option<Arm>) -> bool {
    arm.is_some_and(|arm| arm.row().is_broken_word())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(2000)
    })]

    /// Answers that fit in kind, and are otherwise anything.
    #[test]
    fn any_answers(
        limits in limits(),
        births in any::<bool>(),
        positions in any::<bool>(),
        from_the_start in prop::bool::weighted(0.1),
        choices in vec(any::<Choice>(), 0..400),
    ) {
        let mut world = if from_the_start {
            World::new(limits)
        } else {
            begun(limits, births, positions)
        };
        for choice in choices {
            let Some(step) = world.live(choice) else { break };
            prop_assert!(!is_broken(step.arm));
        }
        world.run_out();
        prop_assert_ne!(world.walker.outcome(), Some(Outcome::Broken));
    }

    /// Now and then an answer to another request; a walk that is broken ends at once.
    #[test]
    fn any_kinds(
        limits in limits(),
        births in any::<bool>(),
        choices in vec((any::<Choice>(), any::<u8>()), 0..200),
    ) {
        let mut world = begun(limits, births, true);
        for (choice, other) in choices {
            let Some(request) = world.walker.request() else { break };
            let fits = world.answer(request, choice);
            let reply = match other % 32 {
                0 => world.answer(any_request(other / 32), choice),
                _ => fits,
            };
            let same = core::mem::discriminant(&reply) == core::mem::discriminant(&fits);
            let step = world.step(request, reply);
            prop_assert_eq!(is_broken(step.arm), !same);
            if !same {
                prop_assert_eq!(world.walker.state().name(), StateName::Done);
            }
        }
        world.run_out();
    }

    /// The caller stops the walk somewhere: what is left is closing.
    #[test]
    fn stopped_anywhere(
        limits in limits(),
        births in any::<bool>(),
        choices in vec(any::<Choice>(), 0..200),
    ) {
        let mut world = begun(limits, births, true);
        for choice in choices {
            let Some(request) = world.walker.request() else { break };
            let reply = world.answer(request, choice);
            world.step(request, reply);
        }
        world.stopped = true;
        world.walker.stop(Stop::TimedOut);
        let held = world.held.len();
        for left in (0..held).rev() {
            let request = world.walker.request().unwrap();
            let closes = matches!(request, Request::Close { .. });
            prop_assert!(closes);
            world.step(request, Reply::Closed);
            prop_assert_eq!(world.held.len(), left);
        }
        prop_assert!(world.walker.outcome().is_some());
    }
}

/// The worlds above are hostile enough: there is no arm they do not reach, so that none is dead and
/// nothing is checked in vain; and no state in a row that does not follow.
#[test]
fn every_arm_is_reached() {
    let mut runner = TestRunner::deterministic();
    let walk = (
        limits(),
        any::<(bool, bool, u8)>(),
        vec(any::<Choice>(), 0..400),
    );
    let mut taken = BTreeSet::new();
    for _ in 0..20_000 {
        let (limits, (births, positions, start), choices) =
            walk.new_tree(&mut runner).unwrap().current();
        let mut world = match start {
            0..32 => World::new(limits),
            _ => begun(limits, births, positions),
        };
        for choice in choices {
            if world.live(choice).is_none() {
                break;
            }
        }
        taken.append(&mut world.taken);
    }
    let reached = |row: &&Row| row.is_broken_word() || taken.iter().any(|&(arm, _)| arm == row.arm);
    let dead: Vec<_> = TABLE
        .iter()
        .filter(|row| !reached(row))
        .map(|row| row.arm)
        .collect();
    assert_eq!(dead, []);
    let led = |row: &Row, next| taken.contains(&(row.arm, next));
    let wide: Vec<_> = TABLE
        .iter()
        .filter(|row| !row.is_broken_word())
        .flat_map(|row| row.next.iter().map(move |&next| (row, next)))
        .filter(|&(row, next)| !led(row, next))
        .map(|(row, next)| (row.arm, next))
        .collect();
    assert_eq!(wide, [], "rows name states that never follow");
}
