"""Heads on frozen features: one training and one extraction serve all of them, whatever ends when.
ctest: quick timeout=300"""
import collections
import json
import os
import signal

from harness import FAULT_ENDLESS, Case, main, processes_of, records, reproducible, rows

# On groups that do not show in the class: 2 repeats of an erm cell and of HEADS others.
CONFIG = """
name: heads
seed: 4
repeats: 2
data: {{set: synthetic, size: 12, val_fraction: 0.3, spurious_rate: 0.8,
        synthetic: {{n: 300, classes: 2, noise: 0.2}}}}
model: {{arch: resnet8}}
train: {{epochs: 1, batch_size: 32}}
head: {{llr: {{C: [1, 0.1]}}, dfr: {{C: [1, 0.1], subsets: 3}},
        hsfm: {{support_per_class: 8, hard_per_class: 16, epochs: 3, outer_lr: 0.01}}}}
grid:
  head.method: [erm, llr, dfr, hsfm]
  head.hsfm.inner_steps: {steps}
score:
  metrics: [accuracy, cross_entropy, worst_group_accuracy, adjusted_average_accuracy, group_accuracy, group_gap,
            accuracy_low, accuracy_high, worst_group_accuracy_low, worst_group_accuracy_high]
{more}
"""


class Heads(Case):
    def config(self, name="heads.yaml", steps=(2, 5), more=""):
        return self.write(name, CONFIG.format(steps=list(steps), more=more))

    def sweep(self, config, out, *more):
        self.mixsweep("run", config, "--out", out, "--workers", 1, *more)
        return rows(self.folder / out / "results.csv")

    def expect_same(self, first, second):
        self.assertEqual(reproducible(self.folder / first / "results.csv"),
                         reproducible(self.folder / second / "results.csv"))

    def done(self, out):
        """How often each stage was done, by its key."""
        count = collections.Counter()
        for path in sorted((self.folder / out).glob("journal/*.jsonl")):
            for line in path.read_text().splitlines():
                record = json.loads(line)
                if record["kind"] == "done":
                    count[record["key"]] += 1
        return count

    def folders(self, out):
        """The files of each stage's folder, by the stage's kind."""
        found = collections.defaultdict(list)
        for record in sorted((self.folder / out).glob("stages/*/stage.json")):
            names = sorted(path.name for path in record.parent.iterdir())
            found[json.loads(record.read_text())["kind"]].append(names)
        return found

    def test_one_training_and_one_extraction_a_repeat_serve_all_heads(self):
        config = self.config()
        plan = json.loads(self.mixsweep("plan", config, "--json")[0])
        self.assertEqual(plan["stages"], {"train": {"planned": 2, "uses": 10},
                                          "features": {"planned": 2, "uses": 8},
                                          "head": {"planned": 8, "uses": 8}})
        table = self.sweep(config, "one")
        self.assertEqual([row["status"] for row in table], ["done"] * 10)
        done = self.done("one")
        self.assertEqual(len(done), 12)
        self.assertEqual(set(done.values()), {1})
        folders = self.folders("one")
        self.assertEqual(folders.keys(), {"train", "features"}, "heads leave no folder")
        self.assertEqual(len(folders["train"]) + len(folders["features"]), 4)

        self.mixsweep("run", config, "--out", "two", "--workers", 2)
        self.expect_same("two", "one")

    def test_the_table_holds_the_final_heads_scores_and_how_sure_they_are(self):
        table = self.sweep(self.config(), "out")
        for row in table:
            groups = [float(row[f"test.group_accuracy.{g}"]) for g in range(4)]
            self.assertEqual(float(row["test.worst_group_accuracy"]), min(groups))
            self.assertAlmostEqual(float(row["test.group_gap"]), max(groups) - min(groups))
            self.assertEqual(sum(int(row[f"test.group_count.{g}"]) for g in range(4)), 75)
            for name in ("accuracy", "worst_group_accuracy"):
                self.assertLess(float(row[f"test.{name}_low"]), float(row[f"test.{name}"]))
                self.assertGreater(float(row[f"test.{name}_high"]), float(row[f"test.{name}"]))
        scores = {tuple(v for k, v in row.items() if "accuracy" in k) for row in table}
        self.assertGreater(len(scores), 5, "other heads, other scores")

    def test_a_holdout_of_afr_trains_a_network_of_its_own_and_leaves_the_others_alone(self):
        config = self.config(steps=[2])
        alone = self.sweep(config, "alone")
        text = (self.folder / config).read_text()
        config = self.write("afr.yaml", text.replace("grid:", "grids:").replace(
            "  head.method", "- head.method").replace("\nscore:", """
- head.method: [afr]
  head.afr.split: [val_half, holdout]
score:""", 1))
        plan = json.loads(self.mixsweep("plan", config, "--json")[0])
        self.assertEqual(plan["stages"]["train"], {"planned": 4, "uses": 12})
        self.assertIn("head.afr.split holdout needs networks of its own",
                      self.mixsweep("plan", config)[0])
        table = self.sweep(config, "out")
        self.assertEqual([row["status"] for row in table], ["done"] * 12)
        scores = {row["head.afr.split"]: row["test.cross_entropy"] for row in table
                  if row["repeat"] == "0" and row["head.method"] == "afr"}
        self.assertNotEqual(scores["val_half"], scores["holdout"])
        steps = {json.loads(path.read_text())["parameters"].get("head.afr.split"):
                 (path.parent / "history.csv").read_text().splitlines()[1].split(",")[2]
                 for path in (self.folder / "out").glob("stages/*/stage.json")
                 if json.loads(path.read_text())["kind"] == "train"}
        self.assertEqual(steps.keys(), {None, "holdout"})
        self.assertNotEqual(steps[None], steps["holdout"], "another loss: other images")
        numbers = {row["trial"]: row["test.accuracy"] for row in table}
        self.assertEqual({row["trial"]: row["test.accuracy"] for row in alone},
                         {row["trial"]: numbers[row["trial"]] for row in alone})

    def test_a_sweep_killed_among_its_heads_goes_on_to_the_same_table(self):
        config = self.config(steps=range(1, 13), more="schedule: {keep: results}")
        whole = self.sweep(config, "whole")
        planned = json.loads(self.mixsweep("plan", config, "--json")[0])["stages"]
        stages = sum(kind["planned"] for kind in planned.values())
        process = self.start("run", config, "--out", "out", "--workers", 2,
                             fault=FAULT_ENDLESS.format(stages - 1))
        out = self.folder / "out"
        self.wait_for("some heads are done", lambda: records(out, "done") >= 8, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.wait_for("the executors are gone", lambda: not processes_of(self.folder))
        self.mixsweep("resume", out, "--workers", 1)
        self.expect_same("out", "whole")
        self.assertEqual(len(whole), 30)

    def test_keep_results_removes_what_nobody_reads_any_more(self):
        config = self.config(steps=[2], more="schedule: {keep: results}")
        self.sweep(config, "out")
        folders = self.folders("out")
        self.assertEqual(folders["train"], [["history.csv", "stage.json"]] * 2)
        self.assertEqual(folders["features"], [["stage.json"]] * 2)
        for record in (self.folder / "out").glob("stages/*/stage.json"):
            for file in json.loads(record.read_text())["files"]:
                self.assertTrue((record.parent / file["name"]).exists(), file)

        # New heads on old networks: what was removed is made again, to the same bits.
        more = self.config(steps=[2, 5], more="schedule: {keep: results}")
        self.mixsweep("run", more, "--out", "out", "--resume", "--workers", 1)
        self.sweep(more, "whole")
        self.expect_same("out", "whole")
        self.assertEqual(self.folders("out"), folders)

    def test_the_features_of_a_sweep_are_a_data_set_for_another(self):
        table = self.sweep(self.config(), "out", "--set", "repeats=1")
        source = next(path.parent for path in (self.folder / "out").glob("stages/*/head_w.npy"))
        config = self.write("again.yaml", f"""
name: again
seed: 4
data: {{set: features, path: {source}}}
head: {{llr: {{C: [1, 0.1]}}, dfr: {{C: [1, 0.1], subsets: 3}},
        hsfm: {{support_per_class: 8, hard_per_class: 16, epochs: 3, outer_lr: 0.01}}}}
grid: {{head.method: [erm, llr, dfr, hsfm], head.hsfm.inner_steps: [2, 5]}}
score: {{metrics: [accuracy, worst_group_accuracy, group_accuracy]}}
""")
        again = self.sweep(config, "again")
        self.assertEqual(len(again), len(table))
        for first, second in zip(table, again):
            for name in second:
                if name.startswith(("val.", "test.")):
                    self.assertEqual(second[name], first[name], (first["head.method"], name))

    def test_keep_all_leaves_each_head(self):
        self.sweep(self.config(more="schedule: {keep: all}"), "out", "--set", "repeats=1")
        heads = self.folders("out")["head"]
        plain = ["head_b.npy", "head_w.npy", "stage.json"]
        edited = ["epochs.csv", "head_b.npy", "head_w.npy", "stage.json", "support_after.npy",
                  "support_before.npy", "support_indices.npy"]
        self.assertEqual(sorted(heads), sorted([plain] * 2 + [edited] * 2))


if __name__ == "__main__":
    main()
