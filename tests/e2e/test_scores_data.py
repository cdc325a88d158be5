"""Scores that ask something of the data: marks that are not there are told before anything runs. ctest: quick"""
import json

import png
from harness import Case, main, rows

CONFIG = """
name: sweep
data: {set: folder, path: photos, size: 16, test_fraction: 0.25, val_fraction: 0.25}
model: {arch: linear}
train: {epochs: 1, batch_size: 16, lr: 0.02}
score: {attributions: [gradient], metrics: [accuracy, pointing_game, gini], images: 4}
"""
ASKED = "mixsweep: score.metrics asks how maps agree with boxes and masks: "


class ScoresData(Case):
    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", CONFIG)
        self.photos = self.folder / "photos"
        for kind in ("red", "blue"):
            (self.photos / kind).mkdir(parents=True)
            for k in range(12):
                (self.photos / kind / f"{k}.png").write_bytes(
                    png.encode(16, 16, lambda y, x: (200 - k if kind == "red" else k, y, 200 if kind == "blue" else x)))

    def told(self, why):
        err = self.refused(3, "run", "sweep.yaml", "--out", "out")
        self.assertEqual(err, ASKED + why + "\n")
        self.assertFalse((self.folder / "out").exists(), "told before anything ran")

    def test_a_folder_without_boxes_and_masks_is_refused(self):
        self.told(f"{self.photos} holds neither boxes nor masks: put a boxes.csv or a folder masks there")

    def test_a_table_of_boxes_that_is_none_is_refused(self):
        (self.photos / "boxes.csv").write_text("red/1.png,0,0,x,9\n")
        self.told(f"{self.photos}/boxes.csv:1: column x1 is 'x', not a number of pixels")

    def test_without_such_scores_none_are_needed(self):
        self.mixsweep("run", "sweep.yaml", "--out", "out", "--set", "score.metrics=[accuracy,gini]")
        self.assertEqual([row["status"] for row in rows(self.folder / "out/results.csv")], ["done"])

    def test_masks_alone_will_do_and_a_sweep_that_was_begun_goes_on_without(self):
        (self.photos / "masks").mkdir()
        self.mixsweep("run", "sweep.yaml", "--out", "out")
        (row,) = rows(self.folder / "out/results.csv")
        self.assertEqual((row["status"], row["test.pointing_game.gradient"]), ("done", ""), "no image has a mask")
        self.assertEqual(json.loads((self.folder / "out/status.json").read_text())["state"], "finished")
        (self.photos / "masks").rmdir()
        self.mixsweep("resume", "out")


if __name__ == "__main__":
    main()
