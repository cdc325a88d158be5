"""What the edited features of a trial are told to mean. ctest: quick"""
import json
import math

import npy
import png
from harness import Case, main, rows

CONFIG = """
name: edits
data: {set: synthetic, size: 16, synthetic: {n: 160, classes: 2}, spurious_rate: 0.8}
model: {arch: resnet8}
train: {epochs: 1, batch_size: 32, lr: 0.05}
head: {hsfm: {support_per_class: 3, epochs: 2, hard_per_class: 8}}
grid: {head.method: [hsfm, erm]}
schedule: {keep: all}
"""


def write_texts(path, rows):
    npy.write(path, "f8", (len(rows), len(rows[0])), [value for row in rows for value in row])


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.hypot(*a) / math.hypot(*b)


class Edits(Case):
    def setUp(self):
        super().setUp()
        self.write("edits.yaml", CONFIG)
        self.mixsweep("run", "edits.yaml", "--workers", "1")
        trials = rows(self.folder / "edits/results.csv")
        self.trial = {row["head.method"]: row["trial"] for row in trials}
        stages = [stage.parent for stage in (self.folder / "edits/stages").glob("*/stage.json")]
        self.head = next(s for s in stages if (s / "support_after.npy").exists())
        self.features = next(s for s in stages if (s / "train_x.npy").exists())

    def edits(self, *options, **more):
        return self.mixsweep("edits", "edits", self.trial["hsfm"], *options, **more)

    def test_the_answer_is_what_the_files_say(self):
        train = npy.rows(self.features / "train_x.npy")
        groups = npy.read(self.features / "train_g.npy")[1]
        indices = list(npy.read(self.head / "support_indices.npy")[1])
        texts = [[1.0] * len(train[0]), [(-1.0)**k for k in range(len(train[0]))]]
        write_texts(self.folder / "texts.npy", texts)
        out, _ = self.edits("--json", "--neighbours", "4", "--text", "texts.npy")
        answer = json.loads(out)
        self.assertEqual(answer["trial"], self.trial["hsfm"])
        self.assertEqual(answer["parts"], "groups")
        self.assertEqual([one["row"] for one in answer["support"]], indices)
        counts = {"before": [[0] * 4 for _ in range(4)], "after": [[0] * 4 for _ in range(4)]}
        for when in "before", "after":
            support = npy.rows(self.head / f"support_{when}.npy")
            for s, one in enumerate(answer["support"]):
                others = sorted((math.dist(support[s], x), r) for r, x in enumerate(train)
                                if r != indices[s])
                self.assertEqual([near["row"] for near in one[when]], [r for _, r in others[:4]])
                for near, (distance, row) in zip(one[when], others):
                    self.assertAlmostEqual(near["distance"], distance, delta=1e-9 * distance)
                    self.assertEqual(near["part"], groups[row])
                    counts[when][groups[indices[s]]][groups[row]] += 1
                for k, text in enumerate(texts):
                    self.assertAlmostEqual(one[f"text_{when}"][k], cosine(support[s], text),
                                           delta=1e-12)
            self.assertEqual([part[when] for part in answer["composition"]], counts[when])

    def test_a_table_and_a_contact_sheet(self):
        out, err = self.edits("--out", "sheet.png", "--rows", "2", "--neighbours", "2")
        width, height, lines = png.decode((self.folder / "sheet.png").read_bytes())
        self.assertIn(f"sheet.png: {width} x {height} pixels\n", out)
        self.assertIn("6 edited features and the 2 training images nearest to each, before > after\n",
                      out)
        self.assertIn("near group 3", out)
        self.assertEqual(err, "")
        # The support image and four neighbours, each framed in one of two colours.
        frames = {(0x1D, 0x5F, 0xA8), (0xC2, 0x57, 0x0C)}
        for row in range(2):
            y = 106 + 28 + row * (96 + 42 + 10)
            for x in 28, 28 + 106 + 34, 28 + 212 + 34, 28 + 318 + 68, 28 + 424 + 68:
                self.assertIn(tuple(lines[y][3 * (x - 2):3 * (x - 2) + 3]), frames)
                seen = {tuple(lines[y + k][3 * (x + k):3 * (x + k) + 3]) for k in range(0, 96, 7)}
                self.assertGreater(len(seen), 4)

    def test_names_beside_the_features_are_told(self):
        (self.folder / "frozen").mkdir()
        for path in self.features.glob("*.npy"):
            (self.folder / "frozen" / path.name).write_bytes(path.read_bytes())
        n = len(npy.rows(self.features / "train_y.npy"))
        (self.folder / "frozen/train_names.txt").write_text("".join(f"{k}.jpg\n" for k in range(n)))
        (self.folder / "frozen/group_names.txt").write_text("on land\nat sea\nin air\nunder it\n")
        self.write("named.yaml", "name: named\ndata: {set: features, path: frozen}\nschedule: {keep: all}\n"
                                 "score: {metrics: [accuracy, group_accuracy]}\n"
                                 "head: {method: hsfm, hsfm: {support_per_class: 3, epochs: 2, hard_per_class: 8}}\n")
        self.mixsweep("run", "named.yaml", "--workers", "1")
        (row,) = rows(self.folder / "named/results.csv")
        out, _ = self.mixsweep("edits", "named", row["trial"], "--neighbours", "2")
        self.assertIn("near on land", out)
        self.assertRegex(out, r"(?m)^ *(on land|at sea|in air|under it) ")
        out, _ = self.mixsweep("edits", "named", row["trial"], "--json")
        answer = json.loads(out)
        self.assertEqual([part["name"] for part in answer["composition"]],
                         ["on land", "at sea", "in air", "under it"])
        for one in answer["support"]:
            for near in (one, *one["before"], *one["after"]):
                self.assertEqual(near["name"], f"{near['row']}.jpg")
        out, _ = self.mixsweep("data", "inspect", "named.yaml")
        self.assertRegex(out, rf"2 classes, 4 groups, 64 numbers an image; {n} training, ")
        self.assertRegex(out, r"(?m)^2 in air  +\d+  +\d+  +\d+$")
        page = (self.folder / "named/report.html").read_text()
        self.assertEqual(page.count("<th>in air<br><span class=\"note\">2, n = "), 1)

    def test_those_of_a_smoke_run_are_of_its_generated_images(self):
        self.write("smoke.yaml", CONFIG.replace("name: edits", "name: smoke").replace(
            "{set: synthetic, size: 16, synthetic: {n: 160, classes: 2}, spurious_rate: 0.8}",
            "{set: waterbirds, path: nowhere, size: 16}").replace("grid: {head.method: [hsfm, erm]}",
                                                                 "smoke: {head.method: hsfm}"))
        self.mixsweep("run", "smoke.yaml", "--smoke", "--workers", "1")
        (row,) = rows(self.folder / "smoke/results.csv")
        out, _ = self.mixsweep("edits", "smoke", row["trial"], "--neighbours", "2", "--out", "s.png")
        self.assertIn("6 edited features and the 2 training images nearest to each", out)
        self.assertTrue((self.folder / "s.png").exists())

    def test_what_cannot_be_told(self):
        _, err = self.mixsweep("edits", "edits", self.trial["erm"], code=2)
        self.assertEqual(err, f"mixsweep: trial {self.trial['erm']} edits no features: only those "
                              "of head.method hsfm do\n")
        _, err = self.mixsweep("edits", "edits", "0.r0", code=2)
        self.assertEqual(err, "mixsweep: edits has no trial 0.r0: results.csv lists them\n")
        _, err = self.edits("--neighbours", "0", code=2)
        self.assertEqual(err, "mixsweep: --neighbours 0: give a number from 1 to 100\n")
        write_texts(self.folder / "short.npy", [[1.0, 2.0]])
        _, err = self.edits("--text", "short.npy", code=3)
        self.assertIn("short.npy has shape (1, 2), not (any, 64)", err)
        for row, told in (([0.0] * 64, "is all zeros or has a number that is none"),
                          ([float("nan")] * 64, "is all zeros or has a number that is none"),
                          ([1e200] * 64, "is too large")):
            write_texts(self.folder / "bad.npy", [[1.0] * 64, row])
            _, err = self.edits("--text", "bad.npy", code=3)
            self.assertIn(f"bad.npy: row 1 {told}", err)
        (self.head / "stage.json").unlink()
        _, err = self.edits(code=3)
        self.assertIn("has left no files: edits are kept under schedule.keep all", err)

    def test_features_without_images_have_a_table_only(self):
        self.write("again.yaml", f"""
name: again
data: {{set: features, path: {self.features}}}
head: {{method: hsfm, hsfm: {{support_per_class: 3, epochs: 2, hard_per_class: 8}}}}
schedule: {{keep: all}}
""")
        self.mixsweep("run", "again.yaml", "--workers", "1")
        trial = rows(self.folder / "again/results.csv")[0]["trial"]
        out, _ = self.mixsweep("edits", "again", trial)
        self.assertIn("6 edited features", out)
        _, err = self.mixsweep("edits", "again", trial, "--out", "sheet.png", code=2)
        self.assertEqual(err, "mixsweep: data.set features has no images to draw: leave out --out\n")


if __name__ == "__main__":
    main()
