"""A sweep over ranks that is asked to stop, by whatever way, can be resumed, and mpirun adds
no word of its own. ctest: slow timeout=600"""
import os
import signal

from harness import FAULTS_PROGRAM, main, records, rows
from mpi_harness import HOST, MpiCase, send

SILENCED = 199  # a descriptor that neither mpirun nor a rank uses


class Stop(MpiCase):
    def begin(self, *options, **more):
        """Start a sweep over three ranks, with nothing to be heard of mpirun."""
        silence = os.open(os.devnull, os.O_WRONLY)
        self.addCleanup(os.close, silence)
        os.dup2(silence, SILENCED)
        self.addCleanup(os.close, SILENCED)
        env = self.environment(PMIX_OUTPUT_STDERR_FD=str(SILENCED), **more)
        return self.sweep(3, "--workers", 3, *options, env=env, pass_fds=(SILENCED,))

    def begin_and_freeze(self):
        """One whose executors stand still in the middle."""
        job = self.begin()
        self.wait_for_records(job, "done", 1)
        executors = job.executors()
        self.assertEqual(len(executors), 3)
        send(executors, signal.SIGSTOP)
        return job, executors

    def expect_a_stop(self, job, told):
        """It ends with 75, says why, adds no word that is not ours, and can be resumed."""
        text, err = self.words(job)
        self.expect_no_survivor(job)
        self.expect_code(75, text=text + err)
        self.assertEqual(self.expect_own_words(err), err)
        self.assertEqual(err.count(f"\n{told}; "), 1, err)
        self.assertIn("not finished: mixsweep resume out goes on\n", text)
        states = [row["status"] for row in rows(self.out / "results.csv")]
        self.assertLessEqual(set(states), {"done", "pending"})
        self.assertIn("pending", states)
        self.assertEqual(len(self.journal("done")), states.count("done"))
        status = self.status()
        self.assertEqual((status["state"], status["exit_code"]), ("interrupted", 75))
        self.assertEqual([node["lost"] for node in status["nodes"]], [False] * 3, self.log())
        self.mixsweep("resume", "out", "--workers", 2)
        self.expect_code(0)
        self.expect_whole()
        self.assertEqual(self.journal("failed"), [])

    def end_by_signal(self, number, told):
        job, _ = self.begin_and_freeze()
        job.process.send_signal(number)
        self.expect_a_stop(job, f"{told}: stopping now")

    # mpirun makes a SIGTERM of either, and of it a SIGKILL little later.
    def test_by_ctrl_c_at_mpirun(self):
        self.end_by_signal(signal.SIGINT, "SIGTERM")

    def test_by_sigterm_at_mpirun(self):
        self.end_by_signal(signal.SIGTERM, "SIGTERM")

    def test_by_sigusr2_at_mpirun(self):
        self.end_by_signal(signal.SIGUSR2, "SIGUSR2")

    def test_by_sigusr1_at_mpirun(self):
        self.end_by_signal(signal.SIGUSR1, "SIGUSR1")

    def test_by_a_signal_to_rank_0(self):
        job, executors = self.begin_and_freeze()
        send([self.rank(job, 0)], signal.SIGINT)
        told = "Ctrl-C: running trials are finished, no new ones start"
        self.wait_for("it is heard", lambda: told in self.log(), job.process)
        started = records(self.out, "started")
        send(executors, signal.SIGCONT)
        self.expect_a_stop(job, told)
        self.assertGreater(started, 3)

    def test_by_mixsweep_stop(self):
        job, executors = self.begin_and_freeze()
        self.mixsweep("stop", "out")
        told = (f"mixsweep stop on {HOST}: running trials are finished, no new "
                f"ones start")
        self.wait_for("it is heard", lambda: told in self.log(), job.process)
        done = records(self.out, "done")
        send(executors, signal.SIGCONT)
        self.expect_a_stop(job, told)
        self.assertGreaterEqual(records(self.out, "done"), done + 3)

    def test_by_mixsweep_stop_now(self):
        job, _ = self.begin_and_freeze()
        self.mixsweep("stop", "out", "--now")
        self.expect_a_stop(job, f"mixsweep stop on {HOST}: stopping now")

    def test_by_a_time_limit(self):
        self.program = FAULTS_PROGRAM
        job = self.begin("--time-limit", "4s", MX_FAULT="hang stage_starts any always")
        self.expect_a_stop(job, "time limit: stopping now")


if __name__ == "__main__":
    main()
