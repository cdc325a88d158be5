"""The tutorial on one's own data, command by command. ctest: quick"""
import os
import re
import subprocess

import png
from harness import PROGRAM, SOURCE, Case, main

CATS, DOGS = 24, 18


class Tutorial(Case):
    def pets(self):
        """A stand-in for the pets: their layout, and pictures that differ."""
        lines = ["name,breed,species,width,height,body_x0,body_y0,body_x1,body_y1,head_x0,head_y0"]
        for k in range(CATS + DOGS):
            cat = k < CATS
            name = f"Abyssinian_{k + 1}" if cat else f"american_bulldog_{k + 1}"
            image = png.encode(40, 32, lambda y, x, k=k, cat=cat:
                               ((y * 7 + k) % 256, 200 if cat else 20, (x * 5) % 256))
            mask = png.encode(40, 32, lambda y, x: (1, 1, 1) if 8 < y < 24 else (2, 2, 2))
            for folder, content in ("images", image), ("masks", mask):
                os.makedirs(f"{self.folder}/pets600/{folder}", exist_ok=True)
                ending = "jpg" if folder == "images" else "png"  # told by content, not by name
                with open(f"{self.folder}/pets600/{folder}/{name}.{ending}", "wb") as file:
                    file.write(content)
            lines.append(f"{name},breed,{'cat' if cat else 'dog'},40,32,29,21,147,110,1,2")
        self.write("pets600/pets.csv", "\n".join(lines) + "\n")

    def test_its_commands_work_word_by_word(self):
        page = (SOURCE / "docs/tutorial-own-data.md").read_text()
        blocks = re.findall(r"^```(\w*)\n(.*?)^```", page, re.M | re.S)
        commands = [text for kind, text in blocks if kind == "sh"]
        self.assertEqual(len(commands), 5)
        self.pets()
        os.makedirs(f"{self.folder}/bin")
        os.symlink(PROGRAM, f"{self.folder}/bin/mixsweep")
        path = f"{self.folder}/bin:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-euc", "".join(commands)], cwd=self.folder,
                              env={**os.environ, "PATH": path}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = done.stdout.splitlines()
        self.assertEqual(told[:2], [str(CATS), str(DOGS)])
        for line in "".join(text for kind, text in blocks if not kind).splitlines():
            self.assertIn(line, told)
        self.assertIn("planned 4 · done 4", done.stdout)
        self.assertTrue(os.path.exists(f"{self.folder}/pets-out/cells.csv"))


if __name__ == "__main__":
    main()
