"""Completion in zsh and fish, where these are installed. ctest: quick machine"""
import os
import shutil
import subprocess

from harness import main
from test_help import HelpCase


class Shells(HelpCase):
    def test_zsh_and_fish_read_their_completions(self):
        pages = self.pages()
        for shell, path in (("zsh", "zsh/site-functions/_mixsweep"),
                            ("fish", "fish/vendor_completions.d/mixsweep.fish")):
            text = (pages / path).read_text()
            for command in self.commands():
                for option in self.options(command):
                    self.assertIn(f"--{option}[" if shell == "zsh" else f"-l {option} ", text)
            if shutil.which(shell):
                done = subprocess.run([shell, "-n", pages / path], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_fish_completes(self):
        if not shutil.which("fish"):
            self.skipTest("there is no fish")
        script = self.pages() / "fish/vendor_completions.d/mixsweep.fish"
        for line, words in (("mixsweep ex", {"export"}), ("mixsweep export --format la", {"latex"}),
                            ("mixsweep data fetch --y", {"--yes"})):
            done = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
                                  capture_output=True, text=True,
                                  env={**os.environ, "HOME": str(self.folder)})
            self.assertEqual({found.split("\t")[0] for found in done.stdout.splitlines()}, words)


if __name__ == "__main__":
    main()
