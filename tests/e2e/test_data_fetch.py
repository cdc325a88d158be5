"""`mixsweep data list` and `data fetch`: what they say, and Fashion-MNIST from a mirror. Its published files are made
from Debian's, which hold the same compressed bytes behind another head: their SHA-256 is thus known to be right. ctest: slow"""
import contextlib
import functools
import http.server
import os
import pty
import shutil
import struct
import subprocess
import threading

from harness import Case, main

PACKAGE = "/usr/share/datasets/fashion-mnist"
MADE_AT = {"train-images-idx3-ubyte": 1504176606, "train-labels-idx1-ubyte": 1504176606,
           "t10k-images-idx3-ubyte": 1504176627, "t10k-labels-idx1-ubyte": 1504176627}


def make_mirror(folder):
    folder.mkdir(parents=True)
    for name, second in MADE_AT.items():
        with open(f"{PACKAGE}/{name}.gz", "rb") as package:
            compressed = package.read()[10:]
        head = b"\x1f\x8b\x08\x08" + second.to_bytes(4, "little") + b"\0\3"
        (folder / f"{name}.gz").write_bytes(head + name.encode() + b"\0" + compressed)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Cut(Quiet):
    """Ends each connection after a fifth of the large file, and knows ranges."""
    asked = []

    def do_GET(self):
        path = self.translate_path(self.path)
        with open(path, "rb") as file:
            data = file.read()
        begin = int(self.headers.get("Range", "bytes=0-")[6:].split("-")[0])
        Cut.asked.append((os.path.basename(path), begin))
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(data) - begin))
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        self.wfile.write(data[begin:begin + 6000000])
        self.close_connection = True


