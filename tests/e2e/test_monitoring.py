"""What slurm/monitoring asks Prometheus for is what sweeps write. ctest: quick timeout=300"""
import json
import re
import shutil

import prometheus
from harness import SOURCE, Case, main

FOLDER = SOURCE / "slurm/monitoring"
NAME = re.compile(r"\bmixsweep_[a-z_]+")
# What sweeps on GPUs write besides: test_gpus.py sees that they do.
OF_GPUS = {f"mixsweep_{name}" for name in (
    "energy_joules_total", "gpu_seconds_total", "node_energy_joules_total",
    "node_gpu_seconds_total", "gpu_energy_joules_total", "gpu_executors", "gpu_left_out",
    "gpu_memory_bytes", "gpu_memory_used_bytes", "gpu_utilization_ratio")}


class Monitoring(Case):
    def written(self):
        """The names of all metrics: of a sweep that runs, and of one that has ended."""
        self.mixsweep("run", self.tiny(n=48), "--out", "out")
        names = {name for name, _ in prometheus.parse((self.folder / "out/metrics.prom").read_text())}
        self.assertIn("mixsweep_exit_code", names)
        return names | OF_GPUS

    def dashboard(self):
        return json.loads((FOLDER / "mixsweep.dashboard.json").read_text())

    def test_every_metric_that_is_asked_for_is_written_and_the_other_way_round(self):
        asked = set(NAME.findall(json.dumps(self.dashboard())))
        alerts = set(NAME.findall((FOLDER / "mixsweep.rules.yml").read_text()))
        written = self.written()
        self.assertEqual((asked | alerts) - written, set())
        self.assertEqual(written - asked, set())

    def test_panels_stand_beside_each_other(self):
        dashboard = self.dashboard()
        taken = set()
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])}
            self.assertLessEqual(place["x"] + place["w"], 24)
            self.assertFalse(cells & taken, panel["title"])
            taken |= cells
            for target in panel["targets"]:
                self.assertEqual(target["expr"].count("("), target["expr"].count(")"))
        ids = [panel["id"] for panel in dashboard["panels"]]
        self.assertEqual(len(ids), len(set(ids)))

    def test_every_alert_says_what_it_is_and_what_to_do_and_is_tested(self):
        text = (FOLDER / "mixsweep.rules.yml").read_text()
        alerts = text.split("- alert: ")[1:]
        tests = (FOLDER / "mixsweep.rules.test.yml").read_text()
        untested = []
        for alert in alerts:
            name = alert.split("\n")[0]
            for key in ("expr: ", "severity: ", "summary: ", "action: "):
                self.assertEqual(alert.count(key), 1, (name, key))
            if f"alertname: {name}\n" not in tests:
                untested.append(name)
        self.assertEqual(untested, ["MixsweepInterrupted"])  # six hours of nothing

    def test_promtool_has_no_complaint(self):
        for file in FOLDER.glob("*.yml"):
            shutil.copy(file, self.folder)
        for args in (("check", "rules", str(self.folder / "mixsweep.rules.yml")),
                     ("test", "rules", str(self.folder / "mixsweep.rules.test.yml"))):
            self.assertIn(prometheus.promtool(*args), ("", None))


if __name__ == "__main__":
    main()
