//! What the measurements and the trials share: the removers, the trees, and a place for them that
//! goes away even when the program is killed.

pub mod contender;
pub mod scratch;
pub mod trees;

use contender::Contender;
use std::env;
use std::path::Path;
use std::process::ExitCode;

/// Both programs run themselves for what has to be a process of its own: `contend NAME PATH`
/// removes a tree, `measure NAME PATH` measures that, `guard PATH` cleans up. Nothing when this
/// process was not started for one of them.
#[must_use]
pub fn serve() -> Option<ExitCode> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["contend", name, path] => Some(Contender::named(name).contend(Path::new(path))),
        ["measure", name, path] => Some(Contender::named(name).measure(Path::new(path))),
        ["guard", path] => Some(scratch::guard(Path::new(path))),
        _ => None,
    }
}
