"""A distillation learns StreetWorld's own labels, under a name that no teacher's targets have."""

from __future__ import annotations

from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from goodsam_pl.callbacks import PrecomputeSAM, PrecomputeTeacher, TrueTargets
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.geometry import stitch_families
from goodsam_pl.modules import JointDistillation, StudentDistillation
from goodsam_pl.sam import Felzenszwalb
from goodsam_pl.streetworld.export import export
from goodsam_pl.streetworld.redrawing import true_label


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world")
    counts = {"source_train": 0, "source_val": 0, "target_val": 0, "target_test": 0}
    export(out, **counts, target_train=2, panorama_size=(32, 128), vertical_fov=90, workers=1)
    return out


def _fit(
    callback: pl.Callback,
    world: Path,
    folder: Path,
    system: type[StudentDistillation | JointDistillation] = StudentDistillation,
    size: tuple[int, int] = (32, 128),
    window: int = 32,
) -> PanoramaDataModule:
    data = PanoramaDataModule(
        dataset="densepass",
        root=str(world / "densepass"),
        size=size,
        vertical_fov=90,
        window_size=(window, window),
        window_stride=(window, 16),
        mask_root=str(folder / "masks"),
        num_workers=0,
        roll=False,
        flip=False,
    )
    torch.manual_seed(0)
    trainer = pl.Trainer(
        default_root_dir=folder,
        max_steps=1,
        limit_val_batches=0,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[PrecomputeSAM(Felzenszwalb(scales=(50.0,))), callback],
    )
    trainer.fit(system(nn.Conv2d(3, 19, 1), nn.Conv2d(3, 19, 1)), datamodule=data)
    return data


def test_what_a_student_learns_is_the_truth(world: Path, tmp_path: Path) -> None:
    data = _fit(TrueTargets(str(tmp_path / "targets")), world, tmp_path)
    learned = next(iter(data.train_dataloader()))
    for index, name in enumerate(learned.names):
        [file] = (world / "densepass").rglob(f"{Path(name).name}.png")
        label = torch.from_numpy(true_label(file)).long()
        known = label != 255
        assert known.float().mean() > 0.9
        assert torch.equal(learned.targets.whole[index][known].long(), label[known])
        windows = nn.functional.one_hot(learned.targets.ensemble[0][index : index + 1].long(), 19)
        stitched = stitch_families((windows.movedim(-1, 2).float(),), learned.windows)[0]
        assert torch.equal(stitched.argmax(0)[known], label[known])


def test_they_never_stand_for_a_teachers(world: Path, tmp_path: Path) -> None:
    for callback in (PrecomputeTeacher, TrueTargets):
        _fit(callback(str(tmp_path / "targets")), world, tmp_path)
    of_teachers, of_truth = sorted(
        (tmp_path / "targets").iterdir(), key=lambda path: path.stat().st_mtime_ns
    )
    for path in of_teachers.glob("*.npz"):
        truth = np.load(of_truth / path.name)["whole"]
        assert (np.load(path)["whole"] != truth).mean() > 0.1
    before = {path: path.stat().st_mtime_ns for path in of_truth.glob("*.npz")}
    _fit(TrueTargets(str(tmp_path / "targets")), world, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in of_truth.glob("*.npz")} == before
    assert len(before) == 2


def test_what_has_no_truth_is_refused(world: Path, tmp_path: Path) -> None:
    truth = TrueTargets(str(tmp_path / "targets"))
    with pytest.raises(ValueError, match=r"is 32×128, and data\.size is 16×64: TrueTargets needs"):
        _fit(truth, world, tmp_path / "small", size=(16, 64), window=16)
    with pytest.raises(TypeError, match="here are JointDistillation"):
        _fit(truth, world, tmp_path / "joint", JointDistillation)
    images = tmp_path / "other/densepass/leftImg8bit/train"
    images.mkdir(parents=True)
    Image.new("RGB", (128, 32)).save(images / "photograph.png")
    with pytest.raises(ValueError, match=r"photograph\.png: its true label is not known"):
        _fit(truth, tmp_path / "other", tmp_path / "photographs")
