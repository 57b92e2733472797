"""Reading and writing network weights, safely: tensors only, never pickled code."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from goodsam_pl.atomic import write_atomically

__all__ = [
    "SHIPPED",
    "export_weights",
    "load_weights",
    "read_weights",
    "save_weights",
    "weights_hash",
]

SHIPPED = {"streetworld": "segformer_b0_streetworld.safetensors"}
"""Weights inside the package, by the name that ``weights`` arguments take."""

_NETWORKS_IN_CHECKPOINTS = ("student", "teacher_assistant", "network")
"""Attribute names under which our LightningModules hold the network a user wants back; of several
in one checkpoint the first is taken, unless another is named: ``last.ckpt:teacher_assistant``."""


def load_weights(network: nn.Module, source: str) -> None:
    """Fill a network with weights; every tensor must find its place.

    Args:
        network: the network to fill, in place.
        source: a name in :data:`SHIPPED`, or a path that :func:`read_weights` takes.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged or holds another network; the message says which tensors
            do not fit.
    """
    if source in SHIPPED:
        with as_file(files("goodsam_pl") / "weights" / SHIPPED[source]) as path:
            state = read_weights(path)
    else:
        state = read_weights(Path(source))
    _check_fit(network.state_dict(), state, source)
    network.load_state_dict(state)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the tensors of one network.

    Args:
        path: a ``.safetensors`` file, a plain PyTorch state dict, or a checkpoint of one of our
            LightningModules, out of which the trained network is taken (the student of a
            distillation, the teacher assistant of a rectification, the network of a source
            training). After a colon a path may name another network of a checkpoint, such as
            ``last.ckpt:teacher_assistant`` of a joint training.

    Returns:
        Names without the LightningModule's prefix; half-precision tensors become float32.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a weights file, or one that holds more than tensors and plain values.
    """
    path, named = _split_name(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no weights at {path}: train them first, or give one of {sorted(SHIPPED)}"
        )
    try:
        content = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (SafetensorError, OSError, EOFError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is not a readable weights file: {error}") from error
    except Exception as error:  # pickle's own errors share no base with the above
        raise ValueError(
            f"{path} holds more than tensors and plain values and is refused: {error}"
        ) from error
    state = _take_network(content, path, named)
    return {
        name: tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
        for name, tensor in state.items()
    }


def save_weights(state: Mapping[str, Tensor], path: Path, half: bool = False) -> None:
    """Write a network's state dict as safetensors, whole or not at all.

    Args:
        state: tensors by name.
        path: the ``.safetensors`` file; its folder is made when missing.
        half: store floating point tensors as float16, at half the size.
    """
    tensors = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor)
        .detach()
        .cpu()
        .contiguous()
        for name, tensor in state.items()
    }
    write_atomically(path, save(tensors))


def export_weights(checkpoint: str, out: str, half: bool = False) -> str:
    """Take the trained network out of a checkpoint: the small model at the end.

    Args:
        checkpoint: of any of our trainings; of a distillation the student is taken, of a joint one
            also the teacher assistant as ``last.ckpt:teacher_assistant``.
        out: the ``.safetensors`` file to write, for ``SegmentationNetwork(weights=...)``.
        half: store float16, at half the size.

    Returns:
        What was written, in words.

    Raises:
        FileNotFoundError: no such checkpoint.
        ValueError: the checkpoint is damaged, or ``out`` is no ``.safetensors`` file.
    """
    path = Path(out)
    if path.suffix != ".safetensors":
        raise ValueError(f"out is {out!r}: weights are written as .safetensors")
    state = read_weights(Path(checkpoint))
    save_weights(state, path, half)
    size = path.stat().st_size / 1e6
    return f"{path}: {sum(t.numel() for t in state.values()):,} values, {size:.1f} MB"


def _split_name(path: Path) -> tuple[Path, str | None]:
    """A path and, after a colon, the network that is meant."""
    file, colon, name = str(path).rpartition(":")
    return (Path(file), name) if colon and name in _NETWORKS_IN_CHECKPOINTS else (path, None)


def _take_network(content: Any, path: Path, named: str | None) -> dict[str, Tensor]:
    state = content.get("state_dict", content) if isinstance(content, Mapping) else {}
    for name in (named,) if named else _NETWORKS_IN_CHECKPOINTS:
        prefix = f"{name}."
        inner = {
            key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)
        }
        if inner:
            return inner
    if named:
        raise ValueError(
            f"{path} holds no {named}: leave the name away, or give its own checkpoint"
        )
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path} holds no network: expected names with tensors")
    return dict(state)


def _check_fit(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], source: str) -> None:
    problems = [f"missing {name}" for name in expected if name not in found]
    problems += [f"unknown {name}" for name in found if name not in expected]
    problems += [
        f"{name} is {tuple(found[name].shape)}, the network has {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in found and found[name].shape != tensor.shape
    ]
    if problems:
        more = [f"and {len(problems) - 3} more"] if len(problems) > 3 else []
        shown = "; ".join(problems[:3] + more)
        raise ValueError(
            f"the weights {source!r} are of another network ({shown}): "
            "give the encoder, decoder width and classes that they were trained with"
        )


def weights_hash(network: nn.Module) -> str:
    """SHA-256 of the names, shapes, dtypes and values of a state dict, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
