"""Teachers are asked once about each training panorama, and their answers are found again."""

from __future__ import annotations

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from PIL import Image
from torch import nn

from goodsam_pl.callbacks import PrecomputeTeacher, precompute_teacher
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.fusion import CTCFv2
from goodsam_pl.losses import pack_probabilities
from goodsam_pl.modules import NotFiniteError, SourceSegmentation, StudentDistillation
from goodsam_pl.sam import Felzenszwalb, MaskStore, PrecomputeSAM, WindowMasks, image_key
from goodsam_pl.sam.computing import share


class CountingTeacher(nn.Module):
    """Colours as classes; knows how many images it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 19, 1)
        self.seen = 0

    def forward(self, images):
        if images.shape[-2:] == (16, 16):  # windows, not the first look at its classes
            self.seen += len(images)
        return self.layer(images)


@pytest.fixture
def data(tmp_path):
    """Three panoramas of 16x64 pixels in a folder, with 4 windows each."""
    generator = np.random.default_rng(0)
    for index in range(3):
        blocks = generator.integers(0, 256, (2, 8, 3), dtype=np.uint8)
        path = tmp_path / "images" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(blocks.repeat(8, axis=0).repeat(8, axis=1)).save(path)

    def build(**options) -> PanoramaDataModule:
        return PanoramaDataModule(
            dataset="folder",
            root=tmp_path / "images",
            size=(16, 64),
            vertical_fov=90,
            window_size=(16, 16),
            window_stride=(16, 16),
            mask_root=tmp_path / "masks",
            batch_size=3,
            num_workers=0,
            **options,
        )

    return build


def _fit(folder, module, data, steps=4, more=(), stored=True, **settings):
    trainer = Trainer(
        default_root_dir=folder,
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[
            PrecomputeSAM(Felzenszwalb(scales=(50.0,))),
            *([PrecomputeTeacher(str(folder / "targets"))] if stored else []),
            *more,
        ],
        **settings,
    )
    trainer.fit(module, datamodule=data)
    return trainer


def test_a_teacher_is_asked_about_every_window_once_and_never_again(tmp_path, data):
    torch.manual_seed(0)
    teacher = CountingTeacher()
    _fit(tmp_path, StudentDistillation(CountingTeacher(), teacher, warmup_steps=0), data())
    assert teacher.seen == 3 * 4
    _fit(tmp_path, StudentDistillation(CountingTeacher(), teacher, warmup_steps=0), data())
    assert teacher.seen == 3 * 4
    assert len(list((tmp_path / "targets").iterdir())) == 1


def test_another_teacher_is_asked_anew(tmp_path, data):
    torch.manual_seed(0)
    for _ in range(2):
        teacher = CountingTeacher()
        _fit(tmp_path, StudentDistillation(CountingTeacher(), teacher, warmup_steps=0), data())
        assert teacher.seen == 3 * 4
    assert len(list((tmp_path / "targets").iterdir())) == 2


def test_what_is_stored_is_what_the_teachers_say_of_the_panorama_as_it_is(tmp_path, data):
    torch.manual_seed(0)
    module = StudentDistillation(CountingTeacher(), CountingTeacher(), warmup_steps=0)
    panoramas = data()
    _fit(tmp_path, module, panoramas, steps=1)
    (folder,) = (tmp_path / "targets").iterdir()
    for file, batch in panoramas.training_panoramas(panoramas.training_files):
        (path,) = folder.glob(f"{image_key(file)}.*.npz")
        stored = np.load(path)
        for name, told in module.teach(batch)._asdict().items():
            np.testing.assert_array_equal(stored[name], told[0].numpy())


def test_batches_then_carry_turned_targets_and_no_masks(tmp_path, data):
    torch.manual_seed(0)
    module = StudentDistillation(CountingTeacher(), CountingTeacher(), warmup_steps=0)
    panoramas = data()
    _fit(tmp_path, module, panoramas, steps=1)
    (batch,) = panoramas.train_dataloader()
    assert batch.masks is None
    assert batch.targets.whole.shape == (3, 16, 64)
    # a teacher that looks at single pixels says of a turned panorama the turned answer
    whole = module.teacher_assistant(batch.image).argmax(1)
    assert (batch.targets.whole == whole).float().mean() > 0.99


def test_a_teacher_that_trains_along_is_not_stored(tmp_path, data):
    module = StudentDistillation(CountingTeacher(), CountingTeacher(), joint=True)
    with pytest.raises(ValueError, match=r"trains along: remove the callback, or set .*joint"):
        _fit(tmp_path, module, data())


def test_soft_and_hard_targets_stand_apart_and_soft_ones_turn(tmp_path, data):
    torch.manual_seed(0)
    teacher = CountingTeacher()
    for targets in ("hard", "soft"):
        module = StudentDistillation(CountingTeacher(), teacher, targets=targets, warmup_steps=0)
        panoramas = data()
        _fit(tmp_path, module, panoramas, steps=1)
    assert len(list((tmp_path / "targets").iterdir())) == 2
    (batch,) = panoramas.train_dataloader()
    assert batch.targets.whole.shape == (3, 19, 4, 16)
    assert batch.targets.ensemble.shape == (3, 4, 19, 4, 4)
    # blocks of 8 pixels, so that squares of 4 hold one colour, as a turned panorama's do
    said = module.teacher_assistant(batch.image).softmax(1)
    assert (pack_probabilities(said).int() - batch.targets.whole.int()).abs().max() <= 1


def test_other_systems_are_told_to_leave_it_out(tmp_path, data):
    with pytest.raises(TypeError, match=r"here are SourceSegmentation .*: remove the callback"):
        _fit(tmp_path, SourceSegmentation(CountingTeacher()), data())


class SickTeacher(CountingTeacher):
    """NaN for one panorama, told by its colours."""

    def forward(self, images):
        logits = super().forward(images)
        return logits * float("nan") if self.seen > 8 else logits


def test_a_teacher_that_says_nothing_is_told_and_not_stored(tmp_path, data):
    with pytest.raises(NotFiniteError, match="the teacher's probabilities nan, of 2: look at"):
        _fit(tmp_path, StudentDistillation(CountingTeacher(), SickTeacher()), data())
    stored = list((tmp_path / "targets").rglob("*.npz"))
    assert {path.stem.partition(".")[0] for path in stored} == {
        image_key(tmp_path / "images" / f"{index}.png") for index in range(2)
    }


class Taking(pl.Callback):
    """Remembers whether batches came with masks, or with targets."""

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx) -> None:
        trainer.came_with = (batch.masks is not None, batch.targets is not None)


@pytest.mark.parametrize("ends", [{"steps": 2}, {"steps": -1, "max_epochs": 2}])
def test_targets_take_the_place_of_masks_whatever_ends_the_run(tmp_path, data, ends):
    """The schedule of a run of epochs asks how long its loader is before there are targets."""
    torch.manual_seed(0)
    teacher = CountingTeacher()
    module = StudentDistillation(CountingTeacher(), teacher, warmup_steps=0)
    trainer = _fit(tmp_path, module, data(), more=[Taking()], **ends)
    assert trainer.came_with == (False, True)
    assert trainer.global_step == 2
    assert teacher.seen == 3 * 4


def test_a_second_training_on_the_same_data_does_not_learn_from_the_first_teacher(tmp_path, data):
    torch.manual_seed(0)
    panoramas, second = data(), CountingTeacher()
    module = StudentDistillation(CountingTeacher(), CountingTeacher(), warmup_steps=0)
    _fit(tmp_path, module, panoramas, steps=1)
    module = StudentDistillation(CountingTeacher(), second, warmup_steps=0)
    trainer = _fit(tmp_path, module, panoramas, steps=1, more=[Taking()], stored=False)
    assert trainer.came_with == (True, False)
    assert second.seen == 3 * 4


class Wrapping(CountingTeacher):
    """Says other things in a circle, of which its weights know nothing."""

    def __init__(self, padding_mode: str) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 19, 3, padding=1, padding_mode=padding_mode)


def test_what_the_targets_depend_on_is_in_their_names(tmp_path, data):
    """Each time one thing alone differs: all is asked anew. What was there is found again."""

    def seen(padding_mode="zeros", panoramas=None, precision="32-true", **arguments):
        torch.manual_seed(0)
        teacher = Wrapping(padding_mode)
        module = StudentDistillation(CountingTeacher(), teacher, warmup_steps=0, **arguments)
        _fit(tmp_path, module, panoramas or data(), steps=1, precision=precision)
        return teacher.seen

    assert seen() == 3 * 4
    assert seen() == 0
    assert seen("circular") == 3 * 4
    assert seen(precision="bf16-mixed") == 3 * 4
    assert seen(fusion=CTCFv2()) == 3 * 4
    crossed = {"windows": "crossed", "vertical_window_size": (16, 8)}
    crossed |= {"vertical_window_stride": (16, 8), "horizontal_window_size": (16, 16)}
    crossed |= {"horizontal_window_stride": (16, 16)}
    assert seen(panoramas=data(**crossed), boundary="v2") > 0
    assert seen() == 0

    store = MaskStore.open(tmp_path / "masks")  # one panorama's masks become others, as an import's
    key = next(iter(store))
    masks, name = store.read(key), store.describe(key)["name"]
    half = torch.arange(64)[None, None].expand(1, 16, 64) < 32
    store.write(key, name, [WindowMasks.pack(half, torch.ones(1), torch.ones(1))])
    assert seen() == 4
    assert seen() == 0
    store.write(key, name, masks)
    assert seen() == 0


def test_a_process_that_lists_late_leaves_nothing_out(tmp_path, data, monkeypatch):
    """The first of two processes is done before the second looks what is missing."""
    torch.manual_seed(0)
    teacher = CountingTeacher()
    for rank in (0, 1):
        monkeypatch.setattr(
            precompute_teacher, "share", lambda files, *_, rank=rank: share(files, rank, 2)
        )
        module = StudentDistillation(CountingTeacher(), teacher, warmup_steps=0)
        _fit(tmp_path, module, data(), steps=rank)
    assert len(list((tmp_path / "targets").rglob("*.npz"))) == 3
    assert teacher.seen == 3 * 4
