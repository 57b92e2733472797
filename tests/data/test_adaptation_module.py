from __future__ import annotations

import signal
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import albumentations
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from PIL import Image
from torch import nn

from goodsam_pl.callbacks.data_facts import data_facts
from goodsam_pl.data import (
    AdaptationDataModule,
    PanoramaBatch,
    PanoramaDataModule,
    SourceBatch,
    SourceDataModule,
)

SOURCES, TARGETS = 5, 3


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("world")
    generator = np.random.default_rng(0)

    def write(name: str, *shape: int) -> None:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(7, 12, shape, dtype=np.uint8)).save(path)

    for index in range(SOURCES):
        stem = f"train/oslo/oslo_{index:06d}_000019"
        write(f"leftImg8bit/{stem}_leftImg8bit.png", 16, 64, 3)
        write(f"gtFine/{stem}_gtFine_labelIds.png", 16, 64)
    for index in range(TARGETS):
        write(f"panoramas/{index}.png", 16, 64, 3)
    return root


def _source(world: Path, workers: int = 0, **settings) -> SourceDataModule:
    crop = albumentations.RandomCrop(16, 32)
    arguments = {"batch_size": 1, "num_workers": workers, "train_transforms": [crop]} | settings
    return SourceDataModule(dataset="cityscapes", root=str(world), **arguments)


def _target(world: Path, workers: int = 0) -> PanoramaDataModule:
    return PanoramaDataModule(
        dataset="folder", root=str(world / "panoramas"), size=(16, 64), vertical_fov=90.0,
        window_size=(16, 16), window_stride=(16, 16), batch_size=1, num_workers=workers,
    )  # fmt: skip


def _data(world: Path, workers: int = 0, **settings) -> AdaptationDataModule:
    source = _source(world, workers, **settings)
    return AdaptationDataModule(source=source, target=_target(world, workers))


