"""Starting weights that need not be there, because a checkpoint brings the trained ones.

What a training started from (the weights of its student, its teacher's) is named in the
configuration by paths that another machine does not have. While a network is built for a
checkpoint, inside :func:`brought_by`, none of these files is read: reading is *postponed*. The
checkpoint's tensors take the place of most. What it does not hold, a frozen teacher, is read when
somebody asks the teacher: see :class:`goodsam_pl.networks.FrozenNetwork`. Networks that were built
at the same time and are not of the checkpoint's model, say of a callback, are read at the end.

All this is in :func:`goodsam_pl.networks.load_weights` and the constructors of our networks, so it
holds for any network that is filled by these, such as one of the user's in a
:class:`goodsam_pl.networks.CustomNetwork`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from torch import nn

__all__ = ["brought_by", "brought_network", "is_postponed", "postpone", "read_postponed"]


class _Brought(NamedTuple):
    networks: Mapping[str, Any]
    postponed: list[nn.Module]


_brought: ContextVar[_Brought | None] = ContextVar("what a checkpoint brings", default=None)
_ATTRIBUTE = "_postponed"


@contextmanager
def brought_by(networks: Mapping[str, Any]) -> Iterator[list[nn.Module]]:
    """Build networks whose weights come from elsewhere.

    Args:
        networks: descriptions by name, of those that the checkpoint describes.

    Yields:
        The networks that are not filled, as they are built.
    """
    brought = _Brought(networks, [])
    token = _brought.set(brought)
    try:
        yield brought.postponed
    finally:
        _brought.reset(token)


def is_postponed() -> bool:
    """Whether files of weights are left alone at the moment."""
    return _brought.get() is not None


def brought_network(class_path: str, **arguments: Any) -> Mapping[str, Any] | None:
    """The description of a network of this class and these arguments, if there is one."""
    brought = _brought.get()
    for description in brought.networks.values() if brought else ():
        if (
            isinstance(description, Mapping)
            and description.get("class_path") == class_path
            and description.get("init_args") == arguments
        ):
            return description
    return None


def postpone(network: nn.Module, reading: Callable[[], None]) -> None:
    """Read the weights of a network later, or never."""
    setattr(network, _ATTRIBUTE, reading)
    if brought := _brought.get():
        brought.postponed.append(network)


def read_postponed(network: nn.Module) -> None:
    """Read what was postponed, of a network and all its parts."""
    for part in network.modules():
        reading = part.__dict__.pop(_ATTRIBUTE, None)
        if reading is not None:
            reading()
