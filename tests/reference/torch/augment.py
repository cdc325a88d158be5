#!/usr/bin/env python3
"""Write what Pillow and torchvision make of small images under fixed draws: augment.txt beside this file.

Needs Pillow, torch and torchvision; tests/unit/test_augment.c needs what it wrote, and nothing else. Byte k of an image
is (2654435761 k + 12345) mod 2^32 >> 24. A line is one of

    resize HEIGHT WIDTH  Y X HIGH WIDE  TO_HEIGHT TO_WIDTH  BYTES    one channel: a box, brought to a size by Pillow, first
                                                                     along rows (where one side shrinks and the other
                                                                     grows, Pillow 13 takes columns first)
    jitter CHANNELS HEIGHT WIDTH  ORDER(4)  FACTORS(4)  VALUES       torchvision's adjust_brightness, _contrast,
                                                                     _saturation and _hue (0 to 3) in that order, on
                                                                     numbers of double precision in [0, 1]

torchvision's own resizing of bytes (antialiased, as its crops of tensors have it) is compared with Pillow's on the way: they
may differ by a grey level, and how often they do is printed.

Made with Pillow 13.0.0, torch 2.15.0, torchvision 0.29.2.
"""
import pathlib

import numpy
import PIL.Image
import torch
from torchvision.transforms.v2 import functional

RESIZES = [  # height, width, box (y, x, high, wide), size
    (11, 13, (0, 0, 11, 13), (11, 13)), (11, 13, (2, 3, 5, 4), (11, 13)), (11, 13, (0, 0, 1, 1), (11, 13)),
    (11, 13, (4, 0, 7, 13), (11, 13)), (11, 13, (0, 0, 11, 13), (5, 4)), (32, 32, (3, 7, 21, 25), (32, 32)),
    (40, 61, (0, 0, 40, 61), (8, 12)), (37, 50, (1, 2, 35, 47), (1, 1)), (24, 24, (0, 0, 24, 24), (12, 8)),
    (64, 9, (0, 0, 64, 9), (7, 20)), (33, 70, (5, 11, 20, 59), (28, 28)),
]
JITTERS = [  # channels, order, factors
    (3, (0, 1, 2, 3), (0.7, 1.3, 0.6, 0.1)), (3, (3, 2, 1, 0), (1.4, 0.6, 1.4, -0.1)),
    (3, (2, 0, 3, 1), (1.8, 1.7, 1.8, 0.5)), (3, (1, 3, 0, 2), (0.2, 0.2, 0.1, -0.5)),
    (3, (3, 0, 1, 2), (1, 1, 1, 0.37)), (3, (0, 1, 2, 3), (1, 1, 0, 0)), (1, (1, 0, 2, 3), (1.2, 0.5, 0.3, 0.2)),
    (3, (1, 0, 2, 3), (0, 0, 1, 0)),
]
ADJUST = [functional.adjust_brightness, functional.adjust_contrast, functional.adjust_saturation, functional.adjust_hue]


def image(count):
    return ((numpy.arange(count, dtype=numpy.uint64) * 2654435761 + 12345) % 2**32 >> 24).astype(numpy.uint8)


def main():
    lines, apart, compared = [], 0, 0
    for height, width, (y, x, high, wide), size in RESIZES:
        pixels = image(height * width).reshape(height, width)
        box = numpy.ascontiguousarray(pixels[y:y + high, x:x + wide])
        along = PIL.Image.fromarray(box).resize((size[1], high), PIL.Image.Resampling.BILINEAR)
        made = numpy.asarray(along.resize(size[::-1], PIL.Image.Resampling.BILINEAR))
        own = functional.resized_crop(torch.from_numpy(pixels)[None], y, x, high, wide, list(size), antialias=True)[0].numpy()
        difference = numpy.abs(made.astype(int) - own.astype(int))
        assert difference.max() <= 1
        apart, compared = apart + int((difference > 0).sum()), compared + difference.size
        lines.append(f"resize {height} {width} {y} {x} {high} {wide} {size[0]} {size[1]} " + " ".join(map(str, made.flat)))
    for channels, order, factors in JITTERS:
        values = torch.from_numpy(image(channels * 6 * 7).reshape(channels, 6, 7).astype(numpy.float64) / 255)
        for which in order:
            if channels == 3 or which < 2:
                values = ADJUST[which](values, factors[which])
        lines.append(f"jitter {channels} 6 7 " + " ".join(map(str, order + factors)) + " " +
                     " ".join(f"{float(v):.9g}" for v in values.flatten()))
    pathlib.Path(__file__).with_suffix(".txt").write_text("\n".join(lines) + "\n")
    print(f"torchvision's bytes are one grey level from Pillow's in {apart} of {compared}")


main()
