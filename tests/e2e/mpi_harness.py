"""What the tests of sweeps over MPI ranks share: the real mpirun, and looking at, stopping
and killing what it has started.

A build without MPI has nothing to test here: such a test is skipped. Ranks are found by
their environment, executors as children of ranks, and everything that a test has started
by its working directory, which is the test's own folder.
"""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time

from harness import PROGRAM, Case, records, reproducible, rows

MPIRUN = os.environ.get("MX_MPIRUN")
OPEN_MPI = int((os.environ.get("MX_OPENMPI") or "0").split(".")[0])
# What the documents tell users to give mpirun, so that a sweep survives the death of a rank.
SURVIVE = {4: ("--quiet", "--enable-recovery"), 5: ("--with-ft", "ulfm")}.get(OPEN_MPI, ())
BIND_NONE = ("--bind-to", "none")
# mpirun 4.1's own word on each process that is killed, and its event library's while it ends; nothing
# silences them but its descriptor.
PMIX_LINE = re.compile(r"\[[^]]+:\d+\] PMIX ERROR: BAD-PARAM in file \S+ at line \d+|\[warn\] Epoll .*")
HOST = os.uname().nodename
END_S = 120  # that a job may take to end, more than any of them needs on a busy machine
LOOK_S, ALONE_S = 5, 30  # how often it is looked at; how long an mpirun may take after all its ranks
GONE_S = 10  # that processes may take to end after whoever they belong to

# Stages of a third of a second or more on an idle core.
SWEEP = dict(repeats=3, n=1024, arch="resnet8", epochs=2)
STAGES = 15
RANK_TIMEOUT_S = 2


def read_proc(pid, name):
    """A file of /proc/PID, empty if the process is gone or somebody else's."""
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def stat(pid):
    """The fields of /proc/PID/stat from the state on, none if the process is gone."""
    text = read_proc(pid, "stat").decode(errors="replace")
    return text[text.rindex(")") + 2:].split() if ")" in text else []


def parent(pid):
    """The parent of a process, 0 if the process is gone."""
    return int((stat(pid) or [0, 0])[1])


