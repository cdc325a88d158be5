"""Stopping a sweep from outside, through its directory. ctest: quick timeout=300"""
import json
import os
import signal

from harness import TIME_LIMIT_S, HeldSweep, main, records, reproducible, rows, this_process_as_owner


class Stop(HeldSweep):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "out"
        # Long enough that no trial is handed out ahead of another: brief ones are not recorded as
        # started, and an executor may hold several.
        self.config = self.tiny(n=256, arch="resnet8", epochs=8)

    def expect_end(self, sweep, code):
        out, err = sweep.communicate(timeout=TIME_LIMIT_S)
        self.assertEqual(sweep.returncode, code, err)
        self.assertEqual((self.out / "exit_code").read_text(), f"{code}\n")
        return out, err

    def log(self):
        return (self.out / "log/sweep.log").read_text()

    def owner(self):
        return json.loads((self.out / "owner.json").read_text())

    def statuses(self):
        return [row["status"] for row in rows(self.out / "results.csv")]

    def ask(self, text):
        """Put a control file there, whole."""
        self.write("control", text).rename(self.out / "control.json")

    def expect_the_whole_table(self):
        """Go on, and compare with a sweep that nobody stopped."""
        self.mixsweep("resume", "out")
        self.mixsweep("run", self.config, "--out", "whole")
        self.assertEqual(reproducible(self.out / "results.csv"),
                         reproducible(self.folder / "whole/results.csv"))

    def test_what_runs_is_finished_and_the_rest_is_left_for_resume(self):
        sweep, executor = self.begin()
        out, err = self.mixsweep("stop", "out")
        owner = self.owner()
        self.assertEqual((out, err), (
            f"out: asked the sweep on {owner['host']} (process {sweep.pid}) to finish its running "
            f"trials and stop; mixsweep resume out goes on later\n", ""))
        told = (f"mixsweep stop on {owner['host']}: running trials are finished, no new ones "
                f"start; --now, or Ctrl-C twice, stops now\n")
        self.wait_for("it is heard", lambda: told in self.log(), sweep)
        self.assertFalse((self.out / "control.json").exists())
        started = records(self.out, "started")
        os.kill(executor, signal.SIGCONT)
        self.expect_end(sweep, 75)
        self.assertEqual(records(self.out, "started"), started)
        self.assertEqual(self.statuses().count("done"), started)
        self.assertEqual(self.statuses().count("pending"), len(self.statuses()) - started)
        self.assertGreater(len(self.statuses()), started)
        self.expect_the_whole_table()

    def test_now_does_not_wait_for_what_runs(self):
        sweep, _ = self.begin()
        out, _ = self.mixsweep("stop", "out", "--now")
        self.assertIn(f"(process {sweep.pid}) to stop now; mixsweep resume out goes on later", out)
        self.expect_end(sweep, 75)
        self.assertIn(f"mixsweep stop on {self.owner()['host']}: stopping now; mixsweep resume out "
                      f"goes on\n", self.log())
        self.assertIn("pending", self.statuses())
        self.expect_the_whole_table()

    def test_now_may_follow_when_running_trials_take_too_long(self):
        sweep, _ = self.begin()
        self.mixsweep("stop", "out")
        self.wait_for("it is heard", lambda: "running trials are finished" in self.log(), sweep)
        self.mixsweep("stop", "out", "--now")
        self.expect_end(sweep, 75)
        self.assertIn("stopping now", self.log())

    def test_garbage_is_told_and_a_request_to_another_life_is_ignored(self):
        sweep, executor = self.begin()
        control = self.out / "control.json"
        for text in ("stop, please", '{"request":"end","incarnation":2,"host":"elsewhere"}'):
            self.ask(text)
            self.wait_for("it is taken", lambda: not control.exists(), sweep)
        os.kill(executor, signal.SIGCONT)
        _, err = self.expect_end(sweep, 0)
        text = "warning: out/control.json was not written by mixsweep stop; it was removed\n"
        self.assertEqual(err.count(text), 1, err)
        self.assertNotIn("elsewhere", self.log())

    def test_a_request_that_came_too_late_does_not_stop_the_next_life(self):
        sweep, _ = self.begin()
        self.mixsweep("stop", "out", "--now")
        self.expect_end(sweep, 75)
        for incarnation in (1, 2):
            self.ask('{"request":"end","incarnation":%d,"host":"elsewhere"}' % incarnation)
            self.mixsweep("resume", "out")
            self.assertFalse((self.out / "control.json").exists())

    def test_where_nothing_runs_there_is_nothing_to_stop(self):
        nothing = ("out: no sweep runs there, nothing to stop\n", "")
        sweep, _ = self.begin()
        os.killpg(sweep.pid, signal.SIGKILL)
        sweep.communicate()
        self.assertEqual(self.mixsweep("stop", "out"), nothing)
        self.mixsweep("resume", "out")
        self.assertEqual(self.mixsweep("stop", "out", "--now"), nothing)
        self.assertFalse((self.out / "control.json").exists())

    def test_a_sweep_that_is_starting_is_waited_for(self):
        # The owner is this process, which knows its incarnation only later.
        owner = this_process_as_owner(incarnation=None)
        self.write("out/config.yaml", "")
        self.write("out/owner.json", json.dumps(owner))
        stop = self.start("stop", "out")
        owner["incarnation"] = 5
        self.write("new", json.dumps(owner)).rename(self.out / "owner.json")
        out, err = stop.communicate(timeout=TIME_LIMIT_S)
        self.assertEqual((stop.returncode, err), (0, ""))
        self.assertIn(f"(process {os.getpid()})", out)
        control = json.loads((self.out / "control.json").read_text())
        self.assertEqual((control["request"], control["incarnation"]), ("drain", 5))

    def test_what_is_wrong_is_said(self):
        (self.folder / "empty").mkdir()
        for args, text in (
                (["nowhere"], "there is no nowhere"),
                (["empty"], "empty holds no sweep: it has no config.yaml"),
                ([], "stop takes one DIR; mixsweep stop --help tells more"),
                (["out", "--later"], "stop does not take '--later'; mixsweep stop --help tells "
                                     "more"),
                (["out", "out"], "stop does not take 'out': it takes one DIR; mixsweep stop --help tells more")):
            self.assertEqual(self.refused(2, "stop", *args), f"mixsweep: {text}\n")
        self.assertEqual(os.listdir(self.folder / "empty"), [])


if __name__ == "__main__":
    main()
