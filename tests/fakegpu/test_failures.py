"""Failures on demand reach the backend as the real ones do, and devices are as visible as they
are with the real runtime.

ctest: quick timeout=120 """
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["MX_FAKEGPU_BUILD"])
SKIPPED = 77


def run(timeout=60, program="fakegpu_test_batch_cuda", **environment):
    """The finished program; what it started is ended with it where it takes too long."""
    started = subprocess.Popen([BUILD / program], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env={**os.environ, **environment},
                               start_new_session=True)
    try:
        out, err = started.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(started.pid, signal.SIGKILL)
        started.communicate()
        raise
    return subprocess.CompletedProcess(program, started.returncode, out, err)


class Failures(unittest.TestCase):
    def fails(self, plan, text, **environment):
        done = run(MX_FAKEGPU_FAIL=plan, **environment)
        self.assertIn(text, done.stdout)
        self.assertEqual((done.returncode, done.stderr), (1, ""))

    def test_memory_ends_at_an_allocation(self):
        self.fails("malloc@9:oom", "no GPU memory for ")

    def test_memory_ends_above_so_many_bytes(self):
        self.fails("malloc>100:oom", "no GPU memory for ")

    def test_a_small_device_is_full(self):
        done = run(MX_FAKEGPU_MEMORY="2000")
        self.assertIn("no GPU memory for ", done.stdout)
        self.assertEqual((done.returncode, done.stderr), (1, ""))

    def test_an_error_of_a_kernel_is_told_by_the_next_call_that_waits(self):
        self.fails("launch@2:illegal", "case 1: kernels/kern_cuda.cu:")
        self.fails("launch@2:illegal", "an illegal memory access was encountered")
        self.fails("launch@1:ecc", "uncorrectable ECC error encountered")
        self.fails("launch@1:assert", "device-side assert triggered", MX_FAKEGPU_ORDER="eager")
        self.fails("copy@3:ecc", "uncorrectable ECC error encountered")

    def test_a_hang_never_ends(self):
        with self.assertRaises(subprocess.TimeoutExpired):
            run(timeout=1, MX_FAKEGPU_FAIL="launch@1:hang")

    def test_only_the_first_process_fails_where_that_is_asked_for(self):
        with tempfile.TemporaryDirectory() as folder:
            plan = f"launch@1:ecc:once={folder}/seen"
            self.fails(plan, "uncorrectable ECC error encountered")
            self.assertEqual(run(MX_FAKEGPU_FAIL=plan).returncode, 0)

    def test_a_plan_that_cannot_be_read_is_told(self):
        for plan, text in [("malloc", "'malloc' is no EVENT@N:KIND (8 at most)"),
                           ("malloc@x:oom", "'malloc@x:oom' has no number and kind"),
                           ("walk@1:oom", "'walk' is not known"),
                           ("malloc@1:fire", "'fire' is not known")]:
            with self.subTest(plan=plan):
                done = run(MX_FAKEGPU_FAIL=plan)
                self.assertEqual(done.stderr,
                                 f"fakegpu: misuse: environment: MX_FAKEGPU_FAIL: {text}\n")
                self.assertEqual(done.returncode, 86)


class Nccl(unittest.TestCase):
    def fails(self, plan, text, status):
        done = run(program="fakegpu_planted_nccl", MX_FAKEGPU_FAIL=plan, MX_FAKEGPU_DEVICES="3",
                   MX_FAILING_RANK="1")
        self.assertIn(text, done.stdout)
        self.assertEqual((done.returncode, done.stderr), (status, ""))

    def test_a_remote_error_is_told_by_the_communicator(self):
        self.fails("nccl@1:remote", "remote process exited or there was a network error", 2)
        self.fails("nccl@3:remote", "remote process exited or there was a network error", 2)

    def test_a_system_error_is_told_by_the_call(self):
        self.fails("nccl@2:system", "unhandled system error", 2)

    def test_a_rank_that_hangs_leaves_the_others_waiting(self):
        with self.assertRaises(subprocess.TimeoutExpired):
            run(program="fakegpu_planted_nccl", timeout=2, MX_FAKEGPU_FAIL="nccl@2:hang",
                MX_FAKEGPU_DEVICES="3", MX_FAILING_RANK="1")


class Devices(unittest.TestCase):
    def sees_none(self, text, **environment):
        done = run(**environment)
        self.assertIn(text, done.stdout)
        self.assertEqual(done.returncode, SKIPPED)

    def test_without_a_driver(self):
        self.sees_none("no NVIDIA driver is installed", MX_FAKEGPU_DEVICES="none")

    def test_words_that_name_no_device(self):
        for words in ("", "2", "-1", "NoDevFiles", "GPU-ff", "GPU-fa", "MIG-fa4e0000", "0,0", "GPU-", " ",
                      "MIG-GPU-fa4e0000-0000-4000-8000-000000000000/0/0"):
            with self.subTest(words=words):
                self.sees_none("no CUDA-capable device is detected", MX_FAKEGPU_DEVICES="2",
                               CUDA_VISIBLE_DEVICES=words)

    def test_words_that_name_one(self):
        for words in ("0", "1", "1,0", " 1 ,0", "GPU-fa4e0000", "GPU-fa4e0001-0000", "1,7",
                      "0,GPU-fa4e0001", "GPU-fa4e0001-0000-4000-8000-000000000001"):
            with self.subTest(words=words):
                done = run(MX_FAKEGPU_DEVICES="2", CUDA_VISIBLE_DEVICES=words)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
