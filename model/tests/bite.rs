//! Laws that cannot be broken say nothing: here walkers that hear what they want to hear break them.
//!
//! Each is the real machine behind a filter that changes one reply into a more convenient one.

use fell::machine::{
    Ascend, Identify, Identity, Inode, Limits, Open, Outcome, Reply, Request, Rmdir, Slot, State,
    StateName, Step, Stop, Walker,
};
use fell_model::rank::Rank;
use fell_model::{Adversary, Check, Machine};

/// Believes whatever `..` reached (the class of CVE-2002-0435).
const TRUSTING: u8 = 0;
/// Takes ENOTEMPTY for success.
const CONTENT: u8 = 1;
/// Takes a child that is gone for one that cannot be opened, and its rmdir for one that failed.
const FUSSY: u8 = 2;
/// Does not compare mounts and devices.
const ROAMING: u8 = 3;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Bent<const HOW: u8>(Walker<u8>);

impl<const HOW: u8> Bent<HOW> {
    fn hears(&self, reply: Reply<u8>) -> Reply<u8> {
        let expected = |inode: Inode| {
            let root = self.0.root().unwrap();
            Reply::Identify(Identify::Is(Identity { inode, ..root }))
        };
        let levels = self.0.levels();
        match (HOW, self.0.state(), reply) {
            (TRUSTING, State::Ascend(Ascend::Identifying(_)), Reply::Identify(_)) => {
                expected(levels[levels.len() - 2].inode)
            }
            (CONTENT, _, Reply::Rmdir(Rmdir::NotEmpty)) => Reply::Rmdir(Rmdir::Removed),
            (FUSSY, State::Descend(_), Reply::Open(Open::Gone(_))) => {
                Reply::Open(Open::Failed(fell_model::world::EIO))
            }
            (FUSSY, State::RemoveEmpty(_), Reply::Rmdir(Rmdir::Gone(_))) => {
                Reply::Rmdir(Rmdir::Failed(fell_model::world::EIO))
            }
            (ROAMING, State::Descend(_), Reply::Identify(Identify::Is(found))) => {
                expected(found.inode)
            }
            _ => reply,
        }
    }
}

impl<const HOW: u8> Machine for Bent<HOW> {
    fn new(limits: Limits) -> Self {
        Bent(Walker::new(limits))
    }

    fn request(&self) -> Option<Request<u8>> {
        Machine::request(&self.0)
    }

    fn step(&mut self, reply: Reply<u8>) -> Step<u8> {
        let heard = self.hears(reply);
        Machine::step(&mut self.0, heard)
    }

    fn stop(&mut self, why: Stop) {
        Machine::stop(&mut self.0, why);
    }

    fn hand_on(&mut self) -> bool {
        Machine::hand_on(&mut self.0)
    }

    fn state_name(&self) -> StateName {
        self.0.state_name()
    }

    fn decided(&self) -> Option<Outcome> {
        self.0.decided()
    }

    fn outcome(&self) -> Option<Outcome> {
        Machine::outcome(&self.0)
    }

    fn held(&self) -> u32 {
        Machine::held(&self.0)
    }

    fn max_open_dirs(&self) -> usize {
        self.0.max_open_dirs()
    }

    fn patience(&self) -> u32 {
        Machine::patience(&self.0)
    }

    fn is_spent(&self) -> bool {
        self.0.is_spent()
    }

    fn root(&self) -> Option<Identity> {
        Machine::root(&self.0)
    }

    fn remembers(&self, inode: Inode) -> bool {
        self.0.remembers(inode)
    }

    fn noted(&self) -> usize {
        self.0.noted()
    }

    fn rank(&self, unread: u32) -> Option<Rank> {
        Machine::rank(&self.0, unread)
    }

    fn reading(&self) -> Option<Slot> {
        self.0.reading()
    }
}

/// The last line of the shortest trace.
fn broken_by<const HOW: u8>(check: &Check) -> String {
    let failure = check.run_machine::<Bent<HOW>>().unwrap_err();
    failure
        .0
        .trim_end()
        .lines()
        .last()
        .unwrap()
        .trim()
        .to_owned()
}

#[test]
fn a_walker_that_trusts_dot_dot_leaves_the_tree() {
    let check = Check::new()
        .entries(3)
        .budget(1)
        .adversaries([Adversary::Mover]);
    assert_eq!(broken_by::<TRUSTING>(&check), "broken: G4 confinement");
}

#[test]
fn a_walker_that_swallows_enotempty_claims_success() {
    let check = Check::new()
        .entries(1)
        .budget(1)
        .adversaries([Adversary::Writer]);
    assert_eq!(broken_by::<CONTENT>(&check), "broken: G5 honest success");
}

#[test]
fn a_walker_that_minds_what_is_gone_fails_against_removers() {
    let check = Check::new()
        .entries(1)
        .budget(1)
        .adversaries([Adversary::Remover]);
    assert_eq!(broken_by::<FUSSY>(&check), "broken: G1 removers");
}

#[test]
fn a_walker_that_does_not_compare_devices_enters_subvolumes() {
    let check = Check::new().entries(2).from(fell_model::Start::Immovable);
    assert_eq!(broken_by::<ROAMING>(&check), "broken: G4 confinement");
}
