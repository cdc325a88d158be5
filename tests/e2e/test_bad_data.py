"""Data that is missing or damaged: one clear line, exit code 3, nothing made. ctest: quick"""
import gzip
import os
import shutil

from harness import PROGRAM, Case, main, write_idx, write_mnist

CONFIG = """
name: sweep
data: {set: mnist, path: data}
model: {arch: linear}
train: {epochs: 1, batch_size: 16}
grid:
  mix.strategy: [none, cutmix]
"""
IMAGES = "train-images-idx3-ubyte"
LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"


class BadData(Case):
    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", CONFIG)
        self.data = self.folder / "data"
        write_mnist(self.data)

    def expect(self, *words):
        """`run` refuses in one line with these words, and makes no output directory."""
        before = sorted(os.listdir(self.folder))
        err = self.refused(3, "run", "sweep.yaml")
        for word in words:
            self.assertIn(word, err)
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_the_undamaged_set_runs(self):
        out, _ = self.mixsweep("run", "sweep.yaml", "--workers", "1")
        self.assertTrue(out.startswith("output: sweep\n"), out)

    def test_a_compressed_set_runs_too(self):
        for name in os.listdir(self.data):
            (self.data / (name + ".gz")).write_bytes(gzip.compress((self.data / name).read_bytes()))
            (self.data / name).unlink()
        self.mixsweep("run", "sweep.yaml", "--workers", "1")

    def test_missing_folder(self):
        shutil.rmtree(self.data)
        self.expect("mnist", str(self.data), "data.path")

    def test_missing_file(self):
        (self.data / LABELS).unlink()
        self.expect(LABELS)

    def test_file_in_place_of_the_folder(self):
        shutil.rmtree(self.data)
        self.data.write_text("")
        self.expect(str(self.data), "Not a directory")

    def test_folder_in_place_of_a_file(self):
        (self.data / IMAGES).unlink()
        (self.data / IMAGES).mkdir()
        self.expect(IMAGES)

    def test_empty_file(self):
        (self.data / IMAGES).write_bytes(b"")
        self.expect(IMAGES, "cut short")

    def test_file_cut_in_its_header(self):
        (self.data / IMAGES).write_bytes((self.data / IMAGES).read_bytes()[:9])
        self.expect(IMAGES, "cut short")

    def test_file_cut_in_its_data(self):
        (self.data / IMAGES).write_bytes((self.data / IMAGES).read_bytes()[:-1])
        self.expect(IMAGES, "cut short")

    def test_bytes_behind_the_data(self):
        with open(self.data / LABELS, "ab") as file:
            file.write(b"x")
        self.expect(LABELS)

    def test_compressed_file_cut_short(self):
        whole = gzip.compress((self.data / IMAGES).read_bytes())
        (self.data / IMAGES).unlink()
        (self.data / (IMAGES + ".gz")).write_bytes(whole[:len(whole) // 2])
        self.expect(IMAGES)

    def test_compressed_file_with_a_flipped_byte(self):
        whole = bytearray(gzip.compress((self.data / IMAGES).read_bytes()))
        whole[len(whole) // 2] ^= 0xFF
        (self.data / IMAGES).unlink()
        (self.data / (IMAGES + ".gz")).write_bytes(whole)
        self.expect(IMAGES)

    def test_wrong_magic(self):
        write_idx(self.data / IMAGES, (64, 28, 28), bytes(64 * 784), magic=0x801)
        self.expect(IMAGES)

    def test_fewer_labels_than_images(self):
        write_idx(self.data / LABELS, (63,), bytes(63))
        self.expect("63", "64")

    def test_test_images_of_another_size(self):
        write_idx(self.data / TEST_IMAGES, (32, 27, 28), bytes(32 * 27 * 28))
        self.expect("27", "28")

    def test_label_that_is_no_class(self):
        write_idx(self.data / LABELS, (64,), bytes([0] * 63 + [10]))
        self.expect(LABELS, "10")

    def test_hostile_dimensions(self):
        write_idx(self.data / IMAGES, (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF), b"")
        self.expect(IMAGES)
        write_idx(self.data / IMAGES, (0, 28, 28), b"")
        self.expect(IMAGES)

    def test_unreadable_folder(self):
        options = {}
        if os.geteuid() == 0:  # root may read everything: the program runs as nobody
            shutil.copy(PROGRAM, self.folder / "mixsweep")
            for path in (self.folder, self.folder / "mixsweep"):
                os.chmod(path, 0o755)
            options = {"user": 65534, "group": 65534, "executable": self.folder / "mixsweep"}
        os.chmod(self.data, 0)
        try:
            err = self.refused(3, "run", "sweep.yaml", "--out", "/tmp/never-made", **options)
        finally:
            os.chmod(self.data, 0o755)
        self.assertIn(str(self.data), err)
        self.assertIn("Permission denied", err)
        self.assertFalse(os.path.exists("/tmp/never-made"))


class CheckAndPlanReadNoData(Case):
    def test_missing_data_is_a_warning(self):
        self.write("sweep.yaml", CONFIG)
        for command in ("check", "plan"):
            out, err = self.mixsweep(command, "sweep.yaml")
            self.assertIn("warning", err)
            self.assertIn(str(self.folder / "data"), err)
            self.assertNotEqual(out, "")


if __name__ == "__main__":
    main()
