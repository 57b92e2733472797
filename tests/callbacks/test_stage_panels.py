"""What a run leaves on the dashboard, or in its folder."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import albumentations
import numpy as np
import pytest
import torch
import wandb
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.loggers import CSVLogger, WandbLogger
from PIL import Image
from torch import nn

from goodsam_pl.callbacks import PrecomputeSAM, StagePanels
from goodsam_pl.data import AdaptationDataModule, PanoramaDataModule, SourceDataModule
from goodsam_pl.modules import (
    JointDistillation,
    SelfTraining,
    SourceSegmentation,
    StudentDistillation,
    TARectification,
)
from goodsam_pl.sam import Felzenszwalb
from goodsam_pl.taxonomy import get_taxonomy

sys.path.insert(0, str(Path(__file__).parents[1]))
from wandb_runs import history, history_with

TAXONOMY = get_taxonomy("cityscapes-19")
PANORAMAS = ("stages/val_0/filenames", "stages/val_2/filenames")


@pytest.fixture
def data(tmp_path):
    """Four panoramas of 16x64 pixels to train on, and three with labels to validate."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 4), ("val", 3)):
        for kind in ("images", "labels"):
            (tmp_path / kind).mkdir(exist_ok=True)
        names = [f"{split}_{index}" for index in range(count)]
        for name in names:
            blocks = generator.integers(0, 256, (2, 8, 3), dtype=np.uint8)
            pixels = blocks.repeat(8, axis=0).repeat(8, axis=1)
            Image.fromarray(pixels).save(tmp_path / "images" / f"{name}.png")
            label = generator.integers(0, 19, (16, 64), dtype=np.uint8)
            Image.fromarray(label).save(tmp_path / "labels" / f"{name}.png")
        (tmp_path / "splits").mkdir(exist_ok=True)
        (tmp_path / "splits" / f"{split}.txt").write_text("\n".join(names))

    def build(**options) -> PanoramaDataModule:
        return PanoramaDataModule(
            dataset="plain",
            root=tmp_path,
            size=(16, 64),
            vertical_fov=90,
            window_size=(16, 16),
            window_stride=(16, 16),
            num_workers=0,
            **{"mask_root": tmp_path / "masks", **options},
        )

    return build


@pytest.fixture
def fit(tmp_path):
    def run(module, data, panels, logger=False, more=(), **settings):
        callbacks = [*([panels] if panels else []), *more]
        if data.mask_root is not None:
            callbacks.insert(0, PrecomputeSAM(Felzenszwalb(scales=(50.0,))))
        trainer = Trainer(
            default_root_dir=tmp_path / "run",
            accelerator="cpu",
            logger=logger,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=callbacks,
            **{"max_epochs": 2, "num_sanity_val_steps": 1, **settings},
        )
        trainer.fit(module, datamodule=data)
        wandb.finish()

    return run


def _rectification():
    return TARectification(nn.Conv2d(3, 19, 1), warmup_steps=0)


def _drawn(tmp_path, run="run"):
    folder = tmp_path / run / "stages"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def test_wandb_gets_every_stage_of_the_same_panoramas_at_each_validation(tmp_path, data, fit):
    """Read back from the files of an offline run."""
    module = StudentDistillation(nn.Conv2d(3, 19, 1), nn.Conv2d(3, 19, 1), warmup_steps=0)
    panoramas = data(mask_splits=["train", "val"])
    logger = WandbLogger(project="p", save_dir=tmp_path, offline=True)
    fit(module, panoramas, StagePanels(panoramas=2), logger)

    [log] = tmp_path.rglob("run-*.wandb")
    logged = history_with(log, "stages/val_0/captions", count=2)
    assert [step["trainer/global_step"] for step in logged] == [2, 4]
    assert len(history_with(log, "stages/val_2/captions", count=2)) == 2
    for step in logged:
        assert step["stages/val_0/captions"] == [
            "panorama",
            "SAM masks",
            "teacher assistant, windowed",
            "fused labels E",
            "weights M",
            "trusted labels E_H",
            "student",
            "ground truth",
            "where E differs from TA: green corrected, red spoilt, yellow neither",
        ]
        files = [log.parent / "files" / name for name in step["stages/val_0/filenames"]]
        label = np.array(Image.open(tmp_path / "labels" / "val_0.png"))
        assert (np.array(Image.open(files[7])) == TAXONOMY.colorize(label)).all()
        pixels = np.array(Image.open(tmp_path / "images" / "val_0.png"))
        assert (np.array(Image.open(files[0])) == pixels).all()
        assert "ground truth" in step["stages/val_0/all_masks"][0]
    named = {name for step in history(log) for each in PANORAMAS for name in step.get(each, [])}
    written = (log.parent / "files/media/images/stages").glob("*.png")
    assert named == {path.relative_to(log.parent / "files").as_posix() for path in written}


