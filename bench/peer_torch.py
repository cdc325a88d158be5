#!/usr/bin/env python3
"""Training and inference beside PyTorch's, in one run on one machine.

    bench/peer_torch.py --mixsweep build/cpu/mixsweep [--rounds 3] [resnet8 resnet20 resnet18]

Both train (or infer) on one thread, in batches of 128 images of 3 x 32 x 32 in 10 classes,
with SGD, momentum and weight decay. They take turns, round by round; PyTorch runs with its
tensors in NCHW and in channels-last order, and the better one counts. Times are CPU times of
the process, so that what else runs on the machine counts less. Optional: needs a Python with
PyTorch; no test uses it.
"""
import argparse
import json
import os
import statistics
import subprocess
import time

# Before PyTorch is loaded, which looks only then.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import torch
from torch import nn

BATCH, CLASSES, SIDE = 128, 10, 32
LEAST_SECONDS = 0.5  # of CPU time that a measurement takes
NETWORKS = {  # channels of the stages, blocks in each
    "resnet8": ((16, 32, 64), 1),
    "resnet20": ((16, 32, 64), 3),
    "resnet18": ((64, 128, 256, 512), 2),
}
FORMATS = {"NCHW": torch.contiguous_format, "channels last": torch.channels_last}


def convolution(inputs, outputs, kernel, stride):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class Block(nn.Module):
    """Two convolutions and a shortcut: 1x1 convolution and norm where the shape changes."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.main = nn.Sequential(
            convolution(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True),
            convolution(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity() if stride == 1 and inputs == outputs else nn.Sequential(
            convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.main(x) + self.shortcut(x))


def network(name):
    widths, blocks = NETWORKS[name]
    inputs = widths[0]
    layers = [convolution(3, inputs, 3, 1), nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)]
    for stage, width in enumerate(widths):
        for block in range(blocks):
            layers.append(Block(inputs, width, 2 if stage > 0 and block == 0 else 1))
            inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, CLASSES))


class Peer:
    """A network of PyTorch's with all that a step needs."""

    def __init__(self, name, memory_format, train):
        torch.manual_seed(0)
        self.model = network(name).to(memory_format=memory_format).train(train)
        self.images = torch.randn(BATCH, 3, SIDE, SIDE).to(memory_format=memory_format)
        self.labels = torch.arange(BATCH) % CLASSES
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.01, momentum=0.9,
                                         weight_decay=5e-4)
        self.work = self.step if train else self.infer
        self.work()

    def step(self):
        self.optimizer.zero_grad()
        nn.functional.cross_entropy(self.model(self.images), self.labels).backward()
        self.optimizer.step()

    def infer(self):
        with torch.inference_mode():
            self.model(self.images)

    def rate(self):
        """Images a second of CPU time."""
        start, images = time.process_time(), 0
        while True:
            self.work()
            images += BATCH
            seconds = time.process_time() - start
            if seconds >= LEAST_SECONDS:
                return images / seconds


def our_rates(program, what, name):
    """The rows of one `mixsweep bench`, by the first part of their names."""
    out = subprocess.run([program, "bench", what, name, "--json"], check=True,
                         stdout=subprocess.PIPE).stdout
    return {row["name"].split(".")[0]: row["value"] for row in json.loads(out)["results"]}


def compare(program, what, name, rounds):
    peers = {order: Peer(name, memory_format, what == "train")
             for order, memory_format in FORMATS.items()}
    theirs, ours = {order: [] for order in peers}, []
    for _ in range(rounds):
        ours.append(our_rates(program, what, name))
        for order, peer in peers.items():
            theirs[order].append(peer.rate())
    median = {order: statistics.median(rates) for order, rates in theirs.items()}
    best = max(median, key=median.get)
    mine = {row: statistics.median(rates[row] for rates in ours) for row in ours[0]}
    line = f"{what}.{name:9} mixsweep {mine[what]:8.1f} images/s  PyTorch " + "  ".join(
        f"{order} {rate:8.1f}" for order, rate in median.items())
    line += f"  ratio to {best}: {mine[what] / median[best]:.2f}"
    if "convolutions" in mine:
        line += f"  share of its convolutions alone: {mine[what] / mine['convolutions']:.2f}"
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=", ".join(NETWORKS))
    parser.add_argument("--mixsweep", default="build/cpu/mixsweep", help="the program")
    parser.add_argument("--rounds", type=int, default=3, help="medians are of so many rounds")
    parser.add_argument("--what", choices=("train", "infer"), action="append",
                        help="one of the two only")
    options = parser.parse_args()
    unknown = [name for name in options.networks if name not in NETWORKS]
    if unknown:
        parser.error(f"{unknown[0]}: choose from {', '.join(NETWORKS)}")
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    print(f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, one thread, "
          f"batches of {BATCH}; rates by CPU time, medians of {options.rounds}", flush=True)
    for name in options.networks or NETWORKS:
        for what in options.what or ("train", "infer"):
            compare(options.mixsweep, what, name, options.rounds)


if __name__ == "__main__":
    main()
