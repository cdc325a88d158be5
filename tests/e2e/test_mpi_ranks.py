"""One configuration, one table, for any number of ranks and executors; and ranks to which
something happens that kills nobody. ctest: slow timeout=600"""
import os
import re
import shutil
import subprocess
import time

from harness import FAULTS_PROGRAM, main, reproducible, rows
from mpi_harness import HOST, SURVIVE, MpiCase, cpu_seconds

IDLE_S = 20        # that an idle rank is watched for
IDLE_SHARE = 0.03  # of a core at most; below 0.01 is what it should be


class Ranks(MpiCase):
    def test_one_to_four_ranks_with_one_or_two_executors_each(self):
        for ranks in (1, 2, 3, 4):
            for each in (1, 2):
                with self.subTest(ranks=ranks, each=each):
                    out = self.folder / f"out{ranks}{each}"
                    job = self.sweep(ranks, "--workers", ranks * each, out=out.name)
                    self.end(job, out)
                    self.expect_whole(out)
                    self.assertEqual(self.journal("failed", out), [])
                    status = self.status(out)
                    self.assertEqual([node["executors"] for node in status["nodes"]],
                                     [each] * ranks)
                    self.assertEqual(status["reduction"]["ranks"], ranks)
                    self.assertEqual({row["run.rank"] for row in rows(out / "results.csv")},
                                     {str(rank) for rank in range(ranks)})

    def test_ranks_without_executors(self):
        self.end(self.sweep(3, "--workers", 1))
        self.expect_whole()
        self.assertEqual({row["run.rank"] for row in rows(self.out / "results.csv")}, {"0"})
        self.assertEqual(self.status()["reduction"]["ranks"], 3)

    def test_ranks_bound_to_a_cpu_are_told_how_to_be_free(self):
        cpus = len(os.sched_getaffinity(0))
        if cpus < 2:
            self.skipTest("this machine has one CPU to use")
        self.end(self.launch(2, "run", self.config, "--out", "out", "--workers", 2,
                             flags=SURVIVE + ("--bind-to", "hwthread")))
        for rank in range(2):
            self.assertIn(f": rank {rank} on {HOST} is bound to 1 of the {cpus} CPUs that the job "
                          f"has there, and so are its executors; mpirun --bind-to none lets them "
                          f"use all\n", self.log())
        self.expect_whole()

    def test_a_rank_that_does_not_see_the_directory_is_left_out(self):
        shared = self.folder / "shared"
        shared.mkdir()
        hide = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', shared)
        if not shutil.which("unshare") or \
                subprocess.run([*hide, "true"], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("this machine does not permit mounts")
        self.out = shared / "out"
        job = self.sweep(None, "--workers", 3, out=self.out,
                         contexts=[(1, ()), (1, hide), (1, ())])
        _, err = self.end(job)
        told = (f"warning: {HOST}/1: the rank has left: it does not see {self.out}; put the output "
                f"directory on a file system that all nodes share\n")
        self.assertEqual(err.count(told), 1, err)
        self.expect_whole()
        self.assertEqual(self.journal("failed"), [])
        self.assertEqual(self.status()["reduction"]["ranks"], 2)

    def test_an_idle_rank_uses_next_to_no_cpu(self):
        self.program = FAULTS_PROGRAM
        job = self.sweep(2, "--workers", 2,
                         env=self.environment(MX_FAULT="hang stage_starts any always"))
        self.wait_for_records(job, "started", 2)
        ranks = [self.rank(job, number) for number in range(2)]
        before = [cpu_seconds(pid) for pid in ranks]
        start = time.monotonic()
        time.sleep(IDLE_S)
        seconds = time.monotonic() - start
        shares = [(cpu_seconds(pid) - was) / seconds for pid, was in zip(ranks, before)]
        print("share of a core that ranks use while idle:", *(f"{x:.2%}" for x in shares))
        self.assertLess(max(shares), IDLE_SHARE)


class Faults(MpiCase):
    """What goes wrong in one rank, by its environment."""
    program = FAULTS_PROGRAM

    def sweep_with(self, rank, fault, *options, ranks=3):
        """The sweep, with a fault in one of its ranks."""
        with_fault = ("env", f"MX_FAULT={fault}")
        return self.sweep(None, "--workers", ranks, *options,
                          contexts=[(1, with_fault if r == rank else ()) for r in range(ranks)])

    def test_an_executor_of_another_rank_that_fails_once(self):
        for what, reason, text, options in (
                ("segfault", "crashed", "the executor crashed with signal 11 (Segmentation fault)",
                 ()),
                ("hang", "stalled", "the executor was ended: stalled",
                 ("--set", "schedule.stall_timeout=3s")),
                # Rank 0 sees this one, and tells the rank to end it.
                ("hang", "timed_out", "the executor was ended: timed_out",
                 ("--set", "schedule.trial_timeout=6s"))):
            with self.subTest(reason=reason):
                self.end(self.sweep_with(1, f"{what} stage_starts any {self.folder / reason}",
                                         *options))
                self.expect_whole()
                (failed,) = self.journal("failed")
                self.assertEqual((failed["rank"], failed["attempt"], failed["reason"],
                                  failed["text"], failed["final"]), (1, 1, reason, text, False))
                table = rows(self.out / "results.csv")
                self.assertEqual(sorted(row["run.attempts"] for row in table),
                                 ["1"] * (len(table) - 1) + ["2"])
                self.out.rename(self.folder / f"out-{reason}")

    def test_a_wrong_number_in_the_sum_is_told_and_the_table_is_right(self):
        for rank in (0, 2):
            with self.subTest(rank=rank):
                job = self.sweep_with(rank, "contribution first")
                _, err = self.end(job, code=70)
                self.assertEqual(reproducible(self.out / "results.csv"), self.reference())
                found = re.findall(r"^mixsweep: the reduced table differs from the journal: (\S+) "
                                   r"of stage ([0-9a-f]{32}) has the bits ([0-9a-f]{16}) and "
                                   r"should have ([0-9a-f]{16}); the journal counts, results.csv "
                                   r"is made from it. ", err, re.MULTILINE)
                self.assertEqual(len(found), 1, err)
                metric, stage, bits, right = found[0]
                (record,) = (r for r in self.journal("done") if r["key"] == stage)
                self.assertEqual(record["rank"], rank)
                self.assertIn(metric, record["metrics"])
                self.assertEqual(int(bits, 16), int(right, 16) + 1)
                reduction = self.status()["reduction"]
                self.assertEqual((reduction["ranks"], reduction["matches"]), (3, False))
                self.out.rename(self.folder / f"out-{rank}")


if __name__ == "__main__":
    main()
