//! Answers as text, kept in `model/facts.txt`, and what is compared with them.
//!
//! A column is what one file system answered: a line `column| NAME | Linux RELEASE | MARKS` and a
//! line `fact| NAME | GROUP: FACT | ANSWER` for each fact; several answers stand with ` or ` between
//! them. These lines are picked out of whatever else a lane prints.

use super::believed::trusted;
use super::{Answers, Fact, GROUPS, Ground, Group};
use fell::machine::Inspect;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

/// An answer that kernels give and the model does not know.
pub struct Beyond {
    /// The group.
    pub group: &'static str,
    /// The fact.
    pub asks: &'static str,
    /// The answer.
    pub answer: &'static str,
    /// Why the walker stands it.
    pub why: &'static str,
    /// Only kernels older than those kept give it.
    pub older: bool,
}

/// All of them. An answer that is neither here nor allowed is a failure.
pub const BEYOND: &[Beyond] = &[
    Beyond {
        group: "A directory that others moved, held open",
        asks: "open `..`",
        answer: "its last parent",
        why: "that is the directory it was entered from; the rmdir of its name there answers ENOENT",
        older: false,
    },
    Beyond {
        group: "A directory that others moved, held open",
        asks: "open its old name",
        answer: "ok",
        why: "it is entered as if it were moved a moment later",
        older: false,
    },
    Beyond {
        group: "What is denied",
        asks: "mode 0555: unlink a directory",
        answer: "EISDIR",
        why: "it is entered as a subdirectory, as after EACCES; its rmdir is denied",
        older: false,
    },
    Beyond {
        group: "Numbers and births",
        asks: "number and birth, as fell asks for them, made and removed 2,000 times at once",
        answer: "sometimes the same",
        why: "it does not always: on ext4 and xfs before Linux 6.13, see *Births* below",
        older: true,
    },
];

/// What one file system answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Column {
    /// The file system, and who the others are.
    pub name: String,
    /// `Linux 6.18`.
    pub release: String,
    /// What fell believes of it.
    pub trusted: Inspect,
    /// It is NFS.
    pub nfs: bool,
    /// The others are another client, so only facts in which others act were measured.
    pub others: bool,
    /// By group and fact, what was answered.
    pub answers: BTreeMap<String, Answers>,
}

/// What an answer is to the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is allowed.
    Allowed,
    /// It is not looked at.
    Detail,
    /// It is one of [`BEYOND`].
    Beyond,
    /// The model says otherwise.
    Wrong,
}

impl Column {
    /// A column without answers, for a ground.
    ///
    /// # Errors
    ///
    /// When the file system cannot be asked what it is.
    pub fn new(name: &str, ground: &Ground) -> std::io::Result<Column> {
        const NFS: u64 = 0x6969;
        let uname = rustix::system::uname();
        let release = uname.release().to_string_lossy().into_owned();
        let parts: Vec<&str> = release.splitn(3, '.').take(2).collect();
        let magic = rustix::fs::statfs(&ground.here)?.f_type;
        Ok(Column {
            name: name.to_owned(),
            release: format!("Linux {}", parts.join(".")),
            trusted: trusted(&ground.tree(|_| Ok(()))?.here),
            nfs: u64::try_from(magic).is_ok_and(|magic| magic == NFS),
            others: ground.has_other_client(),
            answers: BTreeMap::new(),
        })
    }

    /// Measures all facts.
    pub fn measure(&mut self, ground: &Ground) {
        super::measure(ground, |group, fact, answers| {
            self.answers.insert(key(group, fact), answers);
        });
    }

    /// The facts that this column should have.
    pub fn facts(&self) -> impl Iterator<Item = (&'static Group, &'static Fact)> + use<> {
        let others = self.others;
        GROUPS
            .iter()
            .filter(move |group| group.others || !others)
            .flat_map(|group| group.facts.iter().map(move |fact| (group, fact)))
    }

    /// What was answered.
    #[must_use]
    pub fn answer(&self, group: &Group, fact: &Fact) -> Option<&Answers> {
        self.answers.get(&key(group, fact))
    }

    /// What an answer is to the model.
    #[must_use]
    pub fn verdict(&self, group: &Group, fact: &Fact, answer: &str) -> Verdict {
        let is_known = |beyond: &&Beyond| {
            (beyond.group, beyond.asks, beyond.answer) == (group.title, fact.asks, answer)
        };
        match fact.assumes.allows(self.trusted, self.nfs) {
            Some(allowed) if allowed.contains(&answer) => Verdict::Allowed,
            _ if answer.starts_with("could not") => Verdict::Wrong,
            None => Verdict::Detail,
            Some(_) if BEYOND.iter().any(|beyond| is_known(&beyond)) => Verdict::Beyond,
            Some(_) => Verdict::Wrong,
        }
    }
}

