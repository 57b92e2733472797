from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from goodsam_pl.callbacks import TrainingSignals
from goodsam_pl.callbacks import training_signals as under_test
from goodsam_pl.data import SourceBatch


class Steep(LightningModule):
    """Two parameters whose gradients are 3 and 4, forever."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Parameter(torch.zeros(1))
        self.second = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        return (3 * self.first + 4 * self.second).sum()

    def validation_step(self, batch, batch_idx):
        self.trainer.clock.now += 100

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Clock:
    """Each batch takes half a second."""

    now = 0.0

    def perf_counter(self):
        return self.now


def _batch(images):
    return SourceBatch(torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 4, dtype=torch.int64), ["a", "b"])


@pytest.fixture
def logged(tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(under_test, "time", clock)

    class Ticking(TrainingSignals):
        def on_train_batch_end(self, *args, **keywords):
            clock.now += 0.5
            super().on_train_batch_end(*args, **keywords)

    def run(collate=_batch, **settings):
        trainer = Trainer(
            default_root_dir=tmp_path,
            accelerator="cpu",
            logger=CSVLogger(tmp_path),
            callbacks=[Ticking()],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            max_epochs=1,
            **{"log_every_n_steps": 2, **settings},
        )
        trainer.clock = clock
        loader = DataLoader(np.arange(6), collate_fn=collate)
        trainer.fit(Steep(), loader, DataLoader(np.arange(1)))
        found = [*tmp_path.rglob("metrics.csv")]
        if not found:
            return []
        with found[0].open() as file:
            return list(csv.DictReader(file))

    return run


def test_speed_and_norm_stand_where_losses_do(logged):
    rows = logged(val_check_interval=3)  # within the second interval of three
    assert [row["step"] for row in rows] == ["1", "3", "5"]
    assert {float(row["train/images_per_second"]) for row in rows} == {4.0}  # validation aside
    assert {float(row["train/gradient_norm"]) for row in rows} == {5.0}


def test_the_norm_is_that_before_clipping(logged):
    rows = logged(gradient_clip_val=0.1)
    assert {float(row["train/gradient_norm"]) for row in rows} == {5.0}


def test_accumulated_batches_count_as_images_of_one_step(logged):
    rows = logged(accumulate_grad_batches=3)
    assert [float(row["train/images_per_second"]) for row in rows] == [4.0]


def test_a_run_that_logs_no_step_logs_none_of_these(logged):
    assert logged(log_every_n_steps=0) == []


def test_batches_of_others_are_told_to_leave_it_out(logged):
    with pytest.raises(TypeError, match=r"here is list: remove the callback"):
        logged(collate=lambda items: items)
