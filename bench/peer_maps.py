#!/usr/bin/env python3
"""Compare attribution maps with PyTorch, Captum and pytorch-grad-cam on the same weights.

    cmake --build build/cpu --target peer_maps
    bench/peer_maps.py [build/cpu/tests/peer_maps]

Needs torch, torchvision, timm, captum and grad-cam (made with torch 2.15.0, torchvision 0.29.2, captum 0.9, grad-cam
1.5, timm 1.0); no test does. A line a map: the largest difference over the map's largest value and the relative L2 difference, both of the worst
image. smoothgrad and integrated_gradients add up many gradients, and a ReLU that single precision decides otherwise than double moves
them: they are held to their bounds on images that single precision decides (decided.py), and printed for images as they come, beside PyTorch's own
single precision. Ends with 1 if a line is above its bound. layer_relevance has no counterpart with the same rules there: it is held against
tests/reference/naive_relevance.c alone.
"""
import copy
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import warnings

import numpy
import torch
from captum import attr
from decided import decides
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

IMAGES, CLASSES, SIGMA, PATCHES = 3, 7, 0.15, 3
POINTS = 50  # of integrated_gradients, as they are by default
L2_BOUND = 1e-3
BOUNDS = {"smoothgrad": 1e-3, "integrated_gradients": 5e-3}  # of a pixel; of the other maps:
BOUND = 1e-3
AS_THEY_COME = 2e-2  # of a pixel and of relative L2: a few ReLUs, but no wrong sample or point
MOST = 600  # images that are looked at for decided ones
# Network, stem, channels, height, width, and samples and points for images that single precision decides: the more copies of the image there
# are, and the larger the network, the fewer images are decided in all of them.
CASES = [("resnet18", "cifar", 1, 12, 16, 25), ("resnet18", "imagenet", 3, 48, 40, 10), ("resnet50", "imagenet", 3, 32, 40, 5),
         ("vgg11_bn", "cifar", 3, 32, 40, 5), ("efficientnet_lite0", "auto", 3, 48, 64, 5)]


class Small(torch.nn.Module):
    """vgg11_bn for small images: features, their mean, one linear layer."""

    def __init__(self, channels):
        import torchvision
        super().__init__()
        self.features = torchvision.models.vgg11_bn().features
        if channels != 3:
            self.features[0] = torch.nn.Conv2d(channels, 64, 3, padding=1)
        self.classifier = torch.nn.Linear(512, CLASSES)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


def network(arch, stem, channels):
    """The network and the layer whose output gradcam takes."""
    import timm
    import torchvision
    if arch == "vgg11_bn":
        net = Small(channels)
        return net, net.features[27]
    if arch == "efficientnet_lite0":
        net = timm.create_model("tf_efficientnet_lite0", num_classes=CLASSES, in_chans=channels)
        return net, net.bn2
    net = getattr(torchvision.models, arch)(num_classes=CLASSES)
    width = net.conv1.out_channels
    if stem == "cifar":
        net.conv1 = torch.nn.Conv2d(channels, width, 3, padding=1, bias=False)
        net.maxpool = torch.nn.Identity()
    elif channels != 3:
        net.conv1 = torch.nn.Conv2d(channels, width, 7, stride=2, padding=3, bias=False)
    return net, net.layer4[-1]


