//! Each rule about the world, broken once by replies to a real walker.

use super::monitor::Monitor;
use super::others::Others;
use super::read::Name;
use super::rule::Rule;
use super::{Verbatim, is_row};
use fell::machine::{
    Birth, Errno, Gone, Identify, Identity, Inode, Inspect, Kind, Limits, Open, Position, Read,
    Reply, Request, Rmdir, Seek, Slot, Unlink, Walker,
};

const OPENED: Reply<Name> = Reply::Open(Open::Opened);
const END: Reply<Name> = Reply::Read(Read::End);
const MISSING: Gone = Gone::Missing;

/// The directory `number`, on mount 1.
fn is(number: u64) -> Reply<Name> {
    on(1, number, 7)
}

fn on(mount: u64, number: u64, birth: i64) -> Reply<Name> {
    Reply::Identify(Identify::Is(Identity {
        mount,
        device: 5,
        inode: Inode {
            number,
            birth: Birth(birth),
        },
    }))
}

fn kept(births: bool, positions: bool) -> Reply<Name> {
    Reply::Inspect(Inspect { births, positions })
}

fn entry(name: Name, kind: Kind) -> Reply<Name> {
    Reply::Read(Read::Entry {
        name,
        kind,
        position: Position(u64::from(name)),
    })
}

/// A walk into the root, number 2, on a local file system.
fn begun() -> Vec<Reply<Name>> {
    vec![OPENED, is(1), OPENED, is(2), kept(true, true)]
}

/// Which rule the last of these replies breaks. All before it must be allowed.
#[track_caller]
fn broken(others: Others, replies: &[Reply<Name>]) -> Option<Rule> {
    broken_by(Limits::DEFAULT, others, &[], replies)
}

