"""Models of a sweep that score each other's maps: numbers, files, who is left out, and that nothing of
it depends on when it was done. ctest: slow timeout=900"""
import collections
import json
import os
import signal
import struct

import npy
from harness import FAULT_ENDLESS, FAULTS_PROGRAM, Case, main, reproducible, rows

CONFIG = """
name: inter
seed: 3
data: {set: synthetic, size: 12, val_fraction: 0.2, synthetic: {n: 120, classes: 3, noise: 0.05}}
model: {arch: resnet8}
train: {epochs: 2, batch_size: 16}
grid:
  train.lr: [0.05, 0.02, 0.1]
score:
  attributions: [gradcam]
  metrics: [accuracy, inter_model_map, inter_model_scorer, inter_model_self]
  images: 24
  steps: 6
  bootstrap: 40
  inter_model: {min_accuracy: 0}
"""

# Networks that look at the object and know it well.
PLANTED = """
name: planted
seed: 5
data: {set: synthetic, size: 16, val_fraction: 0.1, spurious_rate: 0.5, synthetic: {n: 400, classes: 3, noise: 0.05}}
model: {arch: resnet8}
"""


def scale_head(source, target, factor):
    """Copy a safetensors file with the last layer's weights and biases multiplied."""
    data = bytearray(source.read_bytes())
    length = struct.unpack("<Q", data[:8])[0]
    for name, tensor in json.loads(data[8:8 + length]).items():
        if name.startswith("fc."):
            begin, end = (8 + length + place for place in tensor["data_offsets"])
            numbers = struct.unpack(f"<{(end - begin) // 4}f", data[begin:end])
            data[begin:end] = struct.pack(f"<{len(numbers)}f", *(factor * x for x in numbers))
    target.write_bytes(data)


def fit(matrix, n, sign=-1):
    """Least squares of A_ij = mu + map_i + scorer_j over i != j, by sweeping until nothing moves."""
    mu, maps, scorers = 0.0, [0.0] * n, [0.0] * n
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    for _ in range(3000):
        mu = sum(matrix[i][j] - maps[i] - scorers[j] for i, j in pairs) / len(pairs)
        maps = [sum(matrix[i][j] - mu - scorers[j] for j in range(n) if j != i) / (n - 1) for i in range(n)]
        maps = [value - sum(maps) / n for value in maps]
        scorers = [sum(matrix[i][j] - mu - maps[i] for i in range(n) if i != j) / (n - 1) for j in range(n)]
        scorers = [value - sum(scorers) / n for value in scorers]
    return [sign * value for value in maps], scorers, [matrix[i][i] - mu - maps[i] - scorers[i] for i in range(n)]


