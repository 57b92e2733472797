"""goodsam_pl: Segment Anything knowledge for compact segmenters of 360° panoramas.

``goodsam_pl.load("student.safetensors")`` gives a trained network that labels images. Importing the
package itself is free of torch, so that the command line answers at once; import what else you need
from its rooms, e.g. ``from goodsam_pl.modules import StudentDistillation``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goodsam_pl.segmenter import Segmenter, load

__all__ = ["Segmenter", "__version__", "load"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the segmenter, and torch with it, when somebody asks for it."""
    if name in {"Segmenter", "load"}:
        from goodsam_pl import segmenter  # noqa: PLC0415  # imports torch

        return getattr(segmenter, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