@contextlib.contextmanager
def serving(folder, handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Fetch(Case):
    def environment(self, mirror=None):
        env = dict(os.environ, XDG_DATA_HOME=str(self.folder / "share"))
        env.pop("MIXSWEEP_DATA_MIRROR", None)
        return dict(env, MIXSWEEP_DATA_MIRROR=str(mirror)) if mirror else env

    def fetch_fashion(self, mirror, out="fashion", code=0):
        return self.mixsweep("data", "fetch", "fashion-mnist", "--yes", "--out", self.folder / out, code=code,
                             env=self.environment(mirror))

    def expect_files(self, out="fashion"):
        made = {path.name: path.read_bytes() for path in (self.folder / out).iterdir()}
        mirror = {path.name: path.read_bytes() for path in (self.folder / "mirror" / "fashion-mnist").iterdir()}
        self.assertEqual(sorted(made), sorted(mirror))
        self.assertTrue(all(made[name] == mirror[name] for name in made))
        left = [path.name for path in self.folder.iterdir() if path.name.endswith((".fetch", ".new"))]
        self.assertEqual(left, [])

    def half_fetched(self):
        """Fashion-MNIST's mirror, and a folder as a process leaves it that was killed in its first, large file, whose path
        is returned."""
        if not os.path.exists(PACKAGE):
            self.skipTest("dataset-fashion-mnist is not installed")
        make_mirror(self.folder / "mirror" / "fashion-mnist")
        large = self.folder / "mirror" / "fashion-mnist" / "train-images-idx3-ubyte.gz"
        (self.folder / "fashion.fetch").mkdir()
        (self.folder / "fashion.fetch" / f"{large.name}.part").write_bytes(large.read_bytes()[:1000000])
        return large

    def test_list_tells_where_a_set_is(self):
        out, err = self.mixsweep("data", "list", env=self.environment())
        self.assertEqual(err, "")
        lines = out.splitlines()
        self.assertRegex(lines[0], r"^name +download +is at +holds$")
        self.assertRegex(out, r"(?m)^cifar10 +170\.1 MB +- +60,000 photographs of 10 kinds")
        self.assertRegex(out, r"(?m)^imagenet +by hand +- ")
        (self.folder / "share" / "mixsweep" / "mnist").mkdir(parents=True)
        out, _ = self.mixsweep("data", "list", env=self.environment())
        self.assertRegex(out, rf"(?m)^mnist +11\.6 MB +{self.folder}/share/mixsweep/mnist +70,000")

    def test_terms_are_shown_and_nothing_is_fetched_unasked(self):
        out, err = self.mixsweep("data", "fetch", "kmnist", code=2, env=self.environment())
        self.assertEqual(err, "mixsweep: nobody is there to be asked whether to download that: give --yes\n")
        self.assertIn("terms: CC BY-SA 4.0 (ROIS-DS Center for Open Data in the Humanities)\n", out)
        self.assertIn("from:  http://codh.rois.ac.jp/kmnist/dataset/kmnist/train-images-idx3-ubyte.gz, 18.2 MB\n", out)
        self.assertIn(f"to:    {self.folder}/share/mixsweep/kmnist\n", out)
        self.assertEqual(list(self.folder.iterdir()), [])

    def ask(self, answer, mirror):
        """At a terminal."""
        ours, theirs = pty.openpty()
        os.write(ours, answer)
        try:
            return subprocess.run([self.program, "data", "fetch", "mnist"], stdin=theirs, capture_output=True,
                                  text=True, timeout=60, env=self.environment(mirror), check=False)
        finally:
            os.close(ours)
            os.close(theirs)

    def test_at_a_terminal_it_asks(self):
        said = self.ask(b"n\n", self.folder / "none")
        self.assertEqual((said.returncode, said.stderr), (2, "mixsweep: nothing was downloaded\n"))
        self.assertTrue(said.stdout.endswith("download it? [y/N] "))
        said = self.ask(b"y\n", self.folder / "none")
        self.assertEqual(said.returncode, 3)
        self.assertIn(f"mixsweep: file://{self.folder}/none/mnist/train-images-idx3-ubyte.gz: there is no such file, or "
                      "it cannot be read\n", said.stderr)
        self.assertEqual(list((self.folder / "share" / "mixsweep").iterdir()), [])

    def expect_nothing(self, out="fashion"):
        self.assertFalse([path.name for path in self.folder.iterdir() if path.name.startswith(out)])

    def test_a_mirror_that_is_none_is_refused_in_one_line(self):
        for mirror in ("ftp://example.org/data", "gopher://x", "file://host/data"):
            out, err = self.fetch_fashion(mirror, code=2)
            self.assertEqual(out, "")
            self.assertEqual(err, f"mixsweep: MIXSWEEP_DATA_MIRROR is '{mirror}': give an address that begins with http://, "
                                  "https:// or file:///, or a folder\n")
            self.expect_nothing()

    def test_a_mirror_without_the_file_is_told_and_nothing_is_left(self):
        (self.folder / "my #1 mirror%").mkdir()
        name = "fashion-mnist/train-images-idx3-ubyte.gz"
        for mirror, url in ((self.folder / "my #1 mirror%", f"file://{self.folder}/my%20%231%20mirror%25"),
                            ("my #1 mirror%", f"file://{self.folder}/my%20%231%20mirror%25"),
                            (f"file://{self.folder}/none/", f"file://{self.folder}/none")):
            _, err = self.fetch_fashion(mirror, code=3)
            self.assertEqual(err, f"{url}/{name}\nmixsweep: {url}/{name}: there is no such file, or it cannot be read\n")
            self.expect_nothing()
        with serving(self.folder, Quiet) as address:
            _, err = self.fetch_fashion(address, code=3)
        self.assertEqual(err, f"{address}/{name}\nmixsweep: {address}/{name}: the server says 404\n")
        self.expect_nothing()
        _, err = self.fetch_fashion(address, code=3)  # nobody is there any more
        self.assertEqual(len(err.splitlines()), 2, err)
        self.assertIn("(0 of 26421880 bytes are there: the same command goes on", err)
        self.expect_nothing()

    def test_a_server_that_knows_no_ranges_begins_anew(self):
        self.half_fetched()
        with serving(self.folder / "mirror", Quiet) as address:
            self.fetch_fashion(address)
        self.expect_files()

    def test_what_lies_in_the_place_of_the_fetch_is_told(self):
        self.write("fashion.fetch", "no folder")
        _, err = self.mixsweep("data", "fetch", "fashion-mnist", "--yes", "--out", self.folder / "fashion", code=3,
                               env=self.environment(self.folder / "none"))
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertIn(f"{self.folder}/fashion.fetch", err)

    def test_what_lies_in_the_place_of_the_set_and_is_not_it_is_told(self):
        place = self.folder / "kmnist"
        place.write_text("no folder")
        end = ": remove it, or give --out another FOLDER\n"
        for make, why in ((lambda: None, f"kmnist: cannot read the folder {place}: Not a directory"),
                          (lambda: (place.unlink(), place.mkdir()), f"kmnist: there is no train-images-idx3-ubyte or "
                           f"train-images-idx3-ubyte.gz in {place}: get it with")):
            make()
            err = self.refused(3, "data", "fetch", "kmnist", "--yes", "--out", place, env=self.environment(self.folder / "none"))
            self.assertTrue(err.startswith(f"mixsweep: {place} is there, and is not all of kmnist ({why}"), err)
            self.assertTrue(err.endswith(end), err)

    def test_a_part_of_emnist_is_not_taken_for_another(self):
        place = self.folder / "emnist"
        place.mkdir()
        for half in ("train", "test"):
            (place / f"emnist-letters-{half}-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, 2, 28, 28) + bytes(2 * 784))
            (place / f"emnist-letters-{half}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 2) + b"\1\2")
        args = ("data", "fetch", "emnist", "--yes", "--out", place, "--part")
        out, _ = self.mixsweep(*args, "letters", env=self.environment(self.folder / "none"))
        self.assertEqual(out, f"emnist is there already: {place}\n")
        self.assertEqual(self.refused(3, *args, "digits", env=self.environment(self.folder / "none")),
                         f"mixsweep: {place} holds another part of emnist than digits: remove it, or give --out another FOLDER\n")

    def test_what_it_cannot_do_is_said_in_one_line(self):
        for code, args, text in (
                (2, (), "data takes list, fetch NAME or inspect PATH; mixsweep data --help tells more"),
                (2, ("get",), "data does not know 'get' (list, fetch, inspect); mixsweep data --help tells more"),
                (2, ("fetch",), "data fetch takes one NAME; mixsweep data list tells which there are"),
                (2, ("fetch", "minst"), "no data set 'minst' is known (known: mnist, fashion-mnist, kmnist, emnist, "
                                        "cifar10, cifar100, cub, waterbirds, celeba, metashift, imagenet)"),
                (2, ("fetch", "mnist", "--part", "x"), "mnist has no parts to choose from"),
                (2, ("fetch", "emnist", "--part", "x"), "emnist has no part 'x' (parts: balanced, byclass, bymerge, "
                                                        "digits, letters, mnist)"),
                (2, ("list", "x"), "data list does not take 'x'; mixsweep data list --help tells more")):
            self.assertEqual(self.refused(code, "data", *args, env=self.environment()), f"mixsweep: {text}\n")

    def test_without_a_home_directory_there_is_no_place(self):
        env = {name: text for name, text in self.environment().items() if name not in ("HOME", "XDG_DATA_HOME")}
        for home in ({}, {"HOME": ""}):
            err = self.refused(2, "data", "fetch", "kmnist", "--yes", env={**env, **home})
            self.assertEqual(err, "mixsweep: there is no place for kmnist: give --out FOLDER\n")
            out, _ = self.mixsweep("data", "list", env={**env, **home})
            self.assertRegex(out, r"\nkmnist +21\.2 MB +- ")
            self.write("k.yaml", "data: {set: kmnist}\nmodel: {arch: linear}\n")
            err = self.mixsweep("run", "k.yaml", "--out", "new", code=3, env={**env, **home})[1]
            self.assertIn("kmnist: there is no home directory to look for it in: set data.path", err)
            self.write("s.yaml", "data: {set: synthetic, size: 12, synthetic: {n: 60}}\n"
                                 "model: {arch: linear}\ntrain: {epochs: 1}\n")
            self.mixsweep("run", "s.yaml", env={**env, **home})

    def test_a_set_that_wants_an_agreement_is_explained(self):
        out, err = self.mixsweep("data", "fetch", "celeba", "--yes", code=2, env=self.environment())
        self.assertIn("terms: for non-commercial research", out)
        self.assertIn("celeba cannot be fetched: its publisher wants its agreement read: ", err)

    def test_fashion_mnist_from_a_folder_a_file_address_and_a_server(self):
        if not os.path.exists(PACKAGE):
            self.skipTest("dataset-fashion-mnist is not installed")
        make_mirror(self.folder / "mirror" / "fashion-mnist")
        with serving(self.folder / "mirror", Quiet) as address:
            for k, mirror in enumerate((self.folder / "mirror", f"file://{self.folder}/mirror/", address)):
                out, err = self.fetch_fashion(mirror, f"fashion{k}")
                self.assertTrue(out.endswith(f"fashion-mnist is at {self.folder}/fashion{k}\n"), out)
                self.assertEqual(len(err.splitlines()), 4, err)
                self.expect_files(f"fashion{k}")
        out, err = self.fetch_fashion(self.folder / "nowhere", "fashion2")  # it is there already
        self.assertEqual(out, f"fashion-mnist is there already: {self.folder}/fashion2\n")
        self.write("sweep.yaml", "name: s\ndata: {set: fashion-mnist, path: fashion2, train_limit: 64, test_limit: 32}\n"
                                 "model: {arch: linear}\ntrain: {epochs: 1}\n")
        self.mixsweep("run", "sweep.yaml", "--out", "run")

    def test_a_cut_connection_and_a_killed_fetch_are_gone_on_with(self):
        large = self.half_fetched()
        with serving(self.folder / "mirror", Cut) as address:
            self.fetch_fashion(address)
        self.expect_files()
        self.assertEqual([begin for name, begin in Cut.asked if name == large.name],
                         [1000000 + 6000000 * k for k in range(5)])

    def test_another_file_is_refused_and_leaves_nothing_in_place(self):
        if not os.path.exists(PACKAGE):
            self.skipTest("dataset-fashion-mnist is not installed")
        mirror = self.folder / "mirror" / "fashion-mnist"
        make_mirror(mirror)
        labels = mirror / "train-labels-idx1-ubyte.gz"
        data = bytearray(labels.read_bytes())
        data[5000] ^= 1
        labels.write_bytes(data)
        _, err = self.fetch_fashion(self.folder / "mirror", code=3)
        self.assertIn("train-labels-idx1-ubyte.gz is not the file that was published (its checksum is not sha256:a04f",
                      err)
        self.assertFalse((self.folder / "fashion").exists())
        labels.write_bytes(data[:-1])
        _, err = self.fetch_fashion(self.folder / "mirror", code=3)
        self.assertIn("is not the file that was published: it has 29514 bytes, not 29515", err)
        shutil.rmtree(mirror)
        make_mirror(mirror)
        self.fetch_fashion(self.folder / "mirror")  # what was right is not fetched again
        self.expect_files()


if __name__ == "__main__":
    main()
