"""Trainings that are stopped early: the same ones whatever the workers, kills and restarts.
ctest: slow timeout=600"""
import json
import os
import signal

from harness import Case, main, processes_of, records, reproducible, rows

CONFIG = """
name: early
seed: 3
repeats: 2
data: {set: synthetic, size: 12, synthetic: {n: 96, classes: 3}}
model: {arch: linear}
train: {epochs: 9, batch_size: 32}
grid:
  train.lr: [0.0001, 0.001, 0.01, 0.03, 0.1, 0.3]
schedule: {early_stop: RULE, reduction_factor: 3, checkpoint_every: 0.01s}
"""


def journal(out, kind):
    """The records of one kind, of all incarnations in order."""
    lines = [json.loads(line) for path in sorted(out.glob("journal/*.jsonl"))
             for line in path.read_text().splitlines()]
    return [line for line in lines if line["kind"] == kind]


class EarlyStop(Case):
    def config(self, rule):
        text = CONFIG.replace("RULE", rule)
        if rule == "median":
            text = text.replace(" reduction_factor: 3,", "")
        return self.write(f"{rule}.yaml", text)

    def is_sound(self, out):
        """What the journal says of trainings: judged once at a rung, and never after an end."""
        last = {}
        for path in sorted(out.glob("journal/*.jsonl")):
            for line in path.read_text().splitlines():
                record = json.loads(line)
                kind, key = record["kind"], record.get("key")
                if kind == "reached":
                    self.assertIn(last.get(key), (None, "on"), "it waited, or was stopped")
                    last[key] = "waits"
                elif kind == "decided":
                    self.assertEqual(last[key], "waits", "it was decided already")
                    last[key] = "on" if record["go_on"] else "stopped"
                elif kind == "done":
                    self.assertIn(last.get(key), (None, "on"))
                    last[key] = "done"
        return last

    def test_sha_and_median_stop_the_same_with_one_worker_and_with_three(self):
        for rule in ("sha", "median"):
            config = self.config(rule)
            self.mixsweep("run", config, "--out", f"{rule}1", "--workers", 1)
            self.mixsweep("run", config, "--out", f"{rule}3", "--workers", 3)
            one, three = (reproducible(self.folder / f"{rule}{n}/results.csv") for n in (1, 3))
            self.assertEqual(one, three)
            self.assertEqual({row["status"] for row in one}, {"done", "stopped"})
            for row in one:
                self.assertEqual(row["reason"], "early_stop" if row["status"] == "stopped" else "")
                self.assertEqual(row["test.accuracy"] == "", row["status"] == "stopped")

    def test_numbers_are_those_of_a_sweep_that_stops_nothing(self):
        config = self.config("sha")
        self.mixsweep("run", config, "--out", "sha", "--workers", 2)
        self.mixsweep("run", config, "--out", "none", "--workers", 2,
                      "--set", "schedule.early_stop=none")
        whole = {row["trial"]: row for row in reproducible(self.folder / "none/results.csv")}
        done = [row for row in reproducible(self.folder / "sha/results.csv")
                if row["status"] == "done"]
        self.assertEqual(len(done), 2, "one of six, of each repeat")
        for row in done:
            self.assertEqual(row, whole[row["trial"]])
        cells = rows(self.folder / "sha/cells.csv")
        self.assertEqual(sum(int(row["stopped"]) for row in cells), 10)
        self.assertEqual(sum(int(row["val.accuracy.n"]) for row in cells), 2,
                         "no mean has a number of a stopped trial")

    def test_what_was_stopped_says_where_and_leaves_nothing(self):
        out = self.folder / "out"
        text, _ = self.mixsweep("run", self.config("sha"), "--out", out, "--workers", 2)
        self.assertIn("planned 12 · done 2 · stopped 10", text)
        for row in rows(out / "results.csv"):
            if row["status"] == "stopped":
                self.assertRegex(row["run.reason"], r"^rung [01], after [13] epochs: val.accuracy [0-9.]+$")
        self.assertEqual(len(list((out / "stages").iterdir())), 2)
        status = json.loads((out / "status.json").read_text())
        self.assertEqual((status["stopped"], status["done"], status["exit_code"]), (10, 2, 0))
        stopped = next(row["trial"] for row in rows(out / "results.csv")
                       if row["status"] == "stopped")
        trial = json.loads(self.mixsweep("trial", out, stopped, "--json")[0])
        self.assertEqual((trial["status"], trial["reason"]), ("stopped", "early_stop"))
        before = reproducible(out / "results.csv")
        text, _ = self.mixsweep("retry", out, "--id", stopped)
        self.assertIn(f"{stopped}  train stopped\n", text)
        self.mixsweep("resume", out, "--workers", 1)
        self.assertEqual(reproducible(out / "results.csv"), before, "it is judged as before")

    def test_plan_tells_when_trainings_are_judged(self):
        text, _ = self.mixsweep("plan", self.config("asha"), "--set", "search.metric=val.cross_entropy",
                                "--set", "score.metrics=[accuracy, cross_entropy]")
        self.assertIn("\nstopping   asha, by val.cross_entropy after 1, 3, 9 ... epochs; the time assumes "
                      "that one in 3 goes on at each\n", text)
        text, _ = self.mixsweep("plan", self.config("median"), "--set", "schedule.min_epochs=2")
        self.assertIn("\nstopping   median, by val.accuracy after 2, 4, 6 ... epochs; the time assumes that half "
                      "of them end at the first\n", text)
        text, _ = self.mixsweep("plan", self.config("sha"), "--set", "schedule.early_stop=none",
                                "--set", "schedule.reduction_factor=3")
        self.assertNotIn("stopping", text)

    def killed(self, rule, out, kinds):
        config = self.config(rule)
        for kind, count in kinds:
            lives = len(list(out.glob("journal/*.jsonl")))
            process = self.start("run", config, "--out", out, "--resume", "--workers", 2)
            self.wait_for(f"{count} records of kind {kind}",
                          lambda: records(out, "incarnation") > lives
                          and records(out, kind) >= count, process)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            self.wait_for("the executors are gone", lambda: not processes_of(self.folder))
        self.mixsweep("resume", out, "--workers", 3)
        self.is_sound(out)

    def test_a_sweep_that_is_killed_stops_what_it_would_have_stopped(self):
        for rule in ("sha", "median"):
            self.mixsweep("run", self.config(rule), "--out", f"{rule}-whole", "--workers", 1)
            expected = reproducible(self.folder / f"{rule}-whole/results.csv")
            out = self.folder / f"{rule}-killed"
            self.killed(rule, out, [("reached", 3), ("decided", 1), ("reached", 13)])
            self.assertEqual(reproducible(out / "results.csv"), expected)

    def test_asha_that_is_killed_contradicts_nothing_that_it_decided(self):
        out = self.folder / "asha"
        self.killed("asha", out, [("reached", 4), ("decided", 3), ("reached", 12)])
        last = self.is_sound(out)
        self.assertEqual(len(last), 12)
        self.assertEqual(set(last.values()), {"done", "stopped"})
        table = {row["status"] for row in rows(out / "results.csv")}
        self.assertEqual(table, {"done", "stopped"})
        decided = journal(out, "decided")
        self.assertEqual(len({(r["key"], r["epoch"]) for r in decided}), len(decided))

    def test_within_a_budget_and_with_another_rule_on_resume(self):
        config = self.config("sha")
        budget = ("--set", "search.strategy=random", "--set", "search.budget=4")
        self.mixsweep("run", config, "--out", "out", "--workers", 2, *budget)
        self.assertEqual(sorted(row["status"] for row in rows(self.folder / "out/results.csv")),
                         ["done"] * 2 + ["stopped"] * 6)
        _, err = self.mixsweep("run", config, "--out", "out", "--resume", *budget,
                               "--set", "schedule.early_stop=asha", code=2)
        self.assertIn("schedule.early_stop: was sha, is asha", err)


if __name__ == "__main__":
    main()
