//! The trace: every request and reply, one JSON object a line, enough to run the machine again.
//!
//! This is where the format is described; `fell-model replay` reads it. Each line is one object, and
//! the keys say which of four kinds it is:
//!
//! | line | when |
//! |---|---|
//! | `{"walk": PATH, "format": 1, "limits": {...}}` | a walk begins; the path is for people |
//! | `{"request": {"call": ...}, "reply": {"is": ...}}` | one request and its reply |
//! | `{"stop": WHY}` | the caller stopped the walk: `cancelled` or `timed_out` |
//! | `{"end": HOW, "steps": N, "report": {...}}` | the walk ended, after so many requests |
//!
//! A walk begins with the first kind and ends with the last; a file has any number of walks, one
//! behind the other. A slot, a position, an identity and an errno are numbers; a name is a string, or
//! an array of bytes where it is no UTF-8. The words of a request and of a reply are those of
//! `fell::machine`. `end` says what the command's `outcome` says, but for a walk that was stopped,
//! where it repeats `stop`, and for an absent root, which is `already_gone` under `--must-exist` too.
//! Whoever changes any of this raises `format`.
//!
//! Deliberately absent: the closings that follow a stop, for nobody is shown those. A walk that is
//! stopped when only closings were left has its outcome already: it keeps it, and has no `stop`.

use crate::print::{outcome, report};
use fell::kernel::Name;
use fell::machine::{
    Errno, Gone, Identify, Kind, Limits, Open, Read, Reply, Request, Rmdir, Seek, Unlink,
};
use fell::{Error, Event, Report};
use serde_json::{Value, json};
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// The version of the format.
const FORMAT: u32 = 1;

/// A trace being written.
pub(crate) struct Trace {
    out: BufWriter<File>,
    /// How many requests the current walk has made.
    steps: u64,
    /// The first error; what comes after it is not written.
    error: Option<io::Error>,
}

