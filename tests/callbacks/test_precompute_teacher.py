"""Teachers are asked once about each training panorama, and their answers are found again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from PIL import Image
from torch import nn

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from word_folders import stripe, write_things

from goodsam_pl.callbacks import PrecomputeSAM, PrecomputeTeacher, precompute_teacher
from goodsam_pl.data import PanoramaDataModule, pack_probabilities
from goodsam_pl.files.unfinished import part_name
from goodsam_pl.fusion import CTCF, CTCFv2, TrustedPool, WordVoter
from goodsam_pl.masks import MaskStore, WindowMasks, image_key
from goodsam_pl.masks.precomputation import share
from goodsam_pl.modules import (
    JointDistillation,
    NotFiniteError,
    SourceSegmentation,
    StudentDistillation,
    Teachers,
)
from goodsam_pl.sam import Felzenszwalb

POOL = TrustedPool(odds=1.0, contrast=1.0, border=0.5)


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


def test_damaged_targets_are_named_and_made_anew_and_rests_of_kills_removed(tmp_path, data, caplog):
    torch.manual_seed(0)
    teacher = CountingTeacher()
    _fit(tmp_path, StudentDistillation(CountingTeacher(), teacher, warmup_steps=0), data())
    (folder,) = (tmp_path / "targets").iterdir()
    before = {path: path.read_bytes() for path in sorted(folder.glob("*.npz"))}
    damaged, cut, _ = before
    damaged.write_bytes(b"")
    cut.write_bytes(before[cut][:-30])
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    rest = folder / part_name().replace(f"-{os.getpid()}-", f"-{dead.pid}-")
    rest.touch()
    teacher.seen = 0
    with caplog.at_level("INFO"):
        _fit(tmp_path, StudentDistillation(CountingTeacher(), teacher, warmup_steps=0), data())
    assert teacher.seen == 2 * 4
    assert {path: path.read_bytes() for path in sorted(folder.glob("*.npz"))} == before
    assert not rest.exists()
    told = [text for text in caplog.messages if "targets" in text]
    assert sum("are computed anew" in text for text in told) == 2
    assert told[-1] == (
        f"teachers' targets: 2 panoramas computed, 1 had theirs already in {folder}"
    )


def test_a_process_that_is_done_helps_the_others_and_each_counts_what_it_computed(tmp_path, data):
    torch.manual_seed(0)
    module = StudentDistillation(CountingTeacher(), CountingTeacher(), warmup_steps=0)
    _fit(tmp_path, module, data(), steps=1)
    shutil.rmtree(tmp_path / "targets")
    panoramas = data()
    panoramas.setup("fit")
    counts = []

    def reduce(count, reduce_op):
        counts.append(int(count))
        return count

    for rank in range(2):
        trainer = SimpleNamespace(
            datamodule=panoramas,
            global_rank=rank,
            world_size=2,
            is_global_zero=rank == 0,
            precision="32-true",
            precision_plugin=SimpleNamespace(forward_context=nullcontext),
            strategy=SimpleNamespace(barrier=lambda _: None, reduce=reduce),
        )
        PrecomputeTeacher(str(tmp_path / "targets")).on_fit_start(trainer, module)
    assert counts == [3, 0]  # the second one begins when the first is done with all
    assert len(list((tmp_path / "targets").rglob("*.npz"))) == 3


def test_what_words_have_found_is_in_the_targets_and_in_their_names(tmp_path, data):
    torch.manual_seed(0)
    teacher = CountingTeacher()
    voters = Teachers(fusion=WordVoter(POOL, weight=4.0, floor=0.5))

    def write(index, right):
        image = tmp_path / f"images/{index}.png"
        things = [("rider", 0.1, stripe(60, right, (16, 64)))]  # across the seam
        write_things(tmp_path / "words", str(index), image, things)

    def fit(weight_of=voters):
        student = CountingTeacher()
        module = StudentDistillation(student, teacher, warmup_steps=0, teachers=weight_of)
        panoramas = data(words_root=tmp_path / "words")
        _fit(tmp_path, module, panoramas)
        return teacher.seen, panoramas

    for index in range(3):
        write(index, 6)
    seen, panoramas = fit()
    assert seen == 3 * 4
    file = panoramas.training_files[0]
    (folder,) = (tmp_path / "targets").iterdir()
    (path,) = folder.glob(f"{panoramas.keys(file)}.*.npz")
    with np.load(path) as stored:
        said = stored["ensemble"]  # four windows of 16 columns
    rider = 12
    assert (said[0, :, :6] == rider).all()
    assert (said[3, :, 12:] == rider).all()
    assert (said[1:3] != rider).any()

    assert fit()[0] == 3 * 4  # found again
    write(1, 7)
    assert fit()[0] == 4 * 4  # of one panorama other things are known
    assert len(list(folder.glob("*.npz"))) == 4
    assert fit(Teachers(fusion=WordVoter(POOL, weight=2.0)))[0] == 7 * 4
    assert len(list((tmp_path / "targets").iterdir())) == 2


def test_masks_and_targets_may_lie_in_folders_that_are_only_read(tmp_path, data, read_only):
    torch.manual_seed(0)
    teacher = CountingTeacher()
    _fit(tmp_path, StudentDistillation(CountingTeacher(), teacher, warmup_steps=0), data())
    for folder in ("masks", "targets"):
        read_only(tmp_path / folder)
    teacher.seen = 0
    _fit(tmp_path, StudentDistillation(CountingTeacher(), teacher, warmup_steps=0), data())
    assert teacher.seen == 0


def test_an_image_that_changes_while_the_teacher_looks_is_refused(tmp_path, data):
    class Replacing(CountingTeacher):
        def forward(self, images):
            if self.seen == 0 and images.shape[-2:] == (16, 16):
                images_of = tmp_path / "images"
                (images_of / "0.png").write_bytes((images_of / "1.png").read_bytes())
            return super().forward(images)

    with pytest.raises(ValueError, match=r"0\.png changed while it was in work"):
        _fit(tmp_path, StudentDistillation(CountingTeacher(), Replacing()), data())
    assert list((tmp_path / "targets").rglob("*.npz")) == []


def test_another_teacher_is_asked_anew(tmp_path, data):
    torch.manual_seed(0)
    for _ in range(2):
        teacher = CountingTeacher()
        _fit(tmp_path, StudentDistillation(CountingTeacher(), teacher, warmup_steps=0), data())
        assert teacher.seen == 3 * 4
    assert len(list((tmp_path / "targets").iterdir())) == 2


@pytest.mark.parametrize("fusion", [CTCF(), POOL], ids=["by window", "by panorama"])
def test_what_is_stored_is_what_the_teachers_say_of_the_panorama_as_it_is(tmp_path, data, fusion):
    torch.manual_seed(0)
    student, teacher = CountingTeacher(), CountingTeacher()
    module = StudentDistillation(student, teacher, teachers=Teachers(fusion=fusion), warmup_steps=0)
    panoramas = data()
    _fit(tmp_path, module, panoramas, steps=1)
    (folder,) = (tmp_path / "targets").iterdir()
    for place, file in enumerate(panoramas.training_files):
        batch = panoramas.training_panorama(place)
        (path,) = folder.glob(f"{image_key(file)}.*.npz")
        stored = np.load(path)
        for name, made in module.teach(batch)._asdict().items():
            (target,) = made if isinstance(made, tuple) else (made,)
            np.testing.assert_array_equal(stored[name], target[0].numpy())


def test_stored_targets_turn_as_what_the_teachers_say_of_a_turned_panorama(tmp_path, data):
    torch.manual_seed(0)
    student, teacher = CountingTeacher(), CountingTeacher()
    module = StudentDistillation(student, teacher, teachers=Teachers(fusion=POOL), warmup_steps=0)
    live, stored = data(), data()
    _fit(tmp_path, module, live, steps=1, stored=False)
    _fit(tmp_path, module, stored, steps=1)
    torch.manual_seed(1)
    (seen,) = live.train_dataloader()
    torch.manual_seed(1)
    (told,) = stored.train_dataloader()
    assert seen.names == told.names
    assert torch.equal(seen.image, told.image)
    said = module.teach(seen)
    assert torch.equal(told.targets.ensemble[0], said.ensemble[0])
    assert torch.equal(told.targets.weight[0], said.weight[0])


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
    module = JointDistillation(CountingTeacher(), CountingTeacher())
    with pytest.raises(TypeError, match=r"here are JointDistillation and .*: remove the callback"):
        _fit(tmp_path, module, data())


def test_soft_and_hard_targets_stand_apart_and_soft_ones_turn(tmp_path, data):
    torch.manual_seed(0)
    teacher = CountingTeacher()
    for targets in ("hard", "soft"):
        teachers = Teachers(targets=targets)
        module = StudentDistillation(CountingTeacher(), teacher, teachers=teachers, warmup_steps=0)
        panoramas = data()
        _fit(tmp_path, module, panoramas, steps=1)
    assert len(list((tmp_path / "targets").iterdir())) == 2
    (batch,) = panoramas.train_dataloader()
    assert batch.targets.whole.shape == (3, 19, 4, 16)
    assert batch.targets.ensemble[0].shape == (3, 4, 19, 4, 4)
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
        teachers = Teachers(**arguments)
        module = StudentDistillation(CountingTeacher(), teacher, teachers=teachers, warmup_steps=0)
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
