"""The command line: what is wrong is said in one line, and nothing is made. ctest: quick"""
import json
import os
import re

from harness import Case, main


class Usage(Case):
    def test_version_is_one_line(self):
        out, err = self.mixsweep("--version")
        self.assertRegex(out, r"\Amixsweep \d+\.\d+\.\d+\n\Z")
        self.assertEqual(err, "")

    def test_every_command_that_help_lists_has_help(self):
        out, err = self.mixsweep("--help")
        self.assertEqual(err, "")
        commands = re.findall(r"^  ([a-z]+) ", out, re.MULTILINE)
        self.assertGreaterEqual(set(commands), {"check", "plan", "run", "resume"})
        for command in commands:
            out, err = self.mixsweep(command, "--help")
            self.assertTrue(out.startswith(f"usage: mixsweep {command}"), out)
            self.assertEqual(err, "")

    def test_what_is_wrong_is_named_and_nothing_is_made(self):
        self.tiny()
        for args, words in (
                (["sweep"], "no command 'sweep';"),
                (["chek", "tiny.yaml"], "no command 'chek' (did you mean check?);"),
                (["exectuor"], "no command 'exectuor';"),
                (["a\x1b[2Jb"], "no command 'a?[2Jb';"),
                (["run"], "CONFIG"),
                (["run", "tiny.yaml", "again.yaml"], "CONFIG"),
                (["run", "tiny.yaml", "--workers", "0"], "--workers 0"),
                (["run", "tiny.yaml", "--workers", "two"], "--workers two"),
                (["run", "tiny.yaml", "--time-limit", "90"], "90"),
                (["run", "tiny.yaml", "--log-format", "xml"], "xml"),
                (["run", "tiny.yaml", "--set", "train.epochs"], "train.epochs"),
                (["run", "tiny.yaml", "--set", "train.epoch=2"], "train.epochs"),
                (["resume"], "DIR"),
                (["resume", "nowhere"], "nowhere"),
                (["resume", "."], "config.yaml")):
            with self.subTest(args=args):
                out, err = self.mixsweep(*args, code=2)
                self.assertEqual(out, "")
                self.assertIn(words, err.split("\n")[0])
                self.assertEqual(os.listdir(self.folder), ["tiny.yaml"])

    def test_an_output_directory_that_exists_is_left_alone(self):
        self.tiny()
        self.write("out/precious", "data")
        self.assertIn("out", self.refused(2, "run", "tiny.yaml", "--out", "out"))
        self.assertEqual(os.listdir(self.folder / "out"), ["precious"])

    def test_log_records_are_json_where_that_is_asked_for(self):
        self.tiny()
        _, err = self.mixsweep("run", "tiny.yaml", "--log-format", "json", "--workers", "1")
        lines = (self.folder / "tiny/log/sweep.log").read_text().splitlines()
        self.assertGreater(len(lines), 0)
        for line in lines + err.splitlines():
            record = json.loads(line)
            self.assertEqual(list(record), ["time", "level", "host", "rank", "trial", "text"])

    def test_a_missing_configuration_is_named(self):
        self.assertIn("nowhere.yaml", self.refused(2, "run", "nowhere.yaml"))
        self.assertEqual(os.listdir(self.folder), [])


if __name__ == "__main__":
    main()
