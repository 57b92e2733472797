"""Settings that cannot work, refused before data are read, masks computed or loggers started."""

from __future__ import annotations

import os
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch

from goodsam_pl.cli.dashboard_key import has_key
from goodsam_pl.fusion import check_boundary_version

__all__ = ["refuse"]

_SERVER = "https://api.wandb.ai"
_STREETWORLD = "streetworld"  # the folder that `goodsam streetworld` is told to write, in presets


def refuse(config: Any) -> None:
    """Look at what a run would use.

    Args:
        config: of one verb, as parsed, nothing instantiated.

    Raises:
        FileNotFoundError: there is no folder of data.
        ValueError: no GPU where one is asked for, no access to W&B, or windows of another version
            than the boundary enhancement.
    """
    _refuse_missing_gpu(config.trainer.get("accelerator"))
    _refuse_missing_data(config.get("data"))
    _refuse_other_windows(_init_args(config.get("model")), _init_args(config.get("data")))
    for logger in _loggers(config.trainer.get("logger")):
        _refuse_unreachable_dashboard(logger)


def _refuse_missing_gpu(accelerator: Any) -> None:
    if accelerator in {"gpu", "cuda"} and not torch.cuda.is_available():
        if accelerator == "gpu" and torch.backends.mps.is_available():
            return
        raise ValueError(
            f"--trainer.accelerator {accelerator}: torch finds no GPU here; auto takes what there "
            "is, cpu the processor"
        )


def _refuse_missing_data(data: Any) -> None:
    root = _init_args(data).get("root")
    if not isinstance(root, (str, os.PathLike)) or Path(root).exists():
        return
    parts = Path(root).parts
    if _STREETWORLD in parts:
        folder = Path(*parts[: parts.index(_STREETWORLD) + 1])
        raise FileNotFoundError(
            f"{root}: there is no such folder; draw it with `goodsam streetworld --out {folder}`, "
            "or set data.root to data of your own"
        )
    raise FileNotFoundError(f"{root}: there is no such folder; set data.root")


def _refuse_other_windows(model: Any, data: Any) -> None:
    version, windows = model.get("boundary"), data.get("windows")
    if version and windows:
        check_boundary_version(version, crossed=windows == "crossed")


def _loggers(logger: Any) -> Iterator[Any]:
    yield from logger if isinstance(logger, list) else [logger]


def _refuse_unreachable_dashboard(logger: Any) -> None:
    name = str(getattr(logger, "class_path", "")).rpartition(".")[2]
    mode = os.environ.get("WANDB_MODE", _init_args(logger).get("mode") or "online")
    if name != "WandbLogger":
        return
    if _init_args(logger).get("offline") or mode != "online":
        return
    leave = "or leave W&B offline: --trainer.logger.init_args.offline true"
    if not has_key():
        raise ValueError(f"W&B has no API key: run `wandb login`, {leave}")
    if (problem := _connection_problem()) is not None:
        raise ValueError(f"W&B cannot be reached: {problem}; try later, {leave}")


def _connection_problem() -> str | None:
    address = urlsplit(os.environ.get("WANDB_BASE_URL", _SERVER))
    own_server = (Path.home() / ".config/wandb/settings").is_file()
    if address.hostname is None or own_server or urllib.request.getproxies():
        return None  # where it connects to is said elsewhere
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        with socket.create_connection((address.hostname, port), timeout=5):
            return None
    except OSError as error:
        return f"{address.hostname}: {error.strerror or error}"


def _init_args(chosen: Any) -> Any:
    return getattr(chosen, "init_args", None) or {}
