"""Labelled source images beside unlabelled target images, for Lightning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

import torch
from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import CombinedLoader
from lightning.pytorch.utilities.seed import isolate_rng
from torch.utils.data import DataLoader

from goodsam_pl.data.batch import PanoramaBatch, SourceBatch
from goodsam_pl.data.entries import Split
from goodsam_pl.data.inspection import InspectedSplit
from goodsam_pl.data.panorama_module import PanoramaDataModule
from goodsam_pl.data.resuming import ResumableLoader, random_state, set_random_state
from goodsam_pl.data.side_by_side import SideLoader, SidePosition, Stream
from goodsam_pl.data.source_module import SourceDataModule

__all__ = ["AdaptationBatch", "AdaptationDataModule"]


class AdaptationBatch(TypedDict):
    """What a step of an adaptation sees."""

    source: SourceBatch
    target: PanoramaBatch | SourceBatch


class AdaptationDataModule(LightningDataModule):
    """Train on both domains, validate, test and predict on the target.

    An epoch is as long as the longer of the two; the shorter begins again in between.

    Args:
        source: labelled images; of its splits only ``train`` is read.
        target: panoramas, or pinhole images, of which training needs no labels and reads none.
        taxonomy: class set of both.

    Raises:
        ValueError: the two are in other classes, or the target is to be drawn by its labels.
    """

    def __init__(
        self,
        *,
        source: SourceDataModule,
        target: PanoramaDataModule | SourceDataModule,
        taxonomy: str = "cityscapes-19",
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["source", "target"], logger=False)
        for name, part in (("source", source), ("target", target)):
            if part.hparams["taxonomy"] != taxonomy:
                raise ValueError(
                    f"data.{name}.taxonomy is {part.hparams['taxonomy']}, data.taxonomy is "
                    f"{taxonomy}: a network has one class set, give the same to both"
                )
        if isinstance(target, SourceDataModule):
            target.train_without_labels()
        self.source = source
        self.target = target
        self.evaluation_taxonomy = getattr(target, "evaluation_taxonomy", None)
        self._seed: int | None = None
        self._around: dict[str, Any] | None = None
        source.position = SidePosition(self._batches_done)
        target.position = SidePosition(self._batches_done)

    def setup(self, stage: str) -> None:
        """List the files of a stage, see the two data modules.

        Raises:
            FileNotFoundError: a folder, an image of a list or a label is missing.
            ValueError: no images, or a broken first file.
        """
        self.source.trainer = self.target.trainer = self.trainer
        if stage == "fit":
            self.source.setup(stage)
        self.target.setup(stage)

    def train_dataloader(self) -> CombinedLoader:
        """Batches of both, as :class:`AdaptationBatch`."""
        loaders = {"source": self.source, "target": self.target}
        return CombinedLoader(
            {name: self._beside(name, part) for name, part in loaders.items()},
            mode="max_size_cycle",
        )

    def val_dataloader(self) -> DataLoader[Any] | list[DataLoader[Any]]:
        """The target's."""
        return self.target.val_dataloader()

    def test_dataloader(self) -> DataLoader[Any]:
        """The target's."""
        return self.target.test_dataloader()

    def predict_dataloader(self) -> DataLoader[Any]:
        """The target's."""
        return self.target.predict_dataloader()

    def examples(self, count: int) -> list[AdaptationBatch]:
        """Some pairs of the train splits, each split evenly spread, the same ones in every run.

        Images of photographs are cropped as training crops them, panoramas are whole. After
        ``setup`` for training; random numbers go on as if nobody had asked.

        Args:
            count: how many, or as many as the smaller split has.

        Returns:
            Batches of one of each.
        """
        with isolate_rng():
            torch.manual_seed(0)
            sources, targets = self.source.examples(count), self._target_examples(count)
        return [
            {"source": source, "target": target}
            for source, target in zip(sources, targets, strict=False)
        ]

    def _target_examples(self, count: int) -> Sequence[PanoramaBatch | SourceBatch]:
        if isinstance(self.target, SourceDataModule):
            return self.target.examples(count)
        return self.target.examples("train", count)

    def inspected(self, splits: Sequence[Split]) -> list[InspectedSplit]:
        """All files of some splits, of the source those to train on, for ``goodsam check-data``."""
        source = self.source.inspected([split for split in splits if split == "train"])
        named = [replace(each, name=f"source {each.name}") for each in source]
        return [*named, *self.target.inspected(splits)]

    @property
    def listed(self) -> Mapping[str, list[Path]]:
        """The images of each split that ``setup`` listed, those of the source as ``source``."""
        source = self.source.listed.get("train", [])
        return ({"source": source} if source else {}) | self.target.listed

    def state_dict(self) -> dict[str, Any]:
        """Seed of the loaders, and the random numbers around them."""
        return {} if self._seed is None else {"seed": self._seed, "now": random_state()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from there when training begins.

        Raises:
            ValueError: it is no such state.
        """
        if not state_dict:
            return
        try:
            self._seed = int(state_dict["seed"])
            torch.Generator().set_state(state_dict["now"]["cpu"].cpu())
            self._around = state_dict["now"]
        except (KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise ValueError(
                f"the checkpoint's random numbers are damaged ({error!r}): go on from another one"
            ) from error

    def _beside(self, name: str, part: PanoramaDataModule | SourceDataModule) -> SideLoader:
        loader = part.train_dataloader()
        assert isinstance(loader, ResumableLoader)  # noqa: S101  # both data modules make these
        return SideLoader(loader, partial(self._stream, name))

    def _stream(self, name: str) -> Stream:
        if self._around is not None:
            set_random_state(self._around)
            self._around = None
        if self._seed is None:
            self._seed = int(torch.randint(2**62, ()))
        if self.trainer is None:
            return Stream(self._seed, name, 0, 0)
        return Stream(self._seed, name, self.trainer.global_rank, self.trainer.current_epoch)

    def _batches_done(self) -> int:
        """Lightning's own count, which a restart has already corrected."""
        if self.trainer is None:
            return 0
        return int(self.trainer.fit_loop.epoch_loop.batch_progress.current.ready)
