//! Traces of real walks, replayed: a fresh machine must make the same requests, and the world must
//! allow the replies.
//!
//! `fell --trace` writes them; `src/bin/fell/trace.rs` describes them. Each walk is given to a
//! [`Walker`] of its own. What it asks must be what the line says, what it is answered must be
//! something that the model's world could have answered (`monitor.rs` has those rules, since the tree of
//! a real race is unknown), and the end and the figures of the report must follow. Deliberately absent:
//! any use of the executor, which is what the traces are of.

mod account;
mod errno;
mod monitor;
mod others;
mod read;
mod rule;
#[cfg(test)]
mod tests;

pub use others::Others;
pub use read::{End, Figures, How, Line, Name, Reader};
pub use rule::Rule;

use account::Account;
use core::fmt;
use fell::machine::{
    Arm, Limits, Names, Outcome, Reply, Request, State, StateName, Step, Stop, Walker,
};
use monitor::{Broken, Monitor};
use std::io::{self, BufRead};

/// What was replayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// How many walks.
    pub walks: u64,
    /// How many requests they made.
    pub steps: u64,
}

/// Why a trace is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// In which line, the first being 1; one behind the last when something is missing there.
    pub line: usize,
    /// Which rule it broke.
    pub rule: Rule,
    /// How.
    pub why: String,
    /// The request and the reply of the line, where it has them.
    pub step: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "line {}: refused by {}: {}",
            self.line,
            self.rule.name(),
            self.why
        )?;
        if let Some(step) = &self.step {
            writeln!(f, "  {step}")?;
        }
        write!(f, "  for {}", self.rule.reason())
    }
}

/// Why a trace was not replayed to its end.
#[derive(Debug)]
pub enum Error {
    /// It cannot be read.
    Io(io::Error),
    /// It is refused.
    Refused(Refusal),
}

/// Replays all walks of a trace.
///
/// # Errors
/// The first line that is refused; a trace without a walk is, too.
pub fn replay(trace: impl BufRead, others: Others) -> Result<Tally, Error> {
    let mut replay = Replay {
        others,
        reader: Reader::default(),
        walk: None,
        tally: Tally::default(),
    };
    let mut number = 0;
    for line in trace.lines() {
        number += 1;
        let text = line.map_err(Error::Io)?;
        replay.line(&text).map_err(|(rule, why)| {
            let step = (rule != Rule::Format).then(|| text.trim().to_owned());
            Error::Refused(Refusal {
                line: number,
                rule,
                why,
                step,
            })
        })?;
    }
    let why = match (&replay.walk, replay.tally.walks) {
        (Some(_), _) => "the last walk has no end",
        // Of a command that wrote nothing, nothing was shown.
        (None, 0) => "there is no walk",
        (None, _) => return Ok(replay.tally),
    };
    Err(Error::Refused(Refusal {
        line: number + 1,
        rule: Rule::Order,
        why: why.to_owned(),
        step: None,
    }))
}

/// A trace, up to some line.
struct Replay {
    others: Others,
    reader: Reader,
    walk: Option<Walk>,
    tally: Tally,
}

impl Replay {
    fn line(&mut self, text: &str) -> Result<(), Broken> {
        let line = self.reader.line(text).map_err(|why| (Rule::Format, why))?;
        match (line, &mut self.walk) {
            (Line::Walk(limits), None) => {
                self.walk = Some(Walk::new(limits, self.others));
                Ok(())
            }
            (Line::Step(request, reply), Some(walk)) => {
                self.tally.steps += 1;
                walk.step(&self.reader, request, reply)
            }
            (Line::Stop(why), Some(walk)) => walk.stop(why),
            (Line::End(end), Some(walk)) => {
                walk.end(&end)?;
                self.walk = None;
                self.tally.walks += 1;
                Ok(())
            }
            (Line::Walk(_), Some(_)) => Err((Rule::Order, "the walk before has no end".to_owned())),
            (Line::Step(..) | Line::Stop(_) | Line::End(_), None) => {
                Err((Rule::Order, "no walk was begun".to_owned()))
            }
        }
    }
}

/// One walk, up to some line.
struct Walk {
    walker: Walker<Name>,
    monitor: Monitor,
    account: Account,
    steps: u64,
    stopped: bool,
}

impl Walk {
    fn new(limits: Limits, others: Others) -> Walk {
        Walk {
            walker: Walker::new(limits),
            monitor: Monitor::new(&limits, others),
            account: Account::default(),
            steps: 0,
            stopped: false,
        }
    }

