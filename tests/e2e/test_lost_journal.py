"""A journal file that is gone or shorter is told of, and what it held is run again.
ctest: quick timeout=300"""
from harness import Case, main, reproducible


class LostJournal(Case):
    def lose(self, damage):
        """A finished sweep, resumed with nothing to do; then its first journal file is
        damaged, and it is resumed again. Returns what that said."""
        config = self.tiny()
        out = self.folder / "out"
        self.mixsweep("run", config, "--out", out, "--workers", 1)
        expected = reproducible(out / "results.csv")
        self.assertEqual({row["status"] for row in expected}, {"done"})
        _, err = self.mixsweep("resume", out, "--workers", 1)
        self.assertNotIn("gone", err)
        first = out / "journal/000001.jsonl"
        self.lines = len(first.read_bytes().splitlines())
        damage(first)
        _, err = self.mixsweep("resume", out, "--workers", 1)
        self.assertEqual(reproducible(out / "results.csv"), expected)
        return err

    def test_a_file_that_is_missing(self):
        err = self.lose(lambda path: path.unlink())
        self.assertIn(f"journal: {self.lines} records are gone that an earlier incarnation had "
                      "read (000001.jsonl is missing or shorter); what they held is run again\n",
                      err)

    def test_a_file_that_lacks_its_last_record(self):
        err = self.lose(lambda path: path.write_bytes(
            b"".join(path.read_bytes().splitlines(keepends=True)[:-1])))
        self.assertIn("journal: 1 record is gone that an earlier incarnation had read "
                      "(000001.jsonl is missing or shorter); what it held is run again\n", err)


if __name__ == "__main__":
    main()
