"""Executors of a node share the decoded images of a set of image files, and stay below what plan says.
ctest: quick unsanitized"""
import json
import os
import subprocess
import sys

import png
from harness import PROGRAM, Case, main

CONFIG = """
name: shared
data: {set: folder, path: photos, size: 96, test_fraction: 0.2, augment: random_resized_crop}
model: {arch: linear}
train: {epochs: 2, batch_size: 32, lr: 0.001}
grid: {train.weight_decay: [0, 1e-4]}
"""

# The largest of all processes that came of it.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


class Shared(Case):
    def setUp(self):
        super().setUp()
        for k in range(20):
            path = self.folder / "photos" / ("blue" if k % 2 else "red") / f"{k}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png.encode(100, 96, lambda y, x, k=k: (200 * (k % 2), (x * y + k) % 256, 2 * x)))
            for copy in range(30):  # all are decoded: names count, not contents
                os.link(path, path.with_name(f"{k}-{copy}.png"))
        self.write("shared.yaml", CONFIG)
        self.cache = self.folder / "cache"

    def stores(self):
        return sorted(path for path in self.cache.iterdir() if path.name.startswith("images-"))

    def start_it(self, out):
        env = dict(os.environ, MIXSWEEP_CACHE=str(self.cache))
        return subprocess.Popen([sys.executable, "-c", MEASURE, PROGRAM, "run", "shared.yaml", "--workers", "2", "--out", out],
                                cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)

    def end_it(self, run):
        out, err = run.communicate()
        self.assertEqual(run.returncode, 0, err)
        return int(out)

    def run_it(self, out):
        return self.end_it(self.start_it(out))

    def test_two_sweeps_that_start_at_once_decode_together_within_the_plan(self):
        out, _ = self.mixsweep("plan", "shared.yaml", "--json")
        runs = [self.start_it(name) for name in ("one", "two")]
        for run in runs:
            self.assertLess(self.end_it(run), json.loads(out)["memory_bytes_per_executor"])
        self.assertEqual([path.name for path in self.stores() if "." in path.name], [])  # no part, no claim
        together = sorted(path.read_bytes() for path in self.stores())
        for path in self.stores():
            path.unlink()
        self.run_it("alone")
        self.assertTrue(together == sorted(path.read_bytes() for path in self.stores()))
        self.assertEqual(len({(self.folder / name / "cells.csv").read_bytes() for name in ("one", "two", "alone")}), 1)

    def test_two_executors_share_two_files_and_stay_within_the_plan(self):
        out, _ = self.mixsweep("plan", "shared.yaml", "--json")
        plan = json.loads(out)
        for name in ("first", "second"):
            self.assertLess(self.run_it(name), plan["memory_bytes_per_executor"])
            stamps = [path.stat().st_mtime_ns for path in self.stores()]
            first = stamps if name == "first" else first
            self.assertEqual(stamps, first)  # the second run decodes nothing
        # All images at data.size, and all that may be for training at their own, 100 x 96.
        sizes = sorted(path.stat().st_size for path in self.stores())
        self.assertEqual(len(sizes), 2)
        for size, pixels in zip(sizes, (96 * 96, 100 * 96)):
            self.assertTrue(620 * 3 * pixels < size < 620 * 3 * pixels + 65536, size)
        self.assertLess(sum(sizes), plan["memory_bytes_shared"])
        self.assertLess(plan["memory_bytes_shared"], plan["memory_bytes_per_executor"])
        self.assertEqual(*((self.folder / name / "cells.csv").read_bytes() for name in ("first", "second")))


if __name__ == "__main__":
    main()
