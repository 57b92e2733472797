"""What frozen teachers say about a panorama, on disk: asked once, read by every step.

One ``.npz`` file a panorama, named after the content of its image and of its masks, in a folder
named after all else that the targets depend on. Label maps compress to a few dozen kilobytes.
"""

from __future__ import annotations

import io
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from goodsam_pl.data.augment import Turn
from goodsam_pl.files import KnownFiles, Stamp, open_regular, write_errors_explained
from goodsam_pl.files.arrays import damage_told, read_array
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.claims import Claim, claim, holder, remove_abandoned
from goodsam_pl.geometry import Windowed, Windows, by_family

__all__ = ["TargetStore", "TeacherTargets"]

_DIGITS = 16
"""Of hashes in names: 64 bits."""
_WHOLE = "whole.tsv"
_LEAST_MEMORY = 400 << 20
_EXPANSION = 400


class TeacherTargets(NamedTuple):
    """Targets of the multi-level knowledge adaptation, of one panorama or of a batch.

    Hard targets are labels. Soft ones are probabilities in steps of 1 / 255 at a stride s, see
    :func:`goodsam_pl.data.pack_probabilities`.

    Attributes:
        whole: of the stitched teacher assistant S_TA^w: labels uint8 ``(..., H, W)``, or
            probabilities uint8 ``(..., K, H / s, W / s)``.
        ensemble: of the fused teachers E_i: labels uint8 ``(..., N, h, w)``, or probabilities
            uint8 ``(..., N, K, h / s, w / s)``; of each family of windows.
        weight: M_i in {0, 1}, uint8 ``(..., N, h, w)``; of each family of windows.
        boundary: B_ref, bool ``(..., H, W)``.
    """

    whole: Tensor
    ensemble: Windowed
    weight: Windowed
    boundary: Tensor

    def map(self, function: Callable[[Tensor], Tensor]) -> TeacherTargets:
        """Do the same with every tensor."""
        return TeacherTargets(
            function(self.whole),
            by_family(function, self.ensemble),
            by_family(function, self.weight),
            function(self.boundary),
        )

    @property
    def trusted(self) -> Tensor:
        """The share of pixels with M_i = 1."""
        return torch.stack([part.float().mean() for part in self.weight]).mean()

    def turned(self, turn: Turn, windows: Windows) -> TeacherTargets:
        """Turn the targets of one panorama along with its image."""
        stride = self.boundary.shape[-1] // self.whole.shape[-1]
        return TeacherTargets(
            whole=turn.at_stride(stride).pixels(self.whole),
            ensemble=turn.windowed(self.ensemble, windows),
            weight=turn.windowed(self.weight, windows),
            boundary=turn.pixels(self.boundary),
        )


