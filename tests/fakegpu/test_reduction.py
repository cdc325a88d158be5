"""Tables summed by executors of pretended GPUs: equal to the journal bit for bit, whoever dies, hangs
or tells of an error; the executors are real, and so are the messages (use_reduction.c).

ctest: slow timeout=300 """
import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["MX_FAKEGPU_BUILD"])
GIVEN_UP = ("the sum over GPUs by NCCL is given up; the numbers are summed over the processes")


class Reduction(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.once = f"{folder.name}/once"

    def reduce(self, gpus, *words, per_gpu=1, stages=40, rounds=1, **environment):
        """The lines that it said. Nothing of the group's shared memory is left behind."""
        before = set(pathlib.Path("/dev/shm").glob("mx-fakegpu-*"))
        done = subprocess.run(
            [BUILD / "fakegpu_use_reduction", BUILD / "mixsweep_fakegpu_faults", str(gpus),
             str(per_gpu), str(stages), str(rounds), *words], capture_output=True, text=True,
            timeout=120, env={**os.environ, "MX_FAKEGPU_DEVICES": str(gpus), **environment})
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertLessEqual(set(pathlib.Path("/dev/shm").glob("mx-fakegpu-*")), before)
        return done.stdout.splitlines()

    def tries(self, gpus, why, end, *words, **environment):
        """One try fails, for a reason in a line for the log; then the sum is there."""
        lines = self.reduce(gpus, "timeout=2", *words, **environment)
        start = f"the sum over {gpus} GPUs by NCCL did not come about (try 1 of 3): "
        self.assertEqual(lines[0][:len(start)], start)
        self.assertRegex(lines[0][len(start):], why)
        self.assertEqual(lines[1:], end)

    def test_the_sum_equals_the_journal(self):
        self.assertEqual(self.reduce(2), ["nccl over 2: 81 numbers, equal"])
        self.assertEqual(self.reduce(8, stages=100), ["nccl over 8: 201 numbers, equal"])

    def test_a_group_can_follow_another(self):
        self.assertEqual(self.reduce(3, rounds=3), ["nccl over 3: 81 numbers, equal"] * 3)

    def test_one_executor_of_each_gpu_takes_part(self):
        self.assertEqual(self.reduce(2, per_gpu=3), ["nccl over 2: 81 numbers, equal"])

    def test_executors_that_share_a_gpu_hand_over_what_they_computed(self):
        # Stage 4 is that of executor 4, the third on GPU 0: its own memory is what arrives.
        lines = self.reduce(2, per_gpu=3, MX_FAULT="contribution 13")
        self.assertEqual(lines, ["nccl over 2: 81 numbers, DIFFERENT", "stage 4, test.accuracy, in 3"])
        self.assertEqual(self.reduce(2, per_gpu=3, stages=50000), ["nccl over 2: 100001 numbers, equal"])

    def test_what_is_too_long_for_one_order_is_the_journals(self):
        """Executors 2 and 4 hand over to executor 0; that executor 4 has lost a number shows only where its own
        numbers are taken."""
        different = ["nccl over 2: 81 numbers, DIFFERENT", "stage 4, test.accuracy, in 3"]
        equal = ["nccl over 2: 81 numbers, equal"]
        for handed, end in ((1, equal), (10**6, different)):
            self.assertEqual(self.reduce(2, f"handed={handed}", per_gpu=3, MX_FAULT="contribution 13"), end, handed)
        for handed in (1, 200, 500, 1000):  # nothing, or what one handed over, or both
            self.assertEqual(self.reduce(2, f"handed={handed}", per_gpu=3), equal, handed)

    def test_another_of_a_gpu_takes_part_where_the_first_cannot(self):
        self.assertEqual(self.reduce(2, "died=0", per_gpu=2), ["nccl over 2: 81 numbers, equal"])

    def test_executors_that_fail_to_hand_over(self):
        for fault, why in (("die", r"^executor 2: the executor was killed \(signal 9\)"),
                           ("hang", "^executor 2: it hangs, and was ended$")):
            with self.subTest(fault=fault):
                self.once += "x"
                self.tries(2, why, ["nccl over 2: 81 numbers, equal"], per_gpu=2,
                           MX_FAULT=f"{fault} group_hands 2 {self.once}")

    def test_one_that_was_handed_numbers_dies(self):
        self.tries(2, r"^executor 0: the executor was killed \(signal 9\)",
                   ["nccl over 2: 81 numbers, equal"], per_gpu=2,
                   MX_FAULT=f"die group_joined 0 {self.once}")

    def test_there_is_no_group_of_one(self):
        self.assertEqual(self.reduce(1, per_gpu=2), ["tree over 1: 81 numbers, equal"])
        # Stage 1 is computed by executor 1, and no other is there.
        self.assertEqual(self.reduce(3, stages=2), ["tree over 1: 5 numbers, equal"])

    def test_what_a_dead_executor_computed_is_the_journals(self):
        self.assertEqual(self.reduce(3, "died=0"), ["nccl over 2: 81 numbers, equal"])

    def test_a_table_of_many_pieces(self):
        self.assertEqual(self.reduce(2, stages=100000), ["nccl over 2: 200001 numbers, equal"])

    def test_a_difference_is_found(self):
        self.assertEqual(self.reduce(3, "wrong=7"), ["nccl over 3: 81 numbers, DIFFERENT",
                                                     "stage 7, val.accuracy, in 3"])
        lines = self.reduce(3, MX_FAULT="contribution first")
        self.assertEqual(lines[0], "nccl over 3: 81 numbers, DIFFERENT")
        self.assertRegex(lines[1], r"^stage [123], val.accuracy, in 3$")

    def test_executors_that_die(self):
        for point in ("group_starts", "group_joined"):
            for position in (0, 2):
                with self.subTest(point=point, position=position):
                    self.once += "x"
                    self.tries(3, rf"^executor {position}: the executor was killed \(signal 9\)",
                               ["nccl over 2: 81 numbers, equal"],
                               MX_FAULT=f"die {point} {position} {self.once}")

    def test_one_of_eight_dies(self):
        self.tries(8, r"^executor 5: the executor crashed with signal 11",
                   ["nccl over 7: 201 numbers, equal"], MX_FAULT=f"segfault group_joined 5 {self.once}",
                   stages=100)

    def test_executors_that_hang_are_ended(self):
        for point in ("group_starts", "group_joined"):
            with self.subTest(point=point):
                self.once += "x"
                self.tries(3, "^executor 1: it hangs, and was ended$",
                           ["nccl over 2: 81 numbers, equal"],
                           MX_FAULT=f"hang {point} 1 {self.once}")

    def test_a_collective_that_never_ends_is_left_by_all(self):
        for event in (1, 2):
            with self.subTest(event=event):
                self.once += "x"
                self.tries(3, "^it did not come to its end in time$",
                           ["nccl over 3: 81 numbers, equal"],
                           MX_FAKEGPU_FAIL=f"nccl@{event}:hang:once={self.once}")

    def test_executors_whose_communicator_tells_of_an_error_are_ended(self):
        remote = "remote process exited or there was a network error"
        for plan, text in (("nccl@1:remote", f"ncclCommInitRankConfig: {remote}"),
                           ("nccl@2:remote", f"ncclAllReduce: {remote}"),
                           ("nccl@2:system", "ncclAllReduce: unhandled system error"),
                           ("nccl@3:remote", f"ncclCommFinalize: {remote}"),
                           ("malloc@1:oom", "cudaMalloc: out of memory"),
                           ("copy@1:ecc", "cudaMemcpyAsync: uncorrectable ECC error encountered")):
            with self.subTest(plan=plan):
                self.once += "x"
                self.tries(3, f"^executor [012]: {text}$", ["nccl over 2: 81 numbers, equal"],
                           MX_FAKEGPU_FAIL=f"{plan}:once={self.once}")

    def test_where_too_few_are_left_the_processes_sum(self):
        self.tries(2, "^executor 0: the executor was killed",
                   [GIVEN_UP, "tree over 1: 81 numbers, equal"],
                   MX_FAULT=f"die group_joined 0 {self.once}")
        self.tries(3, "^executor [012]: it hangs, and was ended$",
                   [GIVEN_UP, "tree over 1: 81 numbers, equal"],
                   MX_FAULT="hang group_starts any always")

    def test_three_tries_are_enough(self):
        lines = self.reduce(8, "timeout=2", MX_FAULT="die group_starts 0 always")
        self.assertEqual([line[:line.index(": ")] for line in lines[:3]],
                         [f"the sum over {8 - k} GPUs by NCCL did not come about (try {k + 1} of 3)"
                          for k in range(3)])
        self.assertEqual(lines[3:], [GIVEN_UP, "tree over 1: 81 numbers, equal"])


if __name__ == "__main__":
    unittest.main()
