"""The recipes: each says where its values come from, is sound, and runs to its end on a generated set in the layout of
its own. ctest: quick timeout=300"""
import json
import re

from harness import SOURCE, Case, main, rows

RECIPES = sorted((SOURCE / "configs/recipes").glob("*.yaml"))
LAYOUTS = {  # of what --smoke generates, as the set is published
    "cifar10": "data_batch_1.bin", "cifar100": "train.bin", "imagenet": "train/n*/*.JPEG",
    "waterbirds": "metadata.csv", "celeba": "img_align_celeba/*.jpg",
    "metashift": "train/cat/cat(*)/*.jpg", "mnist": "train-images-idx3-ubyte",
}


class Recipes(Case):
    def test_the_published_settings_are_there(self):
        names = {path.stem for path in RECIPES}
        for strategy, sets in (("mixup", "cifar10 imagenet"), ("cutmix", "cifar100 imagenet"),
                               ("cutout", "cifar10 imagenet"), ("saliencymix", "cifar10 imagenet"),
                               ("puzzlemix", "cifar100 imagenet"),
                               ("erm", "waterbirds celeba metashift dominoes")):
            for name in sets.split():
                self.assertIn(f"{strategy}_{name}", names)

    def test_each_value_has_its_source(self):
        for path in RECIPES:
            with self.subTest(path.name):
                text = path.read_text()
                self.assertIn(f"\nname: {path.stem}\n", text)
                sources = {}
                for number, cited in re.findall(r"^# \[(\d)\] (.*(?:\n#     .*)*)", text, re.M):
                    sources[number] = cited
                self.assertRegex(sources["1"], r"\b(19|20)\d\d\b")  # a year
                used = set()
                for section in ("data", "model", "train", "mix"):
                    for line in re.findall(rf"^{section}:\n((?:  .*\n)+)", text, re.M):
                        used |= self.sources_of(line, sources)
                self.assertLessEqual({"1"}, used)

    def sources_of(self, block, sources):
        """The numbers in the lines' comments; a line without one says why it is ours."""
        used = set()
        for line in block.splitlines():
            if re.fullmatch(r"  +(set|path):.*|  (dominoes|jitter|random_resized_crop):", line):
                continue
            numbers = re.findall(r"\[(\d)\]", line.partition("# ")[2])
            self.assertTrue(numbers or re.search(r"# ours: \w", line), line)
            self.assertLessEqual(set(numbers), set(sources), line)
            used |= set(numbers)
        return used

    def test_each_is_sound_and_runs(self):
        self.assertGreater(len(RECIPES), 0)
        for path in RECIPES:
            with self.subTest(path.name):
                out, err = self.mixsweep("check", path)
                self.assertIn(": ok, ", out)
                self.assertNotIn("error", err)
                self.mixsweep("run", path, "--smoke", "--out", path.stem, "--workers", 1)
                table = rows(self.folder / path.stem / "results.csv")
                self.assertEqual({row["status"] for row in table}, {"done"})
                name = re.search(r"^  set: (\S+)", path.read_text(), re.M).group(1)
                name = "mnist" if name == "dominoes" else name
                files = self.folder / path.stem / "smoke-data"
                pattern = LAYOUTS[name].replace("(", "[(]")
                self.assertTrue(list(files.rglob(pattern)), f"{pattern} in {files}")

    def test_the_page_lists_each_with_its_size(self):
        page = (SOURCE / "docs/recipes.md").read_text()
        for path in RECIPES:
            plan = json.loads(self.mixsweep("plan", path, "--json")[0])
            self.assertRegex(page, rf"(?m)^\| \[{path.stem}\]\(\.\./configs/recipes/{path.name}\) \|"
                                   rf".*\| {plan['cells']} \| {plan['trials']} \|")


if __name__ == "__main__":
    main()
