//! The transition table and the matrix of states and replies, in Markdown.

use fell::machine::{Row, StateName, TABLE};
use std::fmt::Write as _;

pub(super) const STATES: [StateName; 6] = [
    StateName::Descend,
    StateName::Strip,
    StateName::Ascend,
    StateName::RemoveEmpty,
    StateName::Retry,
    StateName::Done,
];

/// The kinds of reply, and with which word the table says that a state awaits one.
const KINDS: [(&str, &str); 8] = [
    ("Open", "open"),
    ("Identify", "identify"),
    ("Inspect", "inspect"),
    ("Read", "read"),
    ("Seek", "seek"),
    ("Unlink", "unlink"),
    ("Rmdir", "rmdir"),
    ("Closed", "close"),
];

/// One row per arm, a table for each state.
pub(super) fn transitions() -> String {
    let mut out = String::new();
    for state in STATES {
        let rows = TABLE.iter().filter(|row| row.state == state);
        let _ = writeln!(
            out,
            "#### {state:?}\n\n| awaiting | reply | arm | next | why |\n| --- | --- | --- | --- | --- |"
        );
        for row in rows {
            let Row {
                arm,
                awaiting,
                reply,
                why,
                ..
            } = row;
            let next = names(row.next);
            let _ = writeln!(out, "| {awaiting} | {reply} | `{arm:?}` | {next} | {why} |");
        }
        out.push('\n');
    }
    out
}

/// For every state and kind of reply: how many arms there are and which states follow.
pub(super) fn matrix() -> String {
    let mut out = String::from("| reply |");
    for state in STATES {
        let _ = write!(out, " {state:?} |");
    }
    out.push_str("\n| --- |");
    out.push_str(&" --- |".repeat(STATES.len()));
    out.push('\n');
    for (kind, word) in KINDS {
        let _ = write!(out, "| **{kind}** |");
        for state in STATES {
            let _ = write!(out, " {} |", cell(state, word));
        }
        out.push('\n');
    }
    out
}

fn cell(state: StateName, word: &str) -> String {
    let rows: Vec<&Row> = TABLE
        .iter()
        .filter(|row| row.state == state && awaits(row, word))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let next: Vec<StateName> = STATES
        .into_iter()
        .filter(|state| rows.iter().any(|row| row.next.contains(state)))
        .collect();
    let arms = if rows.len() == 1 { "arm" } else { "arms" };
    format!("{} {arms} → {}", rows.len(), names(&next))
}

/// Whether the row's state awaits the kind of reply that `word` stands for.
fn awaits(row: &Row, word: &str) -> bool {
    row.awaiting.split(' ').next() == Some(word)
}

fn names(states: &[StateName]) -> String {
    let names: Vec<String> = states.iter().map(|state| format!("{state:?}")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_place_in_the_matrix() {
        for row in TABLE {
            let kinds = KINDS.iter().filter(|(_, word)| awaits(row, word)).count();
            assert_eq!(kinds, usize::from(!row.is_broken_word()), "{row:?}");
        }
    }
}
