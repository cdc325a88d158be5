#!/usr/bin/env python3
"""Write what PyTorch makes of HSFM on features that follow a formula: hsfm.txt beside this file.

Double precision, the gradient of an edit by autograd through all inner steps (create_graph), torch.optim.Adam for the
edits and for the head. The tests (tests/unit/test_hsfm.c) need what it wrote, and nothing else. A line: case, what,
numbers. Made with torch 2.15.0.
"""
import pathlib

import numpy
import torch
from torch.nn.functional import cross_entropy

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def formula(name, count):
    """count numbers in [-0.5, 0.5), the same as formula() of formula_features.c."""
    h = 2166136261
    for byte in name.encode():
        h = (h ^ byte) * 16777619 % 2**32
    h = (numpy.arange(count, dtype=numpy.uint64) * 0x9E3779B1 + h) & 0xFFFFFFFF
    for shift, factor in ((15, 0x2C1B3C6D), (12, 0x297A2D39)):
        h ^= h >> numpy.uint64(shift)
        h = h * factor & 0xFFFFFFFF
    h ^= h >> numpy.uint64(15)
    return (h >> numpy.uint64(8)).astype(numpy.float64) / 2**24 - 0.5


class Split:
    def __init__(self, part, n, dims, classes, seed):
        label = numpy.arange(n) % classes
        other = formula(f"odd{part}{seed}", n) < (-0.45 if part == "train" else 0)
        attribute = (label + other) % 2
        noise = formula(f"{part}{seed}", n * dims).reshape(n, dims)
        self.x = torch.from_numpy(values(label, attribute, noise, dims))
        self.y = torch.from_numpy(label)
        self.group = torch.from_numpy(2 * label + attribute)


def values(label, attribute, noise, dims):
    of_class = {c: formula(f"class{c}", dims) for c in set(label)}
    of_attribute = {a: formula(f"attribute{a}", dims) for a in set(attribute)}
    return 2 * noise + 0.5 * numpy.stack([of_class[c] for c in label]) + numpy.stack(
        [of_attribute[a] for a in attribute])


def erm_head(dims, classes):
    """It leans on the attribute too."""
    of_class = numpy.stack([formula(f"class{c}", dims) for c in range(classes)])
    of_attribute = numpy.stack([formula(f"attribute{c % 2}", dims) for c in range(classes)])
    noise = formula("head", classes * dims).reshape(classes, dims)
    return (torch.from_numpy(0.05 * (of_class + 0.3 * of_attribute + 0.25 * noise)),
            torch.from_numpy(0.05 * formula("bias", classes)))


def accuracies(split, w, b):
    right = (split.x @ w.T + b).argmax(1) == split.y
    worst = min(right[split.group == g].double().mean().item() for g in split.group.unique())
    return right.double().mean().item(), worst


def hard_set(split, w, b, most):
    loss = cross_entropy(split.x @ w.T + b, split.y, reduction="none")
    rows = []
    for c in split.y.unique():
        of_class = torch.nonzero(split.y == c).flatten()
        rows.append(of_class[loss[of_class].argsort(descending=True, stable=True)[:most]])
    return torch.cat(rows)


def hsfm(train, val, w, b, p):
    """Published procedure; returns the record of each epoch, and the head that was kept."""
    classes = w.shape[0]
    rows = torch.tensor([c + classes * k for c in range(classes) for k in range(p["support"])])
    h, y = train.x[rows].clone().requires_grad_(), train.y[rows]
    w, b = w.clone().requires_grad_(), b.clone().requires_grad_()
    of_edits = torch.optim.Adam([h], lr=p["outer_lr"])
    of_head = torch.optim.Adam([w, b], lr=p["inner_lr"])
    record, kept = [], None
    for epoch in range(p["epochs"]):
        hard = hard_set(val, w.detach(), b.detach(), p["hard"])
        for _ in range(p["edits"]):
            wt, bt = w.detach().requires_grad_(), b.detach().requires_grad_()
            for _ in range(p["steps"]):
                gw, gb = torch.autograd.grad(cross_entropy(h @ wt.T + bt, y), [wt, bt], create_graph=True)
                wt, bt = wt - p["inner_lr"] * gw, bt - p["inner_lr"] * gb
            loss = cross_entropy(val.x[hard] @ wt.T + bt, val.y[hard])
            of_edits.zero_grad()
            h.grad, = torch.autograd.grad(loss, [h])
            torch.nn.utils.clip_grad_norm_([h], p["clip"])
            of_edits.step()
        for _ in range(p["steps"]):
            of_head.zero_grad()
            cross_entropy(h.detach() @ w.T + b, y).backward()
            of_head.step()
        average, worst = accuracies(val, w, b)
        edit_norm = (h.detach() - train.x[rows]).norm().item()
        record.append((loss.item(), average, worst, edit_norm))
        if kept is None or worst >= record[kept[0]][2]:
            kept = epoch, w.detach().clone(), b.detach().clone()
    return record, kept


PUBLISHED = {
    "waterbirds": dict(support=16, steps=15, inner_lr=5e-5, outer_lr=1.0, edits=15, hard=64, clip=10),
    "celeba": dict(support=1024, steps=10, inner_lr=5e-5, outer_lr=1.0, edits=5, hard=256, clip=10),
    "metashift": dict(support=32, steps=15, inner_lr=5e-5, outer_lr=1e-2, edits=10, hard=64, clip=10),
    "dominoes": dict(support=16, steps=10, inner_lr=1e-4, outer_lr=1.0, edits=15, hard=256, clip=10),
}
SMALL = dict(PUBLISHED["waterbirds"], outer_lr=1e-2, epochs=10)
THREE = dict(support=5, steps=4, inner_lr=1e-2, outer_lr=0.05, edits=3, hard=20, clip=1e-3, epochs=6)

# name: classes, dims, val rows, parameters
CASES = {name: (2, 48, 600, dict(p, epochs=3)) for name, p in PUBLISHED.items()}
CASES["small_rates"] = (2, 48, 600, SMALL)
CASES["three_classes"] = (3, 21, 301, THREE)


def write(out, case, what, numbers):
    print(case, what, *(format(float(x), ".17g") for x in numbers), file=out)


def main():
    with open(pathlib.Path(__file__).with_name("hsfm.txt"), "w") as out:
        for case, (classes, dims, nval, p) in CASES.items():
            train, val = Split("train", 2100, dims, classes, 0), Split("val", nval, dims, classes, 0)
            record, (epoch, w, b) = hsfm(train, val, *erm_head(dims, classes), p)
            for what, column in zip(("outer_loss", "accuracy", "worst_group", "edit_norm"), zip(*record)):
                write(out, case, what, column)
            write(out, case, "kept", [epoch])
            write(out, case, "w", w.flatten())
            write(out, case, "b", b)
        for seed in range(5):
            train, val, test = (Split(*part, 48, 2, seed) for part in (("train", 2100), ("val", 600), ("test", 2000)))
            head = erm_head(48, 2)
            record, (epoch, *kept) = hsfm(train, val, *head, dict(PUBLISHED["waterbirds"], epochs=40))
            write(out, f"full{seed}", "worst_group", [accuracies(s, *kept)[1] for s in (val, test)])
            print(f"full{seed}: erm", accuracies(val, *head), accuracies(test, *head), "kept", epoch,
                  "val", accuracies(val, *kept), "test", accuracies(test, *kept))


if __name__ == "__main__":
    main()
