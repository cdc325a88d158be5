"""Whole sweeps on pretended GPUs, alone and over two ranks of MPI, whose executors sum their tables by
NCCL at the end. ctest: slow timeout=900 """
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["MX_FAKEGPU_BUILD"])
MPIRUN = os.environ.get("MX_MPIRUN")
# Enough work that every executor gets some, however late it is.
CONFIG = """name: tiny
repeats: 6
data: {set: synthetic, synthetic.n: 128}
model: {arch: linear}
train: {epochs: 1, batch_size: 16}
schedule: {rank_timeout: 5s}
grid: {train.lr: [0.1, 0.01, 0.001, 0.0001]}
"""


class Sweeps(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "tiny.yaml").write_text(CONFIG)

    def sweep(self, gpus, *arguments, launcher=(), code=0, out="out", **environment):
        """What it said; its exit code is the one expected."""
        kept = {key: value for key, value in os.environ.items()
                if not key.startswith(("CUDA_", "SLURM_"))}
        environment = dict(kept, LD_LIBRARY_PATH=str(BUILD), MX_FAKE_GPUS=str(gpus), MX_PRETEND_CUDA="1",
                           CUDA_MPS_PIPE_DIRECTORY="/nowhere", **environment)
        done = subprocess.run([*launcher, BUILD / "mixsweep_fakegpu_faults", "run", "tiny.yaml", "--out",
                               out, *arguments], cwd=self.folder, env=environment, text=True,
                              capture_output=True, timeout=240)
        if not launcher:
            self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual((self.folder / out / "exit_code").read_text().strip(), str(code), done.stderr)
        return done.stderr

    def reduction(self, out="out"):
        status = json.loads((self.folder / out / "status.json").read_text())
        self.assertEqual(status["done"], 24)
        return {key: status["reduction"][key] for key in ("path", "ranks", "matches")}

    def table(self, out):
        """results.csv without the columns that say where and when."""
        rows = (self.folder / out / "results.csv").read_text().splitlines()
        kept = [k for k, name in enumerate(rows[0].split(",")) if not name.startswith("run.")]
        return [[row.split(",")[k] for k in kept[:4]] for row in rows]

    def test_the_executors_of_two_gpus_sum(self):
        err = self.sweep(2)
        self.assertEqual(self.reduction(), {"path": "nccl", "ranks": 2, "matches": True})
        self.assertRegex(err, r"reduced: \d+ numbers of 2 executors by NCCL, \d+ bytes in [0-9.]+ s; "
                              "equal to the journal bit for bit\n")

    def test_executors_that_share_gpus_all_contribute(self):
        self.sweep(2, "--per-gpu", "2")
        self.assertEqual(self.reduction(), {"path": "nccl", "ranks": 2, "matches": True})
        self.sweep(1, out="alone")
        self.assertEqual(self.table("out"), self.table("alone"))

    def test_one_that_shares_a_gpu_fails_to_hand_over(self):
        for fault, why in (("die", r"the executor was killed \(signal 9\)"),
                           ("hang", "it hangs, and was ended")):
            with self.subTest(fault=fault):
                err = self.sweep(2, "--per-gpu", "2", out=fault,
                                 MX_FAULT=f"{fault} group_hands any {self.folder}/{fault}-once")
                self.assertRegex(err, r"the sum over 2 GPUs by NCCL did not come about \(try 1 of 3\): "
                                      rf"executor [23]: {why}")
                self.assertEqual(self.reduction(fault), {"path": "nccl", "ranks": 2, "matches": True})

    def test_one_gpu_needs_no_group(self):
        err = self.sweep(1, "--per-gpu", "2")
        self.assertEqual(self.reduction(), {"path": "tree", "ranks": 1, "matches": True})
        self.assertNotIn("NCCL", err)

    def test_eight_gpus_one_of_which_dies_in_the_sum(self):
        err = self.sweep(8, MX_FAULT=f"die group_joined 1 {self.folder}/once")
        found = re.search(r"the sum over (\d) GPUs by NCCL did not come about \(try 1 of 3\): "
                          r"executor \d: the executor was killed \(signal 9\)", err)
        self.assertIsNotNone(found, err)
        self.assertEqual(self.reduction(), {"path": "nccl", "ranks": int(found[1]) - 1, "matches": True})
        self.sweep(1, out="alone")
        self.assertEqual(self.table("out"), self.table("alone"))

    def test_a_number_that_differs_ends_with_70(self):
        err = self.sweep(2, code=70, MX_FAULT="contribution first")
        self.assertIn("mixsweep: the reduced table differs from the journal: ", err)
        self.assertEqual(self.reduction(), {"path": "nccl", "ranks": 2, "matches": False})

    @unittest.skipUnless(MPIRUN, "built without MPI")
    def test_executors_of_two_ranks_are_one_group(self):
        launcher = (MPIRUN, "--quiet", "--bind-to", "none", "--oversubscribe", "-n", "2")
        text = subprocess.run([MPIRUN, "--version"], capture_output=True, text=True).stdout
        if not re.search(r"Open MPI\) 4\.1", text):
            self.skipTest("the options are those of Open MPI 4.1")
        self.sweep(4, launcher=launcher)
        self.assertEqual(self.reduction(), {"path": "nccl", "ranks": 4, "matches": True})
        for position in (0, 3):
            with self.subTest(position=position):
                err = self.sweep(4, launcher=launcher, out=f"out{position}",
                                 MX_FAULT=f"die group_joined {position} {self.folder}/once{position}")
                self.assertIn(f"executor {position}: the executor was killed", err)
                self.assertEqual(self.reduction(f"out{position}"),
                                 {"path": "nccl", "ranks": 3, "matches": True})


if __name__ == "__main__":
    unittest.main()
