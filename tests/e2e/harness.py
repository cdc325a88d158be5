"""What the end-to-end tests share: the real program, small sweeps, clear failures.

Each test works in a temporary folder of its own. A test that cannot run on this
machine calls skipTest(); main() then ends with 77, which ctest shows as skipped.
"""
import atexit
import csv
import gzip
import json
import os
import pathlib
import shutil
import struct
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = os.environ["MX_PROGRAM"]
FAULTS_PROGRAM = os.environ["MX_FAULTS_PROGRAM"]  # misbehaves as MX_FAULT says: tests/faults
SOURCE = pathlib.Path(os.environ["MX_SOURCE_DIR"])
# Decoded images are kept where no test of another kind looks, and not for long.
os.environ["MIXSWEEP_CACHE"] = tempfile.mkdtemp(prefix="mx-images-")
atexit.register(shutil.rmtree, os.environ["MIXSWEEP_CACHE"], ignore_errors=True)
TIME_LIMIT_S = 240  # of one start of the program: far more than any test needs

# Six cells of images that a core trains on in well under a second.
TINY = """
name: tiny
seed: 3
repeats: {repeats}
data: {{set: synthetic, size: 12, val_fraction: 0.2, synthetic: {{n: {n}, classes: 3}}}}
model: {{arch: {arch}}}
train: {{epochs: {epochs}, batch_size: 32, lr: 0.05}}
grid:
  mix.strategy: [none, mixup, cutmix]
  mix.alpha: [0.2, 1]
score: {{metrics: [accuracy, cross_entropy]}}
"""


class Case(unittest.TestCase):
    """A test with a folder, and the program to run in it."""

    maxDiff = 4000
    program = PROGRAM

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="mx-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def start(self, *args, fault=None, **options):
        """Start the program in a process group of its own, so that all of it can be killed.
        `fault` says what goes wrong in it (tests/faults)."""
        if fault:
            options["env"] = {**options.get("env", os.environ), "MX_FAULT": fault}
        program = FAULTS_PROGRAM if fault else self.program
        return subprocess.Popen([program, *map(str, args)], cwd=self.folder, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, start_new_session=True, **options)

    def mixsweep(self, *args, code=0, **options):
        """Run the program to its end, which must be with exit code `code`."""
        process = self.start(*args, **options)
        try:
            out, err = process.communicate(timeout=TIME_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            out, err = process.communicate()
            self.fail(f"mixsweep {' '.join(map(str, args))} did not end\n{out}\n{err}")
        self.assertEqual(process.returncode, code,
                         f"mixsweep {' '.join(map(str, args))}\nstdout: {out}\nstderr: {err}")
        self.assertNotIn("Sanitizer", err)
        self.assertNotIn("runtime error:", err)
        return out, err

    def wait_for(self, what, holds, process=None):
        """Wait until holds() is true; a process that ends before fails the test."""
        deadline = time.monotonic() + TIME_LIMIT_S
        while not holds():
            if process and process.poll() is not None and not holds():
                out, err = process.communicate()
                self.fail(f"the sweep ended before {what}\n{out}\n{err}")
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.005)

    def standing(self, sweep):
        """The executor of a sweep with such a fault that stands still, once it does."""
        found = []
        self.wait_for("an executor stands still",
                      lambda: found.extend(filter(stands, self.executors(sweep))) or found, sweep)
        return found[0]

    def executors(self, sweep):
        return [pid for pid in processes_of(self.folder) if pid != sweep.pid]

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def tiny(self, name="tiny.yaml", repeats=1, n=96, arch="linear", epochs=1, more=""):
        """Write a small sweep's configuration."""
        return self.write(name, TINY.format(repeats=repeats, n=n, arch=arch, epochs=epochs) + more)

    def refused(self, code, *args, **options):
        """Run what must be refused: nothing on stdout, one line on stderr, which is returned."""
        out, err = self.mixsweep(*args, code=code, **options)
        self.assertEqual(out, "")
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.endswith("\n"), err)
        return err

    def no_executor_log_has_a_report(self, directory):
        for log in pathlib.Path(directory).glob("log/exec-*.log"):
            text = log.read_text(errors="replace")
            self.assertNotIn("Sanitizer", text, log)
            self.assertNotIn("runtime error:", text, log)


