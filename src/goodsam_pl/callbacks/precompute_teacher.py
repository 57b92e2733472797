"""Ask frozen teachers once a panorama, not once a step."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.seed import isolate_rng

from goodsam_pl.data import PanoramaBatch, PanoramaDataModule, TargetStore, TeacherTargets
from goodsam_pl.data.target_precomputation import precompute_targets
from goodsam_pl.files import fingerprint_of
from goodsam_pl.files.processes import learn_from_each_other
from goodsam_pl.masks.precomputation import share, shares_of_others

__all__ = ["PrecomputeTeacher", "TeachingModule"]


@runtime_checkable
class TeachingModule(Protocol):
    """A LightningModule whose teachers never change."""

    def teach(self, batch: PanoramaBatch) -> TeacherTargets:
        """What the teachers say about a batch."""
        ...

    def describe_teachers(self) -> dict[str, str]:
        """Everything that decides about it, besides the batch."""
        ...


class PrecomputeTeacher(pl.Callback):
    """Stores the targets of all training panoramas before the first step.

    A frozen teacher assistant looks at every window, enlarged, which costs more than the student's
    own step; what it says of a panorama is the same in every epoch and turns along with it. Colour
    augmentation is then the student's alone: the teachers see panoramas as they are. Of several
    processes each does its share and then helps the slower ones; a second run with the same
    teachers does nothing. Targets are
    found again by all that they depend on: networks, fusion and precision
    (:func:`goodsam_pl.networks.identity_of`), windows, and what is stored of each panorama's masks.

    A file that is damaged is named and made anew.

    Args:
        root: folder of the targets; those of other teachers or masks stand beside one another.
    """

    def __init__(self, root: str) -> None:
        self.root = Path(root).expanduser()

    @isolate_rng()  # as PrecomputeSAM
    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Called by Lightning before the first step; a loader may be there already.

        Raises:
            TypeError: the model has no frozen teachers, or the data no panoramas.
            ValueError: the teachers cannot be told from others, the disk is full, the folder is
                only read, or an image changed meanwhile.
        """
        data = getattr(trainer, "datamodule", None)
        if not isinstance(data, PanoramaDataModule) or not isinstance(pl_module, TeachingModule):
            raise TypeError(
                "PrecomputeTeacher works for StudentDistillation on a PanoramaDataModule, here are "
                f"{type(pl_module).__name__} and {type(data).__name__}: remove the callback"
            )
        described = {**self.describe(pl_module, data), "precision": str(trainer.precision)}
        fingerprint = fingerprint_of(described)
        store = TargetStore(self.root, fingerprint, data.mask_contents())
        files = data.training_files
        places = {file: place for place, file in enumerate(files)}

        def ask(file: Path) -> TeacherTargets:
            batch = data.training_panorama(places[file]).to(pl_module.device)
            return self.ask(pl_module, file, batch).map(lambda tensor: tensor[0])

        with trainer.precision_plugin.forward_context(), torch.no_grad():
            computed = precompute_targets(
                share(files, trainer.global_rank, trainer.world_size),
                ask,
                data.keys,
                store,
                others=shares_of_others(files, trainer.global_rank, trainer.world_size),
                show_progress=trainer.is_global_zero,
            )
        trainer.strategy.barrier("goodsam_pl.callbacks.PrecomputeTeacher")
        learn_from_each_other(store.known)
        data.use_targets(store)
        count = torch.tensor(computed, device=pl_module.device)
        computed = int(trainer.strategy.reduce(count, reduce_op="sum"))
        rank_zero_info(
            f"teachers' targets: {computed} panoramas computed, "
            f"{len(files) - computed} had theirs already in {store.folder}"
        )

    def describe(self, module: TeachingModule, data: PanoramaDataModule) -> dict[str, str]:
        """All that the targets depend on, besides the panorama, its masks and the precision."""
        return {**module.describe_teachers(), **data.describe_masks()}

    def ask(self, module: TeachingModule, file: Path, batch: PanoramaBatch) -> TeacherTargets:
        """The targets of a panorama, which is a batch of one."""
        return module.teach(batch)
