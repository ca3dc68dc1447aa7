//! A trace in words: who did what, and the tree after it.

use crate::adversary::{Act, Place};
use crate::machine::Machine;
use crate::rival::RIVAL;
use crate::search::Violation;
use crate::universe::State;
use crate::world::{BASE, Dir, Entry, OUTSIDE, ROOT, World};
use core::fmt::Write;
use fell::machine::{
    Birth, Gone, Identify, Identity, Inode, Kind, Open, Read, Reply, Request, Rmdir, Seek, Unlink,
};

/// The trace of a violation: one paragraph an act.
#[must_use]
pub fn trace<M: Machine>(violation: &Violation<M>) -> String {
    let mut out = String::new();
    let mut act_before = None;
    for (number, (state, act)) in violation.trace.iter().enumerate() {
        if let Some((before, act)) = act_before {
            line(&mut out, &format!("{number:3}. {}", words(before, act)));
        }
        if act_before
            .is_none_or(|(before, _): (&State<M>, Act)| tree(&before.world) != tree(&state.world))
        {
            line(&mut out, &format!("       {}", tree(&state.world)));
        }
        act_before = act.map(|act| (state, act));
    }
    line(&mut out, &format!("     broken: {}", violation.law.name()));
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// One act in words, in the state before it.
#[must_use]
pub fn words<M: Machine>(state: &State<M>, act: Act) -> String {
    let world = &state.world;
    let at = |place: Place| path(world, place);
    match act {
        Act::Reply { who, reply, fault } => {
            let request = state.walker(usize::from(who)).request();
            let asked = request.map_or_else(String::new, |r| asks(world, usize::from(who), &r));
            let why = if fault { " (fault)" } else { "" };
            format!("walker {who}: {asked} -> {}{why}", says(&reply))
        }
        Act::Rival(reply) => {
            let rival = state.rival.as_ref();
            let name = rival.map_or("rival", |rival| rival.name());
            let request = rival.and_then(|rival| rival.request());
            let asked = request.map_or_else(String::new, |r| asks(world, RIVAL, &r));
            format!("{name}: {asked} -> {}", says(&reply))
        }
        Act::Unlink(place) => format!("remover: unlink {}", at(place)),
        Act::Rmdir(place) => format!("remover: rmdir {}", at(place)),
        Act::RmdirBase => "remover: rmdir the root's parent".to_owned(),
        Act::File(place) => format!("writer: create {}", at(place)),
        Act::Mkdir(place) => format!("writer: mkdir {}", at(place)),
        Act::Exchange(place, name) => {
            format!(
                "swapper: exchange {} and {}",
                at(place),
                at((OUTSIDE, name))
            )
        }
        Act::Rename(from, to) => format!("mover: rename {} to {}", at(from), at(to)),
        Act::Mount(place) => format!("mounter: mount /outside on {}", at(place)),
        Act::Unmount => "mounter: unmount".to_owned(),
        Act::HandOn => "helper: takes a name to remove it".to_owned(),
        Act::Stop(why) => format!("canceller: stop ({why:?})"),
    }
}

/// What a walker asks for, with paths for slots.
pub(crate) fn asks(world: &World, who: usize, request: &Request<u8>) -> String {
    let slot = |s| match world.open_dir(who, s) {
        Some(dir) => format!("{}={}", s.0, directory(world, dir)),
        None => format!("{}", s.0),
    };
    match *request {
        Request::OpenBase { .. } => "open the root's parent".to_owned(),
        Request::OpenRoot { .. } => "open the root".to_owned(),
        Request::Open { parent, name, .. } => format!("open {} in {}", letter(name), slot(parent)),
        Request::OpenParent { child, .. } => format!("open .. of {}", slot(child)),
        Request::OpenAbove { child, .. } => format!("open .. of {} to compare it", slot(child)),
        Request::Identify { slot: s } => format!("identify {}", slot(s)),
        Request::Inspect { slot: s } => format!("inspect {}", slot(s)),
        Request::Read { slot: s } => format!("read {}", slot(s)),
        Request::Seek { slot: s, .. } => format!("seek {}", slot(s)),
        Request::Unlink { parent, name } => {
            format!("unlink {} in {}", letter(name), slot(parent))
        }
        Request::Rmdir { parent, name } => format!("rmdir {} in {}", letter(name), slot(parent)),
        Request::RmdirRoot { .. } => "rmdir the root".to_owned(),
        Request::Close { slot: s } => format!("close {}", slot(s)),
    }
}

/// An identity in words, with all that may differ.
fn identity(which: Identity) -> String {
    let Identity { mount, device, .. } = which;
    let Inode { number, birth } = which.inode;
    match birth {
        Birth::UNKNOWN => format!("it is #{number} of unknown birth on mount {mount}.{device}"),
        Birth(birth) => format!("it is #{number} born {birth} on mount {mount}.{device}"),
    }
}

/// What the world answers, as a person would say it.
pub(crate) fn says(reply: &Reply<u8>) -> String {
    let gone = |gone| match gone {
        Gone::Missing => "gone".to_owned(),
        Gone::Stale => "stale".to_owned(),
    };
    match *reply {
        Reply::Open(open) => match open {
            Open::Opened => "opened".to_owned(),
            Open::Gone(why) => gone(why),
            Open::NotDirectory => "no directory".to_owned(),
            Open::Mounted => "a mount point".to_owned(),
            Open::Exhausted(errno) | Open::Failed(errno) => format!("errno {}", errno.0),
        },
        Reply::Identify(identify) => match identify {
            Identify::Is(which) => identity(which),
            Identify::Gone(why) => gone(why),
            Identify::Unsupported => "cannot tell".to_owned(),
            Identify::Failed(errno) => format!("errno {}", errno.0),
        },
        Reply::Inspect(_) => "inspected".to_owned(),
        Reply::Read(read) => match read {
            Read::Entry { name, kind, .. } => {
                let kind = match kind {
                    Kind::Directory => "a directory",
                    Kind::File => "no directory",
                    Kind::Unknown => "of unknown type",
                };
                format!("{}, {kind}", letter(name))
            }
            Read::End => "the end".to_owned(),
            Read::Gone(why) => gone(why),
            Read::Failed(errno) => format!("errno {}", errno.0),
        },
        Reply::Seek(seek) => match seek {
            Seek::Sought => "done".to_owned(),
            Seek::Gone(why) => gone(why),
            Seek::Failed(errno) => format!("errno {}", errno.0),
        },
        Reply::Unlink(unlink) => match unlink {
            Unlink::Removed => "removed".to_owned(),
            Unlink::Gone(why) => gone(why),
            Unlink::IsDirectory => "a directory".to_owned(),
            Unlink::Denied(errno) | Unlink::Failed(errno) => format!("errno {}", errno.0),
        },
        Reply::Rmdir(rmdir) => match rmdir {
            Rmdir::Removed => "removed".to_owned(),
            Rmdir::Gone(why) => gone(why),
            Rmdir::NotEmpty => "not empty".to_owned(),
            Rmdir::NotDirectory => "no directory".to_owned(),
            Rmdir::Busy => "busy".to_owned(),
            Rmdir::Failed(errno) => format!("errno {}", errno.0),
        },
        Reply::Closed => "closed".to_owned(),
    }
}

/// The whole tree in a line: `/root#3{a b#4{}} outside{...}`.
#[must_use]
pub fn tree(world: &World) -> String {
    let mut out = String::new();
    for top in [BASE, OUTSIDE] {
        let name = if top == BASE { "base" } else { "outside" };
        out.push_str(name);
        below(world, top, &mut out, 0);
        out.push(' ');
    }
    out.trim_end().to_owned()
}

/// Worlds are at most as deep as they have directories, so the recursion is bounded.
fn below(world: &World, dir: Dir, out: &mut String, depth: usize) {
    out.push('{');
    for (number, (name, entry)) in world.list(dir).enumerate() {
        if number > 0 {
            out.push(' ');
        }
        out.push(letter(name));
        let mark = match entry {
            Entry::Directory(_) if world.is_mount(dir, name) => "@",
            Entry::Link => "->",
            Entry::Fixed => "!",
            _ => "",
        };
        out.push_str(mark);
        if let Entry::Directory(child) = entry {
            // Writing to a string cannot fail.
            let _ = write!(out, "#{}", child.0);
            if depth < crate::world::DIRS {
                below(world, child, out, depth + 1);
            }
        }
    }
    out.push('}');
}

/// A name of the model, as it is written.
pub(crate) fn letter(name: u8) -> char {
    char::from(b'a' + (name & !crate::world::FOLLOWED))
}

pub(crate) fn path(world: &World, (dir, name): Place) -> String {
    if (dir, name) == (BASE, crate::world::ROOT_NAME) {
        "the root's name".to_owned()
    } else {
        format!("{}/{}", directory(world, dir), letter(name))
    }
}

fn directory(world: &World, dir: Dir) -> String {
    let name = match dir {
        BASE => "base".to_owned(),
        OUTSIDE => "outside".to_owned(),
        ROOT => "root".to_owned(),
        Dir(number) => format!("#{number}"),
    };
    if world.is_alive(dir) {
        name
    } else {
        format!("{name} (dead)")
    }
}
