"""What the pages show is true: configurations in them are taken as they stand. ctest: quick"""
import json
import os
import re

import png
from harness import SOURCE, Case, main

MSDA = SOURCE / "configs/msda.yaml"


class Pages(Case):
    def test_every_whole_configuration_in_a_page_passes_check(self):
        checked = 0
        for page in [SOURCE / "README.md", *sorted(SOURCE.glob("docs/*.md"))]:
            for text in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.M | re.S):
                if "data:" not in text or "model:" not in text:
                    continue  # a piece of one
                config = self.write("page.yaml", text)
                out, err = self.mixsweep("check", config)
                self.assertIn(": ok, ", out, page)
                self.assertNotIn("error", err, page)
                checked += 1
        self.assertGreater(checked, 1)

    def test_the_picture_of_the_strategies_is_what_its_configuration_makes(self):
        """Of generated images, as docs/mixing.md says: the pixels, but for their rounding."""
        page = (SOURCE / "docs/mixing.md").read_text()
        command, text = re.search(r"`mixsweep (preview look\.yaml [^`]*)` of this `look\.yaml` makes the "
                                  r"picture below\.\n\n```yaml\n(.*?)^```", page, re.M | re.S).groups()
        self.write("look.yaml", text)
        self.mixsweep(*command.split())
        made = (self.folder / "preview.png").read_bytes()
        kept = (SOURCE / "docs/preview.png").read_bytes()
        if made == kept:
            return
        made, kept = png.decode(made), png.decode(kept)
        self.assertEqual(made[:2], kept[:2])
        for y, (one, other) in enumerate(zip(made[2], kept[2])):
            if one != other:
                self.assertLessEqual(max(abs(a - b) for a, b in zip(one, other)), 1, f"row {y}")

    def test_the_size_and_time_of_msda_are_what_plan_says(self):
        """On two cores, which the basis of the hours is brought to where there are others."""
        two = sorted(os.sched_getaffinity(0))[:2]
        out, _ = self.mixsweep("plan", MSDA, "--json", preexec_fn=lambda: os.sched_setaffinity(0, two))
        plan = json.loads(out)
        hours = {word: plan["hours"][word] * len(two) / 2 for word in ("low", "mid", "high")}
        page, head = (SOURCE / "docs/mixing.md").read_text(), MSDA.read_text()
        self.assertIn(f"    time       {hours['mid']:.0f} h, from {hours['low']:.1f} h to {hours['high'] / 24:.1f} days\n", page)
        self.assertIn(f"    memory     {plan['memory_bytes_per_executor'] / 1e6:.0f} MB an executor\n", page)
        disk, files = re.search(r"    disk       (\d+) MB in (\d+) files\n", page).groups()
        self.assertEqual(int(disk), round(plan["disk_bytes"] / 1e6))
        self.assertEqual(int(files), plan["files"] + 2 - len(two))  # one log an executor
        self.assertIn(f"{hours['mid']:.0f} hours on two cores", head)
        self.assertIn(f"{disk} MB on disk, and {plan['memory_bytes_per_executor'] / 1e6:.0f} MB of memory", head)

    def test_the_images_of_msda_are_where_data_fetch_puts_them(self):
        """Whoever follows the first lines of the file needs no path."""
        self.assertIn("mixsweep data fetch cifar10\n", MSDA.read_text())
        home = self.folder / "home"
        _, err = self.mixsweep("check", MSDA, env={**os.environ, "XDG_DATA_HOME": str(home)})
        self.assertEqual(err, f"{MSDA}: warning: data set cifar10 is not at {home}/mixsweep/cifar10; "
                              "`mixsweep data fetch cifar10` gets it, or set data.path\n")

    def test_the_list_of_pages_has_every_page(self):
        listed = set(re.findall(r"\]\(([\w.-]+\.md)\)", (SOURCE / "docs/README.md").read_text()))
        self.assertEqual(listed, {page.name for page in SOURCE.glob("docs/*.md")} - {"README.md"})

    def test_the_readme_names_every_command(self):
        out, _ = self.mixsweep("--help")
        commands = set(re.findall(r"^  ([a-z]+) ", out, re.M))
        named = set(re.findall(r"^\| `mixsweep ([a-z]+)", (SOURCE / "README.md").read_text(), re.M))
        self.assertEqual(named, commands)


if __name__ == "__main__":
    main()
