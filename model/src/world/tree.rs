//! All trees of so many entries, once each up to renaming.

use super::{BASE, Dialect, Dir, Entry, ROOT, ROOT_NAME, World};

/// What stands beneath the root: for each entry whether it is a file, or a directory and of what.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Tree {
    /// A file.
    File,
    /// A directory.
    Directory(Vec<Tree>),
}

/// All forests of `entries` entries: what can stand in a root. Files and directories, in an order of
/// their own, so that two that differ by names only are one.
#[must_use]
pub fn trees(entries: u8) -> Vec<Vec<Tree>> {
    let mut all = Vec::new();
    grow(entries, None, &mut Vec::new(), &mut all);
    all
}

/// Adds trees no greater than the last one until `left` entries are used up.
fn grow(left: u8, last: Option<&Tree>, forest: &mut Vec<Tree>, all: &mut Vec<Vec<Tree>>) {
    if left == 0 {
        return all.push(forest.clone());
    }
    for size in 1..=left {
        for tree in single(size) {
            if last.is_none_or(|last| &tree <= last) {
                forest.push(tree.clone());
                grow(left - size, Some(&tree), forest, all);
                forest.pop();
            }
        }
    }
}

/// All trees of one topmost entry.
fn single(size: u8) -> Vec<Tree> {
    let mut all: Vec<Tree> = trees(size - 1).into_iter().map(Tree::Directory).collect();
    if size == 1 {
        all.push(Tree::File);
    }
    all
}

impl World {
    /// A world in which `forest` stands in the root.
    #[must_use]
    pub fn planted(dialect: &Dialect, forest: &[Tree]) -> World {
        let mut world = World::bare();
        world.make(dialect, BASE, ROOT_NAME, ROOT, 0);
        world.plant(dialect, ROOT, forest);
        world
    }

    fn plant(&mut self, dialect: &Dialect, dir: Dir, forest: &[Tree]) {
        for (name, tree) in (0..).zip(forest) {
            match tree {
                Tree::File => self.give(dialect, dir, name, Entry::File),
                Tree::Directory(below) => {
                    if let Some(number) = self.next_dir() {
                        self.make(dialect, dir, name, number, 0);
                        self.plant(dialect, number, below);
                    }
                }
            }
        }
    }

    /// Every world in which one thing is unremovable: a file, a directory that nothing can be
    /// removed from, one that cannot be opened, a subvolume, a mount point.
    #[must_use]
    pub fn with_one_immovable(&self, dialect: &Dialect) -> Vec<World> {
        let mut all = Vec::new();
        let mut add = |change: &dyn Fn(&mut World)| {
            let mut world = self.clone();
            change(&mut world);
            all.push(world);
        };
        for dir in self.dirs().filter(|&dir| self.is_beneath(dir, ROOT)) {
            add(&|world| world.seal(dir));
            add(&|world| world.shut(dir));
            for (name, entry) in self.list(dir) {
                match entry {
                    Entry::Directory(child) => {
                        add(&|world| world.set_foreign(child));
                        add(&|world| world.set_mount(Some((dir, name))));
                    }
                    _ => add(&|world| world.give(dialect, dir, name, Entry::Fixed)),
                }
            }
        }
        all
    }

    /// A world in which so many directories stand one in the other in the root.
    #[must_use]
    pub fn chain(dialect: &Dialect, entries: u8) -> World {
        let forest = (0..entries).fold(Vec::new(), |below, _| vec![Tree::Directory(below)]);
        World::planted(dialect, &forest)
    }

    /// Every world in which nothing can be reached through one of the directories.
    #[must_use]
    pub fn with_one_unsearchable(&self) -> Vec<World> {
        self.dirs()
            .filter(|&dir| self.is_beneath(dir, ROOT))
            .map(|dir| {
                let mut world = self.clone();
                world.make_unsearchable(dir);
                world
            })
            .collect()
    }

    /// The worlds in which the root is no directory that can be removed: absent, a file, a symlink,
    /// a mount point, or without its parent.
    #[must_use]
    pub fn odd(dialect: &Dialect) -> Vec<World> {
        let mut all = vec![World::bare()];
        for entry in [Entry::File, Entry::Link] {
            let mut world = World::bare();
            world.give(dialect, BASE, ROOT_NAME, entry);
            all.push(world);
        }
        let mut mounted = World::planted(dialect, &[Tree::File]);
        mounted.set_mount(Some((BASE, ROOT_NAME)));
        all.push(mounted);
        let mut nowhere = World::bare();
        nowhere.alive &= !BASE.bit();
        all.push(nowhere);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_trees_as_there_should_be() {
        // Rooted forests whose leaves have two colours, counted by hand up to 4.
        let counts: Vec<usize> = (0..=5).map(|entries| trees(entries).len()).collect();
        assert_eq!(counts[..5], [1, 2, 5, 13, 37]);
    }
}
