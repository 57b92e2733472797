"""goodsam_pl: Segment Anything knowledge for compact segmenters of 360° panoramas.

Importing the package itself is free of torch, so that the command line answers at once;
import what you need from its rooms, e.g. ``from goodsam_pl.modules import StudentDistillation``.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
