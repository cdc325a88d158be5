"""Pictures and statistics of what mixing does. ctest: quick"""
import json

import png
from harness import Case, main

CONFIG = """
name: look
data: {set: synthetic, size: 24, synthetic: {n: 60}}
model: {arch: resnet8}
train: {batch_size: 8}
grid:
  mix.strategy: [none, mixup, cutmix]
  mix.alpha: [0.2, 1]
"""
SIDE = 24 * 6  # a picture: the smallest whole multiple that has 128 pixels
COLUMN, TOP = SIDE + 20, 28 + 78 + 44


class Preview(Case):
    def setUp(self):
        super().setUp()
        self.write("look.yaml", CONFIG)

    def sheet(self, *options):
        """Decoding takes long in Python: few rows."""
        out, err = self.mixsweep("preview", "look.yaml", "--out", "look.png", *options)
        width, height, rows = png.decode((self.folder / "look.png").read_bytes())
        self.assertIn(f"look.png: {width} x {height} pixels\n", out)
        self.assertEqual(err, "")
        return width, height, rows

    def pixel(self, rows, y, x):
        return tuple(rows[y][3 * x:3 * x + 3])

    def test_the_sheet_has_a_column_for_each_setting(self):
        width, height, rows = self.sheet("--rows", "2")
        # base and partner, none, and two alphas of two strategies
        self.assertEqual(width, 2 * 28 + 7 * COLUMN - 20)
        self.assertEqual(height, TOP + 2 * (SIDE + 58 + 20) - 20 + 28)
        for column in range(7):
            for row in range(2):
                y, x = TOP + row * (SIDE + 78), 28 + column * COLUMN
                seen = {self.pixel(rows, y + k, x + 3 * k % SIDE) for k in range(1, SIDE, 5)}
                self.assertGreater(len(seen), 5, (column, row))
                words = [rows[y + SIDE + k][3 * x:3 * (x + SIDE)] for k in range(6, 40)]
                self.assertLess(min(map(min, words)), 100, (column, row))
        # Without mixing the base image stands there unchanged.
        self.assertEqual([r[3 * 28:3 * (28 + SIDE)] for r in rows[TOP:TOP + SIDE]],
                         [r[3 * (28 + 2 * COLUMN):3 * (28 + 2 * COLUMN + SIDE)]
                          for r in rows[TOP:TOP + SIDE]])

    def test_augmentation_is_shown_where_it_is_configured(self):
        """Of the columns base, partner and none: the first two are as they are."""
        one = ("--rows", "1")
        _, _, plain = self.sheet(*one)
        _, _, changed = self.sheet(*one, "--set", "data.augment=random_resized_crop_jitter")
        for k, same in enumerate((True, True, False)):
            one, other = ([row[3 * (28 + k * COLUMN):3 * (28 + k * COLUMN + SIDE)] for row in rows[-(28 + 58 + SIDE):-(28 + 58)]]
                          for rows in (plain, changed))
            self.assertEqual(one == other, same)

    def test_rows_masks_and_set(self):
        _, _, rows = self.sheet("--rows", "1", "--masks", "--set", "mix.strategy=cutmix")
        self.assertEqual(len(rows), TOP + 2 * SIDE + 8 + 58 + 28)
        y, x = TOP + SIDE + 8, 28 + 2 * COLUMN
        seen = {self.pixel(rows, y + a, x + b) for a in range(3, SIDE, 6) for b in range(3, SIDE, 6)}
        self.assertLessEqual(seen, {(0x1D, 0x5F, 0xA8), (0xC2, 0x57, 0x0C)})

    def test_the_same_every_time(self):
        made = []
        for seed in (0, 0, 5):
            self.mixsweep("preview", "look.yaml", "--out", "p.png", "--set", f"seed={seed}")
            made.append((self.folder / "p.png").read_bytes())
        self.assertEqual(made[0], made[1])
        self.assertNotEqual(made[0], made[2])

    def test_more_settings_than_fit(self):
        out, _ = self.mixsweep("preview", "look.yaml", "--out", "p.png", "--rows", "1", "--set",
                               "mix.strategy=cutmix", "--set", "mix.prob=1")
        self.assertNotIn("settings", out)
        self.write("look.yaml", CONFIG.replace("[0.2, 1]", "{linear: [1, 9], count: 9}"))
        out, _ = self.mixsweep("preview", "look.yaml", "--out", "p.png", "--rows", "1")
        self.assertIn("the first 12 of 19 settings are shown", out)

    def test_statistics_of_one_setting_are_one_object(self):
        out, err = self.mixsweep("preview", "look.yaml", "--stats", "4000", "--json", "--set",
                                 "mix.strategy=mixup", "--set", "mix.alpha=1")
        stats = json.loads(out)
        self.assertEqual(err, "")
        self.assertEqual(sorted(stats), sorted(["strategy", "alpha", "size", "n", "lambda",
                                                "lambda_below_half", "hidden_area", "unmixed",
                                                "drawn_weight", "axes"]))
        self.assertEqual(stats["axes"], {})
        self.assertEqual(sorted(stats["lambda"]), ["mean", "quantiles", "sd"])
        self.assertEqual((stats["strategy"], stats["alpha"], stats["size"], stats["n"]),
                         ("mixup", 1, 24, 4000))
        # a uniform number: standard deviation .2887, of the mean of 4000 .0046
        self.assertAlmostEqual(stats["lambda"]["mean"], 0.5, delta=0.023)
        self.assertAlmostEqual(stats["lambda"]["sd"], 0.2887, delta=0.012)
        self.assertAlmostEqual(stats["lambda"]["quantiles"]["0.25"], 0.25, delta=0.035)
        self.assertEqual(stats["hidden_area"]["mean"], 0)

    def test_statistics_read_no_image_that_they_do_not_need(self):
        self.write("look.yaml", CONFIG.replace("set: synthetic, size: 24, synthetic: {n: 60}",
                                               "set: cifar10, path: nowhere"))
        out, _ = self.mixsweep("preview", "look.yaml", "--stats", "--json", "--set",
                               "mix.strategy=cutmix", "--set", "mix.alpha=1")
        stats = json.loads(out)
        self.assertEqual((stats["n"], stats["size"]), (10000, 32))
        self.assertAlmostEqual(stats["lambda"]["mean"], .701, delta=.01)
        self.assertAlmostEqual(stats["lambda_below_half"], .145, delta=.018)
        err = self.refused(3, "preview", "look.yaml", "--stats", "--set", "mix.strategy=saliencymix")
        self.assertIn("nowhere", err)

    def test_statistics_follow_the_weight_that_was_asked_for(self):
        options = ("--stats", "--json", "--set", "mix.strategy=cutmix", "--set", "mix.alpha=1")
        effective = json.loads(self.mixsweep("preview", "look.yaml", *options)[0])
        drawn = json.loads(self.mixsweep("preview", "look.yaml", *options, "--set",
                                         "mix.weight=drawn")[0])
        self.assertAlmostEqual(drawn["lambda"]["mean"], drawn["drawn_weight"]["mean"], delta=1e-9)
        self.assertEqual(drawn["drawn_weight"], effective["drawn_weight"])
        self.assertEqual(drawn["hidden_area"], effective["hidden_area"])
        self.assertAlmostEqual(drawn["lambda"]["mean"], .5, delta=.015)
        self.assertAlmostEqual(effective["lambda"]["mean"], 1 - effective["hidden_area"]["mean"],
                               delta=1e-9)
        self.assertGreater(effective["lambda"]["mean"], .65)

    def test_statistics_say_which_setting_they_are_of(self):
        options = ("--set", "grid.mix.strategy=[cutmix, fmix]", "--set", "grid.mix.alpha=[1]",
                   "--set", "mix.alpha=1", "--set", "grid.mix.weight=[effective, drawn]")
        out, _ = self.mixsweep("preview", "look.yaml", "--stats", "20", "--json", *options)
        self.assertEqual([s["axes"] for s in json.loads(out)],
                         [{"mix.strategy": "cutmix", "mix.weight": "effective"},
                          {"mix.strategy": "cutmix", "mix.weight": "drawn"},
                          {"mix.strategy": "fmix"}])

    def test_puzzlemix_looks_through_the_weights_that_it_is_given(self):
        self.write("net.yaml", CONFIG.replace("{batch_size: 8}", "{batch_size: 8, epochs: 3}")
                   .split("grid:")[0])
        self.mixsweep("run", "net.yaml", "--out", "net")
        weights = next((self.folder / "net").glob("stages/*/weights.safetensors"))
        puzzle = ("preview", "look.yaml", "--stats", "200", "--json", "--out", "p.png", "--set",
                  "mix.strategy=puzzlemix", "--set", "mix.alpha=1")
        drawn = json.loads(self.mixsweep(*puzzle)[0])
        picture = (self.folder / "p.png").read_bytes()
        trained = json.loads(self.mixsweep(*puzzle, "--set", f"model.weights={weights}")[0])
        self.assertEqual(trained["drawn_weight"], drawn["drawn_weight"])
        self.assertNotEqual(trained["lambda"], drawn["lambda"])
        self.assertNotEqual((self.folder / "p.png").read_bytes(), picture)
        err = self.refused(3, *puzzle, "--set", "model.weights=none.safetensors")
        self.assertIn("none.safetensors", err)

    def test_statistics_of_several_settings(self):
        out, _ = self.mixsweep("preview", "look.yaml", "--stats", "50", "--json")
        self.assertEqual([(s["strategy"], s["alpha"], s["n"]) for s in json.loads(out)],
                         [("none", None, 0), ("mixup", .2, 50), ("mixup", 1, 50),
                          ("cutmix", .2, 50), ("cutmix", 1, 50)])
        out, _ = self.mixsweep("preview", "look.yaml", "--stats=50")
        self.assertIn("cutmix, alpha 0.2: 50 draws at 24 x 24 pixels\n", out)

    def test_usage(self):
        for arguments, words in (
                ((), "preview needs --out FILE.png, or --stats, or both"),
                (("--json", "--out", "p.png"), "--json is the form of --stats"),
                (("--rows", "0", "--out", "p.png"), "--rows 0: give a number from 1 to 16"),
                (("--stats", "0"), "--stats 0: give a number from 1 to 100000000")):
            self.assertIn(words, self.refused(2, "preview", "look.yaml", *arguments))
        self.assertIn("preview takes one CONFIG", self.refused(2, "preview", "--out", "p.png"))
        self.assertEqual(self.refused(3, "preview", "look.yaml", "--out", "none/p.png"),
                         "mixsweep: --out none/p.png: there is no folder none: make it first\n")
        for name in ("look.jpg", "look", "a.png/look"):
            self.assertEqual(self.refused(2, "preview", "look.yaml", "--out", name),
                             f"mixsweep: --out {name}: pictures are PNG files: give a name that ends in .png\n")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["look.yaml"])
        out, _ = self.mixsweep("preview", "--help")
        self.assertIn("--masks", out)


class Statistics(Case):
    def test_what_stands_behind_stats_and_is_no_number(self):
        self.write("look.yaml", CONFIG)
        for order in (("--stats", "abc", "look.yaml"), ("look.yaml", "--stats", "abc")):
            self.assertEqual(self.refused(2, "preview", *order),
                             "mixsweep: --stats abc: give a number from 1 to 100000000, or none\n")


if __name__ == "__main__":
    main()
