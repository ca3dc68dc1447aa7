"""The scenarios of the NFS lane. Runs inside the User-Mode Linux kernel, started by `boot`.

Two mounts of one export, each with a cache of its own, are the two clients. A tree is built on the
server, walkers are let loose on it at the same moment, and the server says what became of it. What
each walk of fell was answered is counted from its trace, so that nothing passes because nothing
happened.
"""

import argparse
import collections
import errno
import json
import os
import platform
import random
import select
import shutil
import subprocess
import sys
import threading
import time

import peers
import probe

FELL, ONE, TWO, EXPORT = (os.environ[name] for name in ("FELL", "ONE", "TWO", "EXPORT"))
WORK = os.path.dirname(FELL)
TEMPORARY = os.environ["TMPDIR"]
CLIENTS = (ONE, TWO)
HANG = 60
# What a trace calls the requests that may find the way up lost, and those of which the lane must
# have seen an ESTALE.
WAY_UP = ("open_parent", "open_above", "identify")
STALE = {"open": "open", "open_parent": "`..`", "read": "readdir"}


# --- trees -------------------------------------------------------------------------------------


def chain(path, dice, levels):
    """Deep, with a file here and there."""
    for _ in range(levels):
        os.mkdir(path)
        if dice.random() < 0.4:
            touch(f"{path}/file")
        path += "/d"


def bush(path, dice, levels, width):
    """The same number of subdirectories everywhere."""
    os.mkdir(path)
    for number in range(dice.randrange(3)):
        touch(f"{path}/file{number}")
    if levels > 1:
        for number in range(width):
            bush(f"{path}/d{number}", dice, levels - 1, width)


def wide(path, dice):
    """One level of many small directories."""
    os.mkdir(path)
    for number in range(80):
        os.mkdir(f"{path}/d{number}")
        if dice.random() < 0.5:
            touch(f"{path}/d{number}/file")


def wild(path, dice):
    """Each directory somewhere under the ones before."""
    os.mkdir(path)
    paths = [path]
    for number in range(120):
        parent = dice.choice(paths[-8:])
        if dice.random() < 0.3:
            touch(f"{parent}/f{number}")
        else:
            paths.append(f"{parent}/d{number}")
            os.mkdir(paths[-1])


SHAPES = (
    lambda path, dice: chain(path, dice, 40),
    lambda path, dice: chain(path, dice, 120),
    lambda path, dice: bush(path, dice, 5, 3),
    lambda path, dice: bush(path, dice, 7, 2),
    wide,
    wild,
)


# Where every call takes milliseconds.
SMALL = (
    lambda path, dice: chain(path, dice, 25),
    lambda path, dice: bush(path, dice, 4, 3),
    lambda path, dice: bush(path, dice, 5, 2),
)


def touch(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))


# --- walkers -----------------------------------------------------------------------------------


class Walk:
    """One process at work on one tree: a command, or a function that a worker has."""

    def __init__(self, client, what, name):
        self.client = client
        self.what = what
        self.root = f"{client}/{name}"
        self.delay = 0.0
        self.code = None
        self.root_left = None

    def run(self, number):
        """To its end, in a thread of its own."""
        self.trace = f"{TEMPORARY}/trace{number}"
        self.out = f"{TEMPORARY}/out{number}"
        remove(self.trace)
        time.sleep(self.delay)
        self.code = self.command() if isinstance(self.what, list) else self.job(number)
        # What it said is held against what the server has at that moment.
        self.root_left = os.path.lexists(self.root.replace(self.client, EXPORT, 1))

    def command(self):
        words = [self.trace if word == "TRACE" else word for word in self.what]
        with open(self.out, "w") as out:
            try:
                words.append(self.root)
                return subprocess.run(words, stdout=out, stderr=out, timeout=HANG).returncode
            except subprocess.TimeoutExpired:
                out.write(f"killed after {HANG} s")
                return -9

    def job(self, number):
        raised, self.returned = WORKERS[number].ask(self.what, self.root)
        with open(self.out, "w") as out:
            out.write(raised)
        return 1 if raised else 0

    def said(self):
        with open(self.out, errors="replace") as file:
            return file.read().strip()

    def steps(self):
        """(request, reply) as the trace has them."""
        with open(self.trace) as file:
            for line in file:
                step = json.loads(line)
                if "request" in step:
                    yield step["request"]["call"], step["reply"]

    def report(self):
        """What fell printed about the root."""
        for line in self.said().splitlines():
            if line.startswith("{"):
                return json.loads(line)
        return {}


