"""diff: what differs between two sweeps is told, and its exit code says whether. ctest: quick"""
import os
import re
import shutil

from harness import FAULTS_PROGRAM, Case, main, rows


class Diff(Case):
    def run_tiny(self, out, *options, code=0, **more):
        self.mixsweep("run", "tiny.yaml", "--out", out, *options, code=code, **more)
        return self.folder / out

    def differ(self, *args, code=1):
        out, err = self.mixsweep("diff", *args, code=code)
        self.assertEqual(err, "")
        return out

    def test_other_workers_and_retries_make_no_difference(self):
        self.tiny(repeats=2)
        self.run_tiny("a", "--workers", "1")
        self.run_tiny("b", "--workers", "2", "--set", "schedule.retries=5")
        self.assertEqual(self.differ("a", "b", code=0),
                         "A: a, 5 cells, 10 trials\nB: b, 5 cells, 10 trials\nthe same\n"
                         "keys:\n  schedule.retries: was 2, is 5\n")

    def test_another_seed_changes_numbers_and_the_cells_means(self):
        self.tiny()
        self.run_tiny("a")
        self.run_tiny("b", "--set", "seed=4")
        out = self.differ("a", "b")
        self.assertNotIn("the same", out)
        self.assertIn("  seed in 5 of 5 trials", out)
        self.assertIn("keys:\n  seed: was 3, is 4\n", out)
        [line] = [line for line in out.split("\n")
                  if line.startswith("  test.cross_entropy in ")]
        trial, was, now = re.match(r"  test\.cross_entropy in 5 of 5 trials, most in (\S+): "
                                   r"(\S+) -> (\S+)$", line).groups()
        a, b = ({row["trial"]: row["test.cross_entropy"] for row in rows(self.folder / d / "results.csv")}
                for d in "ab")
        self.assertEqual((a[trial], b[trial]), (was, now))
        largest = max(abs(float(a[t]) - float(b[t])) for t in a)
        self.assertEqual(abs(float(was) - float(now)), largest)
        for row in rows(self.folder / "a/cells.csv"):
            self.assertRegex(out, rf"  {row['cell']}  mix.strategy={row['mix.strategy']}.*: .*"
                                  rf"test.cross_entropy {row['test.cross_entropy.mean']} -> ")

    def test_cells_and_columns_that_one_side_lacks(self):
        self.tiny()
        self.run_tiny("a")
        self.run_tiny("b", "--set", "grid.mix.alpha=[0.2]", "--set", "score.metrics=[accuracy]")
        out = self.differ("a", "b")
        gone = [row["cell"] for row in rows(self.folder / "a/cells.csv") if row["mix.alpha"] == "1"]
        self.assertIn("cells only in A: 2\n", out)
        for cell in gone:
            self.assertRegex(out, rf"(?m)^  {cell}  mix.strategy=(mixup|cutmix) mix.alpha=1$")
        self.assertIn("columns only in A: 2\n  test.cross_entropy\n  val.cross_entropy\n", out)
        self.assertNotIn("only in B", out)
        self.assertNotIn("other values", out)
        self.assertIn("cells only in B: 2\n", self.differ("b", "a"))

    def test_a_trial_that_failed_on_one_side(self):
        self.tiny(more="schedule: {retries: 0}\n")
        self.run_tiny("a", "--workers", "1")
        self.program = FAULTS_PROGRAM
        self.run_tiny("b", "--workers", "1", code=1,
                      env={**os.environ, "MX_FAULT": "exit stage_ends 2 always"})
        out = self.differ("a", "b")
        [bad] = [row for row in rows(self.folder / "b/results.csv") if row["status"] == "failed"]
        self.assertIn(f"trials that came to another end: 1\n  {bad['trial']}  done -> failed "
                      f"(crashed)\n", out)
        self.assertRegex(out, rf"  val\.accuracy in 1 of 5 trials, most in {bad['trial']}: "
                              r"\S+ -> none\n")

    def test_one_digit_is_seen_and_long_lists_are_cut(self):
        self.tiny(repeats=5)
        a = self.run_tiny("a")
        shutil.copytree(a, self.folder / "b")
        table = (a / "results.csv").read_text().split("\n")
        head, first = table[0].split(","), table[1].split(",")
        at = head.index("test.accuracy")
        first[at] += "1"
        (self.folder / "b/results.csv").write_text("\n".join([table[0], ",".join(first), *table[2:]]))
        out = self.differ("a", "b")
        self.assertIn(f"columns with other values: 1\n  test.accuracy in 1 of 25 trials, most in "
                      f"{first[0]}: ", out)
        self.run_tiny("c", "--set", "train.epochs=2")
        out = self.differ("a", "c")
        self.assertIn("trials only in A: 25\n", out)
        self.assertEqual(out.count("  ... and 5 more (--all)\n"), 2)
        self.assertNotIn("more (--all)", self.differ("a", "c", "--all"))

    def test_what_is_wrong_is_said_in_a_line(self):
        self.tiny()
        self.run_tiny("a")
        for args, code, words in (
                (("a",), 2, "diff takes two directories, A and B; mixsweep diff --help tells more"),
                (("a", "a", "a"), 2, "diff does not take 'a': it takes two directories, A and B"),
                (("a", "nowhere"), 2, "there is no nowhere")):
            self.assertIn(words, self.refused(code, "diff", *args))


if __name__ == "__main__":
    main()
