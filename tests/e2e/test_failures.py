"""Every test that docs/failures.md names exists. ctest: quick"""
import re

from harness import SOURCE, Case, main

NAMED = re.compile(r"`(test_\w+): (\w+)`|`(mpi_\w+)`")


class Failures(Case):
    def test_the_tests_of_each_row_exist(self):
        rows = [line for line in (SOURCE / "docs/failures.md").read_text().splitlines()
                if line.startswith("| ") and not line.startswith(("| kind", "| ---"))]
        self.assertGreater(len(rows), 20)
        for row in rows:
            named = NAMED.findall(row)
            self.assertTrue(named, row)
            self.assertEqual(row.count("`"), 2 * len(named), row)
            for file, test, program in named:
                with self.subTest(file=file or program, test=test):
                    self.assertTrue(self.exists(file, test) if test else
                                    (SOURCE / f"tests/mpi/{program}.c").exists())

    @staticmethod
    def exists(file, test):
        """In C a suite has the name of its file, or one of its own."""
        for path, text in ((SOURCE / f"tests/unit/{file}.c", rf"^Test\(\w+, {test}[,)]"),
                           (SOURCE / f"tests/e2e/{file}.py", rf"^ +def {test}\("),
                           (SOURCE / f"tests/fakegpu/{file}.py", rf"^ +def {test}\(")):
            if path.exists() and re.search(text, path.read_text(), re.MULTILINE):
                return True
        return False


if __name__ == "__main__":
    main()