class Worker:
    """A process that calls functions, each with a working directory of its own. Begun once: to fork
    this process takes longer than to fell a tree."""

    def __init__(self):
        asked, self.asking = os.pipe()
        self.telling, told = os.pipe()
        if os.fork() == 0:
            os.close(self.asking)
            os.close(self.telling)
            with open(asked) as asked, open(told, "w") as told:
                for line in asked:
                    function, root, words = json.loads(line)
                    told.write(json.dumps(self.call(FUNCTIONS[function], root, words)) + "\n")
                    told.flush()
            os._exit(0)
        os.close(asked)
        os.close(told)
        self.asking = open(self.asking, "w")
        self.telling = open(self.telling)

    def call(self, function, root, words):
        """What it raised, in words, and what it returned."""
        try:
            return "", function(root, *words)
        except OSError as error:
            return f"{errno.errorcode[error.errno]}: {error}", None
        except Exception as error:
            return f"{type(error).__name__}: {error}", None

    def ask(self, what, root):
        function, *words = what
        self.asking.write(json.dumps([function, root, words]) + "\n")
        self.asking.flush()
        if not select.select([self.telling], [], [], HANG)[0]:
            sys.exit(f"{function} hangs")
        return json.loads(self.telling.readline())


def write(root, seed):
    """Writes in one of three ways for a while, or until there is no place left: files and
    directories wherever it finds one; many files in one directory; the same directory again and
    again as soon as it is gone, on the server, which is quicker than any client. Returns how many
    it made."""
    dice = random.Random(seed)
    # The server is quicker to list than the client, and the walker does not wait.
    listed = os.walk(root.replace(TWO, EXPORT, 1))
    paths = [path.replace(EXPORT, TWO, 1) for path, _, _ in listed]
    way = dice.choice(("anywhere", "many", "again", "again"))
    if way != "anywhere":
        paths = [dice.choice((root, dice.choice(paths)))]
    if way == "again":
        paths = [paths[0].replace(TWO, EXPORT, 1)]
    until = time.monotonic() + (3 if way == "again" else dice.choice((0.3, 0.6, 1.2)))
    pause = 0 if way == "again" else dice.choice((0, 0.005))
    failed = number = made = 0
    while failed < 100 and time.monotonic() < until:
        number += 1
        path = dice.choice(paths)
        try:
            if way == "again":
                os.mkdir(f"{path}/again")
            elif way == "many" or dice.random() < 0.6:
                touch(f"{path}/new{number}")
            else:
                os.mkdir(f"{path}/new{number}")
                paths.append(f"{path}/new{number}")
            failed = 0
            made += 1
        except FileExistsError:
            failed = 0
        except OSError:
            failed += 1
        time.sleep(pause)
    return made


FUNCTIONS = {
    "koji before": peers.koji_before,
    "koji after": peers.koji_after,
    "write": write,
}
WORKERS = []


def fell(*options):
    return [FELL, "--json", "--trace", "TRACE", *options]


RM = ["/bin/rm", "-rf"]
STD = [f"{WORK}/std"]


