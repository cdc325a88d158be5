"""What export writes is what results.csv and cells.csv hold, in every format. ctest: quick"""
import json
import os
import pathlib
import re
import sqlite3
import tempfile

import event_reader
from harness import FAULTS_PROGRAM, Case, main, rows


def unescape_markdown(text):
    return re.sub(r"\\(.)", r"\1", text)


def unescape_latex(text):
    for written, character in ((r"\textbackslash{}", "\\"), (r"\textasciitilde{}", "~"),
                               (r"\textasciicircum{}", "^"), (r"\textless{}", "<"),
                               (r"\textgreater{}", ">"), (r"\textbar{}", "|"),
                               (r"\textquotedbl{}", '"'), ("{[}", "["), ("{]}", "]"),
                               ("$-$", "-"), (r"\_", "_"), (r"\&", "&"), (r"\%", "%"),
                               (r"\#", "#"), (r"\$", "$"), (r"\{", "{"), (r"\}", "}")):
        text = text.replace(written, character)
    return text


def markdown_rows(text):
    lines = [line for line in text.split("\n") if line.startswith("|")]
    table = [[unescape_markdown(field) for field in line[2:-2].split(" | ")] for line in lines]
    return [dict(zip(table[0], row)) for row in table[2:]]


def latex_rows(text):
    body = text[text.index("\\toprule\n") + 9:text.index("\\bottomrule")]
    table = [[unescape_latex(field) for field in line[:-3].split(" & ")]
             for line in body.replace("\\midrule\n", "").split("\n") if line]
    return [dict(zip(table[0], row)) for row in table[1:]]


KNOWN = {"begin", "end", "toprule", "midrule", "bottomrule", "textbackslash", "textasciitilde", "textasciicircum",
         "textless", "textgreater", "textbar", "textquotedbl", "usepackage"}


def compile_latex(text):
    """A table as LaTeX would read it, far enough to refuse what it refuses: a command that booktabs or the
    kernel do not have, groups and environments that do not close, an alignment character too many, a
    character of its own outside its place, rules elsewhere than between rows. Returns (columns, rows)."""
    text = "".join(line.split("%")[0] if line.startswith("%") else line
                   for line in text.splitlines(keepends=True))
    at, open_, columns, rows, tabs, math, began = 0, [], None, 0, 0, False, True
    while at < len(text):
        if text[at] == "\\":
            command = re.match(r"\\([A-Za-z]+|.|\n)", text[at:]).group(1)
            at += 1 + len(command)
            if command in ("begin", "end"):
                name, at = re.match(r"\{(\w+)\}", text[at:]).group(1), text.index("}", at) + 1
                if command == "begin":
                    open_.append(name)
                    if name == "tabular":
                        columns = len(re.match(r"\{([lrc]+)\}", text[at:]).group(1))
                        at = text.index("}", at) + 1
                else:
                    assert open_.pop() == name, name
                    assert name != "tabular" or began, "the last row has no end"
            elif command == "\\":
                assert tabs + 1 == columns, (tabs + 1, columns)
                rows, tabs, began = rows + 1, 0, True
            elif command.endswith("rule"):
                assert command in KNOWN and began and open_[-1] == "tabular", command
            else:
                assert command in KNOWN or command in "_&%#${}", command
                began = False
        else:
            character, at = text[at], at + 1
            if character in "{}":
                assert character == "{" or open_[-1] == "{", open_
                open_.append("{") if character == "{" else open_.pop()
            elif character == "&":
                assert open_[-1:] == ["tabular"], open_
                tabs, began = tabs + 1, False
            elif character == "$":
                math = not math
            else:
                assert character not in "#^_~" and (character != "%"), text[at - 20:at + 20]
                began = began and character.isspace()
    assert not open_ and not math and columns, (open_, math, columns)
    return columns, rows


