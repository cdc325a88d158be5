"""Going on with a sweep whose trials failed, whose data changed, or whose files are gone.
ctest: quick"""
import json
import os
import shutil
import time

from harness import Case, main, reproducible, rows, write_mnist

# One cell that trains far longer than its time limit.
SLOW = """
name: slow
data: {set: synthetic, size: 16, synthetic: {n: 200}}
model: {arch: resnet8}
train: {epochs: 100000, batch_size: 32}
"""

MNIST = """
name: digits
data: {set: mnist, path: files}
model: {arch: linear}
train: {epochs: 1, batch_size: 16}
"""


class Resume(Case):
    def run_slow(self, code, retries, *more):
        return self.mixsweep("run", "slow.yaml", "--out", "out", *more, "--workers", 1, "--set",
                             "schedule.trial_timeout=1s", "--set", f"schedule.retries={retries}",
                             code=code)

    def status(self):
        return json.loads((self.folder / "out/status.json").read_text())

    def test_failed_trials_get_new_attempts_when_retries_are_raised(self):
        self.write("slow.yaml", SLOW)
        self.run_slow(1, 0)
        self.assertEqual(rows(self.folder / "out/results.csv")[0]["run.attempts"], "1")
        _, err = self.mixsweep("resume", "out", code=1)
        self.assertIn("1 failed, 0 to run", err)
        self.assertIn("mixsweep retry out --failed has the next resume try them again", err)
        self.assertEqual(self.status()["failing"][0]["reason"], "timed_out")
        self.run_slow(1, 1, "--resume")
        row = rows(self.folder / "out/results.csv")[0]
        self.assertEqual((row["status"], row["reason"], row["run.attempts"]),
                         ("failed", "timed_out", "2"))

    def test_data_that_changed_since_is_refused_and_nothing_is_lost(self):
        write_mnist(self.folder / "files")
        self.write("digits.yaml", MNIST)
        self.mixsweep("run", "digits.yaml", "--out", "out")
        before = (self.folder / "out/results.csv").read_bytes()
        write_mnist(self.folder / "files", train=60)
        err = self.refused(2, "resume", "out")
        self.assertIn("have changed since out was begun", err)
        self.assertEqual((self.folder / "out/results.csv").read_bytes(), before)
        write_mnist(self.folder / "files")
        self.mixsweep("resume", "out")
        self.assertEqual((self.folder / "out/results.csv").read_bytes(), before)

    def test_a_configuration_that_was_changed_in_the_directory_loses_no_result(self):
        self.tiny()
        self.mixsweep("run", "tiny.yaml", "--out", "out", "--workers", 1)
        before = (self.folder / "out/results.csv").read_bytes()
        config = self.folder / "out/config.yaml"
        text = config.read_text()
        for old, new, gone in (("  epochs: 1\n", "  epochs: 2\n", 5), ("lr: 0.05", "lr: 0.06", 5),
                               ("mix.strategy: [none, mixup, cutmix]", "mix.strategy: [none, mixup]", 2),
                               ("repeats: 1", "repeats: 3", 0)):
            with self.subTest(new=new):
                self.assertEqual(text.count(old), 1)
                config.write_text(text.replace(old, new))
                if gone:
                    err = self.refused(2, "resume", "out")
                    self.assertIn(f"{gone} of the 5 trials that are done would be gone", err)
                    self.assertEqual((self.folder / "out/results.csv").read_bytes(), before)
                else:
                    self.mixsweep("resume", "out", "--workers", 1)
                    self.assertEqual({row["status"] for row in rows(self.folder / "out/results.csv")}, {"done"})
                    self.assertEqual(len(rows(self.folder / "out/results.csv")), 15)

    def test_what_a_kill_left_in_a_new_directory_does_not_bar_the_way(self):
        self.tiny()
        for folder in ("journal", "log", "stages"):
            (self.folder / "out" / folder).mkdir(parents=True)
        (self.folder / "out/config.yaml.tmp.123").write_text("name: ti")
        self.mixsweep("run", "tiny.yaml", "--out", "out", "--resume")
        self.assertEqual(list(self.folder.glob("out/*.tmp.*")), [])

    def test_stage_folders_that_are_gone_are_told(self):
        self.tiny()
        self.mixsweep("run", "tiny.yaml", "--out", "out")
        before = reproducible(self.folder / "out/results.csv")
        shutil.rmtree(self.folder / "out/stages")
        _, err = self.mixsweep("resume", "out")
        self.assertIn("warning: the folders of 5 done stages are gone from out/stages", err)
        self.assertEqual(reproducible(self.folder / "out/results.csv"), before)

    def test_the_log_tells_how_it_ended(self):
        self.tiny()
        self.mixsweep("run", "tiny.yaml", "--out", "out", "--workers", 2)
        log = (self.folder / "out/log/sweep.log").read_text().splitlines()
        self.assertIn("finished: 5 trials of 5 cells, 5 done, 0 to run; 2 executors", log[-1])
        self.assertEqual(sum(" train done on executor " in line for line in log), 5)

    def test_a_time_limit_of_nothing_is_a_mistake(self):
        self.tiny()
        err = self.refused(2, "run", "tiny.yaml", "--time-limit", "0s")
        self.assertEqual(err, "mixsweep: --time-limit 0s: give a time above 0\n")

    def test_a_job_of_slurm_stops_before_its_end(self):
        self.write("slow.yaml", SLOW)
        end = int(time.time()) + 20
        _, err = self.mixsweep("run", "slow.yaml", "--out", "out", "--workers", 1, code=75,
                               env=dict(os.environ, SLURM_JOB_END_TIME=str(end)))
        self.assertLess(time.time(), end)
        self.assertIn("(SLURM_JOB_END_TIME): the sweep stops then", err)
        self.assertIn("time limit: stopping now; mixsweep resume out goes on", err)
        self.assertTrue(list(self.folder.glob("out/stages/*/checkpoint-*.bin")))
        self.assertEqual((self.folder / "out/exit_code").read_text(), "75\n")

    def test_an_end_of_a_job_that_is_none_is_told(self):
        for text in ("soon", "1"):
            _, err = self.mixsweep("run", self.tiny(), "--workers", 1,
                                   env=dict(os.environ, SLURM_JOB_END_TIME=text))
            self.assertIn(f"SLURM_JOB_END_TIME '{text}' is no time to come: it does not count", err)


if __name__ == "__main__":
    main()
