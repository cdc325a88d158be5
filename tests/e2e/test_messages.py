"""docs/operations.md explains every message that a sweep or its job writes. ctest: quick"""
import re
import unittest

from harness import SOURCE, main

LITERALS = r'"(?:[^"\\]|\\.)*"(?:\s*(?:PRI\w+\s*)?"(?:[^"\\]|\\.)*")*'
CONVERSION = re.compile(r"%[-+ #0-9.*]*(?:hh|h|ll|l|z|j)?[a-zA-Z]|%\0")
CALL = re.compile(r"\b(mx_console_(?:log|tell)|mx_buf_printf|mx_buf_text|snprintf)\(")
# Where texts are made that are logged as they are.
PASSED_ON = ("share.c", "share_gpus.c", "gpu_choice.c", "run_device.c", "time_limit.c", "run_hosts.c",
             "remarks.c")


def call_at(text, start):
    """The arguments of a call that opens before `start`."""
    depth, quoted, at = 1, False, start
    while depth:
        if text[at] == '"' and text[at - 1] != "\\":
            quoted = not quoted
        if not quoted:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def formats(call):
    """The texts of a few words or more in it."""
    for group in re.findall(LITERALS, call):
        text = re.sub(r'"\s*PRI\w+\s*"', "\0", group)
        text = re.sub(r'"\s*"', "", text).strip('"').replace("\\n", "").replace('\\"', '"')
        if text.count(" ") >= 3:
            yield text


def longest_piece(text):
    return max(CONVERSION.split(text), key=len).strip(" ;:,(")


def messages():
    for path in sorted((SOURCE / "sweep").glob("*.c")):
        text = path.read_text()
        for call in CALL.finditer(text):
            if not call[1].startswith("mx_console") and path.name not in PASSED_ON:
                continue
            arguments = call_at(text, call.end())
            if "MX_LOG_DEBUG" not in arguments or "MX_LOG_INFO" in arguments:
                yield from ((path.name, found) for found in formats(arguments))
    job = (SOURCE / "slurm/mixsweep-job.sh").read_text()
    for said in re.findall(r'^\s*say "(.*)"$', job, re.M):
        pieces = re.split(r"\$\{[^}]*\}|\$\w+", said)
        yield "mixsweep-job.sh", max(pieces, key=len).strip(" ;:,(")


class Messages(unittest.TestCase):
    def test_every_message_is_in_the_page_of_operations(self):
        page = " ".join((SOURCE / "docs/operations.md").read_text().split())
        found = list(messages())
        self.assertGreater(len(found), 40)
        missing = [f"{place}: {longest_piece(text)}" for place, text in found
                   if longest_piece(text) not in page]
        self.assertEqual(missing, [])

    def test_pieces_are_cut_at_what_is_filled_in(self):
        self.assertEqual(list(formats('x, "of %" PRIu64 " things that are %s", "s"')),
                         ["of %\0 things that are %s"])
        self.assertEqual(longest_piece("of %\0 things that are %s"), "things that are")


if __name__ == "__main__":
    main()
