"""A sweep under mpirun gives the table that it gives without, and speaks once. ctest: quick"""
import json
import os

from harness import main, processes_of, reproducible, rows, this_process_as_owner
from mpi_harness import BIND_NONE, HOST, SURVIVE, MpiCase

QUIETLY = BIND_NONE + tuple(flag for flag in SURVIVE if flag == "--quiet")  # the status counts


class Mpi(MpiCase):
    def once(self, *args, code, ranks=2):
        """A command without a sweep: the job's status is its exit code."""
        job = self.launch(ranks, *args, flags=QUIETLY)
        out, err = self.words(job)
        self.assertEqual(job.process.returncode, code, err)
        self.expect_no_survivor(job)
        return out, err

    def test_two_ranks_make_the_table_of_none(self):
        config = self.tiny(repeats=3, n=512, arch="resnet8")
        self.mixsweep("run", config, "--out", "alone", "--workers", 1)
        # As many executors as stages: each has one to do, if it is there in time.
        job = self.launch(2, "run", config, "--out", "out", "--workers", 15)
        text, err = self.end(job)
        self.assertIn("output: out\n", text)
        self.assertIn("results: out/results.csv\n", text)
        self.assertRegex(err, "\nreduced: [0-9]+ numbers of 2 ranks, [0-9]+ bytes in [0-9.]+ s; "
                              "equal to the journal bit for bit\n")
        self.assertEqual(reproducible(self.out / "results.csv"),
                         reproducible(self.folder / "alone/results.csv"))
        self.assertEqual((self.out / "cells.csv").read_bytes(),
                         (self.folder / "alone/cells.csv").read_bytes())
        table = rows(self.out / "results.csv")
        self.assertEqual({row["run.rank"] for row in table}, {"0", "1"})
        self.assertGreater(len({row["run.executor"] for row in table}), 2)
        status = self.status()
        self.assertEqual([(node["rank"], node["host"], node["executors"], node["lost"])
                          for node in status["nodes"]],
                         [(0, HOST, 8, False), (1, HOST, 7, False)])
        self.assertEqual(sum(node["done"] for node in status["nodes"]), 15)
        reduction = status["reduction"]
        self.assertEqual((reduction["path"], reduction["ranks"], reduction["matches"]),
                         ("tree", 2, True))
        self.assertGreater(reduction["bytes"], 0)
        # With nothing left to do, ranks are sent home without having been asked.
        self.assertIn("15 done, 0 to run\n", self.once("resume", "out", code=0)[1])

    def test_a_mistake_is_told_once(self):
        self.write("bad.yaml", "name: bad\nmodel: {arch: resnet9}\n")
        for args, text in (
                (["run"], "mixsweep: run takes one CONFIG; mixsweep run --help tells more\n"),
                (["resume", "nowhere"], "mixsweep: there is no nowhere\n"),
                (["nonsense"], "mixsweep: no command 'nonsense'; mixsweep --help lists them\n"),
                (["check", "none.yaml"], "mixsweep: there is no file none.yaml\n")):
            with self.subTest(args=args):
                self.assertEqual(self.once(*args, code=2), ("", text))
        out, err = self.once("run", "bad.yaml", code=2)
        self.assertEqual(out, "")
        self.assertEqual(err.count("bad.yaml:2:15: error: "), 1, err)
        self.assertEqual(os.listdir(self.folder).count("bad"), 0)

    def test_help_is_given_once(self):
        out, err = self.once("run", "--help", code=0)
        self.assertEqual((out.count("usage: mixsweep run CONFIG"), err), (1, ""))
        out, err = self.once("--help", code=0)
        self.assertEqual((out.count("usage: mixsweep COMMAND"), err), (1, ""))

    def test_a_directory_in_use_is_left_alone(self):
        self.tiny()
        self.mixsweep("run", "tiny.yaml", "--out", "out")
        before = (self.out / "exit_code").read_text()
        self.write("out/owner.json", json.dumps(this_process_as_owner(incarnation=1)))
        out, err = self.once("resume", "out", code=4)
        self.assertEqual((out, err.count("\n")), ("", 1), err)
        self.assertIn(str(os.getpid()), err)
        self.assertEqual((self.out / "exit_code").read_text(), before)
        self.assertEqual(processes_of(self.folder), [])


if __name__ == "__main__":
    main()
