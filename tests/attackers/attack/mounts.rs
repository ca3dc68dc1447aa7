//! Something else is mounted on a directory of the tree, and lifted again.

use std::fs;
use std::os::unix::process::parent_id;
use std::path::PathBuf;

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_bind, unmount};

use super::Attack;
use super::ground::{Ground, plant};
use crate::support::trees::{Snapshot, differences, snapshot};

/// None in another: the way to what is below would lead the attacker himself through the mount.
const PLACES: [&str; 5] = ["a/b/c", "early", "a/late", "late", "a/hollow"];

struct Mounts {
    /// Where, and what of this file system and of another.
    places: Vec<(PathBuf, [PathBuf; 2])>,
    elsewhere: PathBuf,
    was: Snapshot,
    turn: usize,
}

pub(super) fn mounts(ground: &Ground) -> Box<dyn Attack> {
    only_in_namespace();
    let elsewhere = ground.aside().join("elsewhere");
    fs::create_dir(&elsewhere).expect("mkdir");
    mount(
        "fell-attack",
        &elsewhere,
        "tmpfs",
        MountFlags::empty(),
        None,
    )
    .expect("a tmpfs");
    plant(&elsewhere, 4).expect("a canary");
    let place = |name| {
        let sources = [ground.canary().join(name), elsewhere.join(name)];
        (ground.root().join(name), sources)
    };
    Box::new(Mounts {
        places: PLACES.map(place).to_vec(),
        was: snapshot(&elsewhere),
        elsewhere,
        turn: 0,
    })
}

impl Attack for Mounts {
    /// First all are mounted, then all are lifted: lifting takes the kernel so much longer that one that
    /// was lifted at once would hardly ever be met.
    fn act(&mut self, _: &Ground) -> bool {
        let (turn, count) = (self.turn, self.places.len());
        self.turn += 1;
        let (place, sources) = &self.places[turn % count];
        let kind = turn / count / 2 % 2;
        if turn / count % 2 == 0 {
            mount_bind(&sources[kind], place).is_ok()
        } else {
            lift(place)
        }
    }

    fn withdraw(&mut self, _: &Ground) -> Vec<String> {
        for (place, _) in &self.places {
            while lift(place) {}
        }
        let lost = differences(&self.was, &snapshot(&self.elsewhere));
        while lift(&self.elsewhere) {}
        lost
    }
}

fn lift(place: &PathBuf) -> bool {
    unmount(place, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW).is_ok()
}

/// Who started this process is not to see the mounts.
fn only_in_namespace() {
    let of = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    let (own, outer) = (of("self"), of(&parent_id().to_string()));
    assert!(
        own.is_some() && own != outer,
        "mounts belong in a namespace of their own"
    );
}
