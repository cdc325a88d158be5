"""Logistic regressions by scikit-learn's liblinear, and dfr made of them, for
tests/unit/test_sklearn.c. Prints heads.txt:

    python make.py > heads.txt

Needs numpy and scikit-learn (made with scikit-learn %s). The features are those
of tests/reference/head_data.c, the random draws those of base/rng.h and worker/balance.h,
each written again here. Lines: a name, how many numbers, the numbers.
"""

import warnings

import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler

DIMS = 16
SIZES = {"train": 400, "val": 300, "test": 250}
STRENGTHS = [1, 0.7, 0.3, 0.1, 0.07, 0.03, 0.01]
KEY = (11, 22)
SUBSETS = 20
MASK = 0xFFFFFFFF


def uniform(name, k):
    h = (name * 0x85EBCA6B + k * 0x9E3779B1) & MASK
    h = ((h ^ h >> 15) * 0x2C1B3C6D) & MASK
    h = ((h ^ h >> 12) * 0x297A2D39) & MASK
    h ^= h >> 15
    return (h >> 8) / 16777216


def signal(name, which, k):
    return 2 * uniform(name, which * DIMS + k) - 1


def noise(name, k):
    return (sum(uniform(name, 4 * k + j) for j in range(4)) - 2) * 3**0.5


def split(part, classes):
    name = 10 + 10 * list(SIZES).index(part)
    agree = 0.85 if part == "train" else 0.6
    x, y, g = [], [], []
    for i in range(SIZES[part]):
        u = uniform(name, 2 * i)
        label = int(classes * u * u * 0.5 + classes * u * 0.5)
        attribute = int((uniform(name, 2 * i + 1) < agree) == (label > 0))
        row = [0.7 * signal(1, label, k) + 0.9 * signal(2, attribute, k) + noise(name + 1, i * DIMS + k)
               for k in range(DIMS)]
        x.append([0.3 * k + (1 + k % 5) * row[k] for k in range(DIMS)])
        y.append(label)
        g.append(2 * label + attribute)
    return numpy.array(x), numpy.array(y), numpy.array(g)


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [p1 >> 32 ^ c[1] ^ k[0], p1 & MASK, p0 >> 32 ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


class Rng:
    """A cursor of the stream KEY."""

    def __init__(self, a, b=0, c=0):
        self.counter, self.block = [0, a, b, c], []

    def u32(self):
        if not self.block:
            self.block = philox(self.counter, KEY)
            self.counter[0] += 1
        return self.block.pop(0)

    def below(self, n):
        top = 2**64 - 1
        while True:
            x = self.u32() << 32
            x |= self.u32()
            if x < top - top % n:
                return x % n


def by_group(rows, g):
    return [[r for r in rows if g[r] == k] for k in range(max(g) + 1)]


def balanced(rows, g, rng):
    groups = by_group(rows, g)
    k = min(len(group) for group in groups if group)
    out = []
    for group in groups:
        chosen = group[:k]
        for i in range(k, len(group)):
            j = rng.below(i + 1)
            if j < k:
                chosen[j] = group[i]
        out += chosen
    return out


def halves(rows, g, rng):
    first, second = [], []
    for group in by_group(rows, g):
        group, k = list(group), len(group) - len(group) // 2
        for i in range(k):
            j = i + rng.below(len(group) - i)
            group[i], group[j] = group[j], group[i]
        first += group[:k]
        second += group[k:]
    return first, second


def regression(penalty, c, tolerance=1e-8):
    return LogisticRegression(penalty=penalty, C=c, solver="liblinear", tol=tolerance, max_iter=20000)


def folded(model, scaler):
    """Weights and intercepts for features as they are."""
    models = getattr(model, "estimators_", [model])
    coef = numpy.vstack([m.coef_ for m in models]) / scaler.scale_
    intercept = numpy.hstack([m.intercept_ for m in models]) - coef @ scaler.mean_
    return numpy.hstack([coef, intercept[:, None]])


def worst_group(model, scaler, x, y, g):
    right = model.predict(scaler.transform(x)) == y
    return min(right[g == k].mean() for k in set(g))


def show(name, values):
    values = numpy.ravel(values)
    print(name, len(values), *(repr(float(v)) for v in values))


def whole_train():
    for classes in 2, 3:
        x, y, _ = split("train", classes)
        scaler = StandardScaler().fit(x)
        for penalty in "l1", "l2":
            for c in 1, 0.1, 0.01:
                model = regression(penalty, c)
                model = model if classes == 2 else OneVsRestClassifier(model)
                show(f"{penalty}.{classes}.{c}", folded(model.fit(scaler.transform(x), y), scaler))


def choose(penalty, fit, other):
    """The strength, its model, and the worst group of each strength."""
    x, y, _ = fit
    scaler = StandardScaler().fit(x)
    models = [regression(penalty, c).fit(scaler.transform(x), y) for c in STRENGTHS]
    worst = [worst_group(model, scaler, *other) for model in models]
    best = int(numpy.argmax(worst))
    return STRENGTHS[best], folded(models[best], scaler), worst


def rows_of(data, rows):
    return tuple(array[rows] for array in data)


def dfr():
    val, train = split("val", 2), split("train", 2)
    everything = range(SIZES["val"])
    first, second = halves(everything, val[2], Rng(0))
    subset = balanced(first, val[2], Rng(1))
    c, _, worst = choose("l1", rows_of(val, subset), rows_of(val, second))
    show("dfr.chosen", [c])
    show("dfr.worst", worst)
    scaler = StandardScaler().fit(train[0])
    heads = []
    for s in range(SUBSETS):
        rows = balanced(everything, val[2], Rng(2, s))
        model = regression("l1", c).fit(scaler.transform(val[0][rows]), val[1][rows])
        heads.append(folded(model, scaler))
    show("dfr.rows", [len(rows)])
    show("dfr.head", numpy.mean(heads, axis=0))


def on_train():
    val, train = split("val", 2), split("train", 2)
    c, head, worst = choose("l2", train, val)
    show("llr.chosen", [c])
    show("llr.worst", worst)
    show("llr.head", head)
    rows = balanced(range(SIZES["train"]), train[2], Rng(3))
    c, head, worst = choose("l2", rows_of(train, rows), val)
    show("subg.chosen", [c])
    show("subg.worst", worst)
    show("subg.rows", [len(rows)])
    show("subg.head", head)


if __name__ == "__main__":
    warnings.simplefilter("ignore", FutureWarning)
    for part in SIZES:
        show(f"groups.{part}", numpy.bincount(split(part, 2)[2], minlength=4))
    whole_train()
    dfr()
    on_train()
