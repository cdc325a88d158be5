"""One configuration, one table: whatever the number of workers, kills and restarts.
ctest: slow timeout=900"""
import json
import os
import random
import signal
import time

from harness import (FAULT_ENDLESS, TIME_LIMIT_S, Case, fault_stand, main, processes_of, records,
                     reproducible, rows)


class SameResults(Case):
    def kill_when(self, kind, count, out, config, stages):
        """Go on with a sweep of so many stages until its journals have so many records of a kind,
        one at least from this life; then SIGKILL all of its process group. Nothing may survive."""
        lives = len(list(out.glob("journal/*.jsonl")))
        process = self.start("run", config, "--out", out, "--resume", "--workers", 2,
                             fault=FAULT_ENDLESS.format(stages - 1))
        self.wait_for(f"{count} records of kind {kind}",
                      lambda: records(out, "incarnation") > lives and records(out, kind) >= count,
                      process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.wait_for("the executors are gone", lambda: not processes_of(self.folder))

    def reference(self, config, workers=2):
        self.mixsweep("run", config, "--out", "reference", "--workers", workers)
        expected = reproducible(self.folder / "reference/results.csv")
        self.assertGreater(len(expected), 0)
        self.assertEqual({row["status"] for row in expected}, {"done"})
        return expected

    def test_for_one_two_and_three_workers(self):
        config = self.tiny(repeats=2, arch="resnet8", epochs=2)
        expected = self.reference(config)
        cells = (self.folder / "reference/cells.csv").read_bytes()
        for workers in (1, 3):
            self.mixsweep("run", config, "--out", f"w{workers}", "--workers", workers)
            self.assertEqual(reproducible(self.folder / f"w{workers}/results.csv"), expected)
            self.assertEqual((self.folder / f"w{workers}/cells.csv").read_bytes(), cells)
            self.no_executor_log_has_a_report(self.folder / f"w{workers}")

    def test_when_killed_at_random_moments_and_resumed(self):
        config = self.tiny(repeats=2, n=256, arch="resnet8", epochs=2)
        expected = self.reference(config)
        stages = len(expected)
        rng = random.Random(1)
        for round_ in range(2):
            out = self.folder / f"killed{round_}"
            # Three moments a sweep: after so many stages were done in all its lives.
            for moment in sorted(rng.sample(range(1, stages - 1), 3)):
                self.kill_when("done", moment, out, config, stages)
            self.mixsweep("resume", out, "--workers", 1 + round_)
            self.assertEqual(reproducible(out / "results.csv"), expected)
            self.assertEqual(len(list(out.glob("journal/*.jsonl"))), 4)
            self.assertEqual((out / "exit_code").read_text().strip(), "0")
            done = [json.loads(line)["key"] for path in out.glob("journal/*.jsonl")
                    for line in path.read_text().splitlines() if '"done"' in line]
            self.assertEqual(len(set(done)), stages, "every stage is done")
            self.assertEqual(len(done), stages, "and none is done twice")

    def test_when_killed_in_the_middle_of_an_epoch(self):
        # One stage a worker, each of a few seconds: a start record means that it trains.
        config = self.tiny(n=2048, arch="resnet8", epochs=2)
        expected = self.reference(config)
        out = self.folder / "killed"
        for started in (1, 3, 5):
            self.kill_when("started", started, out, config, len(expected))
        self.mixsweep("run", config, "--out", out, "--resume", "--workers", 2)
        self.assertEqual(reproducible(out / "results.csv"), expected)
        self.assertGreater(records(out, "started"), len(expected), "a stage was killed in its work")
        attempts = {row["run.attempts"] for row in rows(out / "results.csv")}
        self.assertEqual(attempts, {"1"}, "that the sweep was killed is no stage's failure")

    def test_a_second_process_is_refused_while_the_first_one_lives(self):
        config = self.tiny(n=1024, arch="resnet8", epochs=2)
        expected = self.reference(config)
        out = self.folder / "out"
        process = self.start("run", config, "--out", out, "--workers", 2,
                             fault=fault_stand(1, self.folder / "stood"))
        stands = self.standing(process)
        err = self.refused(4, "resume", out)
        self.assertIn(str(process.pid), err)
        os.kill(stands, signal.SIGCONT)
        _, err = process.communicate(timeout=TIME_LIMIT_S)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(reproducible(out / "results.csv"), expected)

    def test_when_an_executor_is_killed(self):
        config = self.tiny(n=1024, arch="resnet8", epochs=2)
        expected = self.reference(config)
        out = self.folder / "out"
        process = self.start("run", config, "--out", out, "--workers", 2,
                             fault=fault_stand(2, self.folder / "stood"))
        stands = self.standing(process)
        self.wait_for("a stage is done", lambda: records(out, "done") >= 1, process)
        executors = self.executors(process)
        self.assertEqual(len(executors), 2)
        (works,) = {*executors} - {stands}
        os.kill(works, signal.SIGKILL)
        os.kill(stands, signal.SIGCONT)
        out_text, err = process.communicate(timeout=TIME_LIMIT_S)
        self.assertEqual(process.returncode, 0, out_text + err)
        self.assertEqual(reproducible(out / "results.csv"), expected)

    def test_when_stopped_by_a_signal_and_resumed(self):
        config = self.tiny(repeats=4, n=1024, arch="resnet8", epochs=2)
        expected = self.reference(config)
        for number, told in ((signal.SIGTERM, "stopping now"),
                             (signal.SIGINT, "running trials are finished")):
            out = self.folder / f"out{number}"
            # Stages that are handed out ahead are finished too: those of a tenth of a second.
            process = self.start("run", config, "--out", out, "--workers", 1,
                                 fault=fault_stand(2, self.folder / f"stood{number}"))
            stands = self.standing(process)
            process.send_signal(number)
            log = out / "log/sweep.log"
            self.wait_for("it is heard", lambda x=log, y=told: y in x.read_text(), process)
            if number == signal.SIGINT:
                os.kill(stands, signal.SIGCONT)
            _, err = process.communicate(timeout=TIME_LIMIT_S)
            self.assertEqual(process.returncode, 75, err)
            self.assertEqual((out / "exit_code").read_text().strip(), "75")
            states = {row["status"] for row in rows(out / "results.csv")}
            self.assertLessEqual(states, {"done", "pending"})
            self.assertIn("pending", states)
            self.mixsweep("resume", out, "--workers", 2)
            self.assertEqual(reproducible(out / "results.csv"), expected)


if __name__ == "__main__":
    main()
