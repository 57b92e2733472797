from __future__ import annotations

import pytest
import torch
from lightning.pytorch import LightningDataModule, Trainer
from torch import nn
from torch.utils.data import DataLoader

from goodsam_pl import callbacks
from goodsam_pl.callbacks import TiledPrediction
from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.modules import SourceSegmentation, TARectification

SIZE = (64, 256)
GRID = WindowGrid.cover(SIZE, (64, 96), (64, 80))


def panoramas():
    image = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(0))
    return PanoramaBatch(image, None, None, GRID, ["a", "b"])


class Data(LightningDataModule):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def predict_dataloader(self):
        return DataLoader([self.batch], batch_size=None, collate_fn=lambda batch: batch)


class Circular(nn.Module):
    """Sees 3 pixels far, around the circle if it is told to."""

    def __init__(self, wrap=True):
        super().__init__()
        torch.manual_seed(0)
        self.wrap = wrap
        self.layer = nn.Conv2d(3, 19, 7, padding=(3, 0))
        self.widths = []

    def forward(self, x):
        self.widths.append(x.shape[-1])
        mode = "circular" if self.wrap else "constant"
        return self.layer(nn.functional.pad(x, (3, 3, 0, 0), mode=mode))


@pytest.fixture
def predict(tmp_path):
    def predict(module, *watching, batch=None):
        trainer = Trainer(
            default_root_dir=tmp_path, logger=False, accelerator="cpu",
            callbacks=list(watching), enable_progress_bar=False,
        )  # fmt: skip
        for part in module.modules():
            if isinstance(part, Circular):
                part.widths.clear()  # of the first look at its classes
        [labels] = trainer.predict(module, datamodule=Data(batch or panoramas()))
        return labels

    return predict


def test_tiles_go_on_across_the_seam_of_panoramas(predict):
    module = SourceSegmentation(Circular(wrap=False))
    tiled = predict(module, TiledPrediction((64, 64)))
    assert set(module.network.widths) == {64}
    whole = predict(SourceSegmentation(Circular()))
    assert (tiled == whole).float().mean() > 0.9999  # rounding may decide a tie
    assert "forward" not in vars(module)


def test_and_end_at_the_border_of_pinhole_images(predict):
    label = torch.zeros(2, *SIZE, dtype=torch.int64)
    batch = SourceBatch(panoramas().image, label, ["a", "b"])
    module = SourceSegmentation(Circular(wrap=False))
    tiled = predict(module, TiledPrediction((64, 64)), batch=batch)
    assert set(module.network.widths) == {64}
    whole = predict(module, batch=batch)
    assert (tiled == whole).float().mean() > 0.9999


def test_every_view_of_a_panorama_is_tiled(predict):
    module = SourceSegmentation(Circular())
    tiled = predict(module, TiledPrediction((64, 64)), callbacks.TestTimeAugmentation(2))
    assert set(module.network.widths) == {64}
    whole = predict(module, callbacks.TestTimeAugmentation(2))
    assert (tiled == whole).float().mean() > 0.9999
    assert "forward" not in vars(module)


def test_windows_are_no_circle(predict):
    module = TARectification(Circular(wrap=False))
    tiled = predict(module, TiledPrediction((64, 64)))
    assert (tiled == predict(module)).float().mean() > 0.9999


def test_small_images_are_seen_at_once(predict, caplog):
    module = SourceSegmentation(Circular())
    predict(module, TiledPrediction())
    assert module.network.widths == [256]
    assert not caplog.messages or "tiles" not in " ".join(caplog.messages)


def test_tiles_that_show_too_little_are_refused():
    with pytest.raises(ValueError, match="16×64 pixels show too little"):
        TiledPrediction((16, 64))
