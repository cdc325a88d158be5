"""Sweeps as jobs of a real Slurm cluster that is started here: each scenario ends with the same
results.csv, whatever happens to its job.

Most of the time is spent waiting for Slurm's clocks, so all scenarios run side by side, each
on nodes that its job has for itself. ctest: slow timeout=900 machine"""
import concurrent.futures
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from harness import (FAULTS_PROGRAM, PROGRAM, SOURCE, fault_stand, main, processes_of, records,
                     reproducible, stands)
from slurm_cluster import Cluster, why_not

LIMIT_S = 600  # of one scenario, on a machine that is busy with others
CONFIG = """
name: ratios
seed: 3
data: {set: synthetic, size: 12, val_fraction: 0.2, synthetic: {n: 160, classes: 3}}
model: {arch: resnet8}
train: {epochs: 6, batch_size: 32, lr: 0.05}
grid:
  mix.strategy: [none, mixup, cutmix]
  mix.alpha: [0.2, 1]
score: {metrics: [accuracy, cross_entropy]}
schedule: {checkpoint_every: 1s}
"""
# mpirun's daemons on nodes that are one host in truth; and as root.
ENVIRONMENT = {"OMPI_MCA_btl": "self,tcp", "OMPI_ALLOW_RUN_AS_ROOT": "1",
               "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def wait_for(what, holds):
    end = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {LIMIT_S} s")
        time.sleep(0.2)


class Job:
    """One scenario's sweep, in a folder of its own with a name that shells do not like."""

    def __init__(self, cluster, parent, name):
        self.cluster = cluster
        self.folder = parent / f"{name}'s $job"
        self.folder.mkdir()
        (self.folder / "ratios.yaml").write_text(CONFIG)
        self.stood = parent / f"{name}.stood"
        fault = fault_stand("any", self.stood)
        (self.folder / "site.env").write_text("MX_LOOK_S=1\nMX_ANSWER_S=10\n"
                                              f"export MX_FAULT='{fault}'\n")
        self.config = "ratios.yaml"
        self.out = self.folder / "ratios"
        self.id = None
        self.report = None

    def submit(self, *options, nodes=1, slurm=(), program=PROGRAM):
        out = self.cluster.run(program, "submit", self.config, "--nodes", nodes, "--cpus", 1,
                               "--workers", nodes, "--site", "site.env", *options, "--",
                               *slurm, cwd=self.folder)
        self.id, *more = re.findall(r"^Submitted batch job (\d+)$", out, re.MULTILINE)
        self.report = (more or [None])[0]
        return self

    def show(self, field, job=None):
        text = self.cluster.run("scontrol", "show", "job", "-o", job or self.id)
        return re.search(rf"(?:^| ){field}=(\S*)", text)[1]

    def log(self):
        return "".join(path.read_text(errors="replace")
                       for path in sorted(self.folder.glob("slurm-*.out")))

    def submit_held(self, *options, **more):
        """One whose first trial stands still once it has begun: it cannot end by itself then."""
        self.submit("--script", SOURCE / "slurm/mixsweep.sbatch", *options, program=FAULTS_PROGRAM,
                    **more)
        return self.wait_held()

    def wait_held(self):
        wait_for("an executor stands still", lambda: any(map(stands, processes_of(self.folder))))
        wait_for("a trial has started", lambda: records(self.out, "started") >= 1)
        return self

    def wait_state(self, *states):
        wait_for(f"job {self.id} is {states}", lambda: self.show("JobState") in states)

    def node(self, index):
        names = self.cluster.run("scontrol", "show", "hostnames", self.show("NodeList"))
        return names.split()[index]

    def finish(self, reference):
        """The job has to be done, and the table the same as without Slurm."""
        self.wait_state("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL", "BOOT_FAIL")
        log = self.log()
        assert self.show("JobState") == "COMPLETED", f"{self.show('JobState')}\n{log}"
        assert (self.out / "exit_code").read_text() == "0\n", log
        assert reproducible(self.out / "results.csv") == reference, log
        return log


def submitted(job, reference):
    """Two nodes under mpirun: both work, nothing is requeued."""
    log = job.submit(nodes=2).finish(reference)
    assert "2 executors of 2 ranks" in log, log
    assert job.show("Restarts") == "0"


def with_srun(job, reference):
    """The same with ranks that srun starts."""
    log = job.submit("--launcher", "srun", nodes=2).finish(reference)
    assert "2 executors of 2 ranks" in log, log


def requeued(job, reference):
    """An administrator puts the job back into the queue."""
    job.submit_held()
    job.cluster.run("scontrol", "requeue", job.id)
    log = job.finish(reference)
    assert f"run {job.id}.1 (SLURM_RESTART_COUNT 1)" in log, log


def out_of_time(job, reference):
    """The sweep saves itself before the limit and the job requeues itself."""
    job.submit_held("--time", "1m")
    log = job.finish(reference)
    assert "the time is over: the job goes back into the queue" in log, log
    assert f"run {job.id}.1 " in log, log
    assert "records of 1 incarnation read" in log, log


def cancelled(job, reference):
    """It stays out of the queue until it is submitted again."""
    job.submit_held()
    job.cluster.run("scancel", job.id)
    job.wait_state("CANCELLED")
    wait_for("the sweep has ended", lambda: not processes_of(job.folder))
    assert job.show("Restarts") == "0"
    assert job.out.joinpath("exit_code").read_text() == "75\n", job.log()
    job.submit("--resume").finish(reference)


def first_node_dies(job, reference):
    """Slurm puts the job back into the queue."""
    job.submit_held()
    job.cluster.kill_node(job.node(0))
    log = job.finish(reference)
    assert f"run {job.id}.1 (SLURM_RESTART_COUNT 1)" in log, log


def second_node_dies(job, reference):
    """The sweep is started again on the node that is left."""
    job.submit_held(nodes=2)
    first = job.node(0)
    job.cluster.kill_node(job.node(1))
    log = job.finish(reference)
    assert job.show("Restarts") == "0", log
    assert re.search(rf"run {job.id}\.\d+ \(SLURM_RESTART_COUNT 0\) on {first}\n", log), log


def preempted(job, reference):
    """A job of a higher partition takes the node; the sweep goes on afterwards."""
    job.submit_held()
    job.cluster.run("sbatch", "-p", "high", "-n", 1, "-w", job.node(0), "-o", "/dev/null",
                    "--wrap", "sleep 5", cwd=job.folder)
    log = job.finish(reference)
    assert int(job.show("Restarts")) >= 1, log
    assert "the time is over" not in log, log


def awkward(job, reference):
    """Names that shells, sbatch and mpirun do not like go through submit and the job."""
    job.config = "./-ä 'b' \"$c\" %j.yaml"
    (job.folder / job.config).write_text(CONFIG)
    job.out = job.folder / "-ö ü'\" $(x) %j \\ *"
    log = job.submit(f"--out={job.out.name}", "--set", "name=it's a $name", nodes=2).finish(reference)
    assert "2 executors of 2 ranks" in log, log


def reported(job, reference):
    """The job of the report waits for the last end of the sweep's, a cancelled one's too."""
    job.submit_held("--report")
    assert job.show("JobState", job.report) == "PENDING"
    first = set(processes_of(job.folder))
    job.stood.unlink()
    job.cluster.run("scontrol", "requeue", job.id)
    wait_for("it runs again", lambda: f"run {job.id}.1 " in job.log())
    wait_for("the first is gone", lambda: not first & set(processes_of(job.folder)))
    job.wait_held()
    assert job.show("JobState", job.report) == "PENDING", job.log()
    assert job.show("Dependency", job.report).startswith(f"afterany:{job.id}")
    job.cluster.run("scancel", job.id)
    wait_for("the report is made", lambda: job.show("JobState", job.report) not in ("PENDING", "RUNNING"))
    assert job.show("JobState", job.report) == "COMPLETED", job.log()
    assert (job.out / "exit_code").read_text() == "75\n", job.log()
    assert "</html>" in (job.out / "report.html").read_text()
    job.submit("--resume").finish(reference)


SCENARIOS = {run.__name__: run for run in (submitted, with_srun, requeued, out_of_time, cancelled,
                                           first_node_dies, second_node_dies, preempted,
                                           awkward, reported)}
NODES = 15


@unittest.skipIf(why_not(), why_not())
class Slurm(unittest.TestCase):
    """Starts everything at once; each test then waits for its own scenario."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="mx-slurm-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.cluster = Cluster(cls.folder / "cluster", nodes=NODES, cpus=1)
        cls.cluster.environment.update(ENVIRONMENT)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        (cls.folder / "alone").mkdir()
        (cls.folder / "alone/ratios.yaml").write_text(CONFIG)
        subprocess.run([PROGRAM, "run", "ratios.yaml"], cwd=cls.folder / "alone", check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        reference = reproducible(cls.folder / "alone/ratios/results.csv")
        pool = concurrent.futures.ThreadPoolExecutor(len(SCENARIOS))
        cls.addClassCleanup(pool.shutdown, wait=False, cancel_futures=True)
        cls.ends = {name: pool.submit(run, Job(cls.cluster, cls.folder, name), reference)
                    for name, run in SCENARIOS.items()}


def test_of(name):
    def test(self):
        self.ends[name].result()
    test.__doc__ = SCENARIOS[name].__doc__
    return test


for scenario in SCENARIOS:
    setattr(Slurm, f"test_{scenario}", test_of(scenario))


if __name__ == "__main__":
    main()