/// The same with these limits, and names by their number.
#[track_caller]
fn broken_by(
    limits: Limits,
    others: Others,
    names: &[&'static [u8]],
    replies: &[Reply<Name>],
) -> Option<Rule> {
    let mut walker = Walker::new(limits);
    let mut monitor = Monitor::new(&limits, others);
    let bytes = |name: Name| *names.get(name as usize).unwrap_or(&&b"name"[..]);
    for (number, &reply) in replies.iter().enumerate() {
        let request = walker.request().expect("it is not over");
        if let Err((rule, _)) = monitor.step(&request, &reply, bytes) {
            assert_eq!(number + 1, replies.len(), "{rule:?} at {request:?}");
            return Some(rule);
        }
        let before = walker.state().name();
        let step = walker.step(&mut Verbatim, reply);
        is_row(before, &walker, &step).expect("the reply fits");
    }
    None
}

fn anyone(more: &[Reply<Name>]) -> Option<Rule> {
    broken(Others::Anyone, &[&begun(), more].concat())
}

fn removers(more: &[Reply<Name>]) -> Option<Rule> {
    broken(Others::Removers, &[&begun(), more].concat())
}

#[test]
fn a_walk_that_nobody_disturbs_is_allowed() {
    let alone = [
        entry(10, Kind::File),
        Reply::Unlink(Unlink::Removed),
        entry(11, Kind::Directory),
        END,
        OPENED,
        is(3),
        END,
        Reply::Closed,
        Reply::Rmdir(Rmdir::Removed),
        Reply::Closed,
        Reply::Rmdir(Rmdir::Removed),
        Reply::Closed,
    ];
    assert_eq!(removers(&alone), None);
    assert_eq!(anyone(&alone), None);
}

#[test]
fn errno() {
    for errno in [0, -1, 2, 4, 9, 116, 5000] {
        let failed = Reply::Open(Open::Failed(Errno(errno)));
        assert_eq!(broken(Others::Anyone, &[failed]), Some(Rule::Errno));
    }
    let eio = Reply::Open(Open::Failed(Errno(5)));
    assert_eq!(broken(Others::Anyone, &[eio]), None);
    let no_descriptors = Reply::Open(Open::Exhausted(Errno(5)));
    assert_eq!(broken(Others::Anyone, &[no_descriptors]), Some(Rule::Errno));
    let denied = [
        entry(10, Kind::File),
        Reply::Unlink(Unlink::Denied(Errno(5))),
    ];
    assert_eq!(anyone(&denied), Some(Rule::Errno));
    let mounted = Reply::Open(Open::Mounted);
    assert_eq!(broken(Others::Anyone, &[mounted]), Some(Rule::Errno));
    let nowhere = [entry(10, Kind::Directory), END, OPENED];
    let dead = Reply::Identify(Identify::Gone(MISSING));
    assert_eq!(anyone(&[&nowhere[..], &[dead]].concat()), Some(Rule::Errno));
    // Nor does a seek, which comes when a reading goes on, fail with what means gone.
    let one = Limits {
        batch: 1,
        ..Limits::DEFAULT
    };
    for (errno, expected) in [(22, Some(Rule::Errno)), (5, None)] {
        let seek = [
            entry(10, Kind::Directory),
            Reply::Open(Open::Gone(MISSING)),
            Reply::Seek(Seek::Failed(Errno(errno))),
        ];
        let seek = [&begun(), &seek[..]].concat();
        assert_eq!(broken_by(one, Others::Anyone, &[], &seek), expected);
    }
}

#[test]
fn stale() {
    let stale = Reply::Read(Read::Gone(Gone::Stale));
    assert_eq!(anyone(&[stale]), Some(Rule::Stale));
    // Where positions are not kept, it may be a file server.
    let nfs = [OPENED, is(1), OPENED, is(2), kept(true, false), stale];
    assert_eq!(broken(Others::Anyone, &nfs), None);
    // What the root's parent is on is known only where the root is on the same.
    let elsewhere = [OPENED, on(9, 1, 7), OPENED, is(2), kept(true, true)];
    let back = [END, Reply::Closed];
    let root = Reply::Open(Open::Gone(Gone::Stale));
    let keep = Limits {
        keep_root: true,
        ..Limits::DEFAULT
    };
    let met = [entry(10, Kind::File), Reply::Unlink(Unlink::Removed)];
    let replies = [&elsewhere[..], &met, &back, &[root]].concat();
    assert_eq!(broken_by(keep, Others::Anyone, &[], &replies), None);
    let replies = [&begun()[..], &met, &back, &[root]].concat();
    assert_eq!(
        broken_by(keep, Others::Anyone, &[], &replies),
        Some(Rule::Stale)
    );
}

#[test]
fn name() {
    let names: [&[u8]; 6] = [b"", b".", b"..", b"a/b", b"a\0b", b"..."];
    for number in 0..6 {
        let replies = [begun(), vec![entry(number, Kind::File)]].concat();
        let expected = (number < 5).then_some(Rule::Name);
        assert_eq!(
            broken_by(Limits::DEFAULT, Others::Anyone, &names, &replies),
            expected
        );
    }
}

#[test]
fn listing() {
    let twice = [
        entry(10, Kind::File),
        Reply::Unlink(Unlink::Removed),
        entry(10, Kind::File),
    ];
    assert_eq!(anyone(&twice), Some(Rule::Listing));
    // Somebody may have made it again, behind what was read.
    let again = Reply::Read(Read::Entry {
        name: 10,
        kind: Kind::File,
        position: Position(99),
    });
    assert_eq!(anyone(&[twice[0], twice[1], again]), None);
}

#[test]
fn number() {
    let inside = [entry(10, Kind::Directory), END, OPENED];
    for taken in [1, 2] {
        let reused = [&inside[..], &[on(1, taken, 8)]].concat();
        let rule = anyone(&reused).expect("number 1 and 2 are open");
        assert!(matches!(rule, Rule::Number | Rule::Within), "{rule:?}");
    }
    assert_eq!(
        anyone(&[&inside[..], &[on(1, 1, 8)]].concat()),
        Some(Rule::Number)
    );
    // Where births are not told, a number may be anybody's.
    let unknown = [OPENED, is(1), OPENED, is(2), kept(false, true)];
    let reused = [&unknown[..], &inside, &[on(1, 1, 8)]].concat();
    assert_eq!(broken(Others::Anyone, &reused), None);
}

#[test]
fn dead() {
    let gone = [
        Reply::Read(Read::Gone(MISSING)),
        Reply::Closed,
        Reply::Rmdir(Rmdir::NotEmpty),
        OPENED,
    ];
    assert_eq!(
        anyone(&[&gone[..], &[is(2)]].concat()),
        Some(Rule::Dead),
        "the root was removed"
    );
    assert_eq!(anyone(&[&gone[..], &[is(3)]].concat()), None);
    // A number that was given away does not come back to its first owner.
    let child = |birth| [OPENED, on(1, 3, birth), END, Reply::Closed];
    let first = [&[entry(10, Kind::Directory), END][..], &child(7)].concat();
    let another = [&first[..], &[Reply::Rmdir(Rmdir::NotEmpty)], &child(8)].concat();
    assert_eq!(anyone(&another), None);
    let back = [
        &another[..],
        &[Reply::Rmdir(Rmdir::NotEmpty), OPENED, on(1, 3, 7)],
    ]
    .concat();
    assert_eq!(anyone(&back), Some(Rule::Dead));
}

/// In the order of `Monitor`: what a wrong machine would ask, for no right one reads on.
#[test]
fn rules_that_only_a_wrong_machine_breaks() {
    let mut monitor = Monitor::new(&Limits::DEFAULT, Others::Anyone);
    let (base, root) = (Slot(0), Slot(1));
    let mut step = |request, reply| {
        let step = monitor.step(&request, &reply, |_| b"name");
        step.map_err(|(rule, _)| rule)
    };
    let open = Request::OpenBase { slot: base };
    assert_eq!(step(open, OPENED), Ok(()));
    assert_eq!(step(open, OPENED), Err(Rule::Slots), "taken");
    let read = Request::Read { slot: root };
    assert_eq!(step(read, END), Err(Rule::Slots), "closed");
    let identify = Request::Identify { slot: base };
    assert_eq!(step(identify, is(1)), Ok(()));
    assert_eq!(step(identify, is(1)), Ok(()));
    assert_eq!(step(identify, is(4)), Err(Rule::Same));
    assert_eq!(step(Request::OpenRoot { base, slot: root }, OPENED), Ok(()));
    assert_eq!(step(read, END), Ok(()));
    assert_eq!(step(read, entry(10, Kind::File)), Err(Rule::Listing));
    assert_eq!(step(read, Reply::Read(Read::Gone(MISSING))), Ok(()));
    assert_eq!(step(read, END), Err(Rule::Dead));
    let unlink = Request::Unlink {
        parent: root,
        name: 10,
    };
    let is_directory = Reply::Unlink(Unlink::IsDirectory);
    assert_eq!(step(unlink, is_directory), Err(Rule::Dead));
    assert_eq!(step(unlink, Reply::Unlink(Unlink::Gone(MISSING))), Ok(()));
    let close = Request::Close { slot: root };
    assert_eq!(step(close, Reply::Closed), Ok(()));
    assert_eq!(step(close, Reply::Closed), Err(Rule::Slots));
    for slot in 1..=66 {
        let slot = Slot(slot);
        assert_eq!(step(Request::OpenRoot { base, slot }, OPENED), Ok(()));
    }
    let slot = Slot(67);
    let many = step(Request::OpenRoot { base, slot }, OPENED);
    assert_eq!(many, Err(Rule::Slots), "more than 64 + 3");
}

#[test]
fn within() {
    let itself = [entry(10, Kind::Directory), END, OPENED, is(2)];
    assert_eq!(anyone(&itself), Some(Rule::Within));
    let root = [OPENED, is(1), OPENED, is(1)];
    assert_eq!(broken(Others::Anyone, &root), Some(Rule::Within));
}

/// Two levels down, where the root has to be given up.
fn deep() -> (Limits, Vec<Reply<Name>>) {
    let one = Limits {
        max_open_dirs: 1,
        ..Limits::DEFAULT
    };
    let down = [
        entry(10, Kind::Directory),
        END,
        OPENED,
        is(3),
        entry(10, Kind::Directory),
        END,
        OPENED,
        is(4),
        Reply::Closed,
        END,
        Reply::Closed,
        Reply::Rmdir(Rmdir::Removed),
        OPENED,
    ];
    (one, [begun(), down.to_vec()].concat())
}

#[test]
fn up() {
    let (one, down) = deep();
    let up = |others, reply| broken_by(one, others, &[], &[&down[..], &[reply]].concat());
    assert_eq!(up(Others::Removers, is(2)), None);
    assert_eq!(up(Others::Anyone, is(9)), None, "it was moved");
    assert_eq!(up(Others::Removers, is(9)), Some(Rule::Others));
    assert_eq!(up(Others::Anyone, is(3)), Some(Rule::Within));
    assert_eq!(up(Others::Anyone, on(2, 2, 7)), Some(Rule::Mount));
    let no_dir = Reply::Open(Open::NotDirectory);
    let opening = [&down[..down.len() - 1], &[no_dir]].concat();
    assert_eq!(
        broken_by(one, Others::Anyone, &[], &opening),
        Some(Rule::Errno)
    );
}

#[test]
fn mount() {
    let two = [
        entry(10, Kind::Directory),
        entry(11, Kind::Directory),
        END,
        Reply::Open(Open::Mounted),
        Reply::Rmdir(Rmdir::Busy),
        OPENED,
    ];
    assert_eq!(
        anyone(&[&two[..], &[on(2, 9, 7)]].concat()),
        Some(Rule::Mount),
        "openat2 stops at all mounts"
    );
    let fallback = [
        entry(10, Kind::Directory),
        entry(11, Kind::Directory),
        END,
        OPENED,
        on(2, 9, 7),
        Reply::Closed,
        Reply::Rmdir(Rmdir::Busy),
    ];
    assert_eq!(anyone(&fallback), None);
    let stops = [&fallback[..], &[Reply::Open(Open::Mounted)]].concat();
    assert_eq!(anyone(&stops), Some(Rule::Mount), "openat stops at none");
}

#[test]
fn system() {
    let unsupported = Reply::Identify(Identify::Unsupported);
    assert_eq!(broken(Others::Anyone, &[OPENED, unsupported]), None);
    assert_eq!(
        broken(Others::Anyone, &[OPENED, is(1), OPENED, unsupported]),
        Some(Rule::System)
    );
}

#[test]
fn others() {
    let file = entry(10, Kind::File);
    let dir = entry(10, Kind::Directory);
    let elsewhere = Reply::Read(Read::Entry {
        name: 10,
        kind: Kind::File,
        position: Position(99),
    });
    let cases: [&[Reply<Name>]; 6] = [
        &[file, Reply::Unlink(Unlink::IsDirectory)],
        &[file, Reply::Unlink(Unlink::Removed), elsewhere],
        &[dir, END, Reply::Open(Open::NotDirectory)],
        &[
            dir,
            END,
            OPENED,
            is(3),
            END,
            Reply::Closed,
            Reply::Rmdir(Rmdir::NotDirectory),
        ],
        &[
            dir,
            END,
            OPENED,
            is(3),
            END,
            Reply::Closed,
            Reply::Rmdir(Rmdir::NotEmpty),
            OPENED,
            is(4),
        ],
        &[
            END,
            Reply::Closed,
            Reply::Rmdir(Rmdir::NotEmpty),
            OPENED,
            is(4),
        ],
    ];
    for case in cases {
        assert_eq!(removers(case), Some(Rule::Others), "{case:?}");
        assert_eq!(anyone(case), None, "{case:?}");
    }
}
