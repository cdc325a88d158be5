"""The memory of a trial on a GPU: one allocation, which is there or is not. ctest: quick machine"""
import os
import subprocess
import unittest

TRIALS = 5   # of fakegpu_test_engine_cuda
ENGINES = 3  # that it opens on the GPU for each, one after the other; one more for the first


class Memory(unittest.TestCase):
    def engines(self, failure):
        env = dict(os.environ, MX_FAKEGPU_FAIL=failure)
        program = os.path.join(os.environ["MX_FAKEGPU_BUILD"], "fakegpu_test_engine_cuda")
        return subprocess.run([program], env=env, stdout=subprocess.PIPE, text=True, check=False)

    def test_an_engine_allocates_once_for_all_batch_sizes(self):
        run = self.engines(f"malloc@{TRIALS * ENGINES + 2}:oom")
        self.assertEqual(run.returncode, 0, run.stdout)

    def test_no_memory_is_one_failed_engine_that_says_what_was_asked_and_free(self):
        run = self.engines(f"malloc@{ENGINES + 2}:oom")
        lines = run.stdout.splitlines()
        self.assertEqual(run.returncode, 1, run.stdout)
        self.assertEqual([line.split(":")[0] for line in lines].count("passed"), TRIALS - 1, lines)
        self.assertRegex(lines[1], r"^FAILED: .* memory of a network: no GPU memory for \d{7} bytes: "
                                   r"2147483648 of 2147483648 are free \(lower train\.batch_size, or run "
                                   r"fewer executors on this GPU\)$")


if __name__ == "__main__":
    unittest.main()
