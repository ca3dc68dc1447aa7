//! Directories are moved while somebody may stand in them: their `..` then leads elsewhere.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::Attack;
use super::ground::Ground;

/// Moves `from` to `to`, where nothing may be.
pub(super) fn go(from: &Path, to: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// There and back, one after another.
struct Moves {
    /// From where to where, and whether it is there.
    ways: Vec<(PathBuf, PathBuf)>,
    turn: usize,
    away: bool,
}

fn moves(ways: Vec<(PathBuf, PathBuf)>) -> Box<dyn Attack> {
    Box::new(Moves {
        ways,
        turn: 0,
        away: false,
    })
}

/// Into the canary, to where it would be in the tree: all that it left behind is there too.
pub(super) fn out(ground: &Ground) -> Box<dyn Attack> {
    let ways = ["a/b/c", "a/b", "a/b/c/d", "a", "a/b/c/d/e"].map(|from| {
        let to = ground.canary().join(from).with_file_name("moved");
        (ground.root().join(from), to)
    });
    moves(ways.into())
}

/// Within the tree, and to beside the root, where all that is in the root is there too.
pub(super) fn up(ground: &Ground) -> Box<dyn Attack> {
    let (root, base) = (ground.root(), ground.base().join("moved"));
    let ways = vec![
        (root.join("a/b/c/d"), base.clone()),
        (root.join("a/b/c"), root.join("moved")),
        (root.join("a/b"), base.clone()),
        (root.join("a/b/c/d/e"), root.join("a/moved")),
        (root.join("a/b/c"), base),
    ];
    moves(ways)
}

/// Within the tree, into what was beside it.
pub(super) fn down(ground: &Ground) -> Box<dyn Attack> {
    let ways = [
        ("a/b", "a/late/moved"),
        ("a/b/c/d", "a/b/c/early/moved"),
        ("a", "late/moved"),
        ("a/b/c", "a/b/hollow/moved"),
        ("a/b", "a/early/empty/moved"),
    ];
    let below = |name| ground.root().join(name);
    moves(ways.map(|(from, to)| (below(from), below(to))).to_vec())
}

impl Attack for Moves {
    fn act(&mut self, _: &Ground) -> bool {
        let (from, to) = &self.ways[self.turn % self.ways.len()];
        let done = if self.away {
            go(to, from)
        } else {
            go(from, to)
        }
        .is_ok();
        // Where it left from may be gone: it stays where it is, and the next one is moved.
        self.turn += usize::from(self.away || !done);
        self.away = done && !self.away;
        done
    }

    fn withdraw(&mut self, ground: &Ground) -> Vec<String> {
        for (number, (_, to)) in self.ways.iter().enumerate() {
            if !to.starts_with(ground.root()) {
                let _ = fs::rename(to, ground.aside().join(format!("moved-{number}")));
            }
        }
        Vec::new()
    }
}
