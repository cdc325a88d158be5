"""The plan command: counts, ids, exit codes and what it says of bad input. ctest: quick"""
import json
import os
import resource

from harness import Case, main

HEAD = """
data: {set: synthetic}
model: {arch: linear}
"""

SWEEP = HEAD + """
name: ratios
repeats: 3
grid:
  mix.strategy: [none, mixup, cutmix, cutout]
  mix.alpha: {linear: [0.1, 0.5], step: 0.1}
  mix.labels: [mixed, dominant]
exclude:
  - {mix.strategy: cutmix, mix.alpha: {below: 0.3}}
  - {mix.strategy: mixup, mix.alpha: 0.5, mix.labels: dominant}
"""

# 10^6 cells: 100 x 100 x 2 x 50.
MILLION = HEAD + """
grid:
  train.lr: {linear: [0.001, 0.1], count: 100}
  train.weight_decay: {linear: [0.0001, 0.01], count: 100}
  mix.strategy: [mixup, cutmix]
  mix.alpha: {linear: [0.1, 5.0], count: 50}
"""


def expected():
    """Cells of SWEEP in grid order, as (strategy, alpha, labels), and its counts."""
    cells, seen, excluded = [], set(), 0
    for strategy in ("none", "mixup", "cutmix", "cutout"):
        for alpha in (0.1, 0.2, 0.3, 0.4, 0.5):
            for labels in ("mixed", "dominant"):
                uses = strategy in ("mixup", "cutmix")
                cell = (strategy, alpha if uses else None, labels if uses else None)
                if cell in seen:
                    continue
                seen.add(cell)
                if (strategy == "cutmix" and alpha < 0.3) or cell == ("mixup", 0.5, "dominant"):
                    excluded += 1
                else:
                    cells.append(cell)
    return cells, excluded, 40 - len(seen)


