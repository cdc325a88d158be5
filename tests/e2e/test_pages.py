"""What the pages show is true: configurations in them are taken as they stand. ctest: quick"""
import re

from harness import SOURCE, Case, main


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
