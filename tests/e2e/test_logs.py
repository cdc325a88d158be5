"""What a sweep writes down about itself, read back. ctest: quick unsanitized timeout=300"""
import json
import os
import pathlib
import re
import subprocess
import unittest

from harness import FAULTS_PROGRAM, Case, main, rows

MPIRUN = os.environ.get("MX_MPIRUN")
FIELDS = ["time", "level", "host", "rank", "trial", "text"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
RANKS = 8


class Logs(Case):
    program = FAULTS_PROGRAM

    def records(self, text):
        """Every line has to be a record with all its fields, of the right types."""
        found = []
        for line in text.splitlines():
            self.assertLess(len(line), 4096)
            record = json.loads(line)
            self.assertEqual(list(record), FIELDS)
            self.assertRegex(record["time"], TIME)
            self.assertIn(record["level"], ("debug", "info", "warning", "error"))
            self.assertIsInstance(record["text"], str)
            found.append(record)
        self.assertGreater(len(found), 0)
        return found

    def test_failed_attempts_are_records_with_host_rank_and_trial(self):
        self.tiny(repeats=1, n=64, epochs=1)
        env = {**os.environ, "MX_FAULT": "exit stage_starts any always"}
        _, err = self.mixsweep("run", "tiny.yaml", "--log-format", "json", "--workers", 2, code=1,
                               env=env)
        log = self.records((self.folder / "tiny/log/sweep.log").read_text())
        self.assertEqual([r for r in log if r["level"] != "debug"], self.records(err))
        warnings = self.records((self.folder / "tiny/log/warnings.log").read_text())
        self.assertEqual([r for r in log if r["level"] in ("warning", "error")], warnings)
        trials = {row["trial"] for row in rows(self.folder / "tiny/results.csv")}
        attempts = [r for r in warnings if "attempt 1 of stage train failed: " in r["text"]]
        self.assertGreater(len(attempts), 0)
        for record in attempts:
            self.assertEqual((record["host"], record["rank"]), (os.uname().nodename, 0))
            if " more like it " not in record["text"]:
                self.assertIn(record["trial"], trials)

    def test_executors_that_talk_share_one_file_and_mix_no_lines(self):
        self.tiny(repeats=1, n=64, epochs=1)
        self.mixsweep("run", "tiny.yaml", "--workers", 3,
                      env={**os.environ, "MX_FAULT": "talk stage_starts any always"})
        (log,) = (self.folder / "tiny/log").glob("exec-*")
        said = 0
        for line in log.read_text().splitlines():
            self.assertRegex(line, r"^\[[012]\] x+$")
            said += len(line) - 4
        self.assertEqual(said % 5000, 0)
        self.assertGreater(said, 0)

    @unittest.skipUnless(MPIRUN, "a build without MPI")
    def test_eight_ranks_that_talk_leave_whole_records_only(self):
        self.tiny(repeats=2, n=64, epochs=1)
        done = subprocess.run(
            [MPIRUN, "--quiet", "--bind-to", "none", "--oversubscribe", "-n", str(RANKS),
             FAULTS_PROGRAM, "run", "tiny.yaml", "--log-format", "json", "--workers", str(RANKS)],
            cwd=self.folder, text=True, capture_output=True, check=False,
            env={**os.environ, "MX_FAULT": "talk stage_starts any always",
                 "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"})
        self.assertEqual(done.returncode, 0, done.stderr)
        log = self.records((self.folder / "tiny/log/sweep.log").read_text())
        ranks = {r["rank"] for r in log if " starts on executor " in r["text"]}
        self.assertGreater(len(ranks), 1)
        self.records(done.stderr)
        files = sorted(pathlib.Path(self.folder / "tiny/log").glob("exec-*"))
        self.assertEqual([file.name for file in files],
                         [f"exec-{rank}.log" for rank in range(RANKS)])
        said = "".join(file.read_text() for file in files).splitlines()
        self.assertGreaterEqual(len(said), len(rows(self.folder / "tiny/results.csv")))  # each stage talks
        self.assertEqual(set(said), {"x" * 5000})


if __name__ == "__main__":
    main()
