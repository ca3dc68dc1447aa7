//! What is drawn of a state, and where it stands.
//!
//! A scene is the trees of the world, one box for each entry: the root's parent, what is outside, and
//! each directory that was removed and is still open. What the last act took away is kept as a box
//! of nothing, and so is what a walker has noted that is gone.

use super::State;
use crate::words::letter;
use crate::world::{BASE, CANARY, DIRS, Dir, Entry, NAMES, OUTSIDE, ROOT_NAME, SLOTS};
use fell::machine::Slot;

/// How wide a box with its margin is.
const COLUMN: usize = 104;
/// How far a level is below the one above.
const LINE: usize = 92;

/// What a box stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum What {
    /// A directory.
    Directory,
    /// A directory that was removed.
    Removed,
    /// A file, also one that nobody can remove.
    File,
    /// A symlink to the outside.
    Link,
    /// Nothing any more.
    Nothing,
}

/// A slot in which a walker holds a directory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    /// The walker.
    pub(super) who: usize,
    /// The slot's number.
    pub(super) slot: u16,
    /// The last act opened it.
    pub(super) fresh: bool,
    /// The last act closed it.
    pub(super) closed: bool,
}

/// One entry as it is drawn.
#[derive(Debug)]
pub(super) struct Item {
    /// The box it stands in.
    pub(super) parent: Option<usize>,
    /// The middle of the box.
    pub(super) x: usize,
    pub(super) y: usize,
    /// What is written in it.
    pub(super) label: String,
    pub(super) what: What,
    pub(super) dir: Option<Dir>,
    /// What is written below it.
    pub(super) tags: Vec<&'static str>,
    /// Which walkers have its name noted.
    pub(super) noted: Vec<usize>,
    pub(super) held: Vec<Held>,
    /// At which level of which walker's way it is, 0 being the root.
    pub(super) levels: Vec<(usize, usize)>,
    /// The walker that is in it.
    pub(super) here: Option<usize>,
    /// The last act changed it.
    pub(super) changed: bool,
}

/// Everything that is drawn of the world.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) items: Vec<Item>,
    pub(super) width: usize,
    pub(super) height: usize,
}

/// The names that a walker has noted, each with its directory.
pub(super) fn noted(state: &State, who: usize) -> Vec<(Dir, u8)> {
    let walker = state.walker(who);
    let levels = walker.levels();
    let mut all = Vec::new();
    for (number, level) in levels.iter().enumerate() {
        let end = levels
            .get(number + 1)
            .map_or(walker.pending().len(), |next| next.base as usize);
        let names = walker
            .pending()
            .get(level.base as usize..end)
            .unwrap_or(&[]);
        let dir = directory(level.inode.number);
        all.extend(names.iter().map(|pending| (dir, pending.name)));
    }
    all
}

/// The directory of a number that a walker keeps.
pub(super) fn directory(number: u64) -> Dir {
    Dir(u8::try_from(number).unwrap_or(u8::MAX))
}

/// The scene of a state, after the one before it.
pub(super) fn scene(now: &State, before: Option<&State>) -> Scene {
    let mut stage = Stage {
        now,
        before,
        noted: now.walkers().map(|(who, _)| noted(now, who)).collect(),
        items: Vec::new(),
        right: 0,
        bottom: 0,
    };
    stage.directory(None, "base", BASE, 0);
    stage.right += COLUMN / 2;
    stage.directory(None, "outside", OUTSIDE, 0);
    let world = &now.world;
    let is_dead = |dir: &Dir| world.known() & 1 << dir.0 != 0 && !world.is_alive(*dir);
    for dir in Dir::all().filter(is_dead).filter(|&dir| dir != BASE) {
        stage.directory(None, "removed", dir, 0);
    }
    Scene {
        items: stage.items,
        width: stage.right,
        height: stage.bottom,
    }
}

struct Stage<'a> {
    now: &'a State,
    before: Option<&'a State>,
    noted: Vec<Vec<(Dir, u8)>>,
    items: Vec<Item>,
    /// Where the next box without entries stands.
    right: usize,
    bottom: usize,
}

