"""PyAV, which reads and writes films and is an extra."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["need_video"]


def need_video() -> None:
    """Make sure that it is there.

    Raises:
        ModuleNotFoundError: it is missing; the message says how to get it.
    """
    if find_spec("av") is None:
        raise ModuleNotFoundError(
            "films need the package av: run `pip install 'goodsam_pl[video]'`"
        )