def race(walks):
    """Starts all of them at once and waits for all."""
    threads = [threading.Thread(target=walk.run, args=(n,)) for n, walk in enumerate(walks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- the lane ----------------------------------------------------------------------------------


class Lane:
    """Counts what happens, and remembers what must not have happened."""

    def __init__(self, repeat, seed):
        self.repeat = repeat
        self.dice = random.Random(seed)
        self.shapes = SHAPES
        self.problems = []
        self.number = 0
        self.kept = 0
        self.stale = collections.Counter()

    def name(self):
        self.number += 1
        return f"tree{self.number}"

    def tree(self, shape=None, warm=True):
        """A new tree, which each client has or has not in its cache."""
        name = self.name()
        shape = shape or self.shapes[self.number % len(self.shapes)]
        shape(f"{EXPORT}/{name}", self.dice)
        for client in CLIENTS:
            if warm and self.dice.random() < 0.5:
                for _ in os.walk(f"{client}/{name}"):
                    pass
        return name

    def stagger(self, walks):
        """Mostly at once; sometimes one is late."""
        if self.dice.random() < 0.5:
            self.dice.choice(walks).delay = self.dice.random() * 0.1
        return walks

    def problem(self, scenario, what, walks=()):
        """Something that must not happen: what the walks said and met is kept."""
        self.problems.append(f"{scenario}: {what}")
        print(f"  FAILED {what}", flush=True)
        if self.kept < 10:
            self.kept += 1
            for walk in walks:
                stem = f"{WORK}/failed-{self.kept}-{os.path.basename(walk.client)}"
                for source, kind in ((walk.out, "said"), (walk.trace, "trace")):
                    if os.path.exists(source):
                        shutil.copy(source, f"{stem}.{kind}")

    def scenario(self, title, once, runs=None, must=()):
        """Runs `once(counts)` again and again and prints a line of what it counted."""
        runs = runs or self.repeat
        counts = collections.Counter()
        before = len(self.problems)
        began = time.monotonic()
        for _ in range(runs):
            once(counts, title)
        took = time.monotonic() - began
        for what in must:
            if not counts[what]:
                self.problem(title, f"not one {what} in {runs} runs: it shows nothing")
        failed = len(self.problems) - before
        told = ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
        print(f"{title}: {runs} runs, {failed} failed, {took:.1f} s\n    {told}", flush=True)
        for what, count in counts.items():
            self.stale[what] += count

    def count(self, counts, walk):
        """What fell's trace and report tell."""
        for call, reply in walk.steps():
            if reply["is"] == "stale":
                counts[f"ESTALE on {STALE.get(call, call)}"] += 1
            elif reply["is"] == "missing":
                counts["ENOENT"] += 1
        report = walk.report()
        for what in ("vanished", "retries"):
            counts[what] += report.get(what, 0)

    def expect_gone(self, counts, title, walk, walks):
        """G1: all others only removed, so the walk is Ok, the root absent, and no retry was drawn
        but where the way up was lost."""
        self.count(counts, walk)
        if walk.code != 0 or walk.root_left:
            what = f"exit {walk.code}, root {'left' if walk.root_left else 'absent'}"
            self.problem(title, f"{what}: {walk.said()[-600:]}", walks)
        lost = sum(
            call in WAY_UP and reply["is"] in ("stale", "missing") for call, reply in walk.steps()
        )
        retries = walk.report().get("retries", 0)
        if retries > lost:
            self.problem(title, f"{retries} retries, and the way up was lost {lost} times", walks)

    def expect_ok_or_not_empty(self, counts, title, walk, walks):
        """G2: somebody wrote, so either the root is gone or a leftover is named."""
        self.count(counts, walk)
        report = walk.report()
        outcome = str(report.get("outcome"))
        counts[outcome] += 1
        ok = walk.code == 0 and outcome in ("removed", "already_gone") and not walk.root_left
        left = walk.code == 1 and outcome == "not_empty" and report["leftovers"]
        if not (ok or left):
            self.problem(title, f"exit {walk.code}: {walk.said()[-600:]}", walks)

    # --- scenarios: who removes with whom ---

    def fell_options(self):
        """Few slots, so that `..` is asked, as often as many."""
        return self.dice.choice(([], ["--max-open", "1"], ["--max-open", "2"]))

    def two_fell(self, counts, title, clients=CLIENTS):
        name = self.tree()
        walks = self.stagger([Walk(c, fell(*self.fell_options()), name) for c in clients])
        race(walks)
        for walk in walks:
            self.expect_gone(counts, title, walk, walks)

    def three_fell(self, counts, title):
        self.two_fell(counts, title, (ONE, TWO, ONE))

    def one_client(self, counts, title):
        self.two_fell(counts, title, (ONE, ONE))

    def fell_and_rm(self, counts, title):
        name = self.tree()
        walks = [Walk(ONE, fell(*self.fell_options()), name), Walk(TWO, RM, name)]
        race(self.stagger(walks))
        self.expect_gone(counts, title, walks[0], walks)
        counts["rm failed"] += walks[1].code != 0

    def peer(self, what):
        """The same race between two of a peer: what is counted is its failures, not ours."""

        def once(counts, _):
            name = self.tree()
            walks = self.stagger([Walk(client, what, name) for client in CLIENTS])
            race(walks)
            counts["runs that failed"] += any(walk.code or walk.root_left for walk in walks)
            for walk in walks:
                if walk.code:
                    counts[f"said {reason(walk.said())}"] += 1
                counts["said done and the root was there"] += walk.code == 0 and walk.root_left
            counts["left for ever"] += os.path.lexists(f"{EXPORT}/{name}")
            shutil.rmtree(f"{EXPORT}/{name}", ignore_errors=True)

        return once

    # --- scenarios: a writer ---

    def fell_and_writer(self, counts, title):
        name = self.tree()
        seed = self.dice.random()
        walks = [
            Walk(ONE, fell(*self.fell_options()), name),
            Walk(TWO, ("write", seed), name),
        ]
        walks[0].delay = self.dice.random() * 0.2
        race(walks)
        self.expect_ok_or_not_empty(counts, title, walks[0], walks)
        if walks[1].code:
            self.problem(title, f"the writer: {walks[1].said()}")
        counts["written"] += walks[1].returned or 0
        self.again(counts, title, name)

    def again(self, counts, title, name, client=ONE):
        """Nobody is there any more: the next walk ends well."""
        walk = Walk(client, fell(), name)
        race([walk])
        self.expect_gone(counts, f"{title}, again", walk, [walk])

    def cached_listing(self, counts, title):
        """The other client wrote a moment ago, where this one remembers nothing: not a reason for
        NotEmpty, since nobody writes during the walk."""
        name = self.tree(lambda path, dice: bush(path, dice, 3, 2), warm=False)
        paths = [path for path, _, _ in os.walk(f"{ONE}/{name}")]
        for path in self.dice.sample(paths, 3):
            path = path.replace(ONE, TWO, 1)
            touch(f"{path}/late")
            os.makedirs(f"{path}/later/d")
        walk = Walk(ONE, fell(), name)
        race([walk])
        self.expect_gone(counts, title, walk, [walk])
        counts["passes"] += walk.report().get("passes", 0)

    # --- scenarios: open files ---

    def held_here(self, counts, title):
        """Files held open on the same client: unlinking renames them to `.nfs*`, which cannot be
        removed. All else is, and once they are let go the next walk ends well."""
        name = self.tree()
        held = self.hold(ONE, name)
        walk = Walk(ONE, fell(), name)
        race([walk])
        self.count(counts, walk)
        on_server = [
            f"{path}/{file}" for path, _, files in os.walk(f"{EXPORT}/{name}") for file in files
        ]
        counts["`.nfs*` left"] += len(on_server)
        report = walk.report()
        named = [leftover["path"].replace(ONE, EXPORT, 1) for leftover in report["leftovers"]]
        counts["`.nfs*` named"] += len(set(named) & set(on_server))
        counts["passes"] += report["passes"]
        if walk.code != 1 or report["outcome"] != "not_empty":
            self.problem(title, f"exit {walk.code}: {walk.said()[-600:]}", [walk])
        if len(on_server) != len(held):
            self.problem(title, f"{len(held)} held, {len(on_server)} left", [walk])
        # Each is named, or its directory: that is not read again for it where a leftover is known
        # below (rule 4).
        for path in on_server:
            if path not in named and os.path.dirname(path) not in named:
                self.problem(title, f"neither {path} nor its directory is named", [walk])
        # Nothing else is left but the way to them.
        ways = {os.path.dirname(path) for path in on_server}
        for path, _, _ in os.walk(f"{EXPORT}/{name}"):
            if not any(way == path or way.startswith(f"{path}/") for way in ways):
                self.problem(title, f"{path} is left and leads to nothing held", [walk])
        for file in held:
            os.close(file)
        self.again(counts, title, name)

    def let_go(self, counts, title):
        """The same, but they are let go while the walk goes on: Ok or NotEmpty."""
        name = self.tree()
        held = self.hold(ONE, name)

        def let_go():
            for file in held:
                os.close(file)

        timer = threading.Timer(0.05 + self.dice.random() * 0.15, let_go)
        timer.start()
        walk = Walk(ONE, fell(), name)
        race([walk])
        timer.join()
        self.expect_ok_or_not_empty(counts, title, walk, [walk])
        self.again(counts, title, name)

    def held_there(self, counts, title):
        """Files held open on the other client: the server knows no `.nfs*`, all goes, and the
        holder is told."""
        name = self.tree()
        held = self.hold(TWO, name)
        walk = Walk(ONE, fell(*self.fell_options()), name)
        race([walk])
        self.expect_gone(counts, title, walk, [walk])
        for file in held:
            try:
                # Not from the cache.
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.pread(file, 1, 0)
                counts["holder could still read"] += 1
            except OSError as error:
                counts[f"holder's read: {os.strerror(error.errno)}"] += 1
            try:
                os.close(file)
            except OSError as error:
                counts[f"holder's close: {os.strerror(error.errno)}"] += 1

    def hold(self, client, name):
        """Makes and opens some files, through a client."""
        paths = [path for path, _, _ in os.walk(f"{client}/{name}")]
        held = []
        for number, path in enumerate(self.dice.sample(paths, self.dice.randint(1, 4))):
            held.append(os.open(f"{path}/held{number}", os.O_CREAT | os.O_RDWR, 0o644))
            os.write(held[-1], b"held")
            os.fsync(held[-1])
        return held


def reason(said):
    """Why a peer failed, in a word."""
    for number, name in errno.errorcode.items():
        if name in said or os.strerror(number) in said:
            return name
    return "something else"


def latency(milliseconds):
    """Delays every packet, or lifts that; False where the kernel cannot."""
    words = ["tc", "qdisc", "replace", "dev", "lo", "root", "netem", "delay"]
    if milliseconds is None:
        words = ["tc", "qdisc", "del", "dev", "lo", "root"]
    else:
        words.append(f"{milliseconds}ms")
    return subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 0


def remove(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def canary():
    """What stands beside the trees, as the server has it."""
    seen = []
    for path, directories, files in os.walk(f"{EXPORT}/canary"):
        directories.sort()
        for name in sorted(files):
            with open(f"{path}/{name}") as file:
                seen.append((path, name, file.read()))
    return seen


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--repeat", type=int, default=40)
    words.add_argument("--seed", type=int, default=1)
    words = words.parse_args()
    WORKERS.extend(Worker() for _ in CLIENTS)
    began = time.monotonic()
    print(f"kernel {platform.release()} (server and clients), seed {words.seed}")
    with open("/proc/mounts") as mounts:
        options = next(line.split()[3] for line in mounts if line.split()[1] == ONE)
    print(f"mounts: {options}", flush=True)

    os.makedirs(f"{EXPORT}/canary/tree1")
    for name in ("a", "tree1/d", "tree1/file"):
        with open(f"{EXPORT}/canary/{name}", "w") as file:
            file.write(name)
    before = canary()

    lane = Lane(words.repeat, words.seed)
    some = max(words.repeat // 4, 1)
    lane.scenario("two clients fell one tree", lane.two_fell, must=["vanished"])
    lane.scenario("three walks of fell on two clients", lane.three_fell, some)
    lane.scenario("two walks of fell on one client", lane.one_client, some)
    lane.scenario("fell against rm -rf", lane.fell_and_rm, must=["vanished"])
    lane.scenario("fell against a writer", lane.fell_and_writer, 2 * some, must=["written"])
    lane.scenario("the other client wrote a moment ago", lane.cached_listing, some)
    lane.scenario("files held open here", lane.held_here, some, must=["`.nfs*` named"])
    lane.scenario("files let go meanwhile", lane.let_go, some)
    lane.scenario("files held open on the other client", lane.held_there, some)
    if latency(1):
        lane.shapes = SMALL
        lane.scenario("two clients fell one tree, latency 1 ms", lane.two_fell, some)
        lane.scenario("fell against rm -rf, latency 1 ms", lane.fell_and_rm, some)
        lane.scenario(
            "fell against a writer, latency 1 ms", lane.fell_and_writer, some, must=["written"]
        )
        lane.shapes = SHAPES
        latency(None)
    else:
        print("latency: not tried, this kernel has no sch_netem")
    for call in STALE.values():
        if not lane.stale[f"ESTALE on {call}"]:
            lane.problem("the lane", f"not one ESTALE on {call} in all runs: it shows nothing")

    print("\npeers, two of each on one tree, one a client:", flush=True)
    lane.scenario(
        "koji before the pull request", lane.peer(("koji before",)), must=["runs that failed"]
    )
    lane.scenario("koji after the pull request", lane.peer(("koji after",)))
    lane.scenario("rm -rf", lane.peer(RM))
    lane.scenario("std::fs::remove_dir_all", lane.peer(STD))
    lane.scenario("fell, counted in the same way", lane.peer(fell()))

    if canary() != before:
        lane.problem("the lane", "the canary beside the trees is not what it was")
    print("\nwhat is answered:", flush=True)
    probe.main()
    print(f"\nfailures: {len(lane.problems)}, {time.monotonic() - began:.0f} s", flush=True)
    for problem in lane.problems:
        print(f"FAILED {problem[:200]}")
    return 1 if lane.problems else 0


if __name__ == "__main__":
    sys.exit(main())