impl Stage<'_> {
    /// A directory and all beneath it. A world is at most as deep as it has directories.
    fn directory(&mut self, parent: Option<usize>, label: &str, dir: Dir, depth: usize) -> usize {
        let world = &self.now.world;
        let what = if world.is_alive(dir) {
            What::Directory
        } else {
            What::Removed
        };
        let mut item = self.blank(parent, format!("{label} #{}", dir.0), what, depth);
        item.dir = Some(dir);
        item.tags.extend(tag(dir == CANARY, "canary"));
        item.tags
            .extend(tag(world.is_shut(dir), "cannot be opened"));
        item.tags.extend(tag(world.is_sealed(dir), "sealed"));
        item.tags.extend(tag(world.is_foreign(dir), "subvolume"));
        item.held = self.held(dir);
        for (who, walker) in self.now.walkers() {
            let levels = walker.levels();
            let at = levels
                .iter()
                .position(|level| directory(level.inode.number) == dir);
            if let Some(level) = at {
                item.levels.push((who, level));
                item.here = item.here.or((level + 1 == levels.len()).then_some(who));
            }
        }
        let me = self.items.len();
        self.items.push(item);
        let from = self.right;
        let mut middles = Vec::new();
        if depth < DIRS {
            for name in 0..NAMES {
                middles.extend(self.entry(me, dir, name, depth + 1));
            }
        }
        self.items[me].x = match (middles.first(), middles.last()) {
            (Some(first), Some(last)) => usize::midpoint(*first, *last),
            _ => self.column(),
        };
        self.right = self.right.max(from + COLUMN);
        self.items[me].x
    }

    /// What stands under a name, stood there before the last act, or is taken to stand there.
    fn entry(&mut self, parent: usize, dir: Dir, name: u8, depth: usize) -> Option<usize> {
        let entry = self.now.world.entry(dir, name);
        let was = self.before.map_or(entry, |b| b.world.entry(dir, name));
        let noted: Vec<usize> = (0..self.noted.len())
            .filter(|&who| self.noted[who].contains(&(dir, name)))
            .collect();
        if !entry.is_present() && !was.is_present() && noted.is_empty() {
            return None;
        }
        let label = if (dir, name) == (BASE, ROOT_NAME) {
            "root".to_owned()
        } else {
            letter(name).to_string()
        };
        let place = Some((dir, name));
        let is_mount = self.now.world.mount() == place;
        let was_mount = self.before.map_or(is_mount, |b| b.world.mount() == place);
        let me = self.items.len();
        let x = if let Entry::Directory(child) = entry {
            self.directory(Some(parent), &label, child, depth)
        } else {
            let what = match entry {
                Entry::File | Entry::Fixed => What::File,
                Entry::Link => What::Link,
                _ => What::Nothing,
            };
            let mut item = self.blank(Some(parent), label, what, depth);
            item.x = self.column();
            item.tags.extend(tag(entry == Entry::Fixed, "immovable"));
            let x = item.x;
            self.items.push(item);
            x
        };
        let item = &mut self.items[me];
        item.noted = noted;
        item.changed =
            entry != was && (entry.is_present() || was.is_present()) || is_mount != was_mount;
        item.tags.extend(tag(is_mount, "mount: shows outside"));
        Some(x)
    }

    fn blank(&mut self, parent: Option<usize>, label: String, what: What, depth: usize) -> Item {
        let y = depth * LINE;
        self.bottom = self.bottom.max(y + LINE);
        Item {
            parent,
            x: 0,
            y,
            label,
            what,
            dir: None,
            tags: Vec::new(),
            noted: Vec::new(),
            held: Vec::new(),
            levels: Vec::new(),
            here: None,
            changed: false,
        }
    }

    fn column(&mut self) -> usize {
        self.right += COLUMN;
        self.right - COLUMN / 2
    }

    /// The slots in which a directory is or was held.
    fn held(&self, dir: Dir) -> Vec<Held> {
        let mut all = Vec::new();
        for (who, _) in self.now.walkers() {
            for slot in (0..).take(SLOTS) {
                let open = |state: &State| state.world.open_dir(who, Slot(slot)) == Some(dir);
                let is = open(self.now);
                let was = self.before.map_or(is, open);
                if is || was {
                    all.push(Held {
                        who,
                        slot,
                        fresh: is && !was,
                        closed: was && !is,
                    });
                }
            }
        }
        all
    }
}

fn tag(holds: bool, text: &'static str) -> Option<&'static str> {
    holds.then_some(text)
}
