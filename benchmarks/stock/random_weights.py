"""An official SAM with random weights, which cost as much time as trained ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segment_anything import sam_model_registry

from goodsam_pl.networks import save_weights
from goodsam_pl.sam import SegmentAnything

__all__ = ["weights"]


@contextmanager
def weights(model: str) -> Iterator[str | None]:
    """A file with random weights for a model that has none, ``None`` for one that has."""
    if SegmentAnything(model).weights.is_file():  # type: ignore[arg-type]
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.safetensors"
        save_weights(sam_model_registry[model]().state_dict(), path)
        yield str(path)
