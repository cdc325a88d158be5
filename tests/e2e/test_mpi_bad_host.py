"""A host on which everything fails: it is given nothing more, and the others do it all.
ctest: slow timeout=300 machine"""
import os
import subprocess

from harness import main, reproducible, rows
from mpi_harness import HOST, STAGES, MpiCase

FAULTS = os.environ.get("MX_FAULTS_PROGRAM")
BROKEN = ("unshare", "-u", "sh", "-c",
          'hostname broken && MX_FAULT="segfault stage_starts any always" exec "$@"', "sh")


class BadHost(MpiCase):
    program = FAULTS

    def setUp(self):
        super().setUp()
        try:
            subprocess.run([*BROKEN, "true"], check=True, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            self.skipTest("this machine does not permit host names of processes")

    def test_a_host_that_crashes_every_stage_is_quarantined(self):
        job = self.sweep(None, "--workers", 2, "--set", "schedule.retries=5",
                         contexts=[(1, ()), (1, BROKEN)])
        text, err = self.end(job)
        self.assertEqual(reproducible(self.out / "results.csv"), self.reference())
        self.assertEqual({row["run.host"] for row in rows(self.out / "results.csv")}, {HOST})
        self.assertIn("warning: host broken: quarantined: trials of different cells have failed "
                      "there one after the other, and on no other host\n", err)
        self.assertIn("quarantined: host broken, where different cells failed one after the other\n",
                      text)
        self.assertEqual([(record["host"], record["go_on"]) for record in self.journal("host")],
                         [("broken", False)])
        self.assertEqual([(node["host"], node["quarantined"]) for node in self.status()["nodes"]],
                         [(HOST, False), ("broken", True)])
        failed = self.journal("failed")
        self.assertEqual({record["host"] for record in failed}, {"broken"})
        self.assertLessEqual(len(failed), 9, "three cells of three repeats at most")
        self.assertEqual(len(self.journal("done")), STAGES)

    def test_the_only_host_goes_on_and_says_so(self):
        env = self.environment(MX_FAULT="segfault stage_starts any always")
        job = self.sweep(1, "--workers", 2, env=env)
        text, err = self.end(job, code=1)
        self.assertEqual(err.count("have failed there one after the other; it is the last host "
                                   "that is left, and goes on"), 1)
        self.assertNotIn("quarantined: host", text)
        self.assertNotIn("done", {row["status"] for row in rows(self.out / "results.csv")})


if __name__ == "__main__":
    main()
