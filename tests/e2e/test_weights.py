"""Networks that start from files: trained here, read again, scored alone. ctest: quick"""
import json
import struct
import subprocess
import sys

from harness import SOURCE, Case, main, rows

sys.path.insert(0, str(SOURCE / "tools"))
from pth_to_safetensors import new_name, write_safetensors  # noqa: E402

CONFIG = """
name: {name}
seed: 3
data: {{set: synthetic, size: 12, channels: 3, val_fraction: 0.2, synthetic: {{n: 96, classes: {classes}}}}}
model: {{arch: resnet8{weights}}}
train: {{epochs: {epochs}, batch_size: 32, lr: 0.05}}
score: {{metrics: [accuracy, cross_entropy, confidence]}}
"""


def read_safetensors(path):
    """{name: (shape, floats)} of a file with F32 only."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    found = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        begin, end = entry["data_offsets"]
        values = struct.unpack(f"<{(end - begin) // 4}f", data[8 + length + begin:8 + length + end])
        found[name] = (entry["shape"], values)
    return found


class Weights(Case):
    def sweep(self, name, epochs, weights="", classes=3, code=0):
        text = CONFIG.format(name=name, epochs=epochs, classes=classes,
                             weights=f", weights: {weights}" if weights else "")
        out, err = self.mixsweep("run", self.write(f"{name}.yaml", text), "--workers", "1", code=code)
        return self.folder / name, err

    def trained(self):
        """The weights that a training of one epoch left."""
        directory, _ = self.sweep("trained", 1)
        (path,) = directory.glob("stages/*/weights.safetensors")
        return directory, path

    def test_what_was_trained_is_scored_alike_when_it_is_read_again(self):
        directory, path = self.trained()
        scored, err = self.sweep("scored", 0, path)
        (before,), (after,) = rows(directory / "results.csv"), rows(scored / "results.csv")
        for metric in before:
            if metric.startswith(("val.", "test.")):
                self.assertNotEqual(before[metric], "", metric)
                self.assertEqual(after[metric], before[metric], metric)
        self.assertNotIn("start as drawn", err)
        (linked,) = scored.glob("stages/*/weights.safetensors")
        self.assertEqual(linked.read_bytes(), path.read_bytes())
        (history,) = scored.glob("stages/*/history.csv")
        self.assertEqual(history.read_text(),
                         "epoch,learning_rate,train_loss,val_loss,val_accuracy,seconds,mixed_share,"
                         "drawn_weight,effective_weight,self_pairs,mixed_accuracy\n")

    def test_a_head_for_other_classes_is_new_and_named(self):
        _, path = self.trained()
        tuned, err = self.sweep("tuned", 1, path, classes=4)
        self.assertIn("fc.weight, fc.bias; they start as drawn", (tuned / "log/sweep.log").read_text())
        (weights,) = tuned.glob("stages/*/weights.safetensors")
        self.assertEqual(read_safetensors(weights)["fc.weight"][0], [4, 64])
        failed, _ = self.sweep("only", 0, path, classes=4, code=1)
        (row,) = rows(failed / "results.csv")
        self.assertIn("its last layer (fc) is not for the 4 classes here", row["run.reason"])

    def test_files_with_other_bytes_are_other_stages(self):
        _, path = self.trained()
        first, _ = self.sweep("first", 0, path)
        tensors = read_safetensors(path)
        name = "fc.bias"
        changed = {n: ("F32", shape, struct.pack(f"<{len(values)}f", *(v + (n == name) for v in values)))
                   for n, (shape, values) in tensors.items()}
        write_safetensors(path, changed)
        second, _ = self.sweep("second", 0, path)
        keys = [next(d.glob("stages/*")).name for d in (first, second)]
        self.assertNotEqual(*keys)
        (a,), (b,) = rows(first / "results.csv"), rows(second / "results.csv")
        self.assertEqual(a["cell"], b["cell"])
        self.assertNotEqual(a["test.cross_entropy"], b["test.cross_entropy"])

    def test_a_file_that_is_none_is_told_before_anything_runs(self):
        path = self.write("w.safetensors", "PK\3\4 this is a checkpoint of PyTorch, zipped")
        config = self.write("c.yaml", CONFIG.format(name="c", epochs=1, classes=3,
                                                    weights=f", weights: {path}"))
        err = self.refused(3, "run", config)
        self.assertIn(f"{path}: not a safetensors file: a header of ", err)
        self.assertFalse((self.folder / "c").exists())
        path.unlink()
        self.assertIn(f"cannot open {path}", self.refused(3, "run", config))
        _, err = self.mixsweep("check", config)
        self.assertIn(f"warning: model.weights: {path} is not there", err)

    def test_nothing_to_train_folds_what_only_training_uses(self):
        path = self.write("w.safetensors", "x")
        text = CONFIG.format(name="c", epochs=0, classes=3, weights=f", weights: {path}")
        config = self.write("c.yaml", text + "grid: {mix.strategy: [none, mixup], train.momentum: [0.1, 0.2]}\n")
        out, _ = self.mixsweep("plan", config, "--json")
        plan = json.loads(out)
        self.assertEqual((plan["points"], plan["cells"], plan["folded"]), (4, 1, 3))
        out, err = self.mixsweep("check", self.write("d.yaml", CONFIG.format(
            name="d", epochs=0, classes=3, weights="")), code=2)
        self.assertIn("train.epochs: 0 needs model.weights (write model: {weights: file.safetensors})",
                      err)


class Conversion(Case):
    def test_names_lose_what_wraps_them(self):
        self.assertEqual(new_name("module.layer1.0.conv1.weight", []), "layer1.0.conv1.weight")
        self.assertIsNone(new_name("bn1.num_batches_tracked", []))
        self.assertEqual(new_name("linear.weight", [["linear", "fc"]]), "fc.weight")
        self.assertEqual(new_name("linear2.weight", [["linear", "fc"]]), "linear2.weight")

    def test_the_tool_explains_itself_without_pytorch(self):
        tool = SOURCE / "tools/pth_to_safetensors.py"
        done = subprocess.run([sys.executable, tool, "--help"], capture_output=True, text=True, check=True)
        self.assertIn("--rename OLD=NEW", done.stdout)


if __name__ == "__main__":
    main()
