"""Compare the vendor's calls that objects need with those that calls.md lists.

    check_calls.py CALLS.md NVML.H NVML.C... OBJECT...

The management library's calls are looked up by name at run time: NVML.H has the names, and each NVML.C
stand-ins. A row of calls.md is `| family | call | arguments we use | checks |`. A row whose checks begin with
"planned" may be there before the call is made, and must be completed when it is.
"""
import re
import subprocess
import sys

VENDOR = re.compile(r"^(__cuda|cuda|cublas|cudnn|nccl|cufft|nvml)")


def listed(page):
    rows = {}
    for line in open(page, encoding="utf-8"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) >= 4 and VENDOR.match(cells[1].strip("`")):
            name = cells[1].strip("`")
            if name in rows:
                sys.exit(f"{page}: {name} is listed twice")
            rows[name] = cells[3]
    return rows


def needed(objects):
    text = subprocess.run(["nm", "-u", *objects], check=True, capture_output=True, text=True).stdout
    names = {line.split()[-1].split("@")[0] for line in text.splitlines() if " U " in line}
    return {name for name in names if VENDOR.match(name)}


def looked_up(header, stand_ins):
    names = set(re.findall(r'"(nvml\w+)"', open(header, encoding="utf-8").read()))
    there = {name for file in stand_ins
             for name in re.findall(r"^\w+ int (nvml\w+)\(", open(file, encoding="utf-8").read(), re.M)}
    if names != there:
        sys.exit(f"{header} and {' '.join(stand_ins)} differ in {', '.join(sorted(names ^ there))}")
    return names


def main():
    page, header = sys.argv[1:3]
    stand_ins = [name for name in sys.argv[3:] if name.endswith(".c")]
    objects = [name for name in sys.argv[3:] if not name.endswith(".c")]
    if not objects:
        sys.exit("no objects to look at")
    rows, calls = listed(page), needed(objects) | looked_up(header, stand_ins)
    wrong = [f"{name} is called, and {page} does not list it" for name in sorted(calls - set(rows))]
    wrong += [f"{name} is in {page}, and nothing calls it" for name in sorted(set(rows) - calls)
              if not rows[name].startswith("planned")]
    wrong += [f"{name} is called: say in {page} what is checked, no longer 'planned'"
              for name in sorted(calls & set(rows)) if rows[name].startswith("planned")]
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(calls)} calls, all of them listed")


if __name__ == "__main__":
    main()
