"""Prometheus' text format, read strictly: what promtool would complain about, and more."""
import math
import re
import shutil
import subprocess

HELP = re.compile(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S.*)")
TYPE = re.compile(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)")
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')


def labels_of(text):
    """The labels between braces, as a dictionary."""
    labels, at = {}, 0
    while at < len(text):
        label = LABEL.match(text, at)
        if not label or label[1] in labels:
            raise ValueError(f"labels {text!r}")
        labels[label[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), label[2])
        at = label.end()
    return labels


def parse(text):
    """{(name, sorted labels): value}; ValueError for what breaks a rule."""
    samples, seen, family = {}, set(), None
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    for line in text[:-1].split("\n"):
        if helped := HELP.fullmatch(line):
            if helped[1] in seen:
                raise ValueError(f"{helped[1]} comes twice")
            family, kind = helped[1], None
            seen.add(family)
        elif typed := TYPE.fullmatch(line):
            if typed[1] != family or kind:
                raise ValueError(f"{line!r} is not where it belongs")
            kind = typed[2]
            if (kind == "counter") != family.endswith("_total"):
                raise ValueError(f"{family} is a {kind}")
        elif sample := SAMPLE.fullmatch(line):
            if sample[1] != family or not kind:
                raise ValueError(f"{line!r} is of no family")
            key = family, tuple(sorted(labels_of(sample[2]).items()))
            value = float(sample[3])
            if key in samples or not math.isfinite(value) or (kind == "counter" and value < 0):
                raise ValueError(f"{line!r}")
            samples[key] = value
        else:
            raise ValueError(f"{line!r} is no line of the format")
    return samples


def promtool(*args, text=None):
    """The words of promtool, "" for none; None where it is not installed."""
    if not shutil.which("promtool"):
        return None
    done = subprocess.run(["promtool", *args], input=text, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return "" if done.returncode == 0 else done.stdout or f"promtool ended with {done.returncode}"
