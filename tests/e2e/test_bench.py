"""The bench command: what it prints. How fast a machine must be is not for a test
to say. ctest: slow timeout=600"""
import json

import png
from harness import Case, main


class Bench(Case):
    def test_what_it_cannot_do_is_said_in_one_line(self):
        for args, text in (
                ((), "bench takes one WHAT; mixsweep bench --help tells more"),
                (("journal", "resnet8"), "bench journal takes no networks"),
                (("train", "--trials", 100), "bench train takes no --trials"),
                (("head", "--device", "cuda"), "bench head takes no --device"),
                (("norm",), "bench norm is of GPUs: give --device cuda"),
                (("augment", "--batch", 2), "bench augment takes no --batch"),
                (("norm", "--device", "cuda", "--size", 8), "bench norm takes no --size"),
                (("norm", "--device", "cuda", "--precision", "tf32"), "bench norm takes no --precision"),
                (("reduce", "--any-order"), "bench reduce takes no --any-order"),
                (("dispatch", "--trials", 250), "bench dispatch --trials 250: give a multiple of "
                                                "100, from 200"),
                (("dispatch", "--trials", "x"), "--trials x: give a number from 1 to 10000000"),
                (("speed",), "bench speed is unknown; mixsweep bench --help lists what there is"),
                (("train", "--fast"), "bench does not take '--fast'; mixsweep bench --help tells "
                                      "more"),
                (("train", "infer"), "bench does not take 'infer'; mixsweep bench --help tells "
                                     "more")):
            self.assertEqual(self.refused(2, "bench", *args), f"mixsweep: {text}\n")

    def test_train_is_measured_for_the_networks_named(self):
        out, err = self.mixsweep("bench", "train", "resnet8", "resnet20", "--json")
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

    def test_infer_is_measured_for_the_networks_named(self):
        out, err = self.mixsweep("bench", "infer", "resnet8", "preact_resnet18", "--json")
        self.assertEqual(err, "")
        report = json.loads(out)
        self.assertEqual(report["bench"], "infer")
        self.assertEqual([(row["name"], row["unit"], row["repeats"]) for row in report["results"]],
                         [("infer.resnet8", "images/s", 7),
                          ("infer.preact_resnet18.cifar", "images/s", 7)])
        for row in report["results"]:
            self.assertLess(0, row["min"])
            self.assertLess(0, row["gflops"])

    def test_sizes_of_batches_and_images_stand_in_names(self):
        report = json.loads(self.mixsweep("bench", "infer", "resnet18", "--batch", 1, "--size", 72, "--json")[0])
        self.assertEqual([row["name"] for row in report["results"]], ["infer.resnet18.imagenet.b1.s72"])

    def test_deletion_is_measured_for_every_fill(self):
        report = json.loads(self.mixsweep("bench", "deletion", "resnet8", "--json")[0])
        self.assertEqual([(row["name"], row["unit"]) for row in report["results"]],
                         [("deletion.resnet8.zero", "share"), ("deletion.resnet8.blur", "share"),
                          ("deletion.resnet8.road", "share")])
        for row in report["results"]:
            self.assertLess(0, row["min"])
            self.assertLessEqual(row["min"], row["value"])

    def test_augment_is_measured_for_every_strategy_and_way_to_change_images(self):
        out, err = self.mixsweep("bench", "augment", "--json")
        self.assertEqual(err, "")
        report = json.loads(out)
        self.assertEqual([row["name"] for row in report["results"]],
                         ["augment." + name for name in (
                             "none", "mixup", "cutmix", "cutout", "saliencymix", "resizemix", "fmix",
                             "puzzlemix", "gridmix", "manifold_mixup", "recursivemix", "flip_crop",
                             "random_resized_crop", "random_resized_crop_jitter")])
        for row in report["results"]:
            self.assertEqual((row["unit"], row["repeats"], row["gflops"], row["peak_share"]),
                             ("share", 7, None, None))
            self.assertLessEqual(row["min"], row["value"])
            self.assertLessEqual(row["value"], row["max"])
        self.assertLess(0, report["results"][0]["min"])
        text, _ = self.mixsweep("bench", "augment")
        self.assertRegex(text, r"augment\.fmix +-?0\.\d{4} ")

    def test_data_is_measured_on_made_files_and_on_those_of_a_folder(self):
        (self.folder / "one").mkdir()
        (self.folder / "one" / "a.png").write_bytes(png.encode(40, 30, lambda y, x: (x, y, 7)))  # one flat channel
        for more in ((), ("--files", "one")):
            out, err = self.mixsweep("bench", "data", *more, "--json")
            self.assertEqual(err, "")
            rows = json.loads(out)["results"]
            self.assertEqual([(row["name"], row["unit"], row["repeats"]) for row in rows],
                             [("data.decode", "images/s", 7), ("data.resize", "images/s", 7),
                              ("data.first_epoch", "share", 7), ("data.two_of_one", "share", 7),
                              ("data.two_of_two", "share", 7), ("data.second_epoch", "share", 7)])
            self.assertTrue(all(0 < row["min"] <= row["value"] <= row["max"] for row in rows))
        self.assertEqual(self.refused(2, "bench", "journal", "--files", "one"),
                         "mixsweep: bench journal takes no --files\n")
        self.assertIn("there is no folder nowhere", self.refused(3, "bench", "data", "--files", "nowhere"))

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

    def expect_times(self, rows, names, repeats):
        """Microseconds, each measured so often."""
        self.assertEqual([row["name"] for row in rows], names)
        for row in rows:
            self.assertEqual((row["unit"], row["repeats"]), ("us", repeats))
            self.assertLess(0, row["min"])
            self.assertLessEqual(row["min"], row["value"])
            self.assertLessEqual(row["value"], row["max"])
            self.assertEqual((row["gflops"], row["peak_share"]), (None, None))

    def test_dispatch_is_measured_with_processes_and_without(self):
        out, err = self.mixsweep("bench", "dispatch", "--trials", 2000, "--json")
        self.assertEqual(err, "")
        report = json.loads(out)
        self.assertEqual(report["bench"], "dispatch")
        self.expect_times(report["results"], ["dispatch.empty_trial", "dispatch.empty_trial.cpu",
                                              "dispatch.in_process", "dispatch.event.cpu"], 3)

    def test_the_journal_is_measured(self):
        out, err = self.mixsweep("bench", "journal", "--trials", 2000, "--json")
        self.assertEqual(err, "")
        *times, scheduler = json.loads(out)["results"]
        self.expect_times(times, ["journal.append", "journal.read", "journal.resume",
                                  "journal.resume.cpu"], 3)
        self.assertEqual((scheduler["name"], scheduler["unit"]), ("journal.scheduler", "B"))
        self.assertLessEqual(scheduler["max"], 32)


if __name__ == "__main__":
    main()
