"""HSFM by way of the program: cells alone and among others, and what a user can get wrong."""
import csv
import json
import random
import struct

import harness
import npy
from test_gpus import pretend

CONFIG = """
name: heads
seed: 5
data: {set: features, path: features}
head: {method: hsfm, hsfm.support_per_class: 4, hsfm.inner_steps: 3, hsfm.inner_lr: 0.01, hsfm.edit_steps: 2,
       hsfm.hard_per_class: 8, hsfm.epochs: 4}
grid:
  head.hsfm.outer_lr: [%s]
  head.hsfm.form: [%s]
schedule: {keep: all}
score: {metrics: [accuracy, worst_group_accuracy]}
"""
CLASSES, DIMS = 3, 16


class Hsfm(harness.Case):
    def setUp(self):
        super().setUp()
        draw = random.Random(1)
        folder = self.folder / "features"
        folder.mkdir()
        centre = [[draw.gauss(0, 0.5) for _ in range(DIMS)] for _ in range(CLASSES)]
        texture = [[draw.gauss(0, 1) for _ in range(DIMS)] for _ in range(2)]
        for part, n, agree in (("train", 120, 0.9), ("val", 90, 0.5), ("test", 150, 0.5)):
            labels = [i % CLASSES for i in range(n)]
            marks = [y % 2 if draw.random() < agree else 1 - y % 2 for y in labels]
            rows = [c + t + draw.gauss(0, 1) for y, a in zip(labels, marks)
                    for c, t in zip(centre[y], texture[a])]
            npy.write(folder / f"{part}_x.npy", "f4", (n, DIMS), rows)
            npy.write(folder / f"{part}_y.npy", "i8", (n,), labels)
            npy.write(folder / f"{part}_g.npy", "i8", (n,), [2 * y + a for y, a in zip(labels, marks)])
        npy.write(folder / "head_w.npy", "f8", (CLASSES, DIMS),
                  [(c + t) / 8 for y in range(CLASSES) for c, t in zip(centre[y], texture[y % 2])])
        npy.write(folder / "head_b.npy", "f8", (CLASSES,), [0.0] * CLASSES)

    def sweep(self, name, cells, *more, forms="auto"):
        """Run so many cells; the first is the same in all sweeps."""
        rates = ", ".join(str(0.1 + 0.05 * k) for k in range(cells))
        config = self.write(f"{name}.yaml", CONFIG % (rates, forms))
        self.mixsweep("run", config, "--out", name, *more)
        return self.folder / name

    def test_heads_alone_leave_gpus_to_others(self):
        config = self.write("heads.yaml", CONFIG % ("0.1, 0.2", "auto"))
        self.program = harness.FAULTS_PROGRAM
        _, err = self.mixsweep("run", config, "--out", "auto", "--workers", 2, env=pretend(1))
        self.assertIn("heads on features are computed on CPUs: the GPUs are left alone\n", err)
        self.mixsweep("run", config, "--out", "asked", "--set", "schedule.device=cuda", env=pretend(1))
        for name, device in (("auto", "cpu"), ("asked", "cuda")):
            self.assertIn(f"device: {device}", (self.folder / name / "config.yaml").read_text())
            rows = harness.rows(self.folder / name / "results.csv")
            self.assertEqual({"Pretended" in row["run.device"] for row in rows}, {device == "cuda"})

    @staticmethod
    def heads(directory):
        """The files of each head stage, by its key."""
        return {stage.name: {f.name: f.read_bytes() for f in stage.iterdir() if f.name != "stage.json"}
                for stage in (directory / "stages").iterdir() if (stage / "epochs.csv").exists()}

    @staticmethod
    def rows(directory):
        with open(directory / "results.csv", newline="") as file:
            return [{k: v for k, v in row.items() if not k.startswith("run.")} for row in csv.DictReader(file)]

    def test_a_cell_has_the_same_bits_alone_and_among_2_7_and_32(self):
        alone = self.sweep("alone", 1, "--workers", "1")
        (key, files), = self.heads(alone).items()
        self.assertLessEqual({"head_w.npy", "head_b.npy", "epochs.csv", "support_indices.npy", "support_before.npy",
                              "support_after.npy"}, set(files))
        for cells in (2, 7, 32):
            among = self.sweep(f"among{cells}", cells, "--workers", "2" if cells == 32 else "1")
            self.assertEqual(len(self.heads(among)), cells)
            self.assertEqual(self.heads(among)[key], files)
            for column in ("cell", "status", "val.worst_group_accuracy", "test.accuracy"):
                self.assertEqual(self.rows(among)[0][column], self.rows(alone)[0][column])

    def test_forms_are_cells_of_their_own_and_agree(self):
        rows = self.rows(self.sweep("forms", 1, "--workers", "1", forms="gram, direct"))
        self.assertEqual([row["status"] for row in rows], ["done", "done"])
        self.assertEqual(len({row["cell"] for row in rows}), 2)
        self.assertEqual(rows[0]["test.worst_group_accuracy"], rows[1]["test.worst_group_accuracy"])

    def test_epochs_csv_holds_each_epoch(self):
        (files,) = self.heads(self.sweep("one", 1, "--workers", "1")).values()
        lines = files["epochs.csv"].decode().splitlines()
        self.assertEqual(len(lines), 5)
        first = dict(zip(lines[0].split(","), map(float, lines[1].split(","))))
        self.assertEqual(sum(first[f"hard_count.{g}"] for g in range(2 * CLASSES)), 8 * CLASSES)
        self.assertEqual(min(first[f"group_accuracy.{g}"] for g in range(2 * CLASSES)),
                         first["val_worst_group_accuracy"])

    def test_support_indices_are_used_and_too_few_samples_are_told(self):
        wanted = [3 * k + c for k in range(4) for c in range(CLASSES)]
        npy.write(self.folder / "support.npy", "i8", (len(wanted),), wanted)
        config = self.write("given.yaml", CONFIG % ("0.1", "auto"))
        self.mixsweep("run", config, "--out", "given", "--set", "head.hsfm.support_indices=support.npy")
        (files,) = self.heads(self.folder / "given").values()
        self.assertEqual(struct.unpack("<12I", files["support_indices.npy"][-48:]),
                         tuple(sorted(wanted, key=lambda row: (row % 3, row))))
        err = self.refused(3, "run", config, "--out", "few", "--set", "head.hsfm.support_per_class=41")
        self.assertEqual(err, "mixsweep: hsfm: class 0 has 40 training samples, head.hsfm.support_per_class is 41: "
                              "lower it, or give more samples\n")
        self.assertFalse((self.folder / "few").exists(), "told before anything ran")

    def test_the_form_that_auto_took_is_on_record(self):
        directory = self.sweep("one", 1, "--workers", "1")
        (form,) = json.loads((directory / "provenance.json").read_text())["hsfm_forms"]
        self.assertIn(form["form"], ("gram", "direct"))
        self.assertEqual((form["set"], form["auto"], form["classes"]), ("features", True, CLASSES))
        for path in directory.glob("stages/*/stage.json"):
            record = json.loads(path.read_text())
            if record["kind"] == "head":
                self.assertEqual(record["chosen"], {"head.hsfm.form": form["form"]})


if __name__ == "__main__":
    harness.main()
