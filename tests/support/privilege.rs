//! What a test may not do as it is: mount, be somebody else, make entries immutable.
//!
//! A test makes what it needs itself. Where it truly cannot, [`require`] says `skipped: why`
//! aloud; with `FELL_REQUIRE=all` that is a failure.

use std::env;
use std::ffi::CString;
use std::fs::{self, File, Permissions};
use std::io::{Write, stderr};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{IFlags, Mode, OFlags, ioctl_getflags, ioctl_setflags, open};
use rustix::io::Result;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::geteuid;

use super::again;
use super::trees::Site;

/// The user and the group that own nothing.
pub const NOBODY: u32 = 65534;

const MOUNTS: &str = "mounts";

/// Whether a test can run: `if !require(cond, "why") { return; }`. If it cannot, says so, or
/// panics under `FELL_REQUIRE=all`.
#[must_use = "a test that cannot run has to return"]
#[track_caller]
pub fn require(condition: bool, why: &str) -> bool {
    if !condition {
        let strict = env::var_os("FELL_REQUIRE").is_some_and(|value| value == "all");
        assert!(!strict, "FELL_REQUIRE=all, but this cannot run here: {why}");
        // Not eprintln: libtest would swallow the line, the test being one that passes.
        let _ = writeln!(stderr(), "skipped: {why}");
    }
    condition
}

/// Runs `body` in a mount namespace of its own, where it may mount: as root, or as root of a user
/// namespace. What it mounts is gone with it and was never seen outside.
#[track_caller]
pub fn in_mount_namespace(test: &str, body: impl FnOnce()) {
    // Private, so that nothing spreads to where the mounts of a shared `/` are copied from.
    const AS_ROOT: &[&str] = &["unshare", "--mount", "--propagation", "private", "--"];
    const AS_USER: &[&str] = &[
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "--propagation",
        "private",
        "--",
    ];
    let wrap = |command: Command| {
        // Root in a container may lack the right to mount, and still make a user namespace.
        let tries: &[_] = if geteuid().is_root() {
            &[AS_ROOT, AS_USER]
        } else {
            &[AS_USER]
        };
        let works = |prefix: &&&[&str]| succeeds(&mut again::under(prefix, &Command::new("true")));
        let found = tries.iter().find(works);
        let possible = require(found.is_some(), "no mount namespace is to be had");
        found
            .filter(|_| possible)
            .map(|prefix| again::under(prefix, &command))
    };
    again::layered(test, MOUNTS, wrap, body);
}

