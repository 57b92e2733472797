"""Files of weights, read and written safely: tensors and plain values, never pickled code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.networks.card import CARD, NetworkCard
from goodsam_pl.networks.checkpoint_file import read_saved

__all__ = [
    "SHIPPED",
    "WeightsFile",
    "read_card",
    "read_file",
    "read_weights",
    "save_weights",
    "split_name",
    "state_hash",
]

_CHECKSUM = f"{CARD}.sha256"
"""The key of the checksum in the metadata of files without a card."""

SHIPPED = {"streetworld": "segformer_b0_streetworld.safetensors"}
"""Weights inside the package, by the name that ``weights`` arguments take."""


class WeightsFile(NamedTuple):
    """What a file holds of one network.

    Attributes:
        state: its tensors by name, floating point ones as float32.
        card: what it says of the network; ``None`` for files of others.
    """

    state: dict[str, Tensor]
    card: NetworkCard | None


def read_file(path: Path) -> WeightsFile:
    """As :func:`read_weights`, with what the file says of the network."""
    path, named = split_name(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no weights at {path}: train them first, or give one of {sorted(SHIPPED)}"
        )
    content: Any
    written: str | None = None
    with _refusals(path):
        if path.suffix == ".safetensors":
            content, (described, written) = load_file(path), _metadata(path)
        else:
            content = read_saved(path)
            described = content.get(CARD) if isinstance(content, Mapping) else None
    card = None if described is None else _card(described, path)
    first = None if card is None else next(iter(card.networks), None)
    state = _take_network(content, path, named or first, named)
    with _refusals(path):
        if written is not None:
            _check_sum(state, written, path)
        widened = {
            name: tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
            for name, tensor in state.items()
        }
    return WeightsFile(widened, card and card.only(named))


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the tensors of one network.

    Args:
        path: a ``.safetensors`` file, a plain PyTorch state dict, or a checkpoint of one of our
            LightningModules, out of which the network is taken that its card names first: the one
            that the training was for. After a colon a path may name another network of a
            checkpoint, such as ``last.ckpt:teacher_assistant`` of a joint training.

    Returns:
        Names without the LightningModule's prefix; half-precision tensors become float32.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a weights file, one that holds more than tensors and plain values, or one
            whose tensors are not those that were written.
    """
    return read_file(path).state


def read_card(path: Path) -> NetworkCard | None:
    """What a file says of its network, without reading its tensors; ``None`` if it says nothing.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a weights file, or one that holds more than tensors and plain values.
    """
    path, named = split_name(path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}")
    with _refusals(path):
        if path.suffix == ".safetensors":
            described, _ = _metadata(path)
        else:
            content = read_saved(path, mmap=True)
            described = content.get(CARD) if isinstance(content, Mapping) else None
    return None if described is None else _card(described, path).only(named)


def save_weights(
    state: Mapping[str, Tensor], path: Path, half: bool = False, card: NetworkCard | None = None
) -> None:
    """Write a network's state dict as safetensors, whole or not at all.

    Args:
        state: tensors by name.
        path: the ``.safetensors`` file; its folder is made when missing.
        half: store floating point tensors as float16, at half the size.
        card: what the network needs to be used again, for the metadata of the file.
    """
    tensors = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor)
        .detach()
        .cpu()
        .contiguous()
        for name, tensor in state.items()
    }
    checksum = state_hash(tensors)
    metadata = {_CHECKSUM: checksum}
    if card is not None:
        described = {**card.to_dict(), "sha256": checksum}
        metadata = {CARD: json.dumps(described, sort_keys=True, ensure_ascii=False)}
    write_atomically(path, save(tensors, metadata))


def state_hash(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, shapes, dtypes and values, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(
            tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
        )
    return digest.hexdigest()


def split_name(path: Path) -> tuple[Path, str | None]:
    """A path and, after a colon, the network that is meant."""
    file, _, name = str(path).rpartition(":")
    is_named = bool(Path(file).suffix) and name.isidentifier() and not path.is_file()
    return (Path(file), name) if is_named else (path, None)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except (
        *(SafetensorError, OSError, EOFError, RuntimeError, ValueError, TypeError),
        *(MemoryError, KeyError, AttributeError, OverflowError),
    ) as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path} is not a readable weights file: {error}") from error


def _metadata(path: Path) -> tuple[Mapping[str, Any] | None, str | None]:
    """Our part of the metadata of a safetensors file, and the checksum of its tensors."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    checksum = metadata.get(_CHECKSUM)
    if CARD not in metadata:
        return None, checksum
    try:
        described = dict(json.loads(metadata[CARD]))
    except RecursionError:
        raise ValueError("what it says of its network is nested too deeply") from None
    return described, str(described["sha256"]) if "sha256" in described else checksum


def _card(described: Any, path: Path) -> NetworkCard:
    try:
        return NetworkCard.from_dict({k: v for k, v in dict(described).items() if k != "sha256"})
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def _check_sum(state: Mapping[str, Tensor], written: str, path: Path) -> None:
    if state_hash(state) != written:
        raise ValueError(
            f"{path} is damaged: its tensors are not those that were written; export it again"
        )


def _take_network(
    content: Any, path: Path, wanted: str | None, named: str | None
) -> dict[str, Tensor]:
    """The tensors of one network: of a checkpoint the wanted one's, without its prefix."""
    state = content if isinstance(content, Mapping) else {}
    if isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
        if wanted is None and "pytorch-lightning_version" in content:
            raise ValueError(
                f"{path} does not say which network it holds: name it after a colon, one of "
                f"{sorted({str(name).partition('.')[0] for name in state})}"
            )
        prefix = f"{wanted}."
        inner = {
            name.removeprefix(prefix): value
            for name, value in state.items()
            if str(name).startswith(prefix)
        }
        if inner:
            return inner
    if named:
        raise ValueError(
            f"{path} holds no {named}: leave the name away, or give its own checkpoint"
        )
    if not state or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()
    ):
        raise ValueError(f"{path} holds no network: expected names with tensors")
    return dict(state)
