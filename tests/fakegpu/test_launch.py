"""What a kernel touches beside its row of reach_*.c (use_launch.c): writes are found, reads find no numbers, and all
else is as it was. ctest: quick timeout=60"""
import os
import pathlib
import subprocess
import unittest

PROGRAM = pathlib.Path(os.environ["MX_FAKEGPU_BUILD"]) / "fakegpu_use_launch"
MISUSE = 86
SAID = "fakegpu: misuse: mx_kernel_of_a_test: args.out: something beside it is written, which its row of reach_*.c does not tell\n"


class Launch(unittest.TestCase):
    def run_kernel(self, how):
        done = subprocess.run([PROGRAM, how], capture_output=True, text=True, timeout=30, check=False,
                              env={**os.environ, "MX_FAKEGPU_DEVICES": "1"})
        return done.returncode, done.stderr, done.stdout

    def test_who_touches_what_the_row_tells_changes_nothing_else(self):
        self.assertEqual(self.run_kernel("honest"), (0, "", ""))

    def test_who_writes_beside_it_is_found(self):
        for how in ("writes-behind", "writes-before"):
            self.assertEqual(self.run_kernel(how), (MISUSE, SAID, ""), how)

    def test_who_reads_beside_it_finds_no_number(self):
        self.assertEqual(self.run_kernel("reads"), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
