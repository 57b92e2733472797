"""A training that was stopped, and goes on, ends as the one that was not: to the bit."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import albumentations
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint
from PIL import Image
from torch import nn
from torch.multiprocessing.spawn import ProcessException

from goodsam_pl.callbacks import SaveOnStop
from goodsam_pl.data import PanoramaDataModule, SourceDataModule

EPOCHS = 3
BATCHES = 4  # of two images


class Network(LightningModule):
    """Convolution, batch normalisation and dropout: state of every kind."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.3), nn.Conv2d(4, 19, 1)
        )
        self.seen: list[str] = []

    def training_step(self, batch, batch_idx):
        self.seen.append(f"{self.current_epoch} {batch_idx} {batch.names} {batch.image.sum():.6f}")
        logits = self.layers(batch.image)
        if batch.label is None:
            return logits.square().mean()
        return F.cross_entropy(logits, batch.label[:, 1:-1, 1:-1], ignore_index=255)

    def validation_step(self, batch, batch_idx):
        self.log("score", self.layers(batch.image).mean(), on_epoch=True, batch_size=1)

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.1, 20)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Killed(Exception):  # noqa: N818  # no error
    """Stands for SIGKILL: nothing is saved."""


class Deaf(SaveOnStop):
    """Saves nothing at the end."""

    def on_exception(self, *_):
        self._restore()


class At(Callback):
    """Have something happen at a hook of Lightning's."""

    def __init__(self, hook, step, happens, rank=0):
        self.step, self.happens, self.due, self.rank = step, happens, True, rank
        setattr(self, hook, self.look)

    def look(self, trainer, *_):
        if self.due and (trainer.global_step, trainer.global_rank) == (self.step, self.rank):
            self.due = False
            self.happens()


