"""For tests of whole sweeps on GPUs that are not there."""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(os.environ["MX_SOURCE_DIR"]) / "tests/e2e"))
from harness import Case, main, reproducible, rows  # noqa: E402, F401

FAKEGPU = os.environ["MX_FAKEGPU_PROGRAM"]
FASHION_MNIST = pathlib.Path("/usr/share/datasets/fashion-mnist")  # the Debian package's

CONFIG = """
name: gpu
seed: 5
data: {{set: synthetic, size: 8, val_fraction: 0.25, augment: flip_crop, synthetic: {{n: {n}, classes: 3, noise: 0.05}}}}
model: {{arch: {arch}}}
train: {{epochs: {epochs}, batch_size: 8, lr: 0.02}}
grid:
  mix.strategy: [{strategies}]
score: {{metrics: [accuracy, cross_entropy]}}
schedule: {{stall_timeout: 60s}}
"""


def pretend(gpus, **special):
    """The environment of a machine with GPUs that are not there."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CUDA_", "SLURM_"))}
    return {**kept, "LD_LIBRARY_PATH": os.path.dirname(os.environ["MX_FAKE_NVML"]), "MX_FAKE_GPUS": str(gpus),
            "CUDA_MPS_PIPE_DIRECTORY": "/nowhere", **special}


def uuid(gpu):
    return f"GPU-fa4e000{gpu}-0000-4000-8000-00000000000{gpu}"


class GpuCase(Case):
    program = FAKEGPU

    def config(self, strategies=("none", "cutmix", "mixup"), epochs=1, arch="linear", n=64):
        """A small sweep. The stand-ins compute slowly: a network with convolutions takes seconds."""
        text = CONFIG.format(strategies=", ".join(strategies), epochs=epochs, arch=arch, n=n)
        return self.write("gpu.yaml", text)

    def sweep(self, config, out, *more, gpus=1, code=0, **special):
        """A sweep's table; the environment tells what goes wrong."""
        self.mixsweep("run", config, "--out", out, *more, code=code, env=pretend(gpus, **special))
        return rows(self.folder / out / "results.csv")

    def status(self, out):
        return json.loads((self.folder / out / "status.json").read_text())

    def log(self, out):
        return (self.folder / out / "log/sweep.log").read_text()

    def expect_same(self, first, second):
        self.assertEqual(reproducible(self.folder / first / "results.csv"),
                         reproducible(self.folder / second / "results.csv"))

    def expect_near(self, cpu, gpu, images):
        """A cross entropy changes by its rounding errors, which a training lets grow. An accuracy counts
        images: one may change sides if two classes are as good as equal for it."""
        self.assertEqual([row["trial"] for row in cpu], [row["trial"] for row in gpu])
        for mine, other in zip(gpu, cpu):
            self.assertEqual((mine["status"], other["status"]), ("done", "done"))
            for name, value in other.items():
                if not name.startswith(("val.", "test.", "train.")) or value == "":
                    continue
                allowed = 1.01 / images if "accuracy" in name else 2e-3 * max(1, abs(float(value)))
                self.assertLessEqual(abs(float(mine[name]) - float(value)), allowed, name)
