"""Evaluate 5 panoramas on 3, 2 and 1 processes: run by test_sampler.py, as a program of its own.

Forked processes start in a blink, but only from a parent whose torch has not computed anything
yet; so the single process comes last.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch, PanoramaDataModule
from goodsam_pl.metrics import SegmentationMetrics


class SmallNetwork(pl.LightningModule):
    """Three convolutions with running statistics, so that DDP has buffers to broadcast."""

    def __init__(self, report: Path, momentum: float) -> None:
        super().__init__()
        self.report = report
        self.network = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.BatchNorm2d(8, momentum=momentum),
            nn.ReLU(),
            nn.Conv2d(8, 19, 1),
        )
        self.metrics = SegmentationMetrics(19)
        self.seen: list[str] = []

    def training_step(self, batch: PanoramaBatch) -> Tensor:
        return self.network(batch.image).square().mean()

    def validation_step(self, batch: PanoramaBatch) -> None:
        self.metrics.update(self.network(batch.image), batch.label)
        self.seen += batch.names

    test_step = validation_step

    def on_validation_epoch_end(self) -> None:
        self._write("fit")

    def on_test_epoch_end(self) -> None:
        self._write("test")

    def _write(self, what: str) -> None:
        self.metrics.compute()
        with self.metrics.sync_context():
            matrix = self.metrics.confusion.tolist()
        path = self.report / f"{what}-{self.trainer.world_size}-{self.global_rank}.json"
        path.write_text(json.dumps({"confusion": matrix, "names": self.seen}))
        self.seen = []
        self.metrics.reset()

    def predict_step(self, batch: PanoramaBatch) -> list[str]:
        self.seen += batch.names
        return batch.names

    def on_predict_end(self) -> None:
        path = self.report / f"predict-{self.trainer.world_size}-{self.global_rank}.json"
        path.write_text(json.dumps({"names": self.seen}))
        self.seen = []

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.0)


def run(root: str, report: str, processes: int) -> None:
    pl.seed_everything(7, workers=True, verbose=False)
    # momentum 0 keeps the statistics as they are: the network is the same on any number of
    # processes, but DDP still broadcasts them
    module = SmallNetwork(Path(report), momentum=0.0)
    data = PanoramaDataModule(
        dataset="densepass", root=root, size=(24, 128), window_size=(24, 24),
        window_stride=(24, 16), batch_size=1, eval_batch_size=2, num_workers=0,
    )  # fmt: skip
    trainer = pl.Trainer(
        accelerator="cpu", devices=processes, strategy="ddp_fork" if processes > 1 else "auto",
        max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, data)
    trainer.test(module, data)
    trainer.predict(module, data, return_predictions=False)


if __name__ == "__main__":
    torch.set_num_threads(1)
    for count in (3, 2, 1):
        run(sys.argv[1], sys.argv[2], count)
