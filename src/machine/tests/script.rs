//! A world that says what it is told to say, and the words in which the tests say it.
//!
//! A [`Script`] is a walk so far: each call asserts the outstanding request and answers it, each
//! step is held against its row of the table. The base has slot 0 and number 1, the root slot 1 and
//! number 10, the level below it slot 2 and number 11, and so on.

extern crate std;

use super::super::{
    Arm, Ascend, Cause, Gone, Identity, Inspect, Kind, Limits, Names, Note, Open, Outcome, Read,
    Reply, Request, Rmdir, Slot, State, StateName, Unlink, Walker,
};
#[allow(clippy::wildcard_imports)]
pub(super) use super::words::*;
use std::vec::Vec;

/// A store of names that knows what is kept, and insists on stack order.
#[derive(Clone, Default, Debug)]
pub(super) struct Store<N> {
    pub(super) kept: Vec<N>,
}

impl<N: Copy + Eq + core::hash::Hash + core::fmt::Debug> Names for Store<N> {
    type Name = N;

    fn keep(&mut self, fresh: N) -> N {
        self.kept.push(fresh);
        fresh
    }

    fn forget(&mut self, kept: N) {
        assert_eq!(self.kept.pop(), Some(kept), "forgotten out of order");
    }

    fn clear(&mut self) {
        self.kept.clear();
    }
}

/// A walk so far. Methods take it by value, so that a test is one expression.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) walker: Walker<Name>,
    names: Store<Name>,
    /// Where listings stand.
    position: u64,
    /// The last step's.
    arm: Option<Arm>,
    note: Option<Note<Name>>,
    /// All notes of the walk.
    pub(super) notes: Vec<Note<Name>>,
    /// All requests answered.
    pub(super) log: Vec<Request<Name>>,
    /// The walk before each of them, where that is asked for.
    pub(super) history: Option<Vec<Script>>,
}

/// What a test of an arm may end with: one script, or one for each of several answers.
pub(super) trait Scripts {
    fn all(self) -> Vec<Script>;
}

impl Scripts for Script {
    fn all(self) -> Vec<Script> {
        std::vec![self]
    }
}

impl<const N: usize> Scripts for [Script; N] {
    fn all(self) -> Vec<Script> {
        self.into()
    }
}

impl Scripts for Vec<Script> {
    fn all(self) -> Vec<Script> {
        self
    }
}

/// Asserts that the last step of each script took `arm`.
pub(super) fn assert_took(arm: Arm, scripts: &[Script]) {
    assert!(!scripts.is_empty());
    for script in scripts {
        assert_eq!(script.arm, Some(arm));
    }
}

/// From the beginning until a root is being read, the common case of everything.
pub(super) fn root() -> Script {
    Script::new(Limits::DEFAULT).begin()
}

/// A root that has these subdirectories, wholly read; the last is asked for.
pub(super) fn root_with(names: &[Name]) -> Script {
    root().finds(names).ends()
}

impl Script {
    pub(super) fn new(limits: Limits) -> Script {
        Script {
            walker: Walker::new(limits),
            names: Store::default(),
            position: 0,
            arm: None,
            note: None,
            notes: Vec::new(),
            log: Vec::new(),
            history: None,
        }
    }

    /// Remembers the walk before each request from now on.
    pub(super) fn remembering(mut self) -> Script {
        self.history = Some(Vec::new());
        self
    }

    /// The walker asks `request` and is answered `reply`.
    #[track_caller]
    pub(super) fn on(mut self, request: Request<Name>, reply: impl Into<Reply<Name>>) -> Script {
        assert_eq!(self.walker.request(), Some(request), "{:?}", self.log);
        if let Some(mut history) = self.history.take() {
            history.push(self.clone());
            self.history = Some(history);
        }
        self.log.push(request);
        let before = self.walker.state().name();
        let step = self.walker.step(&mut self.names, reply.into());
        let arm = step.arm.expect("a step takes an arm");
        let after = self.walker.state().name();
        assert_eq!(arm.row().state, before, "{arm:?} is not of this state");
        assert!(arm.row().next.contains(&after), "{arm:?} led to {after:?}");
        let kept = self.walker.pending().iter().map(|child| child.name);
        assert!(kept.eq(self.names.kept.iter().copied()), "names differ");
        self.arm = step.arm;
        self.note = step.note;
        self.notes.extend(step.note);
        self
    }

    /// `Close` of `slot` is asked and done.
    #[track_caller]
    pub(super) fn closes(self, slot: u16) -> Script {
        self.on(close(slot), Reply::Closed)
    }

