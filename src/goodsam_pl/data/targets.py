"""What frozen teachers say about a panorama, on disk: asked once, read by every step.

One ``.npz`` file a panorama, named after the content of its image, in a folder named after all
that the targets depend on. Label maps compress to a few dozen kilobytes.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from goodsam_pl.atomic import write_atomically
from goodsam_pl.data.augment import Turn
from goodsam_pl.geometry import WindowGrid

__all__ = ["TargetStore", "TeacherTargets"]


class TeacherTargets(NamedTuple):
    """Hard targets of the multi-level knowledge adaptation, of one panorama or of a batch.

    Attributes:
        whole: labels of the stitched teacher assistant, argmax S_TA^w; uint8 ``(..., H, W)``.
        ensemble: labels of the fused teachers, argmax E_i; uint8 ``(..., N, h, w)``.
        weight: M_i in {0, 1}, uint8 ``(..., N, h, w)``.
        boundary: B_ref, bool ``(..., H, W)``.
    """

    whole: Tensor
    ensemble: Tensor
    weight: Tensor
    boundary: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> TeacherTargets:
        """Do the same with every tensor."""
        return TeacherTargets(*map(function, self))

    def turned(self, turn: Turn, windows: WindowGrid) -> TeacherTargets:
        """Turn the targets of one panorama along with its image."""
        return TeacherTargets(
            whole=turn.pixels(self.whole),
            ensemble=turn.masks(self.ensemble, windows),
            weight=turn.masks(self.weight, windows),
            boundary=turn.pixels(self.boundary),
        )


class TargetStore:
    """Targets of many panoramas by the same teachers.

    Args:
        root: folder of all targets.
        fingerprint: hash of everything that the targets depend on besides the image; it names the
            folder inside ``root``, so that targets of other teachers are never mistaken for these.
    """

    def __init__(self, root: Path, fingerprint: str) -> None:
        self.folder = root / fingerprint[:16]

    def path(self, key: str) -> Path:
        """The file of a panorama."""
        return self.folder / f"{key}.npz"

    def __contains__(self, key: str) -> bool:
        return self.path(key).is_file()

    def write(self, key: str, targets: TeacherTargets) -> None:
        """Store the targets of one panorama; they appear when all of them is on disk.

        Args:
            key: hash of the image file.
            targets: without a batch dimension.
        """
        stream = io.BytesIO()
        arrays = {name: tensor.cpu().numpy() for name, tensor in targets._asdict().items()}
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        write_atomically(self.path(key), stream.getvalue())

    def read(self, key: str) -> TeacherTargets:
        """Read the targets of one panorama.

        Raises:
            FileNotFoundError: there are none.
            ValueError: the file is damaged.
        """
        path = self.path(key)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return TeacherTargets(
                    *(torch.from_numpy(arrays[name]) for name in TeacherTargets._fields)
                )
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{path} is missing: put the callback PrecomputeTeacher into trainer.callbacks"
            ) from None
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(
                f"{path} is damaged ({error}): delete it, PrecomputeTeacher makes it anew"
            ) from error
