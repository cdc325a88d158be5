#!/usr/bin/env python3
"""Sweeps under fire: whatever is killed, stopped or full, their tables are those of a sweep
that nobody disturbed.

    tests/e2e/chaos.py [--seconds N] [--seed N] [--quiet] [--program build/cpu/mixsweep]

For so long (300 s), and to the end of the sweep that has begun by then: a sweep is started, alone
or over ranks, on a small file system of its own. At random moments executors, ranks, rank 0,
mpirun, or all of them are killed, a rank is stopped for longer than schedule.rank_timeout, the
sweep is told to drain, or the file system is full for a while. What ends early is resumed, with
another number of ranks and executors, until it is done; then comes the next sweep. At the end: how
often each of this happened, starts, attempts, and losses, of which there must be none: trials whose
numbers are not those of the undisturbed sweep, results that a journal had and a later
incarnation did not, stages that counted twice. Exit status 0 if so.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FULL_S = (0.5, 3)     # how long the file system is full
BETWEEN_S = (0.2, 4)  # between two disturbances
STOPPED_S = 4         # of a rank: twice its time-out
DISK_BYTES = 64 << 20
END_S = 300           # a sweep that is left alone ends within this
MOST_STARTS = 200     # of one sweep

CONFIG = """
name: chaos
seed: 11
repeats: 4
data: {set: synthetic, size: 12, val_fraction: 0.2, synthetic: {n: 384, classes: 3}}
model: {arch: resnet8}
train: {epochs: 2, batch_size: 32, lr: 0.05}
grid:
  mix.strategy: [none, mixup, cutmix]
  mix.alpha: [0.2, 1]
