"""A budget of cells, and who chooses them. ctest: quick timeout=120"""
import json

from harness import Case, main, reproducible, rows


class Search(Case):
    def search(self, strategy, budget):
        return ("--set", f"search.strategy={strategy}", "--set", f"search.budget={budget}")

    def test_plan_tells_what_is_chosen_of_a_huge_grid(self):
        config = self.write("huge.yaml", """
name: huge
data: {set: synthetic, size: 12, synthetic: {n: 96, classes: 3}}
model: {arch: linear}
grid:
  train.lr: {log: [1e-4, 1], count: 100000}
  train.weight_decay: {log: [1e-6, 1e-2], count: 100000}
  train.momentum: {linear: [0, 0.99], count: 1000}
""")
        for strategy in ("grid", "random", "sobol"):
            plan = json.loads(self.mixsweep("plan", config, *self.search(strategy, 50), "--json",
                                            "--limit", 99)[0])
            self.assertEqual((plan["points"], plan["cells"], plan["not_chosen"], plan["trials"]),
                             (10**13, 50, 10**13 - 50, 50))
            self.assertEqual(len({cell["cell"] for cell in plan["cells_listed"]}), 50)
        text, _ = self.mixsweep("plan", config, *self.search("sobol", 50))
        self.assertIn("not chosen 9,999,999,999,950   search.strategy sobol, search.budget 50\n", text)

    def test_a_larger_budget_goes_on_with_the_same_sweep(self):
        config = self.tiny()
        whole = self.folder / "whole"
        self.mixsweep("run", config, "--out", "whole", "--workers", 1)
        every = {row["trial"]: row for row in reproducible(whole / "results.csv")}
        for strategy in ("random", "sobol"):
            out = self.folder / strategy
            self.mixsweep("run", config, "--out", out, "--workers", 1, *self.search(strategy, 2))
            two = {row["trial"] for row in rows(out / "results.csv")}
            self.assertEqual(len(two), 2)
            _, err = self.mixsweep("run", config, "--out", out, "--resume", "--workers", 1,
                                   *self.search(strategy, 4))
            self.assertIn("2 cells are added to the 2 that are there", err)
            table = reproducible(out / "results.csv")
            self.assertEqual(len(table), 4)
            self.assertLess(two, {row["trial"] for row in table})
            for row in table:
                self.assertEqual(row, every[row["trial"]])

    def test_another_choice_is_another_sweep(self):
        config = self.tiny()
        self.mixsweep("run", config, "--out", "out", "--workers", 1, *self.search("random", 3))
        _, err = self.mixsweep("run", config, "--out", "out", "--resume", *self.search("random", 2),
                               code=2)
        self.assertIn("1 of the 3 cells that are there would be gone", err)

    def test_what_is_wrong_is_said(self):
        config = self.tiny()
        _, err = self.mixsweep("check", config, "--set", "search.strategy=random", code=2)
        self.assertIn("search.strategy: random chooses among the cells; tell how many (write "
                      "search.budget: 50)", err)


if __name__ == "__main__":
    main()
