"""Files and descriptors do not grow with the number of head cells. ctest: quick"""
import json
import os

from harness import Case, main, rows

CONFIG = """
name: many
data: {{set: synthetic, size: 12, val_fraction: 0.3, synthetic: {{n: 120, classes: 2}}}}
model: {{arch: resnet8}}
train: {{epochs: 1, batch_size: 32}}
head: {{feature_mixup: {{epochs: 1}}}}
grid:
  head.method: [feature_mixup]
  head.feature_mixup.alpha: {{linear: [0.1, 2], count: {count}}}
"""
FEW, MANY, MOST = 10, 400, 100_000
MOST_FILES = 1000
MOST_DESCRIPTORS = 64


class Counting(Case):
    def config(self, count):
        return self.write(f"many{count}.yaml", CONFIG.format(count=count))

    def run_and_count(self, count):
        """Files that a sweep of so many cells leaves, and most descriptors that it had open."""
        process = self.start("run", self.config(count), "--out", f"out{count}", "--workers", 2)
        most = 0
        while process.poll() is None:
            try:
                most = max(most, len(os.listdir(f"/proc/{process.pid}/fd")))
            except OSError:
                break  # it has ended
        out, err = process.communicate()
        self.assertEqual(process.returncode, 0, f"{out}\n{err}")
        table = rows(self.folder / f"out{count}/results.csv")
        self.assertEqual([row["status"] for row in table], ["done"] * count)
        files = [path for path in (self.folder / f"out{count}").rglob("*") if path.is_file()]
        return len(files), most


class ManyHeads(Counting):
    def test_files_and_descriptors_are_as_many_as_for_few(self):
        few, many = self.run_and_count(FEW), self.run_and_count(MANY)
        self.assertEqual(few[0], many[0])
        self.assertLess(many[0], MOST_FILES // 10)
        self.assertLess(0, many[1])
        self.assertLess(many[1], MOST_DESCRIPTORS)

    def test_a_hundred_thousand_are_planned_with_less_than_a_thousand_files(self):
        out, _ = self.mixsweep("plan", self.config(MOST), "--json")
        plan = json.loads(out)
        self.assertEqual(plan["cells"], MOST)
        self.assertEqual(plan["stages"]["head"]["planned"], MOST)
        self.assertLess(0, plan["files"])
        self.assertLess(plan["files"], MOST_FILES)


if __name__ == "__main__":
    main()
