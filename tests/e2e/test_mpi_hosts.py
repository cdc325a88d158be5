"""Ranks on other hosts: rank 0 sees nothing of them but what they say. Names of their own make
hosts of them here. ctest: slow timeout=600 machine"""
import signal
import subprocess
import time

from harness import main, rows
from mpi_harness import HOST, RANK_TIMEOUT_S, STAGES, MpiCase, send

ELSEWHERE = ("unshare", "-u", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh")


class Hosts(MpiCase):
    def setUp(self):
        super().setUp()
        try:
            subprocess.run([*ELSEWHERE, "true"], check=True, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("this machine does not permit host names of processes")

    def begin(self, *options):
        """Start rank 0 here and ranks 1 and 2 on another host."""
        return self.sweep(None, *options, contexts=[(1, ()), (2, ELSEWHERE)])

    def expect_loss(self, job, rank, told):
        """The sweep ends well without the rank, which is told once, and nobody is blamed."""
        _, err = self.end(job)
        self.expect_whole()
        self.assertEqual(err.count(f"warning: elsewhere/{rank}: the rank {told}\n"), 1, err)
        self.assertEqual(self.losses(rank, host="elsewhere"), 1)
        self.assertEqual(self.journal("failed"), [])
        self.assertEqual([node["lost"] for node in self.status()["nodes"]],
                         [other == rank for other in range(3)])
        self.assertEqual(self.status()["reduction"]["ranks"], 2)

    def test_workers_are_those_of_a_node(self):
        self.end(self.begin("--workers", 3))
        self.expect_whole()
        self.assertEqual([(node["host"], node["executors"]) for node in self.status()["nodes"]],
                         [(HOST, 3), ("elsewhere", 2), ("elsewhere", 1)])
        self.assertEqual({(row["run.host"], row["run.rank"])
                          for row in rows(self.out / "results.csv")},
                         {(HOST, "0"), ("elsewhere", "1"), ("elsewhere", "2")})

    def test_a_rank_that_is_killed_is_lost_by_its_silence(self):
        job = self.begin("--workers", 2)
        self.wait_for_records(job, "done", 1)
        send([self.rank(job, 1)], signal.SIGKILL)
        self.expect_loss(job, 1, "is lost: it has been silent for 2 s (schedule.rank_timeout)")

    def test_a_rank_that_was_stopped_for_too_long_ends_by_itself(self):
        job = self.begin("--workers", 2)
        self.wait_for_records(job, "done", 1)
        executors = job.executors(2)
        send([victim := self.rank(job, 2)], signal.SIGSTOP)
        self.wait_for("its loss is told", lambda: self.losses(2, host="elsewhere"), job.process)
        self.assertLessEqual({victim, *executors}, set(job.everything()))
        send([victim], signal.SIGCONT)
        self.expect_loss(job, 2, "is lost: it has been silent for 2 s (schedule.rank_timeout)")

    def test_a_pause_of_rank_0_is_nobodys_death(self):
        job = self.begin("--workers", 2)
        self.wait_for_records(job, "done", 1)
        send([root := self.rank(job, 0)], signal.SIGSTOP)
        time.sleep(3 * RANK_TIMEOUT_S)
        send([root], signal.SIGCONT)
        self.end(job)
        self.expect_whole()
        self.assertEqual([node["lost"] for node in self.status()["nodes"]], [False] * 3, self.log())
        self.assertEqual(self.journal("failed"), [])

    def test_a_rank_that_is_told_to_end_leaves(self):
        job = self.begin("--workers", 2)
        self.wait_for_records(job, "done", 1)
        executors = job.executors(1)
        send([rank := self.rank(job, 1)], signal.SIGTERM)
        self.wait_for("its executors are gone", lambda: not {*executors} & {*job.everything()},
                      job.process)
        self.assertIn(rank, job.everything())
        self.expect_loss(job, 1, "has left: it was told to end by SIGTERM")

    def test_a_rank_that_is_killed_when_nearly_all_is_done(self):
        # Its loss is seen by the reduction, or just before it.
        job = self.begin("--workers", 1, "--set", "schedule.rank_timeout=5s")
        self.wait_for_records(job, "done", STAGES - 1)
        send([self.rank(job, 2)], signal.SIGKILL)
        self.expect_loss(job, 2, "is lost: it has been silent for 5 s (schedule.rank_timeout)")


if __name__ == "__main__":
    main()
