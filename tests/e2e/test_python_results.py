"""tools/mixsweep_results.py reads every row as it is written, without pandas. ctest: quick"""
import csv
import importlib.util
import io
import math

from harness import SOURCE, Case, main, rows

NAMES = ["erm", "none", "None", "NA", "null", "n/a", "nan", "mixup", "", "a,b", 'say "no"', "two\nlines",
         "-", "007", "1e5x"]


def load():
    spec = importlib.util.spec_from_file_location("mixsweep_results",
                                                  SOURCE / "tools/mixsweep_results.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


results = load()


def as_csv(table):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return text.getvalue()


class PythonResults(Case):
    def made(self, trials=None, cells=None):
        """A directory with tables made here: names that other readers lose, a reason with all
        that CSV must quote, numbers that are infinite or missing."""
        head = ["trial", "cell", "repeat", "status", "reason", "head.method", "mix.alpha", "seed",
                "test.accuracy", "run.attempts", "run.host", "run.rank", "run.executor", "run.device",
                "run.started", "run.ended", "run.seconds", "run.energy_j", "run.reason"]
        table, of_cells = [head], [["cell", "head.method", "mix.alpha", "planned", "done", "failed",
                                    "quarantined", "stopped", "pending", "test.accuracy.n",
                                    "test.accuracy.mean", "test.accuracy.sd", "test.accuracy.low",
                                    "test.accuracy.high"]]
        for k, name in enumerate(NAMES):
            cell = f"{k:016d}" if k % 2 else f"{k:08d}e{k:07d}"
            number = ["0.5", "", "1", "inf", "1e-05"][k % 5]
            alpha = "" if k % 3 == 0 else "0.2"
            table.append([f"{cell}.r0", cell, "0", "done" if number else "failed",
                          "" if number else "diverged", name, alpha, "7", number, "1", "h", "0", "0",
                          "CPU, wide", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z", "1", "",
                          'loss, "nan"\nat step 3'])
            of_cells.append([cell, name, alpha, "1", "1" if number else "0", "0" if number else "1",
                             "0", "0", "0", "1" if number else "0", number, "", "", ""])
        self.write("made/results.csv", as_csv(table if trials is None else trials(table)))
        self.write("made/cells.csv", as_csv(of_cells if cells is None else cells(of_cells)))
        return self.folder / "made"

    def test_a_real_sweep_has_the_numbers_of_its_tables(self):
        self.tiny(repeats=2)
        self.mixsweep("run", "tiny.yaml", "--out", "out")
        sweep = results.read(self.folder / "out")
        self.assertEqual((sweep.axes, len(sweep.trials), len(sweep.cells)),
                         (["mix.strategy", "mix.alpha"], 10, 5))
        self.assertEqual(sweep.metrics, ["test.accuracy", "test.cross_entropy", "val.accuracy",
                                         "val.cross_entropy"])
        for table, file in ((sweep.trials, "results.csv"), (sweep.cells, "cells.csv")):
            for have, want in zip(table, rows(self.folder / "out" / file)):
                self.assertEqual(list(have), list(want))
                for name, text in want.items():
                    if text == "":
                        self.assertIsNone(have[name])
                    elif isinstance(have[name], str):
                        self.assertEqual(have[name], text)
                    else:
                        self.assertEqual(have[name], float(text))
        groups = results.group(sweep.trials, sweep.axes)
        self.assertEqual(list(groups), [("none", None), ("mixup", 0.2), ("mixup", 1), ("cutmix", 0.2),
                                        ("cutmix", 1)])
        for row in sweep.cells:
            members = groups[row["mix.strategy"], row["mix.alpha"]]
            self.assertTrue(math.isclose(results.mean(members, "val.accuracy"),
                                         row["val.accuracy.mean"], rel_tol=1e-15))
        histories = sweep.histories()
        self.assertEqual(len(histories), 10)
        for history in histories:
            self.assertEqual([row["epoch"] for row in history["rows"]], [0])
            self.assertIn("mix.strategy", history["parameters"])

    def test_no_name_and_no_row_is_lost(self):
        sweep = results.read(self.made())
        self.assertEqual([row["head.method"] for row in sweep.trials], [name or None for name in NAMES])
        groups = results.group(sweep.trials, ["head.method", "mix.alpha"])
        self.assertEqual(sum(map(len, groups.values())), len(NAMES))
        self.assertEqual({row["run.reason"] for row in sweep.trials}, {'loss, "nan"\nat step 3'})
        self.assertEqual([row["test.accuracy"] for row in sweep.trials[:5]],
                         [0.5, None, 1.0, math.inf, 1e-05])
        self.assertTrue(all(isinstance(row["cell"], str) for row in sweep.trials + sweep.cells))
        self.assertEqual(len(sweep.done()), sum(k % 5 != 1 for k in range(len(NAMES))))
        self.assertIsNone(results.mean(sweep.trials[1:2], "test.accuracy"))

    def test_what_does_not_fit_is_an_error(self):
        for trials, words in (
                (lambda table: [*table[:4], table[4] + ["more"], *table[5:]], "fields stand under"),
                (lambda table: [*table[:4], table[4][:-1], *table[5:]], "fields stand under"),
                (lambda table: table[:-1], "14 rows, and cells.csv says that 15 trials are planned"),
                (lambda table: [["name", *row[1:]] if k == 0 else row for k, row in enumerate(table)],
                 "is no table of results"),
                (lambda table: [[*row[:8], "much", *row[9:]] if k == 3 else row
                                for k, row in enumerate(table)], "test.accuracy is no number: 'much'")):
            with self.assertRaises(ValueError) as raised:
                results.read(self.made(trials))
            self.assertIn(words, str(raised.exception))


if __name__ == "__main__":
    main()
