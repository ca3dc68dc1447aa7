//! A FUSE server: the kernel's questions to a [`Tree`](super::tree::Tree), or to whatever a test puts
//! before it.
//!
//! The protocol is spoken here and not by a library, for one that is well-behaved cannot give no type,
//! a name with a NUL or a position that goes back. What is spoken is little: looking up, attributes,
//! listing, removing. Nothing may be cached: every answer is valid for no time. Absent: reading,
//! writing, links, birth times (the kernel asks for them by STATX, which is not there).

use super::tree::{Answer, Call, Kind, Listed, Node, Tree};
use crate::support::privilege::{mount_fuse, require};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What a test says in the tree's place; nothing leaves it to the tree.
pub(crate) type Said = Option<Result<Answer, Errno>>;

/// What a test puts before the tree.
pub(crate) type Twist = dyn FnMut(&mut Tree, &Call) -> Said + Send;

/// A mounted file system. Unmounted when dropped.
pub(crate) struct Mount {
    at: PathBuf,
    tree: Arc<Mutex<Tree>>,
    calls: Arc<AtomicU64>,
    server: Option<JoinHandle<()>>,
    ended: Receiver<()>,
}

impl Mount {
    /// Mounts `tree` at the directory `at`, in a mount namespace of the test's own. Nothing where there
    /// is no FUSE.
    #[track_caller]
    pub(crate) fn new(at: &Path, tree: Tree, twist: Box<Twist>) -> Option<Mount> {
        let device = OpenOptions::new().read(true).write(true).open("/dev/fuse");
        let device = match device {
            Ok(device) => device,
            Err(error) => {
                let there = require(false, &format!("/dev/fuse does not open: {error}"));
                assert!(!there);
                return None;
            }
        };
        mount_fuse(&device, at);
        let tree = Arc::new(Mutex::new(tree));
        let calls = Arc::new(AtomicU64::new(0));
        let (end, ended) = channel();
        let mut server = Server {
            device,
            tree: Arc::clone(&tree),
            calls: Arc::clone(&calls),
            twist,
        };
        let server = thread::spawn(move || {
            server.serve();
            let _ = end.send(());
        });
        Some(Mount {
            at: at.to_path_buf(),
            tree,
            calls,
            server: Some(server),
            ended,
        })
    }

    /// What is left in the tree.
    pub(crate) fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().expect("the server does not panic")
    }

    /// How often the server was asked.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let unmounted = unmount(&self.at, UnmountFlags::DETACH);
        // The kernel hangs up once nobody holds anything of it open.
        let ended = self.ended.recv_timeout(Duration::from_secs(20));
        if thread::panicking() {
            return;
        }
        unmounted.expect("it is mounted");
        // An error: the server panicked, or a descriptor of the file system is still open.
        if ended.is_ok() || self.server.as_ref().is_some_and(JoinHandle::is_finished) {
            let server = self.server.take().expect("it is joined once");
            server.join().expect("the server does not panic");
        } else {
            panic!("something of the file system is still open");
        }
    }
}

struct Server {
    device: File,
    tree: Arc<Mutex<Tree>>,
    calls: Arc<AtomicU64>,
    twist: Box<Twist>,
}

// Numbers of the operations that are answered, by the kernel's `fuse.h`.
const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const GETATTR: u32 = 3;
const UNLINK: u32 = 10;
const RMDIR: u32 = 11;
const INIT: u32 = 26;
const OPENDIR: u32 = 27;
const READDIR: u32 = 28;
const RELEASEDIR: u32 = 29;
const INTERRUPT: u32 = 36;
const BATCH_FORGET: u32 = 42;

/// Of a request: length, operation, number of the request, node, and who asks.
const HEADER: usize = 40;
/// The kernel reads no more of the protocol's newer parts than this version has.
const VERSION: (u32, u32) = (7, 31);
/// The least the kernel allows, and enough: nothing is written.
const MAX_WRITE: u32 = 4096;

/// One request of the kernel.
struct Asked<'a> {
    operation: u32,
    number: u64,
    node: u64,
    body: &'a [u8],
}

