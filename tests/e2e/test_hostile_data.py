"""Files that nobody would make on purpose, and folders too large to look at by hand. ctest: slow timeout=600"""
import gzip
import json
import os
import resource
import struct

import png
from harness import Case, main, rows, write_mnist

CONFIG = """
name: sweep
data: {{set: {set}, path: data{more}}}
model: {{arch: linear}}
train: {{epochs: 1, batch_size: 16}}
"""
MANY = 100_000


class HostileData(Case):
    def within(self, megabytes, *args, **options):
        """Run the program, and what it starts, with so much memory of their own each."""
        def limit():
            resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))
        return self.mixsweep(*args, preexec_fn=limit, **options)

    def test_a_folder_of_many_files_takes_seconds_and_little_memory(self):
        self.write("sweep.yaml", CONFIG.format(set="folder", more=", size: 16, test_fraction: 0.1"))
        for kind in ("a", "b"):
            (self.folder / "data" / kind).mkdir(parents=True)
            first = self.folder / "data" / kind / "0.png"
            first.write_bytes(png.encode(8, 8, lambda y, x: (x, y, 7 if kind == "a" else 200)))
            for k in range(1, MANY // 2):  # links: an inode takes no more than so many
                os.symlink("0.png", self.folder / "data" / kind / f"{k}.png")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out, _ = self.within(300, "plan", "sweep.yaml", "--json")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertGreater(json.loads(out)["memory_bytes_per_executor"], MANY * 768)
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 10)
        before = after
        self.within(1200, "run", "sweep.yaml", "--workers", "1")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 120)
        self.assertEqual([row["status"] for row in rows(self.folder / "sweep/results.csv")], ["done"])

    def test_a_small_file_does_not_unpack_to_much(self):
        self.write("sweep.yaml", CONFIG.format(set="mnist", more=""))
        write_mnist(self.folder / "data")
        images = self.folder / "data/train-images-idx3-ubyte"
        images.unlink()
        for count in (64, 1 << 31):  # one that ends early, and one that declares what it holds
            with gzip.open(f"{images}.gz", "wb", compresslevel=1) as file:
                file.write(struct.pack(">IIII", 0x803, count, 28, 28))
                for _ in range(256):
                    file.write(bytes(1 << 20))
            self.assertLess(os.path.getsize(f"{images}.gz"), 2 << 20)
            out, err = self.within(250, "run", "sweep.yaml", code=3)
            self.assertEqual(out, "")
            self.assertIn("train-images-idx3-ubyte.gz ", err)
            self.assertEqual(err.count("\n"), 1, err)

    def test_a_table_that_is_too_large_is_refused(self):
        self.write("sweep.yaml", CONFIG.format(set="waterbirds", more=", size: 16"))
        (self.folder / "data").mkdir()
        with open(self.folder / "data/metadata.csv", "wb") as file:
            file.truncate(1 << 40)  # a hole
        err = self.refused(3, "run", "sweep.yaml")
        self.assertIn("metadata.csv", err)


if __name__ == "__main__":
    main()