def records(directory, kind):
    """How many journal records of a kind there are by now; a torn line is none."""
    found = 0
    for path in sorted(directory.glob("journal/*.jsonl")):
        for line in path.read_bytes().split(b"\n"):
            try:
                found += json.loads(line)["kind"] == kind
            except (ValueError, KeyError):
                pass
    return found


def processes_of(folder):
    """Numbers of the program's processes whose working directory is the folder."""
    programs = {os.path.realpath(PROGRAM), os.path.realpath(FAULTS_PROGRAM)}
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.readlink(f"/proc/{name}/cwd") == str(folder) \
                    and os.readlink(f"/proc/{name}/exe") in programs:
                found.append(int(name))
        except OSError:
            pass  # it has ended, or belongs to somebody else
    return found


def stands(pid):
    """Whether a process stands still by a signal."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return stat[stat.rindex(")"):].split()[1] == "T"


def fault_stand(stage, file):
    """The fault by which the first executor that is to run a stage stands still before it,
    once for a file. A sweep cannot end before somebody has seen it so, however fast it is."""
    return f"stand stage_starts {stage} {file}"


FAULT_ENDLESS = "hang stage_starts {} always"  # no sweep with such a stage ends by itself


class HeldSweep(Case):
    """self.config is swept into self.out, and held in the middle of a trial."""

    config = out = None

    def begin(self):
        """Start a sweep whose one executor stands still in the middle of a trial."""
        sweep = self.start("run", self.config, "--out", "out", "--workers", 1,
                           fault=fault_stand("any", self.folder / "stood"))
        self.addCleanup(self.end, sweep)
        executor = self.standing(sweep)
        self.wait_for("a trial has started", lambda: records(self.out, "started") >= 1, sweep)
        return sweep, executor

    def end(self, sweep):
        """Leave nothing behind, whatever a test found."""
        for pid in processes_of(self.folder):
            os.kill(pid, signal.SIGKILL)
        if sweep.poll() is None:
            sweep.communicate()


def this_process_as_owner(incarnation):
    """What owner.json would say if the test itself ran the sweep."""
    stat = pathlib.Path("/proc/self/stat").read_text()
    return {"host": os.uname().nodename, "pid": os.getpid(), "token": "t",
            "boot": pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            "pid_namespace": os.readlink("/proc/self/ns/pid"),
            "start": stat[stat.rindex(")"):].split()[20], "incarnation": incarnation}


def rows(path):
    """The rows of a CSV file, as dictionaries."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def reproducible(path):
    """The rows of results.csv without the run.* columns."""
    return [{k: v for k, v in row.items() if not k.startswith("run.")} for row in rows(path)]


def write_idx(path, dims, data, magic=None):
    """Write an IDX file of bytes; gzipped where the name ends in .gz."""
    head = struct.pack(">I", 0x800 + len(dims) if magic is None else magic)
    head += b"".join(struct.pack(">I", d) for d in dims)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (gzip.open if path.name.endswith(".gz") else open)(path, "wb") as file:
        file.write(head + bytes(data))


def write_mnist(folder, train=64, test=32, side=28):
    """Write the four files of an MNIST-like set: each class has its own bright row."""
    for part, n in (("train", train), ("t10k", test)):
        labels = [i % 10 for i in range(n)]
        pixels = bytearray()
        for label in labels:
            for y in range(side):
                pixels += bytes([255 if y == 2 * label else (7 * y + label) % 60] * side)
        write_idx(folder / f"{part}-images-idx3-ubyte", (n, side, side), pixels)
        write_idx(folder / f"{part}-labels-idx1-ubyte", (n,), labels)


def main():
    """Run the tests of the file; 77 if none failed and some were skipped."""
    program = unittest.main(exit=False, verbosity=2, argv=[sys.argv[0]])
    if program.result.wasSuccessful() and program.result.testsRun > 0:
        sys.exit(77 if program.result.skipped else 0)
    sys.exit(1)
