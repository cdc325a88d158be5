#!/usr/bin/env python3
"""Decode and resize the same image files with mixsweep, Pillow and OpenCV on one core, in turns; rates and ratios.

    peer_data.py --mixsweep build/cpu/mixsweep [--files FOLDER] [--rounds 5]

Needs Pillow, numpy and opencv-python (one may be missing). Without --files, 24 files of --width x --height pixels, JPEG or with
--png PNG, are made with Pillow. Each round runs `mixsweep bench data` and then the others, for CPU time, on the first core this process may use; the
best round of each counts. Decoding ends with pixels in memory, from files in memory. Resizing brings the shorter side to 224
and cuts out the centre: Pillow by BILINEAR (which is antialiased, and the same bytes as ours), OpenCV by INTER_AREA (antialiased by
another filter) and by INTER_LINEAR (not antialiased). How far their bytes are from Pillow's is printed: ours are compared by the tests.
"""
import argparse
import io
import json
import os
import pathlib
import subprocess
import tempfile
import time

import numpy

SIDE = 224


def make_files(folder, width, height, png):
    import PIL.Image
    random = numpy.random.default_rng(0)
    for k in range(24):
        small = random.integers(0, 256, (9, 12, 3), dtype=numpy.uint8)
        smooth = numpy.asarray(PIL.Image.fromarray(small).resize((width, height), PIL.Image.Resampling.BICUBIC)).astype(int)
        noisy = numpy.clip(smooth + random.integers(-12, 13, smooth.shape), 0, 255).astype(numpy.uint8)
        PIL.Image.fromarray(noisy).save(folder / f"{k:02}.{'png' if png else 'jpg'}", **({} if png else {"quality": 90}))


def to_size(width, height):
    shorter = min(width, height)
    return width * SIDE // shorter, height * SIDE // shorter


def cut(array):
    y, x = (array.shape[0] - SIDE) // 2, (array.shape[1] - SIDE) // 2
    return array[y:y + SIDE, x:x + SIDE]


def in_colour(array):
    """OpenCV decodes grey files to three equal channels."""
    return (array if array.ndim == 3 else array[..., None]).astype(int)


def pillow():
    try:
        import PIL.Image
    except ImportError:
        return {}

    def decode(data):
        image = PIL.Image.open(io.BytesIO(data))
        image.load()
        return image

    def resize(image):
        to = to_size(*image.size)
        return cut(numpy.asarray(image.resize(to, PIL.Image.Resampling.BILINEAR)))

    return {"pillow": (decode, resize)}


def opencv():
    try:
        import cv2
    except ImportError:
        return {}
    cv2.setNumThreads(1)

    def decode(data):
        return cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)

    def with_filter(kind):
        def resize(array):
            return cut(cv2.resize(array, to_size(array.shape[1], array.shape[0]), interpolation=kind)).copy()
        return resize

    return {"opencv area": (decode, with_filter(cv2.INTER_AREA)), "opencv linear": (decode, with_filter(cv2.INTER_LINEAR))}


def rate(function, items, repeats=3):
    begin = time.process_time()
    for _ in range(repeats):
        made = [function(item) for item in items]
    return repeats * len(items) / (time.process_time() - begin), made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mixsweep", required=True)
    parser.add_argument("--files", type=pathlib.Path)
    parser.add_argument("--width", type=int, default=500)
    parser.add_argument("--height", type=int, default=375)
    parser.add_argument("--png", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as made:
        folder = args.files or pathlib.Path(made)
        if not args.files:
            make_files(folder, args.width, args.height, args.png)
        files = [path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()][:64]
        best, peers = {}, {**pillow(), **opencv()}
        for _ in range(args.rounds):
            out = subprocess.run([args.mixsweep, "bench", "data", "--files", folder, "--json"], check=True,
                                 capture_output=True, text=True).stdout
            for row in json.loads(out)["results"]:
                key = ("mixsweep", row["name"][5:])
                best[key] = max(best.get(key, 0), row["max"])
            for name, (decode, resize) in peers.items():
                decoded_rate, decoded = rate(decode, files)
                resized_rate, resized = rate(resize, decoded)
                best[name, "decode"] = max(best.get((name, "decode"), 0), decoded_rate)
                best[name, "resize"] = max(best.get((name, "resize"), 0), resized_rate)
                best[name, "bytes"] = [array[..., ::-1] if name != "pillow" else array for array in resized]
    print(f"{len(files)} files, images a second of CPU time on one core; in brackets mixsweep's rate by that one")
    for name in ["mixsweep", *peers]:
        words = [f"{what} {best[name, what]:8.1f} ({best['mixsweep', what] / best[name, what]:.2f})"
                 for what in ("decode", "resize")]
        if name != "mixsweep" and "pillow" in peers:
            apart = [numpy.abs(in_colour(a) - in_colour(b)).max() for a, b in
                     zip(best[name, "bytes"], best["pillow", "bytes"])]
            words.append(f"at most {max(apart)} grey levels from Pillow")
        print(f"{name:14}", "  ".join(words))


main()
