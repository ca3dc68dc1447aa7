//! Trees to remove, what must survive beside them, and pictures of both.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::{
    Access, AtFlags, CWD, FileType, Mode, OFlags, access, linkat, makedev, mkdirat, mknodat, openat,
};
use rustix::io::{Errno, Result};
use rustix::path::Arg;

use super::clear::clear;

/// Stand beside the root, with names that are nearly its own.
const BESIDE: &str = "
    .tree
    tre/
    tree.bak/file
    tree2/deep/er/file
    tree2/to-tree -> ../tree
    tree~
    to-tree -> tree
";

/// Stand outside the root's parent; links in the tree and mounts in it lead here.
const OUTSIDE: &str = "
    file
    dir/file
    dir/empty/
    dir/sub/file
    dir/link -> ../file
";

/// A temporary directory with a root to remove in it, empty at first, and canaries around it.
///
/// ```text
/// fell-XXXXXX/parent/        base(): opened to be the root's parent
/// fell-XXXXXX/parent/tree/   root()
/// fell-XXXXXX/parent/...     canaries with names like the root's
/// fell-XXXXXX/outside/       outside(): canaries that links and mounts lead to
/// fell-XXXXXX/aside/         aside(): what a test wants beside the tree and does not want watched
/// ```
///
/// Everybody may reach it (mode 0755). Dropped, it is gone, whatever is in it: see
/// [`clear`](super::clear).
#[derive(Debug)]
pub struct Site {
    top: PathBuf,
    base: PathBuf,
    root: PathBuf,
    canaries: Snapshot,
}

impl Site {
    /// Builds one in `FELL_TEST_DIR`, otherwise in `/dev/shm` where that is writable, otherwise in
    /// the temporary directory.
    #[track_caller]
    pub fn new() -> Self {
        Self::in_place(&place())
    }

    /// Builds one in the directory `place`.
    #[track_caller]
    pub fn in_place(place: &Path) -> Self {
        fs::create_dir_all(place).unwrap_or_else(|e| panic!("mkdir -p {}: {e}", place.display()));
        let dir = tempfile::Builder::new()
            .prefix("fell-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in(place)
            .unwrap_or_else(|e| panic!("no directory in {}: {e}", place.display()));
        // Kept from its own way of cleaning up, which is std's: too deep a tree overflows its stack.
        let top = dir.keep();
        let base = top.join("parent");
        let root = base.join("tree");
        let mut site = Self {
            top,
            base,
            root,
            canaries: Snapshot::new(),
        };
        fs::create_dir_all(&site.root).expect("mkdir of the root");
        fs::create_dir(site.aside()).expect("mkdir aside");
        fs::create_dir(site.outside()).expect("mkdir outside");
        from_spec(&site.base, BESIDE);
        from_spec(&site.outside(), OUTSIDE);
        site.canaries = site.living();
        site
    }

    /// The tree to remove.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The parent of the root.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Canaries that are not in the root's parent: `file`, `dir/file`, `dir/empty/`,
    /// `dir/sub/file`, `dir/link`.
    pub fn outside(&self) -> PathBuf {
        self.top.join("outside")
    }

    /// An empty directory on the same file system for what else a test needs; not watched.
    pub fn aside(&self) -> PathBuf {
        self.top.join("aside")
    }

    /// Gives the whole site, canaries included, to another user and group: what nobody could touch
    /// anyway would be no canary for nobody. What is made afterwards stays the caller's.
    #[track_caller]
    pub fn give_to(&self, owner: u32) {
        walk(&self.top, None, &mut |path| {
            lchown(path, Some(owner), Some(owner))
                .unwrap_or_else(|e| panic!("chown {}: {e}", path.display()));
        });
    }

    /// What was added to `base()` beside the root and to `outside()` is a canary from now on.
    pub fn watch_all(&mut self) {
        self.canaries = self.living();
    }

    /// What happened to the canaries: empty when every one is there, is the same inode and holds
    /// what it held, and nothing has joined them.
    pub fn damage(&self) -> Vec<String> {
        differences(&self.canaries, &self.living())
    }

    /// Panics with the damage, if there is any.
    #[track_caller]
    pub fn assert_canaries(&self) {
        assert_same(&self.canaries, &self.living());
    }

    fn living(&self) -> Snapshot {
        let mut living = picture(&self.base, Some(&self.root));
        living.extend(picture(&self.outside(), None));
        living
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let complaints = clear(&self.top);
        // A test that leaves something behind for good is wrong, or `clear` is. While unwinding, a
        // second panic would abort and hide the first.
        if !complaints.is_empty() {
            let text = format!("{} is not gone: {complaints:#?}", self.top.display());
            assert!(thread::panicking(), "{text}");
            eprintln!("{text}");
        }
    }
}

fn place() -> PathBuf {
    const SHM: &str = "/dev/shm";
    match env::var_os("FELL_TEST_DIR") {
        Some(dir) => PathBuf::from(dir),
        None if access(SHM, Access::WRITE_OK | Access::EXEC_OK).is_ok() => PathBuf::from(SHM),
        None => env::temp_dir(),
    }
}

// ---- builders: each adds to an existing directory ----

/// `depth` directories called `d`, each in the one before. Answers the deepest, open, since no
/// path may reach it.
#[track_caller]
pub fn chain(at: &Path, depth: usize) -> OwnedFd {
    let mut dir = open_dir(CWD, at, OFlags::PATH);
    for _ in 0..depth {
        mkdirat(&dir, c"d", Mode::from_raw_mode(0o755)).expect("mkdir in a chain");
        dir = open_dir(&dir, c"d", OFlags::PATH);
    }
    open_dir(&dir, c".", OFlags::RDONLY)
}

/// Empty files `f0`, `f1`, ... and empty directories `d0`, `d1`, ...
#[track_caller]
pub fn wide(at: &Path, files: usize, dirs: usize) {
    let dir = open_dir(CWD, at, OFlags::PATH);
    for i in 0..files {
        make_node(&dir, format!("f{i}"), FileType::RegularFile, 0).expect("a file");
    }
    for i in 0..dirs {
        mkdirat(&dir, format!("d{i}"), Mode::from_raw_mode(0o755)).expect("a directory");
    }
}

/// The tree of koji's tests, `a/{i}/c/d/{j}/e/f/{k}/g/h` for all i, j, k below `n`, with a file
/// beside every `c`, `e` and `h`.
#[track_caller]
pub fn complex(at: &Path, n: usize) {
    let dirs = |path: &Path| fs::create_dir_all(path).expect("mkdir -p");
    let file = |path: PathBuf| fs::write(path, "complex\n").expect("a file");
    for i in 0..n {
        let i = at.join(format!("a/{i}"));
        for j in 0..n {
            let j = i.join(format!("c/d/{j}"));
            for k in 0..n {
                let g = j.join(format!("e/f/{k}/g"));
                dirs(&g.join("h"));
                file(g.join("file"));
            }
            file(j.join("file"));
        }
        file(i.join("file"));
    }
}

/// A tree from one path a line: `dir/`, `link -> target`, otherwise a file that holds its own path
/// and a newline. Parents make themselves; indentation and empty lines say nothing.
#[track_caller]
pub fn from_spec(at: &Path, spec: &str) {
    for line in spec.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, target) = match line.split_once(" -> ") {
            Some((name, target)) => (name, Some(target)),
            None => (line, None),
        };
        let path = at.join(name);
        let made = if name.ends_with('/') {
            fs::create_dir_all(&path)
        } else {
            let parent = path.parent().expect("it was joined");
            fs::create_dir_all(parent).and_then(|()| match target {
                Some(target) => symlink(target, &path),
                None => fs::write(&path, format!("{name}\n")),
            })
        };
        made.unwrap_or_else(|e| panic!("`{line}` in {}: {e}", at.display()));
    }
}

