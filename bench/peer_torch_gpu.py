#!/usr/bin/env python3
"""Training steps of PyTorch on a GPU, as JSON: what `mixsweep bench train --device cuda` stands beside.

    bench/peer_torch_gpu.py [--device cuda] [resnet20:128:32 resnet18:512:32 resnet50:64:224]

NETWORK:BATCH:SIDE; in float32 (TF32 off) and TF32, both in channels-last order, then in bf16 by autocast, as it is and compiled.
Images lie on the GPU. Rates are images a second by the clock, medians of five measurements. Needs a Python with PyTorch. --device cpu is there to try this program; its rates mean nothing here.
"""
import argparse
import json
import statistics
import time

import torch
from torch import nn

from peer_torch import NETWORKS, convolution, network

NAMES = ("linear", "resnet50", *NETWORKS)

USUAL = ("resnet20:128:32", "resnet18:512:32", "resnet50:64:224")
LEAST_SECONDS, REPEATS, WARM = 0.4, 5, 6


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 to four times the channels, and a shortcut."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        self.main = nn.Sequential(
            convolution(inputs, width, 1, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            convolution(width, width, 3, stride), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            convolution(width, 4 * width, 1, 1), nn.BatchNorm2d(4 * width))
        self.shortcut = nn.Identity() if stride == 1 and inputs == 4 * width else nn.Sequential(
            convolution(inputs, 4 * width, 1, stride), nn.BatchNorm2d(4 * width))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.main(x) + self.shortcut(x))


def resnet50(classes=1000):
    layers, inputs = [convolution(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)], 64
    for stage, (width, blocks) in enumerate(zip((64, 128, 256, 512), (3, 4, 6, 3))):
        for block in range(blocks):
            layers.append(Bottleneck(inputs, width, 2 if stage > 0 and block == 0 else 1))
            inputs = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))


def made(name, side):
    """The network, and how many classes it tells apart."""
    if name == "resnet50":
        return resnet50(), 1000
    return (nn.Sequential(nn.Flatten(), nn.Linear(3 * side * side, 10)) if name == "linear" else network(name)), 10


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def rate(name, batch, side, precision, compiled, device):
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    model, classes = made(name, side)
    model = model.to(device).to(memory_format=torch.channels_last).train()
    images = torch.randn(batch, 3, side, side, device=device).to(memory_format=torch.channels_last)
    labels = torch.arange(batch, device=device) % classes
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    run = torch.compile(model) if compiled else model

    def step():
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            loss = nn.functional.cross_entropy(run(images), labels)
        loss.backward()
        optimizer.step()

    for _ in range(WARM):
        step()
    rates = []
    for _ in range(REPEATS):
        synchronize(device)
        start, done = time.perf_counter(), 0
        while time.perf_counter() - start < LEAST_SECONDS:
            for _ in range(4):
                step()
            synchronize(device)
            done += 4 * batch
        rates.append(done / (time.perf_counter() - start))
    return statistics.median(rates)


def chosen(word):
    name, batch, side = word.split(":")
    if name not in NAMES:
        raise argparse.ArgumentTypeError(f"{name}: choose from {', '.join(NAMES)}")
    return word, name, int(batch), int(side)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("networks", nargs="*", type=chosen, metavar="NETWORK:BATCH:SIDE")
    options = parser.parse_args()
    rows, device = [], options.device
    torch.backends.cudnn.benchmark = True
    for word, name, batch, side in options.networks or map(chosen, USUAL):
        for precision, compiled in (("f32", False), ("tf32", False), ("bf16", False), ("bf16", True)):
            rows.append({"network": word, "precision": precision, "compiled": compiled,
                         "rate": rate(name, batch, side, precision, compiled, device)})
            if device == "cuda":
                torch.cuda.empty_cache()
    print(json.dumps({"torch": torch.__version__, "device": torch.cuda.get_device_name(0) if device == "cuda" else "cpu", "rows": rows}))


if __name__ == "__main__":
    main()