def randomise(net):
    """Statistics and shifts that are not those of a fresh network."""
    for module in net.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            torch.nn.init.normal_(module.bias, 0, 0.2)
            torch.nn.init.uniform_(module.weight, 0.7, 1.3)
            torch.nn.init.normal_(module.running_mean, 0, 0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False


def save(net, path):
    header, data = {}, b""
    for name, tensor in sorted(net.state_dict().items()):
        if not name.endswith("num_batches_tracked"):
            raw = tensor.detach().float().contiguous().numpy().tobytes()
            header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def ours(program, net, case, images, targets, copies=0):
    """All maps and what was drawn for them; with copies, that many samples or points of the two maps that have them, alone."""
    arch, stem, channels, height, width, _ = case
    n = len(images)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        save(net, folder / "weights.safetensors")
        images.numpy().astype("<f4").tofile(folder / "images")
        targets.numpy().astype("<u4").tofile(folder / "targets")
        subprocess.run([program, arch, stem, folder / "weights.safetensors", folder, *map(str, (
            n, channels, height, width, CLASSES, copies))], check=True)
        maps = {path.name: numpy.fromfile(path, "<f4") for path in folder.iterdir() if "." not in path.name}
    noise = maps.pop("noise").reshape(n, -1, channels, height, width)
    masks = maps.pop("masks").reshape(-1, height, width)
    del maps["images"], maps["targets"]
    return {name: values.reshape(n, height, width) for name, values in maps.items()}, noise, masks


def noisy(images, noise):
    """One copy of each image."""
    spread = SIGMA * (images.amax((1, 2, 3)) - images.amin((1, 2, 3)))[:, None, None, None]
    return (images + spread * torch.from_numpy(noise).double()).float().to(images.dtype)


def smoothgrad(net, images, targets, noise):
    total = 0
    for s in range(noise.shape[1]):
        total = total + attr.Saliency(net).attribute(noisy(images, noise[:, s]), targets, abs=False)
    return (total / noise.shape[1]).abs().amax(1)


def integrated(net, images, targets, points):
    return attr.IntegratedGradients(net).attribute(images, 0 * images, targets, n_steps=points, method="gausslegendre").sum(1)


def rise(net, images, targets, masks):
    total = 0
    with torch.no_grad():
        for mask in torch.from_numpy(masks):
            logits = net(images * mask).gather(1, targets[:, None])[:, 0]
            total = total + logits[:, None, None] * mask
    return total / (len(masks) * 0.5)


def cam(kind, net, layer, images, targets):
    """Its weights, before its scaling to [0, 1], which loses what maps are compared by."""
    with kind(net, [layer]) as explainer:
        explainer(images, [ClassifierOutputTarget(int(t)) for t in targets])
        values = explainer.activations_and_grads.activations[0].numpy()
        gradients = explainer.activations_and_grads.gradients[0].numpy()
        weights = explainer.get_cam_weights(images, layer, None, values, gradients)
    small = torch.from_numpy(numpy.maximum((weights[:, :, None, None] * values).sum(1), 0))
    return torch.nn.functional.interpolate(small[:, None], images.shape[2:], mode="bilinear")[:, 0]


def occlusion(net, images, targets):
    patch = min(images.shape[2:]) // PATCHES
    window = (images.shape[1], patch, patch)
    stride = (images.shape[1], max(1, patch // 2), max(1, patch // 2))
    return attr.Occlusion(net).attribute(images, window, strides=stride, target=targets, baselines=0)[:, 0]


def theirs(net, layer, images, targets, noise, masks):
    """Gradients in double precision, what hides pixels in single."""
    wide, exact = copy.deepcopy(net).double(), images.double()
    maps = {
        "gradient": attr.Saliency(wide).attribute(exact, targets).amax(1),
        "input_x_gradient": attr.InputXGradient(wide).attribute(exact, targets).sum(1),
        "smoothgrad": smoothgrad(wide, exact, targets, noise),
        "integrated_gradients": integrated(wide, exact, targets, POINTS),
        "gradcam": cam(GradCAM, net, layer, images, targets),
        "gradcam++": cam(GradCAMPlusPlus, net, layer, images, targets),
        "occlusion": occlusion(net, images, targets),
        "rise": rise(net, images, targets, masks),
    }
    if not any(isinstance(m, torch.nn.ReLU6) for m in net.modules()):  # Captum guides nn.ReLU alone
        maps["guided_backprop"] = attr.GuidedBackprop(wide).attribute(exact, targets).sum(1)
    return {name: tensor.detach().numpy() for name, tensor in maps.items()}


def single(net, images, targets, noise):
    """What PyTorch itself makes in single precision of the maps that add up many gradients."""
    maps = {"smoothgrad": smoothgrad(net, images, targets, noise), "integrated_gradients": integrated(net, images, targets, POINTS)}
    return {name: tensor.detach().numpy() for name, tensor in maps.items()}


def distance(found, expected):
    """The largest difference over the map's largest value, and the relative L2 difference, each of the worst image."""
    difference = numpy.abs(found - expected)
    tiny = numpy.finfo(numpy.float32).tiny  # of a map that is zero in both, nothing is off
    largest = difference.max((1, 2)) / (numpy.abs(expected).max((1, 2)) + tiny)
    return largest.max(), numpy.sqrt((difference**2).sum((1, 2)) / ((expected**2).sum((1, 2)) + tiny)).max()


def shown(name, found, bounds, more=""):
    """Prints a line; returns whether it is above its bounds, and a NaN is."""
    good = found[0] < bounds[0] and found[1] < bounds[1]
    print(f"  {name:22} {found[0]:.1e}  {found[1]:.1e}{more}{'' if good else '  ABOVE ITS BOUND'}", flush=True)
    return not good


def as_they_come(program, net, layer, case):
    images, targets = torch.randn(IMAGES, *case[2:5]), torch.arange(IMAGES) * 3 % CLASSES
    mine, noise, masks = ours(program, net, case, images, targets)
    print(f" {IMAGES} images as they come; labels {targets.tolist()}, predicted {net(images).argmax(1).tolist()}", flush=True)
    bad, floats = False, single(net, images, targets, noise)
    for name, expected in theirs(net, layer, images, targets, noise, masks).items():
        own = "".join(f"  {value:.1e}" for value in distance(floats[name], expected)) if name in floats else ""
        bounds = (AS_THEY_COME, AS_THEY_COME) if own else (BOUND, L2_BOUND)
        bad |= shown(name, distance(mine[name], expected), bounds, own and "  PyTorch's float32:" + own)
    return bad, noise


def copies_of(name, image, noise):
    """What the network is shown of one image, in double precision."""
    if name == "smoothgrad":
        return noisy(image.expand(len(noise), -1, -1, -1), noise)
    points = torch.from_numpy(numpy.polynomial.legendre.leggauss(len(noise))[0])
    return (points[:, None, None, None] + 1) / 2 * image


def first_decided(net, wide, case, name, noise):
    """The first images that single precision decides in every copy, and how many were looked at: MOST if there are too few."""
    torch.manual_seed(2)
    images, tried = [], 0
    while len(images) < IMAGES and tried < MOST:
        image, tried = torch.randn(1, *case[2:5]), tried + 1
        copies = copies_of(name, image.double(), noise[len(images)])
        if all(decides(net, wide, some) for some in copies.split(5)):
            images.append(image)
    return images, tried


def on_decided(program, net, case, name, noise):
    wide, targets, copies = copy.deepcopy(net).double(), torch.arange(IMAGES) * 3 % CLASSES, case[5]
    images, tried = first_decided(net, wide, case, name, noise[:, :copies])
    found, more = (numpy.nan, numpy.nan), f"  {copies} copies, {tried - len(images)} images passed over"
    if len(images) == IMAGES:
        images = torch.cat(images)
        mine, noise, _ = ours(program, net, case, images, targets, copies)
        expected = (smoothgrad(wide, images.double(), targets, noise) if name == "smoothgrad" else
                    integrated(wide, images.double(), targets, copies))
        found = distance(mine[name], expected.detach().numpy())
    return shown(name, found, (BOUNDS[name], L2_BOUND), more)


def compare(program, case):
    arch, stem, channels, height, width, _ = case
    torch.manual_seed(1)
    net, layer = network(arch, stem, channels)
    randomise(net)
    net.eval()
    print(f"{arch} {stem}, {channels} x {height} x {width}")
    bad, noise = as_they_come(program, net, layer, case)
    print(f" the first {IMAGES} images that single precision decides", flush=True)
    return max([bad, *[on_decided(program, net, case, name, noise) for name in BOUNDS]])


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/cpu/tests/peer_maps"
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    return int(max([compare(program, case) for case in CASES]))


if __name__ == "__main__":
    sys.exit(main())
