"""tools/mixsweep_results.py and the recipe of docs/results.md lose no row in pandas, where that is
installed. ctest: quick machine"""
import math
import re

from harness import SOURCE, Case, main
import test_python_results

try:
    import pandas
except ImportError:
    pandas = None

NAMES = test_python_results.NAMES


class Pandas(Case):
    made = test_python_results.PythonResults.made

    def setUp(self):
        super().setUp()
        if pandas is None:
            self.skipTest("pandas is not installed")

    def test_a_frame_has_every_row_and_the_columns_types(self):
        frame = test_python_results.results.read(self.made()).frame()
        self.assertEqual([name for name in frame["head.method"]], [name or None for name in NAMES])
        self.assertEqual(str(frame["mix.alpha"].dtype), "float64")
        self.assertEqual(str(frame["test.accuracy"].dtype), "float64")
        self.assertTrue(math.isnan(frame["test.accuracy"][1]))
        self.assertEqual(frame["test.accuracy"][3], math.inf)
        self.assertEqual(str(frame["seed"].dtype), "int64")
        self.assertTrue(all(isinstance(cell, str) for cell in frame["cell"]))
        sizes = frame.groupby(["head.method", "mix.alpha"], dropna=False).size()
        self.assertEqual(sizes.sum(), len(NAMES))
        self.assertLess(frame.groupby(["head.method", "mix.alpha"]).size().sum(), len(NAMES))

    def test_the_recipe_of_the_page_reads_the_same_rows(self):
        folder = self.made()
        page = (SOURCE / "docs/results.md").read_text()
        [call] = re.findall(r"table = (pandas\.read_csv\(.*\))$", page, re.M)
        frame = eval(call.replace('"results.csv"', "str(folder / 'results.csv')"),
                     {"pandas": pandas, "folder": folder, "str": str})
        self.assertEqual(len(frame), len(NAMES))
        self.assertEqual([name if isinstance(name, str) else "" for name in frame["head.method"]], NAMES)
        self.assertTrue(all(isinstance(cell, str) for cell in frame["cell"]))
        self.assertEqual(frame.groupby(["head.method", "mix.alpha"], dropna=False).size().sum(),
                         len(NAMES))


if __name__ == "__main__":
    main()
