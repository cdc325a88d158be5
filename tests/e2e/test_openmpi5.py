"""Streams between ranks with Open MPI 5 and its fault tolerance. ctest: slow timeout=900 machine"""
import subprocess
import unittest

import openmpi5
from harness import SOURCE, main


class OpenMpi5(unittest.TestCase):
    def test_the_programs_under_mpirun_pass(self):
        names = [path.stem for path in sorted((SOURCE / "tests" / "mpi").glob("mpi_*.c"))]
        self.assertIn("mpi_death", names)
        openmpi5.build(names)
        done = subprocess.run(["ctest", "--test-dir", openmpi5.FOLDER, "-R", r"^mpi\.",
                               "--output-on-failure"], text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(f"100% tests passed, 0 tests failed out of {len(names)}", done.stdout)


if __name__ == "__main__":
    main()
