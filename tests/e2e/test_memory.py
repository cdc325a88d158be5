"""An executor takes as much memory as plan says it will, or a fifth more or less. ctest: quick unsanitized"""
import json
import subprocess
import sys

from harness import PROGRAM, Case, main

CONFIG = """
name: {arch}
data: {{set: synthetic, size: {size}, channels: 3, val_fraction: 0.2, synthetic: {{n: {n}, classes: 10}}}}
model: {{arch: {arch}}}
train: {{epochs: 1, batch_size: {batch}, lr: 0.001}}
schedule: {{keep: results}}
"""

# The largest of all processes that came of it: the executor.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


class Memory(Case):
    def check(self, arch, size, batch):
        config = self.write(f"{arch}.yaml", CONFIG.format(arch=arch, size=size, batch=batch, n=2 * batch))
        out, _ = self.mixsweep("plan", config, "--json")
        planned = json.loads(out)["memory_bytes_per_executor"]
        done = subprocess.run([sys.executable, "-c", MEASURE, PROGRAM, "run", config, "--workers", "1"],
                              cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        taken = int(done.stdout)
        self.assertGreater(planned, 0.8 * taken, f"{arch}: {planned} planned, {taken} taken")
        self.assertLess(planned, 1.2 * taken, f"{arch}: {planned} planned, {taken} taken")

    def test_of_a_network_with_many_weights(self):
        self.check("resnet18", 32, 16)

    def test_of_a_network_with_large_activations(self):
        self.check("efficientnet_lite0", 96, 16)


if __name__ == "__main__":
    main()
