"""Networks that lay out their weights anew for inference."""

from collections.abc import Callable
from typing import Self

from torch import Tensor, nn


class Prepared(nn.Module):
    """A module that keeps, from its first call in inference on, something that it made of its weights, and forgets it
    when they may have changed: after `train()`, `eval()`, `to()` and `load_state_dict()`."""

    def __init__(self) -> None:
        super().__init__()
        self.register_load_state_dict_post_hook(lambda *_: self.forget())  # type: ignore[no-untyped-call]

    def forget(self) -> None:
        """Drop what was made of the weights."""
        raise NotImplementedError

    def __getstate__(self) -> object:
        self.forget()  # copies and pickles make their own
        return self.__dict__

    def train(self, mode: bool = True) -> Self:
        self.forget()
        return super().train(mode)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self.forget()  # to(), half() and cuda() all come through here
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self
