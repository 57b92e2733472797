from __future__ import annotations

import pytest
import torch
from lightning.pytorch import LightningDataModule, Trainer
from torch import nn
from torch.utils.data import DataLoader

from goodsam_pl import callbacks
from goodsam_pl.data import PanoramaBatch, SourceBatch
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.modules import SourceSegmentation, TARectification
from goodsam_pl.networks import ViewAveraging

GRID = WindowGrid.cover((8, 32), (8, 8), (8, 8))


def panoramas():
    generator = torch.Generator().manual_seed(0)
    return PanoramaBatch(
        image=torch.randn(2, 3, 8, 32, generator=generator),
        label=torch.randint(0, 19, (2, 8, 32), generator=generator),
        masks=None,
        windows=GRID,
        names=["a", "b"],
    )


class Data(LightningDataModule):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def loader(self):
        return DataLoader([self.batch], batch_size=None, collate_fn=lambda batch: batch)

    train_dataloader = val_dataloader = test_dataloader = predict_dataloader = loader


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Conv2d(3, 19, 5, padding=2)


@pytest.fixture
def run(tmp_path):
    def run(verb, module, callback, batch=None):
        trainer = Trainer(
            default_root_dir=tmp_path, logger=False, accelerator="cpu", max_epochs=1,
            callbacks=[callback], enable_progress_bar=False, enable_model_summary=False,
            num_sanity_val_steps=0, enable_checkpointing=False,
        )  # fmt: skip
        return getattr(trainer, verb)(module, datamodule=Data(batch or panoramas()))

    return run


def test_predictions_are_those_of_the_averaged_network_and_afterwards_plain(run, network):
    module, batch = SourceSegmentation(network), panoramas()
    with torch.no_grad():
        plain = module(batch.image)
        averaged = ViewAveraging(network, 3, scales=(1.0, 1.5))(batch.image).argmax(1)
    callback = callbacks.TestTimeAugmentation(rolls=3, scales=(1.0, 1.5))
    (predicted,) = run("predict", module, callback)
    assert torch.equal(predicted, averaged)
    assert not torch.equal(predicted, plain.argmax(1))
    assert not callback.active
    with torch.no_grad():
        assert torch.equal(module(batch.image), plain)


@pytest.mark.parametrize(("verb", "stage"), [("validate", "val"), ("test", "test")])
def test_scores_are_those_of_the_averaged_network(verb, stage, run, network):
    module, averaged = SourceSegmentation(network), SourceSegmentation(ViewAveraging(network, 4))
    (with_it,) = run(verb, module, callbacks.TestTimeAugmentation(4))
    (expected,) = run(verb, averaged, callbacks.ClassTable())
    (without,) = run(verb, module, callbacks.ClassTable())
    assert with_it == expected
    assert with_it[f"{stage}/miou"] != without[f"{stage}/miou"]


def test_windows_are_no_circle_and_stay_as_they_are(run, network):
    module = TARectification(network)
    (with_it,) = run("test", module, callbacks.TestTimeAugmentation(4))
    (without,) = run("test", module, callbacks.ClassTable())
    assert with_it["test/miou"] == without["test/miou"]
    assert with_it["test/miou_whole"] != without["test/miou_whole"]


def test_training_and_its_validation_are_left_alone(run, network):
    callback = callbacks.TestTimeAugmentation(4)
    run("fit", SourceSegmentation(network), callback)
    assert not callback.active


def test_the_table_says_so(run, network, capsys, tmp_path):
    callback = callbacks.TestTimeAugmentation(4, scales=(0.5, 1.0))
    trainer = Trainer(
        default_root_dir=tmp_path, logger=False, accelerator="cpu",
        callbacks=[callback, callbacks.ClassTable()], enable_progress_bar=False,
    )  # fmt: skip
    trainer.test(SourceSegmentation(network), datamodule=Data(panoramas()), verbose=False)
    printed = " ".join(capsys.readouterr().out.split())
    assert "averaged over views: 4 rolls, mirrored, scales 0.5 1" in printed


def test_pinhole_images_cannot_be_rolled(run, network):
    batch = panoramas()
    pinhole = SourceBatch(batch.image, batch.label, batch.names)
    module = SourceSegmentation(network)
    with pytest.raises(TypeError, match="test-time rolls need panoramas"):
        run("test", module, callbacks.TestTimeAugmentation(4), pinhole)
    assert "forward" not in vars(module)
    run("test", module, callbacks.TestTimeAugmentation(1), pinhole)


def test_wrong_arguments_are_refused_at_once():
    with pytest.raises(ValueError, match="rolls is 0"):
        callbacks.TestTimeAugmentation(0)
