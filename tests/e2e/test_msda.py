"""configs/msda.yaml: every strategy and label rule in one sweep, run with its smoke
overrides, and the same for any number of workers. ctest: slow timeout=900"""
import json

from harness import SOURCE, Case, main, reproducible, rows

CONFIG = SOURCE / "configs/msda.yaml"
STRATEGIES = {"none", "mixup", "cutmix", "cutout", "saliencymix", "resizemix", "fmix", "puzzlemix",
              "gridmix", "manifold_mixup", "recursivemix"}


def beside_the_data(err):
    """What is told besides that the images are not there."""
    return "".join(line for line in err.splitlines(keepends=True)
                   if ": warning: data set cifar10 is not at " not in line)


class Msda(Case):
    def cells(self, config, *options):
        out, err = self.mixsweep("plan", config, "--json", "--limit", "1000", *options)
        self.assertEqual(beside_the_data(err), "")
        return [cell["cell"] for cell in json.loads(out)["cells_listed"]]

    def test_check_has_nothing_to_say(self):
        out, err = self.mixsweep("check", CONFIG)
        self.assertEqual(beside_the_data(err), "")
        self.assertEqual(out, f"{CONFIG}: ok, {len(self.cells(CONFIG))} cells, "
                              f"{5 * len(self.cells(CONFIG))} trials\n")

    def test_the_pages_say_what_plan_says(self):
        plan = json.loads(self.mixsweep("plan", CONFIG, "--json")[0])
        page = (SOURCE / "docs/mixing.md").read_text()
        self.assertIn(f"    cells {plan['cells']:>19}\n    trials {plan['trials']:>18}   5 for each cell\n", page)
        self.assertIn(f"{plan['cells']} cells in five repeats", page)
        self.assertIn(f"{plan['cells']}\n# cells, {plan['trials']} trials", CONFIG.read_text())

    def test_every_strategy_runs_and_one_worker_gives_the_table_of_two(self):
        self.mixsweep("run", CONFIG, "--smoke", "--workers", "2", "--out", "two")
        table = rows(self.folder / "two/results.csv")
        self.assertEqual([row["cell"] for row in table], self.cells(CONFIG, "--smoke"))
        self.assertEqual({row["mix.strategy"] for row in table}, STRATEGIES)
        self.assertEqual({row["status"] for row in table}, {"done"})
        self.no_executor_log_has_a_report(self.folder / "two")
        # The resolved configuration, lists and all, means the same cells.
        self.assertEqual(self.cells(self.folder / "two/config.yaml"), self.cells(CONFIG, "--smoke"))
        self.mixsweep("run", CONFIG, "--smoke", "--workers", "1", "--out", "one")
        self.assertEqual(reproducible(self.folder / "one/results.csv"),
                         reproducible(self.folder / "two/results.csv"))

    def test_several_strategies_in_one_training_are_resumed_as_they_were_written(self):
        config = self.folder / "several.yaml"
        config.write_text("data: {set: synthetic, size: 16, synthetic: {n: 64}}\n"
                          "model: {arch: resnet8}\n"
                          "train: {epochs: 1, batch_size: 16}\n"
                          "grid:\n"
                          "  mix.strategy: [choices]\n"
                          "  mix.choices: [[cutmix, cutmix, mixup], [puzzlemix, recursivemix, resizemix]]\n"
                          "  mix.scale: [[0.5, 0.5], [0.1, 0.8]]\n")
        self.mixsweep("run", config, "--out", "out")
        table = rows(self.folder / "out/results.csv")
        self.assertEqual([row["mix.choices"] for row in table],
                         ["[cutmix,cutmix,mixup]"] * 2 + ["[puzzlemix,recursivemix,resizemix]"] * 2)
        self.assertEqual({row["status"] for row in table}, {"done"})
        self.assertEqual(self.cells(self.folder / "out/config.yaml"), self.cells(config))
        record = json.loads(next((self.folder / "out").glob("stages/*/stage.json")).read_text())
        self.assertIn(record["parameters"]["mix.choices"],
                      (["cutmix", "cutmix", "mixup"], ["puzzlemix", "recursivemix", "resizemix"]))
        self.assertIn(record["parameters"]["mix.scale"], ([0.5, 0.5], [0.1, 0.8]))
        self.mixsweep("resume", "out")


if __name__ == "__main__":
    main()
