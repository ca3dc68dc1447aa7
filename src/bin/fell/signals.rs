//! Ctrl-C and SIGTERM: the first lets the walk end in a report, the second ends the process.
//!
//! Deliberately absent: a signal that was ignored when the command began. Whoever starts it with
//! `nohup`, or in the background of a shell without job control, wants it to go on.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_shutdown};
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Listens; the flag is set by the first signal. The second ends the process with `code`.
pub(crate) fn listen(code: u8) -> io::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let ignored = ignored();
    for signal in [SIGINT, SIGTERM] {
        if ignored & (1 << (signal - 1)) == 0 {
            register_conditional_shutdown(signal, code.into(), Arc::clone(&interrupted))?;
            register(signal, Arc::clone(&interrupted))?;
        }
    }
    Ok(interrupted)
}

/// The signals that are ignored, one bit each (`SigIgn` of proc(5)). Where it cannot be read, none.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
