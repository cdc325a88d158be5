"""Scores whose stage is killed half way come out the same when the sweep goes on. ctest: quick"""
import os
import signal

from harness import Case, main, processes_of, reproducible, rows

CONFIG = """
name: killed
data: {set: synthetic, size: 16, val_fraction: 0.2, synthetic: {n: 120, classes: 3}}
model: {arch: linear}
train: {epochs: 1, batch_size: 32, lr: 0.05}
score:
  attributions: [gradient, integrated_gradients]
  metrics: [accuracy, deletion, insertion, pointing_game, gini]
  images: 16
  steps: 10
  fills: [zero, road]
  integrated_gradients: {points: 5}
"""
FIRST, LAST = "deletion.*.npy", "gini.centre.npy"  # that the stage leaves


class ScoresKilled(Case):
    def arrays(self, out):
        return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("stages/*/*.npy")}

    def killed_half_way(self, out):
        """SIGKILL to all processes of a sweep as its scores stage leaves its first curves;
        False if it was faster."""
        process = self.start("run", "killed.yaml", "--out", out, "--workers", "1")
        self.wait_for("there are curves", lambda: list(out.glob(f"stages/*/{FIRST}")), process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.wait_for("the executors are gone", lambda: not processes_of(self.folder))
        return not list(out.glob(f"stages/*/{LAST}"))

    def test_the_numbers_and_arrays_are_those_of_an_undisturbed_run(self):
        self.write("killed.yaml", CONFIG)
        self.mixsweep("run", "killed.yaml", "--out", "reference", "--workers", "1")
        reference = self.folder / "reference"
        (row,) = rows(reference / "results.csv")
        self.assertEqual(row["status"], "done")
        self.assertNotEqual(row["test.insertion.gradient.road"], "")
        out = next((out for out in (self.folder / f"killed{k}" for k in range(5)) if self.killed_half_way(out)), None)
        self.assertIsNotNone(out, "one of five was killed half way")
        self.assertFalse(list(out.glob("results.csv")) and rows(out / "results.csv")[0]["status"] == "done")
        self.mixsweep("resume", out, "--workers", "1")
        self.assertEqual(reproducible(out / "results.csv"), reproducible(reference / "results.csv"))
        arrays = self.arrays(reference)
        self.assertTrue(any(name.endswith(LAST) for name in arrays))
        self.assertEqual(self.arrays(out), arrays)


if __name__ == "__main__":
    main()
