"""A real Slurm cluster on this machine, in a folder of its own: one controller and a few nodes
that are processes, with a key and ports that nobody else uses. No systemd, no control groups.

As a program, for trying things out by hand (as root):

    python3 tests/e2e/slurm_cluster.py FOLDER     starts it, tells how to reach it, waits
"""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "scontrol", "squeue", "sinfo",
            "scancel", "srun")
UP_S = 60  # far more than a start takes

# `low` may be pushed out by `high`, back into the queue. cred_expire: else a job that is requeued
# waits two minutes. Times are as short as they get, so that deaths are seen soon.
CONFIG = """
ClusterName=mx
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/s,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
TmpFS={folder}/tmp/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=2,batch_sched_delay=0,requeue_delay=0
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
SlurmdTimeout=20
KillWait=5
MinJobAge=600
JobRequeue=1
{nodes}
PartitionName=low Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE
PartitionName=high Nodes=ALL MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
"""


def free_ports(count):
    """Ports that nobody listens on at present."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def why_not():
    """Why no cluster can be started here; "" if one can."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    if missing:
        return f"Slurm is not installed ({missing[0]} is missing; Debian: slurm-wlm)"
    return "" if os.geteuid() == 0 else "a cluster is started by root only"


class Cluster:
    """The cluster of a folder, with nodes n1, n2, ... of `cpus` CPUs each."""

    def __init__(self, folder, nodes=4, cpus=2):
        self.folder = pathlib.Path(folder)
        self.names = [f"n{k + 1}" for k in range(nodes)]
        self.daemons = {}
        self.environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf"),
                            "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
        for name in ("munge", "state", "spool", *(f"tmp/{node}" for node in self.names)):
            (self.folder / name).mkdir(parents=True)
        ports = free_ports(nodes + 1)
        host = os.uname().nodename.split(".")[0]
        lines = "\n".join(f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} "
                          f"CPUs={cpus} State=UNKNOWN" for node, port in zip(self.names, ports))
        (self.folder / "slurm.conf").write_text(CONFIG.format(
            host=host, controller=ports[-1], folder=self.folder, nodes=lines))

    def run(self, *command, check=True, **options):
        """Run one of Slurm's commands; returns what it prints."""
        done = subprocess.run(list(map(str, command)), env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False, **options)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr}{done.stdout}")
        return done.stdout

    def _daemon(self, name, *command):
        log = open(self.folder / f"{name}.out", "ab")
        with log:
            self.daemons[name] = subprocess.Popen(
                list(map(str, command)), env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True)

    def start_node(self, name):
        self._daemon(name, "slurmd", "-D", "-N", name)

    def kill_node(self, name):
        """As if it lost its power: the daemon and every process that it started."""
        marks = {f"SLURM_CONF={self.folder}/slurm.conf", f"SLURMD_NODENAME={name}"}
        parents = _parents()
        victims = {pid for pid in parents if marks <= environment_of(pid)}
        # A step's daemon does not know its node, but its processes do.
        for pid in list(victims):
            while (pid := parents.get(pid, 0)) > 1:
                if _name(pid) == "slurmstepd":
                    victims.add(pid)
        daemon = self.daemons.pop(name)
        for pid in (daemon.pid, *victims):
            kill(pid)
        daemon.wait()

    def start(self):
        munge = self.folder / "munge"
        munge.chmod(0o755)
        self.folder.chmod(0o755)
        self.run("mungekey", "-c", "-k", munge / "key")
        self._daemon("munged", "munged", "-F", "--force", "-S", munge / "s",
                     "--key-file", munge / "key", "--pid-file", munge / "pid",
                     "--log-file", munge / "log", "--seed-file", munge / "seed")
        self._wait("munged listens", (munge / "s").exists)
        self._daemon("slurmctld", "slurmctld", "-D", "-i")
        for name in self.names:
            self.start_node(name)
        self._wait("all nodes are idle", lambda: self.run(
            "sinfo", "-h", "-N", "-p", "low", "-o", "%N %T", check=False).split("\n")[:-1] ==
            [f"{name} idle" for name in self.names])
        return self

    def _wait(self, what, holds):
        end = time.monotonic() + UP_S
        while not holds():
            if time.monotonic() > end:
                logs = "\n".join(path.read_text(errors="replace")[-1500:]
                                 for path in self.folder.glob("*.log"))
                raise RuntimeError(f"{what}: not within {UP_S} s\n{logs}")
            time.sleep(0.05)

    def stop(self):
        """End everything that the cluster started, jobs too."""
        for name in self.names:
            if name in self.daemons:
                self.kill_node(name)
        for daemon in self.daemons.values():
            kill(daemon.pid)
            daemon.wait()


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _parents():
    """{pid: parent} of all processes."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                stat = pathlib.Path(f"/proc/{name}/stat").read_text()
                found[int(name)] = int(stat[stat.rindex(")") + 2:].split()[1])
            except (OSError, ValueError):
                pass
    return found


def _name(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().rstrip("\n")
    except OSError:
        return ""


def environment_of(pid):
    """The variables that a process was started with; none if it is gone."""
    try:
        return set(pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode(
            errors="replace").split("\0"))
    except OSError:
        return set()


def main():
    reason = why_not()
    if reason or len(sys.argv) != 2:
        sys.exit(reason or __doc__)
    cluster = Cluster(pathlib.Path(sys.argv[1]).resolve()).start()
    print(f"export SLURM_CONF={cluster.folder}/slurm.conf\nCtrl-C ends it", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
