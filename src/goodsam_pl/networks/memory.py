"""How much memory a network needs for an image, and how much there is."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

__all__ = ["available_memory", "peak_memory"]

_UNKNOWN = 4 << 30
"""Bytes assumed where the system does not say how much is free: our choice."""

_CONTROL_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def available_memory(device: torch.device) -> int:
    """Bytes that new tensors can take on a device, without making the system swap.

    On a CPU that is what the system and the control group of the process leave; what several
    processes of one group would take together is theirs to share.
    """
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # what torch keeps for itself and has no use for at the moment
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    known = [each for each in (_of_system(), *_of_control_groups()) if each is not None]
    return min(known, default=_UNKNOWN)


def peak_memory(network: nn.Module, shape: tuple[int, ...]) -> int | None:
    """Bytes of all tensors that a network holds at once for an input, besides its weights.

    Nothing is computed: the network runs on tensors without data. What single operations use
    inside, as a convolution for its own copies, is not counted.

    Args:
        network: maps images to one tensor.
        shape: of the images, ``(B, 3, H, W)``.

    Returns:
        ``None`` for a network that does not run on tensors without data.
    """
    empty = {
        name: tensor.detach().to("meta")
        for name, tensor in (*network.named_parameters(), *network.named_buffers())
    }
    peak = _PeakMemory()
    with torch.no_grad(), _attributes_kept(network):
        try:
            with peak:
                images = torch.empty(shape, device="meta")
                torch.func.functional_call(network, empty, (images,))
        except Exception:  # noqa: BLE001  # whatever a foreign network does with them
            return None
    return peak.highest


class _PeakMemory(TorchDispatchMode):
    """Counts the bytes of the tensors that operations made and that are still in use."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's
        self.highest = 0
        self._current = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        answer = func(*args, **(kwargs or {}))
        for value in tree_flatten(answer)[0]:
            if isinstance(value, Tensor):
                self._count(value)
        return answer

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage in self._known:
            return
        self._known.add(storage)
        size = storage.nbytes()
        self._current += size
        self.highest = max(self.highest, self._current)
        weakref.finalize(storage, self._forget, size)

    def _forget(self, size: int) -> None:
        self._current -= size


@contextmanager
def _attributes_kept(network: nn.Module) -> Iterator[None]:
    """Undo what a network notes in its attributes, such as positions for a size: without data."""
    before = [(module, dict(vars(module))) for module in network.modules()]
    try:
        yield
    finally:
        for module, attributes in before:
            vars(module).clear()
            vars(module).update(attributes)


def _of_system() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None


def _of_control_groups() -> Iterator[int | None]:
    for limit, used in _CONTROL_GROUPS:
        most, taken = _number_in(limit), _number_in(used)
        yield None if most is None or taken is None else most - taken


def _number_in(path: str) -> int | None:
    try:
        return int(Path(path).read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such group, or one without a limit
        return None
