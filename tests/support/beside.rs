//! A thread that acts beside the walker.
//!
//! No sleeping: whoever starts one knows that the thread has begun (with [`Beside::repeat`], that
//! it has acted once), and waits for nothing else.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

/// A running thread. Stopped and joined when dropped; its panic becomes the panic of whoever stops
/// or drops it.
#[must_use = "dropped at once, it would act beside nothing"]
pub struct Beside<T = ()> {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<T>>,
}

impl<T: Send + 'static> Beside<T> {
    /// Starts `act`, which is to look at its flag now and then and return once it is set.
    pub fn spawn(act: impl FnOnce(&AtomicBool) -> T + Send + 'static) -> Self {
        Self::begin(|stop, begun| {
            let _ = begun.send(());
            act(stop)
        })
    }

    /// Waits until the thread says that it has begun, or died before it could.
    fn begin(act: impl FnOnce(&AtomicBool, &Sender<()>) -> T + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (begun, beginning) = channel();
        let flag = Arc::clone(&stop);
        let thread = thread::spawn(move || act(&flag, &begun));
        // An error means that it panicked first: said when it is joined.
        let _ = beginning.recv();
        Self {
            stop,
            thread: Some(thread),
        }
    }

    /// Stops it and gives back what it returned.
    pub fn stop(mut self) -> T {
        let thread = self.thread.take().expect("a thread is joined once");
        self.stop.store(true, Ordering::Relaxed);
        thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

impl Beside<u64> {
    /// Acts again and again, at least once before this returns; gives back how often.
    pub fn repeat(mut act: impl FnMut() + Send + 'static) -> Self {
        Self::begin(move |stop, begun| {
            let mut rounds = 0;
            loop {
                act();
                rounds += 1;
                if rounds == 1 {
                    let _ = begun.send(());
                }
                if stop.load(Ordering::Relaxed) {
                    return rounds;
                }
            }
        })
    }
}

impl<T> Drop for Beside<T> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            // While unwinding, a second panic would abort and hide the first.
            if !thread::panicking() {
                resume_unwind(panic);
            }
        }
    }
}