class Plan(Case):
    def plan(self, text, *args):
        out, err = self.mixsweep("plan", self.write("sweep.yaml", text), "--json", *args)
        return json.loads(out), err

    def test_counts_and_cells_are_those_of_a_plain_loop(self):
        cells, excluded, folded = expected()
        plan, err = self.plan(SWEEP, "--limit", "100")
        self.assertEqual(err, "")
        self.assertEqual(plan["points"], 40)
        self.assertEqual(plan["cells"], len(cells))
        self.assertEqual(plan["excluded"], excluded)
        self.assertEqual(plan["folded"], folded)
        self.assertEqual(plan["trials"], 3 * len(cells))
        self.assertEqual(plan["stages"], {"train": {"planned": 3 * len(cells), "uses": 3 * len(cells)}})
        listed = [tuple(c["point"].get(k) for k in ("mix.strategy", "mix.alpha", "mix.labels"))
                  for c in plan["cells_listed"]]
        self.assertEqual(listed, cells)
        self.assertEqual(len({c["cell"] for c in plan["cells_listed"]}), len(cells))
        self.assertLess(0, plan["hours"]["low"])
        self.assertLess(plan["hours"]["low"], plan["hours"]["mid"])
        self.assertLess(plan["hours"]["mid"], plan["hours"]["high"])
        self.assertGreater(plan["disk_bytes"], 0)
        self.assertGreater(plan["memory_bytes_per_executor"], 1 << 20)

    def test_ids_do_not_depend_on_the_rest_of_the_grid(self):
        whole, _ = self.plan(SWEEP, "--limit", "100")
        alone, _ = self.plan(HEAD + "mix: {strategy: cutmix, alpha: 0.3, labels: dominant}\n",
                             "--limit", "1")
        ids = {c["cell"]: c["point"] for c in whole["cells_listed"]}
        self.assertEqual(ids[alone["cells_listed"][0]["cell"]], alone["cells_listed"][0]["point"])

    def test_set_wins_over_the_file(self):
        plan, _ = self.plan(SWEEP, "--set", "repeats=7")
        self.assertEqual(plan["trials"], 7 * plan["cells"])

    def test_text_lists_the_first_cells(self):
        out, _ = self.mixsweep("plan", self.write("sweep.yaml", SWEEP), "--limit", "2")
        lines = out.splitlines()
        self.assertEqual(lines[0].split(" (")[0], "plan of ratios")
        self.assertRegex(lines[-2], r"\A[0-9a-f]{16}  mix\.strategy=none\Z")
        self.assertRegex(lines[-1], r"\A[0-9a-f]{16}  mix\.strategy=mixup  mix\.alpha=0\.1  mix\.labels=mixed\Z")

    def test_a_million_cells_take_little_time_and_memory(self):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        plan, _ = self.plan(MILLION)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertEqual(plan["cells"], 1000000)
        self.assertEqual(plan["stages"]["train"], {"planned": 1000000, "uses": 1000000})
        self.assertLess(after.ru_utime - before.ru_utime, 10, "threefold margin, and a sanitizer's")
        self.assertLess(after.ru_maxrss, 400 * 1024, "KiB, a sanitizer's shadow included")

    def test_as_many_files_are_planned_as_a_sweep_leaves(self):
        path = self.tiny(repeats=2)
        plan, _ = self.plan(path.read_text())
        self.mixsweep("run", path, "--out", "out", "--workers", 1)
        left = sum(entry.is_file() for entry in (self.folder / "out").rglob("*"))
        # warnings.log comes with the first warning, sweep.log.1 with 64 MiB of log.
        self.assertLessEqual(left + 2, plan["files"])
        self.assertLessEqual(plan["files"], left + 2 + 2 + os.cpu_count())

    def test_more_than_a_hundred_million_points_give_totals_only(self):
        axes = "".join(f"  {key}: {{linear: [0.1, 0.9], count: 5000}}\n"
                       for key in ("train.lr", "train.momentum", "mix.prob"))
        plan, _ = self.plan(HEAD + "mix: {strategy: mixup}\ngrid:\n" + axes)
        self.assertEqual(plan["points"], 5000 ** 3)
        for key in ("cells", "excluded", "folded", "trials", "disk_bytes", "files"):
            self.assertIsNone(plan[key], key)

    def test_a_product_that_overflows_is_an_error_that_names_the_axis(self):
        axes = "".join(f"  {key}: {{linear: [0.1, 0.9], count: 1000000000}}\n"
                       for key in ("train.lr", "train.momentum", "mix.prob"))
        path = self.write("sweep.yaml", HEAD + "mix: {strategy: mixup}\ngrid:\n" + axes)
        self.assertEqual(self.refused(2, "plan", path),
                         "mixsweep: the grid has more than 9223372036854775807 points: axis 'mix.prob' with "
                         "its 1000000000 values is too much; use fewer values\n")

    def test_a_grid_of_which_nothing_is_left_is_an_error(self):
        path = self.write("sweep.yaml", HEAD + "exclude: [{mix.strategy: none}]\n")
        out, err = self.mixsweep("plan", path, "--json", code=2)
        self.assertEqual(json.loads(out)["cells"], 0)
        self.assertEqual(err, f"mixsweep: {path}: the exclude rules leave no cell\n")

    def test_missing_data_is_a_warning(self):
        text = HEAD.replace("synthetic}", "mnist, path: not/there}")
        plan, err = self.plan(text)
        self.assertEqual(plan["cells"], 1)
        self.assertEqual(err, f"{self.folder}/sweep.yaml: warning: data set mnist is not at "
                              f"{self.folder}/not/there; put it there or set data.path\n")

    def test_smoke_plans_for_the_data_that_a_smoke_run_makes(self):
        memory = {}
        for name, size in (("waterbirds", ", size: 32"), ("imagenet", ", size: 32"), ("emnist", ""),
                           ("cifar100", ""), ("folder", ", size: 32")):
            path = self.write("sweep.yaml", f"data: {{set: {name}, path: not/there{size}}}\n"
                                            "model: {arch: linear}\ntrain: {epochs: 1}\n")
            out, err = self.mixsweep("plan", path, "--json", "--smoke")
            plan = json.loads(out)
            self.assertEqual(err, "")
            self.assertIsNotNone(plan["hours"]["mid"], name)
            self.assertLess(plan["hours"]["mid"], 0.01, name)
            memory[name] = plan["memory_bytes_per_executor"]
        self.assertEqual(memory["imagenet"], memory["folder"])
        self.assertLess(memory["folder"], memory["cifar100"])
        self.assertLess(memory["cifar100"], 150e6)  # the set itself would take 184 MB

    def test_usage_errors_are_one_line_each(self):
        path = self.write("sweep.yaml", SWEEP)
        self.assertEqual(self.refused(2, "plan"),
                         "mixsweep: plan takes one CONFIG; mixsweep plan --help tells more\n")
        self.assertEqual(self.refused(2, "plan", path, "--limit", "x"),
                         "mixsweep: --limit x: give a number of cells, 0 or more\n")
        self.mixsweep("plan", "--help")


    def test_too_few_models_for_a_comparison_are_told_before_anything_runs(self):
        config = self.write("few.yaml", """
name: few
data: {set: synthetic, size: 12, synthetic: {n: 96, classes: 3}}
model: {arch: resnet8}
grid: {mix.strategy: [none, mixup]}
score: {metrics: [inter_model_map], attributions: [gradcam]}
""")
        told = ("_reference two, and here are 2: columns stay empty (write repeats: 3, or more cells)\n")
        self.assertIn(told, self.mixsweep("check", config)[1])
        self.assertIn(told, self.mixsweep("plan", config)[1])
        self.assertEqual(self.mixsweep("check", config, "--set", "repeats=2")[1], "")

if __name__ == "__main__":
    main()
