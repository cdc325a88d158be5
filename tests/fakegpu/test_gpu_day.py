"""bench/gpu_day, which is meant for a machine with a card: what it says of checks that pass, fail, are skipped or do not end,
without a GPU, and its steps with the smallest sizes. ctest: slow timeout=400"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(os.environ["MX_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import Case, main  # noqa: E402


class GpuDay(Case):
    def day(self, *args, gpus="1", **special):
        return subprocess.run([ROOT / "bench/gpu_day", "--program", os.environ["MX_FAKEGPU_PROGRAM"], "--out", self.folder / "day.md",
                               *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=390,
                              env=dict(os.environ, MX_FAKEGPU_DEVICES=gpus, **special), check=False)

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

    def rows(self):
        lines = (self.folder / "day.md").read_text().splitlines()[2:]
        return dict(tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines)

    def test_a_step_that_breaks_off_leaves_the_others(self):
        self.script("mixsweep", f"""case "$*" in *linear*) exec "{os.environ['MX_FAKEGPU_PROGRAM']}" "$@";; esac; echo no table\n""")
        done = self.day("--program", self.folder / "mixsweep", "--tests", self.folder, "--steps", "norm,tests,hsfm", "--tiny")
        rows = self.rows()
        self.assertEqual(done.returncode, 1)
        self.assertTrue(rows["norm"].startswith("broke off: JSONDecodeError"), rows)
        self.assertIn("`bench head`, on the CPU", rows)

    def test_benches_with_the_smallest_sizes(self):
        done = self.day("--tiny", "--steps", "train,norm,deletion")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = self.rows()
        for name in ("`train.linear.b2.s8`", "`train.resnet8.b1.s8.tf32.any_order`", "`convolutions.resnet8.b1.s8.bf16`",
                     "`norm.backward.1x64x112x112`", "`curves.linear.blur.b1.s8`"):
            self.assertRegex(rows[name], r"^[0-9.,e+]+ \S+ \(")
        self.assertFalse([row for row in rows.items() if "did not end" in row[1]], rows)

    def test_sweeps_share_a_gpu_with_mps_whose_daemon_stays(self):
        self.script("nvidia-cuda-mps-control", """pid="$CUDA_MPS_PIPE_DIRECTORY/nvidia-cuda-mps-control.pid"
if [ "$1" = -d ]; then sleep 1000 & echo $! >"$pid"; else read -r word && [ "$word" = quit ] && kill "$(cat "$pid")"; fi
""")
        done = self.day("--tiny", "--steps", "share", PATH=f"{self.folder}:{os.environ['PATH']}", MX_FAKE_GPUS="1",
                        LD_LIBRARY_PATH=os.path.dirname(os.environ["MX_FAKE_NVML"]))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        rows = self.rows()
        for name in ("4 x linear, one executor", "4 x linear, `--per-gpu 4`", "4 x linear, `--per-gpu 4`, MPS"):
            self.assertRegex(rows[name], r"^done, \d+\.\d s$")
        self.assertRegex(rows["MPS starts"], "^passed")
        self.assertRegex(rows["four executors, MPS beside one"], r"^\d+\.\d\d times the trials an hour$")

    def test_sanitizers_get_each_test_and_their_errors_are_told(self):
        self.script("compute-sanitizer", 'echo "$@" >>"$0.calls"; shift 4; exec "$@"\n')
        names = ("test_device_cuda", "test_steps_cuda", "test_operations_cuda", "test_engine_cuda")
        for name in names:
            self.script(name, f"exit {9 if name == 'test_steps_cuda' else 0}\n")
        done = self.day("--tests", self.folder, "--steps", "sanitizer", PATH=f"{self.folder}:{os.environ['PATH']}")
        rows = self.rows()
        self.assertEqual(done.returncode, 1)
        calls = (self.folder / "compute-sanitizer.calls").read_text().splitlines()
        self.assertEqual(calls, [f"--tool {kind} --error-exitcode 9 {self.folder}/{name}" for kind in ("memcheck", "synccheck", "racecheck")
                                 for name in names[:4 if kind == "racecheck" else 3]])
        self.assertRegex(rows["compute-sanitizer, memcheck: `test_device_cuda`"], "^clean")
        self.assertRegex(rows["compute-sanitizer, memcheck: `test_steps_cuda`"], "^status 9")

    def test_without_a_gpu_nothing_is_run(self):
        done = self.day(gpus="none")
        self.assertEqual((done.returncode, done.stdout), (3, ""))
        self.assertIn("gpu_day: no GPU can be used: mixsweep: no CUDA device can be used: no NVIDIA driver is installed", done.stderr)
        self.assertFalse((self.folder / "day.md").exists())


if __name__ == "__main__":
    main()
