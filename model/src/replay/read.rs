//! A trace as it is read: one line is one [`Line`], or the reason why it is none.
//!
//! The format is described in `src/bin/fell/trace.rs`, which writes it. Whatever is not described
//! there is refused: a word, a key or a version that this reader does not know may change what the
//! rest means. Deliberately absent: any judgement on whether the lines make a walk.

use fell::machine::{
    Birth, Errno, Gone, Identify, Identity, Inode, Inspect, Kind, Limits, Open, Position, Read,
    Reply, Request, Rmdir, Seek, Slot, Stop, Unlink,
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// The version of the format that is understood.
const FORMAT: u32 = 1;

/// A name of a trace: equal names have equal numbers for as long as a walk lasts.
pub type Name = u32;

/// One line.
#[derive(Clone, Debug)]
pub enum Line {
    /// A walk begins.
    Walk(Limits),
    /// A request and its reply.
    Step(Request<Name>, Reply<Name>),
    /// The caller stopped the walk.
    Stop(Stop),
    /// The walk ended.
    End(End),
}

/// How a walk ended, by the account of whoever made it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// In one word.
    pub end: How,
    /// After how many requests.
    pub steps: u64,
    /// The figures of its report.
    pub report: Figures,
}

/// How a walk ended, in one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the words are those of the command")]
pub enum How {
    Removed,
    AlreadyGone,
    NotEmpty,
    NotADirectory,
    Refused,
    Cancelled,
    TimedOut,
    Failed,
}

/// The figures of a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "they are those of `fell::Report`")]
pub struct Figures {
    pub files: u64,
    pub dirs: u64,
    pub vanished: u64,
    pub passes: u64,
    pub retries: u64,
    pub deepest: u64,
    pub most_open: u32,
    pub leftovers: u64,
}

/// Reads lines, and remembers the names of the current walk.
#[derive(Debug, Default)]
pub struct Reader {
    numbers: HashMap<Vec<u8>, Name>,
    names: Vec<Vec<u8>>,
}

impl Reader {
    /// Reads a line.
    ///
    /// # Errors
    /// What is not understood, in words.
    pub fn line(&mut self, text: &str) -> Result<Line, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let has = |key| value.get(key).is_some();
        if has("walk") {
            let walk: Walk = understood(value)?;
            if walk.format != FORMAT {
                return Err(format!(
                    "format {} is not known, only {FORMAT}",
                    walk.format
                ));
            }
            *self = Reader::default();
            Ok(Line::Walk(walk.limits.into()))
        } else if has("request") {
            let step: Step = understood(value)?;
            let request = self.request(step.request);
            let reply = self
                .reply(&request, step.reply)
                .ok_or("no such request is answered by such a reply")?;
            Ok(Line::Step(request, reply))
        } else if has("stop") {
            let StopLine { stop } = understood(value)?;
            Ok(Line::Stop(match stop {
                Why::Cancelled => Stop::Cancelled,
                Why::TimedOut => Stop::TimedOut,
            }))
        } else if has("end") {
            understood(value).map(Line::End)
        } else {
            Err("neither a walk, a request, a stop nor an end".to_owned())
        }
    }

    /// The bytes of a name.
    #[must_use]
    pub fn bytes(&self, name: Name) -> &[u8] {
        self.names.get(name as usize).map_or(&[], Vec::as_slice)
    }

    fn name(&mut self, text: Text) -> Name {
        let bytes = match text {
            Text::Utf8(text) => text.into_bytes(),
            Text::Bytes(bytes) => bytes,
        };
        let next = Name::try_from(self.names.len()).unwrap_or(Name::MAX);
        *self.numbers.entry(bytes).or_insert_with_key(|bytes| {
            self.names.push(bytes.clone());
            next
        })
    }

    fn request(&mut self, call: Call) -> Request<Name> {
        match call {
            Call::OpenBase { slot } => Request::OpenBase { slot: Slot(slot) },
            Call::OpenRoot { base, slot } => Request::OpenRoot {
                base: Slot(base),
                slot: Slot(slot),
            },
            Call::Open { parent, name, slot } => Request::Open {
                parent: Slot(parent),
                name: self.name(name),
                slot: Slot(slot),
            },
            Call::OpenParent { child, slot } => Request::OpenParent {
                child: Slot(child),
                slot: Slot(slot),
            },
            Call::OpenAbove { child, slot } => Request::OpenAbove {
                child: Slot(child),
                slot: Slot(slot),
            },
            Call::Identify { slot } => Request::Identify { slot: Slot(slot) },
            Call::Inspect { slot } => Request::Inspect { slot: Slot(slot) },
            Call::Read { slot } => Request::Read { slot: Slot(slot) },
            Call::Seek { slot, position } => Request::Seek {
                slot: Slot(slot),
                position: Position(position),
            },
            Call::Unlink { parent, name } => Request::Unlink {
                parent: Slot(parent),
                name: self.name(name),
            },
            Call::Rmdir { parent, name } => Request::Rmdir {
                parent: Slot(parent),
                name: self.name(name),
            },
            Call::RmdirRoot { base } => Request::RmdirRoot { base: Slot(base) },
            Call::Close { slot } => Request::Close { slot: Slot(slot) },
        }
    }

    /// The reply that a word is to a request; none if it is none.
    fn reply(&mut self, request: &Request<Name>, word: Word) -> Option<Reply<Name>> {
        match request {
            Request::OpenBase { .. }
            | Request::OpenRoot { .. }
            | Request::Open { .. }
            | Request::OpenParent { .. }
            | Request::OpenAbove { .. } => opening(&word).map(Reply::Open),
            Request::Identify { .. } => identification(&word).map(Reply::Identify),
            Request::Inspect { .. } => match word {
                Word::Kept { births, positions } => {
                    Some(Reply::Inspect(Inspect { births, positions }))
                }
                _ => None,
            },
            Request::Read { .. } => self.reading(word).map(Reply::Read),
            Request::Seek { .. } => match word {
                Word::Sought {} => Some(Seek::Sought),
                Word::Failed { errno } => Some(Seek::Failed(Errno(errno))),
                word => gone(&word).map(Seek::Gone),
            }
            .map(Reply::Seek),
            Request::Unlink { .. } => match word {
                Word::Removed {} => Some(Unlink::Removed),
                Word::IsDirectory {} => Some(Unlink::IsDirectory),
                Word::Denied { errno } => Some(Unlink::Denied(Errno(errno))),
                Word::Failed { errno } => Some(Unlink::Failed(Errno(errno))),
                word => gone(&word).map(Unlink::Gone),
            }
            .map(Reply::Unlink),
            Request::Rmdir { .. } | Request::RmdirRoot { .. } => removal(&word).map(Reply::Rmdir),
            Request::Close { .. } => matches!(word, Word::Closed {}).then_some(Reply::Closed),
        }
    }

    fn reading(&mut self, word: Word) -> Option<Read<Name>> {
        match word {
            Word::Entry {
                name,
                kind,
                position,
            } => Some(Read::Entry {
                name: self.name(name),
                kind: match kind {
                    Type::Directory => Kind::Directory,
                    Type::File => Kind::File,
                    Type::Unknown => Kind::Unknown,
                },
                position: Position(position),
            }),
            Word::End {} => Some(Read::End),
            Word::Failed { errno } => Some(Read::Failed(Errno(errno))),
            word => gone(&word).map(Read::Gone),
        }
    }
}

