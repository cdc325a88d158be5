"""configs/inter_model.yaml, run with its smoke overrides on made-up images. ctest: slow timeout=900"""
import json

from harness import SOURCE, Case, main, rows

CONFIG = SOURCE / "configs/inter_model.yaml"


class InterModelConfig(Case):
    def test_plan_says_how_many_models_meet(self):
        out, _ = self.mixsweep("plan", CONFIG)
        self.assertIn("compared   24 models with each other", out)
        stages = json.loads(self.mixsweep("plan", CONFIG, "--json")[0])["stages"]
        self.assertEqual([stages[kind]["planned"] for kind in ("train", "maps", "scorer", "inter_model", "standing")],
                         [25, 24, 25, 1, 24])

    def test_the_smoke_run_compares_three_models_and_leaves_what_plan_said(self):
        _, err = self.mixsweep("run", CONFIG, "--smoke", "--workers", "2", "--out", "out")
        self.assertIn("3 of 3 models compared on ", err)
        table = rows(self.folder / "out/results.csv")
        self.assertEqual({row["status"] for row in table}, {"done"})
        found = {}
        for path in (self.folder / "out").glob("stages/*/stage.json"):
            kind = json.loads(path.read_text())["kind"]
            found[kind] = found.get(kind, 0) + 1
        planned = json.loads(self.mixsweep("plan", CONFIG, "--smoke", "--json")[0])["stages"]
        for kind in ("train", "maps", "scores", "scorer", "inter_model"):
            self.assertEqual(found[kind], planned[kind]["planned"], kind)
        models = rows(next((self.folder / "out").glob("stages/*/models.csv")))
        self.assertEqual([row["trial"] for row in models], [row["trial"] for row in table][:3])
        self.no_executor_log_has_a_report(self.folder / "out")


if __name__ == "__main__":
    main()
