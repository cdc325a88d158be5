"""Trials that are to be run again. ctest: quick timeout=300"""
import json
import os
import shutil

from harness import FAULTS_PROGRAM, Case, main, records, reproducible, rows


class Retry(Case):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "out"
        self.config = self.tiny()

    def whole(self):
        """The table of a sweep that nothing disturbed."""
        self.mixsweep("run", self.config, "--out", "whole", "--workers", 1)
        return reproducible(self.folder / "whole/results.csv")

    def run_with_a_crash(self, stage):
        """A sweep whose stage of that number crashes whenever it is tried."""
        program, self.program = self.program, FAULTS_PROGRAM
        self.mixsweep("run", self.config, "--out", "out", "--workers", 1, code=1,
                      env=dict(os.environ, MX_FAULT=f"exit stage_starts {stage} always"))
        self.program = program
        (failed,) = (row["trial"] for row in self.table() if row["status"] == "failed")
        return failed

    def table(self):
        return rows(self.out / "results.csv")

    def status(self):
        return json.loads((self.out / "status.json").read_text())

    def files(self):
        return {path.relative_to(self.out): path.read_bytes()
                for path in sorted(self.out.rglob("*")) if path.is_file()}

    def test_failed_trials_are_run_again_with_all_their_attempts(self):
        expected = self.whole()
        failed = self.run_with_a_crash(2)
        out, err = self.mixsweep("retry", "out", "--failed")
        self.assertEqual((out, err), (f"out: 1 of 5 trials will be run again:\n"
                                      f"  {failed}  train crashed\n"
                                      f"mixsweep resume out does that\n", ""))
        (row,) = (row for row in self.table() if row["trial"] == failed)
        self.assertEqual((row["status"], row["reason"], row["run.attempts"]), ("pending", "", ""))
        status = self.status()
        self.assertEqual((status["state"], status["pending"], status["exit_code"]),
                         ("interrupted", 1, 75))
        self.assertEqual((self.out / "exit_code").read_text(), "75\n")
        self.mixsweep("resume", "out", "--workers", 1)
        self.assertEqual(reproducible(self.out / "results.csv"), expected)
        self.assertEqual(self.status()["failing"], [])

    def test_what_fails_again_is_failed_again(self):
        failed = self.run_with_a_crash(2)
        self.mixsweep("retry", "out", "--failed")
        self.program = FAULTS_PROGRAM
        self.mixsweep("resume", "out", "--workers", 1, code=1,
                      env=dict(os.environ, MX_FAULT="exit stage_starts 2 always"))
        (row,) = (row for row in self.table() if row["status"] == "failed")
        self.assertEqual((row["trial"], row["run.attempts"]), (failed, "3"))
        self.assertEqual(records(self.out, "failed"), 6, "three attempts each time")

    def test_a_quarantined_cell_is_tried_again_with_those_that_broke_it(self):
        self.config = self.tiny(repeats=4)
        expected = self.whole()
        program, self.program = self.program, FAULTS_PROGRAM
        self.mixsweep("run", self.config, "--out", "out", "--workers", 1, code=1,
                      env=dict(os.environ, MX_FAULT="exit stage_starts any always"))
        self.program = program
        quarantined = [row["trial"] for row in self.table() if row["status"] == "quarantined"]
        self.assertGreater(len(quarantined), 0)
        out, _ = self.mixsweep("retry", "out", "--failed")
        self.assertTrue(out.startswith("out: 20 of 20 trials will be run again:\n"), out)
        for trial in quarantined:
            self.assertIn(f"  {trial}  cell_quarantined\n", out)
        self.assertEqual({row["status"] for row in self.table()}, {"pending"})
        self.mixsweep("resume", "out", "--workers", 1)
        self.assertEqual(reproducible(self.out / "results.csv"), expected)

    def test_a_dry_run_tells_and_changes_nothing(self):
        failed = self.run_with_a_crash(0)
        before = self.files()
        out, _ = self.mixsweep("retry", "out", "--failed", "--dry-run")
        self.assertEqual(out, f"out: 1 of 5 trials would be run again:\n  {failed}  train crashed\n")
        self.assertEqual(self.files(), before)

    def test_lost_folders_are_made_again_with_the_same_bits(self):
        expected = self.whole()
        self.mixsweep("run", self.config, "--out", "out", "--workers", 1)
        trial = self.table()[1]["trial"]
        view = json.loads(self.mixsweep("trial", "out", trial, "--json")[0])
        folder = self.out / "stages" / view["stages"]["train"]
        weights = (folder / "weights.safetensors").read_bytes()
        shutil.rmtree(folder)
        other = json.loads(self.mixsweep("trial", "out", self.table()[3]["trial"], "--json")[0])
        (self.out / "stages" / other["stages"]["train"] / "weights.safetensors").unlink()
        out, _ = self.mixsweep("retry", "out", "--missing", "--dry-run")
        self.assertIn("2 of 5 trials would be run again", out)
        self.assertIn(other["trial"], out)
        out, _ = self.mixsweep("retry", "out", "--id", other["trial"])
        out, _ = self.mixsweep("retry", "out", "--missing")
        self.assertIn(f"1 of 5 trials will be run again:\n  {trial}  train done\n", out)
        self.mixsweep("resume", "out", "--workers", 1)
        self.assertEqual((folder / "weights.safetensors").read_bytes(), weights)
        self.assertEqual(reproducible(self.out / "results.csv"), expected)

    def test_a_trial_or_a_cell_may_be_named(self):
        self.config = self.tiny(repeats=2)
        expected = self.whole()
        self.mixsweep("run", self.config, "--out", "out", "--workers", 1)
        trial, other = (row["trial"] for row in self.table()[:2])
        self.assertEqual(trial[:-1], other[:-1], "two repeats of a cell")
        self.mixsweep("retry", "out", "--id", trial)
        self.assertEqual([row["status"] for row in self.table()[:3]], ["pending", "done", "done"])
        self.mixsweep("retry", "out", "--id", trial[:-3])
        self.assertEqual([row["status"] for row in self.table()[:3]],
                         ["pending", "pending", "done"])
        self.mixsweep("resume", "out", "--workers", 1)
        self.assertEqual(reproducible(self.out / "results.csv"), expected)

    def test_where_nothing_is_to_be_done_nothing_is_written(self):
        self.mixsweep("run", self.config, "--out", "out", "--workers", 1)
        journals = len(list(self.out.glob("journal/*")))
        out, _ = self.mixsweep("retry", "out", "--failed", "--missing")
        self.assertEqual(out, "out: none of 5 trials is to be run again\n")
        self.assertEqual(len(list(self.out.glob("journal/*"))), journals)
        self.assertEqual((self.out / "exit_code").read_text(), "0\n")

    def test_what_is_wrong_is_said(self):
        self.mixsweep("run", self.config, "--out", "out", "--workers", 1)
        take = "retry takes --failed, --missing or both, or --id ID; mixsweep retry --help tells more"
        for arguments, told in (
                (("out",), take), (("out", "--failed", "--id", "x"), take),
                (("--failed",), "retry takes one DIR; mixsweep retry --help tells more"),
                (("out", "--id", "0123"), "out has no trial or cell 0123: results.csv lists them"),
                (("none", "--failed"), "there is no none")):
            self.assertIn(told, self.refused(2, "retry", *arguments))

    def test_a_sweep_that_runs_is_left_alone(self):
        config = self.tiny(n=1024, arch="resnet8", epochs=400)
        sweep = self.start("run", config, "--out", "out", "--workers", 1)
        self.wait_for("a trial has started", lambda: records(self.out, "started") >= 1, sweep)
        trial = self.table_of_names()[0]
        view = json.loads(self.mixsweep("trial", "out", trial, "--json")[0])
        self.assertEqual((view["status"], view["attempts"][-1]["outcome"]), ("running", "running"))
        self.assertIn(str(sweep.pid), self.refused(4, "retry", "out", "--id", trial))
        self.mixsweep("stop", "out", "--now")
        sweep.communicate()
        view = json.loads(self.mixsweep("trial", "out", trial, "--json")[0])
        self.assertEqual((view["status"], view["attempts"][-1]["outcome"]), ("pending", "lost"))

    def table_of_names(self):
        """Trials in the order in which they run, of a configuration with one repeat."""
        plan = json.loads(self.mixsweep("plan", self.config, "--json", "--limit", 9)[0])
        return [cell["cell"] + ".r0" for cell in plan["cells_listed"]]


if __name__ == "__main__":
    main()