/// Runs `body` as nobody on the root of the site that `setup` built: as root by running the test
/// once more, and as somebody else at once. `setup` runs as the caller; what nobody is to own it
/// hands over with [`Site::give_to`].
///
/// Gives the site back to the process that built it, for what is to be seen after the body.
#[track_caller]
pub fn as_nobody(
    test: &str,
    setup: impl FnOnce() -> Site,
    body: impl FnOnce(&Path),
) -> Option<Site> {
    const LAYER: &str = "nobody";
    const ROOT: &str = "FELL_PATH";
    if again::inside(test, LAYER) {
        body(&PathBuf::from(
            env::var_os(ROOT).expect("set by the outer process"),
        ));
        return None;
    }
    if !geteuid().is_root() {
        let site = setup();
        body(site.root());
        return Some(site);
    }
    // Root of a user namespace that maps nobody else cannot become somebody else.
    if !require(
        succeeds(become_nobody(&mut Command::new("true"))),
        "cannot become nobody",
    ) {
        return None;
    }
    let site = setup();
    let (_keep, binary) = reachable_binary();
    let plain = again::command(test, LAYER);
    let mut command = Command::new(binary);
    command.args(plain.get_args()).env(ROOT, site.root());
    command.envs(
        plain
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    again::must_pass(test, LAYER, become_nobody(&mut command));
    Some(site)
}

/// Also drops root's other groups, as std does on the way.
fn become_nobody(command: &mut Command) -> &mut Command {
    command.uid(NOBODY).gid(NOBODY)
}

/// A copy of this test binary that everybody may run: the way to the original may lead through
/// somebody's home.
fn reachable_binary() -> (tempfile::TempDir, PathBuf) {
    let open_to_all = Permissions::from_mode(0o755);
    let dir = tempfile::Builder::new()
        .permissions(open_to_all.clone())
        .tempdir()
        .expect("a temporary directory");
    let copy = dir.path().join("test-as-nobody");
    let original = env::current_exe().expect("the path of the test binary");
    // By cp: were the copy written here, a process started by another thread meanwhile might still
    // hold it open for writing, and running it would fail with ETXTBSY.
    assert!(
        succeeds(Command::new("cp").arg(original).arg(&copy)),
        "cp of the test binary"
    );
    fs::set_permissions(&copy, open_to_all).expect("chmod of the copy");
    (dir, copy)
}

fn succeeds(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// Mounts `from`, a directory or a file, once more at `to`.
#[track_caller]
pub fn bind_mount(from: &Path, to: &Path) {
    only_in_namespace();
    let done = rustix::mount::mount_bind(from, to);
    done.unwrap_or_else(|e| panic!("bind mount of {} at {}: {e}", from.display(), to.display()));
}

/// Mounts an empty tmpfs.
#[track_caller]
pub fn mount_tmpfs(at: &Path) {
    only_in_namespace();
    let done = rustix::mount::mount("fell-test", at, "tmpfs", MountFlags::empty(), None);
    done.unwrap_or_else(|e| panic!("tmpfs at {}: {e}", at.display()));
}

/// Mounts what is served through `device`, an open `/dev/fuse`.
#[track_caller]
pub fn mount_fuse(device: &File, at: &Path) {
    only_in_namespace();
    // Those who mount, as the kernel has them here: root of this user namespace.
    let options = format!(
        "fd={},rootmode=40000,user_id=0,group_id=0",
        device.as_raw_fd()
    );
    let options = CString::new(options).expect("no NUL");
    let flags = MountFlags::NOSUID | MountFlags::NODEV;
    let done = rustix::mount::mount("fell-test", at, "fuse", flags, options.as_c_str());
    done.unwrap_or_else(|e| panic!("fuse at {}: {e}", at.display()));
}

/// Mounts the directories `lower` and `upper` of `within` above each other, at `within/merged`.
#[track_caller]
pub fn mount_overlay(within: &Path) {
    only_in_namespace();
    let part = |name: &str| within.join(name).display().to_string();
    let [lower, upper, work] = ["lower", "upper", "work"].map(part);
    let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
    let options = CString::new(options).expect("a path without NUL");
    let done = rustix::mount::mount(
        "fell-test",
        part("merged"),
        "overlay",
        MountFlags::empty(),
        &*options,
    );
    done.unwrap_or_else(|e| panic!("overlay in {}: {e}", within.display()));
}

/// Undoes the last mount at `at`.
#[track_caller]
pub fn unmount(at: &Path) {
    only_in_namespace();
    let done = rustix::mount::unmount(at, UnmountFlags::NOFOLLOW);
    done.unwrap_or_else(|e| panic!("unmount of {}: {e}", at.display()));
}

/// A test that forgot its namespace would change the machine of whoever runs it.
#[track_caller]
fn only_in_namespace() {
    assert!(
        again::has_layer(MOUNTS),
        "mounts belong in `in_mount_namespace`"
    );
}

/// Makes a file or a directory immutable, or mutable again. An error where the file system knows
/// no such flag (`NOTTY`, `OPNOTSUPP`) or the user may not (`PERM`).
pub fn set_immutable(path: &Path, immutable: bool) -> Result<()> {
    // Nonblocking: opening a FIFO must not wait for its other end.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = open(path, flags, Mode::empty())?;
    let mut flags = ioctl_getflags(&file)?;
    flags.set(IFlags::IMMUTABLE, immutable);
    ioctl_setflags(&file, flags)
}
