"""A disk that fills up, in a small file system that only these tests see: one clear
line, exit code 3, files whole or not there, and a sweep that goes on once there is
room. ctest: quick machine"""
import csv
import io
import json
import subprocess

from harness import PROGRAM, TIME_LIMIT_S, Case, main

# Mounts SIZE of memory as ./disk, runs the program there, shows what it left, then makes
# room and resumes. Only this script and its children see the mount.
SCRIPT = """
set -u
mkdir disk && mount -t tmpfs -o size="$SIZE" none disk || exit 77
head -c "$BALLAST" /dev/zero >disk/ballast
"$MX_PROGRAM" run tiny.yaml --out disk/out --workers 1 >first.out 2>first.err
echo $? >first.code
find disk -name '*.tmp.*' >leftovers
cp -r disk/out snapshot 2>/dev/null
mount -o remount,size=64m disk
rm disk/ballast
"$MX_PROGRAM" run tiny.yaml --out disk/out --resume --workers 1 >second.out 2>second.err
echo $? >second.code
cp disk/out/results.csv .
"""


class FullDisk(Case):
    def fill(self, size, ballast):
        """Run the script; the number of bytes left is about size - ballast."""
        process = subprocess.run(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT],
            cwd=self.folder, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "MX_PROGRAM": PROGRAM,
                 "SIZE": str(size), "BALLAST": str(ballast)})
        if process.returncode == 77 or "unshare" in process.stderr:
            self.skipTest(f"may not mount: {process.stderr.strip()}")

    def read(self, name):
        return (self.folder / name).read_text()

    def test_at_any_moment(self):
        self.tiny(repeats=3)
        self.mixsweep("run", "tiny.yaml", "--out", "whole", "--workers", "1")
        expected = self.columns(self.read("whole/results.csv"))
        # From a disk that is full from the start to one that fills in the middle of the sweep.
        for left in (0, 4096, 16384, 32768, 65536, 98304):
            with self.subTest(left=left):
                self.fill(1 << 20, (1 << 20) - left)
                self.assertEqual(self.read("first.code").strip(), "3", self.read("first.err"))
                self.check_told()
                self.check_whole()
                self.assertEqual(self.read("second.code").strip(), "0", self.read("second.err"))
                self.assertEqual(self.columns(self.read("results.csv")), expected)
            self.clear()

    def check_told(self):
        """The last line names a file and the cause; no other line is an accident's trace."""
        lines = self.read("first.err").splitlines()
        told = [line for line in lines if "No space left on device" in line]
        self.assertGreaterEqual(len(told), 1, lines)
        self.assertTrue(lines[-1].startswith("mixsweep: "), lines)
        self.assertIn("No space left on device", lines[-1])
        self.assertIn("disk/out", lines[-1])

    def check_whole(self):
        """What is there is whole: nothing half-written, and no temporary file."""
        self.assertEqual(self.read("leftovers"), "")
        snapshot = self.folder / "snapshot"
        for path in snapshot.rglob("*.json"):
            json.loads(path.read_text())
        for path in snapshot.glob("journal/*.jsonl"):
            for line in path.read_text().splitlines():
                json.loads(line)
        for path in snapshot.rglob("*.csv"):
            lengths = {len(row) for row in csv.reader(io.StringIO(path.read_text()))}
            self.assertEqual(len(lengths), 1, path)

    def clear(self):
        for path in self.folder.iterdir():
            if path.name not in ("tiny.yaml", "whole"):
                subprocess.run(["rm", "-rf", str(path)], check=True)

    @staticmethod
    def columns(text):
        return [{k: v for k, v in row.items() if not k.startswith("run.")}
                for row in csv.DictReader(io.StringIO(text))]


if __name__ == "__main__":
    main()
