"""Predicted panoramas as pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from PIL import Image
from rich.console import Console
from torch import Tensor
from typing_extensions import override

from goodsam_pl.atomic import write_atomically
from goodsam_pl.callbacks.protocols import check_coloured
from goodsam_pl.callbacks.run_directory import run_directory
from goodsam_pl.data import PanoramaBatch, SourceBatch, denormalize
from goodsam_pl.taxonomy import Taxonomy

__all__ = ["PredictionWriter"]


class PredictionWriter(BasePredictionWriter):
    """Writes each predicted image as a label PNG and as a colour overlay.

    ``<output_dir>/labels/<name>.png`` holds class ids, with the taxonomy's palette so that any
    viewer shows colours; ``<output_dir>/overlays/<name>.png`` shows them over the image. The name
    is the image's path below its folder, so sub-folders are kept. With several processes each
    writes its share.

    ``goodsam predict`` adds this callback when the configuration has no prediction writer.

    Args:
        output_dir: ``None`` is ``predictions`` in the run's folder.
        opacity: of the class colours over the image, 0 to 1.

    Raises:
        ValueError: an opacity outside 0 to 1.
    """

    def __init__(self, output_dir: str | None = None, opacity: float = 0.5) -> None:
        super().__init__(write_interval="batch")
        if not 0 <= opacity <= 1:
            raise ValueError(f"opacity {opacity} of the overlays is not between 0 and 1")
        self.output_dir = output_dir
        self.opacity = opacity
        self._directory = Path()

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the output folder, in all processes."""
        super().setup(trainer, pl_module, stage)
        if stage == "predict":
            check_coloured(pl_module, self)
            in_run = run_directory(trainer) / "predictions"
            self._directory = in_run if self.output_dir is None else Path(self.output_dir)

    @override
    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: Tensor,
        batch_indices: Sequence[int] | None,
        batch: PanoramaBatch | SourceBatch,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write one batch.

        Args:
            trainer: unused.
            pl_module: gives the palette.
            prediction: class ids int64 ``(B, H, W)``.
            batch_indices: unused.
            batch: gives images and names.
            batch_idx: unused.
            dataloader_idx: unused.

        Raises:
            ValueError: a prediction of another size than its image, a class id that the taxonomy
                does not have, or a name that leads out of the output folder.
        """
        taxonomy = check_coloured(pl_module, self).taxonomy
        if prediction.shape != batch.image[:, 0].shape:
            raise ValueError(
                f"predictions {tuple(prediction.shape)} do not fit images "
                f"{tuple(batch.image.shape)}: predict_step returns class ids (B, H, W)"
            )
        images = denormalize(batch.image).permute(0, 2, 3, 1).cpu().numpy()
        labels = prediction.cpu().numpy()
        for name, image, label in zip(batch.names, images, labels, strict=True):
            colors = taxonomy.colorize(label)
            overlay = (1 - self.opacity) * image + self.opacity * colors
            write_atomically(self._path("labels", name), _label_png(label, taxonomy))
            write_atomically(self._path("overlays", name), _png(overlay.round().astype(np.uint8)))

    @override
    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say where the pictures are."""
        if trainer.is_global_zero:
            where = self._directory.resolve()
            Console(soft_wrap=True).print(f"predictions: {where}", highlight=False, markup=False)

    def _path(self, kind: str, name: str) -> Path:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"the image name {name!r} leads out of the output folder")
        return self._directory / kind / f"{name}.png"


def _label_png(label: npt.NDArray[np.int64], taxonomy: Taxonomy) -> bytes:
    picture = Image.fromarray(label.astype(np.uint8))
    every_id = np.full((1, 256), taxonomy.ignore_index)
    every_id[0, : len(taxonomy.classes)] = range(len(taxonomy.classes))
    picture.putpalette(taxonomy.colorize(every_id).tobytes())
    return _encode(picture)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    return _encode(Image.fromarray(pixels))


def _encode(picture: Image.Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, format="PNG")
    return content.getvalue()