/// Names that scripts and careless programs trip over.
pub fn odd_names() -> Vec<OsString> {
    let mut names: Vec<Vec<u8>> = [
        &b"new\nline"[..],
        b"invalid \xff\xfe UTF-8",
        b"-rf",
        b"--",
        b" spaces around ",
        b"\t",
        b".hidden",
        b"...",
        b"*",
        b"back\\slash",
        b"\x1b[31mred",
        "ümlaut".as_bytes(),
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    names.push(vec![b'x'; 255]);
    names.push(vec![0xff; 255]);
    names.into_iter().map(OsString::from_vec).collect()
}

/// A directory of each of the [`odd_names`], with a file of the same name and an empty directory
/// called by a space in it.
#[track_caller]
pub fn make_odd_names(at: &Path) {
    for name in odd_names() {
        let dir = at.join(&name);
        fs::create_dir(&dir)
            .and_then(|()| fs::write(dir.join(&name), "odd\n"))
            .expect("an odd name");
        fs::create_dir(dir.join(" ")).expect("an odd directory");
    }
}

/// What is neither file nor directory: `fifo`, `socket`, `device` (where one may be made),
/// `dangling`, `loop-a` and `loop-b`, `self`, links to the canaries `to-dir` and `to-file`, and
/// `hardlink`, a second name of a canary.
#[track_caller]
pub fn odd_types(at: &Path, site: &Site) {
    let dir = open_dir(CWD, at, OFlags::PATH);
    make_node(&dir, "fifo", FileType::Fifo, 0).expect("a FIFO");
    make_node(&dir, "socket", FileType::Socket, 0).expect("a socket");
    // The null device where that is allowed, otherwise device 0:0, which anybody may make since
    // Linux 5.8, but not where user namespaces mount.
    make_node(&dir, "device", FileType::CharacterDevice, makedev(1, 3))
        .or_else(|_| make_node(&dir, "device", FileType::CharacterDevice, 0))
        .or_else(|error| {
            if error == Errno::PERM {
                Ok(())
            } else {
                Err(error)
            }
        })
        .expect("a device");
    let outside = site.outside();
    for (name, target) in [
        ("dangling", Path::new("nowhere")),
        ("loop-a", Path::new("loop-b")),
        ("loop-b", Path::new("loop-a")),
        ("self", Path::new("self")),
        ("to-dir", &outside.join("dir")),
        ("to-file", &outside.join("file")),
    ] {
        symlink(target, at.join(name)).expect("a link");
    }
    linkat(
        CWD,
        outside.join("file"),
        &dir,
        "hardlink",
        AtFlags::empty(),
    )
    .expect("a hard link");
}

#[track_caller]
fn open_dir(at: impl AsFd, name: impl Arg, how: OFlags) -> OwnedFd {
    let flags = how | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(at, name, flags, Mode::empty()).expect("a directory opens")
}

fn make_node(dir: &OwnedFd, name: impl Arg, kind: FileType, device: u64) -> Result<()> {
    mknodat(dir, name, kind, Mode::from_raw_mode(0o644), device)
}

// ---- pictures ----

/// What stood where. Paths are those that were asked for, continued.
pub type Snapshot = BTreeMap<PathBuf, Entry>;

/// An entry in a [`Snapshot`]. Times and link counts are left out: neighbours change them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Device and inode.
    pub identity: (u64, u64),
    /// Type and permissions.
    pub mode: u32,
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Directory,
    File(Vec<u8>),
    Link(PathBuf),
    /// A FIFO, a socket or a device.
    Special,
    /// A file or a directory that this user may not read.
    Unreadable,
}

