//! Which directory a descriptor is, and what its file system keeps its word on.

use super::calls::MountIds;
use super::errno;
use crate::machine::{Birth, Identify, Identity, Inode, Inspect};
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::fs::{AtFlags, Statx, StatxFlags};
use rustix::io::{Errno, retry_on_intr};

/// statx(2), and for the mount id what `mount_ids` says.
///
/// The time of the last change is asked for and not looked at. Births are stamped with the clock
/// tick, so that within one tick a number could come again with the birth that it had (ext4, xfs).
/// Since Linux 6.13 a change of what somebody asked that time of is stamped finely, the removal of
/// a directory too, and nothing made later gets an earlier stamp: its birth is then another one.
pub(super) fn identify(fd: BorrowedFd<'_>, mount_ids: MountIds) -> Identify {
    let mask = StatxFlags::INO | StatxFlags::BTIME | StatxFlags::MNT_ID | StatxFlags::CTIME;
    match retry_on_intr(|| rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, mask)) {
        Err(errno) => errno::identify(errno),
        Ok(stat) => match mount_id(fd, &stat, mount_ids) {
            Err(errno) => errno::identify(errno),
            Ok(None) => Identify::Unsupported,
            Ok(Some(mount)) => Identify::Is(Identity {
                mount,
                device: u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor),
                inode: Inode {
                    number: stat.stx_ino,
                    birth: birth(&stat),
                },
            }),
        },
    }
}

/// Nanoseconds since 1970 reach the year 2262; a birth beyond is as good as unknown.
fn birth(stat: &Statx) -> Birth {
    if stat.stx_mask & StatxFlags::BTIME.bits() == 0 {
        return Birth::UNKNOWN;
    }
    let seconds = stat.stx_btime.tv_sec.checked_mul(1_000_000_000);
    let nanoseconds = seconds.and_then(|s| s.checked_add(i64::from(stat.stx_btime.tv_nsec)));
    nanoseconds.map_or(Birth::UNKNOWN, Birth)
}

fn mount_id(fd: BorrowedFd<'_>, stat: &Statx, mount_ids: MountIds) -> Result<Option<u64>, Errno> {
    let told = stat.stx_mask & StatxFlags::MNT_ID.bits() != 0;
    match mount_ids {
        MountIds::Statx if told => Ok(Some(stat.stx_mnt_id)),
        MountIds::Statx | MountIds::Fdinfo => mount_id_of_fdinfo(fd),
        MountIds::Absent => Ok(None),
    }
}

/// The line `mnt_id:` of `/proc/thread-self/fdinfo`, see proc(5). No such file, or no such line, is a system
/// that cannot tell; no descriptor to read it with is an error that passes.
fn mount_id_of_fdinfo(fd: BorrowedFd<'_>) -> Result<Option<u64>, Errno> {
    let path = format!("/proc/thread-self/fdinfo/{}", fd.as_raw_fd());
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text
            .lines()
            .find_map(|line| line.strip_prefix("mnt_id:"))
            .and_then(|id| id.trim().parse().ok())),
        Err(error) => match Errno::from_io_error(&error) {
            Some(errno @ (Errno::MFILE | Errno::NFILE | Errno::NOMEM)) => Err(errno),
            Some(_) | None => Ok(None),
        },
    }
}

/// fstatfs(2): positions are trusted only where they were seen to stay, births everywhere but on
/// overlayfs, where copy-up changes them.
pub(super) fn inspect(fd: BorrowedFd<'_>) -> Inspect {
    const EXT4: u64 = 0xEF53;
    const XFS: u64 = 0x5846_5342;
    const BTRFS: u64 = 0x9123_683E;
    const TMPFS: u64 = 0x0102_1994;
    const OVERLAYFS: u64 = 0x794C_7630;
    // 32-bit systems sign-extend; the magic numbers have 32 bits.
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast)]
    let magic = retry_on_intr(|| rustix::fs::fstatfs(fd)).map(|fs| fs.f_type as u64 & 0xFFFF_FFFF);
    match magic {
        Ok(EXT4 | XFS | BTRFS) => Inspect {
            births: true,
            positions: true,
        },
        Ok(TMPFS) => Inspect {
            births: true,
            positions: has_stable_offsets(),
        },
        Ok(OVERLAYFS) | Err(_) => Inspect {
            births: false,
            positions: false,
        },
        Ok(_) => Inspect {
            births: true,
            positions: false,
        },
    }
}

/// tmpfs numbers its entries since Linux 6.6; before, a position was a count, and moved with every
/// removal.
fn has_stable_offsets() -> bool {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (6, 6),
        _ => false,
    }
}
