//! A tree that lies in the lower directory of an overlayfs, as in a container's image.
//!
//! What is removed there is covered by whiteouts, and every directory that loses an entry is copied
//! up, which changes its birth. The other tests, run on overlayfs, have all they remove in the upper
//! directory.

mod support;

use fell::Remover;
use std::fs;
use std::path::{Path, PathBuf};
use support::kernel::{for_every, remove_hooked};
use support::privilege::{in_mount_namespace, mount_overlay, mount_tmpfs, unmount};
use support::trees::{Site, assert_same, from_spec, snapshot};

const TREE: &str = "
    a/b/c/d/
    a/b/c/file
    a/b/file
    a/e/f/
    a/link -> ../../aside
    file
    g/h/file
";

/// How many directories are held open: all, or only the parent, so that `..` is asked for.
const WINDOWS: [u16; 2] = [64, 1];

/// Mounts a new overlayfs in `aside` with the tree in its lower directory; hands on `aside` and the
/// tree as it is met.
fn laid_over(site: &Site) -> (PathBuf, PathBuf) {
    let within = site.aside();
    mount_tmpfs(&within);
    for name in ["lower/tree", "upper", "work", "merged"] {
        fs::create_dir_all(within.join(name)).unwrap();
    }
    from_spec(&within.join("lower/tree"), TREE);
    mount_overlay(&within);
    let tree = within.join("merged/tree");
    (within, tree)
}

fn taken_down(within: &Path) {
    unmount(&within.join("merged"));
    unmount(within);
}

#[test]
fn a_tree_of_the_lower_directory_goes_and_the_directory_stays() {
    in_mount_namespace(
        "a_tree_of_the_lower_directory_goes_and_the_directory_stays",
        || {
            for window in WINDOWS {
                let site = Site::new();
                let (within, tree) = laid_over(&site);
                let before = snapshot(&within.join("lower"));
                let remover = Remover::new().max_open_dirs(window);
                let report = remover.remove_dir_all(&tree).expect("nobody else is there");
                assert_eq!(
                    (report.files, report.directories, report.retries),
                    (5, 9, 0)
                );
                assert!(!tree.exists());
                assert_same(&before, &snapshot(&within.join("lower")));
                taken_down(&within);
                site.assert_canaries();
            }
        },
    );
}

#[test]
fn who_removes_before_any_request_costs_no_retry() {
    in_mount_namespace("who_removes_before_any_request_costs_no_retry", || {
        for window in WINDOWS {
            for victim in ["a", "a/b", "a/b/c", "a/b/c/d", "a/e", "g", ""] {
                let moments = for_every(|nth| {
                    let site = Site::new();
                    let (within, tree) = laid_over(&site);
                    let remover = Remover::new().max_open_dirs(window);
                    let walked = remove_hooked(&remover, &tree, |_| {
                        if nth.now() {
                            let _ = fs::remove_dir_all(tree.join(victim));
                        }
                        None
                    });
                    let report = walked.expect("all that others do is remove");
                    assert_eq!(report.retries, 0, "{report:?}");
                    assert!(!tree.exists());
                    taken_down(&within);
                    site.assert_canaries();
                });
                assert!(moments > 20, "{moments}");
            }
        }
    });
}
