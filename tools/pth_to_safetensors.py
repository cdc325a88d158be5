#!/usr/bin/env python3
"""Turn a PyTorch checkpoint (.pth, .pt) into a safetensors file that mixsweep reads as model.weights.

    tools/pth_to_safetensors.py resnet18.pth resnet18.safetensors

The checkpoint is a state dict, or a dict that holds one as "state_dict" or "model". Names stay as they are, but
"module." in front (of DataParallel) goes, and so does what --rename names: --rename linear=fc makes linear.weight
fc.weight. Counters of batches are left out, doubles become floats. PyTorch (with NumPy) is needed to read the
checkpoint, and for nothing else: pip install torch numpy.
"""
import argparse
import json
import struct
import sys

WRAPPERS = ("state_dict", "model")
PREFIX = "module."
COUNTER = "num_batches_tracked"


def write_safetensors(path, tensors):
    """Write {name: (dtype, shape, bytes)}; dtype as safetensors has it, "F32"."""
    header, offset = {}, 0
    for name in sorted(tensors):
        dtype, shape, data = tensors[name]
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for name in sorted(tensors):
            file.write(tensors[name][2])


def new_name(name, renames):
    """The name in the new file; None: left out."""
    name = name.removeprefix(PREFIX)
    if name.split(".")[-1] == COUNTER:
        return None
    for old, new in renames:
        if name == old or name.startswith(old + "."):
            return new + name[len(old):]
    return name


def read_checkpoint(path):
    """{name: tensor} of a checkpoint."""
    try:
        import torch
    except ImportError:
        sys.exit("pth_to_safetensors: reading a checkpoint needs PyTorch: pip install torch numpy")
    state = torch.load(path, map_location="cpu", weights_only=True)
    for key in WRAPPERS:
        if isinstance(state.get(key), dict):
            state = state[key]
    return {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}


def stored(tensor):
    """(dtype, shape, bytes) of a tensor."""
    import torch

    words = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
    if tensor.dtype not in words:
        tensor = tensor.to(torch.float32)
    flat = tensor.detach().contiguous().reshape(-1).view(torch.uint8)
    return words[tensor.dtype], tuple(tensor.shape), flat.numpy().tobytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("output")
    parser.add_argument("--rename", metavar="OLD=NEW", action="append", default=[],
                        help="another name for a module (may be given several times)")
    options = parser.parse_args()
    renames = [pair.split("=", 1) for pair in options.rename]
    if any(len(pair) != 2 for pair in renames):
        parser.error("--rename takes OLD=NEW")
    tensors = {}
    for name, tensor in read_checkpoint(options.checkpoint).items():
        name = new_name(name, renames)
        if name is not None:
            tensors[name] = stored(tensor)
    write_safetensors(options.output, tensors)
    print(f"{options.output}: {len(tensors)} tensors")


if __name__ == "__main__":
    main()
