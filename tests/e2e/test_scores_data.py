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

    def test_corrected_boxes_give_new_scores_and_no_new_training(self):
        boxes, out = self.photos / "boxes.csv", self.folder / "out"
        everywhere = [f"{kind}/{k}.png,0,0,16,16\n" for kind in ("red", "blue") for k in range(12)]
        nowhere = [line.replace("0,0,16,16", "0,0,1,1") for line in everywhere]

        def energy():
            (row,) = rows(out / "results.csv")
            self.assertEqual(row["status"], "done")
            return float(row["test.energy_pointing_game.gradient"])

        def stages(kind):
            return {path.parent.name for path in out.glob("stages/*/stage.json") if json.loads(path.read_text())["kind"] == kind}

        boxes.write_text("".join(everywhere))
        self.mixsweep("run", "sweep.yaml", "--out", "out", "--set", "score.metrics=[accuracy,energy_pointing_game]")
        self.assertEqual(energy(), 1.0)
        trained, scored = stages("train"), stages("scores")
        boxes.write_text("".join(nowhere))
        self.mixsweep("status", "out")
        told = "".join(self.mixsweep("resume", "out"))
        self.assertIn(f"{self.photos}: boxes and masks: changed since this sweep was begun; what depends on it is made again", told)
        self.assertLess(energy(), 0.5)
        self.assertEqual(stages("train"), trained)
        self.assertEqual(len(stages("scores") - scored), 1)
        boxes.unlink()
        self.assertNotIn("changed since", "".join(self.mixsweep("resume", "out")), "marks that are away do not unmake scores")
        self.assertLess(energy(), 0.5)

    def segments_told(self, why):
        err = self.refused(3, "run", "concepts.yaml", "--out", "out")
        self.assertEqual(err, "mixsweep: score.metrics asks which concepts channels tell: " + why + "\n")
        self.assertFalse((self.folder / "out").exists(), "told before anything ran")

    def test_segments_that_are_missing_or_wrong_are_told_before_anything_runs(self):
        self.write("concepts.yaml", CONFIG.replace("linear", "resnet8").replace("pointing_game", "concepts"))
        names, picture = self.photos / "segments/names.csv", self.photos / "segments/red/1.png"
        self.segments_told(f"there is no {names}: it has to say which number of a pixel is which concept, a line "
                           "number,name each")
        picture.parent.mkdir(parents=True)
        names.write_text("1,sky\n2\n")
        self.segments_told(f"{names}:2: a line is number,name")
        names.write_text("1,sky\n2,sea\n")
        self.segments_told(f"{self.photos}/segments holds no picture for any test image: test/cat/1.jpg would have "
                           "segments/test/cat/1.png or segments/1.png")
        for image in sorted(self.photos.glob("*/*.png")):  # which ones are test images, the seed decides
            marked = self.photos / "segments" / image.parent.name / image.name
            marked.parent.mkdir(exist_ok=True)
            marked.write_bytes(png.encode(16, 16, lambda y, x: [3 if y == 7 else 1 + (x > 7)], grey=True))
        err = self.refused(3, "run", "concepts.yaml", "--out", "out")
        self.assertRegex(err, "asks which concepts channels tell: .*/segments/(red|blue)/[0-9]+.png has pixels of "
                              "concept 3, which segments/names.csv does not name")
        names.write_text("1,sky\n2,sea\n3,shore\n")
        self.mixsweep("run", "concepts.yaml", "--out", "out")
        (row,) = rows(self.folder / "out/results.csv")
        self.assertEqual(row["status"], "done")
        self.assertIn(row["test.concepts"], {"0", "1", "2", "3"})

    def test_check_and_plan_warn_of_what_scores_need(self):
        self.write("concepts.yaml", CONFIG.replace("linear", "resnet8").replace("pointing_game", "concepts"))
        warnings = {
            "sweep.yaml": f"asks how maps agree with boxes and masks, and data set folder has neither at {self.photos}",
            "concepts.yaml": "asks which concepts channels tell, and data set folder has no "
                             f"{self.photos}/segments/names.csv"}
        for name, warning in warnings.items():
            for command in ("check", "plan"):
                _, err = self.mixsweep(command, name)
                self.assertEqual(err, f"{name}: warning: score.metrics {warning}\n")
        (self.photos / "masks").mkdir()
        (self.photos / "segments").mkdir()
        (self.photos / "segments/names.csv").write_text("1,sky\n")
        for name in warnings:
            self.assertEqual(self.mixsweep("check", name)[1], "")

    def test_a_generated_folder_has_segments(self):
        self.write("concepts.yaml", CONFIG.replace("linear", "resnet8").replace("pointing_game", "concepts"))
        self.mixsweep("run", "concepts.yaml", "--smoke", "--out", "out")
        (row,) = rows(self.folder / "out/results.csv")
        self.assertIn(row["test.concepts"], {"0", "1", "2", "3", "4", "5"})

    def test_an_empty_validation_part_is_told(self):
        self.tiny("few.yaml", more="")
        _, err = self.mixsweep("run", "few.yaml", "--out", "few", "--set", "data.train_limit=4")
        self.assertIn("synthetic: there is no validation image, so val. columns stay empty and cells are not ranked: "
                      "raise data.val_fraction or data.train_limit\n", err)


if __name__ == "__main__":
    main()
