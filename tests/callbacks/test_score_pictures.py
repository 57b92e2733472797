"""What lies in the folder of a run without a logger; test_dashboard.py has the dashboards."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from PIL import Image

from goodsam_pl.callbacks import ScorePictures
from goodsam_pl.metrics import scores_from_confusion
from goodsam_pl.taxonomy import get_taxonomy
from goodsam_pl.views.class_pictures import class_bars
from goodsam_pl.views.pictures import contact_sheet


def test_without_a_logger_they_lie_in_the_runs_folder(tmp_path: Path) -> None:
    taxonomy = get_taxonomy("camvid-11")
    scores = scores_from_confusion(torch.eye(11, dtype=torch.int64))
    module = SimpleNamespace(taxonomy=taxonomy, latest_scores={"whole": scores})
    trainer = SimpleNamespace(
        fast_dev_run=False, is_global_zero=True, loggers=[], sanity_checking=False
    )
    pictures = ScorePictures()
    pictures._directory = tmp_path
    pictures.on_validation_end(trainer, module)
    pictures.on_test_end(trainer, module)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("test_class_bars.png", "test_confusion.png"),
        *("val_class_bars.png", "val_confusion.png"),
    ]
    drawn = np.asarray(Image.open(tmp_path / "val_class_bars.png"))
    expected = class_bars(scores, taxonomy, "val, whole, camvid-11")
    np.testing.assert_array_equal(drawn, contact_sheet([[("whole", expected)]]))


def test_a_model_without_scores_is_refused() -> None:
    with pytest.raises(TypeError, match="ScorePictures reads `taxonomy` and `latest_scores`"):
        ScorePictures().setup(Trainer(logger=False), LightningModule(), "fit")
