"""Processes that a launcher started and MPI cannot join: one of them says so.

In a build with MPI the launcher is of another one; in a build without, it is any. ctest: quick"""
import os

from harness import Case, main

OURS = ("OMPI_", "PMIX_", "PRTE_", "SLURM_")
ALONE = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
WITHOUT = "is built without MPI; build it with Open MPI (libopenmpi-dev), or start it alone"
ANOTHER = (r"was built for \S.*, and the launcher is of another MPI; use the mpirun that belongs "
           "to it")


class Launcher(Case):
    def start_as(self, rank):
        """Start rank `rank` of two as MPICH would; what it writes to standard error."""
        place = {"PMI_RANK": str(rank), "PMI_SIZE": "2", "PMI_FD": "99"}
        out, err = self.mixsweep("run", self.tiny(), "--out", "out", code=3,
                                 env={**ALONE, **ROOT, **place, "ASAN_OPTIONS": "detect_leaks=0"})
        self.assertEqual(out, "")
        self.assertFalse((self.folder / "out").exists())
        return err

    def test_the_first_says_why_and_what_to_do_and_the_others_are_quiet(self):
        err = self.start_as(0)
        self.assertEqual(err.count("\n"), 1, err)
        head = "mixsweep: mpiexec started 2 processes, but this program "
        self.assertTrue(err.startswith(head), err)
        if not err.endswith(WITHOUT + "\n"):
            self.assertRegex(err, f"^{head}{ANOTHER}\n$")
        self.assertEqual(self.start_as(1), "")

    def test_an_executor_works_though_srun_told_its_rank_to_be_another_one_than_the_first(self):
        # Daemons that mpirun starts on a job's nodes are tasks of srun, and their rank is inherited.
        place = {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1"}
        err = self.refused(2, "executor", env={**ALONE, **place})
        self.assertEqual(err, "mixsweep: executor is started by mixsweep run, not by hand\n")
        self.assertEqual(self.mixsweep("check", self.tiny(), env={**ALONE, **place}), ("", ""))


if __name__ == "__main__":
    main()