def kill():
    raise Killed


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Eight photographs to train on, three to validate."""
    root = tmp_path_factory.mktemp("world")
    generator = np.random.default_rng(0)
    for split, count in (("train", 8), ("val", 3)):
        for index in range(count):
            for kind, name, shape in (
                ("leftImg8bit", "leftImg8bit", (16, 64, 3)),
                ("gtFine", "gtFine_labelIds", (16, 64)),
            ):
                path = root / kind / split / "oslo" / f"oslo_{index:06d}_000019_{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(generator.integers(7, 12, shape, dtype=np.uint8)).save(path)
    return root


def photographs(world, workers):
    crop = albumentations.RandomCrop(16, 32)
    return SourceDataModule(dataset="cityscapes", root=str(world), train_transforms=[crop],
                            batch_size=2, num_workers=workers)  # fmt: skip


def panoramas(world, workers):
    for image in (world / "leftImg8bit").rglob("*.png"):
        place = world / "panoramas" / image.parts[-3] / image.name
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            place.symlink_to(image)
    return PanoramaDataModule(dataset="folder", root=str(world / "panoramas"), size=(16, 64),
                              vertical_fov=90.0, window_size=(16, 16), window_stride=(16, 16),
                              batch_size=2, num_workers=workers)  # fmt: skip


def fit(world, folder, *extra, ckpt_path=None, save=True, data=photographs, workers=0, ema=False,
        every=None, **trainer):  # fmt: skip
    seed_everything(0)
    folder.mkdir(exist_ok=True)
    network = Network()
    checkpoint = ModelCheckpoint(folder, save_last=True, every_n_train_steps=every,
                                 enable_version_counter=False)  # fmt: skip
    average = [EMAWeightAveraging(decay=0.9)] if ema else []
    stop = [SaveOnStop() if save else Deaf()]
    options = {"max_epochs": EPOCHS} | trainer
    loop = Trainer(accelerator="cpu", logger=False, enable_progress_bar=False,
                   enable_model_summary=False, num_sanity_val_steps=0,
                   callbacks=[*average, *extra, *stop, checkpoint], **options)  # fmt: skip
    before = signal.getsignal(signal.SIGINT)
    try:
        loop.fit(network, datamodule=data(world, workers), ckpt_path=ckpt_path, weights_only=True)
    finally:
        signal.signal(signal.SIGINT, before)
    return network.seen


def state(folder: Path):
    found = torch.load(folder / "last.ckpt", weights_only=True)
    parts = ("state_dict", "current_model_state", "optimizer_states", "lr_schedulers",
             "global_step", "epoch")  # fmt: skip
    return {part: found.get(part) for part in parts}


@pytest.fixture(scope="module")
def uninterrupted(world, tmp_path_factory):
    """The folder of a training with some options, and what it saw; made once."""
    known = {}

    def run(options):
        if repr(options) not in known:
            folder = tmp_path_factory.mktemp("whole")
            known[repr(options)] = folder, fit(world, folder, **options)
        return known[repr(options)]

    return run


STEPS = {"every": 1, "limit_val_batches": 0}
EPOCHS_BY_STEPS = {"max_epochs": -1, "max_steps": 11}
BY_STEPS = EPOCHS_BY_STEPS | {"val_check_interval": 3, "check_val_every_n_epoch": None}
ACCUMULATED = {"accumulate_grad_batches": 2}


@pytest.mark.parametrize(
    ("happens", "hook", "step", "options"),
    [
        (kill, "on_train_batch_start", 6, STEPS),
        (kill, "on_train_epoch_end", 8, STEPS),
        (kill, "on_train_batch_start", 3, STEPS | ACCUMULATED),
        (kill, "on_train_batch_start", 4, ACCUMULATED | {"val_check_interval": 3}),
        (kill, "on_validation_batch_start", 8, {"ema": True}),
        (kill, "on_train_batch_start", 10, EPOCHS_BY_STEPS),
        (kill, "on_train_batch_start", 6, STEPS | {"workers": 2}),
        (kill, "on_train_batch_start", 7, STEPS | {"data": panoramas}),
        (terminate, "on_train_batch_start", 6, STEPS),
        (terminate, "on_train_batch_end", 4, STEPS),
        (terminate, "on_train_batch_start", 3, STEPS | ACCUMULATED),
        (terminate, "on_train_batch_start", 6, STEPS | {"ema": True}),
        (terminate, "on_validation_batch_start", 8, {"ema": True}),
        (terminate, "on_validation_batch_start", 6, BY_STEPS),
        (terminate, "on_train_batch_start", 7, BY_STEPS),
        (terminate, "on_train_epoch_start", 8, EPOCHS_BY_STEPS),
        (terminate, "on_train_batch_start", 6, STEPS | {"workers": 2}),
        (terminate, "on_train_batch_start", 7, STEPS | {"data": panoramas}),
        (interrupt, "on_train_batch_start", 7, STEPS),
        (interrupt, "on_validation_batch_start", 4, {}),
    ],
)
def test_a_resumed_training_equals_the_uninterrupted_one(
    world, tmp_path, uninterrupted, happens, hook, step, options
):
    folder, whole = uninterrupted(options)
    with pytest.raises((Killed, SystemExit)):
        fit(world, tmp_path, At(hook, step, happens), save=happens is not kill, **options)
    seen = fit(world, tmp_path, ckpt_path=tmp_path / "last.ckpt", **options)
    torch.testing.assert_close(state(tmp_path), state(folder), rtol=0, atol=0)
    assert seen == whole[len(whole) - len(seen) :]
    if happens is not kill:
        batches = (step + 1) * options.get("accumulate_grad_batches", 1)
        assert len(whole) - len(seen) in range(batches - 1, batches + 2)


def test_two_processes_agree_on_where_they_end(world, tmp_path, uninterrupted):
    options = {"devices": 2, "strategy": "ddp_fork", "limit_val_batches": 0}
    folder, _ = uninterrupted(options)
    stop = At("on_train_batch_start", 3, terminate, rank=1)
    with pytest.raises(ProcessException):
        fit(world, tmp_path, stop, **options)
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] in (4, 5)
    fit(world, tmp_path, ckpt_path=tmp_path / "last.ckpt", **options)
    torch.testing.assert_close(state(tmp_path), state(folder), rtol=0, atol=0)


def test_a_second_signal_ends_at_once(world, tmp_path):
    def twice():
        interrupt()
        interrupt()

    with pytest.raises(SystemExit):
        fit(world, tmp_path, At("on_before_zero_grad", 5, twice), limit_val_batches=0)
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] == 4


@pytest.mark.parametrize("part", [None, {"cpu": torch.zeros(3)}, {"cpu": None}, [1]])
def test_damaged_random_numbers_are_named(world, part):
    data = photographs(world, 0)
    with pytest.raises(ValueError, match="random numbers are damaged"):
        data.load_state_dict({"epoch_start": {"cpu": torch.get_rng_state()}, "now": part})


def test_a_training_goes_on_with_fewer_data(world, tmp_path):
    with pytest.raises(SystemExit):
        fit(world, tmp_path, At("on_train_batch_start", 2, terminate))
    fewer = partial(SourceDataModule, dataset="cityscapes", root=str(world), batch_size=2,
                    limit=4, num_workers=0)  # fmt: skip
    seen = fit(world, tmp_path, ckpt_path=tmp_path / "last.ckpt", data=lambda *_: fewer())
    assert [line.split()[0] for line in seen] == ["0", "0", "1", "1", "2", "2"]
