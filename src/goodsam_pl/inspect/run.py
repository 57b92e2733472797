"""A run that is looked into: its model, its data, and who proposes its masks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.seed import isolate_rng
from torch import nn

from goodsam_pl.callbacks import PrecomputeSAM
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.data.entries import Split
from goodsam_pl.inspect.saving import save_look
from goodsam_pl.masks.precomputation import MissingMasksError, failure_report, precompute_masks
from goodsam_pl.networks import evaluating
from goodsam_pl.taxonomy import Taxonomy
from goodsam_pl.views.fused_panorama import FusedPanorama
from goodsam_pl.views.panorama_look import PanoramaLook, is_fusing, look_at

__all__ = ["InspectedRun"]


@dataclass(frozen=True, eq=False)
class InspectedRun:
    """A run, opened by :func:`goodsam_pl.inspect.open_run`, or put together by hand.

    Attributes:
        module: a rectification, a distillation or a joint training, on the device that shall work.
        data: where its panoramas are, and how they are seen.
        masks: makes masks of panoramas that have none yet; ``None`` takes what is stored.

    Raises:
        TypeError: the module has no teacher assistant to fuse, or the data are no panoramas.
    """

    module: LightningModule
    data: PanoramaDataModule
    masks: PrecomputeSAM | None = None

    def __post_init__(self) -> None:
        if not is_fusing(self.module):
            raise TypeError(
                f"{type(self.module).__name__} has no teacher assistant that SAM's masks are fused "
                "with: open a TARectification, a StudentDistillation or a JointDistillation; "
                "goodsam_pl.load opens a network alone"
            )
        if not isinstance(self.data, PanoramaDataModule):
            raise TypeError(
                f"the data are a {type(self.data).__name__}, stages are of panoramas: open a run "
                "on a PanoramaDataModule"
            )

    @property
    def taxonomy(self) -> Taxonomy:
        """Of the networks' classes."""
        return cast("Taxonomy", self.module.taxonomy)

    @property
    def student(self) -> nn.Module | None:
        """The run's own, where it has one."""
        return cast("nn.Module | None", getattr(self.module, "student", None))

    def panoramas(self, split: Split = "test") -> list[Path]:
        """The files of a split of the run's data."""
        return [entry.image for entry in self.data.inspected([split])[0].found.entries]

    def look(
        self, panorama: str | os.PathLike[str], student: nn.Module | None = None
    ) -> PanoramaLook:
        """Ask all about one panorama: SAM, the teacher assistant, the student.

        Masks are read from the run's store. Those that are not there are made, as a training would,
        and stored for the next time.

        Args:
            panorama: a file of the run's data, which may have labels, or any other.
            student: a network of the same classes, to be asked in the place of the run's own.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is no panorama as the run's are, or has no masks and nobody makes any.
        """
        path = Path(panorama)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: there is no such panorama")
        self.make_masks([path])
        device = self.module.device
        batch = self.data.panorama(path).to(device)
        module = self.module
        assert is_fusing(module)  # noqa: S101  # as __post_init__ has it
        with torch.no_grad(), evaluating(self.module):
            look = look_at(batch, module, self.data.evaluation_taxonomy)
            asked = self.student if student is None else student.to(device).eval()
            return look if asked is None else look.with_student(asked)

    def save(
        self,
        look: PanoramaLook,
        folder: str | os.PathLike[str],
        fused: Mapping[str, FusedPanorama] | None = None,
    ) -> Path:
        """Write all stages of a look, for ``goodsam report``, see :func:`save_look`.

        Args:
            look: of this run.
            folder: holds a folder for each panorama.
            fused: of further fusions, by name.

        Returns:
            The folder of this panorama.

        Raises:
            OSError: it cannot be written.
        """
        return save_look(look, Path(folder), self.data.format.vertical_fov, fused)

    @isolate_rng()
    def make_masks(self, panoramas: Iterable[Path]) -> None:
        """Store the masks of panoramas that have none yet.

        Raises:
            MissingMasksError: none can be made of a panorama; the message says why.
        """
        root = self.data.mask_root
        if root is None or self.masks is None:
            return
        proposer, store = self.masks.open_store(self.data, root)
        proposer.to(self.module.device)
        report = precompute_masks(list(panoramas), self.data.read_panorama, proposer, store)
        proposer.to("cpu")
        if report.failed:
            told = {path: str(error) for path, error in report.failed.items()}
            raise MissingMasksError(failure_report(told))
