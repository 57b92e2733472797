"""The data of a configuration, read as ``fit`` reads it, without its model and its trainer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from jsonargparse import Namespace
from lightning.pytorch import LightningDataModule
from lightning.pytorch.cli import ArgsType, LightningArgumentParser

from goodsam_pl.cli.training import GoodSAMCLI, command_line_options

__all__ = ["read_data"]


def read_data(words: Sequence[str]) -> LightningDataModule:
    """Build the data module of a command line.

    Args:
        words: what would stand after ``goodsam fit``.

    Raises:
        SystemExit: with status 2 for a mistake.
    """
    read = _DataCLI(**command_line_options(["fit", *words]))
    data: LightningDataModule = read.datamodule
    return data


class _DataCLI(GoodSAMCLI):
    """Reads all of a configuration, builds the data alone, and runs nothing."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """The one whose options are taken."""
        return {"fit": GoodSAMCLI.subcommands()["fit"]}

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Complain by the name of our verb."""
        self._parser("fit").prog = "goodsam check-data"
        self.config = parser.parse_args(cast("list[str]", args))

    def _parse_ckpt_path(self) -> None:
        """A model is not asked for."""

    def before_instantiate_classes(self) -> None:
        """What a training would refuse is not to be trained here."""

    def instantiate_classes(self) -> None:
        """Build the data; the configuration may hold no model at all."""
        data = Namespace()  # type: ignore[no-untyped-call]
        data["data"] = self.config["fit"]["data"]
        self.datamodule = self._parser("fit").instantiate_classes(data)["data"]

    def _run_subcommand(self, subcommand: str) -> None:
        """Nothing is run."""

    def _set_seed(self) -> None:
        """Nothing is drawn that would be kept."""

    def _add_instantiators(self) -> None:
        """Nothing is written into checkpoints."""
