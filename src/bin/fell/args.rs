//! The words on the command line.

use clap::Parser;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use fell::Remover;
use std::path::PathBuf;
use std::time::Duration;

/// Remove directory trees while others remove, write or move things in them.
///
/// No symlink is followed, no mount is entered, and one entry that cannot be removed does not stop
/// the others: what is left is named at the end, with the call that failed and why.
// The words are independent switches: a state machine would hide that.
#[allow(clippy::struct_excessive_bools)]
#[derive(Parser, Debug)]
#[command(name = "fell", version, about, after_help = EXIT)]
pub(crate) struct Args {
    /// Directories to remove, with everything in them
    // By hand, for the parser of paths takes the empty one for a missing word; refusing it is the
    // library's (G11), and the paths beside it are tried.
    #[arg(required = true, value_name = "PATH",
          value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) paths: Vec<PathBuf>,

    /// Empty each PATH and keep it; it may be a mount point
    #[arg(long)]
    contents: bool,

    /// An absent PATH is an error
    #[arg(long)]
    must_exist: bool,

    /// How many directories to hold open above the current one (at least 1); in all, 3 descriptors
    /// more are used
    #[arg(long, value_name = "N", default_value_t = 64,
          value_parser = clap::value_parser!(u16).range(1..=65_000))]
    max_open: u16,

    /// How many times to start again at PATH when the tree was changed so that the way is lost
    #[arg(long, value_name = "N", default_value_t = 256)]
    patience: u32,

    /// Give up each PATH after SECS seconds; fractions are allowed
    #[arg(long, value_name = "SECS", value_parser = seconds)]
    timeout: Option<Duration>,

    /// Print one JSON object a line for each PATH, to standard output
    #[arg(long, conflicts_with = "verbose")]
    pub(crate) json: bool,

    /// Write every request and reply to FILE, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(crate) trace: Option<PathBuf>,

    /// Name every entry that is removed, and count at the end
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Print no errors: the exit status tells
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
}

const EXIT: &str = "\
Exit status:
  0    every PATH is gone, or was absent
  1    any other outcome
  2    wrong usage, or a PATH that cannot be removed by that name
  130  interrupted";

impl Args {
    /// The remover these words ask for.
    pub(crate) fn remover(&self) -> Remover {
        let remover = Remover::new()
            .keep_root(self.contents)
            .must_exist(self.must_exist)
            .max_open_dirs(self.max_open)
            .patience(self.patience);
        match self.timeout {
            Some(limit) => remover.deadline(limit),
            None => remover,
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_words_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_the_librarys() {
        let args = Args::parse_from(["fell", "x"]);
        assert_eq!(args.remover().limits(), Remover::new().limits());
    }

    #[test]
    fn seconds_are_a_time() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert!(
            ["-1", "x", "", "inf", "1e300"]
                .iter()
                .all(|text| seconds(text).is_err())
        );
    }
}
