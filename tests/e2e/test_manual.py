"""Pages of the manual as man and groff show them, and what is installed. ctest: quick machine"""
import os
import re
import shutil
import subprocess

from harness import PROGRAM, main
from test_help import HelpCase


class Manual(HelpCase):
    def test_every_page_of_the_manual_has_all_options_and_no_warning(self):
        if not shutil.which("groff"):
            self.skipTest("there is no groff")
        pages = self.pages() / "man/man1"
        main_page = (pages / "mixsweep.1").read_text()
        for command in self.commands():
            page = pages / f"mixsweep-{'-'.join(command)}.1"
            done = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-rLL=78n", page],
                                  capture_output=True, text=True, env={**os.environ, "GROFF_NO_SGR": "1"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)
            text = re.sub(r".\x08", "", done.stdout)
            for option in self.options(command):
                self.assertRegex(text, rf"(?m)^ +--{option}\b", page)
            for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SEE ALSO"):
                self.assertRegex(text, rf"(?m)^{heading}$")
            self.assertIn(f".BR mixsweep-{'-'.join(command)} (1)\n", main_page)
        done = subprocess.run(["groff", "-man", "-Tascii", "-ww", pages / "mixsweep.1"],
                              capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_man_shows_a_page_without_a_word_of_complaint(self):
        if not shutil.which("man"):
            self.skipTest("there is no man")
        page = self.pages() / "man/man1/mixsweep-run.1"
        done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, text=True,
                              env={**os.environ, "MANPAGER": "cat", "MANWIDTH": "80"})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("--time-limit", re.sub(r".\x08", "", done.stdout))

    def test_what_is_installed(self):
        build = os.path.dirname(PROGRAM)
        if not os.path.exists(f"{build}/cmake_install.cmake") or not os.path.isdir(f"{build}/pages"):
            self.skipTest("the program does not lie in its build folder, or that is not complete")
        done = subprocess.run(["cmake", "--install", build, "--prefix", self.folder / "usr"],
                              capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in ("bin/mixsweep", "share/man/man1/mixsweep.1", "share/man/man1/mixsweep-run.1",
                     "share/bash-completion/completions/mixsweep", "share/zsh/site-functions/_mixsweep",
                     "share/fish/vendor_completions.d/mixsweep.fish",
                     "share/mixsweep/python/mixsweep_results.py"):
            self.assertTrue((self.folder / "usr" / name).is_file(), name)


if __name__ == "__main__":
    main()
