"""Sets with groups whose images people have marked: the worst group and what maps point at, of one
sweep. ctest: quick"""
from harness import Case, main, rows

CONFIG = """
name: both
data: {{set: {set}, path: there, size: 16, mask_values: [1]}}
model: {{arch: resnet8}}
train: {{epochs: 1, batch_size: 32}}
score: {{metrics: [accuracy, worst_group_accuracy, {score}], attributions: [gradcam], images: 8}}
"""


class GroupsAndMarks(Case):
    def smoke(self, name, **values):
        self.write("both.yaml", CONFIG.format(**values))
        self.mixsweep("run", "both.yaml", "--smoke", "--out", name, "--workers", 1)
        return rows(self.folder / name / "results.csv")[0]

    def test_boxes_and_masks_lie_beside_sets_with_groups(self):
        for which in ("waterbirds", "celeba", "metashift"):
            for score in ("pointing_game", "mask_iou"):
                with self.subTest(which=which, score=score):
                    row = self.smoke(f"{which}-{score}", set=which, score=score)
                    self.assertEqual(row["status"], "done")
                    self.assertNotEqual(row["test.worst_group_accuracy"], "")
                    # Objects of generated images are in the middle.
                    self.assertGreater(float(row[f"test.{score}.centre"]),
                                       float(row[f"test.{score}.random"]))

    def real(self, score):
        """A configuration of such a set, and its folder."""
        self.smoke("made", set="waterbirds", score="pointing_game")
        data = next((self.folder / "made/smoke-data").rglob("metadata.csv")).parent
        self.write("real.yaml", CONFIG.format(set="waterbirds", score=score)
                   .replace("path: there", f"path: {data}"))
        return data

    def test_corrected_marks_give_new_scores(self):
        data = self.real("pointing_game")
        self.mixsweep("run", "real.yaml", "--out", "out", "--workers", 1)
        before = rows(self.folder / "out/results.csv")[0]
        lines = [line.split(",") for line in (data / "boxes.csv").read_text().splitlines()]
        (data / "boxes.csv").write_text("".join(f"{line[0]},0,0,4,4\n" for line in lines))
        (data / "masks").rename(self.folder / "elsewhere")
        self.mixsweep("resume", "out", "--workers", 1)
        after = rows(self.folder / "out/results.csv")[0]
        self.assertEqual((before["test.pointing_game.centre"], after["test.pointing_game.centre"]),
                         ("1", "0"))
        self.assertEqual(after["test.accuracy"], before["test.accuracy"])

    def test_a_set_without_marks_says_which_would_do(self):
        data = self.real("mask_iou")
        (data / "boxes.csv").unlink()
        (data / "masks").rename(self.folder / "elsewhere")
        err = self.mixsweep("run", "real.yaml", "--out", "new", code=3)[1]
        self.assertIn("holds neither boxes nor masks: put a boxes.csv or a folder masks there", err)


if __name__ == "__main__":
    main()
