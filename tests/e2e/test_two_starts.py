"""Whoever starts a sweep where another one is just beginning leaves that one alone. ctest: quick"""
import json
import os
import subprocess

from harness import PROGRAM, Case, main, rows, this_process_as_owner


class TwoStarts(Case):
    def begin(self, out):
        return subprocess.Popen([PROGRAM, "run", "tiny.yaml", "--out", out, "--resume", "--workers", "1"],
                                cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def test_one_of_two_that_begin_together_runs_and_the_other_goes(self):
        self.tiny(repeats=4)
        for attempt in range(6):
            out = f"out{attempt}"
            both = [self.begin(out) for _ in range(2)]
            errors = [one.communicate()[1] for one in both]
            codes = sorted(one.returncode for one in both)
            # The second may also come when all is done.
            self.assertIn(codes, ([0, 0], [0, 4]), errors)
            table = rows(self.folder / out / "results.csv")
            self.assertEqual({row["status"] for row in table}, {"done"})

    def test_a_folder_of_another_sweep_that_begins_stays_as_it_is(self):
        self.tiny()
        out = self.folder / "out"
        (out / "log").mkdir(parents=True)
        owner = this_process_as_owner(0)
        (out / "owner.json").write_text(json.dumps(owner))
        err = self.refused(4, "run", "tiny.yaml", "--out", "out", "--resume", "--workers", "1")
        self.assertIn("is owned by process", err)
        self.assertTrue((out / "owner.json").exists())
        err = self.refused(2, "status", "out")
        self.assertEqual(err, f"mixsweep: out holds a sweep that is just beginning (process {os.getpid()} on {owner['host']}): "
                              "ask again in a moment\n")


if __name__ == "__main__":
    main()