class Export(Case):
    """One sweep, made once, of which a trial fails with words that must be quoted."""

    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory(prefix="mx-export-")
        case = cls("test_csv_is_the_tables_themselves")
        case.folder = pathlib.Path(cls.kept.name)
        case.program = FAULTS_PROGRAM
        case.tiny(repeats=2, more="schedule: {retries: 0}\n")
        case.mixsweep("run", "tiny.yaml", "--out", "out", "--workers", "1", code=1,
                      env={**os.environ, "MX_FAULT": "exit stage_ends 2 always"})
        cls.out = case.folder / "out"

    @classmethod
    def tearDownClass(cls):
        cls.kept.cleanup()

    def export(self, *options, code=0):
        return self.mixsweep("export", self.out, "--format", *options, code=code)

    def test_the_sweep_of_these_tests_has_a_trial_that_failed(self):
        trials = rows(self.out / "results.csv")
        self.assertEqual(sorted({row["status"] for row in trials}), ["done", "failed"])

    def test_a_minus_is_standard_output(self):
        self.assertEqual(self.mixsweep("export", self.out, "--format", "csv", "--out", "-")[0],
                         self.mixsweep("export", self.out, "--format", "csv")[0])

    def test_csv_is_the_tables_themselves(self):
        for table, file in (("trials", "results.csv"), ("cells", "cells.csv")):
            out, err = self.export("csv", "--table", table)
            self.assertEqual(out, (self.out / file).read_text())
            self.assertEqual(err, "")
        self.export("csv", "--out", "t.csv")
        self.assertEqual((self.folder / "t.csv").read_bytes(), (self.out / "results.csv").read_bytes())
        self.assertEqual(os.listdir(self.folder), ["t.csv"])

    def test_a_sweep_that_was_killed_is_exported_from_its_journal(self):
        code = (self.out / "exit_code").read_text()
        table = (self.out / "results.csv").read_text()
        try:
            (self.out / "exit_code").unlink()
            (self.out / "results.csv").write_text("trial,cell\n")
            self.assertEqual(self.export("csv")[0], table)
        finally:
            (self.out / "exit_code").write_text(code)
            (self.out / "results.csv").write_text(table)

    def test_json_lines_are_the_rows_with_numbers_as_numbers(self):
        texts = {"trial", "cell", "status", "reason", "mix.strategy", "run.host", "run.device",
                 "run.started", "run.ended", "run.reason"}
        for table, file in (("trials", "results.csv"), ("cells", "cells.csv")):
            out, _ = self.export("jsonl", "--table", table)
            got = [json.loads(line) for line in out.splitlines()]
            self.assertEqual(len(got), len(rows(self.out / file)))
            for have, want in zip(got, rows(self.out / file)):
                self.assertEqual(list(have), list(want))
                for name, text in want.items():
                    if text == "":
                        self.assertIsNone(have[name], name)
                    elif name in texts:
                        self.assertEqual(have[name], text)
                    else:
                        self.assertIsInstance(have[name], (int, float), name)
                        self.assertEqual(have[name], float(text), name)

    def test_a_database_holds_both_tables_and_each_metric_by_name(self):
        out, _ = self.export("sqlite")
        self.assertEqual(out, "out.sqlite\n")
        db = sqlite3.connect(self.folder / "out.sqlite")
        self.addCleanup(db.close)
        for table, file in (("trials", "results.csv"), ("cells", "cells.csv")):
            cursor = db.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            got = cursor.fetchall()
            want = rows(self.out / file)
            self.assertEqual(names, list(want[0]))
            self.assertEqual(len(got), len(want))
            for have, row in zip(got, want):
                for value, text in zip(have, row.values()):
                    if isinstance(value, (int, float)):
                        self.assertEqual(value, float(text))
                    else:
                        self.assertEqual(value or "", text)
        want = {(row["trial"], name): float(text) for row in rows(self.out / "results.csv")
                for name, text in row.items()
                if text and name.startswith(("val.", "test."))}
        self.assertEqual({(t, m): v for t, m, v in db.execute("SELECT * FROM trial_metrics")}, want)
        cells = {(cell, metric): numbers
                 for cell, metric, *numbers in db.execute("SELECT * FROM cell_metrics")}
        for row in rows(self.out / "cells.csv"):
            numbers = [float(row["val.accuracy." + part]) if row["val.accuracy." + part] else None
                       for part in ("n", "mean", "sd", "low", "high")]
            if numbers[0]:
                self.assertEqual(cells[row["cell"], "val.accuracy"], numbers)
            else:
                self.assertNotIn((row["cell"], "val.accuracy"), cells)
        self.assertEqual(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])

    def test_tables_to_be_read_hold_the_same_digits(self):
        for format, read in (("markdown", markdown_rows), ("latex", latex_rows)):
            with self.subTest(format=format):
                cells = rows(self.out / "cells.csv")
                got = read(self.export(format)[0])
                self.assertEqual(len(got), len(cells))
                for have, want in zip(got, cells):
                    self.assertEqual(have["mix.alpha"], want["mix.alpha"] or "-")
                    self.assertEqual(have["trials"], f"{want['done']}/{want['planned']}")
                    for metric in ("val.accuracy", "test.cross_entropy"):
                        mean, low, high = (want[f"{metric}.{part}"]
                                           for part in ("mean", "low", "high"))
                        self.assertEqual(have[metric], f"{mean} [{low}, {high}]" if low else
                                         mean or "-")
                trials = rows(self.out / "results.csv")
                got = read(self.export(format, "--table", "trials")[0])
                self.assertEqual([{name: row[name] or "-" for name in got[0]} for row in trials],
                                 got)

    def test_tables_to_be_read_say_which_way_is_better(self):
        for format in "markdown", "latex":
            for table in "cells", "trials":
                text, _ = self.export(format, "--table", table)
                self.assertEqual(re.findall("; (?:higher|lower) is better: [^;\n]*", text.replace("\\_", "_")),
                                 ["; higher is better: accuracy", "; lower is better: cross_entropy"], (format, table))

    def test_latex_would_take_the_tables(self):
        for table, file in (("trials", "results.csv"), ("cells", "cells.csv")):
            columns, lines = compile_latex(self.export("latex", "--table", table)[0])
            self.assertEqual(lines, 1 + len(rows(self.out / file)))
            self.assertGreater(columns, 3)
        for broken in ("\\begin{tabular}{ll}\na & b & c \\\\\n\\end{tabular}", "a_b",
                       "\\begin{tabular}{l}\na\n\\end{tabular}", "\\begin{tabular}{l}\n{a \\\\\n\\end{tabular}",
                       "\\begin{tabular}{l}\n\\nonsense \\\\\n\\end{tabular}"):
            with self.assertRaises((AssertionError, AttributeError), msg=broken):
                compile_latex(broken)

    def test_digits_round_what_is_shown(self):
        got = markdown_rows(self.export("markdown", "--digits", "2", "--metric", "val.accuracy")[0])
        self.assertEqual(list(got[0])[-1], "val.accuracy")
        self.assertNotIn("test.accuracy", got[0])
        for have, want in zip(got, rows(self.out / "cells.csv")):
            if want["val.accuracy.low"]:
                self.assertEqual(have["val.accuracy"], "%.2f [%.2f, %.2f]" % tuple(
                    float(want["val.accuracy." + part]) for part in ("mean", "low", "high")))
            self.assertEqual(have["mix.alpha"], want["mix.alpha"] or "-")

    def test_tensorboard_gets_every_number_and_what_was_set(self):
        out, err = self.export("tensorboard", "--out", "board")
        self.assertEqual((out, err), ("board\n", ""))
        trials = rows(self.out / "results.csv")
        self.assertEqual(sorted(path.name for path in (self.folder / "board").iterdir()
                                if path.is_dir()), sorted(row["trial"] for row in trials))
        for row in trials:
            [path] = (self.folder / "board" / row["trial"]).iterdir()
            self.assertIn("tfevents", path.name)
            found = event_reader.summaries(path)
            numbers = {tag: number for _, _, tag, _, number in found if number is not None}
            self.assertEqual({tag: number for tag, number in numbers.items()
                              if not tag.startswith("history/")},
                             {name: event_reader.as_float(text) for name, text in row.items()
                              if text and name.startswith(("val.", "test."))})
            if row["status"] == "done":
                self.assertIn("history/train_loss", numbers)
            [start] = [data for _, _, tag, data, _ in found
                       if tag == "_hparams_/session_start_info"]
            set_to, group = event_reader.hparams(start)
            self.assertEqual(group, row["cell"])
            self.assertEqual(set_to, {
                name: float(row[name]) if name == "mix.alpha" else row[name]
                for name in ("mix.strategy", "mix.alpha") if row[name]})
            [end] = [data for _, _, tag, data, _ in found
                     if tag == "_hparams_/session_end_info"]
            status = event_reader.fields(event_reader.fields(end)[4][0])[1]
            self.assertEqual(status, [1 if row["status"] == "done" else 2])
        [path] = (self.folder / "board").glob("events*")
        [(_, _, tag, data, _)] = event_reader.summaries(path)
        self.assertEqual(tag, "_hparams_/experiment")
        experiment = event_reader.fields(event_reader.fields(data)[2][0])
        self.assertEqual([event_reader.fields(info)[1] for info in experiment[4]],
                         [[b"mix.strategy"], [b"mix.alpha"]])
        self.assertEqual(sorted(event_reader.fields(event_reader.fields(info)[1][0])[2][0].decode()
                                for info in experiment[5]),
                         ["test.accuracy", "test.cross_entropy", "val.accuracy",
                          "val.cross_entropy"])

    def test_the_reader_of_these_tests_sees_a_damaged_record(self):
        self.export("tensorboard", "--out", "board")
        [path] = (self.folder / "board").glob("events*")
        good = path.read_bytes()
        for at in (3, 9, 20, len(good) - 1):
            path.write_bytes(good[:at] + bytes([good[at] ^ 4]) + good[at + 1:])
            with self.assertRaises(Exception):
                event_reader.summaries(path)

    def test_curves_are_those_of_the_history(self):
        self.export("tensorboard", "--out", "board")
        trial = next(row for row in rows(self.out / "results.csv") if row["status"] == "done")
        view = json.loads(self.mixsweep("trial", self.out, trial["trial"], "--json")[0])
        history = rows(self.out / "stages" / view["stages"]["train"] / "history.csv")
        [path] = (self.folder / "board" / trial["trial"]).iterdir()
        got = {(tag, step): number for _, step, tag, _, number in event_reader.summaries(path)
               if tag.startswith("history/")}
        want = {(f"history/{name}", int(row["epoch"])): event_reader.as_float(text) for row in history
                for name, text in row.items() if text and name not in ("epoch", "seconds")}
        self.assertEqual(got, want)

    def test_what_is_wrong_is_said_in_a_line(self):
        for args, code, words in (
                ((), 2, "export takes one DIR; mixsweep export --help tells more"),
                (("out",), 2, "export needs --format: csv, jsonl, sqlite, markdown, latex or tensorboard"),
                (("out", "--format", "xls"), 2,
                 "--format xls: give csv, jsonl, sqlite, markdown, latex or tensorboard"),
                (("nowhere", "--format", "csv"), 2, "there is no nowhere"),
                (("out", "--format", "csv", "--digits", "3"), 2,
                 "--digits is for markdown and latex: csv has all digits"),
                (("out", "--format", "sqlite", "--table", "cells"), 2, "--table is for tables: sqlite has both"),
                (("out", "--format", "csv", "--metric", "accuracy"), 2,
                 "out has no metric accuracy (nearest: test.accuracy)"),
                (("out", "--format", "csv", "--metric", "run.seconds"), 2, "out has no metric run.seconds"),
                (("out", "--format", "csv", "--out", "out/journal/000001.jsonl"), 2,
                 "--out out/journal/000001.jsonl lies in the sweep's own directory: give a place outside of out"),
                (("out", "--format", "sqlite", "--out", "out/new.db"), 2, "lies in the sweep's own directory"),
                (("out", "--format", "csv", "--out", "."), 2, "--out . is a folder: give the name of a file"),
                (("out", "--format", "sqlite", "--out", "-"), 2, "--out -: sqlite is no text for standard output"),
                (("out", "--format", "csv", "--out", "no/such/folder/t.csv"), 3, "no/such/folder/t.csv"),
                (("out", "--format", "sqlite", "--out", "no/such/t.db"), 3, "cannot write no/such/t.db")):
            with self.subTest(args=args):
                os.path.lexists(self.folder / "out") or (self.folder / "out").symlink_to(self.out)
                self.assertIn(words, self.refused(code, "export", *args))
                self.assertEqual(os.listdir(self.folder), ["out"])

    def test_a_folder_that_exists_is_left_alone(self):
        self.write("board/precious", "data")
        self.assertIn("board exists: remove it", self.refused(2, "export", self.out, "--format",
                                                              "tensorboard", "--out", "board"))
        self.assertEqual(os.listdir(self.folder / "board"), ["precious"])

    def test_a_table_that_is_damaged_is_named(self):
        table = (self.out / "results.csv").read_text()
        try:
            (self.out / "results.csv").write_text(table + "a,b,c\n")
            err = self.refused(3, "export", self.out, "--format", "csv")
            self.assertRegex(err, r"results\.csv:\d+: 3 fields stand under \d+ names\n")
        finally:
            (self.out / "results.csv").write_text(table)


if __name__ == "__main__":
    main()
