"""A GPU for computers without one: CPU tensors that say they are on "cuda" and refuse to meet those that do not.

It tells whether code puts its tensors where they belong, and what a state file of a GPU says; nothing of speed, of a
GPU's own arithmetic, or of recorded graphs.
"""

import contextlib
from collections.abc import Iterator
from concurrent.futures import Future
from unittest import mock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

from gansynth_core import threads
from gansynth_core.training import graphs, loop

CUDA = torch.device("cuda:0")
_GET_DEVICE, _SET_DATA = torch.Tensor.device.__get__, torch.Tensor.data.__set__
#: What may be given tensors of both places: copies, and places in an array, which a GPU takes from the CPU.
_BOTH = ("copy_", "__setitem__", "__getitem__", "_foreach_copy_", "_has_compatible_shallow_copy_type")
_TO_NUMPY = ("numpy", "__array__")


class Astray(AssertionError):
    """Tensors of two places met, or one of a GPU was read as if it were here."""


def is_away(tensor: Tensor) -> bool:
    return getattr(tensor, "away", False)


def _moved(tensor: Tensor, away: bool) -> Tensor:
    if is_away(tensor) == away:
        return tensor
    moved = tensor.clone()
    moved.away = away
    return moved


def _is_cuda(place: object) -> bool:
    return str(place).startswith("cuda")


class _Pretending(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        if function == _GET_DEVICE:
            return CUDA if is_away(args[0]) else function(*args)
        if function == _SET_DATA:
            function(*args)
            args[0].away = is_away(args[1])
            return None
        if name in ("cpu", "cuda"):
            return _moved(args[0], name == "cuda")
        if name == "to":
            return self._to(*args, **kwargs)
        if name == "__deepcopy__":  # given a memory of all that was copied before
            return self._marked(function(*args), is_away(args[0]))
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        away = any(map(is_away, tensors))
        if away and name in _TO_NUMPY:
            raise Astray(f"{name} of a tensor on a GPU")
        places = tree_leaves(args[1]) if name in ("__getitem__", "__setitem__") else []
        if any(map(is_away, places)) and not is_away(args[0]):
            raise Astray("places on a GPU of a tensor on the CPU")
        # Single numbers may come from the CPU, but for those that a fused optimizer counts its steps by.
        fused = name.startswith("_fused")
        here = [tensor for tensor in tensors if (tensor.dim() or fused) and not is_away(tensor)]
        if away and here and name not in _BOTH:
            raise Astray(f"{name} of tensors on a GPU and on the CPU")
        if "device" in kwargs and name != "_parse_to":  # of something new
            away = _is_cuda(kwargs.pop("device"))
        elif name == "__getitem__":
            away = is_away(args[0])
        elif isinstance(generator := kwargs.get("generator"), _Generator) and generator.away:
            raise Astray(f"{name} on the CPU by a generator of a GPU")
        return tree_map(lambda leaf: self._marked(leaf, away), function(*args, **kwargs))

    def _to(self, tensor: Tensor, *args, **kwargs) -> Tensor:
        away, rest = is_away(tensor), []
        for value in [*args, kwargs.pop("device", None), kwargs.pop("other", None)]:
            if isinstance(value, Tensor):
                away = is_away(value)
                rest.append(value.dtype)
            elif isinstance(value, str | torch.device):
                away = _is_cuda(value)
            elif isinstance(value, torch.dtype):
                rest.append(value)
        changed = tensor.to(*rest, **kwargs) if rest or kwargs else tensor
        if changed is not tensor:
            changed.away = is_away(tensor)
        return _moved(changed, away)

    def _marked(self, leaf: object, away: bool) -> object:
        if isinstance(leaf, Tensor) and (away or is_away(leaf)):
            leaf.away = away
        return leaf


class _Generator(torch.Generator):
    """Draws the CPU's numbers wherever it says it is."""

    def __new__(cls, device: object = "cpu"):
        made = super().__new__(cls)
        made.away = _is_cuda(device)
        return made

    def __init__(self, device: object = "cpu") -> None:
        super().__init__()

    @property
    def device(self) -> torch.device:
        return CUDA if self.away else torch.device("cpu")


def _here(function, *args) -> Future:
    """`threads.submit` in the thread that asks: the pretence is each thread's own."""
    done = Future()
    try:
        done.set_result(function(*args))
    except BaseException as error:
        done.set_exception(error)
    return done


@contextlib.contextmanager
def gpu() -> Iterator[None]:
    """Within the block the computer has one CUDA device, "cuda"."""

    def plain(self, function, device):
        self._function, self._records = function, False

    copied = torch.nn.Parameter.__deepcopy__

    def copied_there(self, memo):
        copy = copied(self, memo)
        copy.away = is_away(self)
        return copy

    with contextlib.ExitStack() as stack:
        for target, name, value in [
            (torch.cuda, "is_available", lambda: True),
            (torch.cuda, "mem_get_info", lambda *_: (1 << 40, 1 << 40)),
            (torch, "Generator", _Generator),
            (torch.serialization, "location_tag", lambda storage: str(CUDA)),
            (torch.nn.Parameter, "__deepcopy__", copied_there),
            (graphs.Recorded, "__init__", plain),
            (loop, "_Prefetch", lambda source: source),
            (threads, "submit", _here),
        ]:
            stack.enter_context(mock.patch.object(target, name, value))
        stack.enter_context(_Pretending())
        yield
