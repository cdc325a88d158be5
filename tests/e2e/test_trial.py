"""Everything about one trial. ctest: quick timeout=300"""
import json
import os
import shutil

from harness import FAULTS_PROGRAM, Case, main, rows


class Trial(Case):
    def view(self, trial):
        return json.loads(self.mixsweep("trial", "out", trial, "--json")[0])

    def test_settings_stages_attempts_and_metrics_are_told(self):
        self.mixsweep("run", self.tiny(), "--out", "out", "--workers", 1)
        row = rows(self.folder / "out/results.csv")[3]
        view = self.view(row["trial"])
        self.assertEqual([view[key] for key in ("trial", "cell", "repeat", "status", "reason", "seed")],
                         [row["trial"], row["cell"], 0, "done", "", 3])
        self.assertEqual(view["point"]["mix.strategy"], row["mix.strategy"])
        self.assertEqual(view["point"]["train.lr"], 0.05)
        self.assertEqual(view["metrics"]["test.accuracy"], float(row["test.accuracy"]))
        self.assertTrue((self.folder / "out/stages" / view["stages"]["train"] / "stage.json").exists())
        (attempt,) = view["attempts"]
        self.assertEqual([attempt[key] for key in ("stage", "attempt", "outcome", "host", "ended")],
                         ["train", 1, "done", row["run.host"], row["run.ended"]])
        text, _ = self.mixsweep("trial", "out", row["cell"])
        self.assertTrue(text.startswith(f"trial {row['trial']}: done\n"), text)
        self.assertIn(f"  mix.strategy                 {row['mix.strategy']}\n", text)
        self.assertIn(f"  test.accuracy                            {row['test.accuracy']}\n", text)

    def test_each_attempt_has_its_reason(self):
        program, self.program = self.program, FAULTS_PROGRAM
        self.mixsweep("run", self.tiny(), "--out", "out", "--workers", 1, code=1,
                      env=dict(os.environ, MX_FAULT="exit stage_starts 1 always"))
        self.program = program
        (row,) = (row for row in rows(self.folder / "out/results.csv") if row["status"] == "failed")
        view = self.view(row["trial"])
        self.assertEqual((view["status"], view["reason"], view["metrics"]), ("failed", "crashed", {}))
        self.assertEqual([(a["attempt"], a["outcome"], a["reason"]) for a in view["attempts"]],
                         [(n, "failed", "crashed") for n in (1, 2, 3)])
        self.assertEqual({a["text"] for a in view["attempts"]}, {row["run.reason"]})
        shutil.rmtree(self.folder / "out/stages" / view["stages"]["train"], ignore_errors=True)
        text, _ = self.mixsweep("trial", "out", row["trial"])
        self.assertIn("  train        left no folder\n", text)

    def test_nothing_is_needed_but_the_directory(self):
        self.write("set.yaml", """
name: set
data: {set: fashion-mnist}
model: {arch: linear}
grid: {train.lr: [0.1, 0.2]}
smoke: {train.epochs: 1, data.train_limit: 40}
""")
        self.mixsweep("run", "set.yaml", "--smoke", "--out", "out", "--workers", 1)
        trial = rows(self.folder / "out/results.csv")[1]["trial"]
        before = self.view(trial)
        shutil.rmtree(self.folder / "out/smoke-data/fashion-mnist")
        self.assertEqual(self.view(trial), before)

    def test_what_is_wrong_is_said(self):
        self.mixsweep("run", self.tiny(repeats=2), "--out", "out", "--workers", 1)
        cell = rows(self.folder / "out/results.csv")[0]["cell"]
        for arguments, told in (
                (("out",), "trial takes a DIR and an ID; mixsweep trial --help tells more"),
                (("out", cell, "--all"), "trial does not take '--all'"),
                (("out", "0123"), "out has no trial 0123: results.csv lists them"),
                (("out", cell), f"{cell} is a cell of 2 trials: give one of {cell}.r0 to {cell}.r1"),
                (("none", cell), "there is no none")):
            self.assertIn(told, self.refused(2, "trial", *arguments))


if __name__ == "__main__":
    main()
