"""Sweeps on GPUs that are not there: which are used, by whom, and what is told of them. The
executors' computing is pretended too (tests/faults); Open MPI leaks. ctest: quick unsanitized"""
import csv
import datetime
import json
import os
import re
import unittest

import prometheus
from harness import FAULTS_PROGRAM, PROGRAM, Case, main
from test_monitoring import OF_GPUS

MPIRUN = os.environ.get("MX_MPIRUN")


def pretend(gpus, **special):
    """The environment of a machine with GPUs that are not there."""
    kept = {key: value for key, value in os.environ.items()
            if not key.startswith(("CUDA_", "SLURM_"))}
    return dict(kept, LD_LIBRARY_PATH=os.path.dirname(os.environ["MX_FAKE_NVML"]),
                MX_FAKE_GPUS=str(gpus), MX_PRETEND_CUDA="1", CUDA_MPS_PIPE_DIRECTORY="/nowhere",
                **{f"MX_FAKE_{key}" if key.startswith("GPU_") else key: value
                   for key, value in special.items()})


def uuid(gpu):
    return f"GPU-fa4e000{gpu}-0000-4000-8000-00000000000{gpu}"


class Gpus(Case):
    program = FAULTS_PROGRAM

    def sweep(self, *arguments, env, code=0):
        return self.mixsweep("run", self.tiny(), "--out", "out", *arguments, code=code, env=env)

    def devices(self):
        """The devices that trials ran on, by executor."""
        with open(self.folder / "out" / "results.csv", newline="") as file:
            return {row["run.executor"]: row["run.device"] for row in csv.DictReader(file)}

    def gpus(self):
        with open(self.folder / "out" / "status.json") as file:
            return json.load(file)["nodes"][0]["gpus"]

    def test_each_fit_gpu_gets_an_executor_and_the_others_are_told(self):
        _, err = self.sweep(env=pretend(3, GPU_1="ecc=2", GPU_2="load=70 used=900"))
        self.assertIn(f"{uuid(1)} (NVIDIA Pretended 80GB) is left out: 2 uncorrected memory errors",
                      err)
        self.assertIn("2 executors on 2 GPUs", err)
        for executor, device in self.devices().items():
            self.assertEqual(device, f"NVIDIA Pretended 80GB, {uuid({'0': 0, '1': 2}[executor])}")
        gpus = {gpu["uuid"]: gpu for gpu in self.gpus()}
        self.assertEqual({key: gpu["executors"] for key, gpu in gpus.items()},
                         {uuid(0): 1, uuid(1): 0, uuid(2): 1})
        self.assertIsNone(gpus[uuid(0)]["left_out"])
        self.assertIn("uncorrected", gpus[uuid(1)]["left_out"])
        self.assertEqual((gpus[uuid(2)]["load"], gpus[uuid(2)]["memory_used_bytes"]),
                         (0.7, 900 << 20))
        out, _ = self.mixsweep("status", "out")
        self.assertRegex(out, rf"{uuid(2)[:12]} +Pretended 80GB +1 +70% +0\.9/79\.6 GiB")
        self.assertRegex(out, rf"\n{uuid(1)[:12]} on \S+: 2 uncorrected memory errors")
        metrics = (self.folder / "out" / "metrics.prom").read_text()
        self.assertRegex(metrics, rf'mixsweep_gpu_utilization_ratio\{{.*gpu="{uuid(2)}".*\}} 0\.7')
        self.assertRegex(metrics, rf'mixsweep_gpu_left_out\{{.*gpu="{uuid(1)}".*\}} 1\n')

    def attempts(self):
        """All attempts on record."""
        text = "".join(path.read_text() for path in sorted((self.folder / "out/journal").iterdir()))
        return [record for record in map(json.loads, text.splitlines())
                if record["kind"] in ("done", "failed")]

    def rows(self):
        with open(self.folder / "out" / "results.csv", newline="") as file:
            return list(csv.DictReader(file))

    def test_time_and_energy_of_gpus_are_counted(self):
        # The pretended card draws 300 W, whatever it does.
        self.sweep(env=pretend(1))
        attempts = self.attempts()
        for record in attempts:
            self.assertGreaterEqual(record["gpu_seconds"], record["seconds"] - 0.01)
            self.assertAlmostEqual(record["energy_j"], 300 * record["gpu_seconds"],
                                   delta=1 + 0.01 * record["energy_j"])
        energy = {record["key"]: record["energy_j"] for record in attempts}
        for row in self.rows():
            stages = json.loads(self.mixsweep("trial", "out", row["trial"], "--json")[0])["stages"]
            self.assertAlmostEqual(float(row["run.energy_j"]),
                                   sum(energy[key] for key in stages.values()), places=6)
        status = json.loads(self.mixsweep("status", "out", "--json")[0])
        self.assertAlmostEqual(status["energy_j"], sum(energy.values()), places=6)
        self.assertAlmostEqual(3600 * status["gpu_hours"],
                               sum(record["gpu_seconds"] for record in attempts), places=6)
        self.assertAlmostEqual(status["nodes"][0]["energy_j"], status["energy_j"], places=6)
        self.assertRegex(self.mixsweep("status", "out")[0], r"; \S+ GPU hours, \S+ k?Wh\n")
        text = (self.folder / "out/metrics.prom").read_text()
        self.assertEqual(OF_GPUS - {name for name, _ in prometheus.parse(text)}, set())
        self.assertIn(prometheus.promtool("check", "metrics", text=text), ("", None))

    def test_executors_that_share_a_gpu_share_its_time_and_a_restart_forgets_none(self):
        self.sweep("--per-gpu", 2, env=pretend(1))
        attempts = self.attempts()
        times = [(record["started"], record["ended"]) for record in attempts]
        span = (datetime.datetime.fromisoformat(max(ended for _, ended in times)[:-1]) -
                datetime.datetime.fromisoformat(min(begun for begun, _ in times)[:-1]))
        total = sum(record["gpu_seconds"] for record in attempts)
        self.assertLessEqual(total, span.total_seconds() + 0.5)
        self.mixsweep("retry", "out", "--id", self.rows()[0]["trial"])
        self.mixsweep("resume", "out", env=pretend(1))
        status = json.loads(self.mixsweep("status", "out", "--json")[0])
        again = self.attempts()
        self.assertGreater(len(again), len(attempts))
        self.assertAlmostEqual(3600 * status["gpu_hours"],
                               sum(record["gpu_seconds"] for record in again), places=6)
        self.assertLess(status["nodes"][0]["gpu_hours"], status["gpu_hours"])

    def test_a_part_of_a_divided_gpu_has_no_meter(self):
        self.sweep(env=pretend(1, GPU_0="mig=1"))
        self.assertEqual({row["run.energy_j"] for row in self.rows()}, {""})
        self.assertEqual({record["energy_j"] for record in self.attempts()}, {None})
        status = json.loads(self.mixsweep("status", "out", "--json")[0])
        self.assertGreater(status["gpu_hours"], 0)
        self.assertIsNone(status["energy_j"])

    def test_the_environment_chooses_and_per_gpu_shares(self):
        _, err = self.sweep("--per-gpu", 2, env=pretend(3, CUDA_VISIBLE_DEVICES="2"))
        self.assertIn("2 executors on 1 GPU; MPS does not run: those of one GPU take turns", err)
        self.assertEqual(set(self.devices().values()), {f"NVIDIA Pretended 80GB, {uuid(2)}"})

    def test_executors_see_their_gpu_alone(self):
        self.sweep(env=pretend(2, CUDA_VISIBLE_DEVICES="1,0", MX_FAULT_SHOWS="CUDA_VISIBLE_DEVICES"))
        log = "".join(path.read_text() for path in (self.folder / "out" / "log").glob("exec-*.log"))
        self.assertEqual(set(re.findall(r"CUDA_VISIBLE_DEVICES=(.*)", log)), {uuid(0), uuid(1)})

    def test_without_gpus_sweeps_run_on_cpus(self):
        for env in (pretend(2, CUDA_VISIBLE_DEVICES=""), pretend(1, GPU_0="foreign=7:900")):
            _, err = self.sweep("--workers", 1, env=env)
            self.assertNotIn("Pretended", " ".join(self.devices().values()))
            self.assertEqual([gpu["executors"] for gpu in self.gpus()],
                             [0] if "MX_FAKE_GPU_0" in env else [])
            self.assertEqual("is left out: 1 other process computes on it (7 with 900 MiB)" in err,
                             "MX_FAKE_GPU_0" in env)
            self.assertIn("device: cpu", (self.folder / "out" / "config.yaml").read_text())
            self.mixsweep("clean", "out")
            (self.folder / "out").rename(self.folder / f"out{len(env)}{env['MX_FAKE_GPUS']}")

    def test_a_sweep_that_finds_no_gpu_to_use_says_why_in_its_log(self):
        """It is not for the results to tell that they were not computed where their owner thought."""
        alone = "the environment leaves no GPU to this process: CUDA_VISIBLE_DEVICES"
        for number, (special, *lines) in enumerate((
                ({"CUDA_VISIBLE_DEVICES": ""}, f"{alone} hides all GPUs"),
                ({"CUDA_VISIBLE_DEVICES": "all"}, f"{alone}: 'all' is no number of a GPU here, and ends the list"),
                ({"CUDA_VISIBLE_DEVICES": "1,1"}, f"{alone}: '1' stands for a GPU that is in the list already"),
                ({"CUDA_VISIBLE_DEVICES": "GPU-fa4e"}, f"{alone}: 'GPU-fa4e' means several GPUs, and ends the list"),
                ({"MX_FAKE_GPU_0": "ecc=1", "MX_FAKE_GPU_1": "lost"},
                 "no GPU is fit, the first one since 1 uncorrected memory error (ECC)",
                 f"{uuid(0)} (NVIDIA Pretended 80GB) is left out: 1 uncorrected",
                 "GPU 1 (GPU) is left out: it has fallen off the bus"),
                ({"LD_LIBRARY_PATH": ""}, "there is no libnvidia-ml.so.1: no NVIDIA driver is installed"))):
            with self.subTest(special=special):
                out, env = f"out{number}", {**pretend(2), **special}
                _, err = self.mixsweep("run", self.tiny(), "--out", out, "--workers", 1, env=env)
                log = (self.folder / out / "log/sweep.log").read_text()
                for line in (f"the sweep computes on CPUs: {lines[0]}", *lines[1:]):
                    self.assertIn(line, err)
                    self.assertIn(line, log)
                err = self.refused(3, "run", self.tiny(), "--out", "refused", "--set", "train.precision=bf16", env=env)
                self.assertIn(f"train.precision: bf16 needs a GPU, and there is none: {lines[0]}", err)

    def test_gpus_that_are_asked_for_must_be_there(self):
        err = self.refused(3, "run", self.tiny(), "--set", "schedule.device=cuda",
                           env=pretend(2, CUDA_VISIBLE_DEVICES="-1"))
        self.assertIn("schedule.device is cuda: the environment leaves no GPU to this process: CUDA_VISIBLE_DEVICES: "
                      "'-1' is no number of a GPU here, and ends the list", err)
        self.program = PROGRAM
        err = self.refused(3, "run", self.tiny(), "--set", "schedule.device=cuda", env=pretend(2))
        self.assertIn("schedule.device is cuda: ", err)
        if "built without CUDA" in err:  # which is told where it matters alone
            for there, told in ((2, True), (0, False)):
                _, err = self.mixsweep("run", self.tiny(), "--out", f"out{there}", "--workers", 1, env=pretend(there))
                self.assertEqual("the sweep computes on CPUs: this mixsweep was built without CUDA" in err, told)

    def test_a_sweep_stays_on_what_it_was_begun_with(self):
        self.sweep("--workers", 1, env=pretend(0))
        begun = self.devices()
        self.mixsweep("run", self.tiny(repeats=2), "--out", "out", "--resume", "--workers", 1,
                      env=pretend(2))
        self.assertEqual(set(self.devices().values()), set(begun.values()))
        _, err = self.mixsweep("run", self.tiny(), "--out", "out", "--resume", "--set",
                               "schedule.device=cuda", code=2, env=pretend(2))
        self.assertIn("schedule.device: was cpu, is cuda", err)

    def test_parts_of_a_divided_gpu_are_used_like_gpus(self):
        self.sweep(env=pretend(1, GPU_0="mig=2"))
        self.assertEqual({gpu["uuid"] for gpu in self.gpus()},
                         {f"MIG-fa4e0000-0000-5000-8000-00000000000{part}" for part in (0, 1)})

    @unittest.skipUnless(MPIRUN, "built without MPI")
    def test_ranks_of_a_node_share_its_gpus_out(self):
        env = dict(pretend(3), OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self.program = MPIRUN
        _, err = self.mixsweep("--quiet", "--oversubscribe", "--bind-to", "none", "-n", 2,
                               FAULTS_PROGRAM, "run", self.tiny(), "--out", "out", env=env)
        self.assertIn("3 executors on 3 GPUs", err)
        with open(self.folder / "out" / "status.json") as file:
            nodes = json.load(file)["nodes"]
        self.assertEqual([[gpu["uuid"] for gpu in node["gpus"]] for node in nodes],
                         [[uuid(0), uuid(2)], [uuid(1)]])
        for executor, device in self.devices().items():
            self.assertIn(uuid({"0": 0, "1": 2, "2": 1}[executor]), device)
        env["CUDA_VISIBLE_DEVICES"] = "all"  # to the ranks that have none it is told as well
        _, err = self.mixsweep("--quiet", "--oversubscribe", "--bind-to", "none", "-n", 2, FAULTS_PROGRAM, "run",
                               self.tiny(), "--out", "none", "--set", "schedule.device=cuda", code=3, env=env)
        self.assertIn("CUDA_VISIBLE_DEVICES: 'all' is no number of a GPU here, and ends the list", err)
        self.assertIn("no executor, since there is no GPU that can be used", err)


if __name__ == "__main__":
    main()
