"""Training in float32, TF32 and bfloat16, on GPUs that are not there. ctest: slow timeout=600"""
import math
import os

from gpu_harness import CONFIG, FASHION_MNIST, GpuCase, main, pretend, rows

# Real images, and a network that learns them in steps as they are used, or a linear classifier in many small ones.
ACCURACY = """
name: accuracy
seed: 1
data: {{set: fashion-mnist, size: 8, train_limit: 1500, test_limit: 1000, val_fraction: 0.4}}
model: {{arch: {arch}}}
train: {{epochs: {epochs}, batch_size: {batch}, lr: {lr}, nesterov: true, warmup_epochs: 0.25}}
grid:
  train.precision: [f32, tf32, bf16]
score: {{metrics: [accuracy, cross_entropy]}}
"""
UNSEEN = {"val": 598, "test": 1000}  # images of each part


class Precision(GpuCase):
    """Arithmetic as an axis of a sweep."""

    def axis(self, words):
        text = CONFIG.format(strategies="cutmix", epochs=2, arch="resnet8", n=32)
        return self.write("precision.yaml", text.replace("grid:", f"grid:\n  train.precision: [{', '.join(words)}]"))

    def test_each_precision_is_a_training_of_its_own_near_the_others(self):
        table = self.sweep(self.axis(["f32", "tf32", "bf16"]), "out")
        self.assertEqual([row["train.precision"] for row in table], ["f32", "tf32", "bf16"])
        exact, rounded, short = (float(row["test.cross_entropy"]) for row in table)
        self.assertEqual(len({exact, rounded, short}), 3)
        self.assertLessEqual(abs(exact - rounded), .05 * max(1, exact))
        self.assertLessEqual(abs(exact - short), .2 * max(1, exact))
        self.sweep(self.axis(["bf16", "tf32", "f32"]), "again", gpus=2)
        self.assertEqual(sorted(row["test.cross_entropy"] for row in table),
                         sorted(row["test.cross_entropy"] for row in rows(self.folder / "again/results.csv")))

    def learned(self, **words):
        """What float32, tf32 and bf16 make of the same real images from the same seed."""
        if not FASHION_MNIST.exists():
            self.skipTest(f"there is no {FASHION_MNIST}")
        table = self.sweep(self.write("accuracy.yaml", ACCURACY.format(**words)), "out", "--workers", 1)
        self.assertEqual([row["train.precision"] for row in table], ["f32", "tf32", "bf16"])
        for part in UNSEEN:  # none is computed as another one is
            self.assertEqual(len({row[f"{part}.cross_entropy"] for row in table}), 3)
        return table

    def test_a_network_reaches_the_accuracy_of_float32(self):
        """Rounding changes a training as another seed does: it is one of many that are equally good. So of
        images that it has not seen it may get others right, and by chance more or fewer of them; three standard
        deviations of the difference of two such shares are allowed."""
        table = self.learned(arch="resnet8", epochs=3, batch=32, lr=0.05)
        exact, *others = (sum(images * float(row[f"{part}.accuracy"]) for part, images in UNSEEN.items())
                          / sum(UNSEEN.values()) for row in table)
        self.assertGreaterEqual(exact, .7)  # guessing gets a tenth right
        deviation = math.sqrt(2 * exact * (1 - exact) / sum(UNSEEN.values()))
        for other in others:
            self.assertLessEqual(abs(other - exact), 3 * deviation, (exact, others))

    def test_steps_that_are_small_beside_the_weights_are_not_lost(self):
        """A linear classifier has one optimum, and its training forgets what was rounded: of a product two
        factors are, each by 2^-9 of itself in bf16 and by 2^-12 in tf32 at most. Were weights kept so between
        steps as well, most of these steps would change none, and the loss would stay .1 behind."""
        exact, *others = self.learned(arch="linear", epochs=4, batch=8, lr=0.0005)
        for part in UNSEEN:
            loss = float(exact[f"{part}.cross_entropy"])
            self.assertLessEqual(loss, 1.7)  # ln 10 = 2.3 by guessing
            for other, allowed in zip(others, (2 ** -11, 2 ** -8)):
                self.assertLessEqual(abs(float(other[f"{part}.cross_entropy"]) - loss), allowed * loss, part)

    def test_a_training_in_bf16_goes_on_from_its_checkpoint_to_the_same_bits(self):
        config = self.axis(["bf16"])
        table = self.sweep(config, "out", "--set", "schedule.checkpoint_every=0.01s",
                           MX_FAKEGPU_FAIL=f"launch@700:illegal:once={self.folder}/happened")
        self.assertTrue((self.folder / "happened").exists(), "nothing failed")
        self.assertIn("goes on from epoch", self.log("out"))
        self.assertEqual([row["run.attempts"] for row in table], ["2"])
        self.sweep(config, "whole")
        self.expect_same("whole", "out")

    def test_a_cpu_says_what_it_has_instead(self):
        config = self.axis(["f32", "tf32"])
        _, err = self.mixsweep("check", config, "--set", "schedule.device=cpu", code=2)
        self.assertIn("train.precision: tf32 needs a GPU, and schedule.device is cpu, which computes in f32", err)
        bare = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
        _, err = self.mixsweep("run", config, "--out", "out", code=3, env=dict(bare, MX_FAKEGPU_DEVICES="none"))
        self.assertIn("train.precision: tf32 needs a GPU, and there is none: ", err)

    def test_sums_in_any_order_are_a_training_of_its_own_near_the_other(self):
        config = self.config(("cutmix",), epochs=2, arch="resnet8", n=32)
        fixed = self.sweep(config, "fixed")
        free = self.sweep(config, "free", "--set", "train.deterministic=false")
        self.assertNotEqual(fixed[0]["trial"], free[0]["trial"])
        self.expect_near([dict(row, trial="") for row in fixed], [dict(row, trial="") for row in free], 8)


if __name__ == "__main__":
    main()