/// All entries at and below `path`, with paths relative to it (its own is empty). Nothing if there
/// is no `path`. For trees that paths reach.
#[track_caller]
pub fn snapshot(path: &Path) -> Snapshot {
    let relative = |full: PathBuf| full.strip_prefix(path).expect("it is below").to_path_buf();
    picture(path, None)
        .into_iter()
        .map(|(full, entry)| (relative(full), entry))
        .collect()
}

/// How many entries are below `path` (itself not counted).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Whatever is no directory.
    pub files: u64,
    pub dirs: u64,
}

/// Counts the entries below the directory `path`. For trees that paths reach.
#[track_caller]
pub fn census(path: &Path) -> Census {
    let mut census = Census::default();
    walk(path, None, &mut |entry| {
        let is_dir = fs::symlink_metadata(entry).is_ok_and(|found| found.is_dir());
        *(if is_dir {
            &mut census.dirs
        } else {
            &mut census.files
        }) += 1;
    });
    census.dirs = census.dirs.checked_sub(1).expect("a census of a directory");
    census
}

/// Panics with the differences, if there are any.
#[track_caller]
pub fn assert_same(before: &Snapshot, after: &Snapshot) {
    let lines = differences(before, after);
    assert!(lines.is_empty(), "entries differ:\n{}", lines.join("\n"));
}

/// The differences, a line each.
pub fn differences(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    for (path, was) in before {
        match after.get(path) {
            None => lines.push(format!("gone     {}", describe(path, was))),
            Some(is) if is != was => {
                let now = describe(Path::new("now"), is);
                lines.push(format!("changed  {}, {now}", describe(path, was)));
            }
            Some(_) => {}
        }
    }
    for (path, is) in after.iter().filter(|(path, _)| !before.contains_key(*path)) {
        lines.push(format!("new      {}", describe(path, is)));
    }
    lines
}

fn describe(path: &Path, entry: &Entry) -> String {
    let content = match &entry.content {
        Content::File(bytes) => {
            let start = &bytes[..bytes.len().min(40)];
            format!("file of {} bytes \"{}\"", bytes.len(), start.escape_ascii())
        }
        other => format!("{other:?}"),
    };
    let path = path.as_os_str().as_bytes().escape_ascii();
    format!("{path}: {content} {:o} {:?}", entry.mode, entry.identity)
}

fn picture(top: &Path, skip: Option<&Path>) -> Snapshot {
    let mut found = Snapshot::new();
    walk(top, skip, &mut |path| {
        let Ok(metadata) = fs::symlink_metadata(path) else {
            return;
        };
        let kind = metadata.file_type();
        let content = if kind.is_dir() {
            if fs::read_dir(path).is_ok() {
                Content::Directory
            } else {
                Content::Unreadable
            }
        } else if kind.is_symlink() {
            Content::Link(fs::read_link(path).expect("a link can be read"))
        } else if kind.is_file() {
            fs::read(path).map_or(Content::Unreadable, Content::File)
        } else {
            Content::Special
        };
        let identity = (metadata.dev(), metadata.ino());
        found.insert(
            path.to_path_buf(),
            Entry {
                identity,
                mode: metadata.mode(),
                content,
            },
        );
    });
    found
}

/// Shows `top` and every entry below it that can be reached, but nothing at or below `skip`. No
/// link is followed.
fn walk(top: &Path, skip: Option<&Path>, see: &mut dyn FnMut(&Path)) {
    let mut waiting = vec![top.to_path_buf()];
    while let Some(path) = waiting.pop() {
        if skip == Some(&path) {
            continue;
        }
        see(&path);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            waiting.extend(entries.map(|entry| entry.path()));
        }
    }
}
