//! `check`: runs the suite and prints a table as it goes.

use clap::Args;
use fell::machine::Walker;
use fell_model::seen::Seen;
use fell_model::suite::{Entry, Golden, Row, Tier, entries, run};
use serde_json::json;
use std::process::ExitCode;

/// The words behind `check`.
#[allow(clippy::struct_excessive_bools, reason = "switches of a command line")]
#[derive(Args)]
pub(crate) struct Check {
    /// Only what takes seconds
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Also what takes half an hour
    #[arg(long)]
    full: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Take the numbers of states for the right ones from now on
    #[arg(long)]
    bless: bool,
    /// Only configurations whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// Searching threads
    #[arg(long, default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    threads: usize,
}

impl Check {
    /// Runs the suite.
    pub(crate) fn run(&self) -> ExitCode {
        match self.suite() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("{}: {error}", Golden::path().display());
                ExitCode::FAILURE
            }
        }
    }

    fn suite(&self) -> std::io::Result<bool> {
        let tier = match (self.quick, self.full) {
            (true, _) => Tier::Quick,
            (_, true) => Tier::Full,
            _ => Tier::Default,
        };
        let chosen: Vec<Entry> = entries()
            .into_iter()
            .filter(|entry| entry.tier <= tier && entry.config.name.contains(&self.only))
            .collect();
        if chosen.is_empty() {
            self.tell_names(tier);
            return Ok(false);
        }
        let mut golden = Golden::read();
        let seen = Seen::default();
        let mut total = Total::default();
        self.head();
        for entry in &chosen {
            let row = self.row(entry, &mut golden, &seen);
            total.add(&row);
        }
        if self.bless {
            golden.write()?;
        }
        let missing = if self.only.is_empty() {
            seen.missing()
        } else {
            Vec::new()
        };
        self.foot(&total, &seen, &missing);
        Ok(total.wrong == 0 && missing.is_empty())
    }

    /// Nothing was chosen: what could have been.
    fn tell_names(&self, tier: Tier) {
        let only = &self.only;
        eprintln!("there is no configuration {only:?} in this tier; there are:");
        for entry in entries().iter().filter(|entry| entry.tier <= tier) {
            eprintln!("  {}", entry.config.name);
        }
    }

    fn row(&self, entry: &Entry, golden: &mut Golden, seen: &Seen) -> Row {
        let name = &entry.config.name;
        let mut row = run::<Walker<u8>>(entry, self.threads, golden.get(name), seen);
        if self.bless {
            golden.bless(name, row.size.states);
            row.wrong.retain(|wrong| !wrong.contains("golden figure"));
        }
        self.print(&row);
        row
    }

    fn head(&self) {
        if !self.json {
            println!(
                "{:<28} {:<38} {:>11} {:>12} {:>5} {:>7}  verdict",
                "configuration", "adversaries", "states", "edges", "depth", "seconds"
            );
        }
    }

    fn print(&self, row: &Row) {
        let size = row.size;
        if self.json {
            println!(
                "{}",
                json!({
                    "configuration": row.name, "adversaries": row.adversaries,
                    "states": size.states, "edges": size.edges, "depth": size.depth,
                    "seconds": size.time.as_secs_f64(), "longest": row.longest,
                    "wrong": row.wrong,
                })
            );
            return;
        }
        let verdict = match (row.wrong.is_empty(), row.longest) {
            (false, _) => "WRONG".to_owned(),
            (true, Some(longest)) => format!("holds, exactly; at most {longest} alone"),
            (true, None) => "holds".to_owned(),
        };
        println!(
            "{:<28} {:<38} {:>11} {:>12} {:>5} {:>7.1}  {verdict}",
            row.name,
            row.adversaries,
            size.states,
            size.edges,
            size.depth,
            size.time.as_secs_f64()
        );
        for wrong in &row.wrong {
            println!("{wrong}");
        }
    }

    fn foot(&self, total: &Total, seen: &Seen, missing: &[String]) {
        let ok = total.wrong == 0 && missing.is_empty();
        if self.json {
            println!(
                "{}",
                json!({
                    "total": total.rows, "states": total.states, "edges": total.edges,
                    "seconds": total.seconds, "arms": seen.arms(), "missing": missing, "ok": ok,
                })
            );
            return;
        }
        for name in missing {
            println!("never met: {name}");
        }
        println!(
            "total: {} configurations, {} states, {} edges, {:.1} s, {} arms met, {} wrong: {}",
            total.rows,
            total.states,
            total.edges,
            total.seconds,
            seen.arms(),
            total.wrong,
            if ok { "ok" } else { "FAILED" }
        );
    }
}

/// The last line.
#[derive(Default)]
struct Total {
    rows: usize,
    states: usize,
    edges: usize,
    seconds: f64,
    wrong: usize,
}

impl Total {
    fn add(&mut self, row: &Row) {
        self.rows += 1;
        self.states += row.size.states;
        self.edges += row.size.edges;
        self.seconds += row.size.time.as_secs_f64();
        self.wrong += usize::from(!row.wrong.is_empty());
    }
}
