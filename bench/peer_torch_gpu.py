#!/usr/bin/env python3
"""Training steps of PyTorch on a GPU, as JSON: what `mixsweep bench train --device cuda` stands beside.

    bench/peer_torch_gpu.py [resnet20:128:32 resnet18:512:32 resnet50:64:224]

NETWORK:BATCH:SIDE; in float32 (TF32 off) and TF32, both in channels-last order, then in bf16 by autocast, as it is and compiled.
Images lie on the GPU. Rates are images a second by the clock, medians of five measurements. Needs a Python with PyTorch.
"""
import json
import statistics
import sys
import time

import torch
from torch import nn

from peer_torch import NETWORKS, convolution, network

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


def rate(name, batch, side, precision, compiled):
    torch.manual_seed(0)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    classes = 1000 if name == "resnet50" else 10
    model = (resnet50() if name == "resnet50" else network(name)).cuda().to(memory_format=torch.channels_last).train()
    images = torch.randn(batch, 3, side, side, device="cuda").to(memory_format=torch.channels_last)
    labels = torch.arange(batch, device="cuda") % classes
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    run = torch.compile(model) if compiled else model

    def step():
        optimizer.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == "bf16"):
            loss = nn.functional.cross_entropy(run(images), labels)
        loss.backward()
        optimizer.step()

    for _ in range(WARM):
        step()
    rates = []
    for _ in range(REPEATS):
        torch.cuda.synchronize()
        start, done = time.perf_counter(), 0
        while time.perf_counter() - start < LEAST_SECONDS:
            for _ in range(4):
                step()
            torch.cuda.synchronize()
            done += 4 * batch
        rates.append(done / (time.perf_counter() - start))
    return statistics.median(rates)


def main():
    rows = []
    torch.backends.cudnn.benchmark = True
    for word in sys.argv[1:] or USUAL:
        name, batch, side = word.split(":")
        if name != "resnet50" and name not in NETWORKS:
            sys.exit(f"{name}: choose from resnet50, {', '.join(NETWORKS)}")
        for precision, compiled in (("f32", False), ("tf32", False), ("bf16", False), ("bf16", True)):
            rows.append({"network": word, "precision": precision, "compiled": compiled,
                         "rate": rate(name, int(batch), int(side), precision, compiled)})
            torch.cuda.empty_cache()
    print(json.dumps({"torch": torch.__version__, "device": torch.cuda.get_device_name(0), "rows": rows}))


if __name__ == "__main__":
    main()