fn opening(word: &Word) -> Option<Open> {
    match *word {
        Word::Opened {} => Some(Open::Opened),
        Word::NotDirectory {} => Some(Open::NotDirectory),
        Word::Exhausted { errno } => Some(Open::Exhausted(Errno(errno))),
        Word::Mounted {} => Some(Open::Mounted),
        Word::Failed { errno } => Some(Open::Failed(Errno(errno))),
        _ => gone(word).map(Open::Gone),
    }
}

fn identification(word: &Word) -> Option<Identify> {
    match *word {
        Word::Identity {
            mount,
            device,
            inode,
            birth,
        } => Some(Identify::Is(Identity {
            mount,
            device,
            inode: Inode {
                number: inode,
                birth: Birth(birth),
            },
        })),
        Word::Unsupported {} => Some(Identify::Unsupported),
        Word::Failed { errno } => Some(Identify::Failed(Errno(errno))),
        _ => gone(word).map(Identify::Gone),
    }
}

fn removal(word: &Word) -> Option<Rmdir> {
    match *word {
        Word::Removed {} => Some(Rmdir::Removed),
        Word::NotEmpty {} => Some(Rmdir::NotEmpty),
        Word::NotDirectory {} => Some(Rmdir::NotDirectory),
        Word::Busy {} => Some(Rmdir::Busy),
        Word::Failed { errno } => Some(Rmdir::Failed(Errno(errno))),
        _ => gone(word).map(Rmdir::Gone),
    }
}

fn gone(word: &Word) -> Option<Gone> {
    match word {
        Word::Missing {} => Some(Gone::Missing),
        Word::Stale {} => Some(Gone::Stale),
        _ => None,
    }
}

fn understood<T: for<'a> Deserialize<'a>>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Walk {
    #[serde(rename = "walk")]
    _path: String,
    format: u32,
    limits: WalkLimits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WalkLimits {
    max_open_dirs: u16,
    patience: u32,
    passes: u8,
    batch: u32,
    arena: u32,
    max_depth: u32,
    max_entries: Option<u64>,
    keep_root: bool,
    resolvable: bool,
}

impl From<WalkLimits> for Limits {
    fn from(given: WalkLimits) -> Limits {
        Limits {
            max_open_dirs: given.max_open_dirs,
            patience: given.patience,
            passes: given.passes,
            batch: given.batch,
            arena: given.arena,
            max_depth: given.max_depth,
            max_entries: given.max_entries,
            keep_root: given.keep_root,
            resolvable: given.resolvable,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StopLine {
    stop: Why,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Why {
    Cancelled,
    TimedOut,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    request: Call,
    reply: Word,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Utf8(String),
    Bytes(Vec<u8>),
}

#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "snake_case", deny_unknown_fields)]
enum Call {
    OpenBase { slot: u16 },
    OpenRoot { base: u16, slot: u16 },
    Open { parent: u16, name: Text, slot: u16 },
    OpenParent { child: u16, slot: u16 },
    OpenAbove { child: u16, slot: u16 },
    Identify { slot: u16 },
    Inspect { slot: u16 },
    Read { slot: u16 },
    Seek { slot: u16, position: u64 },
    Unlink { parent: u16, name: Text },
    Rmdir { parent: u16, name: Text },
    RmdirRoot { base: u16 },
    Close { slot: u16 },
}

/// The braces let an empty word refuse keys as well.
#[derive(Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
enum Word {
    Opened {},
    NotDirectory {},
    Exhausted {
        errno: i32,
    },
    Mounted {},
    Identity {
        mount: u64,
        device: u64,
        inode: u64,
        birth: i64,
    },
    Unsupported {},
    Kept {
        births: bool,
        positions: bool,
    },
    Entry {
        name: Text,
        kind: Type,
        position: u64,
    },
    End {},
    Sought {},
    Removed {},
    IsDirectory {},
    Denied {
        errno: i32,
    },
    NotEmpty {},
    Busy {},
    Closed {},
    Missing {},
    Stale {},
    Failed {
        errno: i32,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Type {
    Directory,
    File,
    Unknown,
}
