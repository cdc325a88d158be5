"""`mixsweep data inspect`: what it counts, what it finds odd, and its contact sheet."""
import os
import shutil
import struct

import png
from harness import Case, main


def picture(red, height=12, width=10, step=7):
    """A picture of its own for each `red`."""
    return [[(red, (x * step) % 256, (y * step + red) % 256) for x in range(width)] for y in range(height)]


class Inspect(Case):
    def put(self, name, rows):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png.encode(len(rows[0]), len(rows), lambda y, x: rows[y][x]))
        return path

    def make_folder(self):
        for k in range(12):
            self.put(f"set/train/cat/{k:02}.png", picture(k))
            self.put(f"set/train/dog/{k:02}.png", picture(100 + k))
        for k in range(3):
            self.put(f"set/test/cat/{k}.png", picture(200 + k))
            self.put(f"set/test/dog/{k}.png", picture(220 + k))

    def inspect(self, *args, code=0):
        out, err = self.mixsweep("data", "inspect", *args, code=code)
        self.assertEqual(err, "")
        return out

    def test_a_good_folder_has_nothing_odd(self):
        self.make_folder()
        out = self.inspect("set", "--out", "sheet.png")
        self.assertEqual(out.splitlines()[:6], [
            "folder in set", "2 classes, 24 training, 0 validation and 6 test images", "",
            "class  train  val  test", "0 cat     12    0     3", "1 dog     12    0     3"])
        self.assertIn("\nimages  10 x 12 pixels, 30 in colour and 0 grey\n", out)
        self.assertIn("\nodd     nothing\n\nsheet.png: ", out)
        width, height = struct.unpack(">II", (self.folder / "sheet.png").read_bytes()[16:24])
        self.assertTrue(out.endswith(f"\nsheet.png: {width} x {height} pixels\n"), out)

    def test_what_is_odd_is_told_with_the_first_example(self):
        self.make_folder()
        self.put("set/test/dog/copy.png", picture(5))  # a training cat
        self.put("set/train/dog/again.png", picture(103))
        self.put("set/train/cat/wide.png", picture(50, 10, 40))
        self.put("set/train/cat/flat.png", [[(7, 7, 7)] * 10] * 12)
        path = self.put("set/train/cat/zz.png", picture(60))
        path.write_bytes(path.read_bytes()[:60])
        self.put("set/train/emu/1.png", picture(70))
        self.write("set/boxes.csv", "test/cat/0.png,1,1,5,5\ntest/cat/none.png,1,1,5,5\n")
        odd = self.inspect("set").split("\nodd     ")[1]
        for text in ("the images differ in size: data.size has to say to which they are brought\n",
                     "1 damaged file, the first: set/train/cat/zz.png is damaged",
                     "a side is 4.0 times the other one, so that most is cut off where images are made square: "
                     "train/cat/wide.png\n",
                     "1 image of one colour only\n",
                     "boxes.csv: 1 of 2 boxes are of files that are not there, the first: test/cat/none.png\n",
                     "1 of the validation and test images are training images too: test/dog/copy.png is "
                     "train/cat/05.png\n",
                     "1 image is there again in the same part\n",
                     "1 of these copies have another class: test/dog/copy.png is train/cat/05.png\n",
                     "1 class has fewer than 10 training images\n", "1 class has no test image\n"):
            self.assertIn(text, odd)
        self.assertIn("\nboxes   in 1 of 7 test images\n", self.inspect("set"))

    def test_every_damaged_file_is_named(self):
        self.make_folder()
        for number in range(53):
            self.put(f"set/train/cat/zz{number:02}.png", picture(60)).write_bytes(b"none")
        odd = self.inspect("set").split("\nodd     ")[1]
        self.assertIn("53 damaged files, the first: set/train/cat/zz00.png is neither", odd)
        for number in range(1, 50):
            self.assertIn(f"damaged, too: set/train/cat/zz{number:02}.png\n", odd)
        self.assertNotIn("zz50", odd)
        self.assertIn("and 3 damaged ones more\n", odd)

    def test_a_configuration_is_looked_at_as_it_will_be_used(self):
        self.make_folder()
        self.write("s.yaml", "name: s\ndata: {set: folder, path: set, size: 8, val_fraction: 0.25, train_limit: 16}\n"
                             "model: {arch: linear}\ngrid: {train.lr: [0.1, 0.2]}\n")
        self.assertIn("\n2 classes, 12 training, 4 validation and 6 test images\n", self.inspect("s.yaml"))
        out = self.inspect("s.yaml", "--set", "data.train_limit=8")
        self.assertIn("\n2 classes, 6 training, 2 validation and 6 test images\n", out)
        self.write("y.yaml", "name: y\ndata: {set: synthetic, synthetic: {n: 40, classes: 4}}\nmodel: {arch: linear}\n")
        out = self.inspect("y.yaml", "--out", "y.png")
        self.assertIn("\n4 classes, 8 groups, ", out)
        self.assertRegex(out, r"\ngroup +train +val +test\n0 ")
        self.assertIn("\nmasks   of 10 of 10 test images\n", out)

    def test_a_folder_in_one_piece_lends_a_fifth(self):
        for k in range(20):
            self.put(f"set/a/{k:02}.png", picture(k))
            self.put(f"set/b/{k:02}.png", picture(100 + k))
        self.assertIn("\n2 classes, 32 training, 0 validation and 8 test images (there is no test part: a fifth stands in "
                      "for it)\n", self.inspect("set"))

    def test_a_pipe_among_the_files_is_told_and_not_waited_for(self):
        for place in ("train/cat/pipe.png", "boxes.csv", "masks/test/cat/0.png"):
            with self.subTest(place):
                self.make_folder()
                pipe = self.folder / "set" / place
                pipe.parent.mkdir(parents=True, exist_ok=True)
                os.mkfifo(pipe)
                out, err = self.mixsweep("data", "inspect", "set", code=3 if "train" in place else 0)
                self.assertRegex(out + err, f"set/{place} is (not a file|a pipe, not a file)\n")
                shutil.rmtree(self.folder / "set")

    def test_what_it_cannot_do_is_said_in_one_line(self):
        self.write("list.txt", "x")
        for code, args, text in (
                (2, (), "data inspect takes one PATH, CONFIG or NAME; mixsweep data inspect --help tells more"),
                (2, ("nothing",), "there is no nothing, and no data set is called so"),
                (2, ("list.txt",), "list.txt is neither a folder nor a configuration (a file that ends in .yaml or "
                                   ".yml)"),
                (2, (".", "--as", "pets"), "--as pets: that is no data.set"),
                (2, (".", "--size", "7"), "--size 7: give a number from 8 to 1024"),
                (2, ("synthetic",), "synthetic images need a configuration that says which")):
            self.assertEqual(self.refused(code, "data", "inspect", *args), f"mixsweep: {text}\n")
        (self.folder / "empty").mkdir()
        self.assertIn("empty", self.refused(3, "data", "inspect", "empty"))


if __name__ == "__main__":
    main()
