"""Networks, batches and trainers so small that a training takes a blink."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning.pytorch import Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from goodsam_pl.data import AdaptationBatch, PanoramaBatch, SourceBatch
from goodsam_pl.geometry import WindowGrid

GRID = WindowGrid.cover((16, 48), (16, 16), (16, 12))


class TinyNetwork(nn.Module):
    """Three pixels wide, with a normalisation whose statistics would tell training mode."""

    def __init__(self, classes: int = 19) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, classes, 3, padding=1)
        self.norm = nn.BatchNorm2d(classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.norm(self.convolution(images))


def panoramas(seed: int = 0, labelled: bool = True) -> PanoramaBatch:
    """Two panoramas of noise with masks, in one family of windows."""
    generator = torch.Generator().manual_seed(seed)
    return PanoramaBatch(
        image=torch.randn(2, 3, 16, 48, generator=generator),
        label=torch.randint(0, 19, (2, 16, 48), generator=generator) if labelled else None,
        masks=(torch.randint(-1, 4, (2, GRID.count, 2, 16, 16), generator=generator).short(),),
        windows=GRID,
        names=["a", "b"],
    )


def sources(seed: int = 0) -> SourceBatch:
    """Two pinhole images of noise, labelled but for the sky."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(2, 3, 16, 32, generator=generator)
    label = torch.randint(0, 19, (2, 16, 32), generator=generator)
    label[:, :4] = 255
    return SourceBatch(image=image, label=label, names=["a", "b"])


def loader(*batches: PanoramaBatch | SourceBatch | AdaptationBatch) -> DataLoader[object]:
    """These batches as they are, in their order."""
    return DataLoader(list(batches), batch_size=None, collate_fn=_as_it_is)


def trainer(path: Path, steps: int = 3, **settings: object) -> Trainer:
    """Some steps on the CPU; ``settings`` are further ones of Lightning's."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "num_sanity_val_steps": 0}
    whole = {"logger": False, "accelerator": "cpu", **quiet, **settings}
    return Trainer(default_root_dir=path, max_steps=steps, **whole)  # type: ignore[arg-type]


def _as_it_is(batch: object) -> object:
    return batch
