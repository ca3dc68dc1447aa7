"""What is answered for a directory that somebody else removed or moved: a table, measured.

Each call has a victim of its own, for an answer of ESTALE changes the ones after it.
"""

import ctypes
import errno
import os
import shutil
import stat
import time

ONE, TWO, LOCAL = (os.environ[name] for name in ("ONE", "TWO", "LOCAL"))
TIMES = 3
# Longer than what an attribute is believed for (actimeo=1).
LONG = 1.6
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
libc = ctypes.CDLL(None, use_errno=True)


def getdents(fd):
    return " ".join(f"`{name}`" for name, _ in sorted(entries(fd))) or "end"


def entries(fd):
    """Name and type of each, by one getdents64: libc's readdir would hide ENOENT as an end."""
    buffer = ctypes.create_string_buffer(1 << 15)
    size = libc.getdents64(fd, buffer, len(buffer))
    if size < 0:
        raise OSError(ctypes.get_errno(), "getdents64")
    found, at = [], 0
    while at < size:
        length = int.from_bytes(buffer.raw[at + 16 : at + 18], "little")
        name = buffer.raw[at + 19 : at + length].split(b"\0")[0].decode()
        found.append((name, buffer.raw[at + 18]))
        at += length
    return found


def opened(name, parent):
    fd = os.open(name, DIRECTORY, dir_fd=parent)
    os.close(fd)


def opened_parent(victim):
    """Which directory `..` reaches, and whether that is dead."""
    fd = os.open("..", DIRECTORY, dir_fd=victim.d)
    try:
        found = os.fstat(fd)
        which = "q" if found.st_ino == victim.q_inode else "elsewhere"
        return f"ok: {which}, nlink 0" if found.st_nlink == 0 else f"ok: {which}"
    finally:
        os.close(fd)


def chdir(victim, then=None):
    """By way of the working directory, as koji goes."""
    os.fchdir(victim.d)
    try:
        if then:
            os.chdir(then)
        return "ok"
    finally:
        os.chdir("/")


class Victim:
    """p/q/d, held open all three, with a directory, a file and a symlink in d."""

    def __init__(self, world, name):
        self.path = f"{world.here}/{name}"
        os.makedirs(f"{self.path}/q/d/c")
        for file in ("q/d/f", "q/f"):
            os.close(os.open(f"{self.path}/{file}", os.O_CREAT | os.O_WRONLY))
        os.symlink("c", f"{self.path}/q/d/link")
        self.p = os.open(self.path, DIRECTORY)
        self.q = os.open(f"{self.path}/q", DIRECTORY)
        self.d = os.open(f"{self.path}/q/d", DIRECTORY)
        self.q_inode = os.fstat(self.q).st_ino
        # Its names are known here, and all but d was listed once.
        for known in ("f", "c", "link"):
            os.lstat(f"{self.path}/q/d/{known}")
        os.listdir(self.path)
        os.listdir(f"{self.path}/q")
        self.there = f"{world.there}/{name}"

    def close(self):
        for fd in (self.p, self.q, self.d):
            os.close(fd)


def fstat(victim):
    return f"ok, nlink {os.fstat(victim.d).st_nlink}"


def sought(victim):
    os.lseek(victim.d, 0, os.SEEK_SET)
    return getdents(victim.d)


# What is called, how, and what was done with d before it was removed.
CALLS = (
    ("d: open its child", lambda v: opened("c", v.d)),
    ("d: open a name it never had", lambda v: opened("absent", v.d)),
    ("d: open `..`", opened_parent),
    ("d: getdents64", lambda v: getdents(v.d)),
    ("d: getdents64, listed before by another", lambda v: getdents(v.d), "listed"),
    ("d: getdents64, listed before by the same, sought to 0", sought, "listed by it"),
    ("d: unlinkat its file", lambda v: os.unlink("f", dir_fd=v.d)),
    ("d: unlinkat its child, AT_REMOVEDIR", lambda v: os.rmdir("c", dir_fd=v.d)),
    ("d: mkdirat", lambda v: os.mkdir("new", dir_fd=v.d)),
    ("d: fstat", fstat),
    ("d: fchdir", chdir),
    ("d: fchdir, chdir `..`", lambda v: chdir(v, "..")),
    ("q: open d", lambda v: opened("d", v.q)),
    ("q: unlinkat d, AT_REMOVEDIR", lambda v: os.rmdir("d", dir_fd=v.q)),
    ("q: getdents64", lambda v: getdents(v.q)),
    ("p: open q", lambda v: opened("q", v.p)),
)


def remove_d(victim):
    shutil.rmtree(f"{victim.there}/q/d")


def remove_q(victim):
    shutil.rmtree(f"{victim.there}/q")


def move_d(victim):
    os.mkdir(f"{victim.there}/elsewhere")
    os.rename(f"{victim.there}/q/d", f"{victim.there}/elsewhere/d")


ACTS = (
    ("d was removed", remove_d),
    ("q was removed, and d with it", remove_q),
    ("d was moved to p/elsewhere", move_d),
)


class World:
    def __init__(self, title, here, there, wait):
        self.title, self.here, self.there, self.wait = title, here, there, wait


WORLDS = (
    World("tmpfs", LOCAL, LOCAL, 0),
    World("NFS, by this client", ONE, ONE, 0),
    World("NFS, by the other, at once", ONE, TWO, 0),
    World(f"NFS, by the other, {LONG} s later", ONE, TWO, LONG),
)


def answer(call, *words):
    try:
        told = call(*words)
        return "ok" if told is None else told
    except OSError as error:
        return errno.errorcode[error.errno]


