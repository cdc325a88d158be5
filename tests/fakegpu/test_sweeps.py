"""Whole sweeps on GPUs that are not there, computed by the CUDA backend: what the CPU computes, within
what float32 allows, and what becomes of a sweep when a GPU fails. ctest: slow timeout=600"""
import json
import os
import re
import subprocess
import unittest

from gpu_harness import FAKEGPU, FASHION_MNIST, GpuCase, main, pretend, uuid
from harness import PROGRAM, SOURCE

MPIRUN = os.environ.get("MX_MPIRUN")
QUICKSTART = SOURCE / "configs/quickstart.yaml"

# A training, features, heads on them, maps and their scores.
EVERY_KIND = """
name: kinds
seed: 4
data: {set: synthetic, size: 8, val_fraction: 0.3, spurious_rate: 0.8, synthetic: {n: 32, classes: 2, noise: 0.2}}
model: {arch: resnet8}
train: {epochs: 1, batch_size: 8, lr: 0.02}
grid:
  head.method: [erm, llr]
score:
  attributions: [gradcam]
  metrics: [accuracy, cross_entropy, deletion, insertion]
  fills: [zero, blur, road]
  images: 3
  steps: 3
"""


class Same(GpuCase):
    def test_one_two_and_eight_gpus_give_what_the_cpu_gives(self):
        config = self.config(arch="resnet8", n=24)
        cpu = self.sweep(config, "cpu", "--set", "schedule.device=cpu", "--workers", 2)
        for gpus in (1, 2, 8):
            table = self.sweep(config, f"out{gpus}", gpus=gpus)
            self.expect_near(cpu, table, 6)
            self.assertLessEqual({row["run.device"] for row in table},
                                 {f"NVIDIA Pretended 80GB, {uuid(gpu)}" for gpu in range(gpus)})
            self.expect_same("out1", f"out{gpus}")
        self.assertTrue(any(mine["test.cross_entropy"] != other["test.cross_entropy"]
                            for mine, other in zip(table, cpu)), "it was computed by the CPU's engine")
        keys = [{path.parent.name for path in (self.folder / out).glob("stages/*/stage.json")}
                for out in ("cpu", "out1", "out2")]
        self.assertEqual((keys[0] & keys[1], keys[1]), (set(), keys[2]))

    def test_every_kind_of_stage_runs(self):
        config = self.write("kinds.yaml", EVERY_KIND)
        cpu = self.sweep(config, "cpu", "--set", "schedule.device=cpu", "--workers", 2)
        self.expect_near(cpu, self.sweep(config, "gpu"), 9)
        records = [json.loads(path.read_text()) for path in (self.folder / "gpu").glob("stages/*/stage.json")]
        self.assertEqual({record["device"] for record in records}, {"cuda"})
        self.assertLessEqual({"train", "features", "maps", "scores"}, {record["kind"] for record in records})

    def test_the_quick_start_is_as_accurate_as_on_the_cpu(self):
        # So few images at so high a rate let rounding errors grow: with narrower vectors the same CPU
        # gives accuracies that are up to .07 off its own, .02 on average.
        if not FASHION_MNIST.exists():
            self.skipTest(f"there is no {FASHION_MNIST}")
        brief = [word for setting in ("data.size=8", "data.train_limit=300", "data.test_limit=100")
                 for word in ("--set", setting)]
        cpu = self.sweep(QUICKSTART, "cpu", "--set", "schedule.device=cpu", "--workers", 2, *brief)
        gpu = self.sweep(QUICKSTART, "gpu", *brief)
        self.assertEqual(len(gpu), 7)
        self.assertTrue(all("Pretended" in row["run.device"] for row in gpu))
        off = [abs(float(mine[name]) - float(other[name])) for mine, other in zip(gpu, cpu)
               for name in ("val.accuracy", "test.accuracy")]
        self.assertTrue(all(one <= 0.1 for one in off), off)
        self.assertLessEqual(sum(off) / len(off), 0.03, off)

    def test_without_a_driver_it_runs_on_the_cpu(self):
        config = self.config(("none",))
        bare = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
        for out, self.program in (("cuda", FAKEGPU), ("cpu", PROGRAM)):
            self.mixsweep("run", config, "--out", out, "--workers", 1, env=dict(bare, MX_FAKEGPU_DEVICES="none"))
        self.expect_same("cuda", "cpu")
        self.assertIn("device: cpu", (self.folder / "cuda/config.yaml").read_text())

    def test_executors_share_a_gpu(self):
        config = self.config()
        self.sweep(config, "one")
        self.sweep(config, "shared", "--per-gpu", 3)
        self.expect_same("one", "shared")

    def test_parts_of_a_divided_gpu_are_used_like_gpus(self):
        """But for NCCL, which takes one rank a card: one of its parts takes what the others have."""
        config = self.config(("none", "cutmix", "mixup", "cutout", "resizemix"))
        self.sweep(config, "one")
        table = self.sweep(config, "parts", gpus=2, MX_FAKE_GPU_0="mig=3")
        self.expect_same("one", "parts")
        parts = [f"NVIDIA Pretended 80GB MIG 1g.10gb, MIG-fa4e0000-0000-5000-8000-00000000000{part}" for part in range(3)]
        self.assertEqual({row["run.device"] for row in table}, {*parts, f"NVIDIA Pretended 80GB, {uuid(1)}"})
        self.assertRegex(self.log("parts"), "reduced: .* of 2 executors by NCCL, .*; equal to the journal bit for bit")
        self.assertNotIn("did not come about", self.log("parts"))
        self.sweep(config, "chosen", gpus=2, MX_FAKE_GPU_0="mig=3", CUDA_VISIBLE_DEVICES=f"{parts[2][-40:]},{parts[0][-40:]}")
        self.expect_same("one", "chosen")
        self.assertNotIn("by NCCL", self.log("chosen"))  # two parts of one card

    def test_four_executors_share_a_gpu_under_mps(self):
        """MPS as far as supervisors see it: its control daemon's number, and its server on the GPU, which is
        in the mode for one process and is nobody who computes there."""
        (self.folder / "nvidia-cuda-mps-server").symlink_to("/bin/sleep")
        server = subprocess.Popen([self.folder / "nvidia-cuda-mps-server", "1000"])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.write("nvidia-cuda-mps-control.pid", f"{server.pid}\n")
        config = self.config(("none", "cutmix", "mixup", "cutout", "resizemix"))
        self.sweep(config, "one")
        special = {"MX_FAKE_GPU_0": f"foreign={server.pid}:1200 mode=3 used=1200",
                   "CUDA_MPS_PIPE_DIRECTORY": str(self.folder)}
        self.sweep(config, "shared", "--per-gpu", 4, **special)
        self.expect_same("one", "shared")
        log = self.log("shared")
        self.assertIn("4 executors on 1 GPU; MPS runs: those of one GPU compute at once", log)
        self.assertNotIn("left out", log)
        status = self.status("shared")
        self.assertEqual((status["nodes"][0]["executors"], status["nodes"][0]["gpus"][0]["executors"]), (4, 4))
        server.kill()
        server.wait()
        self.sweep(config, "without", "--per-gpu", 4, **dict(special, MX_FAKE_GPU_0="mode=3"))
        self.assertIn("MPS does not run", self.log("without"))
        self.assertEqual(self.status("without")["nodes"][0]["executors"], 1)