def test_without_wandb_sheets_go_to_the_runs_folder(tmp_path, data, fit):
    fit(_rectification(), data(mask_splits=["train", "val"]), StagePanels(panoramas=1))
    assert _drawn(tmp_path) == ["val_1/000002.png", "val_1/000004.png"]
    sheet = np.array(Image.open(tmp_path / "run/stages/val_1/000002.png"))
    assert sheet.shape == (8 * (16 + 20 + 6) + 6, 64 + 2 * 6, 3)


def test_where_val_has_no_masks_training_panoramas_are_shown(tmp_path, data, fit):
    fit(_rectification(), data(), StagePanels(panoramas=9), max_epochs=1)
    assert _drawn(tmp_path) == [f"train_{index}/000002.png" for index in range(4)]


def test_val_can_be_asked_for_all_the_same(tmp_path, data, fit):
    fit(_rectification(), data(), StagePanels(panoramas=1, split="val"), max_epochs=1)
    assert _drawn(tmp_path) == ["val_1/000002.png"]


def test_every_second_validation(tmp_path, data, fit):
    panels = StagePanels(panoramas=1, every_n_validations=2)
    fit(_rectification(), data(), panels, max_epochs=3)
    assert _drawn(tmp_path) == ["train_2/000002.png", "train_2/000006.png"]


def test_where_nothing_is_validated_steps_say_when(tmp_path, data, fit):
    panels = StagePanels(panoramas=1)
    fit(_rectification(), data(), panels, limit_val_batches=0, max_steps=12, max_epochs=-1)
    steps = (0, 2, 4, 6, 8, 10, 12)  # a tenth of 12 steps, rounded up
    assert _drawn(tmp_path) == [f"train_2/{step:06d}.png" for step in steps]


def test_steps_can_be_chosen_and_the_end_is_drawn_in_any_case(tmp_path, data, fit):
    panels = StagePanels(panoramas=1, every_n_steps=3)
    fit(_rectification(), data(), panels, limit_val_batches=0)
    assert _drawn(tmp_path) == [f"train_2/{step:06d}.png" for step in (0, 3, 4)]


def test_validations_that_are_not_due_leave_the_end(tmp_path, data, fit):
    fit(_rectification(), data(), StagePanels(panoramas=1), check_val_every_n_epoch=5)
    assert _drawn(tmp_path) == ["train_2/000004.png"]


def test_accumulated_batches_are_one_step(tmp_path, data, fit):
    fit(
        _rectification(),
        data(),
        StagePanels(panoramas=1),
        limit_val_batches=0,
        accumulate_grad_batches=2,
    )
    assert _drawn(tmp_path) == [f"train_2/{step:06d}.png" for step in range(3)]