impl Display for Column {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let marks = [
            (self.trusted.births, "births"),
            (self.trusted.positions, "positions"),
            (self.nfs, "nfs"),
            (self.others, "others"),
        ];
        let marks: Vec<&str> = marks.iter().filter(|m| m.0).map(|m| m.1).collect();
        writeln!(
            f,
            "column| {} | {} | {}",
            self.name,
            self.release,
            marks.join(" ")
        )?;
        for (group, fact) in self.facts() {
            if let Some(answers) = self.answer(group, fact) {
                writeln!(
                    f,
                    "fact| {} | {} | {}",
                    self.name,
                    key(group, fact),
                    joined(answers)
                )?;
            }
        }
        Ok(())
    }
}

fn key(group: &Group, fact: &Fact) -> String {
    format!("{}: {}", group.title, fact.asks)
}

/// Several answers in one cell.
#[must_use]
pub fn joined(answers: &Answers) -> String {
    let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
    answers.join(" or ")
}

/// The columns in a text.
#[must_use]
pub fn parse(text: &str) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for line in text.lines().map(str::trim) {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        match fields[..] {
            ["column", name, release, marks] => columns.push(Column {
                name: name.to_owned(),
                release: release.to_owned(),
                trusted: Inspect {
                    births: marks.contains("births"),
                    positions: marks.contains("positions"),
                },
                nfs: marks.contains("nfs"),
                others: marks.contains("others"),
                answers: BTreeMap::new(),
            }),
            ["fact", name, fact, answers] => {
                let column = columns.iter_mut().rev().find(|column| column.name == name);
                if let Some(column) = column {
                    let answers = answers.split(" or ").map(str::to_owned).collect();
                    column.answers.insert(fact.to_owned(), answers);
                }
            }
            _ => {}
        }
    }
    columns
}

/// What comparing found.
#[derive(Default, Debug)]
pub struct Comparison {
    /// What must not be.
    pub failures: Vec<String>,
    /// What is worth saying.
    pub notes: Vec<String>,
    /// Columns that are kept and were not measured. Not every machine can measure them all.
    pub missing: Vec<String>,
}

/// Compares what was measured with what the model assumes and with what was kept.
///
/// An answer that the model does not allow is a failure, wherever. One that it allows and that is
/// not the one kept is a failure on the kernel of which it was kept, and a note on another, and on
/// NFS, where it depends on what happens to be cached.
#[must_use]
pub fn compare(measured: &[Column], kept: &[Column]) -> Comparison {
    let mut found = Comparison::default();
    for column in measured {
        let before = kept.iter().find(|kept| kept.name == column.name);
        if before.is_none() {
            found
                .failures
                .push(format!("{}: not among those kept", column.name));
        }
        for (group, fact) in column.facts() {
            let Some(answers) = column.answer(group, fact) else {
                let what = key(group, fact);
                found
                    .failures
                    .push(format!("{}: {what}: not measured", column.name));
                continue;
            };
            for answer in answers {
                found.judge(column, before, (group, fact), answer);
            }
        }
    }
    found.missing = missing(measured, kept);
    found
}

/// The names of columns that are kept and were not measured.
#[must_use]
pub fn missing(measured: &[Column], kept: &[Column]) -> Vec<String> {
    let is_measured = |name: &String| measured.iter().any(|column| column.name == *name);
    let names = kept.iter().map(|column| column.name.clone());
    names.filter(|name| !is_measured(name)).collect()
}

