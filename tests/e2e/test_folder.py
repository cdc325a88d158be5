"""A folder of images, as a user has it: from class folders to a table. ctest: quick"""
import json
import os
import shutil

import png
from harness import Case, main, rows

CONFIG = """
name: sweep
data: {set: folder, path: photos, size: 16, test_fraction: 0.25, val_fraction: 0.25}
model: {arch: linear}
train: {epochs: 2, batch_size: 16, lr: 0.02}
grid:
  mix.strategy: [none, cutmix]
"""


def photo(kind, k):
    """A coloured image, 20 x 18: red or blue by its class, with a stripe."""
    def pixel(y, x):
        main_colour = 220 if (x + y + k) % 7 else 90
        return (main_colour, 60 + y, k % 50) if kind == "red" else (k % 50, 60 + y, main_colour)
    return png.encode(20, 18, pixel)


class Folder(Case):
    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", CONFIG)
        self.photos = self.folder / "photos"
        for kind in ("red", "blue"):
            (self.photos / kind).mkdir(parents=True)
            for k in range(24):
                (self.photos / kind / f"{k}.png").write_bytes(photo(kind, k))

    def test_a_folder_of_pictures_is_learnt(self):
        self.mixsweep("run", "sweep.yaml", "--workers", "2")
        table = rows(self.folder / "sweep/results.csv")
        self.assertEqual([row["status"] for row in table], ["done", "done"])
        for row in table:
            self.assertEqual(float(row["test.accuracy"]), 1.0, row)
        data = json.loads((self.folder / "sweep/provenance.json").read_text())["data"]
        self.assertEqual([d["set"] for d in data], ["folder"])
        self.assertEqual(len(data[0]["mean"]), 3)

    def test_the_plan_counts_the_files(self):
        out, err = self.mixsweep("plan", "sweep.yaml", "--json")
        self.assertEqual(err, "")
        few = json.loads(out)["memory_bytes_per_executor"]
        for kind in ("red", "blue"):
            for k in range(100, 1100):
                os.link(self.photos / kind / "0.png", self.photos / kind / f"{k}.png")
        out, _ = self.mixsweep("plan", "sweep.yaml", "--json")
        # 2000 more images of 16 x 16 x 3 bytes, which executors share
        plan = json.loads(out)
        self.assertAlmostEqual(plan["memory_bytes_per_executor"] - few, 2000 * 768, delta=2 * 768)
        self.assertEqual(plan["memory_bytes_shared"], 2048 * 768)
        out, _ = self.mixsweep("plan", "sweep.yaml")
        self.assertRegex(out, "memory .* an executor, of which 1.6 MB decoded images that all of a node share\n")

    def test_a_damaged_picture_is_named(self):
        (self.photos / "blue/5.png").write_bytes(photo("blue", 5)[:-30])
        err = self.refused(3, "run", "sweep.yaml")
        self.assertIn(f"{self.photos}/blue/5.png is damaged", err)
        self.assertFalse((self.folder / "sweep").exists())

    def test_damaged_pictures_are_left_out_and_told_once(self):
        (self.photos / "blue/5.png").write_bytes(photo("blue", 5)[:-30])
        (self.photos / "red/list.txt").write_text("0.png\n")
        _, err = self.mixsweep("run", "sweep.yaml", "--workers", "2", "--set",
                               "data.on_decode_error=skip")
        self.assertEqual(err.count("damaged files left out"), 1, err)
        self.assertIn(f"folder: 2 damaged files left out, the first: {self.photos}/", err)
        _, err = self.mixsweep("preview", "sweep.yaml", "--out", "p.png", "--rows", "1", "--set",
                               "data.on_decode_error=skip")
        self.assertTrue(err.startswith("folder: "), err)
        self.assertIn(" left out, the first: ", err)

    def test_names_that_are_no_text(self):
        shutil.copy(self.photos / "red/1.png", os.fsencode(self.photos) + b"/red/\xff\xfe.png")
        self.mixsweep("run", "sweep.yaml", "--workers", "1")
        with open(os.fsencode(self.photos) + b"/red/\xff\xfe.png", "wb") as file:
            file.write(b"GIF89a")
        err = self.refused(3, "run", "sweep.yaml", "--out", "again")
        self.assertIn("/red/\\xFF\\xFE.png is neither a JPEG nor a PNG file", err)

    def test_the_path_is_needed(self):
        self.write("sweep.yaml", CONFIG.replace("path: photos, ", ""))
        _, err = self.mixsweep("check", "sweep.yaml", code=2)
        self.assertIn("sweep.yaml:3:1: error: data.path is missing (write data: {path: photos})", err)

    def test_results_do_not_depend_on_workers(self):
        for out, workers in (("one", 1), ("three", 3)):
            self.mixsweep("run", "sweep.yaml", "--out", out, "--workers", workers)
        one, three = ([{k: v for k, v in row.items() if not k.startswith("run.")}
                       for row in rows(self.folder / out / "results.csv")] for out in ("one", "three"))
        self.assertEqual(one, three)

    def test_smoke_runs_without_the_set(self):
        for name, path in (("folder", "path: nowhere, size: 24"), ("cifar10", "path: nowhere"),
                           ("cifar100", "path: nowhere")):
            self.write("smoke.yaml", CONFIG.replace("set: folder, path: photos, size: 16",
                                                    f"set: {name}, {path}"))
            self.mixsweep("run", "smoke.yaml", "--smoke", "--workers", "1", "--out", name)
            row = rows(self.folder / name / "results.csv")[0]
            self.assertEqual(row["status"], "done", row)
            self.assertTrue(os.listdir(self.folder / name / "smoke-data" / name))


if __name__ == "__main__":
    main()