class InterModel(Case):
    def sweep(self, out, *options, code=0, config="inter.yaml", **more):
        _, err = self.mixsweep("run", config, "--out", out, *options, code=code, **more)
        return self.folder / out, err

    def stages(self, directory, kind):
        """Folders of the stages of a kind that are whole."""
        return [path.parent for path in sorted(directory.glob("stages/*/stage.json"))
                if json.loads(path.read_text())["kind"] == kind]

    def comparison(self, directory):
        folders = self.stages(directory, "inter_model")
        self.assertEqual(len(folders), 1)
        return folders[0]

    def files(self, directory):
        """What a comparison left, but for the names of stages."""
        return {path.name: path.read_bytes() for path in self.comparison(directory).iterdir()
                if path.name != "stage.json"}

    def test_the_table_says_what_the_matrix_says(self):
        self.write("inter.yaml", CONFIG)
        out, _ = self.sweep("out", "--workers", "2")
        folder = self.comparison(out)
        models = rows(folder / "models.csv")
        images = rows(folder / "images.csv")
        table = {row["trial"]: row for row in rows(out / "results.csv")}
        self.assertEqual([row["row"] for row in models], ["0", "1", "2"])
        self.assertEqual({row["trial"] for row in models}, set(table))
        for word in ("gradcam", "random", "centre"):
            shape, areas = npy.read(folder / f"areas.{word}.zero.npy")
            self.assertEqual(shape, (3, 3, len(images)))
            shape, matrix = npy.read(folder / f"matrix.{word}.zero.npy")
            self.assertEqual(shape, (3, 3))
            low, high = (npy.read(folder / f"matrix_{end}.{word}.zero.npy")[1] for end in ("low", "high"))
            for k in range(9):
                own = areas[k * len(images):(k + 1) * len(images)]
                self.assertAlmostEqual(matrix[k], sum(own) / len(own), places=6)
                self.assertLessEqual(low[k], matrix[k])
                self.assertGreaterEqual(high[k], matrix[k])
            numbers = fit([matrix[3 * i:3 * i + 3] for i in range(3)], 3)
            for name, values in zip(("map", "scorer", "self"), numbers):
                for model, value in zip(models, values):
                    self.assertAlmostEqual(float(table[model["trial"]][f"test.inter_model_{name}.{word}.zero"]),
                                           value, places=8)

    def test_the_diagonal_is_the_deletion_of_the_models_own_scores(self):
        self.write("inter.yaml", CONFIG.replace("[accuracy,", "[accuracy, deletion,"))
        out, _ = self.sweep("out", "--workers", "2")
        folder = self.comparison(out)
        common = [int(row["image"]) for row in rows(folder / "images.csv")]
        shape, areas = npy.read(folder / "areas.gradcam.zero.npy")
        scored = []
        for one in self.stages(out, "scores"):
            (_, points), curves = npy.read(one / "deletion.gradcam.zero.npy")
            fractions = npy.read(one / "fraction.npy")[1]
            curves = [curves[image * points:(image + 1) * points] for image in common]
            scored.append([sum((b + a) / 2 * (y - x) for a, b, x, y in
                               zip(curve, curve[1:], fractions, fractions[1:])) / curve[0] for curve in curves])
        self.assertEqual(len(scored), 3)
        own = [areas[(3 * k + k) * len(common):(3 * k + k + 1) * len(common)] for k in range(3)]
        for mine, theirs in zip(sorted(own), sorted(scored)):
            for a, b in zip(mine, theirs):
                self.assertAlmostEqual(a, b, places=4)

    def test_each_image_that_counts_is_right_for_all_and_what_a_model_costs_is_listed(self):
        self.write("inter.yaml", CONFIG)
        out, err = self.sweep("out", "--workers", "1")
        folder = self.comparison(out)
        right = collections.Counter()
        wrong = collections.defaultdict(set)
        maps = self.stages(out, "maps")
        for number, one in enumerate(maps):
            for row in rows(one / "images.csv"):
                right[row["row"]] += row["correct"] == "1"
                if row["correct"] == "0":
                    wrong[number].add(row["row"])
        common = [row["image"] for row in rows(folder / "images.csv")]
        self.assertEqual(common, [row for row in sorted(right, key=int) if right[row] == len(maps)])
        listed = rows(folder / "models.csv")
        self.assertEqual(sorted(int(row["images_wrong"]) for row in listed),
                         sorted(len(wrong[k]) for k in range(len(maps))))
        alone = sorted(len([row for row in wrong[k] if right[row] == len(maps) - 1]) for k in range(len(maps)))
        self.assertEqual(sorted(int(row["images_only_it_gets_wrong"]) for row in listed), alone)
        self.assertIn(f"3 of 3 models compared on {len(common)} of 24 images", err)
        self.assertIn("warning: below 100 common images", err)

    def test_results_do_not_depend_on_workers_or_on_a_kill(self):
        self.write("inter.yaml", CONFIG)
        one, _ = self.sweep("one", "--workers", "1")
        two, _ = self.sweep("two", "--workers", "2")
        self.assertEqual(reproducible(one / "results.csv"), reproducible(two / "results.csv"))
        self.assertEqual(self.files(one), self.files(two))
        planned = json.loads(self.mixsweep("plan", "inter.yaml", "--json")[0])["stages"]
        process = self.start("run", "inter.yaml", "--out", "killed", "--workers", "1",
                             fault=FAULT_ENDLESS.format(sum(kind["planned"] for kind in planned.values()) - 1))
        killed = self.folder / "killed"
        self.wait_for("a model has scored", lambda: list(killed.glob("stages/*/areas.npy")), process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.assertEqual(self.stages(killed, "inter_model"), [])
        self.mixsweep("resume", "killed")
        self.assertEqual(reproducible(one / "results.csv"), reproducible(killed / "results.csv"))
        self.assertEqual(self.files(one), self.files(killed))

    def test_a_model_that_diverged_is_left_out_and_named(self):
        self.write("inter.yaml", CONFIG.replace("0.02, 0.1]", "0.02, 0.1, 900]"))
        out, err = self.sweep("out", "--workers", "2", code=1)
        table = rows(out / "results.csv")
        failed = [row["trial"] for row in table if row["status"] == "failed"]
        self.assertEqual(len(failed), 1)
        self.assertIn("3 of 4 models compared", err)
        self.assertIn(f"left out: {failed[0]}, its training or its maps failed", err)
        models = rows(self.comparison(out) / "models.csv")
        self.assertEqual([row["trial"] for row in models if row["row"] == ""], failed)
        self.assertEqual({row["trial"]: row["test.inter_model_map.gradcam.zero"] == "" for row in table},
                         {row["trial"]: row["trial"] in failed for row in table})
        # The others' numbers are those of a sweep without it.
        self.write("inter.yaml", CONFIG)
        without, _ = self.sweep("without")
        self.assertEqual([{k: v for k, v in row.items() if k.startswith("test.")} for row in rows(without / "results.csv")],
                         [{k: v for k, v in row.items() if k.startswith("test.")} for row in table[:3]])

    def test_a_model_that_is_not_accurate_enough_is_left_out_and_named(self):
        self.write("inter.yaml", CONFIG.replace("0.02, 0.1]", "0.02, 0.1, 1e-9]").replace("min_accuracy: 0}", "min_accuracy: 0.6}"))
        out, err = self.sweep("out")
        models = rows(self.comparison(out) / "models.csv")
        best = max(float(row["accuracy"]) for row in models)
        for row in models:
            self.assertEqual(row["left_out"], "" if float(row["accuracy"]) >= 0.6 * best else "not accurate enough")
        self.assertEqual(models[3]["left_out"], "not accurate enough")
        self.assertIn(f"left out: {models[3]['trial']}, not accurate enough", err)
        last = rows(out / "results.csv")[3]
        self.assertEqual((last["status"], last["test.inter_model_map.gradcam.zero"]), ("done", ""))

    def test_a_model_that_failed_and_is_there_later_is_compared_after_all(self):
        self.write("inter.yaml", CONFIG)
        whole, _ = self.sweep("whole")
        self.program = FAULTS_PROGRAM
        env = dict(os.environ, MX_FAULT="exit stage_ends 2 always")
        out, err = self.sweep("out", "--set", "schedule.retries=0", code=1, env=env)
        self.assertIn("2 of 3 models compared", err)
        self.assertIn("warning: inter_model_map takes three models", err)
        self.sweep("out", "--resume", "--set", "schedule.retries=1")
        self.assertEqual(reproducible(whole / "results.csv"), reproducible(out / "results.csv"))
        self.assertEqual(self.files(whole), self.files(out))

    def test_one_more_cell_is_another_comparison_behind_the_same_trainings(self):
        self.write("inter.yaml", CONFIG)
        out, _ = self.sweep("out")
        before = {kind: {path.name for path in self.stages(out, kind)} for kind in ("train", "maps", "scorer", "inter_model")}
        self.write("inter.yaml", CONFIG.replace("0.02, 0.1]", "0.02, 0.1, 0.2]"))
        self.sweep("out", "--resume")
        after = {kind: {path.name for path in self.stages(out, kind)} for kind in before}
        for kind, more in (("train", 1), ("maps", 1), ("scorer", 4), ("inter_model", 1)):
            self.assertLess(before[kind], after[kind])
            self.assertEqual(len(after[kind]), len(before[kind]) + more, kind)
        self.write("again.yaml", CONFIG.replace("0.02, 0.1]", "0.02, 0.1, 0.2]"))
        fresh, _ = self.sweep("fresh", config="again.yaml")
        self.assertEqual(reproducible(fresh / "results.csv"), reproducible(out / "results.csv"))

    def test_curves_fills_and_an_outside_scorer(self):
        self.write("inter.yaml", CONFIG.replace("inter_model_self]", "inter_model_self, inter_model_reference]").replace(
            "steps: 6", "steps: 3\n  fills: [zero, blur, road]").replace(
            "min_accuracy: 0}", "min_accuracy: 0, curves: [deletion, insertion], reference: auto}"))
        out, _ = self.sweep("out", "--workers", "2")
        curves = ["zero", "blur", "road", "insertion_blur", "insertion_road"]
        folder = self.comparison(out)
        self.assertEqual({path.name for path in folder.glob("matrix.*.npy")},
                         {f"matrix.{word}.{curve}.npy" for word in ("gradcam", "random", "centre") for curve in curves})
        self.assertEqual(len(self.stages(out, "train")), 4)
        plan = json.loads(self.mixsweep("plan", "inter.yaml", "--json")[0])["stages"]
        for kind in ("train", "maps", "scorer", "inter_model"):
            self.assertEqual(plan[kind]["planned"], len(self.stages(out, kind)), kind)
        models = rows(folder / "models.csv")
        table = {row["trial"]: row for row in rows(out / "results.csv")}
        for curve in curves:
            _, matrix = npy.read(folder / f"matrix.gradcam.{curve}.npy")
            maps, _, _ = fit([matrix[3 * i:3 * i + 3] for i in range(3)], 3, 1 if "insertion" in curve else -1)
            for model, value in zip(models, maps):
                row = table[model["trial"]]
                self.assertAlmostEqual(float(row[f"test.inter_model_map.gradcam.{curve}"]), value, places=8)
                self.assertGreater(float(row[f"test.inter_model_reference.gradcam.{curve}"]), 0)
        # The same outside scorer from its file.
        trained = {path.name for path in self.stages(out, "train")}
        plain = CONFIG.replace("inter_model_self]", "inter_model_self, inter_model_reference]")
        self.write("plain.yaml", plain.replace("min_accuracy: 0}", "min_accuracy: 0, reference: auto}"))
        auto, _ = self.sweep("auto", config="plain.yaml")
        used = {json.loads((path / "stage.json").read_text())["inputs"][0] for path in self.stages(auto, "maps")}
        outside = (trained & {path.name for path in self.stages(auto, "train")}) - used
        self.assertEqual(len(outside), 1)
        weights = auto / "stages" / outside.pop() / "weights.safetensors"
        self.write("file.yaml", plain.replace("min_accuracy: 0}", f"min_accuracy: 0, reference: {weights}}}"))
        file, _ = self.sweep("file", config="file.yaml")
        self.assertEqual(len(self.stages(file, "train")), 3)
        self.assertEqual(reproducible(auto / "results.csv"), reproducible(file / "results.csv"))

    def test_where_only_results_are_kept_the_matrix_stays(self):
        self.write("inter.yaml", CONFIG)
        out, _ = self.sweep("out", "--set", "schedule.keep=results")
        whole, _ = self.sweep("whole")
        self.assertEqual(self.files(whole), self.files(out))
        self.assertEqual(list(out.glob("stages/*/areas.npy")) + list(out.glob("stages/*/gradcam.npy")), [])
        self.assertEqual(reproducible(whole / "results.csv"), reproducible(out / "results.csv"))
        shared = self.comparison(out)
        for path in shared.iterdir():
            path.unlink()
        shared.rmdir()
        self.mixsweep("resume", "out")
        self.assertEqual(reproducible(whole / "results.csv"), reproducible(out / "results.csv"))

    def test_what_cannot_be_compared_is_refused(self):
        for change, text in (
                (("min_accuracy: 0}", "images: 25}"),
                 "score.inter_model.images: 25 is more than the 24 that maps are made of (write score: {images: 25})"),
                (("inter_model_self]", "inter_model_reference]"),
                 "score.metrics: 'inter_model_reference' needs an outside scorer (write score: {inter_model: "
                 "{reference: auto}}, or a safetensors file)"),
                (("  attributions: [gradcam]\n", ""),
                 "score.metrics: 'inter_model_map' is of maps that are not made"),
                (("min_accuracy: 0}", "models: 1}"), "score.inter_model.models")):
            self.write("bad.yaml", CONFIG.replace(*change))
            _, err = self.mixsweep("check", "bad.yaml", code=2)
            self.assertIn(text, err)
        self.write("many.yaml", CONFIG.replace("0.02, 0.1]", "0.02, 0.1]\n  mix.strategy: [mixup]\n  mix.alpha: {log: [0.1, 2], count: 100}"))
        out, _ = self.mixsweep("plan", "many.yaml")
        self.assertIn("compared   300 models with each other, more than the 256 that run takes: set score.inter_model.models", out)
        err = self.refused(2, "run", "many.yaml")
        self.assertIn("300 models would be compared with each other", err)
        out, _ = self.mixsweep("plan", "many.yaml", "--set", "score.inter_model.models=20")
        self.assertIn("compared   20 models with each other", out)

    def test_a_network_that_withstands_occlusion_is_not_taken_for_one_with_poor_maps(self):
        """A copy whose logits are a quarter as large, as those of networks that learned from mixed images are,
        looks at the very same pixels, to the bit, and loses less when they go. Plain deletion ranks its maps far
        below the original's; across models they are alike."""
        self.write("train.yaml", PLANTED + "repeats: 4\ntrain: {epochs: 6, batch_size: 32, lr: 0.05}\n")
        trained, _ = self.sweep("trained", config="train.yaml")
        weights = [path / "weights.safetensors" for path in self.stages(trained, "train")]
        self.assertEqual(len(weights), 4)
        scale_head(weights[0], self.folder / "robust.safetensors", 0.25)
        files = [str(path) for path in weights] + ["robust.safetensors"]
        self.write("score.yaml", PLANTED + f"""
train: {{epochs: 0}}
grid: {{model.weights: {json.dumps(files)}}}
score:
  attributions: [gradcam, integrated_gradients]
  metrics: [accuracy, deletion_normalised, inter_model_map, inter_model_scorer]
  images: 100
  steps: 14
  bootstrap: 0
  integrated_gradients: {{points: 6}}
""")
        out, err = self.sweep("out", config="score.yaml", code=0)
        table = rows(out / "results.csv")
        original, robust = table[0], table[-1]
        self.assertEqual(original["test.accuracy"], robust["test.accuracy"])
        for word in ("gradcam", "integrated_gradients"):
            plain, scorer, maps = (float(robust[f"test.{name}.{word}.zero"]) - float(original[f"test.{name}.{word}.zero"])
                                   for name in ("deletion_normalised", "inter_model_scorer", "inter_model_map"))
            self.assertGreater(plain, 0.05)
            self.assertGreater(scorer, 0.05)
            self.assertLess(abs(maps), plain / 10)


if __name__ == "__main__":
    main()
