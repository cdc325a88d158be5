"""Executors, ranks, mpirun and all of them together are killed at random moments: the table
is that of a sweep that nobody disturbed. ctest: slow timeout=600"""
import signal

from harness import main, records
from mpi_harness import GONE_S, MpiCase, seeded, send


class Kills(MpiCase):
    def test_executors(self):
        rng = seeded(1)
        for round_ in range(3):
            with self.subTest(round=round_):
                out = self.folder / f"out{round_}"
                job = self.sweep(3, "--workers", 4, out=out.name)
                for kill in range(1 + round_ % 2):
                    self.random_moment(rng, job, 1 + 3 * kill, 3 + 3 * kill, out)
                    send([rng.choice(job.executors())], signal.SIGKILL)
                self.end(job, out)
                self.expect_whole(out)
                failed = self.journal("failed", out)
                self.assertLessEqual(len(failed), 1 + round_ % 2)
                for record in failed:
                    self.assertEqual((record["attempt"], record["reason"]), (1, "crashed"))
                    self.assertTrue(record["text"].startswith("the executor was killed (signal 9)"))

    def kill_ranks(self, rng, job, out, victims):
        """Kill ranks one after another, each with work in its hands."""
        for i, victim in enumerate(victims):
            self.random_moment(rng, job, 1 + 3 * i, 3 + 3 * i, out)
            send([self.rank(job, victim)], signal.SIGKILL)

    def expect_losses(self, out, ranks, victims):
        """Each lost rank is told once, and nobody is blamed for it."""
        self.assertEqual([self.losses(rank, out) for rank in range(ranks)],
                         [int(rank in victims) for rank in range(ranks)], self.log(out))
        self.assertEqual(self.journal("failed", out), [])
        nodes = self.status(out)["nodes"]
        self.assertEqual([node["lost"] for node in nodes],
                         [rank in victims for rank in range(ranks)])

    def test_ranks(self):
        rng = seeded(2)
        for ranks, many in ((2, 1), (3, 1), (3, 2), (4, 2)):
            with self.subTest(ranks=ranks, many=many):
                out = self.folder / f"out{ranks}{many}"
                victims = rng.sample(range(1, ranks), many)
                job = self.sweep(ranks, "--workers", ranks, out=out.name)
                self.kill_ranks(rng, job, out, victims)
                _, err = self.end(job, out)
                self.expect_whole(out)
                self.expect_losses(out, ranks, victims)
                self.assertIn(f" numbers of {ranks - many} rank", err + self.log(out))

    def test_a_rank_and_an_executor_of_another(self):
        rng = seeded(3)
        job = self.sweep(3, "--workers", 3)
        self.random_moment(rng, job, 1, 4)
        send([self.rank(job, 2), *job.executors(1)], signal.SIGKILL)
        self.end(job)
        self.expect_whole()
        self.assertEqual(self.losses(2), 1)
        self.assertLessEqual({record["rank"] for record in self.journal("failed")}, {1})

    def test_a_rank_that_is_stopped_for_too_long(self):
        job = self.sweep(3, "--workers", 3)
        self.wait_for_records(job, "done", 1)
        executors = job.executors(1)
        send([victim := self.rank(job, 1)], signal.SIGSTOP)
        self.wait_for("its loss is told", lambda: self.losses(1) > 0, job.process)
        self.assertIn("it has been silent for 2 s (schedule.rank_timeout)", self.log())
        send([victim], signal.SIGCONT)
        self.wait_for("it is gone, and its executors", lambda: not
                      {victim, *executors} & set(job.everything()), job.process)
        self.end(job)
        self.expect_whole()
        self.expect_losses(self.out, 3, [1])

    def test_mpirun_or_rank_0(self):
        rng = seeded(4)
        # A lone rank has no MPI to tell it that its launcher is gone.
        for round_, (ranks, victim) in enumerate(((3, "mpirun"), (3, "rank 0"), (1, "mpirun"))):
            with self.subTest(round=round_):
                out = self.folder / f"out{round_}"
                job = self.sweep(ranks, "--workers", 3, out=out.name)
                self.random_moment(rng, job, out=out)
                pid = job.process.pid if victim == "mpirun" else self.rank(job, 0)
                send([pid], signal.SIGKILL)
                _, err = self.words(job, out)
                self.expect_no_survivor(job)
                if victim == "rank 0":
                    self.assertEqual(err.count("mixsweep: rank 0 on"), 1, err)
                if (out / "exit_code").exists():
                    self.expect_code(75, out)
                self.go_on(round_, out)

    def go_on(self, round_, out):
        """Resume, with and without ranks in turn."""
        if round_ % 2:
            self.mixsweep("resume", out.name, "--workers", 2)
        else:
            self.end(self.launch(3, "resume", out.name, "--workers", 3), out)
        self.expect_whole(out)

    def test_everything(self):
        rng = seeded(5)
        for round_ in range(4):
            with self.subTest(round=round_):
                out = self.folder / f"out{round_}"
                job = self.sweep(2, "--workers", 2 + round_, out=out.name)
                self.random_moment(rng, job, out=out)
                self.kill_all()
                self.words(job, out)
                self.assertFalse((out / "exit_code").exists())
                self.go_on(round_, out)
                self.assertEqual(records(out, "incarnation"), 2)


if __name__ == "__main__":
    main()
