//! What the world answers, byte by byte.

use fell::machine::{
    Birth, Errno, Gone, Identify, Identity, Inode, Inspect, Kind, Open, Position, Read, Reply,
    Request, Rmdir, Seek, StateName, Unlink, Walker,
};

/// EIO: any errno that the machine does not know is as good.
const EIO: Errno = Errno(5);
/// EMFILE.
const EMFILE: Errno = Errno(24);

/// An input that is read from its beginning; behind its end there are zeros.
pub(crate) struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Bytes<'a> {
        Bytes { rest }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn next(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((&first, rest)) => {
                self.rest = rest;
                first
            }
            None => 0,
        }
    }
}

/// An answer to a request: what goes on in about half of all cases.
pub(crate) fn hostile(
    request: &Request<u8>,
    walker: &Walker<u8>,
    bytes: &mut Bytes<'_>,
) -> Reply<u8> {
    let one = bytes.next();
    let gone = [Gone::Missing, Gone::Stale][usize::from(one >> 7)];
    match request {
        Request::OpenBase { .. }
        | Request::OpenRoot { .. }
        | Request::Open { .. }
        | Request::OpenParent { .. }
        | Request::OpenAbove { .. } => Reply::Open(match one % 16 {
            0 => Open::Gone(gone),
            1 => Open::NotDirectory,
            2 => Open::Exhausted(EMFILE),
            3 => Open::Mounted,
            4 => Open::Failed(EIO),
            _ => Open::Opened,
        }),
        Request::Identify { .. } => match one % 16 {
            0 => Reply::Identify(Identify::Gone(gone)),
            1 => Reply::Identify(Identify::Unsupported),
            2 => Reply::Identify(Identify::Failed(EIO)),
            _ => some_identity(walker, bytes),
        },
        Request::Inspect { .. } => Reply::Inspect(Inspect {
            births: one & 1 == 0,
            positions: one & 2 == 0,
        }),
        Request::Read { .. } => reading(one, gone, bytes),
        Request::Seek { .. } => Reply::Seek(match one % 8 {
            0 => Seek::Gone(gone),
            1 => Seek::Failed(EIO),
            _ => Seek::Sought,
        }),
        Request::Unlink { .. } => Reply::Unlink(unlinking(one, gone)),
        Request::Rmdir { .. } | Request::RmdirRoot { .. } => Reply::Rmdir(removing(one, gone)),
        Request::Close { .. } => Reply::Closed,
    }
}

fn unlinking(one: u8, gone: Gone) -> Unlink {
    match one % 8 {
        0 => Unlink::Gone(gone),
        1 | 2 => Unlink::IsDirectory,
        3 => Unlink::Denied(EIO),
        4 => Unlink::Failed(EIO),
        _ => Unlink::Removed,
    }
}

fn removing(one: u8, gone: Gone) -> Rmdir {
    match one % 16 {
        0 => Rmdir::Gone(gone),
        1..6 => Rmdir::NotEmpty,
        6 | 7 => Rmdir::NotDirectory,
        8 => Rmdir::Busy,
        9 => Rmdir::Failed(EIO),
        _ => Rmdir::Removed,
    }
}

fn reading(one: u8, gone: Gone, bytes: &mut Bytes<'_>) -> Reply<u8> {
    Reply::Read(match one % 16 {
        0 => Read::Gone(gone),
        1 => Read::Failed(EIO),
        2..6 => Read::End,
        kind => Read::Entry {
            name: one,
            kind: match kind {
                6 | 7 => Kind::File,
                8 => Kind::Unknown,
                _ => Kind::Directory,
            },
            position: Position(u64::from(bytes.next())),
        },
    })
}

/// The directory `number`, where nearly all of them are.
pub(crate) fn identity(number: u64) -> Reply<u8> {
    Reply::Identify(Identify::Is(Identity {
        mount: 1,
        device: 1,
        inode: Inode {
            number,
            birth: Birth(7),
        },
    }))
}

/// Some directory: one on the way, a foreign one, one whose birth is not told, or any.
fn some_identity(walker: &Walker<u8>, bytes: &mut Bytes<'_>) -> Reply<u8> {
    let (one, number) = (bytes.next(), u64::from(bytes.next()));
    let levels = walker.levels();
    let up = |count: usize| match levels.len().checked_sub(count) {
        Some(level) if level < levels.len() => levels[level].inode.number,
        _ => 1,
    };
    let is_up = walker.state().name() == StateName::Ascend;
    let (mount, device, birth) = match one % 16 {
        0 => (2, 1, Birth(7)),
        1 => (1, 2, Birth(7)),
        2 => (1, 1, Birth::UNKNOWN),
        _ => (1, 1, Birth(7)),
    };
    let number = match one >> 4 {
        0 => up(1),
        1 => up(2),
        // The parent where `..` is asked for, and its parent where that is; the root else.
        2..6 if is_up => up(2),
        6..10 if is_up => up(3),
        2..10 if levels.is_empty() => 2,
        _ => 3 + number,
    };
    Reply::Identify(Identify::Is(Identity {
        mount,
        device,
        inode: Inode { number, birth },
    }))
}

/// The answer after which there is least to do.
pub(crate) fn friendly(request: &Request<u8>) -> Reply<u8> {
    match request {
        Request::OpenBase { .. }
        | Request::OpenRoot { .. }
        | Request::Open { .. }
        | Request::OpenParent { .. }
        | Request::OpenAbove { .. } => Reply::Open(Open::Gone(Gone::Missing)),
        Request::Identify { .. } => Reply::Identify(Identify::Gone(Gone::Missing)),
        Request::Inspect { .. } => Reply::Inspect(Inspect {
            births: true,
            positions: true,
        }),
        Request::Read { .. } => Reply::Read(Read::End),
        Request::Seek { .. } => Reply::Seek(Seek::Sought),
        Request::Unlink { .. } => Reply::Unlink(Unlink::Removed),
        Request::Rmdir { .. } | Request::RmdirRoot { .. } => Reply::Rmdir(Rmdir::Removed),
        Request::Close { .. } => Reply::Closed,
    }
}
