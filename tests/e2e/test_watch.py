"""The full-screen view, on terminals of many kinds. ctest: quick timeout=300"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from harness import PROGRAM, TIME_LIMIT_S, Case, main

ESCAPES = re.compile(rb"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][A-Z0-9]|[=>78])")


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, folder, *args, rows=24, columns=80, **environment):
        self.master, slave = pty.openpty()
        self.resize(rows, columns)
        self.output = b""
        self.process = subprocess.Popen(
            [PROGRAM, *args], cwd=folder, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, env={**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8",
                                         **environment})
        os.close(slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, holds):
        """Read until holds(text) is true of what was shown, escapes aside."""
        end = time.monotonic() + TIME_LIMIT_S
        while not holds(self.text()):
            if time.monotonic() > end:
                raise AssertionError(self.text())
            if select.select([self.master], [], [], 1)[0]:
                try:
                    self.output += os.read(self.master, 65536)
                except OSError: # it has closed its side
                    if not holds(self.text()):
                        raise AssertionError(self.text()) from None
                    return

    def text(self):
        return ESCAPES.sub(b"", self.output).decode(errors="replace")

    def press(self, keys):
        os.write(self.master, keys)

    def end(self):
        """Its exit code after q."""
        self.press(b"q")
        self.process.wait(TIME_LIMIT_S)
        os.close(self.master)
        return self.process.returncode

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Watch(Case):
    def setUp(self):
        super().setUp()
        text = self.tiny(n=48).read_text().replace("[none, mixup, cutmix]", "[none]")
        self.mixsweep("run", self.write("one.yaml", text), "--out", "out")

    def terminal(self, *args, **options):
        terminal = Terminal(self.folder, "watch", *args, **options)
        self.addCleanup(terminal.kill)
        return terminal

    def test_it_shows_the_sweep_and_ends_with_q(self):
        terminal = self.terminal("out")
        terminal.read_until(lambda text: "q: quit" in text)
        for words in ("tiny: finished", "1 trial: 1 done", "results: out/results.csv; exit code 0",
                      "100%", "nodes", os.uname().nodename):
            self.assertIn(words, terminal.text())
        self.assertEqual(terminal.end(), 0)

    def test_any_size_and_kind_of_terminal_will_do(self):
        for rows, columns, kind in ((1, 1, "xterm"), (2, 5, "vt100"), (5, 20, "xterm-256color"),
                                    (24, 80, "vt100"), (50, 200, "linux")):
            terminal = self.terminal("out", rows=rows, columns=columns, TERM=kind)
            terminal.read_until(lambda text, n=columns: "1 trial:"[:n] in text)
            self.assertEqual(terminal.end(), 0, (rows, columns, kind))

    def test_it_follows_the_size_of_its_terminal(self):
        terminal = self.terminal("out", "--every", "1h", rows=2, columns=40)
        terminal.read_until(lambda text: "1 trial: 1 done" in text)
        self.assertNotIn("q: quit", terminal.text())
        terminal.resize(24, 80)
        terminal.process.send_signal(signal.SIGWINCH)
        terminal.read_until(lambda text: "q: quit" in text)
        terminal.press(b"\x1b[B\x1b[B j k")
        terminal.resize(1, 3)
        terminal.process.send_signal(signal.SIGWINCH)
        self.assertEqual(terminal.end(), 0)

    def test_colours_are_used_only_where_they_are_wanted(self):
        red = re.compile(rb"\x1b\[[0-9;]*3[12][;m]")
        terminal = self.terminal("out", TERM="xterm-256color")
        terminal.read_until(lambda text: "q: quit" in text)
        self.assertRegex(terminal.output, red)
        self.assertEqual(terminal.end(), 0)
        terminal = self.terminal("out", TERM="xterm-256color", NO_COLOR="1")
        terminal.read_until(lambda text: "q: quit" in text)
        self.assertNotRegex(terminal.output, red)
        self.assertEqual(terminal.end(), 0)

    def test_a_directory_that_goes_is_told_and_one_that_comes_back_is_shown(self):
        terminal = self.terminal("out", "--every", "0.1s")
        terminal.read_until(lambda text: "q: quit" in text)
        (self.folder / "out").rename(self.folder / "away")
        terminal.read_until(lambda text: "there is no out" in text)
        shown = terminal.text().count("q: quit")
        (self.folder / "away").rename(self.folder / "out")
        terminal.read_until(lambda text: text.count("q: quit") > shown)
        self.assertEqual(terminal.end(), 0)

    def test_what_is_wrong_is_said(self):
        for args, text in (
                (["out"], "watch needs a terminal; mixsweep status out tells the same once"),
                ([], "watch takes one DIR; mixsweep watch --help tells more"),
                (["out", "--every", "0s"], "--every 0s: give a time above 0, as 90s or 2h30m"),
                (["out", "--every", "2h"], "watch takes an --every of 0.1s to 1h; mixsweep watch "
                                           "--help tells more"),
                (["out", "out"], "watch does not take 'out': it takes one DIR; mixsweep watch --help "
                                 "tells more")):
            err = self.refused(2, "watch", *args)
            self.assertEqual(err, f"mixsweep: {text}\n")
        for args, kind, text in ((["nowhere"], "xterm", "there is no nowhere"),
                                 (["out"], "no-such-terminal",
                                  "the terminal 'no-such-terminal' (TERM) is not known here, or "
                                  "too simple; mixsweep status out tells the same"),
                                 (["out"], "dumb", "the terminal 'dumb' (TERM) is not known here, "
                                                   "or too simple; mixsweep status out")):
            # ncurses loses some memory over a terminal that it does not know.
            terminal = self.terminal(*args, TERM=kind, columns=200, ASAN_OPTIONS="detect_leaks=0")
            terminal.read_until(lambda text, words=text: words in text)
            self.assertEqual(terminal.process.wait(TIME_LIMIT_S), 2 if args == ["nowhere"] else 3)


if __name__ == "__main__":
    main()