def directories():
    for number, (what, act) in enumerate(ACTS):
        columns = []
        for column, world in enumerate(WORLDS):
            answers = [set() for _ in CALLS]
            later = []
            for turn in range(TIMES):
                for row, (_, call, *before) in enumerate(CALLS):
                    victim = Victim(world, f"probe{number}-{column}-{turn}-{row}")
                    if before == ["listed"]:
                        os.listdir(f"{victim.path}/q/d")
                    elif before:
                        getdents(victim.d)
                    act(victim)
                    if world.wait:
                        later.append((row, call, victim))
                        continue
                    answers[row].add(answer(call, victim))
                    victim.close()
            time.sleep(world.wait)
            for row, call, victim in later:
                answers[row].add(answer(call, victim))
                victim.close()
            columns.append(answers)
        table(
            [what, *(world.title for world in WORLDS)],
            [
                [title, *(" or ".join(sorted(answers[row])) for answers in columns)]
                for row, (title, *_) in enumerate(CALLS)
            ],
        )


def held_file(here):
    """A file that is unlinked while it is held open."""
    path = f"{here}/held-probe"
    os.makedirs(f"{path}/d")
    fd = os.open(f"{path}/d/f", os.O_CREAT | os.O_RDWR)
    yield "unlink a file held open here", answer(os.unlink, f"{path}/d/f")
    listed = os.listdir(f"{path}/d")
    yield "its directory then lists", "a `.nfs*`" if listed else "nothing"
    yield "rmdir that directory", answer(os.rmdir, f"{path}/d")
    if listed:
        yield "unlink the `.nfs*`", answer(os.unlink, f"{path}/d/{listed[0]}")
    os.close(fd)
    if listed:
        yield "rmdir once it is let go", answer(os.rmdir, f"{path}/d")


def types(here, there):
    """Of many entries that the other client made, as one getdents64 after another tells them."""
    path = "types-probe"
    os.mkdir(f"{there}/{path}")
    for number in range(1000):
        os.mkdir(f"{there}/{path}/d{number}")
    fd = os.open(f"{here}/{path}", DIRECTORY)
    known = unknown = 0
    while found := entries(fd):
        unknown += sum(kind == 0 for _, kind in found)
        known += sum(kind != 0 for _, kind in found)
    os.close(fd)
    yield "types in a listing of 1,000", f"{known} known, {unknown} unknown"


def kinds(here):
    """Calls on what is something else."""
    path = f"{here}/kinds-probe"
    os.makedirs(f"{path}/full/d")
    os.close(os.open(f"{path}/f", os.O_CREAT | os.O_RDWR))
    os.symlink("full", f"{path}/link")
    fd = os.open(path, DIRECTORY)
    yield "unlink a directory", answer(lambda: os.unlink("full", dir_fd=fd))
    yield "rmdir a file", answer(lambda: os.rmdir("f", dir_fd=fd))
    yield "rmdir a symlink to a directory", answer(lambda: os.rmdir("link", dir_fd=fd))
    yield "rmdir a directory with entries", answer(lambda: os.rmdir("full", dir_fd=fd))
    yield "open a file, O_DIRECTORY, O_NOFOLLOW", answer(opened, "f", fd)
    yield "open a symlink, O_DIRECTORY, O_NOFOLLOW", answer(opened, "link", fd)
    told = {kind for _, kind in entries(fd)}
    yield "types in a listing of 3 entries", "unknown, all or some" if 0 in told else "known"
    os.close(fd)


def caches(here, there, wait):
    """Names that the other client made, where this one remembers otherwise."""
    path = f"cache-probe{wait}"
    os.makedirs(f"{here}/{path}/d")
    fd = os.open(f"{here}/{path}", DIRECTORY)
    os.listdir(fd)
    answer(os.lstat, f"{here}/{path}/new")
    os.listdir(f"{here}/{path}/d")
    os.mkdir(f"{there}/{path}/new")
    os.mkdir(f"{there}/{path}/d/new")
    time.sleep(wait)
    yield "lstat a name that was absent a moment ago", answer(
        lambda: stat.S_ISDIR(os.lstat(f"{here}/{path}/new").st_mode) and "ok"
    )
    held = "new" in os.listdir(fd)
    yield "list again, held open", "new is listed" if held else "new is not listed"
    yield "rmdir a directory that was empty a moment ago", answer(os.rmdir, f"{here}/{path}/d")
    listed = os.listdir(f"{here}/{path}/d")
    yield "list that, opened again", "new is listed" if listed else "new is not listed"
    os.close(fd)


def table(head, rows):
    print(f"| {' | '.join(head)} |")
    print(f"| {' | '.join('---' for _ in head)} |")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def columns(*told):
    """The answers of several worlds side by side."""
    told = [list(one) for one in told]
    titles = max(told, key=len)
    answers = [dict(one) for one in told]
    return [[title, *(one.get(title, "") for one in answers)] for title, _ in titles]


def main():
    directories()
    table(["files held open", "tmpfs", "NFS"], columns(held_file(LOCAL), held_file(ONE)))
    table(["kinds", "tmpfs", "NFS"], columns(kinds(LOCAL), kinds(ONE)))
    table(["types", "tmpfs", "NFS"], columns(types(LOCAL, LOCAL), types(ONE, TWO)))
    table(
        ["the other client made `new`", "at once", f"{LONG} s later"],
        columns(caches(ONE, TWO, 0), caches(ONE, TWO, LONG)),
    )


if __name__ == "__main__":
    main()
