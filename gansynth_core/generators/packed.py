"""Linear layers for inference, their weights laid out once as a CPU's kernels read them."""

import torch
from torch import Tensor


class Packed:
    """x [rows, in] -> x weight^T + bias [rows, out], for about as many `rows` at every call. weight [out, in].

    torch's own products lay out the weights anew at each call, which for few rows takes longer than the product.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, rows: int) -> None:
        self._bias = None if bias is None else bias.detach().contiguous()
        self._packed = False
        if rows == 1:
            self._weight = weight.detach().T.contiguous()  # a vector's product reads it row by row
        elif self._known(weight):
            self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous(), rows)
            self._packed = True
        else:
            self._weight = weight.detach().T.contiguous()

    @staticmethod
    def _known(weight: Tensor) -> bool:
        """Whether torch has oneDNN's layouts for this weight (torch.compile uses the same two calls)."""
        return (
            weight.device.type == "cpu"
            and weight.dtype == torch.float32
            and torch.backends.mkldnn.is_available()
            and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
        )

    def __call__(self, x: Tensor) -> Tensor:
        if self._packed:
            product: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, "none", [], "")
            return product
        return x @ self._weight if self._bias is None else torch.addmm(self._bias, x, self._weight)
