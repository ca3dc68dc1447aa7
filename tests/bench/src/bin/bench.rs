//! Measures `fell` against other removers, on trees it makes itself, and prints tables.
//!
//! ```text
//! cargo run --release --manifest-path tests/bench/Cargo.toml -- [--rounds N] [SCENARIO...]
//! ```
//!
//! In each round every remover gets a tree made anew, one after the other, and the order turns from
//! round to round. Each runs as a process of its own; the time is from its start to its end, the
//! memory the most it had resident. A ratio is fell's median divided by the other's; besides that of
//! the times there is one of processor times, which others at work on the machine disturb less.

use fell_bench::contender::Contender;
use fell_bench::scratch::Scratch;
use fell_bench::{serve, trees};
use serde_json::Value;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// One kind of tree.
struct Scenario {
    name: &'static str,
    contenders: &'static [Contender],
    build: fn(&Path, &[PathBuf]) -> io::Result<()>,
}

const EVERYONE: &[Contender] = &[
    Contender::Fell,
    Contender::Std,
    Contender::Rm,
    Contender::Crate,
    Contender::Fuc,
];

const SCENARIOS: [Scenario; 4] = [
    Scenario {
        name: "real",
        contenders: EVERYONE,
        build: |at, sources| trees::real(at, sources, 80_000).map(|_| ()),
    },
    Scenario {
        name: "files",
        contenders: EVERYONE,
        build: |at, _| trees::wide(at, 200_000, 0),
    },
    Scenario {
        name: "subdirs",
        contenders: EVERYONE,
        build: |at, _| trees::wide(at, 0, 200_000),
    },
    Scenario {
        name: "deep",
        // The others do not get to the end of it: see the program `peers`.
        contenders: &[Contender::FellNarrow, Contender::Rm],
        build: |at, _| trees::chain(at, 1_000_000),
    },
];

fn main() -> ExitCode {
    if let Some(code) = serve() {
        return code;
    }
    let mut rounds = 7;
    let mut wanted = Vec::new();
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--rounds" {
            let number = words.next().and_then(|number| number.parse().ok());
            rounds = number.expect("--rounds wants a number");
        } else {
            wanted.push(word);
        }
    }
    let unknown = |word: &&String| SCENARIOS.iter().all(|scenario| scenario.name != **word);
    if let Some(word) = wanted.iter().find(unknown) {
        eprintln!("bench: no scenario is called {word}");
        return ExitCode::from(2);
    }
    let sources = trees::sources().expect("cargo tells where its sources are");
    let scratch = Scratch::new();
    for scenario in SCENARIOS {
        if wanted.is_empty() || wanted.iter().any(|name| name == scenario.name) {
            run(&scenario, rounds, &scratch, &sources);
        }
    }
    ExitCode::SUCCESS
}

/// What one remover took in each round.
#[derive(Default)]
struct Series {
    seconds: Vec<f64>,
    processor: Vec<f64>,
    kernel: Vec<f64>,
    peak_kib: f64,
    /// What it said when it failed; it then takes no further part.
    failed: Option<String>,
}

fn run(scenario: &Scenario, rounds: usize, scratch: &Scratch, sources: &[PathBuf]) {
    let all: Vec<usize> = (0..scenario.contenders.len()).collect();
    let mut series: Vec<Series> = all.iter().map(|_| Series::default()).collect();
    let mut loads = vec![load()];
    for round in 0..rounds {
        let mut order = all.clone();
        order.rotate_left(round % all.len());
        for index in order {
            let series = &mut series[index];
            if series.failed.is_none() {
                let tree = scratch
                    .path()
                    .join(format!("{}-{round}-{index}", scenario.name));
                fs::create_dir(&tree).expect("mkdir");
                (scenario.build)(&tree, sources).expect("the tree is built");
                series.take(&scenario.contenders[index].measured(&tree));
                fell::remove_dir_all(&tree).expect("what a failure left goes away");
            }
        }
        loads.push(load());
    }
    print(scenario, &series, rounds, &loads);
}

impl Series {
    fn take(&mut self, measured: &Value) {
        if measured["ok"] != true {
            let said = measured["said"].as_str().unwrap_or_default();
            self.failed = Some(said.chars().take(100).collect());
            return;
        }
        let number = |key: &str| measured[key].as_f64().unwrap_or(f64::NAN);
        self.seconds.push(number("seconds"));
        let (user, system) = (number("user_us"), number("system_us"));
        self.processor.push((user + system) / 1e6);
        self.kernel.push(system / (user + system));
        self.peak_kib = self.peak_kib.max(number("peak_kib"));
    }
}

fn print(scenario: &Scenario, series: &[Series], rounds: usize, loads: &[f64]) {
    println!(
        "\n{}: {rounds} rounds, load {:.1} to {:.1}\n",
        scenario.name,
        least(loads),
        most(loads)
    );
    println!(
        "| remover | median s | processor s | kernel's share | peak MiB | fell / it (by round) | the same, processor |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (contender, its) in scenario.contenders.iter().zip(series) {
        if let Some(why) = &its.failed {
            println!(
                "| {} | failed: {} | | | | | |",
                contender.name(),
                why.trim()
            );
            continue;
        }
        println!(
            "| {} | {:.3} | {:.3} | {:.1} % | {:.1} | {} | {} |",
            contender.name(),
            median(&its.seconds),
            median(&its.processor),
            100.0 * median(&its.kernel),
            its.peak_kib / 1024.0,
            ratio(&series[0].seconds, &its.seconds),
            ratio(&series[0].processor, &its.processor),
        );
    }
}

/// The ratio of the medians, and how the ratios of the single rounds spread.
fn ratio(ours: &[f64], theirs: &[f64]) -> String {
    let rounds: Vec<f64> = ours
        .iter()
        .zip(theirs)
        .map(|(our, their)| our / their)
        .collect();
    format!(
        "{:.2} ({:.2} to {:.2})",
        median(ours) / median(theirs),
        least(&rounds),
        most(&rounds)
    )
}

fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

fn least(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::NAN, f64::min)
}

fn most(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::NAN, f64::max)
}

/// How many processes want to run, over the last minute.
fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or(f64::NAN)
}
