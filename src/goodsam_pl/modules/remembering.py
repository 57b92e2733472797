"""Constructor arguments inside checkpoints: plain values, of which only known classes are built.

Built by the command line, a module is remembered as the configuration that made it. Built by hand,
its arguments are written down in the same form here, so that Lightning builds it again alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import FrameType
from typing import Any, get_type_hints

from lightning.pytorch import LightningModule
from lightning.pytorch.core.mixins.hparams_mixin import (
    _given_hyperparameters,
    _given_hyperparameters_context,
)

from goodsam_pl.networks import read_checkpoint, refuse_untrusted

__all__ = ["refuse_untrusted_arguments", "remember_arguments"]

_INSTANTIATOR = "lightning.pytorch.cli.instantiate_module"


def remember_arguments(
    module: LightningModule, networks: Collection[str], frame: FrameType | None
) -> None:
    """Save constructor arguments for the checkpoint.

    Args:
        module: which is being built.
        networks: names of arguments that are left out where they are objects.
        frame: of the constructor.
    """
    if _given_hyperparameters.get() is not None:
        module.save_hyperparameters(frame=frame)
        return
    module.save_hyperparameters(ignore=list(networks), frame=frame)
    plain = {
        name: _fields_of(value) if is_dataclass(value) else value
        for name, value in module.hparams.items()
    }
    with _given_hyperparameters_context(plain, _INSTANTIATOR):
        module.save_hyperparameters()


def refuse_untrusted_arguments(
    kind: type[LightningModule], checkpoint: Path, given: Mapping[str, Any]
) -> None:
    """Refuse a checkpoint that would have anything but known classes built.

    Args:
        kind: the class that is loaded.
        checkpoint: the file.
        given: arguments that the caller gives, in the place of remembered ones.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no checkpoint, or names other classes.
    """
    remembered = dict(read_checkpoint(checkpoint).get("hyper_parameters", {}))
    path = remembered.pop("_class_path", f"{kind.__module__}.{kind.__qualname__}")
    remembered.pop("_instantiator", None)
    left_open = {name: each for name, each in remembered.items() if name not in given}
    try:
        refuse_untrusted({"class_path": path, "init_args": left_open}, [path])
    except ValueError as error:
        raise ValueError(f"{checkpoint}: its {error}") from error


def _fields_of(thing: Any) -> dict[str, Any]:
    hints = get_type_hints(type(thing))
    return {
        each.name: _plain(getattr(thing, each.name), hints[each.name]) for each in fields(thing)
    }


def _plain(value: Any, declared: Any) -> Any:
    """A field as a configuration would give it; objects by their class and arguments."""
    if value is None or isinstance(value, bool | int | float | str | tuple | list):
        return value
    arguments = _fields_of(value) if is_dataclass(value) else {}
    if type(value) is declared:
        return arguments
    return {
        "class_path": f"{type(value).__module__}.{type(value).__qualname__}",
        "init_args": arguments,
    }
