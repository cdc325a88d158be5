"""Executors that misbehave: what they were doing is run again, blamed on the right stage
with the right reason, and counted once. ctest: quick"""
import json
import os
import pathlib

from harness import FAULTS_PROGRAM, Case, main, processes_of, reproducible, rows

VICTIM = 3  # a stage that is neither the first nor the last; of the trial in that row
LOG_BYTES = 1 << 20
SANITIZED = b"__asan_init" in pathlib.Path(FAULTS_PROGRAM).read_bytes()  # bears no memory limit

# What, where: the reason, and what is told of it.
FAULTS = {
    ("segfault", "stage_starts"): (
        "crashed", r"^the executor crashed with signal 11 \(Segmentation fault\)$"),
    ("exit", "stage_ends"): (
        "crashed", "^the executor ended with exit status 7; its last words: it was I who ended$"),
    ("hang", "stage_starts"): ("stalled", "^the executor was ended: stalled$"),
    ("flood", "stage_starts"): (
        "stalled", "^the executor was ended: stalled; its last words: a line of a flood that does "
                   "not end, longer than it needs to be$"),
    ("die", "half_sent"): (
        "crashed", r"^the executor was killed \(signal 9\); if nobody did that, the machine ran out "
                   "of memory$"),
}
OUT_OF_MEMORY = {
    ("abort_for_memory", "stage_starts"): (
        "crashed", r"^the executor crashed with signal 6 \(Aborted\)$"),
    ("take_memory", "stage_starts"): ("out_of_memory", "^no memory for "),
}


def victim(where, trials):
    """The stage to hit. Answers of short stages may be sent together with those of stages after
    them, and a death in the sending is blamed on the last: nothing comes after the last of all."""
    return trials - 1 if where == "half_sent" else VICTIM


def failed_attempts(directory):
    """The journal's records of attempts that failed."""
    records = [json.loads(line) for path in sorted(directory.glob("journal/*.jsonl"))
               for line in path.read_text().splitlines()]
    return [record for record in records if record["kind"] == "failed"]


class Faults(Case):
    program = FAULTS_PROGRAM

    def setUp(self):
        super().setUp()
        self.tiny(repeats=2)

    def sweep(self, out, *options, fault=None, code=0):
        """Run the sweep into a directory. None of its processes may be left."""
        env = dict(os.environ)
        if fault:
            env["MX_FAULT"] = " ".join(map(str, fault))
        if fault and fault[0] in ("hang", "flood"):
            options = *options, "--set", "schedule.stall_timeout=2s"
        self.mixsweep("run", "tiny.yaml", "--out", out, "--workers", 2, *options, code=code,
                      env=env)
        self.assertEqual(processes_of(self.folder), [])
        for log in (self.folder / out / "log").glob("exec-*"):
            self.assertLessEqual(log.stat().st_size, LOG_BYTES, log)
        return self.folder / out

    def undisturbed(self):
        table = rows(self.sweep("undisturbed") / "results.csv")
        self.assertEqual({row["status"] for row in table}, {"done"})
        self.assertEqual({row["run.attempts"] for row in table}, {"1"})
        return reproducible(self.folder / "undisturbed/results.csv")

    def check_once(self, faults):
        """Each fault, in one attempt of one stage."""
        expected = self.undisturbed()
        for (what, where), (reason, text) in faults.items():
            with self.subTest(what=what):
                stage = victim(where, len(expected))
                out = self.sweep(what, fault=(what, where, stage, self.folder / f"{what}.once"))
                self.assertTrue((self.folder / f"{what}.once").exists())
                self.assertEqual(reproducible(out / "results.csv"), expected)
                self.assertEqual([row["run.attempts"] for row in rows(out / "results.csv")],
                                 ["2" if i == stage else "1" for i in range(len(expected))])
                self.assertEqual([(record["attempt"], record["reason"], record["final"])
                                  for record in failed_attempts(out)], [(1, reason, False)])
                self.assertRegex(failed_attempts(out)[0]["text"], text)

    def test_one_attempt_is_lost_and_made_again(self):
        self.check_once(FAULTS)

    if not SANITIZED:
        def test_memory_that_runs_out_is_told_by_who_saw_it(self):
            self.check_once(OUT_OF_MEMORY)

    def test_a_stage_that_fails_each_time_fails_its_trial_alone(self):
        expected = self.undisturbed()
        for what, where, retries in (("segfault", "stage_starts", 1), ("hang", "stage_starts", 0),
                                     ("die", "half_sent", 1)):
            with self.subTest(what=what):
                reason, text = FAULTS[what, where]
                stage = victim(where, len(expected))
                out = self.sweep(what, "--set", f"schedule.retries={retries}", code=1,
                                 fault=(what, where, stage, "always"))
                table = reproducible(out / "results.csv")
                row = rows(out / "results.csv")[stage]
                self.assertEqual((row["status"], row["reason"], row["run.attempts"]),
                                 ("failed", reason, str(retries + 1)))
                self.assertRegex(row["run.reason"], text)
                self.assertEqual([record["final"] for record in failed_attempts(out)],
                                 [False] * retries + [True])
                self.assertEqual(table[:stage] + table[stage + 1:],
                                 expected[:stage] + expected[stage + 1:])
                self.assertIn(f"mixsweep retry {what} --failed has the next resume try them again", (out / "log/sweep.log").read_text())

    def test_more_attempts_are_offered_only_where_they_could_help(self):
        self.write("wild.yaml", "data: {set: synthetic, size: 12, synthetic: {n: 60}}\nmodel: {arch: resnet8}\n"
                                "train: {epochs: 4, batch_size: 16, lr: 1000, weight_decay: 100}\n")
        self.mixsweep("run", "wild.yaml", "--out", "wild", "--workers", "1", code=1)
        (trial,), (cell,) = (rows(self.folder / f"wild/{table}.csv") for table in ("results", "cells"))
        self.assertEqual((trial["status"], trial["reason"]), ("failed", "diverged"))
        self.assertRegex(trial["run.reason"], r"^epoch \d+")
        self.assertEqual((trial["test.accuracy"], cell["test.accuracy.n"], cell["test.accuracy.mean"]),
                         ("", "0", ""), "a number of a trial that diverged is in no table")
        self.assertNotIn("mixsweep retry", (self.folder / "wild/log/sweep.log").read_text())

    def test_an_executor_that_dies_as_it_starts_is_started_again(self):
        expected = self.undisturbed()
        out = self.sweep("out", fault=("segfault", "executor_starts", 0, self.folder / "once"))
        self.assertTrue((self.folder / "once").exists())
        self.assertEqual(reproducible(out / "results.csv"), expected)
        self.assertEqual(failed_attempts(out), [])

    def test_executors_that_never_start_end_the_sweep_with_the_place_to_look(self):
        env = dict(os.environ, MX_FAULT="exit executor_starts 0 always")
        _, err = self.mixsweep("run", "tiny.yaml", "--out", "out", "--workers", 1, code=3, env=env)
        self.assertIn("executor 0 cannot start (the executor ended with exit status 7; its last "
                      "words: it was I who ended); see out/log/exec-0.log; ", err)


if __name__ == "__main__":
    main()
