"""Targets of other masks, windows or views are never found for these."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from PIL import Image
from torch import nn

from goodsam_pl.callbacks import PrecomputeSAM, PrecomputeTeacher
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.modules import StudentDistillation
from goodsam_pl.sam import Felzenszwalb


def _learn(folder: Path, scale: float = 50.0, **view: object) -> int:
    """Train a step on one panorama; how many folders of targets there are then."""
    (folder / "images").mkdir(exist_ok=True)
    blocks = np.random.default_rng(0).integers(0, 256, (2, 8, 3), dtype=np.uint8)
    Image.fromarray(blocks.repeat(8, 0).repeat(8, 1)).save(folder / "images" / "a.png")
    settings = {"window_size": (16, 16), "window_stride": (16, 16), "vertical_fov": 90, **view}
    data = PanoramaDataModule(
        dataset="folder",
        root=folder / "images",
        size=(16, 64),
        mask_root=folder / f"masks {scale} {view}",
        batch_size=1,
        num_workers=0,
        **settings,
    )
    torch.manual_seed(0)
    networks = nn.Conv2d(3, 19, 1), nn.Conv2d(3, 19, 1)
    trainer = Trainer(
        default_root_dir=folder,
        max_steps=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[
            PrecomputeSAM(Felzenszwalb(scales=(scale,))),
            PrecomputeTeacher(str(folder / "targets")),
        ],
    )
    trainer.fit(StudentDistillation(*networks, warmup_steps=0), datamodule=data)
    return len(list((folder / "targets").iterdir()))


@pytest.mark.parametrize(
    "changed",
    [{"scale": 20.0}, {"window_stride": (16, 8)}, {"vertical_fov": 88}],
    ids=["masks", "windows", "view"],
)
def test_other_masks_windows_or_views_have_a_folder_of_their_own(tmp_path: Path, changed) -> None:
    assert _learn(tmp_path) == 1
    assert _learn(tmp_path) == 1
    assert _learn(tmp_path, **changed) == 2
