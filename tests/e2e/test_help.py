"""Help, pages of the manual and completion say the same, since they come from one table. ctest: quick timeout=600"""
import re
import subprocess

from harness import SOURCE, Case, main

NOT_HELP = {"help"}


class HelpCase(Case):
    def commands(self):
        """Each command with its parts: ["data", "fetch"]."""
        out, _ = self.mixsweep("--help")
        names = re.findall(r"^  ([a-z]+) ", out, re.M)
        return [name.split() for name in names + ["data list", "data fetch", "data inspect"]]

    def options(self, command):
        """{option: its value or ""} of a command's --help."""
        out, _ = self.mixsweep(*command, "--help")
        return dict(re.findall(r"^  --([a-z-]+)(?: (\[?[A-Z][^ ]*))?(?:  |$)", out, re.M))

    def pages(self):
        self.mixsweep("help", "--write", "pages")
        return self.folder / "pages"


class Help(HelpCase):
    def test_help_has_every_command_and_says_what_the_command_says(self):
        listed, _ = self.mixsweep("help")
        for command in self.commands():
            said, err = self.mixsweep(*command, "--help")
            self.assertEqual(err, "")
            self.assertEqual(self.mixsweep("help", *command), (said, ""))
            self.assertTrue(said.startswith(f"usage: mixsweep {' '.join(command)}"), said)
            self.assertIn("--help", said)
            for line in said.splitlines():
                self.assertTrue(len(line) <= 92 or line.startswith("      "), line)
            if len(command) == 1:
                self.assertRegex(listed, rf"(?m)^  {command[0]} ")

    def test_the_page_of_commands_is_what_the_program_says(self):
        self.assertEqual((SOURCE / "docs/commands.md").read_text(),
                         self.mixsweep("help", "--form", "markdown")[0])

    def test_every_option_of_the_help_is_taken(self):
        for command in self.commands():
            for option, value in self.options(command).items():
                if option in NOT_HELP:
                    continue
                with self.subTest(command=command, option=option):
                    # A number of arguments that none takes ends each of them before any work.
                    extra = [f"x{k}" for k in range(70)]
                    _, err = self.mixsweep(*command, f"--{option}" + ("=" if value and "[" not in value
                                                                      else ""), *extra, code=2)
                    self.assertNotIn(f"not take '--{option}", err)

    def test_what_is_no_option_is_refused_by_every_command(self):
        for command in self.commands():
            err = self.refused(2, *command, "--no-such-option")
            self.assertEqual(err, f"mixsweep: {' '.join(command)} does not take '--no-such-option'; "
                                  f"mixsweep {' '.join(command)} --help tells more\n")

    def complete(self, *words):
        """What bash would offer for the last word."""
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _mixsweep; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-uc", script, "bash", self.script, "mixsweep", *words],
                              capture_output=True, text=True, cwd=self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return set(done.stdout.split("\n")) - {""}

    def test_bash_completes_commands_options_words_and_files(self):
        self.script = self.pages() / "bash-completion/completions/mixsweep"
        (self.folder / "ratios").mkdir()
        (self.folder / "two words").mkdir()
        for name in ("ratios.yaml", "other.yml", "notes.txt"):
            self.write(name, "")
        self.assertEqual(self.complete("e"), {"export", "edits"})
        self.assertEqual(self.complete(""), {command[0] for command in self.commands()}
                         | {"--help", "--version"})
        for command in self.commands():
            self.assertEqual(self.complete(*command, "--"),
                             {f"--{option}" for option in self.options(command)}, command)
        self.assertEqual(self.complete("export", "--format", "s"), {"sqlite"})
        self.assertEqual(self.complete("export", "--format", "=", "la"), {"latex"})
        self.assertEqual(self.complete("export", "--format", "="),
                         {"csv", "jsonl", "sqlite", "markdown", "latex", "tensorboard"})
        self.assertEqual(self.complete("run", ""),
                         {"ratios.yaml", "other.yml", "ratios", "two words", "pages"})
        self.assertEqual(self.complete("resume", ""), {"ratios", "two words", "pages"})
        self.assertEqual(self.complete("resume", "tw"), {"two words"})
        self.assertEqual(self.complete("preview", "ratios.yaml", "--out", "no"), {"notes.txt"})
        self.assertEqual(self.complete("run", "ratios.yaml", "--workers", ""), set())
        self.assertEqual(self.complete("data", ""), {"list", "fetch", "inspect"})
        self.assertEqual(self.complete("bench", "de"), {"deletion"})
        self.assertEqual(self.complete("help", "re"), {"resume", "retry", "report"})
        self.assertEqual(self.complete("help", "data", ""), {"list", "fetch", "inspect"})
        self.assertEqual(self.complete("data", "fetch", "ci"), {"cifar10", "cifar100"})
        self.assertEqual(self.complete("data", "inspect", "x", "--as", "w"), {"waterbirds"})

    def test_bash_completes_keys_and_their_words(self):
        self.script = self.pages() / "bash-completion/completions/mixsweep"
        keys = self.complete("run", "c.yaml", "--set", "")
        known = re.findall(r"^\| `([A-Za-z_.0-9]+)` \|", self.mixsweep("check", "--keys")[0], re.M)
        self.assertGreater(len(known), 100)
        self.assertLessEqual(keys, {f"{key}=" for key in known})
        self.assertGreater(len(keys), 100)
        self.assertEqual(self.complete("run", "c.yaml", "--set", "mix.la"), {"mix.labels=", "mix.layers="})
        self.assertEqual(self.complete("run", "c.yaml", "--set", "mix.labels", "=", "d"), {"dominant"})
        self.assertEqual(self.complete("run", "c.yaml", "--set", "mix.labels", "="),
                         {"mixed", "dominant", "host", "only"})
        self.assertEqual(self.complete("run", "c.yaml", "--set", "=", "mix.labels", "=", "d"), {"dominant"})
        self.assertEqual(self.complete("run", "c.yaml", "--set", "train.nesterov", "=", ""), {"true", "false"})
        self.assertEqual(self.complete("run", "c.yaml", "--set", "train.lr", "=", ""), set())

    def test_writing_the_pages_tells_where_they_are(self):
        out, err = self.mixsweep("help", "--write", "new/pages")
        self.assertEqual(err, "")
        self.assertTrue(out.startswith(f"written below new/pages: {len(self.commands()) + 1} pages of the manual, and "
                                       "completion for bash, zsh and fish\n"), out)
        for path in re.findall(r"new/pages/[^ )\n]+", out):
            self.assertTrue((self.folder / path.rstrip(",")).exists(), path)

    def test_pages_are_the_same_each_time_and_their_names_end_as_man_wants(self):
        first = self.pages()
        first.rename(self.folder / "first")
        second = self.pages()
        names = sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
        self.assertEqual(len(names), len(self.commands()) + 4)
        for name in names:
            self.assertEqual((second / name).read_bytes(), (self.folder / "first" / name).read_bytes())

    def test_what_is_wrong_is_said_in_a_line(self):
        for args, words in ((("nonsense",), "no command 'nonsense'; mixsweep help lists them"),
                            (("data", "get"), "no command 'get'; mixsweep help lists them"),
                            (("run", "--form", "html"), "--form html: give text, man, markdown, bash, zsh or fish")):
            self.assertIn(words, self.refused(2, "help", *args))
        self.write("file", "")
        self.assertIn("file", self.refused(3, "help", "--write", "file/pages"))


if __name__ == "__main__":
    main()