    fn step(
        &mut self,
        reader: &Reader,
        request: Request<Name>,
        reply: Reply<Name>,
    ) -> Result<(), Broken> {
        if self.stopped {
            return Err((Rule::Order, "the walk was stopped before".to_owned()));
        }
        match self.walker.request() {
            Some(asked) if asked == request => {}
            Some(asked) => {
                let name = asked.name().map(|name| reader.bytes(name).escape_ascii());
                let named =
                    name.map_or_else(String::new, |name| format!(", the name being {name}"));
                return Err((Rule::Request, format!("the machine asks {asked:?}{named}")));
            }
            None => return Err((Rule::Request, "the machine asks nothing".to_owned())),
        }
        self.monitor
            .step(&request, &reply, |name| reader.bytes(name))?;
        self.account.reply(&self.walker, &request, &reply);
        let before = self.walker.state().name();
        let step = self.walker.step(&mut Verbatim, reply);
        is_row(before, &self.walker, &step)?;
        self.account.note(&self.walker, step.note);
        self.steps += 1;
        Ok(())
    }

    fn stop(&mut self, why: Stop) -> Result<(), Broken> {
        if self.stopped {
            return Err((Rule::Order, "the walk was stopped before".to_owned()));
        }
        if matches!(self.walker.state(), State::Done(_)) {
            return Err((Rule::Order, "the walk had its outcome already".to_owned()));
        }
        self.stopped = true;
        self.walker.stop(why);
        Ok(())
    }

    fn end(&mut self, end: &End) -> Result<(), Broken> {
        if end.steps != self.steps {
            let why = format!("{} requests are here, not {}", self.steps, end.steps);
            return Err((Rule::Order, why));
        }
        // A path that is refused is refused before there is a machine.
        if self.steps == 0 && !self.stopped && end.end == How::Refused {
            return self.reports(end);
        }
        self.close()?;
        let decided = self.walker.outcome().map(how);
        if decided != Some(end.end) {
            let why = match self.walker.outcome() {
                Some(outcome) => format!("the machine ends with {outcome:?}"),
                None => format!("the machine asks {:?}", self.walker.request()),
            };
            return Err((Rule::Outcome, why));
        }
        self.reports(end)
    }

    /// The closings that nobody was shown: they follow a stop, and nothing else does.
    fn close(&mut self) -> Result<(), Broken> {
        while let (State::Done(_), Some(request)) = (self.walker.state(), self.walker.request()) {
            if !matches!(request, Request::Close { .. }) {
                return Err((
                    Rule::Request,
                    format!("after a stop the machine asks {request:?}"),
                ));
            }
            self.walker.step(&mut Verbatim, Reply::Closed);
        }
        Ok(())
    }

    fn reports(&self, end: &End) -> Result<(), Broken> {
        let derived = self.account.figures();
        if derived != end.report {
            return Err((Rule::Report, format!("it follows {derived:?}")));
        }
        Ok(())
    }
}

/// A step is the row of the table that it says it is.
fn is_row(before: StateName, walker: &Walker<Name>, step: &Step<Name>) -> Result<(), Broken> {
    let after = walker.state().name();
    let Some(row) = step.arm.map(Arm::row) else {
        return Err((Rule::Table, "the machine took no arm".to_owned()));
    };
    if row.is_broken_word() || row.state != before || !row.next.contains(&after) {
        let why = format!("{:?} led from {before:?} to {after:?}", row.arm);
        return Err((Rule::Table, why));
    }
    Ok(())
}

/// What the command calls an outcome.
fn how(outcome: Outcome) -> How {
    match outcome {
        Outcome::Removed | Outcome::Vanished | Outcome::Emptied => How::Removed,
        Outcome::Absent => How::AlreadyGone,
        Outcome::NotEmpty => How::NotEmpty,
        Outcome::NotDirectory => How::NotADirectory,
        Outcome::Refused(_) => How::Refused,
        Outcome::Stopped(Stop::Cancelled) => How::Cancelled,
        Outcome::Stopped(Stop::TimedOut) => How::TimedOut,
        Outcome::Failed(_) | Outcome::Broken => How::Failed,
    }
}

/// A store of names that are their own tokens.
struct Verbatim;

impl Names for Verbatim {
    type Name = Name;

    fn keep(&mut self, fresh: Name) -> Name {
        fresh
    }

    fn forget(&mut self, _: Name) {}

    fn clear(&mut self) {}
}
