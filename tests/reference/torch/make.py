#!/usr/bin/env python3
"""Write what PyTorch makes of networks whose weights and images follow a formula: NAME.txt beside this file.

    make.py [NAME ...]

Needs torch, torchvision and timm; the tests (tests/unit/test_torch.c) need what it wrote, and nothing else. A line:

    tensor  L2 norm  sum  error of single precision, relative in L2  16 elements, evenly spread  4 signed sums

in double precision: the logits in eval mode and in train mode, the loss, the gradient by the images in eval mode (of the
sum of their losses), the gradient of every parameter in train mode, and the running statistics after the step. Each of
the signed sums has signs of its own for all elements, so that their squares tell the L2 error over the whole tensor.

Where single precision decides a ReLU otherwise than double precision does, gradients differ by percents: of chance, not
of the implementation. So norms have shifts that leave nothing near a kink: most channels are on in all places or off in
all places. The least distance from a kink is printed, in standard deviations.

Made with torch 2.15.0, torchvision 0.29.2, timm 1.0.31.
"""
import copy
import pathlib
import sys

import numpy
import torch

IMAGES, CLASSES, SIDE, SHOWN, SIGNED = 16, 12, 48, 16, 4
DRAWS = {"resnet18": 1, "resnet50": 0, "efficientnet_lite0": 8}  # of the images, far from kinks


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


def shifts(arch, name, u):
    """Far from 0 on either side, and some beyond ReLU6; above 0 where a residual sum follows."""
    ends = ("bn2.bias" if arch == "resnet18" else "bn3.bias", "downsample.1.bias")
    if name.endswith(ends):
        return 1.2 + abs(u)
    if arch != "efficientnet_lite0":
        return numpy.where(u > 0, 1.2 + u, -1.2 + u)
    return numpy.where(u > 0.46, 10, numpy.where(u > -0.35, 1.2 + abs(u), -1.2 + u))


def values(arch, name, shape):
    u = formula(name, int(numpy.prod(shape)))
    if name.endswith("running_mean"):
        u *= 0.2
    elif name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif len(shape) == 4:
        u *= (6 / (shape[1] * shape[2] * shape[3])) ** 0.5
        if arch == "efficientnet_lite0":  # takes the mean away, which would drown what differs between images
            u = (u.reshape(shape[0], -1) - u.reshape(shape[0], -1).mean(1, keepdims=True)).reshape(-1)
    elif len(shape) == 2:
        u *= 2 / shape[1] ** 0.5
    elif name in ("fc.bias", "classifier.bias"):
        u *= 0.2
    elif name.endswith("bias"):
        u = shifts(arch, name, u)
    else:
        u = 0.5 + 0.2 * u
    return torch.from_numpy(u.astype(numpy.float32).reshape(shape))


def network(name):
    if name == "efficientnet_lite0":
        import timm
        return timm.create_model("tf_efficientnet_lite0", num_classes=CLASSES, drop_rate=0, drop_path_rate=0)
    import torchvision
    return getattr(torchvision.models, name)(num_classes=CLASSES)


def gradient_by_images(model, images, labels):
    model.eval()
    images = images.clone().requires_grad_()
    torch.nn.functional.cross_entropy(model(images), labels, reduction="sum").backward()
    model.zero_grad()
    return images.grad


def run(model, images, labels):
    """{name: tensor} of everything, from copies that stay as they are."""
    found = {}
    model = copy.deepcopy(model)
    model.eval()
    with torch.no_grad():
        found["logits.eval"] = model(images)
    found["images.eval"] = gradient_by_images(model, images, labels)
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


def signed_sum(name, k, x):
    return float(x.numpy() @ numpy.where(formula(f"sign {k} {name}", len(x)) < 0, -1.0, 1.0))


def line(name, exact, single):
    size, error = exact.norm().item(), (single - exact).norm().item()
    at = [k * (len(exact) - 1) // (SHOWN - 1) for k in range(SHOWN)]
    numbers = [size, exact.sum().item(), error / size if size else 0, *(exact[k].item() for k in at),
               *(signed_sum(name, k, exact) for k in range(SIGNED))]
    return " ".join([name, *(f"{x:.8g}" for x in numbers)])


def watch_kinks(model):
    """A list that gets the distances from kinks, layer by layer."""
    distances = []

    def look(module, inputs, _):
        x = inputs[0]
        far = torch.minimum(x.abs(), (x - 6).abs()) if isinstance(module, torch.nn.ReLU6) else x.abs()
        distances.append((far.min() / x.std()).item())

    for module in model.modules():
        if isinstance(module, (torch.nn.ReLU, torch.nn.ReLU6)):
            module.inplace = False
            module.register_forward_hook(look)
    return distances


def main():
    torch.set_num_threads(1)
    for name in sys.argv[1:] or DRAWS:
        model = network(name)
        state = model.state_dict()
        for key, tensor in state.items():
            if tensor.is_floating_point():
                state[key] = values(name, key, tuple(tensor.shape))
        model.load_state_dict(state)
        images = torch.from_numpy((4 * formula(f"images {DRAWS[name]}", IMAGES * 3 * SIDE * SIDE)).astype(numpy.float32)
                                  .reshape(IMAGES, 3, SIDE, SIDE))
        labels = torch.tensor([7 * i % CLASSES for i in range(IMAGES)])
        single = run(model.float(), images, labels)
        distances = watch_kinks(model)
        exact = run(model.double(), images.double(), labels)
        text = "\n".join(line(key, exact[key], single[key]) for key in exact) + "\n"
        pathlib.Path(__file__).with_name(f"{name}.txt").write_text(text)
        print(f"{name}: nothing is nearer to a kink than {min(distances):.2g}")


if __name__ == "__main__":
    main()