class Failures(GpuCase):
    """Each happens to one process, the first that gets there."""

    def failing(self, what):
        return {"MX_FAKEGPU_FAIL": f"{what}:once={self.folder}/happened"}

    def expect_as_undisturbed(self, what, text, *more, gpus=1, config=None):
        """The stage is tried again, by another process, and nothing else is different."""
        config = config or self.config()
        table = self.sweep(config, "out", *more, gpus=gpus, **self.failing(what))
        self.assertTrue((self.folder / "happened").exists(), "nothing failed")
        self.assertIn(text, self.log("out"))
        self.assertEqual(sorted(row["run.attempts"] for row in table), ["1"] * (len(table) - 1) + ["2"])
        self.sweep(config, "whole", gpus=gpus)
        self.expect_same("whole", "out")

    def expect_executors(self, gpus):
        """How many each GPU has at the end and why; all places that tell of them agree."""
        node = self.status("out")["nodes"][0]
        self.assertEqual(sorted((gpu["executors"], gpu["left_out"]) for gpu in node["gpus"]), gpus)
        left = sum(count for count, _ in gpus)
        self.assertEqual(node["executors"], left)
        metrics = (self.folder / "out/metrics.prom").read_text()
        self.assertRegex(metrics, rf"\nmixsweep_node_executors\{{[^}}]*\}} {left}\n")
        for gpu in node["gpus"]:
            self.assertRegex(metrics, rf'\nmixsweep_gpu_executors\{{[^}}]*gpu="{gpu["uuid"]}"[^}}]*\}} {gpu["executors"]}\n')
        given_up = [line for line in self.log("out").splitlines() if "is given up, its GPU" in line]
        told = [int(count) for count in re.findall(r"; (\d+) executors?$", self.log("out"), re.MULTILINE)]
        self.assertEqual(told, [left + len(given_up), left])  # at the beginning and the end

    def test_memory_that_is_out_fails_a_trial_and_the_next_one_runs(self):
        table = self.sweep(self.config(), "out", "--set", "schedule.retries=0", code=1, **self.failing("malloc@1:oom"))
        self.assertEqual([row["status"] for row in table], ["failed", "done", "done"])
        self.assertEqual(table[0]["reason"], "out_of_memory")
        self.assertEqual(len({row["run.executor"] for row in table}), 1)
        self.assertRegex(self.log("out"), r"no GPU memory for \d+ bytes: \d+ of 2147483648 are free")

    def test_a_library_without_memory_of_its_own_fails_a_trial_and_the_next_one_runs(self):
        for call, name in ((1, "cudnnCreate"), (2, "cublasCreate"), (3, "cublasSgemm")):
            with self.subTest(call=name):
                happened = self.folder / name
                table = self.sweep(self.config(), f"out{call}", "--set", "schedule.retries=0", code=1,
                                   MX_FAKEGPU_FAIL=f"library@{call}:oom:once={happened}")
                self.assertTrue(happened.exists())
                self.assertEqual([row["status"] for row in table], ["failed", "done", "done"])
                self.assertEqual(table[0]["reason"], "out_of_memory")
                self.assertEqual(len({row["run.executor"] for row in table}), 1)
                self.assertRegex(self.log(f"out{call}"), rf"no GPU memory for what {name}\w* needs itself \(.*\): "
                                                         r"\d+ of 2147483648 bytes are free")

    def test_memory_that_is_out_at_any_time_ends_no_executor(self):
        """Before a training, in its first step, while its graph is noted, between two trials: what needs the
        memory is tried again by the same executor, or done without."""
        config, log = self.config(("none", "cutmix")), ""
        self.sweep(config, "whole")
        for event in [f"{kind}@{number}" for kind in ("malloc", "library") for number in range(1, 10)]:
            with self.subTest(event=event):
                happened = self.folder / f"{event}.happened"
                table = self.sweep(config, event, MX_FAKEGPU_FAIL=f"{event}:oom:once={happened}")
                self.assertTrue(happened.exists(), "nothing failed")
                self.assertEqual({row["status"] for row in table}, {"done"})
                self.expect_same("whole", event)
                self.assertNotIn("the executor ended", self.log(event))
                log += self.log(event)
        for told in ("no GPU memory for", "epoch 0, batch 1: no GPU memory", "no graph of a training step"):
            self.assertIn(told, log)

    def test_an_error_that_sticks_ends_the_executor(self):
        self.expect_as_undisturbed("launch@20:ecc", "its last words: mixsweep: epoch 0, batch")
        self.assertIn("uncorrectable ECC error encountered", self.log("out"))

    def test_a_kernel_that_hangs_is_ended(self):
        self.expect_as_undisturbed("launch@20:hang", "the executor was ended: stalled", "--set",
                                   "schedule.stall_timeout=10s")

    def test_a_gpu_that_falls_off_is_given_up(self):
        self.expect_as_undisturbed("launch@20:lost", "is given up, its GPU", gpus=2)
        self.assertIn("no CUDA-capable device is detected", self.log("out"))
        self.expect_executors([(0, "no executor can be started on it"), (1, None)])

    def test_of_two_that_share_a_gpu_one_is_given_up(self):
        self.expect_as_undisturbed("launch@20:lost", "is given up, its GPU", "--per-gpu", 2, gpus=2,
                                   config=self.config(("none", "cutmix", "mixup", "cutout", "resizemix")))
        self.expect_executors([(1, None), (2, None)])

    def test_without_the_last_gpu_the_sweep_ends_and_goes_on_later(self):
        config = self.config()
        _, err = self.mixsweep("run", config, "--out", "out", code=3, env=pretend(1, **self.failing("launch@20:lost")))
        self.assertIn("no executor is left: the last one cannot start", err)
        self.mixsweep("resume", "out", env=pretend(1))
        self.sweep(config, "whole")
        self.expect_same("whole", "out")

    def test_a_training_goes_on_from_its_checkpoint_to_the_same_bits(self):
        config = self.config(("cutmix",), epochs=2, arch="resnet8", n=32)
        self.expect_as_undisturbed("launch@600:illegal", "goes on from epoch", "--set",
                                   "schedule.checkpoint_every=0.01s", config=config)
        weights = [path.read_bytes() for path in self.folder.glob("*/stages/*/weights.safetensors")]
        self.assertEqual((len(weights), len(set(weights))), (2, 1))

    @unittest.skipUnless(MPIRUN, "built without MPI")
    def test_the_gpu_of_another_rank_falls_off(self):
        config = self.config()
        self.program = MPIRUN
        self.mixsweep("--quiet", "--oversubscribe", "--bind-to", "none", "-n", 2, FAKEGPU, "run", config, "--out", "out",
                      env=dict(pretend(2, **self.failing("launch@20:lost")), OMPI_ALLOW_RUN_AS_ROOT="1",
                               OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1"))
        self.assertIn("is given up, its GPU", self.log("out"))
        self.program = FAKEGPU
        self.sweep(config, "whole")
        self.expect_same("whole", "out")


if __name__ == "__main__":
    main()
