"""configs/quickstart.yaml: checked, planned, and run with its smoke overrides. ctest: quick"""
import csv
import json
import re

from harness import SOURCE, Case, main, reproducible, rows

CONFIG = SOURCE / "configs/quickstart.yaml"


class Quickstart(Case):
    def plan(self, *options):
        out, _ = self.mixsweep("plan", CONFIG, "--json", *options)
        return json.loads(out)

    def test_check_says_how_many_cells_and_trials(self):
        out, err = self.mixsweep("check", CONFIG)
        self.assertEqual(err, "")
        plan = self.plan()
        self.assertEqual(out, f"{CONFIG}: ok, {plan['cells']} cells, {plan['trials']} trials\n")

    def test_plan_counts_every_point_once(self):
        plan = self.plan("--limit", "1000")
        self.assertEqual(plan["points"], plan["cells"] + plan["excluded"] + plan["folded"])
        listed = [cell["cell"] for cell in plan["cells_listed"]]
        self.assertEqual(len(listed), plan["cells"])
        self.assertEqual(len(set(listed)), plan["cells"])
        for cell in listed:
            self.assertRegex(cell, r"\A[0-9a-f]{16}\Z")
        self.assertEqual(plan["stages"]["train"]["uses"], plan["trials"])

    def test_plan_runs_nothing(self):
        self.plan()
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_the_plan_for_people_has_the_same_counts(self):
        out, _ = self.mixsweep("plan", CONFIG)
        plan = self.plan()
        for key in ("cells", "trials", "points"):
            self.assertRegex(out, rf"\b{plan[key]}\b")

    def test_smoke_run_leaves_a_whole_directory(self):
        out, err = self.mixsweep("run", CONFIG, "--smoke", "--workers", "2")
        self.assertTrue(out.startswith("output: quickstart\n"), out)
        self.assertNotIn("error", err)
        directory = self.folder / "quickstart"
        plan = self.plan("--smoke", "--limit", "1000")
        table = rows(directory / "results.csv")
        self.assertEqual(len(table), plan["trials"])
        self.assertEqual([row["cell"] for row in table],
                         [cell["cell"] for cell in plan["cells_listed"]])
        for row in table:
            self.assertEqual((row["status"], row["reason"]), ("done", ""))
            for metric in ("val.accuracy", "test.accuracy"):
                self.assertTrue(0 <= float(row[metric]) <= 1, row)
            self.assertGreater(float(row["test.cross_entropy"]), 0)
        self.assertEqual((directory / "exit_code").read_text().strip(), "0")
        self.check_files(directory, plan)

        before = reproducible(directory / "results.csv")
        self.mixsweep("resume", "quickstart")
        self.assertEqual(reproducible(directory / "results.csv"), before, "nothing is run again")
        self.no_executor_log_has_a_report(directory)

    def check_files(self, directory, plan):
        for name in ("owner.json", "provenance.json", "status.json"):
            json.loads((directory / name).read_text())
        status = json.loads((directory / "status.json").read_text())
        self.assertEqual((status["state"], status["planned"], status["done"], status["pending"]),
                         ("finished", plan["trials"], plan["trials"], 0))
        with open(directory / "cells.csv", newline="") as file:
            cells = list(csv.DictReader(file))
        self.assertEqual(len(cells), plan["cells"])
        self.assertEqual({cell["done"] for cell in cells}, {"1"})
        for line in (directory / "log/sweep.log").read_text().splitlines():
            self.assertRegex(line, r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [a-z]+ ")
        self.assertEqual([p for p in directory.rglob("*") if re.search(r"\.tmp\.", p.name)], [])
        for stage in directory.glob("stages/*"):
            record = json.loads((stage / "stage.json").read_text())
            self.assertEqual(record["key"], stage.name)
            for file in record["files"]:
                self.assertEqual((stage / file["name"]).stat().st_size, file["bytes"], file)
        # The resolved configuration means the same cells.
        out, _ = self.mixsweep("plan", directory / "config.yaml", "--json", "--limit", "1000")
        self.assertEqual([cell["cell"] for cell in json.loads(out)["cells_listed"]],
                         [cell["cell"] for cell in plan["cells_listed"]])


if __name__ == "__main__":
    main()
