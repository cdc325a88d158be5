"""Which inputs single precision decides: no ReLU or max-pool of a network is so near its turning point that rounding could turn it."""
import torch

SIGMAS = 4  # of single precision's own error, channel by channel
UNITS = (torch.nn.ReLU, torch.nn.ReLU6, torch.nn.MaxPool2d)


def margins(unit, x):
    """How far each choice of a unit is from being another: (n, channels, choices)."""
    if isinstance(unit, torch.nn.MaxPool2d):  # of values from a ReLU: a window of zeros has no gradient to send elsewhere
        windows = torch.nn.functional.unfold(x, unit.kernel_size, padding=unit.padding, stride=unit.stride)
        first, second = windows.unflatten(1, (x.shape[1], -1)).topk(2, 2).values.unbind(2)
        return torch.where(first > 0, (first - second) / 2**0.5, torch.inf)
    distance = torch.minimum(x.abs(), (x - 6).abs()) if isinstance(unit, torch.nn.ReLU6) else x.abs()
    return distance.flatten(2)


def inputs(net, x):
    """Every unit in its order, and what it is given."""
    found = []
    hooks = [unit.register_forward_pre_hook(lambda unit, given: found.append((unit, given[0].clone())))
             for unit in net.modules() if isinstance(unit, UNITS)]
    with torch.no_grad():
        net(x)
    for hook in hooks:
        hook.remove()
    return found


def decides(net, wide, x):
    """Whether net, in single precision, makes all the choices that wide, its copy in double precision, makes for x, with room."""
    for (unit, rounded), (_, exact) in zip(inputs(net, x.float()), inputs(wide, x)):
        error = (rounded - exact).square().mean((0, 2, 3)).sqrt()[:, None]
        if not (margins(unit, exact) > SIGMAS * error).all():
            return False
    return True
