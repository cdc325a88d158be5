"""bench/gpu_day, which is meant for a machine with a card: what it says of checks that pass, fail, are skipped or do not end,
and without a GPU. ctest: slow timeout=120"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(os.environ["MX_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import Case, main  # noqa: E402


class GpuDay(Case):
    def day(self, *args, gpus="1"):
        return subprocess.run([ROOT / "bench/gpu_day", "--program", os.environ["MX_FAKEGPU_PROGRAM"], "--out", self.folder / "day.md",
                               *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=100,
                              env=dict(os.environ, MX_FAKEGPU_DEVICES=gpus), check=False)

    def script(self, name, text):
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)

    def test_checks_are_rows_and_one_that_fails_is_told_by_the_status(self):
        self.script("test_good_cuda", "exit 0\n")
        self.script("test_none_cuda", "echo skipped: no such part; exit 77\n")
        done = self.day("--tests", self.folder, "--steps", "tests")
        table = (self.folder / "day.md").read_text()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(table.startswith("| what | result |\n| --- | --- |\n| GPU | Pretended GPU |\n"), table)
        self.assertRegex(table, r"\| `test_good_cuda` \| passed, \d+\.\d s \|\n\| `test_none_cuda` \| skipped: no such part \|\n$")
        self.script("test_bad_cuda", "echo it is wrong >&2; exit 1\n")
        done = self.day("--tests", self.folder, "--steps", "tests")
        self.assertEqual(done.returncode, 1)
        self.assertIn("| `test_bad_cuda` | status 1: it is wrong |\n", (self.folder / "day.md").read_text())

    def test_what_finds_no_time_is_a_row_too(self):
        self.script("test_long_cuda", "sleep 30\n")
        self.day("--tests", self.folder, "--steps", "tests,norm", "--seconds", 8)
        table = (self.folder / "day.md").read_text()
        self.assertIn("| `test_long_cuda` | not run to its end: no time was left |\n", table)
        self.assertIn("| norm | skipped: 8 s are over |\n", table)

    def test_without_a_gpu_nothing_is_run(self):
        done = self.day(gpus="none")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("gpu_day: no GPU can be used: mixsweep: no CUDA device can be used: no NVIDIA driver is installed", done.stderr)
        self.assertFalse((self.folder / "day.md").exists())


if __name__ == "__main__":
    main()
