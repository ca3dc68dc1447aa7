//! The tables of `docs/kernel.md`, drawn from `model/facts.txt`.

use super::record::{BEYOND, Column, joined, parse};
use super::{Assumes, Fact, GROUPS, Group};
use core::fmt::Write;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- generated: facts; by `cargo model facts page` -->\n";
const END: &str = "<!-- end of facts -->";

/// Where the answers are kept.
#[must_use]
pub fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("facts.txt")
}

/// The document, and what it should be, if that is something else.
///
/// # Errors
///
/// The document or the answers cannot be read, or a marker is missing.
pub fn stale(docs: &Path) -> io::Result<Option<(PathBuf, String)>> {
    let columns = parse(&std::fs::read_to_string(kept())?);
    let path = docs.join("kernel.md");
    let is = std::fs::read_to_string(&path)?;
    let missing = || io::Error::other("kernel.md lacks a marker of its facts");
    let from = is.find(BEGIN).ok_or_else(missing)? + BEGIN.len();
    let to = from + is[from..].find(END).ok_or_else(missing)?;
    let mut should = is.clone();
    should.replace_range(from..to, &format!("\n{}\n", markdown(&columns)));
    Ok((is != should).then_some((path, should)))
}

/// All tables.
#[must_use]
pub fn markdown(columns: &[Column]) -> String {
    let mut out = String::new();
    kernels(&mut out, columns);
    for group in GROUPS {
        table(&mut out, columns, group);
    }
    beyond(&mut out, columns);
    out
}

/// Writing to a string cannot fail.
macro_rules! line {
    ($out:expr $(, $($arg:tt)+)?) => {{
        $(let _ = write!($out, $($arg)+);)?
        $out.push('\n');
    }};
}

fn kernels(out: &mut String, columns: &[Column]) {
    line!(
        out,
        "| file system | kernel | births, as fell believes | positions |"
    );
    line!(out, "| --- | --- | --- | --- |");
    let word = |kept| if kept { "kept" } else { "not kept" };
    for column in columns.iter().filter(|column| !column.others) {
        line!(
            out,
            "| {} | {} | {} | {} |",
            column.name,
            column.release,
            word(column.trusted.births),
            word(column.trusted.positions)
        );
    }
}

fn table(out: &mut String, columns: &[Column], group: &Group) {
    // Beside the local ones, which mostly agree, every other is a column of its own.
    let (local, remote): (Vec<&Column>, Vec<&Column>) = columns
        .iter()
        .filter(|column| group.others || !column.others)
        .partition(|column| !column.nfs);
    line!(out, "\n### {}\n", group.title);
    let names: Vec<&str> = remote.iter().map(|column| &*column.name).collect();
    line!(out, "| what | local | {} | the model |", names.join(" | "));
    line!(out, "| --- | --- |{} --- |", " --- |".repeat(names.len()));
    for fact in group.facts {
        let mut cells = vec![fact.asks.to_owned(), agreed(&local, group, fact)];
        cells.extend(remote.iter().map(|column| cell(column, group, fact)));
        cells.push(assumed(fact));
        line!(out, "| {} |", cells.join(" | "));
    }
}

fn cell(column: &Column, group: &Group, fact: &Fact) -> String {
    let answers = column.answer(group, fact);
    answers.map_or_else(|| "not measured".to_owned(), joined)
}

/// What most say, and what the others do.
fn agreed(columns: &[&Column], group: &Group, fact: &Fact) -> String {
    let mut said: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for column in columns {
        let names = said.entry(cell(column, group, fact)).or_default();
        names.push(&column.name);
    }
    let mut said: Vec<(String, Vec<&str>)> = said.into_iter().collect();
    said.sort_by_key(|(_, names)| core::cmp::Reverse(names.len()));
    let most = said.iter().take(1).map(|(answer, _)| answer.clone());
    let others = said.iter().skip(1);
    let others = others.map(|(answer, names)| format!("{}: {answer}", names.join(", ")));
    most.chain(others).collect::<Vec<_>>().join("; ")
}

fn assumed(fact: &Fact) -> String {
    let or = |answers: &[&str]| answers.join(" or ");
    match fact.assumes {
        Assumes::One(answers) => or(answers),
        Assumes::Nfs(answers, more) => format!("{}; NFS: {} too", or(answers), or(more)),
        Assumes::Positions(answers) => format!("{}, where positions are kept", or(answers)),
        Assumes::Births(answers) => format!("{}, where births are kept", or(answers)),
        Assumes::Any => "any".to_owned(),
    }
}

fn beyond(out: &mut String, columns: &[Column]) {
    line!(out, "\n### Beyond the model\n");
    line!(out, "| what | answer | on | why the walker stands it |");
    line!(out, "| --- | --- | --- | --- |");
    for beyond in BEYOND {
        let key = format!("{}: {}", beyond.group, beyond.asks);
        let gave = |column: &&Column| {
            let answers = column.answers.get(&key);
            answers.is_some_and(|answers| answers.contains(beyond.answer))
        };
        let mut names: Vec<&str> = columns.iter().filter(gave).map(|c| &*c.name).collect();
        names.extend(beyond.older.then_some("older kernels"));
        line!(
            out,
            "| {key} | {} | {} | {} |",
            beyond.answer,
            names.join("; "),
            beyond.why
        );
    }
}
