"""Filling networks with weights, and taking them out of checkpoints."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

from torch import Tensor, nn

from goodsam_pl.networks.card import differing_arguments
from goodsam_pl.networks.postponed import is_postponed, postpone
from goodsam_pl.networks.weights_file import SHIPPED, read_file, save_weights, state_hash

__all__ = ["export_weights", "load_weights", "weights_hash"]

_WRAPPERS = ("network.", "model.")
"""What a :class:`CustomNetwork` and a :class:`SegmentationNetwork` call the network inside."""


def load_weights(network: nn.Module, source: str) -> None:
    """Fill a network with weights; every tensor must find its place.

    Inside :func:`goodsam_pl.networks.postponed.brought_by` nothing is read yet.

    Args:
        network: the network to fill, in place.
        source: a name in :data:`SHIPPED`, or a path that :func:`read_weights` takes.

    Raises:
        FileNotFoundError: no such file.
        ValueError: the file is damaged or holds another network; the message says which tensors
            do not fit.

    Warns:
        UserWarning: the tensors fit, but the network was trained with other arguments.
    """
    if is_postponed():
        postpone(network, partial(load_weights, network, source))
        return
    with _opened(source) as path:
        file = read_file(path)
    state = _with_prefix_of(network.state_dict(), file.state)
    _check_fit(network.state_dict(), state, source)
    network.load_state_dict(state)
    trained = None if file.card is None else file.card.network
    if differences := differing_arguments(trained, getattr(network, "arguments", None)):
        warnings.warn(
            f"the weights {source!r} fit, but will give other predictions than in training: "
            f"{'; '.join(differences)}",
            stacklevel=2,
        )


def export_weights(checkpoint: str, out: str, half: bool = False) -> str:
    """Take the trained network out of a checkpoint: the small model at the end.

    The file says what it needs to be used again; `goodsam_pl.load` reads it.

    Args:
        checkpoint: of any of our trainings; of a distillation the student is taken, of a joint one
            also the teacher assistant as ``last.ckpt:teacher_assistant``.
        out: the ``.safetensors`` file to write.
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
    file = read_file(Path(checkpoint))
    save_weights(file.state, path, half, file.card)
    size = path.stat().st_size / 1e6
    written = f"{path}: {sum(t.numel() for t in file.state.values()):,} values, {size:.1f} MB"
    if file.card is None:
        return f"{written}; {checkpoint} does not say what its network is, so neither does the file"
    if file.card.network is None:
        return f"{written}; its class is yours: goodsam_pl.load takes the network as `network=`"
    return written


def weights_hash(network: nn.Module) -> str:
    """SHA-256 of the names, shapes, dtypes and values of a state dict, 64 hexadecimal digits."""
    return state_hash(network.state_dict())


@contextmanager
def _opened(source: str) -> Iterator[Path]:
    if source not in SHIPPED:
        yield Path(source)
        return
    with as_file(files("goodsam_pl") / "pretrained" / SHIPPED[source]) as path:
        yield path


def _with_prefix_of(expected: Mapping[str, Tensor], found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Names as the network has them, where one side is wrapped in a class of ours."""
    for prefix in _WRAPPERS:
        wrapped = all(name.startswith(prefix) for name in expected)
        if wrapped and not any(name.startswith(prefix) for name in found):
            return {f"{prefix}{name}": tensor for name, tensor in found.items()}
        if not wrapped and found and all(name.startswith(prefix) for name in found):
            return {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    return found


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
