//! A directory for trees, which goes away when the program ends, is interrupted or is killed.
//!
//! A second process, the guard, waits for the end of a pipe of which only the program holds the
//! other side, and then removes the directory. It is in a process group of its own, so that Ctrl-C
//! reaches the program alone. Only killing the guard too leaves the directory behind.

use std::env;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitCode, Stdio};

/// The directory and its guard.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    guard: Child,
}

impl Scratch {
    /// Makes one in `/dev/shm`, or in `FELL_TEST_DIR`.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn new() -> Scratch {
        let place = env::var_os("FELL_TEST_DIR").map_or("/dev/shm".into(), PathBuf::from);
        let path = place.join(format!("fell-bench-{}", process::id()));
        let guard = Command::new(env::current_exe().expect("the program has a path"))
            .arg("guard")
            .arg(&path)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("this program starts");
        fs::create_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        // Trials act as other users too.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("chmod");
        Scratch { path, guard }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// Waits for the program's end and removes `path`.
pub(crate) fn guard(path: &Path) -> ExitCode {
    let _ = io::stdin().read_to_end(&mut Vec::new());
    match fell::remove_dir_all(path) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