def test_wandb_gets_pictures_and_signals_of_unlabelled_panoramas_on_one_axis(tmp_path, data, fit):
    module = StudentDistillation(nn.Conv2d(3, 19, 1), nn.Conv2d(3, 19, 1), warmup_steps=0)
    logger = WandbLogger(project="p", save_dir=tmp_path, offline=True)
    panels = StagePanels(panoramas=1, every_n_steps=2)
    fit(module, data(), panels, logger, limit_val_batches=0, log_every_n_steps=1)

    [log] = tmp_path.rglob("run-*.wandb")
    drawn = history_with(log, "stages/train_2/captions", count=3)
    measured = history_with(log, "label_free/agreement", count=3)
    assert [step["trainer/global_step"] for step in drawn] == [0, 2, 4]
    assert [step["trainer/global_step"] for step in measured] == [0, 2, 4]
    assert "ground truth" not in drawn[0]["stages/train_2/captions"]
    shares = [measured[0][f"label_free/share/{name}"] for name in TAXONOMY.classes]
    assert sum(shares) == pytest.approx(1)
    for step in measured:
        for name in ("agreement", "agreement_miou", "agreement_fused", "trusted", "entropy"):
            assert 0 <= step[f"label_free/{name}"] <= 1
    teacher = {step["label_free/entropy_teacher"] for step in measured}
    student = {step["label_free/entropy"] for step in measured}
    assert (len(teacher), len(student)) == (1, 3)  # the one is frozen, the other learns
    losses = history_with(log, "train/loss")
    for step in losses:
        assert step["train/weighted/boundary"] == pytest.approx(0.1 * step["train/boundary"])
        assert step["train/weighted/whole"] == step["train/whole"]