impl Server {
    /// Answers until the file system is unmounted.
    fn serve(&mut self) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let length = match self.device.read(&mut buffer) {
                Ok(length) => length,
                Err(error) => match Errno::from_io_error(&error) {
                    Some(Errno::NODEV) => return,
                    // A request was taken back.
                    Some(Errno::NOENT | Errno::INTR | Errno::AGAIN) => continue,
                    other => panic!("reading from /dev/fuse: {other:?}"),
                },
            };
            let asked = Asked {
                operation: u32_at(&buffer, 4),
                number: u64_at(&buffer, 8),
                node: u64_at(&buffer, 16),
                body: &buffer[HEADER..length],
            };
            let reply = self.reply(&asked);
            if let Some(reply) = reply {
                self.send(asked.number, reply);
            }
        }
    }

    /// Nothing where the kernel expects no reply.
    fn reply(&mut self, asked: &Asked<'_>) -> Option<Result<Vec<u8>, Errno>> {
        match asked.operation {
            FORGET | BATCH_FORGET | INTERRUPT => None,
            INIT => Some(Ok(init())),
            RELEASEDIR => Some(Ok(Vec::new())),
            operation => Some(match call(asked) {
                Some(call) => self.answer(&call).map(|answer| match answer {
                    Answer::Node(node) if operation == LOOKUP => entry(node),
                    Answer::Node(node) => [vec![0; 16], attributes(node)].concat(),
                    Answer::Listed(listed) => listing(&listed, u32_at(asked.body, 16)),
                    // Of an opening: a handle and flags, none of which allows caching.
                    Answer::Done if operation == OPENDIR => vec![0; 16],
                    Answer::Done => Vec::new(),
                }),
                None => Err(Errno::NOSYS),
            }),
        }
    }

    fn answer(&mut self, call: &Call) -> Result<Answer, Errno> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut tree = self.tree.lock().expect("nobody panics with it");
        (self.twist)(&mut tree, call).unwrap_or_else(|| tree.answer(call))
    }

    fn send(&mut self, number: u64, reply: Result<Vec<u8>, Errno>) {
        let (error, body) = match reply {
            Ok(body) => (0, body),
            Err(errno) => (-errno.raw_os_error(), Vec::new()),
        };
        let length = u32::try_from(16 + body.len()).expect("a page or so");
        let mut message = length.to_ne_bytes().to_vec();
        message.extend(error.to_ne_bytes());
        message.extend(number.to_ne_bytes());
        message.extend(body);
        // An error: who asked does not wait any more, or has unmounted.
        let _ = self.device.write(&message);
    }
}

/// Which call a request is.
fn call(asked: &Asked<'_>) -> Option<Call> {
    let (dir, node) = (asked.node, asked.node);
    let name = || {
        asked
            .body
            .strip_suffix(b"\0")
            .unwrap_or(asked.body)
            .to_vec()
    };
    match asked.operation {
        LOOKUP => Some(Call::Lookup { dir, name: name() }),
        GETATTR => Some(Call::Attributes { node }),
        OPENDIR => Some(Call::Open { dir }),
        READDIR => Some(Call::List {
            dir,
            position: u64_at(asked.body, 8),
        }),
        UNLINK => Some(Call::Unlink { dir, name: name() }),
        RMDIR => Some(Call::Rmdir { dir, name: name() }),
        _ => None,
    }
}

fn init() -> Vec<u8> {
    let (major, minor) = VERSION;
    // Version, read-ahead, flags; requests in the background; the most that is written; the rest 0.
    let words = [major, minor, 0, 0, 0, MAX_WRITE, 1];
    let mut reply: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    reply.resize(64, 0);
    reply
}

/// The answer to a lookup: the node, its generation, and for how long name and attributes are valid.
fn entry(node: Node) -> Vec<u8> {
    let mut reply = node.id.to_ne_bytes().to_vec();
    reply.resize(40, 0);
    reply.extend(attributes(node));
    reply
}

fn attributes(node: Node) -> Vec<u8> {
    let mode = if node.directory { 0o040_755 } else { 0o100_644 };
    // Size, blocks and times are 0; then the times' nanoseconds.
    let long = [node.inode, 0, 0, 0, 0, 0].map(u64::to_ne_bytes).concat();
    let links = if node.directory { 2 } else { 1 };
    let short = [0, 0, 0, mode, links, 0, 0, 0, 4096, 0].map(u32::to_ne_bytes);
    [long, short.concat()].concat()
}

fn listing(listed: &[Listed], room: u32) -> Vec<u8> {
    let mut reply = Vec::new();
    for entry in listed {
        let kind: u32 = match entry.kind {
            Kind::Unknown => 0,
            Kind::Directory => 4,
            Kind::File => 8,
        };
        let length = u32::try_from(entry.name.len()).expect("a name");
        let mut packed = [entry.inode, entry.position].map(u64::to_ne_bytes).concat();
        packed.extend([length, kind].map(u32::to_ne_bytes).concat());
        packed.extend(&entry.name);
        packed.resize(packed.len().next_multiple_of(8), 0);
        if reply.len() + packed.len() > room as usize {
            break;
        }
        reply.extend(packed);
    }
    reply
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().expect("4 bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bytes[at..at + 8].try_into().expect("8 bytes"))
}