impl Trace {
    /// Begins a file.
    pub(crate) fn create(path: &Path) -> io::Result<Trace> {
        let file = File::create(path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
        Ok(Trace {
            out: BufWriter::new(file),
            steps: 0,
            error: None,
        })
    }

    /// Begins a walk.
    pub(crate) fn begin(&mut self, path: &Path, limits: &Limits) {
        self.steps = 0;
        self.line(&json!({
            "walk": path.to_string_lossy(),
            "format": FORMAT,
            "limits": {
                "max_open_dirs": limits.max_open_dirs,
                "patience": limits.patience,
                "passes": limits.passes,
                "batch": limits.batch,
                "arena": limits.arena,
                "max_depth": limits.max_depth,
                "max_entries": limits.max_entries,
                "keep_root": limits.keep_root,
                "resolvable": limits.resolvable,
            },
        }));
    }

    /// Writes one request and its reply.
    pub(crate) fn step(&mut self, event: &Event<'_>) {
        self.steps += 1;
        self.line(&json!({ "request": request(event), "reply": reply(event) }));
    }

    /// Ends a walk.
    pub(crate) fn end(&mut self, result: &Result<Report, Error>) {
        if let Err(Error::Cancelled { .. } | Error::TimedOut { .. }) = result {
            self.line(&json!({ "stop": how(result) }));
        }
        let report = report(result);
        self.line(&json!({
            "end": how(result),
            "steps": self.steps,
            "report": {
                "files": report.files,
                "dirs": report.directories,
                "vanished": report.vanished,
                "passes": report.passes,
                "retries": report.retries,
                "deepest": report.deepest,
                "most_open": report.most_open,
                "leftovers": report.leftovers_total,
            },
        }));
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        match self.error {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }

    fn line(&mut self, value: &Value) {
        if self.error.is_none() {
            self.error = writeln!(self.out, "{value}").err();
        }
    }
}

/// How a walk ended, in one word; of two that `--json` has no word for, too.
fn how(result: &Result<Report, Error>) -> &'static str {
    match result {
        Err(error) if error.report().already_gone => "already_gone",
        Err(Error::TimedOut { .. }) => "timed_out",
        result => outcome(result),
    }
}

fn text(name: &CStr) -> Value {
    match name.to_str() {
        Ok(text) => text.into(),
        Err(_) => name.to_bytes().into(),
    }
}

fn request(event: &Event<'_>) -> Value {
    let name = |name: Name| text(event.name(name));
    match event.request {
        Request::OpenBase { slot } => json!({"call": "open_base", "slot": slot.0}),
        Request::OpenRoot { base, slot } => {
            json!({"call": "open_root", "base": base.0, "slot": slot.0})
        }
        Request::Open {
            parent,
            name: n,
            slot,
        } => {
            json!({"call": "open", "parent": parent.0, "name": name(n), "slot": slot.0})
        }
        Request::OpenParent { child, slot } => {
            json!({"call": "open_parent", "child": child.0, "slot": slot.0})
        }
        Request::OpenAbove { child, slot } => {
            json!({"call": "open_above", "child": child.0, "slot": slot.0})
        }
        Request::Identify { slot } => json!({"call": "identify", "slot": slot.0}),
        Request::Inspect { slot } => json!({"call": "inspect", "slot": slot.0}),
        Request::Read { slot } => json!({"call": "read", "slot": slot.0}),
        Request::Seek { slot, position } => {
            json!({"call": "seek", "slot": slot.0, "position": position.0})
        }
        Request::Unlink { parent, name: n } => {
            json!({"call": "unlink", "parent": parent.0, "name": name(n)})
        }
        Request::Rmdir { parent, name: n } => {
            json!({"call": "rmdir", "parent": parent.0, "name": name(n)})
        }
        Request::RmdirRoot { base } => json!({"call": "rmdir_root", "base": base.0}),
        Request::Close { slot } => json!({"call": "close", "slot": slot.0}),
    }
}

fn reply(event: &Event<'_>) -> Value {
    match event.reply {
        Reply::Open(Open::Opened) => json!({"is": "opened"}),
        Reply::Open(Open::NotDirectory) | Reply::Rmdir(Rmdir::NotDirectory) => {
            json!({"is": "not_directory"})
        }
        Reply::Open(Open::Exhausted(errno)) => failed("exhausted", errno),
        Reply::Open(Open::Mounted) => json!({"is": "mounted"}),
        Reply::Identify(Identify::Is(found)) => json!({
            "is": "identity",
            "mount": found.mount,
            "device": found.device,
            "inode": found.inode.number,
            "birth": found.inode.birth.0,
        }),
        Reply::Identify(Identify::Unsupported) => json!({"is": "unsupported"}),
        Reply::Inspect(kept) => {
            json!({"is": "kept", "births": kept.births, "positions": kept.positions})
        }
        Reply::Read(Read::Entry {
            name,
            kind,
            position,
        }) => json!({
            "is": "entry",
            "name": text(event.name(name)),
            "kind": match kind {
                Kind::Directory => "directory",
                Kind::File => "file",
                Kind::Unknown => "unknown",
            },
            "position": position.0,
        }),
        Reply::Read(Read::End) => json!({"is": "end"}),
        Reply::Seek(Seek::Sought) => json!({"is": "sought"}),
        Reply::Unlink(Unlink::Removed) | Reply::Rmdir(Rmdir::Removed) => json!({"is": "removed"}),
        Reply::Unlink(Unlink::IsDirectory) => json!({"is": "is_directory"}),
        Reply::Unlink(Unlink::Denied(errno)) => failed("denied", errno),
        Reply::Rmdir(Rmdir::NotEmpty) => json!({"is": "not_empty"}),
        Reply::Rmdir(Rmdir::Busy) => json!({"is": "busy"}),
        Reply::Closed => json!({"is": "closed"}),
        Reply::Open(Open::Gone(gone))
        | Reply::Identify(Identify::Gone(gone))
        | Reply::Read(Read::Gone(gone))
        | Reply::Seek(Seek::Gone(gone))
        | Reply::Unlink(Unlink::Gone(gone))
        | Reply::Rmdir(Rmdir::Gone(gone)) => match gone {
            Gone::Missing => json!({"is": "missing"}),
            Gone::Stale => json!({"is": "stale"}),
        },
        Reply::Open(Open::Failed(errno))
        | Reply::Identify(Identify::Failed(errno))
        | Reply::Read(Read::Failed(errno))
        | Reply::Seek(Seek::Failed(errno))
        | Reply::Unlink(Unlink::Failed(errno))
        | Reply::Rmdir(Rmdir::Failed(errno)) => failed("failed", errno),
    }
}

fn failed(is: &str, Errno(errno): Errno) -> Value {
    json!({ "is": is, "errno": errno })
}
