#!/usr/bin/env python3
"""Compare attribution maps with PyTorch, Captum and pytorch-grad-cam on the same weights.

    cmake --build build/cpu --target peer_maps
    bench/peer_maps.py [build/cpu/tests/peer_maps]

Needs torch, torchvision, timm, captum and grad-cam (made with torch 2.15.0, torchvision 0.29.2, captum 0.8, grad-cam
1.5); no test does. A line a map: the largest difference over the map's largest value, the worst of all images; the relative L2 difference,
of the worst image and of all images together; of maps that add up many gradients, also those of PyTorch's own single
precision. Ends with 1 if a line is above its bound. layer_relevance has no counterpart with the same rules there: it is held against
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
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

IMAGES, CLASSES, SIGMA, PATCHES = 3, 7, 0.15, 3
BOUND, L2_BOUND = 1e-3, 1e-3  # the latter of all images together
# Of many gradients: a ReLU that single precision decides otherwise moves some pixels.
LOOSE = {"integrated_gradients": 5e-3}
# There PyTorch's own single precision may be further from its double precision than the bound: as far as twice that is
# allowed. docs/maps.md has figures.
AS_SINGLE = {"smoothgrad": 2.0}


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


def ours(program, net, case, images, targets):
    arch, stem, channels, height, width = case
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        save(net, folder / "weights.safetensors")
        images.numpy().astype("<f4").tofile(folder / "images")
        targets.numpy().astype("<u4").tofile(folder / "targets")
        subprocess.run([program, arch, stem, folder / "weights.safetensors", folder, *map(str, (
            IMAGES, channels, height, width, CLASSES))], check=True)
        maps = {path.name: numpy.fromfile(path, "<f4") for path in folder.iterdir() if "." not in path.name}
    noise = maps.pop("noise").reshape(IMAGES, -1, channels, height, width)
    masks = maps.pop("masks").reshape(-1, height, width)
    del maps["images"], maps["targets"]
    return {name: values.reshape(IMAGES, height, width) for name, values in maps.items()}, noise, masks


def smoothgrad(net, images, targets, noise):
    spread = SIGMA * (images.amax((1, 2, 3)) - images.amin((1, 2, 3)))[:, None, None, None]
    total = 0
    for s in range(noise.shape[1]):
        copies = (images + spread * torch.from_numpy(noise[:, s]).double()).float().to(images.dtype)
        total = total + attr.Saliency(net).attribute(copies, targets, abs=False)
    return (total / noise.shape[1]).abs().amax(1)


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
        "integrated_gradients": attr.IntegratedGradients(wide).attribute(
            exact, 0 * exact, targets, n_steps=50, method="gausslegendre").sum(1),
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
    maps = {"smoothgrad": smoothgrad(net, images, targets, noise),
            "integrated_gradients": attr.IntegratedGradients(net).attribute(
                images, 0 * images, targets, n_steps=50, method="gausslegendre").sum(1)}
    return {name: tensor.detach().numpy() for name, tensor in maps.items()}


def distance(found, expected):
    """The largest difference over the largest value, and the relative L2 difference, of the worst image; the latter of all."""
    difference = numpy.abs(found - expected)
    tiny = numpy.finfo(numpy.float32).tiny  # of a map that is zero in both, nothing is off
    largest = (difference.max((1, 2)) / (numpy.abs(expected).max((1, 2)) + tiny)).max()
    squares, sizes = (difference**2).sum((1, 2)), (expected**2).sum((1, 2)) + tiny
    return largest, numpy.sqrt((squares / sizes).max()), numpy.sqrt(squares.sum() / sizes.sum())


def within(name, found, single):
    """Written so that a NaN is not."""
    factor = AS_SINGLE.get(name, 0.0)
    return found[0] <= max(LOOSE.get(name, BOUND), factor * single[0]) and found[2] <= max(L2_BOUND, factor * single[2])


def compare(program, case):
    arch, stem, channels, height, width = case
    torch.manual_seed(1)
    net, layer = network(arch, stem, channels)
    randomise(net)
    net.eval()
    images = torch.randn(IMAGES, channels, height, width)
    targets = torch.arange(IMAGES) * 3 % CLASSES
    mine, noise, masks = ours(program, net, case, images, targets)
    print(f"{arch} {stem}, {channels} x {height} x {width}; labels {targets.tolist()}, "
          f"predicted {net(images).argmax(1).tolist()}", flush=True)
    worst, floats = 0, single(net, images, targets, noise)
    for name, expected in theirs(net, layer, images, targets, noise, masks).items():
        found = distance(mine[name], expected)
        own = distance(floats[name], expected) if name in floats else (0, 0, 0)
        good = within(name, found, own)
        worst |= not good
        print(f"  {name:22} " + "  ".join(f"{value:.1e}" for value in found) +
              ("  PyTorch's float32: " + "  ".join(f"{value:.1e}" for value in own) if name in floats else "") +
              ("" if good else "  ABOVE ITS BOUND"), flush=True)
    return worst


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/cpu/tests/peer_maps"
    cases = [("resnet18", "cifar", 1, 12, 16), ("resnet18", "imagenet", 3, 48, 40), ("resnet50", "imagenet", 3, 32, 40),
             ("vgg11_bn", "cifar", 3, 32, 40), ("efficientnet_lite0", "auto", 3, 48, 64)]
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    return max([compare(program, case) for case in cases])


if __name__ == "__main__":
    sys.exit(main())
