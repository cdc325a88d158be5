"""Scores of maps: the same numbers whatever is kept and however many work, controls beside every
attribution, and configs/interpretability.yaml with its smoke overrides. ctest: slow timeout=900"""
from harness import SOURCE, Case, main, reproducible, rows

CONFIG = """
name: scores
data: {set: synthetic, size: 12, val_fraction: 0.2, synthetic: {n: 60, classes: 3}}
model: {arch: resnet8}
train: {epochs: 1, batch_size: 32, lr: 0.05}
grid: {mix.strategy: [none, mixup]}
score:
  attributions: [gradcam, integrated_gradients]
  metrics: [accuracy, deletion, insertion, pointing_game, mask_iou, gini, randomisation_correlation,
            map_intervals]
  images: 5
  steps: 7
  fills: [zero, road]
  integrated_gradients: {points: 6}
"""
MAPS = ("gradcam", "integrated_gradients", "random", "centre")


class Scores(Case):
    def arrays(self, directory):
        return {path.name for path in (self.folder / directory).glob("stages/*/*.npy")}

    def test_numbers_do_not_depend_on_workers_nor_on_what_is_kept(self):
        self.write("scores.yaml", CONFIG)
        self.mixsweep("run", "scores.yaml", "--out", "one", "--workers", "1")
        self.mixsweep("run", "scores.yaml", "--out", "two", "--workers", "2", "--set", "schedule.keep=results")
        self.assertEqual(reproducible(self.folder / "one" / "results.csv"),
                         reproducible(self.folder / "two" / "results.csv"))
        self.assertEqual(self.arrays("two"), set())
        kept = self.arrays("one")
        self.assertIn("fraction.npy", kept)
        for which in MAPS:
            for name in (f"{which}.npy", f"deletion.{which}.zero.npy", f"deletion.{which}.road.npy",
                         f"insertion.{which}.blur.npy", f"insertion.{which}.road.npy",
                         f"pointing_game.{which}.npy", f"mask_iou.{which}.npy", f"gini.{which}.npy"):
                self.assertIn(name, kept)

    def test_numbers_do_not_depend_on_what_else_is_asked_for(self):
        self.write("scores.yaml", CONFIG)
        self.mixsweep("run", "scores.yaml", "--out", "out", "--workers", "1", "--set", "score.metrics=[accuracy,gini]",
                      "--set", "schedule.keep=results")
        self.mixsweep("run", "scores.yaml", "--out", "all", "--workers", "1")
        first, whole = (rows(self.folder / name / "results.csv") for name in ("out", "all"))
        self.assertNotIn("test.gini_low.gradcam", first[0])  # intervals are there to be asked for
        for row in whole:
            for value in ("deletion.random.zero", "insertion.gradcam.road", "mask_iou.centre"):
                score, rest = value.split(".", 1)
                self.assertTrue(-1 <= float(row[f"test.{score}_low.{rest}"]) <= float(row[f"test.{value}"])
                                <= float(row[f"test.{score}_high.{rest}"]) <= 1, value)
        for a, b in zip(first, whole):
            for name in (name for name in a if name.startswith(("val.", "test."))):
                self.assertEqual(a[name], b[name], name)

    def test_concepts_need_no_maps(self):
        self.write("scores.yaml", CONFIG.replace("  attributions: [gradcam, integrated_gradients]\n", ""))
        out, _ = self.mixsweep("run", "scores.yaml", "--out", "out", "--workers", "1",
                               "--set", "score.metrics=[accuracy,concepts,concept_units]", "--set", "score.images=900",
                               "--set", "data.synthetic.n=400")
        self.assertIn("concept_units", out)
        for row in rows(self.folder / "out/results.csv"):
            self.assertLessEqual(int(row["test.concepts"]), min(int(row["test.concept_units"]), 5))
        self.assertEqual(len(list((self.folder / "out").glob("stages/*/concepts.csv"))), 2)

    def test_the_configuration_for_interpretability_runs(self):
        out, _ = self.mixsweep("run", SOURCE / "configs/interpretability.yaml", "--smoke", "--workers", "2", "--out", "out")
        self.assertIn("scores of maps, and which way is better", out)
        table = rows(self.folder / "out/results.csv")
        self.assertEqual({row["status"] for row in table}, {"done"})
        for row in table:
            for which in MAPS:
                for name in (f"test.deletion.{which}.zero", f"test.deletion_normalised.{which}.blur",
                             f"test.insertion.{which}.blur", f"test.mask_iou.{which}", f"test.gini.{which}",
                             f"test.max_box_accuracy_v2.{which}"):
                    self.assertNotEqual(row[name], "", name)
            self.assertNotEqual(row["test.occlusion_accuracy.30"], "")

    def test_the_table_has_a_column_for_each_network_and_names_only_what_is_missing(self):
        self.write("scores.yaml", CONFIG)
        args = ("run", "scores.yaml", "--workers", "2", "--set", "grid.head.method=[erm,llr]", "--set", "repeats=1",
                "--set", "score.metrics=[accuracy,gini,map_intervals]")
        out, _ = self.mixsweep(*args, "--out", "out")
        cells = {row["cell"]: [row[name] for name in row if ".gini." in name] for row in rows(self.folder / "out/results.csv")}
        networks = {tuple(values) for values in cells.values()}
        self.assertEqual(len(cells), 2 * len(networks))
        head = next(line for line in out.splitlines() if line.startswith("score "))
        self.assertEqual(head.count("#"), len(networks), head)
        self.assertIn("of cells that share a network, and so its maps, the first one is shown", out)
        self.assertNotIn("no cell has a number of", out)
        out, _ = self.mixsweep(*args, "--out", "none", "--set", "train.lr=1000", code=1)
        self.assertNotIn("no cell has a number of", out)


if __name__ == "__main__":
    main()
