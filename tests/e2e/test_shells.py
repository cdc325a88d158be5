"""Completion in zsh and fish, where these are installed. ctest: quick machine"""
import os
import pty
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
                    self.assertRegex(text, rf"--{option}=?\[" if shell == "zsh" else f"-l {option} ")
            if shutil.which(shell):
                done = subprocess.run([shell, "-n", pages / path], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_fish_completes(self):
        if not shutil.which("fish"):
            self.skipTest("there is no fish")
        script = self.pages() / "fish/vendor_completions.d/mixsweep.fish"
        for line, words in (("mixsweep ex", {"export"}), ("mixsweep export --format la", {"latex"}),
                            ("mixsweep data fetch --y", {"--yes"}),
                            ("mixsweep help rep", {"report"}), ("mixsweep help data f", {"fetch"}),
                            ("mixsweep data fetch ci", {"cifar10", "cifar100"}),
                            ("mixsweep data inspect x --as w", {"waterbirds"}),
                            ("mixsweep run c.yaml --set mix.la", {"mix.labels=", "mix.layers="}),
                            ("mixsweep run c.yaml --set mix.labels=do", {"mix.labels=dominant"}),
                            ("mixsweep run c.yaml --set=mix.labels=do", {"--set=mix.labels=dominant"})):
            done = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
                                  capture_output=True, text=True,
                                  env={**os.environ, "HOME": str(self.folder)})
            self.assertEqual({found.split("\t")[0] for found in done.stdout.splitlines()}, words)

    def zsh(self, *lines):
        """What zsh offers behind each line, as it reads them from a terminal."""
        functions = self.pages() / "zsh/site-functions"
        found = self.folder / "found"
        rc = self.write("rc", f"""
            PS1='' ; fpath=({functions} $fpath)
            autoload -Uz compinit; compinit -u -d {self.folder}/dump
            compadd() {{
                local -a offered
                builtin compadd -O offered "$@"
                print -rl -- $offered >> {found}
                builtin compadd "$@"
            }}
            next() {{ print -r -- '//' >> {found}; BUFFER=; }}
            zle -N next; bindkey '^N' next; bindkey '^T' complete-word
            leave() {{ exit 0; }}
            zle -N leave; bindkey '^E' leave
            zle-line-init() {{ [[ -e {self.folder}/begun ]] || {{ touch {self.folder}/begun; print READY; }}; }}
            zle -N zle-line-init
            """)
        master, slave = pty.openpty()
        shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave,
                                 cwd=self.folder, start_new_session=True,
                                 env={**os.environ, "TERM": "dumb", "HOME": str(self.folder)})
        os.close(slave)
        os.write(master, f"source {rc}\n".encode())
        seen = b""
        while b"READY" not in seen.replace(b"print READY", b""):
            seen += os.read(master, 4096)
        for line in lines:
            os.write(master, line.encode() + b"\x14\x0e")
        os.write(master, b"\x05")
        while True:
            try:
                if not os.read(master, 4096):
                    break
            except OSError:  # the shell has gone
                break
        os.close(master)
        self.assertEqual(shell.wait(), 0)
        return [set(part.split()) for part in found.read_text().split("//")[:-1]]

    def test_zsh_completes(self):
        if not shutil.which("zsh"):
            self.skipTest("there is no zsh")
        cases = (("mixsweep rep", {"report"}), ("mixsweep help rep", {"report"}),
                 ("mixsweep help data f", {"fetch"}), ("mixsweep export --format la", {"latex"}),
                 ("mixsweep export --format=la", {"latex"}),
                 ("mixsweep data fetch ci", {"cifar10", "cifar100"}),
                 ("mixsweep data inspect x --as wa", {"waterbirds"}),
                 ("mixsweep run c.yaml --set mix.la", {"mix.labels=", "mix.layers="}),
                 ("mixsweep run c.yaml --set mix.labels=do", {"dominant"}),
                 ("mixsweep run c.yaml --set=mix.labels=do", {"dominant"}),
                 ("mixsweep run c.yaml --set train.nesterov=t", {"true"}))
        for (line, words), found in zip(cases, self.zsh(*[line for line, _ in cases]), strict=True):
            self.assertEqual({word for word in found if not word.startswith("-")}, words, line)


if __name__ == "__main__":
    main()
