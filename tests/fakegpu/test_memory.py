"""The memory of a trial on a GPU: one allocation, which is there or is not. ctest: slow machine"""
import os
import subprocess
import unittest

NETWORKS = 2  # of fakegpu_test_engine_cuda, each in float32 and in bfloat16
TRIALS = 2 * NETWORKS
ENGINES = 15  # that it opens on the GPU, one after the other: three in float32, four in bfloat16, one more for the first
SECOND = 5    # the first of them in bfloat16


class Memory(unittest.TestCase):
    def engines(self, failure):
        env = dict(os.environ, MX_FAKEGPU_FAIL=failure)
        program = os.path.join(os.environ["MX_FAKEGPU_BUILD"], "fakegpu_test_engine_cuda")
        return subprocess.run([program, str(NETWORKS)], env=env, stdout=subprocess.PIPE, text=True, check=False)

    def test_an_engine_allocates_once_for_all_batch_sizes(self):
        run = self.engines(f"malloc@{ENGINES + 1}:oom")
        self.assertEqual(run.returncode, 0, run.stdout)

    def test_no_memory_is_one_failed_engine_that_says_what_was_asked_and_free(self):
        run = self.engines(f"malloc@{SECOND}:oom")
        lines = run.stdout.splitlines()
        self.assertEqual(run.returncode, 1, run.stdout)
        self.assertEqual([line.split(":")[0] for line in lines].count("passed"), TRIALS - 1, lines)
        self.assertRegex(lines[1], r"^FAILED: .* memory of a network: no GPU memory for \d{7,8} bytes: "
                                   r"2147483648 of 2147483648 are free \(lower train\.batch_size, or run "
                                   r"fewer executors on this GPU\)$")


if __name__ == "__main__":
    unittest.main()