    /// The last step took this arm.
    #[track_caller]
    pub(super) fn took(self, arm: Arm) -> Script {
        assert_eq!(self.arm, Some(arm));
        self
    }

    /// What is asked now.
    #[track_caller]
    pub(super) fn then(self, request: Request<Name>) -> Script {
        assert_eq!(self.walker.request(), Some(request));
        self
    }

    /// The last step told nothing.
    #[track_caller]
    pub(super) fn quiet(self) -> Script {
        assert_eq!(self.note, None);
        self
    }

    /// The last step told this.
    #[track_caller]
    pub(super) fn notes(self, note: Note<Name>) -> Script {
        assert_eq!(self.note, Some(note));
        self
    }

    #[track_caller]
    pub(super) fn is(self, state: StateName) -> Script {
        assert_eq!(self.walker.state().name(), state);
        self
    }

    /// How many slots are held.
    #[track_caller]
    pub(super) fn holds(self, slots: u32) -> Script {
        assert_eq!(self.walker.held(), slots);
        self
    }

    /// How many levels there are.
    #[track_caller]
    pub(super) fn deep(self, levels: usize) -> Script {
        assert_eq!(self.walker.levels().len(), levels);
        self
    }

    /// Which names are noted, at all levels together.
    #[track_caller]
    pub(super) fn noted(self, names: &[Name]) -> Script {
        assert_eq!(self.names.kept, names);
        self
    }

    /// How much patience is left.
    #[track_caller]
    pub(super) fn patient(self, patience: u32) -> Script {
        assert_eq!(self.walker.patience(), patience);
        self
    }

    /// The outcome is decided, whatever is still held.
    #[track_caller]
    pub(super) fn decided(self, outcome: Outcome) -> Script {
        assert_eq!(self.walker.state(), &State::Done(outcome));
        self
    }

    /// The outcome is decided, and closing what is held leads to it.
    #[track_caller]
    pub(super) fn over(self, outcome: Outcome) -> Script {
        let mut rest = self.clone().decided(outcome);
        while let Some(request) = rest.walker.request() {
            assert!(matches!(request, Request::Close { .. }), "{request:?}");
            assert_eq!(rest.walker.outcome(), None);
            rest = rest.on(request, Reply::Closed);
        }
        assert_eq!(rest.walker.outcome(), Some(outcome));
        assert_eq!(rest.walker.held(), 0);
        self
    }

    /// This name is handed on.
    #[track_caller]
    pub(super) fn hand_on(mut self, expected: Option<(u32, Name)>) -> Script {
        assert_eq!(self.walker.hand_on(), expected);
        self
    }

    /// From the beginning until the root is read, on a local file system.
    #[track_caller]
    pub(super) fn begin(self) -> Script {
        self.begin_on(LOCAL)
    }

    /// From the beginning until the root is read.
    #[track_caller]
    pub(super) fn begin_on(self, kept: Inspect) -> Script {
        self.on(open_base(0), Open::Opened)
            .on(identify(0), number(BASE))
            .on(open_root(1), Open::Opened)
            .on(identify(1), level(0))
            .on(inspect(1), kept)
    }

    /// The root is opened again and is the same.
    #[track_caller]
    pub(super) fn reopen(self) -> Script {
        self.on(open_root(1), Open::Opened)
            .on(identify(1), level(0))
            .took(Arm::RetryEntered)
    }

    /// ESTALE at the root or its parent: the parent's path is resolved again, which costs nothing.
    #[track_caller]
    pub(super) fn resolves(self) -> Script {
        let patience = self.walker.patience();
        self.notes(Note::Lost(Cause::StaleBase))
            .closes(0)
            .on(open_base(0), Open::Opened)
            .on(identify(0), number(BASE))
            .took(Arm::RetryBaseKnown)
            .then(open_root(1))
            .patient(patience)
    }

    /// The slot of the current level.
    pub(super) fn slot(&self) -> u16 {
        self.walker.levels().last().unwrap().slot.unwrap().0
    }

    /// The listing has one more entry.
    #[track_caller]
    pub(super) fn lists(mut self, name: Name, kind: Kind) -> Script {
        self.position += 1;
        let (slot, position) = (self.slot(), self.position);
        self.on(read(slot), entry(name, kind, position))
    }

    /// The listing has these subdirectories.
    #[track_caller]
    pub(super) fn finds(self, names: &[Name]) -> Script {
        names
            .iter()
            .fold(self, |script, name| script.lists(name, Kind::Directory))
    }

    /// The listing has a file, whose unlink answers `unlink`.
    #[track_caller]
    pub(super) fn file(self, name: Name, answer: Unlink) -> Script {
        let slot = self.slot();
        self.lists(name, Kind::File).on(unlink(slot, name), answer)
    }

