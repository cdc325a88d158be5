#!/usr/bin/env python3
"""Write what PyTorch makes of networks whose weights and images follow a formula: NAME.txt beside this file.

    make.py [NAME ...]

Needs torch, torchvision and timm; the tests (tests/unit/test_torch.c) need what it wrote, and nothing else. A line:

    tensor  L2 norm  sum  error of single precision, relative in L2  16 elements, evenly spread

in double precision: the logits in eval mode and in train mode, the loss, the gradient of every parameter, and the
running statistics after the step. Made with torch 2.15.0, torchvision 0.29.2, timm 1.0.31.
"""
import copy
import pathlib
import sys

import numpy
import torch

IMAGES, CLASSES, SIDE, SHOWN = 16, 12, 64, 16


def fnv(name):
    h = 2166136261
    for byte in name.encode():
        h = (h ^ byte) * 16777619 % 2**32
    return h


def formula(name, count):
    """count numbers in [-0.5, 0.5), the same as formula() of test_torch.c."""
    h = numpy.arange(count, dtype=numpy.uint64) * 0x9E3779B1 + fnv(name)
    h &= 0xFFFFFFFF
    for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39)):
        h ^= h >> numpy.uint64(shift)
        h = h * factor & 0xFFFFFFFF
    h ^= h >> numpy.uint64(15)
    return (h >> numpy.uint64(8)).astype(numpy.float64) / 2**24 - 0.5


def values(name, shape):
    u = formula(name, int(numpy.prod(shape)))
    if name.endswith("running_mean"):
        u *= 0.2
    elif name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif len(shape) == 4:
        u *= (24 / (shape[1] * shape[2] * shape[3])) ** 0.5
    elif len(shape) == 2:
        u *= 2 / shape[1] ** 0.5
    elif name.endswith("bias"):
        u *= 0.2
    else:
        u = 1 + 0.4 * u
    return torch.from_numpy(u.astype(numpy.float32).reshape(shape))


def network(name):
    if name == "efficientnet_lite0":
        import timm
        return timm.create_model("tf_efficientnet_lite0", num_classes=CLASSES, drop_rate=0, drop_path_rate=0)
    import torchvision
    return getattr(torchvision.models, name)(num_classes=CLASSES)


def run(model, images, labels):
    """{name: tensor} of everything, from copies that stay as they are."""
    found = {}
    model = copy.deepcopy(model)
    model.eval()
    with torch.no_grad():
        found["logits.eval"] = model(images)
    model.train()
    logits = model(images)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    found["logits.train"], found["loss"] = logits.detach(), loss.detach().reshape(1)
    for name, parameter in model.named_parameters():
        found[name] = parameter.grad
    for name, buffer in model.named_buffers():
        if not name.endswith("num_batches_tracked"):
            found[name] = buffer
    return {name: tensor.double().reshape(-1).clone() for name, tensor in found.items()}


def line(name, exact, single):
    size, error = exact.norm().item(), (single - exact).norm().item()
    at = [k * (len(exact) - 1) // (SHOWN - 1) for k in range(SHOWN)]
    numbers = [size, exact.sum().item(), error / size if size else 0, *(exact[k].item() for k in at)]
    return " ".join([name, *(f"{x:.9g}" for x in numbers)])


def main():
    torch.set_num_threads(1)
    for name in sys.argv[1:] or ["resnet18", "resnet50", "efficientnet_lite0"]:
        model = network(name)
        state = model.state_dict()
        for key, tensor in state.items():
            if tensor.is_floating_point():
                state[key] = values(key, tuple(tensor.shape))
        model.load_state_dict(state)
        images = torch.from_numpy((4 * formula("images", IMAGES * 3 * SIDE * SIDE)).astype(numpy.float32)
                                  .reshape(IMAGES, 3, SIDE, SIDE))
        labels = torch.tensor([7 * i % CLASSES for i in range(IMAGES)])
        exact, single = run(model.double(), images.double(), labels), run(model.float(), images, labels)
        text = "\n".join(line(key, exact[key], single[key]) for key in exact) + "\n"
        pathlib.Path(__file__).with_name(f"{name}.txt").write_text(text)


if __name__ == "__main__":
    main()
