"""The examples on robust heads, each checked as it is and run to its end on made-up data.
ctest: quick timeout=300"""
import json
import re

from harness import SOURCE, Case, main, rows

EXAMPLES = sorted(path for path in (SOURCE / "configs").glob("*.yaml")
                  if re.match("hsfm_|combined", path.name))


class HeadConfigs(Case):
    def test_each_is_sound_and_runs(self):
        self.assertGreater(len(EXAMPLES), 0)
        for example in EXAMPLES:
            with self.subTest(example.name):
                out, _ = self.mixsweep("check", example)
                self.assertIn(": ok, ", out)
                plan = json.loads(self.mixsweep("plan", example, "--smoke", "--json")[0])
                self.assertGreater(plan["stages"]["head"]["uses"],
                                   plan["stages"]["features"]["planned"])
                self.mixsweep("run", example, "--smoke", "--out", example.stem, "--workers", 2)
                table = rows(self.folder / example.stem / "results.csv")
                self.assertEqual({row["status"] for row in table}, {"done"})
                self.assertEqual(len(table), plan["trials"])


if __name__ == "__main__":
    main()