    /// A file of the listing cannot be removed: a leftover.
    #[track_caller]
    pub(super) fn stuck(self, name: Name) -> Script {
        self.file(name, Unlink::Failed(E)).took(Arm::StripFailed)
    }

    /// The listing ends.
    #[track_caller]
    pub(super) fn ends(self) -> Script {
        let slot = self.slot();
        self.on(read(slot), Read::End).took(Arm::StripEnd)
    }

    /// The listing is cut short, for the directory is gone.
    #[track_caller]
    pub(super) fn cut(self) -> Script {
        let slot = self.slot();
        self.on(read(slot), Read::Gone(Gone::Missing))
            .took(Arm::StripGone)
    }

    /// The subdirectory `name` is entered, and where the window is full a slot given up for it.
    #[track_caller]
    pub(super) fn into_dir(self, name: Name) -> Script {
        let identity = level(self.walker.levels().len() as u64);
        self.into_this(name, identity)
    }

    /// The same, with an identity of its own.
    #[track_caller]
    pub(super) fn into_this(self, name: Name, identity: Identity) -> Script {
        let script = self.opens(name);
        let Some(Request::Identify { slot: Slot(slot) }) = script.walker.request() else {
            panic!("not to be identified: {:?}", script.walker.request());
        };
        let script = script.on(identify(slot), identity);
        match script.walker.request() {
            Some(request @ Request::Close { .. }) => {
                script.on(request, Reply::Closed).took(Arm::DescendNarrowed)
            }
            _ => script.took(Arm::DescendEntered),
        }
    }

    /// The subdirectory `name` is opened.
    #[track_caller]
    pub(super) fn opens(self, name: Name) -> Script {
        let parent = self.slot();
        match self.walker.request() {
            Some(Request::Open { slot, .. }) => self.on(open(parent, name, slot.0), Open::Opened),
            request => panic!("no opening of {name}: {request:?}"),
        }
    }

    /// The cleared directory is left for its parent, which is held or reached by `..`.
    #[track_caller]
    pub(super) fn ascend(self) -> Script {
        let depth = self.walker.levels().len() as u64;
        let child = self.slot();
        if self.walker.state() == &State::Ascend(Ascend::Closing) {
            return self.closes(child).took(Arm::AscendClosed);
        }
        self.up()
            .on_identify(level(depth - 2))
            .took(Arm::AscendSame)
            .closes(child)
            .took(Arm::AscendLeft)
    }

    /// `..` of the current directory is opened.
    #[track_caller]
    pub(super) fn up(self) -> Script {
        let child = self.slot();
        match self.walker.request() {
            Some(Request::OpenParent { slot, .. } | Request::OpenAbove { slot, .. }) => self
                .on(open_parent(child, slot.0), Open::Opened)
                .took(Arm::AscendOpened),
            request => panic!("no `..`: {request:?}"),
        }
    }

    /// Whatever was just opened is this one.
    #[track_caller]
    pub(super) fn on_identify(self, identity: Identity) -> Script {
        match self.walker.request() {
            Some(request @ Request::Identify { .. }) => self.on(request, identity),
            request => panic!("nothing to identify: {request:?}"),
        }
    }

    /// The removal of the child `name`.
    #[track_caller]
    pub(super) fn removes(self, name: Name, answer: Rmdir) -> Script {
        let slot = self.slot();
        self.on(rmdir(slot, name), answer)
    }

    /// The root is cleared: it is closed and removed.
    #[track_caller]
    pub(super) fn ends_well(self) -> Script {
        let slot = self.slot();
        self.closes(slot)
            .on(rmdir_root(), Rmdir::Removed)
            .over(Outcome::Removed)
    }

    /// The subdirectory `name` is entered, is empty, and is removed.
    #[track_caller]
    pub(super) fn fells(self, name: Name) -> Script {
        self.into_dir(name)
            .ends()
            .ascend()
            .removes(name, Rmdir::Removed)
            .took(Arm::ChildRemoved)
    }
}

/// The script answered with every reply that is not of the kind of `fitting`: the walk is over, and
/// what is held is closed.
pub(super) fn break_word(script: &Script, fitting: impl Into<Reply<Name>>) -> Vec<Script> {
    let fitting = fitting.into();
    let request = script.walker.request().unwrap();
    let held = script.walker.held();
    every_reply()
        .into_iter()
        .filter(|reply| core::mem::discriminant(reply) != core::mem::discriminant(&fitting))
        .map(|reply| {
            let script = script.clone().on(request, reply);
            script.quiet().holds(held).over(Outcome::Broken)
        })
        .collect()
}
