"""Networks that a file describes may take no more memory than the file accounts for."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from typing_extensions import override

__all__ = ["Allowance"]

_LEAST = 64 << 20
_TIMES = 4
"""A file of half precision takes half the memory, and weights are drawn before they are read."""

_FLOAT_BYTES = 4

_FACTORIES = frozenset(
    getattr(torch.ops.aten, name)
    for name in ("empty", "empty_strided", "full", "ones", "rand", "randn", "zeros")
)


class Allowance(TorchDispatchMode):
    """Inside of it, tensors are refused that together take more than the weights of a file.

    A description of a kilobyte can name a network of gigabytes.

    Args:
        file_bytes: size of the file.
    """

    def __init__(self, file_bytes: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # of PyTorch
        self._left = _LEAST + _TIMES * file_bytes

    @override
    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if func.overloadpacket in _FACTORIES and args and isinstance(args[0], Sequence):
            self._left -= _FLOAT_BYTES * math.prod(args[0])
            if self._left < 0:
                raise ValueError("it describes a network that is larger than its weights")
        call: Callable[..., Any] = func
        return call(*args, **(kwargs or {}))
