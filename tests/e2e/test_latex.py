"""LaTeX takes the tables, where it is installed. ctest: quick machine"""
import json
import os
import shutil
import subprocess

import png
from harness import Case, main

NAMES = ["50% of A&B_{x} ~^ #1 $<\u00e9> [z]", "a\\b|'c'"]


class Latex(Case):
    def test_tables_of_names_that_latex_would_take_for_its_own_are_set(self):
        if not shutil.which("pdflatex") or subprocess.run(["kpsewhich", "booktabs.sty"],
                                                          capture_output=True).returncode:
            self.skipTest("no LaTeX with booktabs: Debian's package is texlive-latex-recommended")
        for k in range(48):
            folder = self.folder / NAMES[k % 2] / ("cat" if k % 4 < 2 else "dog")
            os.makedirs(folder, exist_ok=True)
            (folder / f"{k}.png").write_bytes(png.encode(8, 8, lambda y, x, k=k: ((y * 7 + 5 * k) % 256, x * 9, y * 5)))
        self.write("odd.yaml", f"""
name: odd
data: {{set: folder, size: 8, test_fraction: 0.3, val_fraction: 0.2}}
model: {{arch: linear}}
train: {{epochs: 1, batch_size: 8}}
grid: {{zip: {{data.path: {json.dumps(NAMES)}, train.lr: [0.05, 1e-5]}}}}
""")
        self.mixsweep("run", "odd.yaml", "--out", "out", "--workers", 1)
        for table in ("cells", "trials"):
            text, _ = self.mixsweep("export", "out", "--format", "latex", "--table", table)
            self.assertIn(r"50\% of A\&B\_\{x\}", text)
            self.write("paper.tex", "\\documentclass{article}\n\\usepackage{booktabs}\n\\usepackage[T1]{fontenc}\n"
                                    "\\usepackage[paperwidth=300cm]{geometry}\n\\begin{document}\n"
                                    + text + "\\end{document}\n")
            done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
                                  cwd=self.folder, capture_output=True, text=True, errors="replace")
            self.assertEqual(done.returncode, 0, done.stdout[-2000:])
            self.assertTrue((self.folder / "paper.pdf").exists())


if __name__ == "__main__":
    main()
