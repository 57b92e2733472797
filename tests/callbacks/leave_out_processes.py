"""Train on two processes with a callback that cannot read all panoramas; say what each trains on.

Run by ``test_precompute_sam.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

import lightning.pytorch as pl
import torch

from goodsam_pl.callbacks import PrecomputeSAM
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.sam import Felzenszwalb


class Nothing(pl.LightningModule):
    """Looks at batches without learning anything from them."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch: object, index: int) -> torch.Tensor:
        """Shrink a number."""
        return self.weight.sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Of that number."""
        return torch.optim.SGD([self.weight], 0.1)

    def on_train_start(self) -> None:
        """Write down the panoramas of this process's data module."""
        names = [path.name for path in self.trainer.datamodule.panorama_files("fit")]
        length = len(self.trainer.datamodule.train_dataloader().dataset)
        report = Path(sys.argv[1]) / f"rank{self.trainer.global_rank}.txt"
        report.write_text(" ".join([*names, str(length)]))


def main() -> None:
    """Train for a step."""
    root = Path(sys.argv[1])
    data = PanoramaDataModule(
        dataset="folder",
        root=str(root / "images"),
        size=(24, 128),
        window_size=(24, 24),
        window_stride=(24, 16),
        mask_root=str(root / "masks"),
        batch_size=1,
        num_workers=0,
    )
    trainer = pl.Trainer(
        max_steps=1,
        accelerator="cpu",
        devices=2,
        strategy="ddp",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        callbacks=[PrecomputeSAM(Felzenszwalb(scales=(100.0,)), on_error=sys.argv[2])],
    )
    trainer.fit(Nothing(), datamodule=data)


if __name__ == "__main__":
    main()
