"""The one gate for files that PyTorch saved: what passes is plain, and as large as it claims."""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from goodsam_pl.files import Stamp
from goodsam_pl.files.arrays import damage_told

__all__ = ["read_checkpoint", "read_saved"]

_DEPTH = 64
_READ_AT_ONCE = 1 << 20
_whole: dict[Path, Stamp] = {}
"""Files whose checksums were right, each checked once in a process."""

_EXTRA_STATE = "_extra_state"
"""Ends the names of what modules keep besides tensors, see ``torch.nn.Module.get_extra_state``."""
_REFUSED = re.compile(r"(?:WeightsUnpickler error: |\n)([^\n]*(?:GLOBAL|global) [\w.]+)")
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "state_dict": Mapping,
    "hyper_parameters": Mapping,
    "datamodule_hyper_parameters": Mapping,
    "callbacks": Mapping,
    "loops": Mapping,
    "optimizer_states": (list, tuple),
    "lr_schedulers": (list, tuple),
    "epoch": int,
    "global_step": int,
    "pytorch-lightning_version": str,
}
"""What Lightning takes for granted, by key."""


def read_saved(path: Path, *, mmap: bool = False) -> Any:
    """Read what ``torch.save`` wrote, of tensors and plain values; nothing in it is executed.

    Args:
        path: the file.
        mmap: leave tensors on the disk until they are used.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is of another kind, damaged, holds more than tensors and plain values, or
            unpacks to more than its own size.
    """
    _refuse_other_files(path)
    try:
        packed = _is_archive(path)
        content = torch.load(
            path, map_location="cpu", weights_only=True, mmap=True if packed and mmap else None
        )
        for tensor in _tensors(content, 0):
            _refuse_views(tensor)
    except (OSError, EOFError, RuntimeError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"{path} is not a readable weights file: {error}") from error
    except Exception as error:  # pickle's own errors share no base with the above
        raise ValueError(
            f"{path} holds more than tensors and plain values and is refused, for loading it could "
            f"execute code: {_reason(error)}"
        ) from error
    return content


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint of Lightning, tensors left on the disk until they are used.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: as for :func:`read_saved`, or it is no checkpoint of Lightning.
    """
    _refuse_other_files(path)
    if not _is_archive(path):
        raise ValueError(f"{path} is not a checkpoint of Lightning")
    content = read_saved(path, mmap=True)
    if not isinstance(content, Mapping) or "state_dict" not in content:
        raise ValueError(f"{path} is not a checkpoint of Lightning: it has no state_dict")
    for key, kind in _KINDS.items():
        if key in content and not isinstance(content[key], kind):
            raise ValueError(
                f"{path} is not a readable checkpoint: its {key} is a {type(content[key]).__name__}"
            )
    for name, value in content["state_dict"].items():
        if not isinstance(name, str) or not (
            isinstance(value, Tensor) or name.endswith(_EXTRA_STATE)
        ):
            raise ValueError(
                f"{path} is not a readable checkpoint: its state_dict has {name!r}, which is no "
                "name with a tensor"
            )
    return dict(content)


def _is_archive(path: Path) -> bool:
    try:
        return zipfile.is_zipfile(path)
    except zipfile.BadZipFile as error:  # of several disks
        raise ValueError(f"{path} is not a readable weights file: {error}") from error


def _reason(error: Exception) -> str:
    """What PyTorch refused, without its advice to load the file all the same."""
    refused = _REFUSED.search(str(error))
    return refused[1] if refused else str(error).partition("\n")[0]


def _refuse_other_files(path: Path) -> None:
    """Refuse pipes and devices, which never end, and archives that are damaged or packed."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path} is no file")
    if not _is_archive(path):
        return
    if _whole.get(path) == (stamp := Stamp.of(path)):
        return
    try:
        with damage_told(), zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _refuse_packed(members, status.st_size)
            for member in members:
                _check_sum(archive, member)
    except ValueError as error:
        raise ValueError(f"{path} is not a readable weights file: {error}") from error
    _whole[path] = stamp


def _refuse_packed(members: Sequence[zipfile.ZipInfo], file_bytes: int) -> None:
    if sum(member.file_size for member in members) > file_bytes:
        raise ValueError("it unpacks to more than its size")


def _check_sum(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read a part of an archive, which PyTorch does not compare with its checksum.

    One of 0 is none: ``torch.serialization.set_crc32_options(False)`` writes it.

    Raises:
        ValueError: bits of it have changed since it was written.
    """
    if member.CRC == 0:
        return
    try:
        with archive.open(member) as stream:
            while stream.read(_READ_AT_ONCE):
                pass
    except zipfile.BadZipFile as error:
        raise ValueError(f"damaged since it was written ({error}): fetch it again") from error


def _tensors(tree: Any, depth: int) -> Iterator[Tensor]:
    if depth > _DEPTH:
        raise ValueError("it is nested too deeply")
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _tensors(value, depth + 1)
    elif isinstance(tree, list | tuple | set | frozenset):
        for value in tree:
            yield from _tensors(value, depth + 1)


def _refuse_views(tensor: Tensor) -> None:
    """Refuse what claims more elements than are stored, such as strides of 0."""
    if tensor.is_meta or tensor.is_sparse or tensor.is_quantized:
        raise ValueError("it holds a tensor without values of its own")
    stored = tensor.untyped_storage().nbytes()
    if tensor.numel() * tensor.element_size() > stored:
        raise ValueError(
            f"a tensor of shape {tuple(tensor.shape)} has only {stored:,} bytes of values"
        )
