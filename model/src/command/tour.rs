//! `tour`: walks the edges of configurations on a real directory, and prints a table as it goes.

use clap::Args;
use fell_model::real::Nature;
use fell_model::tour::configs::configs;
use fell_model::tour::{Row, tour};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// Set for the process that has a mount namespace of its own.
const PRIVATE: &str = "FELL_MODEL_PRIVATE";

/// The words behind `tour`.
#[derive(Args)]
pub(crate) struct Tour {
    /// Where trees are planted [default: /dev/shm, or the temporary directory]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The same directory as the adversaries see it: on NFS, by another client
    #[arg(long)]
    other: Option<PathBuf>,
    /// Only configurations whose name contains this
    #[arg(long, default_value = "")]
    only: String,
    /// So many edges in all, drawn at random from all configurations, instead of every edge
    #[arg(long)]
    edges: Option<usize>,
    /// Which edges are drawn
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs this very command once more where it may mount: as root, or as root of a user namespace.
/// Returns whether it did already; where neither is to be had, it goes on without mounts.
pub(crate) fn in_private_namespace() -> bool {
    if std::env::var_os(PRIVATE).is_some() {
        return true;
    }
    let ways: [&[&str]; 2] = [
        &["--mount", "--propagation", "private"],
        &[
            "--user",
            "--map-root-user",
            "--mount",
            "--propagation",
            "private",
        ],
    ];
    let is_root = rustix::process::geteuid().is_root();
    for way in &ways[usize::from(!is_root)..] {
        let unshare = || {
            let mut command = Command::new("unshare");
            command.args(*way).arg("--");
            command
        };
        let works = unshare()
            .arg("true")
            .output()
            .is_ok_and(|o| o.status.success());
        let Some(this) = std::env::current_exe().ok().filter(|_| works) else {
            continue;
        };
        let args = std::env::args_os().skip(1);
        // Returns only when it fails.
        let _ = unshare().arg(this).args(args).env(PRIVATE, "1").exec();
    }
    false
}

/// Where trees are planted unless it is said.
pub(crate) fn default_dir() -> PathBuf {
    let shared = PathBuf::from("/dev/shm");
    if shared.is_dir() {
        shared
    } else {
        std::env::temp_dir()
    }
}

impl Tour {
    /// Tours.
    pub(crate) fn run(&self) -> ExitCode {
        let private = in_private_namespace();
        let dir = self.dir.clone().unwrap_or_else(default_dir);
        let nature = match Nature::of(&dir, self.other.as_deref(), private) {
            Ok(nature) => nature,
            Err(trouble) => {
                eprintln!("{}: {trouble}", dir.display());
                return ExitCode::FAILURE;
            }
        };
        println!("{nature}");
        if let Some(lack) = lacks(&nature) {
            eprintln!("FELL_REQUIRE=all, and root on a local file system, but {lack}");
            return ExitCode::FAILURE;
        }
        match self.table(&nature) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(trouble) => {
                eprintln!("{}: {trouble}", dir.display());
                ExitCode::FAILURE
            }
        }
    }

    fn table(&self, nature: &Nature) -> Result<bool, fell_model::real::Trouble> {
        println!(
            "{:<34} {:>8} {:>8} {:>8} {:>10} {:>8} {:>8} {:>7}  mismatches",
            "configuration",
            "states",
            "edges",
            "replayed",
            "unselected",
            "restarts",
            "steps",
            "seconds"
        );
        let mut chosen = configs(nature);
        chosen.retain(|(config, _)| config.name.contains(&self.only));
        let mut total = Row {
            name: "total".to_owned(),
            ..Row::default()
        };
        let count = chosen.len();
        let mut is_whole = true;
        for (at, (config, listing)) in chosen.iter().enumerate() {
            // What one configuration has too few of the later ones have more of.
            let left = self.edges.map(|edges| edges.saturating_sub(total.replayed));
            let quota = left.map(|left| left.div_ceil(count - at));
            let seed = self.edges.map(|_| self.seed);
            let row = tour(nature, config, *listing, quota, seed)?;
            print(&row);
            is_whole &= row.mismatches.is_empty() && is_walked(&row, quota);
            add(&mut total, row);
        }
        print(&total);
        if total.told_twice > 0 {
            println!(
                "directories made with the number and the birth of an earlier one: {}",
                total.told_twice
            );
        }
        if total.remembered > 0 {
            println!(
                "walks left where an NFS client remembered the parent of a directory that was moved: {}",
                total.remembered
            );
        }
        Ok(is_whole && total.replayed > 0)
    }
}

/// What root can do on every local file system and not here, where everything is required. Whether
/// files can be made immutable is the file system's affair.
fn lacks(nature: &Nature) -> Option<&'static str> {
    let all = std::env::var_os("FELL_REQUIRE").is_some_and(|value| value == "all");
    let can_be_had = nature.other.is_none() && !nature.dialect.nfs;
    if !all || !can_be_had || !rustix::process::geteuid().is_root() {
        None
    } else if !nature.may_mount {
        Some("nothing can be mounted")
    } else if !nature.may_be_nobody {
        Some("walkers cannot be nobody")
    } else {
        None
    }
}

/// Whether all edges were walked that were to be, but for those that the kernel did not select. A tour that
/// ends early, having met enough that differs, is none.
fn is_walked(row: &Row, quota: Option<usize>) -> bool {
    let is_walked = quota == Some(row.replayed) || row.replayed + row.unselected == row.edges;
    if !is_walked {
        println!(
            "  not walked: {} edges, {} replayed, {} unselected",
            row.edges, row.replayed, row.unselected
        );
    }
    is_walked
}

fn print(row: &Row) {
    println!(
        "{:<34} {:>8} {:>8} {:>8} {:>10} {:>8} {:>8} {:>7.1}  {}",
        row.name,
        row.states,
        row.edges,
        row.replayed,
        row.unselected,
        row.restarts,
        row.steps,
        row.time.as_secs_f64(),
        row.mismatches.len()
    );
    if row.name != "total" {
        if row.left_out > 0 {
            println!(
                "  left out: {} worlds that cannot be made here",
                row.left_out
            );
        }
        for words in &row.mismatches {
            println!("{words}");
        }
    }
}

fn add(total: &mut Row, row: Row) {
    total.left_out += row.left_out;
    total.states += row.states;
    total.edges += row.edges;
    total.replayed += row.replayed;
    total.unselected += row.unselected;
    total.restarts += row.restarts;
    total.steps += row.steps;
    total.told_twice += row.told_twice;
    total.remembered += row.remembered;
    total.time += row.time;
    total.mismatches.extend(row.mismatches);
}