def cpu_seconds(pid):
    """CPU time of all threads of a process so far."""
    fields = stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stacks(pid):
    """The calls that each thread of a process is in, as far as the machine can tell."""
    kernel = read_proc(pid, "wchan").decode(errors="replace")
    if not shutil.which("gdb"):
        return f"in the kernel: {kernel}"
    told = subprocess.run(["gdb", "--batch", "-nx", "-p", str(pid), "-ex", "thread apply all bt 20"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    calls = [line for line in told.stdout.splitlines() if line.startswith(("#", "Thread"))]
    return "\n".join([f"in the kernel: {kernel}", *calls])


def send(pids, number):
    """Send a signal to each process that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Job:
    """An mpirun and what it has started, looked at from outside."""

    def __init__(self, folder, process):
        self.folder = folder
        self.process = process

    def picture(self):
        """Who of the job is still there, and what it is doing."""
        return "\n".join(f"{pid} of {parent(pid)}, {stat(pid)[:1]}: {read_proc(pid, 'cmdline')}\n"
                         f"{stacks(pid)}" for pid in self.everything())

    def everything(self):
        """All living processes of the job and of others in its folder: mpirun, ranks, executors."""
        found = []
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and os.readlink(f"/proc/{name}/cwd") == str(self.folder):
                    found.append(int(name))
            except OSError:
                pass  # it has ended, or belongs to somebody else
        return found

    def ranks(self):
        """Number of a rank -> its process."""
        found = {}
        for pid in self.everything():
            environ = read_proc(pid, "environ").split(b"\0")
            if b"mixsweep" in os.path.basename(read_proc(pid, "cmdline").split(b"\0")[0]):
                for line in environ:
                    if line.startswith(b"OMPI_COMM_WORLD_RANK="):
                        found[int(line.partition(b"=")[2])] = pid
        return found

    def executors(self, rank=None):
        """Processes of the executors of a rank, or of all."""
        parents = self.ranks()
        wanted = set(parents.values()) if rank is None else {parents.get(rank)}
        return [pid for pid in self.everything() if parent(pid) in wanted]


class MpiCase(Case):
    """A test that starts ranks. Nothing it has started survives it."""

    mpirun = MPIRUN
    survive = SURVIVE
    expected = cells = None  # the undisturbed sweep's table, made once for all tests of a file

    def setUp(self):
        super().setUp()
        if not self.mpirun or not self.survive:
            self.skipTest("this build has no Open MPI")
        self.out = self.folder / "out"
        self.config = self.tiny(**SWEEP)

    def kill_all(self):
        """Kill until there is nothing left, also of what was just being started."""
        while left := Job(self.folder, None).everything():
            send(left, signal.SIGKILL)
            time.sleep(0.01)

    def reap(self, process):
        """The end of a job that a failed test has left alone."""
        if process.returncode is None:
            self.kill_all()
            process.communicate()

    def environment(self, **more):
        """What mpirun leaves behind when it is killed lies in the test's folder. What MPI
        itself leaks cannot be told from ours."""
        return dict(os.environ, TMPDIR=str(self.folder), ASAN_OPTIONS="detect_leaks=0",
                    OMPI_MCA_btl_vader_backing_directory=str(self.folder),
                    OMPI_MCA_btl_sm_backing_directory=str(self.folder),
                    OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                    PRTE_ALLOW_RUN_AS_ROOT="1", PRTE_ALLOW_RUN_AS_ROOT_CONFIRM="1", **more)

    def launch(self, ranks, *args, flags=None, env=None, contexts=None,
               **options):
        """Start `mpirun FLAGS -n RANKS mixsweep ARGS`. contexts: instead of one kind of ranks,
        a list of (how many, words before the program)."""
        flags = self.survive + BIND_NONE if flags is None else flags
        command = [self.mpirun, "--oversubscribe", *flags]
        for i, (count, before) in enumerate(contexts or [(ranks, ())]):
            command += [*([":"] if i else []), "-n", count, *before, self.program, *args]
        process = subprocess.Popen(
            list(map(str, command)), cwd=self.folder, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            env=env or self.environment(), **options)
        self.addCleanup(self.reap, process)
        return Job(self.folder, process)

    def sweep(self, ranks, *more, out="out", **options):
        """Start the sweep over ranks."""
        return self.launch(ranks, "run", self.config, "--out", out, "--set",
                           f"schedule.rank_timeout={RANK_TIMEOUT_S}s", *more, **options)

    def words(self, job, out=None):
        """What the job has said when it has ended, which it does without help; else the failure
        shows who was still there. An mpirun that is left alone may be stuck in itself, and is ended
        as slurm/mixsweep-job.sh does it (docs/many-processes.md)."""
        alone_s, deadline = 0, time.monotonic() + END_S
        while True:
            try:
                return job.process.communicate(timeout=LOOK_S)
            except subprocess.TimeoutExpired:
                alone_s = alone_s + LOOK_S if job.everything() == [job.process.pid] else 0
                if alone_s >= ALONE_S:
                    job.process.kill()
                elif time.monotonic() > deadline:
                    break
        picture = job.picture()
        self.kill_all()
        text, err = job.process.communicate()
        return self.fail(f"the job did not end\n{picture}\n{text}\n{err}\n{self.log(out)}")

    def end(self, job, out=None, code=0):
        """The job ends by itself, with that exit code in the directory; nothing of it is left.
        Returns its output and what it said on standard error, without mpirun's own lines."""
        text, err = self.words(job, out)
        self.expect_no_survivor(job)
        self.expect_code(code, out, f"{text}\n{err}")
        return text, self.expect_own_words(err, out)

    def expect_code(self, code, out=None, text=""):
        file = (out or self.out) / "exit_code"
        self.assertEqual(file.read_text() if file.exists() else "none", f"{code}\n",
                         f"{text}\n{self.log(out)}")

    def expect_no_survivor(self, job):
        deadline = time.monotonic() + GONE_S
        while left := job.everything():
            self.assertLess(time.monotonic(), deadline,
                            [(pid, read_proc(pid, "cmdline"), stat(pid)[:2]) for pid in left])
            time.sleep(0.02)

    def expect_own_words(self, err, out=None):
        """Every line of standard error is one of ours: a record of the log, or an error."""
        lines = [line for line in err.splitlines() if not PMIX_LINE.fullmatch(line)]
        log = self.log(out)
        for line in lines:
            words = line.removeprefix("warning: ").removeprefix("mixsweep: ")
            self.assertTrue(line.startswith("mixsweep: ") or f" {words}\n" in log,
                            f"not ours: {line!r} in\n{err}")
        return "".join(line + "\n" for line in lines)

    def log(self, out=None):
        file = (out or self.out) / "log/sweep.log"
        return file.read_text() if file.exists() else ""

    def status(self, out=None):
        return json.loads(((out or self.out) / "status.json").read_text())

    def journal(self, kind, out=None):
        """The journals' records of a kind, of all incarnations."""
        found = [json.loads(line) for path in sorted((out or self.out).glob("journal/*.jsonl"))
                 for line in path.read_text().splitlines()]
        return [record for record in found if record["kind"] == kind]

    def reference(self):
        """The table without MPI."""
        if MpiCase.expected is None:
            self.mixsweep("run", self.config, "--out", "reference", "--workers", 2)
            table = rows(self.folder / "reference/results.csv")
            self.assertEqual([row["status"] for row in table], ["done"] * STAGES)
            MpiCase.expected = reproducible(self.folder / "reference/results.csv")
            MpiCase.cells = (self.folder / "reference/cells.csv").read_bytes()
        return MpiCase.expected

    def expect_whole(self, out=None, reduced=True):
        """The table of the undisturbed sweep, with every stage done once, and no attempt
        counted but those that the journal says have failed."""
        out = out or self.out
        self.assertEqual(reproducible(out / "results.csv"), self.reference())
        self.assertEqual((out / "cells.csv").read_bytes(), self.cells)
        done = [record["key"] for record in self.journal("done", out)]
        self.assertEqual((len(done), len(set(done))), (STAGES, STAGES), "each stage is done once")
        failed = self.journal("failed", out)
        self.assertEqual(sum(int(row["run.attempts"]) - 1 for row in rows(out / "results.csv")),
                         len(failed))
        self.no_executor_log_has_a_report(out)
        if reduced:
            reduction = self.status(out)["reduction"]
            self.assertEqual((reduction["path"], reduction["matches"]), ("tree", True))

    def wait_for_records(self, job, kind, count, out=None):
        self.wait_for(f"{count} records of kind {kind}",
                      lambda: records(out or self.out, kind) >= count, job.process)

    def random_moment(self, rng, job, first=1, last=STAGES // 2, out=None):
        """A moment while there is still work: after so many stages have begun or ended, and
        somewhere within the next stage."""
        self.wait_for_records(job, rng.choice(["started", "done"]), rng.randint(first, last), out)
        time.sleep(rng.uniform(0, 0.3))

    def rank(self, job, number):
        self.wait_for(f"rank {number} is there", lambda: number in job.ranks(), job.process)
        return job.ranks()[number]

    def losses(self, rank, out=None, host=HOST):
        """How often the log says that a rank is lost, or has left."""
        return len(re.findall(rf" {re.escape(host)}/{rank}: the rank (?:is lost|has left): ",
                              self.log(out)))


def seeded(number):
    """A generator of choices; MX_TEST_SEED makes other ones."""
    return random.Random(number + 1000 * int(os.environ.get("MX_TEST_SEED", "0")))