class TargetStore:
    """Targets of many panoramas by the same teachers.

    Args:
        root: folder of all targets.
        fingerprint: hash of everything that all targets depend on; it names the folder inside
            ``root``, so that targets of other teachers are never mistaken for these.
        masks: hash of each panorama's masks, by the panorama's key; it is part of the file's name,
            so that targets of other masks of the same panorama are not mistaken either.
    """

    def __init__(
        self, root: Path, fingerprint: str, masks: Mapping[str, str] | None = None
    ) -> None:
        self.folder = root / fingerprint[:_DIGITS]
        self._masks = {key: each[:_DIGITS] for key, each in (masks or {}).items()}

    def path(self, key: str) -> Path:
        """The file of a panorama."""
        return Path(self._place(key))

    def __contains__(self, key: str) -> bool:
        """Whether there are targets of a panorama, and they are whole."""
        return self.has_file(key) and self.known_damage(key) is None

    def has_file(self, key: str) -> bool:
        """Whether there are targets of a panorama, whole or damaged."""
        # pathlib takes seconds for a hundred thousand
        return os.path.isfile(self._place(key))  # noqa: PTH113

    @contextmanager
    def claim(self, key: str) -> Iterator[Claim | None]:
        """Claim the right to write the targets of a panorama, so that no other process asks, too.

        Yields:
            ``None`` if another process holds it. Look again then whether the targets are there.

        Raises:
            ValueError: the disk is full, or the folder is only read.
        """
        with ExitStack() as stack:
            with self._write_errors():
                granted = stack.enter_context(claim(self.path(key)))
            yield granted

    def holder(self, key: str) -> str:
        """Who holds the claim of a panorama, for people."""
        return holder(self.path(key))

    def _write_errors(self) -> AbstractContextManager[None]:
        return write_errors_explained(self.folder, elsewhere="name another root of targets")

    def _place(self, key: str) -> str:
        masks = self._masks.get(key)
        return f"{self.folder}{os.sep}{key if masks is None else f'{key}.{masks}'}.npz"

    def write(self, key: str, targets: TeacherTargets) -> None:
        """Store the targets of one panorama; they appear when all of them is on disk.

        Args:
            key: hash of the image file.
            targets: without a batch dimension.

        Raises:
            ValueError: the disk is full, or the folder is only read.
        """
        stream = io.BytesIO()
        arrays = {
            _array_name(name, family): tensor.cpu().numpy()
            for name, value in targets._asdict().items()
            for family, tensor in enumerate(value if isinstance(value, tuple) else (value,))
        }
        np.savez_compressed(stream, allow_pickle=False, **arrays)
        path = self.path(key)
        with self._write_errors():
            write_atomically(path, stream.getvalue())
        self.known.remember(path, Stamp.of(path), "whole")

    def known_damage(self, key: str) -> ValueError | None:
        """What is wrong with the targets of a panorama; ``None`` if nothing is.

        A file that was found whole and has not changed is not read again.

        Raises:
            FileNotFoundError: there are none.
        """
        path = self.path(key)
        if self.known.get(path) is not None:
            return None
        before = Stamp.of(path)
        try:
            self.read(key)
        except FileNotFoundError:
            raise
        except ValueError as error:
            return error
        self.known.remember(path, before, "whole")
        return None

    @cached_property
    def known(self) -> KnownFiles:
        """The files that were found whole; kept beside them."""
        return KnownFiles.at(self.folder / _WHOLE)

    def remove_rests(self) -> None:
        """Remove what killed processes left. Those at work are not disturbed."""
        remove_abandoned(self.folder)

    def read(self, key: str) -> TeacherTargets:
        """Read the targets of one panorama.

        Raises:
            FileNotFoundError: there are none.
            ValueError: the file is damaged.
        """
        path = self.path(key)
        try:
            with damage_told(), open_regular(path) as stream, zipfile.ZipFile(stream) as archive:
                _refuse_large(archive, path.stat().st_size)
                return _checked(
                    TeacherTargets(
                        whole=_tensor(archive, "whole"),
                        ensemble=_read(archive, "ensemble"),
                        weight=_read(archive, "weight"),
                        boundary=_tensor(archive, "boundary"),
                    )
                )
        except FileNotFoundError:
            raise FileNotFoundError(
                f"{path} is missing: put the callback PrecomputeTeacher into trainer.callbacks"
            ) from None
        except ValueError as error:
            raise ValueError(
                f"{path} cannot be used ({error}): start again, PrecomputeTeacher makes it anew"
            ) from error


def _array_name(field: str, family: int) -> str:
    return f"{field}.{family}" if family else field


def _refuse_large(archive: zipfile.ZipFile, file_bytes: int) -> None:
    """Refuse an archive that unpacks to more than label maps do."""
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > max(_LEAST_MEMORY, _EXPANSION * file_bytes):
        raise ValueError(f"{file_bytes:,} bytes that would unpack to {unpacked:,}")


def _tensor(archive: zipfile.ZipFile, name: str) -> Tensor:
    return torch.from_numpy(read_array(archive, name, sys.maxsize))


def _read(archive: zipfile.ZipFile, field: str) -> Windowed:
    names = set(archive.namelist())
    families = [_tensor(archive, field)]
    while (name := _array_name(field, len(families))) + ".npy" in names:
        families.append(_tensor(archive, name))
    return tuple(families)


def _checked(targets: TeacherTargets) -> TeacherTargets:
    """Refuse what cannot be targets of one panorama."""
    if targets.boundary.dtype != torch.bool or targets.boundary.ndim != 2:
        raise ValueError("boundary is no map of true and false")
    ensembles, weights = targets.ensemble, targets.weight
    labels = (targets.whole, *ensembles)
    if (
        len(ensembles) != len(weights)
        or any(each.dtype != torch.uint8 for each in labels)
        or any(each.dtype not in (torch.uint8, torch.bool) for each in weights)
    ):
        raise ValueError("labels and weights are not bytes of the same windows")
    if targets.whole.ndim not in (2, 3) or any(each.ndim not in (3, 4) for each in ensembles):
        raise ValueError("labels are no maps")
    if any(
        each.ndim != 3 or len(each) != len(own)
        for each, own in zip(weights, ensembles, strict=True)
    ):
        raise ValueError("weights are no maps of the same windows")
    if 0 in targets.whole.shape or targets.boundary.shape[-1] % targets.whole.shape[-1]:
        raise ValueError("labels and boundary differ in size")
    return targets
