"""A model and data small enough to train in a moment, for the command line."""

from __future__ import annotations

import os
import signal

import torch
import torch.nn.functional as F
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from lightning.pytorch.overrides.distributed import UnrepeatedDistributedSampler
from torch import nn
from torch.utils.data import DataLoader

from goodsam_pl.data import SourceSample, collate_sources
from goodsam_pl.metrics import SegmentationMetrics
from goodsam_pl.taxonomy import get_taxonomy


class Wider(nn.Module):
    def __init__(self, width: int = 4):
        super().__init__()
        self.width = width


class Named(nn.Module):
    def __init__(self, name: str | None = "named"):
        super().__init__()


class FakeSegmentation(LightningModule):
    """One 1×1 convolution.

    Args:
        taxonomy: class set.
        learning_rate: of SGD.
        network: changes nothing.
    """

    def __init__(
        self,
        taxonomy: str = "cityscapes-19",
        learning_rate: float = 0.1,
        network: nn.Module | None = None,
    ):
        super().__init__()
        self.save_hyperparameters()
        self.taxonomy = get_taxonomy(taxonomy)
        self.network = network
        self.layer = nn.Conv2d(3, len(self.taxonomy.classes), 1)
        self.metrics = SegmentationMetrics(len(self.taxonomy.classes))
        self.latest_scores = {}

    def training_step(self, batch, batch_idx):
        loss = F.cross_entropy(self.layer(batch.image), batch.label, ignore_index=255)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.metrics.update(self.layer(batch.image), batch.label)

    test_step = validation_step

    def on_validation_epoch_end(self):
        self.score("val")

    def on_test_epoch_end(self):
        self.score("test")

    def score(self, stage):
        self.latest_scores = {"whole": self.metrics.compute()}
        self.log_dict(self.latest_scores["whole"].as_log(stage, self.taxonomy.classes))
        self.metrics.reset()

    def predict_step(self, batch, batch_idx):
        return self.layer(batch.image).argmax(dim=1)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.learning_rate)


class OtherSegmentation(FakeSegmentation):
    pass


class FakeData(LightningDataModule):
    """Random images whose classes follow their colours.

    Args:
        taxonomy: class set.
        images: how many.
        broken: raise when set up, as for a missing folder, or when a sample is read.
        root: nothing is read there.
        workers: of the loaders.
    """

    def __init__(
        self,
        taxonomy: str = "camvid-11",
        images: int = 5,
        broken: str | None = None,
        root: str | None = None,
        workers: int = 0,
    ):
        super().__init__()
        self.images, self.broken, self.workers = images, broken, workers
        self.classes = len(get_taxonomy(taxonomy).classes)

    def setup(self, stage):
        if self.broken == "elsewhere":
            int("no number")
        if self.broken == "file":
            raise FileNotFoundError(f"{self.broken}: there is no such folder; set data.root")

    def samples(self):
        generator = torch.Generator().manual_seed(0)
        palette = torch.randn(self.classes, 3, generator=generator)
        for index in range(self.images):
            label = torch.randint(0, self.classes, (6, 12), generator=generator)
            image = palette[label].permute(2, 0, 1) + torch.randn(3, 6, 12, generator=generator) / 4
            label[0, :3] = 255
            yield SourceSample(image, label, f"city/{index}")

    def loader(self):
        samples = list(self.samples())
        shared = self.trainer.world_size > 1
        rank = {"num_replicas": self.trainer.world_size, "rank": self.trainer.global_rank}
        sampler = UnrepeatedDistributedSampler(samples, shuffle=False, **rank) if shared else None
        if self.broken == "sample":
            samples = Broken()
        return DataLoader(
            samples,
            batch_size=2,
            collate_fn=collate_sources,
            sampler=sampler,
            num_workers=self.workers,
        )

    train_dataloader = val_dataloader = test_dataloader = predict_dataloader = loader


class Broken(list):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        raise FileNotFoundError(2, "no such image", "a.png")


class StopAt(Callback):
    """Sends this process a signal after a step."""

    def __init__(self, step: int, signal: str):
        self.step, self.signal = step, signal

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.global_step == self.step:
            os.kill(os.getpid(), getattr(signal, self.signal))


class FailAt(Callback):
    """Raises in the middle of a step."""

    def __init__(self, step: int):
        self.step = step

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.global_step == self.step:
            raise ValueError("this step cannot be made")


class PlainData(FakeData):
    """No taxonomy to link."""

    def __init__(self, images: int = 5):
        super().__init__("cityscapes-19", images)


class DictionaryNetwork(nn.Module):
    """Logits of stride 4 in a dictionary, as torchvision's networks give them."""

    def __init__(self, classes: int):
        super().__init__()
        self.layer = nn.Conv2d(3, classes, 4, stride=4)

    def forward(self, images):
        return {"out": self.layer(images)}