score: {metrics: [accuracy, cross_entropy]}
schedule: {retries: 1000, rank_timeout: 2s, checkpoint_every: 1s}
"""


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--program", default=os.environ.get("MX_PROGRAM", "build/cpu/mixsweep"))
    parser.add_argument("--mounts", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


OPTIONS = arguments()
os.environ["MX_PROGRAM"] = str(pathlib.Path(OPTIONS.program).resolve())
os.environ.setdefault("MX_FAULTS_PROGRAM", os.environ["MX_PROGRAM"])
os.environ.setdefault("MX_SOURCE_DIR", str(pathlib.Path(__file__).resolve().parents[2]))
os.environ.setdefault("MX_MPIRUN", shutil.which("mpirun") or "")
os.environ.setdefault("MX_OPENMPI", "4")

from mpi_harness import BIND_NONE, MPIRUN, SURVIVE, Job, MpiCase, parent, send  # noqa: E402
from harness import PROGRAM, reproducible, rows  # noqa: E402


class Lost(Exception):
    """Something that must not be."""


class Chaos:
    """A folder, a file system in it, and what has happened."""

    def __init__(self, folder, mounts):
        self.folder, self.mounts = folder, mounts
        self.rng = random.Random(OPTIONS.seed)
        self.disk = folder / "disk"
        self.disk.mkdir()
        if mounts:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", self.disk],
                           check=True)
        (folder / "chaos.yaml").write_text(CONFIG)
        self.happened = collections.Counter()
        self.counts = collections.Counter()
        self.full_until = 0

    def say(self, text):
        if not OPTIONS.quiet:
            print(f"{time.monotonic() - START_S:6.1f} s  {text}", flush=True)

    # ---- what is started

    def start(self, first):
        ranks = self.rng.choice([1, 1, 2, 3]) if MPIRUN and SURVIVE else 1
        command = [PROGRAM, *(("run", "chaos.yaml", "--out", "disk/out", "--resume") if first
                              else ("resume", "disk/out")), "--workers", self.rng.choice([2, 3, 4])]
        if ranks > 1:
            command = [MPIRUN, "--oversubscribe", *SURVIVE, *BIND_NONE, "-n", ranks, *command]
        self.counts["starts"] += 1
        self.words = tempfile.TemporaryFile()
        process = subprocess.Popen(list(map(str, command)), cwd=self.folder, stdin=subprocess.DEVNULL,
                                   stdout=self.words, stderr=self.words, start_new_session=True,
                                   env=MpiCase.environment(self))
        return Job(self.folder, process), ranks

    def tail(self):
        self.words.seek(0)
        return self.words.read().decode(errors="replace")[-1500:]

    def kill_all(self, job):
        while left := job.everything():
            send(left, signal.SIGKILL)
            time.sleep(0.01)
        job.process.wait()

    # ---- what is done to it

    def supervisors(self, job, ranks):
        return job.ranks() if ranks > 1 else {0: job.process.pid}

    def executors(self, job, ranks):
        above = set(self.supervisors(job, ranks).values())
        return [pid for pid in job.everything() if parent(pid) in above]

    def others(self, job, ranks):
        return [pid for rank, pid in self.supervisors(job, ranks).items() if rank > 0]

    def kill_some(self, name, pids, most=1):
        if pids:
            victims = self.rng.sample(pids, min(len(pids), self.rng.randint(1, most)))
            self.happened[name] += len(victims)
            send(victims, signal.SIGKILL)
        return bool(pids)

    def kill_executors(self, job, ranks):
        return self.kill_some("executors killed", self.executors(job, ranks), 3)

    def kill_rank(self, job, ranks):
        return self.kill_some("ranks killed", self.others(job, ranks))

    def kill_rank_0(self, job, ranks):
        return self.kill_some("rank 0 killed", [p for r, p in self.supervisors(job, ranks).items()
                                                if r == 0])

    def kill_launcher(self, job, ranks):
        return ranks > 1 and self.kill_some("mpirun killed", [job.process.pid])

    def kill_everything(self, job, _ranks):
        self.happened["everything killed"] += 1
        self.kill_all(job)
        return True

    def stop_rank(self, job, ranks):
        victims = self.others(job, ranks)
        if victims:
            victim = [self.rng.choice(victims)]
            self.happened["ranks stopped for a while"] += 1
            send(victim, signal.SIGSTOP)
            time.sleep(STOPPED_S)
            send(victim, signal.SIGCONT)
        return bool(victims)

    def drain(self, job, ranks):
        self.happened["told to drain"] += 1
        send([self.supervisors(job, ranks).get(0, job.process.pid)], signal.SIGTERM)
        return True

    def fill_disk(self, _job, _ranks):
        if not self.mounts:
            return False
        self.happened["file system full"] += 1
        with open(self.disk / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(1 << 16))
            except OSError:
                pass
        self.full_until = time.monotonic() + self.rng.uniform(*FULL_S)
        return True

    def empty_disk(self, now=False):
        if self.full_until and (now or time.monotonic() >= self.full_until):
            (self.disk / "ballast").unlink(missing_ok=True)
            self.full_until = 0

    def disturb(self, job, ranks):
        deeds = [self.kill_executors] * 4 + [self.kill_rank] * 3 + [self.kill_rank_0] * 2 + [
            self.kill_launcher, self.kill_everything, self.kill_everything, self.stop_rank,
            self.drain, self.fill_disk, self.fill_disk]
        deed = self.rng.choice(deeds)
        if deed(job, ranks):
            self.say(deed.__name__.replace("_", " "))

    # ---- what must hold

    def records(self):
        """The journal's whole records: file, kind, key, sequence."""
        for path in sorted((self.disk / "out").glob("journal/*.jsonl")):
            for line in path.read_bytes().split(b"\n"):
                try:
                    record = json.loads(line)
                    yield path.name, record
                except ValueError:
                    pass  # torn, or cut back

    def check_kept(self, known):
        """What the journal had after the last start it still has. Returns what it has now."""
        now = {(file, record["seq"]) for file, record in self.records()}
        if known - now:
            raise Lost(f"{len(known - now)} records of the journal are gone")
        return now

    def play(self, job, ranks, until_s):
        """One start, to its end. The disturbances end in time."""
        next_s = time.monotonic() + self.rng.uniform(*BETWEEN_S)
        alone_s = None
        while job.process.poll() is None:
            now = time.monotonic()
            self.empty_disk()
            if now >= until_s:
                alone_s = alone_s or now
                self.empty_disk(now=True)
            if alone_s and now > alone_s + END_S:
                raise Lost(f"it does not come to its end\n{self.tail()}")
            if not alone_s and now >= next_s:
                self.disturb(job, ranks)
                next_s = time.monotonic() + self.rng.uniform(*BETWEEN_S)
            time.sleep(0.02)
        self.kill_all(job)  # what was left of it belongs to nobody

    def exit_code(self):
        path = self.disk / "out" / "exit_code"
        return path.read_text().strip() if path.exists() else ""

    def sweep(self, expected, until_s):
        """A sweep from its beginning to its end, however often it is started."""
        known = set()
        shutil.rmtree(self.disk / "out", ignore_errors=True)
        for _ in range(MOST_STARTS):
            begun = (self.disk / "out" / "config.yaml").exists()
            job, ranks = self.start(not begun)
            self.play(job, ranks, until_s)
            while self.full_until:
                self.empty_disk()
                time.sleep(0.02)
            known = self.check_kept(known)
            code = self.exit_code()
            if code == "0":
                break
            if code not in ("", "3", "75"):
                raise Lost(f"exit code {code}\n{self.tail()}")
        else:
            raise Lost(f"it was started {MOST_STARTS} times\n{self.tail()}")
        self.compare(expected)

    def compare(self, expected):
        got = reproducible(self.disk / "out" / "results.csv")
        differ = sum(a != b for a, b in zip(got, expected)) + abs(len(got) - len(expected))
        kinds = collections.Counter(record["kind"] for _, record in self.records())
        self.counts["sweeps"] += 1
        self.counts["trials"] += len(got)
        self.counts["trials lost or different"] += differ
        self.counts["incarnations"] += kinds["incarnation"]
        self.counts["attempts begun"] += kinds["started"]
        self.counts["attempts failed"] += kinds["failed"]
        self.counts["attempts done"] += kinds["done"]
        self.counts["attempts in the tables"] += sum(
            int(row["run.attempts"]) for row in rows(self.disk / "out" / "results.csv"))
        if differ:
            raise Lost(f"{differ} of {len(expected)} trials differ from the undisturbed sweep")

    def undisturbed(self):
        subprocess.run([PROGRAM, "run", "chaos.yaml", "--out", "whole", "--workers", "2"], check=True,
                       cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return reproducible(self.folder / "whole" / "results.csv")

    def report(self):
        kills = sum(n for name, n in self.happened.items() if "killed" in name)
        print(f"{kills} kills")
        for name, n in [*sorted(self.happened.items()), *self.counts.items()]:
            print(f"{n:6}  {name}")


def run(mounts):
    with tempfile.TemporaryDirectory(prefix="mx-chaos-") as folder:
        chaos = Chaos(pathlib.Path(folder), mounts)
        verdict = 0
        try:
            expected = chaos.undisturbed()
            until_s = time.monotonic() + OPTIONS.seconds
            while time.monotonic() < until_s:
                chaos.sweep(expected, until_s)
                chaos.say("a sweep is done, and whole")
        except Lost as lost:
            print(f"FAILED: {lost}")
            verdict = 1
        finally:
            while left := Job(pathlib.Path(folder), None).everything():
                send(left, signal.SIGKILL)
                time.sleep(0.01)
            if mounts:
                subprocess.run(["umount", chaos.disk], check=False)
        chaos.report()
        return verdict


def main():
    """With a mount namespace of our own, so that a file system can be full; without where
    that is not allowed, and then nothing is ever full."""
    if OPTIONS.mounts:
        return run(True)
    apart = ["unshare", "--user", "--map-root-user", "--mount"]
    probe = subprocess.run([*apart, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True,
                           check=False)
    if probe.returncode == 0:
        return subprocess.run([*apart, sys.executable, *sys.argv, "--mounts"], check=False).returncode
    print("may not mount here: no file system is full")
    return run(False)


START_S = time.monotonic()
if __name__ == "__main__":
    sys.exit(main())
