"""A run's folder or a configuration, opened as the command line would, without training it."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.cli import ArgsType, LightningArgumentParser

from goodsam_pl.callbacks import PrecomputeSAM
from goodsam_pl.cli.checkpoint import is_weights_file
from goodsam_pl.cli.foreign_warnings import hush
from goodsam_pl.cli.training import GoodSAMCLI, command_line_options
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.inspect.run import InspectedRun
from goodsam_pl.networks import read_checkpoint

__all__ = ["open_run"]

_QUIET = ("--trainer.logger", "false", "--trainer.accelerator", "cpu")


def open_run(
    run: str | os.PathLike[str],
    checkpoint: str | os.PathLike[str] | None = None,
    options: Sequence[str] = (),
    device: str | torch.device = "cpu",
) -> InspectedRun:
    """Open a run, or a preset, to look at panoramas.

    Args:
        run: the folder that a training left, with its ``config.yaml``, or a configuration.
        checkpoint: the weights; ``None`` takes ``last.ckpt`` of a folder, and of a configuration
            the weights that it names itself.
        options: words that are laid over the configuration as on the command line:
            ``["--data.init_args.root", "path/to/panoramas"]``.
        device: where networks and SAM shall work.

    Raises:
        FileNotFoundError: there is no such run, or no checkpoint in its folder.
        TypeError: it has no stages, see :class:`goodsam_pl.inspect.InspectedRun`.
        ValueError: the configuration or the checkpoint is wrong; the message says what.
    """
    hush()
    config, weights = _files(Path(run), None if checkpoint is None else Path(checkpoint))
    words = ["--config", str(config), *map(str, options), *_QUIET]
    if weights is not None:
        words += ["--ckpt_path", str(weights)]
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            read = _RunCLI(**command_line_options(["test", *words]))
    except SystemExit as end:
        raise ValueError(f"{run} cannot be opened: {told.getvalue().strip()}") from end
    module = read.model
    if weights is not None and not is_weights_file(str(weights)):
        state = read_checkpoint(weights)["state_dict"]
        module.load_state_dict(state, strict=module.strict_loading)
    return InspectedRun(module.eval().to(device), read.datamodule, read.masks)


def _files(run: Path, checkpoint: Path | None) -> tuple[Path, Path | None]:
    """Configuration and checkpoint."""
    if not run.is_dir():
        if not run.is_file():
            raise FileNotFoundError(
                f"{run}: there is no such run, neither folder nor configuration"
            )
        return run, checkpoint
    config, last = run / "config.yaml", run / "last.ckpt"
    if not config.is_file():
        raise FileNotFoundError(f"{run} holds no config.yaml: name the folder that a training left")
    if checkpoint is None and not last.is_file():
        raise FileNotFoundError(f"{run} holds no last.ckpt: name a checkpoint")
    return config, checkpoint or last


class _RunCLI(GoodSAMCLI):
    """Reads a configuration and a checkpoint, builds model and data, and runs nothing."""

    model: LightningModule
    datamodule: PanoramaDataModule
    masks: PrecomputeSAM | None

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """The one whose options are taken."""
        return {"test": GoodSAMCLI.subcommands()["test"]}

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Complain by what was called."""
        self._parser("test").prog = "goodsam inspect"
        super().parse_arguments(parser, args)

    def before_instantiate_classes(self) -> None:
        """What a test would refuse, data that are not there, is no hindrance here."""

    def instantiate_trainer(self, **keywords: Any) -> Any:
        """Take out of the callbacks who proposes masks."""
        chosen = self._get(self.config_init, "trainer.callbacks") or []
        chosen = chosen if isinstance(chosen, list) else [chosen]
        proposing = [each for each in chosen if isinstance(each, PrecomputeSAM)]
        self.masks = proposing[-1] if proposing else None

    def _run_subcommand(self, subcommand: str) -> None:
        """Nothing is run."""

    def _set_seed(self) -> None:
        """Nothing is drawn that would be kept."""
