"""The cores on which executors will run decode image files with the sweep that starts. ctest: quick"""
import fcntl
import json
import os
import pathlib
import signal

import png
from harness import TIME_LIMIT_S, Case, main, processes_of, rows

CONFIG = """
name: decoded
data: {set: folder, path: photos, size: 16}
model: {arch: linear}
train: {epochs: 1, batch_size: 32}
"""
FILES = 120


def is_decoder(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1] == b"decoder"
    except (OSError, IndexError):
        return False


class Decoders(Case):
    def setUp(self):
        super().setUp()
        self.mixsweep("run", self.tiny(), "--out", "cores")
        if json.loads((self.folder / "cores/status.json").read_text())["nodes"][0]["executors"] < 2:
            self.skipTest("there is one core, by what the control group grants too: nothing to share")
        for k in range(FILES):
            path = self.photo(k)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png.encode(20, 18, lambda y, x, k=k: ((x * y + k) % 256, 2 * x, k)))
        self.config = self.write("decoded.yaml", CONFIG)
        self.cache = self.folder / "cache"

    def photo(self, k):
        return self.folder / "photos" / ("test" if k % 4 == 0 else "train") / ("blue" if k % 2 else "red") / f"{k}.png"

    def environment(self):
        return dict(os.environ, MIXSWEEP_CACHE=str(self.cache))

    def stores(self):
        return {path.name: path.read_bytes() for path in self.cache.glob("images-*")}

    def alone(self):
        """What one process decodes."""
        self.mixsweep("run", self.config, "--out", "alone", "--workers", 1, env=self.environment())
        stores = self.stores()
        self.assertEqual(len(stores), 2)
        return stores

    def start_held(self, stores):
        """A sweep that stands before its images, which were decoded before and are not there any
        more, until the files are closed; its decoder, and the files."""
        files = []
        for name in stores:
            (self.cache / name).unlink()
            files.append(open(self.cache / f"{name}.tmp", "wb"))
            fcntl.flock(files[-1], fcntl.LOCK_EX)
        sweep = self.start("run", self.config, "--out", "out", "--workers", 2, env=self.environment())
        self.addCleanup(self.end, sweep, files)
        found = []
        self.wait_for("a decoder is there", lambda: found.extend(filter(is_decoder, processes_of(self.folder))) or found,
                      sweep)
        return sweep, found[0], files

    def end(self, sweep, files):
        for file in files:
            file.close()
        for pid in processes_of(self.folder):
            os.kill(pid, signal.SIGKILL)
        if sweep.poll() is None:
            sweep.communicate()

    def expect_the_same(self, sweep, stores):
        out, err = sweep.communicate(timeout=TIME_LIMIT_S)
        self.assertEqual(sweep.returncode, 0, out + err)
        self.assertTrue(self.stores() == stores, sorted(self.stores()))  # no part, no claim
        self.assertEqual(processes_of(self.folder), [])
        self.assertEqual([row["test.accuracy"] for row in rows(self.folder / "out/results.csv")],
                         [row["test.accuracy"] for row in rows(self.folder / "alone/results.csv")])

    def decoded_with(self, act):
        """A sweep that goes on once something was done to its decoder."""
        stores = self.alone()
        sweep, decoder, files = self.start_held(stores)
        act(decoder)
        for file in files:
            file.close()
        self.expect_the_same(sweep, stores)

    def test_what_they_decode_with_the_sweep_is_what_it_decodes_alone(self):
        self.decoded_with(lambda decoder: None)

    def test_one_that_stands_still_holds_nobody_up(self):
        self.decoded_with(lambda decoder: os.kill(decoder, signal.SIGSTOP))

    def test_one_that_is_killed_is_not_missed(self):
        self.decoded_with(lambda decoder: os.kill(decoder, signal.SIGKILL))

    def test_they_end_with_a_sweep_that_is_killed(self):
        sweep, _, _ = self.start_held(self.alone())
        sweep.kill()
        sweep.communicate()
        self.wait_for("the decoder is gone", lambda: not processes_of(self.folder))

    def test_the_first_mistake_is_told_as_by_one_process_and_nothing_of_it_stays(self):
        for k in (41, 90, 7):
            self.photo(k).write_bytes(b"no image")
        told = {self.refused(3, "run", self.config, "--out", f"out{workers}", "--workers", workers, env=self.environment())
                for workers in (1, 2, 2, 2)}
        self.assertEqual(len(told), 1, told)
        self.assertIn(".png", told.pop())
        self.assertEqual(self.stores(), {})
        self.assertEqual(processes_of(self.folder), [])


if __name__ == "__main__":
    main()