impl Comparison {
    fn judge(
        &mut self,
        column: &Column,
        before: Option<&Column>,
        (group, fact): (&Group, &Fact),
        answer: &str,
    ) {
        let says = format!("{}: {}: {answer}", column.name, key(group, fact));
        if column.verdict(group, fact, answer) == Verdict::Wrong {
            let allowed = fact.assumes.allows(column.trusted, column.nfs);
            let allowed = allowed.unwrap_or_default().join(" or ");
            self.failures.push(format!("{says}; the model: {allowed}"));
        }
        let Some(before) = before else { return };
        let kept = before.answer(group, fact);
        if kept.is_some_and(|kept| kept.contains(answer)) {
            return;
        }
        let kept = kept.map_or_else(|| "nothing".to_owned(), joined);
        let text = format!("{says}; kept is {kept}, of {}", before.release);
        if before.release == column.release && !column.nfs {
            self.failures.push(text);
        } else {
            self.notes.push(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::slice::from_ref;

    /// What the model allows of everything, as a column.
    fn allowed(nfs: bool) -> Column {
        let trusted = Inspect {
            births: true,
            positions: true,
        };
        let mut column = Column {
            name: "ideal".to_owned(),
            release: "Linux 1.0".to_owned(),
            trusted,
            nfs,
            others: false,
            answers: BTreeMap::new(),
        };
        for (group, fact) in column.facts() {
            let answer = fact.assumes.allows(trusted, nfs);
            let answer = answer.map_or("anything", |answers| answers[answers.len() - 1]);
            column
                .answers
                .insert(key(group, fact), Answers::from([answer.to_owned()]));
        }
        column
    }

    fn set(column: &mut Column, fact: &str, answer: &str) {
        let answers = column
            .answers
            .iter_mut()
            .find(|(key, _)| key.ends_with(fact));
        *answers.expect("there is such a fact").1 = Answers::from([answer.to_owned()]);
    }

    #[test]
    fn text_is_read_as_it_was_written() {
        for nfs in [false, true] {
            let column = allowed(nfs);
            let text = format!("== something else | here\n{column}and there");
            assert_eq!(parse(&text), [column]);
        }
    }

    #[test]
    fn what_the_model_does_not_allow_fails_on_every_kernel() {
        let kept = allowed(false);
        let mut measured = kept.clone();
        assert!(
            compare(from_ref(&measured), from_ref(&kept))
                .failures
                .is_empty()
        );
        measured.release = "Linux 2.0".to_owned();
        set(&mut measured, "unlink an empty directory", "EPERM");
        assert_eq!(compare(&[measured], &[kept]).failures.len(), 1);
    }

    #[test]
    fn another_detail_fails_on_the_same_kernel_only() {
        let kept = allowed(false);
        let mut measured = kept.clone();
        set(&mut measured, "entries made while reading", "another");
        assert_eq!(
            compare(from_ref(&measured), from_ref(&kept)).failures.len(),
            1
        );
        measured.release = "Linux 2.0".to_owned();
        let found = compare(&[measured], &[kept]);
        assert_eq!((found.failures.len(), found.notes.len()), (0, 1));
    }

    #[test]
    fn what_is_missing_fails_or_is_said() {
        let kept = allowed(false);
        let mut measured = kept.clone();
        measured.answers.pop_first();
        assert_eq!(
            compare(from_ref(&measured), from_ref(&kept)).failures.len(),
            1
        );
        measured.name = "another".to_owned();
        assert!(!compare(&[measured], from_ref(&kept)).failures.is_empty());
        assert_eq!(compare(&[], &[kept]).missing, ["ideal"]);
    }

    #[test]
    fn positions_matter_where_they_are_trusted() {
        let mut column = allowed(false);
        let fact = "reopened and sought behind the last entry read";
        set(&mut column, fact, "some lost");
        let kept = [column.clone()];
        assert_eq!(compare(from_ref(&column), &kept).failures.len(), 1);
        column.trusted.positions = false;
        assert!(compare(&[column], &kept).failures.is_empty());
    }

    #[test]
    fn every_exception_is_of_a_fact_and_needed() {
        let kept = std::fs::read_to_string(crate::facts::page::kept()).expect("the facts");
        let kept = parse(&kept);
        for beyond in BEYOND {
            let (group, fact) = GROUPS
                .iter()
                .flat_map(|group| group.facts.iter().map(move |fact| (group, fact)))
                .find(|(group, fact)| (group.title, fact.asks) == (beyond.group, beyond.asks))
                .unwrap_or_else(|| panic!("{}: {} is no fact", beyond.group, beyond.asks));
            let is_beyond =
                |column: &Column| column.verdict(group, fact, beyond.answer) == Verdict::Beyond;
            let gave = |column: &&Column| {
                let answers = column.answer(group, fact);
                answers.is_some_and(|answers| answers.contains(beyond.answer))
            };
            let what = format!("{}: {}", key(group, fact), beyond.answer);
            // Where it was given, the model must not allow it.
            assert!(
                kept.iter().filter(gave).all(is_beyond),
                "{what}: is allowed"
            );
            assert_eq!(kept.iter().find(gave).is_none(), beyond.older, "{what}");
            assert!(!beyond.older || is_beyond(&allowed(false)), "{what}");
        }
    }
}
