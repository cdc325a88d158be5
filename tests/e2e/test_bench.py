"""The bench command: what it prints. How fast a machine must be is not for a test
to say. ctest: slow timeout=600"""
import json

from harness import Case, main


class Bench(Case):
    def test_what_it_cannot_do_is_said_in_one_line(self):
        for args, text in (
                ((), "bench takes one WHAT; mixsweep bench --help lists them"),
                (("infer",), "bench infer is not built yet; mixsweep bench --help lists what "
                             "there is"),
                (("speed",), "bench speed is unknown; mixsweep bench --help lists what there is"),
                (("train", "--fast"), "bench does not take '--fast'; mixsweep bench --help tells "
                                      "more"),
                (("train", "infer"), "bench does not take 'infer'; mixsweep bench --help tells "
                                     "more")):
            self.assertEqual(self.refused(2, "bench", *args), f"mixsweep: {text}\n")

    def test_train_is_measured_for_both_networks(self):
        out, err = self.mixsweep("bench", "train", "--json")
        self.assertEqual(err, "")
        report = json.loads(out)
        self.assertEqual(list(report), ["bench", "version", "host", "device", "threads", "results"])
        self.assertEqual((report["bench"], report["threads"]), ("train", 1))
        self.assertEqual([row["name"] for row in report["results"]],
                         ["train.resnet8", "convolutions.resnet8", "train.resnet20",
                          "convolutions.resnet20"])
        for row in report["results"]:
            self.assertEqual(list(row), ["name", "value", "unit", "min", "max", "repeats", "gflops",
                                         "peak_share"])
            self.assertEqual((row["unit"], row["repeats"]), ("images/s", 7))
            self.assertLess(0, row["min"])
            self.assertLessEqual(row["min"], row["value"])
            self.assertLessEqual(row["value"], row["max"])
            self.assertLess(0, row["gflops"])

    def test_reduce_is_measured(self):
        out, err = self.mixsweep("bench", "reduce", "--json")
        self.assertEqual(err, "")
        report = json.loads(out)
        self.assertEqual(report["bench"], "reduce")
        (row,) = report["results"]
        self.assertEqual((row["name"], row["unit"], row["repeats"]), ("reduce.tree", "us", 101))
        self.assertLess(0, row["min"])
        self.assertLessEqual(row["min"], row["value"])
        self.assertLessEqual(row["value"], row["max"])
        self.assertEqual((row["gflops"], row["peak_share"]), (None, None))


if __name__ == "__main__":
    main()
