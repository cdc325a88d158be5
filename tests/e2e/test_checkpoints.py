"""A sweep that is killed in the middle of epochs goes on from its checkpoints, to the same bits.
ctest: quick timeout=300"""
import json
import os
import re
import signal

from harness import Case, main, processes_of, reproducible, rows

# Two trainings of a few seconds: each kind of state that a checkpoint holds.
CONFIG = """
name: long
seed: 5
data: {set: synthetic, size: 16, augment: flip_crop, synthetic: {n: 700, classes: 3}}
model: {arch: resnet8}
train: {epochs: 3, batch_size: 32, ema: 0.95, label_smoothing: 0.1}
grid:
  zip:
    mix.strategy: [cutmix, recursivemix]
    train.optimizer: [sgd, adamw]
    train.lr: [0.05, 0.002]
schedule: {checkpoint_every: 0.02s}
"""


class Checkpoints(Case):
    def setUp(self):
        super().setUp()
        self.config = self.write("long.yaml", CONFIG)
        self.out = self.folder / "out"

    def checkpoints(self):
        """What is there: a file that was replaced is another."""
        found = {}
        for path in self.out.glob("stages/*/checkpoint-*.bin"):
            try:
                found[path] = path.stat().st_ino, path.stat().st_mtime_ns
            except FileNotFoundError:
                pass  # its stage is done
        return found

    def kill_after_checkpoints(self, count):
        """Go on with the sweep until so many new checkpoints were seen, then SIGKILL all of it."""
        before = set(self.checkpoints().items())
        seen = set()
        process = self.start("run", self.config, "--out", self.out, "--resume", "--workers", 2)

        def enough():
            seen.update(set(self.checkpoints().items()) - before)
            return len(seen) >= count
        self.wait_for(f"{count} new checkpoints", enough, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.wait_for("the executors are gone", lambda: not processes_of(self.folder))

    def history(self, path):
        """Rows of history.csv, all but the time."""
        return [{k: v for k, v in row.items() if k != "seconds"} for row in rows(path)]

    def expect_as_undisturbed(self):
        self.mixsweep("run", self.config, "--out", "whole", "--workers", 2)
        whole = self.folder / "whole"
        self.assertEqual(reproducible(self.out / "results.csv"),
                         reproducible(whole / "results.csv"))
        stages = sorted(path.name for path in whole.glob("stages/*"))
        self.assertEqual(len(stages), 2)
        for stage in stages:
            mine, other = self.out / "stages" / stage, whole / "stages" / stage
            self.assertEqual((mine / "weights.safetensors").read_bytes(),
                             (other / "weights.safetensors").read_bytes())
            self.assertEqual(self.history(mine / "history.csv"), self.history(other / "history.csv"))
            self.assertEqual(sorted(path.name for path in mine.iterdir()),
                             ["history.csv", "stage.json", "weights.safetensors"])

    def test_killed_three_times(self):
        for _ in range(3):
            self.kill_after_checkpoints(3)
        self.mixsweep("resume", self.out, "--workers", 2)
        log = (self.out / "log/sweep.log").read_text()
        resumed = re.findall(r"train: goes on from epoch (\d+), batch (\d+)\n", log)
        self.assertGreaterEqual(len(resumed), 1, log)
        for epoch, batch in resumed:
            self.assertGreater(int(epoch) + int(batch), 0)
        self.expect_as_undisturbed()

    def progress(self):
        """How far the trainings that run are, as status.json has it."""
        try:
            status = json.loads((self.out / "status.json").read_text())
        except FileNotFoundError:
            return []
        return [one["progress"] for one in status["slowest"] if one["progress"]]

    def test_asked_to_end_before_a_checkpoint_is_due(self):
        """Trainings save their last step: the interval alone would write the first checkpoint in an hour."""
        self.config = self.write("long.yaml", CONFIG.replace("every: 0.02s", "every: 1h").replace("n: 700", "n: 9000"))
        for ask in ("stop", "signal"):
            before = self.checkpoints()
            process = self.start("run", self.config, "--out", self.out, "--resume", "--workers", 2)
            self.wait_for("steps are done", lambda: sum(self.progress()) > 0.1 if ask == "stop" else self.progress(), process)
            if ask == "stop":
                self.mixsweep("stop", self.out, "--now")
            else:
                process.send_signal(signal.SIGUSR1)
            process.communicate()
            self.assertEqual(process.returncode, 75)
            self.assertEqual((self.out / "exit_code").read_text().strip(), "75")
            self.assertGreaterEqual(len(self.checkpoints()), 1)
            self.assertNotEqual(self.checkpoints(), before)
        self.mixsweep("resume", self.out, "--workers", 2)
        log = (self.out / "log/sweep.log").read_text()
        self.assertGreaterEqual(len(re.findall(r"train: goes on from epoch \d+, batch \d+", log)), 1, log)
        self.expect_as_undisturbed()

    def test_a_damaged_checkpoint_is_told_and_the_one_before_is_taken(self):
        self.kill_after_checkpoints(6)
        pairs = {}
        for path, (_, written) in self.checkpoints().items():
            pairs.setdefault(path.parent, []).append((written, path))
        pairs = [sorted(files) for files in pairs.values() if len(files) == 2]
        self.assertGreaterEqual(len(pairs), 1)
        for files in pairs:
            newest = files[-1][1]
            data = bytearray(newest.read_bytes())
            data[len(data) // 2] ^= 1
            newest.write_bytes(data)
        self.mixsweep("resume", self.out, "--workers", 2)
        log = (self.out / "log/sweep.log").read_text()
        self.assertEqual(len(re.findall(r"train: checkpoint-[01]\.bin is not used: it is damaged; "
                                        r"goes on from epoch \d+, batch \d+\n", log)), len(pairs),
                         log)
        self.expect_as_undisturbed()


if __name__ == "__main__":
    main()
