"""Read the results of a mixsweep sweep into plain lists, or into pandas where that is installed.

One file that needs nothing but Python 3.9: copy it where you need it.

    import mixsweep_results as results

    sweep = results.read("ratios")            # the output directory
    sweep.trials                              # a list: a dictionary a row of results.csv
    sweep.cells                               # the same of cells.csv
    sweep.frame("trials")                     # a pandas.DataFrame

    for group, rows in results.group(sweep.trials, sweep.axes).items():
        print(group, results.mean(rows, "test.accuracy"))

No row is lost, which other readers do easily:

- `none`, `NA` and `null` are words of this program or names of your own, not missing values. Only an
  empty field is missing: None in lists; NaN in columns of numbers and None in those of words in pandas.
- A key that a cell does not use is empty. group() keeps such rows in a group of their own, and so
  does pandas with `dropna=False`, which frame.groupby() needs to be told; by default it drops them.
- Text may hold commas, quotes and line ends (`run.reason` does): it is read by the rules of CSV.
- A row with too few or too many fields is an error, and so is a table with fewer rows than
  cells.csv says are planned.

Cell ids such as 1234567812345678 and 12345678e1234567 are text, whatever they look like.
"""
import csv
import json
import math
import pathlib

_TEXT = {"trial", "cell", "status", "reason", "run.host", "run.device", "run.started", "run.ended",
         "run.reason"}
_INTEGER = {"repeat", "seed", "planned", "done", "failed", "quarantined", "stopped", "pending",
            "run.attempts", "run.rank", "run.executor"}
_FIRST = ("trial", "cell", "repeat", "status", "reason")
_COUNTS = ("planned", "done", "failed", "quarantined", "stopped", "pending")


class Sweep:
    """The tables of one sweep."""

    def __init__(self, directory, trials, cells, axes, metrics):
        self.directory = directory
        self.trials = trials  # list of dictionaries, in the order of the grid
        self.cells = cells
        self.axes = axes  # names of the grid's keys
        self.metrics = metrics  # names of what was measured

    def __repr__(self):
        return f"<{self.directory}: {len(self.cells)} cells, {len(self.trials)} trials>"

    def done(self):
        """The trials that are done: those with numbers."""
        return [row for row in self.trials if row["status"] == "done"]

    def frame(self, table="trials"):
        """The table as a pandas.DataFrame, with the columns' types set and all rows."""
        import pandas
        rows = {"trials": self.trials, "cells": self.cells}[table]
        columns = list(rows[0]) if rows else []
        made = {}
        for name in columns:
            values = [row[name] for row in rows]
            numbers = [v for v in values if v is not None]
            if numbers and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in numbers):
                whole = all(isinstance(v, int) for v in values)
                made[name] = pandas.Series(values if whole else
                                           [math.nan if v is None else float(v) for v in values])
            else:
                made[name] = pandas.Series(values, dtype=object)
        return pandas.DataFrame(made, columns=columns)

    def histories(self):
        """The curves of each training whose folder is there: a dictionary with its stage's `key`,
        `repeat` and `parameters`, and `rows`, one an epoch."""
        found = []
        for path in sorted(pathlib.Path(self.directory).glob("stages/*/stage.json")):
            stage = json.loads(path.read_text())
            if stage["kind"] == "train":
                head, body = _table(path.parent / "history.csv")
                found.append({"key": stage["key"], "repeat": stage["repeat"],
                              "parameters": stage["parameters"],
                              "rows": [{name: _value(text) for name, text in zip(head, fields)}
                                       for fields in body]})
        return found


def read(directory):
    """Read results.csv and cells.csv of an output directory. ValueError says what does not fit."""
    folder = pathlib.Path(directory)
    head, body = _table(folder / "results.csv")
    seed = head.index("seed")
    run = next(k for k, name in enumerate(head) if name.startswith("run."))
    if tuple(head[:len(_FIRST)]) != _FIRST:
        raise ValueError(f"{folder / 'results.csv'} is no table of results")
    axes, metrics = head[len(_FIRST):seed], head[seed + 1:run]
    words = _TEXT | _axes_of_words(axes, head, body)
    trials = _rows(head, body, words)
    head, body = _table(folder / "cells.csv")
    cells = _rows(head, body, words)
    planned = sum(row["planned"] for row in cells)
    if planned != len(trials):
        raise ValueError(f"{folder}: results.csv has {len(trials)} rows, and cells.csv says that "
                         f"{planned} trials are planned")
    return Sweep(str(directory), trials, cells, axes, metrics)


def group(rows, keys):
    """Rows by the values of some columns, in the order of the table: {(value, ...): [row, ...]}. Rows
    in which a column is empty have None there; none is left out."""
    keys = [keys] if isinstance(keys, str) else list(keys)
    groups = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups


def mean(rows, metric):
    """The mean of what was measured; None if nothing was."""
    values = [row[metric] for row in rows if row[metric] is not None]
    return math.fsum(values) / len(values) if values else None


def _table(path):
    """Head and rows of a file, as text; each row has as many fields as the head."""
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file, strict=True)
        head = next(reader, None)
        if not head:
            raise ValueError(f"{path} is empty")
        body = []
        for fields in reader:
            if len(fields) != len(head):
                raise ValueError(f"{path}:{reader.line_num}: {len(fields)} fields stand under "
                                 f"{len(head)} names")
            body.append(fields)
    return head, body


def _number(text):
    """An int or a float as the program writes them; None: it is none."""
    digits = text.lstrip("-")
    if digits.isdigit() and text.isascii() and (digits[0] != "0" or digits == "0"):
        return int(text)
    if text in ("inf", "-inf"):
        return float(text)
    if ("." in text or "e" in text) and all(c in "0123456789.e+-" for c in text):
        try:
            return float(text)
        except ValueError:
            return None
    return None


def _value(text):
    if text == "":
        return None
    number = _number(text)
    return text if number is None else number


def _axes_of_words(axes, head, body):
    """Those with a value that is no number: all of such a column stays text."""
    found = set()
    for axis in axes:
        at = head.index(axis)
        if any(fields[at] and _number(fields[at]) is None for fields in body):
            found.add(axis)
    return found


def _field(name, text, words, metrics):
    if text == "":
        return None
    if name in words:
        return text
    if name in _INTEGER or name.endswith(".n"):
        return int(text)
    number = _number(text)
    if number is None:
        raise ValueError(f"{name} is no number: {text!r}")
    return float(number) if metrics else number


def _rows(head, body, words):
    """Dictionaries; what stands behind the seed, or behind the counts of a cell, are metrics."""
    behind = head.index("seed" if "seed" in head else _COUNTS[-1])
    return [{name: _field(name, text, words, at > behind)
             for at, (name, text) in enumerate(zip(head, fields))} for fields in body]
