//! The report, derived from requests and replies beside the machine.
//!
//! Leftovers are a list in the order of finding, limited in number and in bytes (spec G9). Voiding
//! (rule 10) cuts its end off: what was found below a directory was found after it was entered and
//! before anything beside it. So for each level the ledger remembers how long the list was when the
//! level was last entered, and only where that changed.

use crate::kernel::{Name, NameStore, number};
use crate::machine::{
    At, Fault, Gone, Identify, Note, Open, Read, Reply, Request, Rmdir, StateName, Unlink, Walker,
};
use crate::report::{Leftover, Report};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// How much of the leftovers is kept word for word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) leftovers: usize,
    pub(crate) bytes: usize,
}

/// How long the list was when a level was entered.
#[derive(Clone, Copy, Debug)]
struct Mark {
    level: u32,
    total: u64,
    named: usize,
}

/// The report in the making.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    root: &'a Path,
    report: Report,
    quota: Quota,
    /// How many bytes the paths in the list have.
    bytes: usize,
    /// A leftover did not fit. The list stays as it is until something in it becomes void: paths are
    /// as long as the way is deep, and measuring each of a million would take days.
    full: bool,
    marks: Vec<Mark>,
    /// The number of levels after the last step.
    depth: usize,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(root: &'a Path, quota: Quota) -> Ledger<'a> {
        Ledger {
            root: stripped(root),
            report: Report::default(),
            quota,
            bytes: 0,
            full: false,
            marks: Vec::new(),
            depth: 0,
        }
    }

    pub(super) fn report(&self) -> &Report {
        &self.report
    }

    /// Counts what a reply says was done. `walker` has not taken the reply yet.
    pub(crate) fn count(
        &mut self,
        walker: &Walker<Name>,
        request: &Request<Name>,
        reply: &Reply<Name>,
    ) {
        let report = &mut self.report;
        match reply {
            Reply::Unlink(Unlink::Removed) => report.files += 1,
            Reply::Rmdir(Rmdir::Removed) => report.directories += 1,
            Reply::Unlink(Unlink::Gone(_)) | Reply::Rmdir(Rmdir::Gone(Gone::Missing)) => {
                report.vanished += 1;
            }
            Reply::Rmdir(Rmdir::Gone(Gone::Stale)) => {
                // At the root ESTALE proves nothing.
                report.vanished += u64::from(!matches!(request, Request::RmdirRoot { .. }));
            }
            Reply::Open(Open::Gone(_)) => {
                report.vanished += u64::from(matches!(request, Request::Open { .. }));
            }
            Reply::Identify(Identify::Gone(_)) => {
                // Only a child: what `..` reached, or the root, is looked for again.
                let child = walker.state().name() == StateName::Descend;
                report.vanished += u64::from(child);
            }
            Reply::Open(Open::Opened) => {
                report.most_open = report.most_open.max(walker.held() + 1);
            }
            Reply::Read(Read::End) => report.passes += 1,
            Reply::Unlink(_)
            | Reply::Rmdir(_)
            | Reply::Open(_)
            | Reply::Identify(_)
            | Reply::Inspect(_)
            | Reply::Read(_)
            | Reply::Seek(_)
            | Reply::Closed => {}
        }
    }

    /// Writes down what a step told. `walker` has made the step.
    pub(crate) fn note(
        &mut self,
        walker: &Walker<Name>,
        names: &NameStore,
        note: Option<Note<Name>>,
    ) {
        match note {
            None => {}
            Some(Note::Leftover { at, fault }) => self.leftover(walker, names, at, fault),
            Some(Note::Void { level }) => self.void(level),
            Some(Note::Lost(_)) => self.void(0),
        }
        self.follow(walker.levels().len());
        self.report.retries = u64::from(walker.limits().patience - walker.patience());
    }

    /// A level was entered: what is found from now on is found below it.
    fn follow(&mut self, depth: usize) {
        if depth > self.depth {
            let level = u32::try_from(depth - 1).unwrap_or(u32::MAX);
            self.report.deepest = self.report.deepest.max(u64::from(level) + 1);
            while self.marks.last().is_some_and(|mark| mark.level >= level) {
                self.marks.pop();
            }
            let total = self.report.leftovers_total;
            if total != self.marks.last().map_or(0, |mark| mark.total) {
                self.marks.push(Mark {
                    level,
                    total,
                    named: self.report.leftovers.len(),
                });
            }
        }
        self.depth = depth;
    }

    /// What was found since `level` was entered is void.
    fn void(&mut self, level: u32) {
        while self.marks.last().is_some_and(|mark| mark.level > level) {
            self.marks.pop();
        }
        let (total, named) = self
            .marks
            .last()
            .map_or((0, 0), |mark| (mark.total, mark.named));
        let named = named.min(self.report.leftovers.len());
        for void in self.report.leftovers.drain(named..) {
            self.bytes -= void.path.as_os_str().len();
            self.full = false;
        }
        self.report.leftovers_total = total;
    }

    fn leftover(&mut self, walker: &Walker<Name>, names: &NameStore, at: At<Name>, fault: Fault) {
        //= docs/spec.md#g9-bounded-memory
        //# G9.7: Leftovers for which the list has no room MUST be counted.
        self.report.leftovers_total += 1;
        // The root is always named when nothing else is (spec G6).
        //= docs/spec.md#g6-honest-failure
        //# G6.1: A NotEmpty MUST name at least one leftover.
        let must = at == At::Root && self.report.leftovers.is_empty();
        //= docs/spec.md#g9-bounded-memory
        //# G9.6: The list of leftovers MUST be limited in number, to 1,000 by default, and in
        //# bytes.
        if !must && (self.full || self.report.leftovers.len() >= self.quota.leftovers) {
            return;
        }
        let path = match at {
            At::Root => self.root.to_path_buf(),
            At::Level(level) => self.path(walker, names, level, None),
            At::Entry(level, name) => self.path(walker, names, level, Some(name)),
        };
        let bytes = path.as_os_str().len();
        if !must && self.bytes + bytes > self.quota.bytes {
            self.full = true;
            return;
        }
        self.bytes += bytes;
        //= docs/spec.md#g6-honest-failure
        //# G6.2: Every leftover named MUST carry its path, the operation that failed and the errno.
        //= docs/spec.md#g6-honest-failure
        //# G6.3: Leftovers MUST be named in the order in which they were found.
        self.report.leftovers.push(Leftover {
            path,
            operation: fault.operation,
            errno: number(fault.reason),
        });
    }

    /// The path of an entry of `level`, or of its directory.
    pub(super) fn path(
        &self,
        walker: &Walker<Name>,
        names: &NameStore,
        level: u32,
        name: Option<Name>,
    ) -> PathBuf {
        let mut path = self.root.as_os_str().to_os_string();
        for part in walker.path_to(level).chain(name) {
            path.push("/");
            path.push(OsStr::from_bytes(names.bytes(part)));
        }
        PathBuf::from(path)
    }

    pub(crate) fn into_report(self, walker: &Walker<Name>) -> Report {
        Report {
            //= docs/spec.md#g6-honest-failure
            //# G6.5: The report MUST say when patience was spent.
            patience_spent: walker.patience_spent(),
            ..self.report
        }
    }
}

/// A root without its trailing slashes, so that paths below it have one slash at a time.
fn stripped(root: &Path) -> &Path {
    let bytes = root.as_os_str().as_bytes();
    let end = bytes.iter().rposition(|&b| b != b'/').map_or(0, |i| i + 1);
    Path::new(OsStr::from_bytes(&bytes[..end]))
}
