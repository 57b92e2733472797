"""The masks of one panorama as bytes: a ``.npz`` that NumPy opens too.

Members, with N windows, M masks and L layers in all of them together: ``header`` (JSON text),
``counts`` and ``layer_counts`` (N), ``layers`` (L, h, w), ``predicted_iou``, ``stability`` and
``areas`` (M), ``boxes`` (M, 4), and from proposers with logits ``logits`` (M, h', w') and ``frame``
(3). The same masks give the same bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from goodsam_pl.sam.masks import LogitFrame, WindowMasks

__all__ = ["FORMAT", "Header", "decode_layers", "decode_masks", "encode_masks"]

FORMAT = 1
"""Goes up whenever records are written in another way."""

Header = Mapping[str, str | int]

_LOGIT_LIMIT = 8.0
_LOGIT_STEPS = 16.0
_SAME_DATE = (1980, 1, 1, 0, 0, 0)


def encode_masks(masks: Sequence[WindowMasks], header: Header) -> bytes:
    """Pack the masks of all windows of a panorama.

    Args:
        masks: one set for each window, of one size.
        header: what the record shall say of itself.
    """
    members: dict[str, NDArray[np.generic]] = {
        "header": np.array(json.dumps(dict(header), sort_keys=True)),
        "counts": np.array([len(window) for window in masks], dtype=np.int32),
        "layer_counts": np.array([len(window.layers) for window in masks], dtype=np.int32),
        "layers": torch.cat([window.layers for window in masks]).numpy(),
        "predicted_iou": torch.cat([window.predicted_iou for window in masks]).numpy(),
        "stability": torch.cat([window.stability for window in masks]).numpy(),
        "boxes": torch.cat([window.boxes for window in masks]).numpy(),
        "areas": torch.cat([window.areas for window in masks]).numpy(),
    }
    logits = [window.logits for window in masks if window.logits is not None]
    frames = {window.frame for window in masks if window.frame is not None}
    if len(logits) == len(masks) and len(frames) == 1:
        members["logits"] = _coarsen(torch.cat(logits)).numpy()
        members["frame"] = np.array(frames.pop(), dtype=np.int32)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in members.items():
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", _SAME_DATE),
                _to_npy(array),
                compress_type=zipfile.ZIP_DEFLATED,
                compresslevel=4,
            )
    return buffer.getvalue()


def decode_masks(content: bytes, expected: Header) -> list[WindowMasks]:
    """Unpack what :func:`encode_masks` packed.

    Args:
        content: the bytes.
        expected: entries that the header must have.

    Raises:
        ValueError: the header says otherwise.
        Exception: whatever ``zipfile`` and NumPy find wrong with damaged bytes.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _check_header(archive, expected)
        arrays = {name: _member(archive, name) for name in _MASK_MEMBERS}
        counts = _member(archive, "counts").tolist()
        layers = _member(archive, "layers").split(_member(archive, "layer_counts").tolist())
        logits: Sequence[Tensor | None] = [None] * len(counts)
        frame = None
        if "logits.npy" in archive.namelist():
            logits = _member(archive, "logits").split(counts)
            frame = LogitFrame(*_member(archive, "frame").tolist())
    parts = {name: array.split(counts) for name, array in arrays.items()}
    return [
        WindowMasks(
            layers=layers[index],
            logits=logits[index],
            frame=frame,
            **{name: part[index] for name, part in parts.items()},
        )
        for index in range(len(counts))
    ]


def decode_layers(content: bytes, expected: Header) -> Tensor:
    """Only the layers, ``(N, L, h, w)`` int16, padded with -1; else as :func:`decode_masks`."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        _check_header(archive, expected)
        counts = _member(archive, "layer_counts").tolist()
        layers = _member(archive, "layers").split(counts)
    shape = (len(counts), max(1, *counts), *layers[0].shape[1:])
    padded = torch.full(shape, -1, dtype=torch.int16)
    for window, own in zip(padded, layers, strict=True):
        window[: len(own)] = own
    return padded


_MASK_MEMBERS = ("predicted_iou", "stability", "boxes", "areas")


def _coarsen(logits: Tensor) -> Tensor:
    """Half precision in steps of 1/16 from -8 to 8: what lies beyond is as good as certain."""
    limited = logits.float().clamp(-_LOGIT_LIMIT, _LOGIT_LIMIT)
    return ((limited * _LOGIT_STEPS).round() / _LOGIT_STEPS).half()


def _check_header(archive: zipfile.ZipFile, expected: Header) -> None:
    header = json.loads(_read_array(archive, "header").item())
    wrong = [
        f"{name} is {header.get(name)!r} instead of {value!r}"
        for name, value in expected.items()
        if header.get(name) != value
    ]
    if wrong:
        raise ValueError("; ".join(wrong))


def _member(archive: zipfile.ZipFile, name: str) -> Tensor:
    return torch.from_numpy(_read_array(archive, name))


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[np.generic]:
    """Read a whole member, so that its checksum is verified."""
    stream = io.BytesIO(archive.read(f"{name}.npy"))
    array: NDArray[np.generic] = np.lib.format.read_array(stream, allow_pickle=False)
    return array


def _to_npy(array: NDArray[np.generic]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()
