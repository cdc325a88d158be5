"""How a sweep is doing, asked from outside. ctest: quick timeout=300"""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import prometheus
from harness import PROGRAM, TIME_LIMIT_S, HeldSweep, main

STATES = ("done", "failed", "quarantined", "stopped", "running", "pending")


class Status(HeldSweep):
    def setUp(self):
        super().setUp()
        self.out = self.folder / "out"
        text = self.tiny(repeats=2, n=96, arch="resnet8", epochs=8).read_text()
        self.config = self.write("one.yaml", text.replace("[none, mixup, cutmix]", "[none]"))

    def status(self):
        """The JSON of `status`, whose counts have to add up."""
        out, err = self.mixsweep("status", "out", "--json")
        self.assertEqual(err, "")
        status = json.loads(out)
        self.assertEqual(sum(status[state] for state in STATES), status["planned"])
        return status

    def metrics(self):
        text = (self.out / "metrics.prom").read_text()
        self.assertIn(prometheus.promtool("check", "metrics", text=text), ("", None))
        return prometheus.parse(text)

    def test_a_sweep_that_runs_is_told_and_one_whose_process_is_gone_is_lost(self):
        sweep, executor = self.begin()
        self.wait_for("status shows the trial", lambda: self.status()["slowest"], sweep)
        status = self.status()
        self.assertEqual((status["name"], status["state"], status["incarnation"],
                          status["exit_code"]), ("tiny", "running", 1, None))
        (node,) = status["nodes"]
        self.assertEqual((node["host"], node["rank"], node["executors"], node["running"]),
                         (os.uname().nodename, 0, 1, 1))
        self.assertEqual(status["slowest"][0]["stage"], "train")
        out, _ = self.mixsweep("status", "out")
        self.assertEqual(out.split("\n")[1].split(":")[0], f"{status['planned']} trials")
        self.assertIn(f"tiny: running on {node['host']} (process {sweep.pid}), incarnation 1", out)
        self.mixsweep("stop", "out")
        self.wait_for("it drains", lambda: self.status()["state"] == "draining", sweep)
        os.killpg(sweep.pid, signal.SIGKILL)
        sweep.communicate()
        self.assertEqual(self.status()["state"], "lost")
        out, _ = self.mixsweep("status", "out")
        self.assertIn(f"its process ({sweep.pid} on {node['host']}) is gone: mixsweep resume out "
                      f"goes on\n", out)
        os.kill(executor, signal.SIGKILL)
        self.mixsweep("resume", "out")
        status = self.status()
        self.assertEqual((status["state"], status["incarnation"], status["exit_code"],
                          status["eta_s"], status["done"]), ("finished", 2, 0, 0, status["planned"]))
        self.assertGreater(status["nodes"][0]["busy_seconds"], 0)

    def test_metrics_say_the_same_in_the_format_of_prometheus(self):
        sweep, executor = self.begin()
        sweep_label = ("sweep", "tiny")
        running = ("mixsweep_trials", (("state", "running"), sweep_label))
        self.wait_for("the file shows the trial", lambda: self.metrics()[running], sweep)
        samples = self.metrics()
        self.assertEqual(samples["mixsweep_state", (("state", "running"), sweep_label)], 1)
        self.assertEqual(samples[running], 1)
        os.kill(executor, signal.SIGCONT)
        sweep.communicate(timeout=TIME_LIMIT_S)
        samples, status = self.metrics(), self.status()
        for state in STATES:
            self.assertEqual(samples["mixsweep_trials", (("state", state), sweep_label)],
                             status[state])
        self.assertEqual(samples["mixsweep_state", (("state", "finished"), sweep_label)], 1)
        self.assertEqual(samples["mixsweep_exit_code", (sweep_label,)], 0)
        node = (("host", os.uname().nodename), ("rank", "0"), sweep_label)
        self.assertEqual(samples["mixsweep_node_stages_done_total", node],
                         status["nodes"][0]["done"])

    def test_a_strict_reader_of_metrics_finds_what_is_wrong(self):
        good = '# HELP a b.\n# TYPE a gauge\na{x="1"} 2\n'
        self.assertEqual(prometheus.parse(good), {("a", (("x", "1"),)): 2})
        for bad in (good[:-1], good + good, good.replace("gauge", "counter"),
                    good.replace("# TYPE a gauge\n", ""), good.replace("} 2", "} nan"),
                    good + 'a{x="1"} 3\n', good.replace('"1"', '"1\\t"'), good + "\n",
                    good.replace('x="1"', 'x="1",x="2"')):
            with self.assertRaises(ValueError, msg=bad):
                prometheus.parse(bad)

    def elsewhere(self, *args):
        """The program on another host, as far as one machine has any: another name, and
        processes of which it sees none. It shares the file system."""
        host = ("unshare", "-u", "-p", "-m", "-f", "--mount-proc", "sh", "-c",
                'hostname elsewhere && exec "$@"', "sh")
        if not shutil.which("unshare") or \
                subprocess.run([*host, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            self.skipTest("this machine does not permit hosts of processes")
        done = subprocess.run([*host, PROGRAM, *args], cwd=self.folder, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIME_LIMIT_S)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def age_of_owner(self, seconds):
        """Make owner.json as old as that."""
        then = time.time() - seconds
        os.utime(self.out / "owner.json", (then, then))

    def test_another_host_tells_and_stops_a_sweep_by_its_files_alone(self):
        sweep, executor = self.begin()
        self.wait_for("status shows the trial", lambda: self.status()["slowest"], sweep)
        here, there = self.status(), json.loads(self.elsewhere("status", "out", "--json"))
        for key in ("state", "planned", "running", "done", "incarnation"):
            self.assertEqual(there[key], here[key])
        self.assertEqual(there["nodes"][0]["host"], os.uname().nodename)
        self.assertIn(f"tiny: running on {os.uname().nodename} (process {sweep.pid}), incarnation 1",
                      self.elsewhere("status", "out"))
        self.elsewhere("stop", "out")
        self.wait_for("it drains", lambda: self.status()["state"] == "draining", sweep)
        os.killpg(sweep.pid, signal.SIGKILL)
        sweep.communicate()
        os.kill(executor, signal.SIGKILL)
        # Here the process is seen to be gone; there only its silence tells, after a minute.
        self.assertEqual(self.status()["state"], "lost")
        self.age_of_owner(50)
        self.assertIn('"state":"draining"', self.elsewhere("status", "out", "--json"))
        self.age_of_owner(61)
        text = self.elsewhere("status", "out")
        self.assertIn("tiny: lost, incarnation 1", text)
        self.assertIn(f"its process ({sweep.pid} on {os.uname().nodename}) is gone: mixsweep resume "
                      "out goes on", text)
        self.assertNotIn("running", text.split("\n")[1])
        self.age_of_owner(61)
        self.assertIn("finished: ", self.elsewhere("resume", "out"))
        self.assertEqual(self.status()["state"], "finished")

    @unittest.skipIf(os.geteuid() != 0, "only root can be somebody else")
    def test_who_may_only_read_is_told_too(self):
        self.mixsweep("run", self.config, "--out", "out", "--smoke")
        for path in (self.folder, self.out):
            path.chmod(0o755)
        owner = json.loads((self.out / "owner.json").read_text())
        owner.update(host="elsewhere", released=False)
        self.write("out/owner.json", json.dumps(owner)).chmod(0o644)
        out, _ = self.mixsweep("status", "out", user=65534, group=65534, extra_groups=[])
        self.assertIn("tiny: finished", out)

    def test_what_is_wrong_is_said(self):
        (self.folder / "empty").mkdir()
        for args, text in (
                (["nowhere"], "there is no nowhere"),
                (["empty"], "empty holds no sweep: it has no config.yaml"),
                ([], "status takes one DIR; mixsweep status --help tells more"),
                (["out", "--later"], "status does not take '--later'; mixsweep status --help "
                                     "tells more"),
                (["out", "out"], "status does not take 'out': it takes one DIR; mixsweep status --help "
                                  "tells more")):
            self.assertEqual(self.refused(2, "status", *args), f"mixsweep: {text}\n")
        self.assertEqual(os.listdir(self.folder / "empty"), [])
        self.assertTrue(self.mixsweep("status", "--help")[0].startswith("usage: mixsweep status"))


if __name__ == "__main__":
    main()
