"""Standard input, output and error that are full, closed, or read by nobody. ctest: quick"""
import json
import os
import resource
import subprocess

from harness import PROGRAM, TIME_LIMIT_S, Case, main


class StandardStreams(Case):
    def setUp(self):
        super().setUp()
        self.tiny()
        self.mixsweep("run", "tiny.yaml", "--out", "out", "--workers", "1")
        self.trial = (self.folder / "out/results.csv").read_text().splitlines()[1].split(",")[0]

    def shell(self, line):
        """The exit code and standard error of a line of the shell; $MX is the program."""
        done = subprocess.run(["sh", "-c", line], cwd=self.folder, text=True, check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=TIME_LIMIT_S,
                              env={**os.environ, "MX": PROGRAM})
        return done.returncode, done.stderr

    def commands(self):
        """One line for each command that has something to tell."""
        return ("--version", "--help", "help run", "plan --help", "check tiny.yaml", "check --keys",
                "plan tiny.yaml", "plan tiny.yaml --json", "status out", "status out --json",
                f"trial out {self.trial}", "diff out out", "export out --format csv",
                "export out --format latex", "export out --format sqlite --out a.sqlite",
                "clean out --dry-run", "retry out --failed", "report out", "stop out",
                "preview tiny.yaml --stats 10", "preview tiny.yaml --out look.png",
                "simulate tiny.yaml --workers 2 --event-us 10", "data list",
                "data inspect tiny.yaml", "submit tiny.yaml --nodes 1 --dry-run --out new", "doctor")

    def test_what_did_not_arrive_is_told(self):
        for command in self.commands():
            with self.subTest(command=command):
                code, err = self.shell(f'"$MX" {command} >/dev/full')
                self.assertEqual(code, 3, err)
                self.assertEqual(err.count("cannot write"), 1, err)
                self.assertRegex(err.splitlines()[-1],
                                 r"^mixsweep: cannot write (the \w+|.*standard output)"
                                 r"(: No space left on device)?$")

    def test_a_reader_that_has_enough_is_no_failure(self):
        for command in ("check --keys", "plan tiny.yaml", "status out", "run tiny.yaml --out once"):
            with self.subTest(command=command):
                code, err = self.shell(f'{{ "$MX" {command}; echo $? >code; }} | true')
                self.assertEqual(code, 0)
                self.assertNotIn("cannot write", err)
                self.assertIn((self.folder / "code").read_text().strip(), ("0", "141"))

    def test_a_table_that_did_not_arrive_changes_nothing_of_the_sweep(self):
        code, err = self.shell('"$MX" run tiny.yaml --out full --workers 1 >/dev/full')
        self.assertEqual(code, 0, err)
        self.assertIn("cannot write to standard output", err)
        self.assertEqual((self.folder / "full/exit_code").read_text().strip(), "0")

    def test_no_file_takes_the_place_of_a_stream_that_is_closed(self):
        """The first file that is opened would get its number, and what is told would go there."""
        for closed in ("<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
            with self.subTest(closed=closed):
                self.shell(f'"$MX" run tiny.yaml --out run --workers 1 {closed}')
                for command in ("retry run --failed", "clean run", "report run", "resume run"):
                    code, err = self.shell(f'"$MX" {command} {closed}')
                    self.assertEqual(code, 0, err)
                self.check_files("run")
                self.shell("rm -r run")

    def check_files(self, name):
        """Every file of a sweep holds its own kind of lines and nothing else."""
        folder = self.folder / name
        for line in (folder / "log/sweep.log").read_text().splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT[\d:.]+Z [a-z]+ ")
        for path in sorted(folder.glob("journal/*.jsonl")):
            for line in path.read_text().splitlines():
                json.loads(line)
        self.assertEqual((folder / "exit_code").read_text().strip(), "0")
        for path in folder.glob("log/exec-*.log"):
            self.assertNotIn("planned", path.read_text())
        self.assertEqual((folder / "results.csv").read_text().count("\n"), 6)

    def test_too_few_open_files_are_named_with_what_limits_them(self):
        for limit in (10, 16, 20):
            with self.subTest(limit=limit):
                _, err = self.mixsweep(
                    "run", "tiny.yaml", "--out", f"few-{limit}", code=3,
                    preexec_fn=lambda limit=limit: resource.setrlimit(
                        resource.RLIMIT_NOFILE, (limit, limit)))
                self.assertIn("Too many open files (ulimit -n", err)


if __name__ == "__main__":
    main()
