//! `teeth`: lets every wrong variant of the machine run and tells which law found it.

use clap::Args;
use fell_model::teeth::{Bite, bites, candidates, names, stale, unbent};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// The words behind `teeth`.
#[derive(Args)]
pub(crate) struct Teeth {
    /// Print the shortest trace of each
    #[arg(long)]
    traces: bool,
    /// Write docs/teeth.md; otherwise a stale one is wrong
    #[arg(long)]
    write: bool,
    /// Only variants whose name contains this; docs/teeth.md is not looked at
    #[arg(long, default_value = "")]
    only: String,
    /// Tell for each configuration what finds the variants first
    #[arg(long)]
    candidates: bool,
    /// Where the documents are
    #[arg(long, value_name = "DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))]
    docs: PathBuf,
}

impl Teeth {
    /// Runs the variants.
    pub(crate) fn run(&self) -> ExitCode {
        if !names().any(|name| name.contains(&self.only)) {
            let all: Vec<&str> = names().collect();
            eprintln!("there is no variant {:?}; there are:", self.only);
            eprintln!("  {}", all.join("\n  "));
            return ExitCode::FAILURE;
        }
        if self.candidates {
            return self.tell_candidates();
        }
        let begin = Instant::now();
        println!(
            "{:<40} {:<22} {:<22} {:>5}  {:<20} configuration",
            "variant", "breaks", "found by", "steps", "others"
        );
        let mut all: Vec<Bite> = Vec::new();
        for bite in bites(&self.only) {
            self.print(&bite);
            all.push(bite);
        }
        let alive = all.iter().filter(|bite| bite.found.is_none()).count();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let (wrong, size) = unbent(threads);
        for wrong in &wrong {
            println!("unbent: {wrong}");
        }
        let is_fresh = !self.only.is_empty() || self.is_fresh(&all);
        let ok = alive == 0 && wrong.is_empty() && is_fresh;
        println!(
            "total: {} variants, {alive} not found; unbent {} states, {} wrong; {:.1} s: {}",
            all.len(),
            size.states,
            wrong.len(),
            begin.elapsed().as_secs_f64(),
            if ok { "ok" } else { "FAILED" }
        );
        if ok {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn print(&self, bite: &Bite) {
        let (steps, who) = match &bite.found {
            Some(found) => (found.steps.to_string(), found.who.join(" ")),
            None => ("NONE".to_owned(), String::new()),
        };
        println!(
            "{:<40} {:<22} {:<22} {steps:>5}  {who:<20} {}",
            bite.name, bite.breaks, bite.law, bite.config
        );
        if let (true, Some(found)) = (self.traces, &bite.found) {
            println!("{}", found.trace);
        }
    }

    /// Whether the document says what was found; it is written if that is wanted.
    fn is_fresh(&self, all: &[Bite]) -> bool {
        match stale(&self.docs, all) {
            Ok(None) => true,
            Ok(Some((path, text))) if self.write => match std::fs::write(&path, text) {
                Ok(()) => {
                    println!("wrote {}", path.display());
                    true
                }
                Err(error) => {
                    eprintln!("{}: {error}", path.display());
                    false
                }
            },
            Ok(Some((path, _))) => {
                eprintln!(
                    "{} is stale; run `cargo model teeth --write`",
                    path.display()
                );
                false
            }
            Err(error) => {
                eprintln!("{}: {error}", self.docs.display());
                false
            }
        }
    }

    fn tell_candidates(&self) -> ExitCode {
        for name in names().filter(|name| name.contains(&self.only)) {
            println!("{name}");
            for (config, laws) in candidates(name) {
                for (law, steps) in laws {
                    println!("    {law:<22} {steps:>5}  {config}");
                }
            }
        }
        ExitCode::SUCCESS
    }
}
