"""A sweep under the mpirun of Open MPI 5, with its fault tolerance. ctest: slow timeout=900 machine"""
import functools
import signal

import openmpi5
from harness import main
from mpi_harness import MpiCase, seeded, send


build = functools.lru_cache(openmpi5.build)


class OpenMpi5(MpiCase):
    survive = ("--with-ft", "ulfm")

    def setUp(self):
        self.program, self.mpirun = build()
        super().setUp()

    def test_ranks_are_killed(self):
        rng = seeded(6)
        for victims in ((), (1,), (2, 1)):
            with self.subTest(victims=victims):
                out = self.folder / f"out{len(victims)}"
                job = self.sweep(3, "--workers", 3, out=out.name)
                for i, victim in enumerate(victims):
                    self.random_moment(rng, job, 1 + 3 * i, 3 + 3 * i, out)
                    send([self.rank(job, victim)], signal.SIGKILL)
                _, err = self.end(job, out)
                self.expect_whole(out)
                self.assertEqual([self.losses(rank, out) for rank in range(3)],
                                 [int(rank in victims) for rank in range(3)], self.log(out))
                self.assertNotIn("it has been silent", err)  # seen before that could be
                self.assertEqual(self.journal("failed", out), [])
                self.assertEqual(job.process.returncode, 0)

    def test_everything_is_killed(self):
        job = self.sweep(3, "--workers", 3)
        self.random_moment(seeded(7), job)
        job.process.kill()  # and that alone: this mpirun takes nobody with it
        self.words(job)
        self.expect_no_survivor(job)
        self.end(self.launch(2, "resume", "out"))
        self.expect_whole()

    def test_a_signal_to_all_ranks(self):
        job = self.sweep(3, "--workers", 3)
        self.wait_for_records(job, "done", 1)
        job.process.send_signal(signal.SIGUSR2)
        self.end(job, code=75)
        self.assertEqual(job.process.returncode, 75)
        self.end(self.launch(3, "resume", "out"))
        self.expect_whole()


if __name__ == "__main__":
    main()