class Network(LightningModule):
    """Dropout draws from the numbers around the loaders."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Dropout(0.3), nn.Conv2d(4, 19, 1))
        self.seen: list[str] = []

    def training_step(self, batch, batch_idx):
        source, target = batch["source"], batch["target"]
        assert isinstance(source, SourceBatch)
        assert isinstance(target, PanoramaBatch)
        sums = f"{source.image.sum():.5f} {target.image.sum():.5f}"
        self.seen.append(f"{self.current_epoch} {batch_idx} {source.names} {target.names} {sums}")
        term = F.cross_entropy(self.layers(source.image), source.label, ignore_index=255)
        return term + self.layers(target.image).square().mean()

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=0.01)


def _fit(world: Path, folder: Path, steps: int, start: Path | None = None, **settings):
    seed_everything(0)
    network = Network()
    keep = ModelCheckpoint(folder, "{step}", every_n_train_steps=1, save_top_k=-1)
    before = signal.getsignal(signal.SIGINT)
    loop = Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        max_steps=steps, callbacks=[keep], default_root_dir=folder, limit_val_batches=0,
    )  # fmt: skip
    try:
        loop.fit(network, datamodule=_data(world, **settings), ckpt_path=start, weights_only=True)
    finally:
        signal.signal(signal.SIGINT, before)
    return network


def test_an_epoch_shows_all_of_the_longer_and_the_shorter_again(world, tmp_path) -> None:
    seen = _fit(world, tmp_path, 2 * SOURCES).seen
    for epoch in range(2):
        part = [line.split() for line in seen[epoch * SOURCES : (epoch + 1) * SOURCES]]
        assert [int(line[0]) for line in part] == [epoch] * SOURCES
        assert len({line[2] for line in part}) == SOURCES
        assert len({line[3] for line in part[:TARGETS]}) == TARGETS
        assert len({line[3] for line in part[TARGETS:]}) == SOURCES - TARGETS
    assert len({line.split(maxsplit=2)[2] for line in seen}) == len(seen)  # all drawn anew


RARE = {"rare_class_temperature": 0.1, "rare_class_pixels": 1}


@pytest.mark.parametrize(
    ("step", "settings"),
    [*((step, {}) for step in (2, 3, 4, 5, 7)), (4, {"workers": 1}), (3, RARE), (7, RARE)],
)
def test_a_resumed_training_equals_the_uninterrupted_one(world, tmp_path, step, settings) -> None:
    """Stopped before and after the shorter began again, where an epoch ends, and in the next."""
    whole = _fit(world, tmp_path / "whole", 9, **settings)
    start = tmp_path / f"whole/step={step}.ckpt"
    resumed = _fit(world, tmp_path / "resumed", 9, start, **settings)
    assert resumed.seen == whole.seen[step:]
    for name, value in resumed.state_dict().items():
        assert value.equal(whole.state_dict()[name]), name


def test_processes_share_both(world) -> None:
    names: dict[str, list[str]] = {"source": [], "target": []}
    for rank in (0, 1):
        data = _data(world)
        data.trainer = SimpleNamespace(
            world_size=2,
            global_rank=rank,
            current_epoch=3,
            fit_loop=SimpleNamespace(
                epoch_loop=SimpleNamespace(
                    batch_progress=SimpleNamespace(current=SimpleNamespace(ready=0))
                )
            ),
        )
        data.setup("fit")
        loader = data.train_dataloader()
        for batch, _, _ in islice(loader, 2):  # a pass over the shorter
            for part, found in names.items():
                found.extend(batch[part].names)
        assert len(loader) == 3
    assert len(set(names["target"])) == TARGETS  # one of 3 is seen by both of 2 processes
    assert len(set(names["source"])) == 4


def test_it_lists_and_describes_both(world) -> None:
    data = _data(world)
    data.setup("fit")
    assert {split: len(files) for split, files in data.listed.items()} == {
        "source": SOURCES,
        "train": TARGETS,
    }
    facts = data_facts(data)
    assert facts["source"]["train"]["images"] == SOURCES
    assert facts["dataset"]["train"]["images"] == TARGETS


def test_a_target_without_images_is_told(world, tmp_path) -> None:
    (tmp_path / "panoramas").mkdir()
    data = AdaptationDataModule(source=_source(world), target=_target(tmp_path))
    with pytest.raises((FileNotFoundError, ValueError), match=str(tmp_path / "panoramas")):
        data.setup("fit")


def test_two_class_sets_are_refused(world) -> None:
    source = _source(world, taxonomy="camvid-11")
    with pytest.raises(ValueError, match=r"data\.source\.taxonomy is camvid-11, .* cityscapes-19"):
        AdaptationDataModule(source=source, target=_target(world))


@pytest.mark.parametrize("state", [{"seed": 1}, {"seed": None, "now": {}}, {"seed": 1, "now": 3}])
def test_damaged_random_numbers_are_named(world, state) -> None:
    with pytest.raises(ValueError, match="random numbers are damaged"):
        _data(world).load_state_dict(state)


def _pinhole(root: Path, **settings) -> SourceDataModule:
    """Photographs as a target: their train split has no label file at all."""
    for index in range(3):
        path = root / f"leftImg8bit/train/ulm/ulm_{index:06d}_000019_leftImg8bit.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((32, 64, 3), 80 * index, np.uint8)).save(path)
    crop = albumentations.RandomCrop(16, 32)
    return SourceDataModule(
        **{"dataset": "cityscapes", "root": str(root), "size": (16, 32), "batch_size": 1,
           "num_workers": 0, "train_transforms": [crop]} | settings
    )  # fmt: skip


def test_a_target_of_photographs_needs_no_labels_to_train(world, tmp_path) -> None:
    data = AdaptationDataModule(source=_source(world), target=_pinhole(tmp_path))
    data.setup("fit")
    batch, _, _ = next(iter(data.train_dataloader()))
    assert isinstance(batch["target"], SourceBatch)
    assert batch["target"].image.shape == (1, 3, 16, 32)
    assert (batch["target"].label == 255).all()
    with pytest.raises(FileNotFoundError, match="has no label"):
        _pinhole(tmp_path).setup("fit")  # as a source it does


def test_a_target_that_has_labels_keeps_them_from_training_alone(world, tmp_path) -> None:
    target = SourceDataModule(dataset="cityscapes", root=str(world), num_workers=0, batch_size=1)
    stem = "val/oslo/oslo_000000_000019"
    for folder in ("leftImg8bit", "gtFine"):
        (world / folder / "val/oslo").mkdir(parents=True, exist_ok=True)
    pixels = np.full((16, 64, 3), 7, np.uint8)
    Image.fromarray(pixels).save(world / f"leftImg8bit/{stem}_leftImg8bit.png")
    Image.fromarray(pixels[..., 0]).save(world / f"gtFine/{stem}_gtFine_labelIds.png")
    data = AdaptationDataModule(source=_source(world), target=target)
    data.setup("fit")
    batch, _, _ = next(iter(data.train_dataloader()))
    assert (batch["target"].label == 255).all()
    assert (batch["source"].label != 255).any()
    [scored] = list(data.val_dataloader())
    assert (scored.label == 0).all()  # labelId 7 is road


def test_a_target_cannot_be_drawn_by_its_classes(world, tmp_path) -> None:
    target = _pinhole(tmp_path, rare_class_temperature=0.01)
    with pytest.raises(ValueError, match=r"data\.target\.rare_class_temperature .* data\.source"):
        AdaptationDataModule(source=_source(world), target=target)


def test_a_target_of_photographs_without_images_is_told(world, tmp_path) -> None:
    (tmp_path / "leftImg8bit/train").mkdir(parents=True)
    target = SourceDataModule(dataset="cityscapes", root=str(tmp_path))
    data = AdaptationDataModule(source=_source(world), target=target)
    with pytest.raises(ValueError, match=f"{tmp_path}: no image .* in the train split"):
        data.setup("fit")


def test_labels_outside_the_class_set_are_told_with_file_and_id(world, tmp_path) -> None:
    data = AdaptationDataModule(
        source=SourceDataModule(
            dataset="cityscapes", root=str(tmp_path), batch_size=1, num_workers=0, **RARE
        ),
        target=_target(world),
    )
    _pinhole(tmp_path)
    for index in range(3):
        path = tmp_path / f"gtFine/train/ulm/ulm_{index:06d}_000019_gtFine_labelTrainIds.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((32, 64), 19 if index == 2 else 3, np.uint8)).save(path)
    data.setup("fit")  # the first of the files is right
    with pytest.raises(ValueError, match=r"000002_.*: label id out of range: 2048 pixels hold 19"):
        data.train_dataloader()


def test_the_examples_are_the_same_in_every_run_and_leave_random_numbers_alone(
    world, tmp_path
) -> None:
    found = []
    for seed in (1, 2):
        data = _data(world)
        data.setup("fit")
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        found.append(data.examples(2))
        assert torch.equal(torch.get_rng_state(), before)
    for one, other in zip(*found, strict=True):
        for part in ("source", "target"):
            assert one[part].names == other[part].names
            assert torch.equal(one[part].image, other[part].image)
    assert found[0][0]["source"].image.shape == (1, 3, 16, 32)  # cropped
    assert found[0][0]["target"].image.shape == (1, 3, 16, 64)  # whole
    assert found[0][0]["source"].names != found[0][1]["source"].names
    assert len(_listed(world).examples(9)) == TARGETS


def _listed(world: Path) -> AdaptationDataModule:
    data = _data(world)
    data.setup("fit")
    return data
