"""Attribution maps of a sweep's networks: files, numbers, what is shared and what is refused. ctest: quick"""
import json
import struct

from harness import Case, main, rows

MAPS = """
score:
  attributions: [gradcam, integrated_gradients]
  metrics: [accuracy, all_zero_maps, completeness_p95]
  images: 5
  integrated_gradients: {points: 6}
"""
CONFIG = """
name: maps
data: {set: synthetic, size: 12, val_fraction: 0.2, synthetic: {n: 60, classes: 3}}
model: {arch: resnet8}
train: {epochs: 1, batch_size: 32, lr: 0.05}
grid: {mix.strategy: [none, mixup]}
"""


def shape_of(path):
    """Type and shape of a NumPy file."""
    data = path.read_bytes()
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length].decode(), {"__builtins__": {}})
    count = 1
    for side in header["shape"]:
        count *= side
    assert len(data) == 10 + length + 4 * count, path
    return header["descr"], header["shape"]


class Maps(Case):
    def stages(self, directory, kind):
        records = [json.loads(path.read_text()) for path in sorted(directory.glob("stages/*/stage.json"))]
        return [record for record in records if record["kind"] == kind]

    def test_maps_are_files_and_their_numbers_are_in_the_table(self):
        self.write("maps.yaml", CONFIG + MAPS)
        self.mixsweep("run", "maps.yaml", "--out", "out", "--workers", "1")
        table = rows(self.folder / "out" / "results.csv")
        trained = self.stages(self.folder / "out", "train")
        made = self.stages(self.folder / "out", "maps")
        self.assertEqual(len(made), len(trained))
        self.assertEqual(len(made), len(table))
        for record in made:
            folder = self.folder / "out" / "stages" / record["key"]
            self.assertEqual([file["name"] for file in record["files"]],
                             ["integrated_gradients.npy", "gradcam.npy", "random.npy", "centre.npy", "images.csv"])
            kind, shape = shape_of(folder / "gradcam.npy")
            self.assertEqual((kind, shape[0]), ("<f4", 5))
            self.assertEqual(len(rows(folder / "images.csv")), 5)
            self.assertEqual(record["parameters"]["score.integrated_gradients.points"], 6)
            self.assertEqual(record["parameters"]["score.attributions"], ["gradcam", "integrated_gradients"])
            self.assertEqual(record["parameters"]["score.target"], "label")  # what is explained stands with the maps
        for row in table:
            self.assertEqual(row["test.all_zero_maps.random"], "0")
            self.assertGreaterEqual(float(row["test.completeness_p95.integrated_gradients"]), 0)
            self.assertNotEqual(row["test.accuracy"], "")

    def test_plan_counts_them_and_they_do_not_change_what_is_trained(self):
        self.write("maps.yaml", CONFIG + MAPS)
        self.write("plain.yaml", CONFIG)
        plans = [json.loads(self.mixsweep("plan", name, "--json")[0])["stages"] for name in ("maps.yaml", "plain.yaml")]
        self.assertEqual(plans[0]["maps"]["planned"], plans[0]["train"]["planned"])
        self.assertEqual(plans[0]["train"], plans[1]["train"])
        costs = [json.loads(self.mixsweep("plan", name, "--json")[0]) for name in ("maps.yaml", "plain.yaml")]
        self.assertGreater(costs[0]["hours"]["mid"], costs[1]["hours"]["mid"])
        self.assertGreater(costs[0]["disk_bytes"], costs[1]["disk_bytes"] + 2 * 4 * 5 * 12 * 12 * 4)
        self.assertNotIn("maps", {kind for kind, count in plans[1].items() if count["planned"]})

    def test_numbers_of_maps_that_are_not_made_are_refused(self):
        self.write("maps.yaml", CONFIG + "score: {metrics: [relevance_sum], attributions: [gradient]}\n")
        _, err = self.mixsweep("check", "maps.yaml", code=2)
        self.assertIn("score.metrics: 'relevance_sum' is of maps that are not made "
                      "(score.attributions: [layer_relevance])", err)


if __name__ == "__main__":
    main()