def test_other_loggers_get_the_signals_too(tmp_path, data, fit):
    logger = CSVLogger(tmp_path / "logs")
    fit(_rectification(), data(), StagePanels(panoramas=1), logger, limit_val_batches=0)
    [path] = (tmp_path / "logs").rglob("metrics.csv")
    with path.open() as file:
        rows = [row for row in csv.DictReader(file) if row["label_free/entropy"]]
    assert [row["step"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert "label_free/agreement" not in rows[0]  # there is no student
    assert "label_free/agreement_fused" in rows[0]
    assert len(_drawn(tmp_path / "logs/lightning_logs/version_0", "")) == 5


class _Counting(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 19, 1)
        self.asked = 0

    def forward(self, images):
        self.asked += 1
        return super().forward(images)


def test_a_frozen_teacher_is_asked_once(data, fit):
    def asked(panels):
        teacher = _Counting()
        module = StudentDistillation(nn.Conv2d(3, 19, 1), teacher, warmup_steps=0)
        fit(module, data(), panels, limit_val_batches=0)
        return teacher.asked

    assert asked(StagePanels(panoramas=1)) == asked(None) + 1


def test_training_goes_on_to_the_bit_as_it_would_have_without(data, fit):
    def network():
        return nn.Sequential(
            nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.Dropout(0.5), nn.Conv2d(8, 19, 1)
        )

    class Modes(Callback):
        def __init__(self):
            self.seen = []

        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            self.seen.append([layer.training for layer in pl_module.modules()])

    def trained(panels):
        seed_everything(0, verbose=False)
        module = JointDistillation(network(), network(), warmup_steps=0)
        modes = Modes()
        fit(module, data(), panels, limit_val_batches=0, more=[modes])
        return module.state_dict(), modes.seen, torch.rand(3), np.random.rand()  # noqa: NPY002

    (with_panels, *rest), (without, *others) = trained(StagePanels()), trained(None)
    assert with_panels.keys() == without.keys()
    assert all(torch.equal(with_panels[name], without[name]) for name in without)
    assert rest[0] == others[0]
    assert torch.equal(rest[1], others[1])
    assert rest[2] == others[2]


def test_a_trial_run_draws_nothing(tmp_path, data, fit):
    fit(_rectification(), data(), StagePanels(), fast_dev_run=True)
    assert _drawn(tmp_path) == []


def test_other_systems_are_told_to_leave_it_out(data, fit):
    with pytest.raises(TypeError, match=r"here are SourceSegmentation .*: remove the callback"):
        fit(SourceSegmentation(nn.Conv2d(3, 19, 1)), data(mask_root=None), StagePanels())


@pytest.mark.parametrize("option", ["panoramas", "every_n_validations", "every_n_steps"])
def test_less_than_one_is_refused(option):
    with pytest.raises(ValueError, match=f"{option} is 0: choose at least 1"):
        StagePanels(**{option: 0})


def _both(tmp_path, panoramas) -> AdaptationDataModule:
    """The panoramas beside photographs that are those panoramas again, with labels, cropped."""
    for name in ("train", "val"):
        names = [f"{name}_{index}" for index in range(3)]
        (tmp_path / "splits" / f"{name}.txt").write_text("\n".join(names))
    source = SourceDataModule(
        dataset="plain", root=tmp_path, batch_size=2, num_workers=0,
        train_transforms=[albumentations.RandomCrop(16, 32)],
    )  # fmt: skip
    return AdaptationDataModule(source=source, target=panoramas(mask_root=None, batch_size=2))


@pytest.fixture
def self_train(tmp_path, data):
    def run(panels, logger=False, module=None, **settings):
        trainer = Trainer(
            default_root_dir=tmp_path / "run", accelerator="cpu", logger=logger,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            callbacks=[panels] if panels else [],
            **{"max_epochs": 2, "num_sanity_val_steps": 1, **settings},
        )  # fmt: skip
        module = module or SelfTraining(_normalising(), warmup_steps=0, learning_rate=1e-2)
        trainer.fit(module, datamodule=_both(tmp_path, data))
        wandb.finish()
        return module

    return run


def _normalising() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.Dropout(0.5), nn.Conv2d(8, 19, 1)
    )


def test_wandb_gets_what_self_training_mixes_of_the_same_pairs(tmp_path, self_train):
    logger = WandbLogger(project="p", save_dir=tmp_path, offline=True)
    self_train(StagePanels(panoramas=2), logger, log_every_n_steps=1)
    [log] = tmp_path.rglob("run-*.wandb")
    logged = history_with(log, "stages/train_0/captions", count=2)
    assert [step["trainer/global_step"] for step in logged] == [1, 2]
    for step in logged:
        captions = step["stages/train_0/captions"]
        assert captions[:5] == [
            "target", "pseudo-labels", "student", "mixed image", "mixed labels"
        ]  # fmt: skip
        assert captions[5].startswith("weights, q = 0.")
        assert {*step["stages/train_0/all_masks"][0]} == {"pseudo-labels", "student"}
    targets = [
        np.array(Image.open(log.parent / "files" / step["stages/train_0/filenames"][0]))
        for step in logged
    ]
    assert (targets[0] == targets[1]).all()  # the same crop
    pixels = np.array(Image.open(tmp_path / "images/train_0.png"))
    assert any((pixels[:, left : left + 32] == targets[0]).all() for left in range(33))
    assert len(history_with(log, "stages/train_2/captions", count=2)) == 2
    trusted = history_with(log, "train/trust")
    assert [0 <= step["train/trust"] <= 1 for step in trusted] == [True] * 2  # q over the steps
    measured = history_with(log, "label_free/agreement", count=2)
    assert {"label_free/trusted", "label_free/entropy", "label_free/share/road"} <= {*measured[0]}


def test_without_wandb_sheets_of_pairs_go_to_the_runs_folder(tmp_path, self_train):
    self_train(StagePanels(panoramas=1), limit_val_batches=0, max_steps=2, max_epochs=-1)
    assert _drawn(tmp_path) == [f"train_1/{step:06d}.png" for step in (0, 1, 2)]
    sheet = np.array(Image.open(tmp_path / "run/stages/train_1/000002.png"))
    assert sheet.shape == (6 * (16 + 20 + 6) + 6, 32 + 2 * 6, 3)


def test_self_training_goes_on_to_the_bit_as_it_would_have_without(self_train):
    def trained(panels):
        seed_everything(0, verbose=False)
        module = SelfTraining(_normalising(), warmup_steps=0, learning_rate=1e-2)
        return self_train(panels, module=module, limit_val_batches=0).state_dict(), torch.rand(3)

    (looked, after), (alone, drawn) = trained(StagePanels()), trained(None)
    for name, value in alone.items():
        assert torch.equal(value, looked[name]), name
    assert torch.equal(after, drawn)


def test_validated_alone_a_self_training_shows_nothing(tmp_path, data):
    trainer = Trainer(
        default_root_dir=tmp_path / "run", accelerator="cpu", logger=False,
        enable_progress_bar=False, callbacks=[StagePanels()],
    )  # fmt: skip
    trainer.validate(SelfTraining(_normalising()), datamodule=_both(tmp_path, data), verbose=False)
    assert _drawn(tmp_path) == []
