from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from PIL import Image
from torch.utils.data import DataLoader

from goodsam_pl.callbacks import PredictionWriter
from goodsam_pl.data import SourceSample, collate_sources, normalize
from goodsam_pl.taxonomy import get_taxonomy

TAXONOMY = get_taxonomy("camvid-11")
GENERATOR = np.random.default_rng(0)
NAMES = ["a", "amsterdam/night/b", "c.with.dots"]
IMAGES = GENERATOR.integers(0, 256, (3, 6, 12, 3), dtype=np.uint8)
LABELS = GENERATOR.integers(0, 11, (3, 6, 12))
LABELS[0, 0, 0] = 255


class Oracle(LightningModule):
    """Predicts the label."""

    def __init__(self, taxonomy="camvid-11"):
        super().__init__()
        self.taxonomy = get_taxonomy(taxonomy)

    def predict_step(self, batch, batch_idx):
        return batch.label


@pytest.fixture
def predict(tmp_path):
    def predict(module=None, names=NAMES, **options):
        samples = [
            SourceSample(normalize(image), torch.from_numpy(label), name)
            for image, label, name in zip(IMAGES, LABELS, names, strict=True)
        ]
        trainer = Trainer(
            default_root_dir=tmp_path,
            logger=False,
            accelerator="cpu",
            callbacks=[PredictionWriter(**options)],
            enable_progress_bar=False,
        )
        loader = DataLoader(samples, batch_size=2, collate_fn=collate_sources)
        trainer.predict(module or Oracle(), loader, return_predictions=False)

    return predict


def test_labels_hold_class_ids_and_show_their_colours(predict, tmp_path):
    predict()
    for name, label in zip(NAMES, LABELS, strict=True):
        picture = Image.open(tmp_path / f"predictions/labels/{name}.png")
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), label)
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), TAXONOMY.colorize(label))


@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
def test_overlays_mix_image_and_colours(opacity, predict, tmp_path):
    predict(opacity=opacity)
    for name, image, label in zip(NAMES, IMAGES, LABELS, strict=True):
        overlay = np.asarray(Image.open(tmp_path / f"predictions/overlays/{name}.png"))
        expected = (1 - opacity) * image + opacity * TAXONOMY.colorize(label).astype(float)
        assert overlay.shape == (6, 12, 3)
        assert np.abs(overlay - expected).max() <= 0.5


def test_writes_where_it_is_told_and_says_so(predict, tmp_path, capsys):
    predict(output_dir=str(tmp_path / "out"))
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    pictures = {f"out/{kind}/{n}.png" for kind in ("labels", "overlays") for n in NAMES}
    markers = {f"out/{folder}.goodsam" for folder in ("", "labels/", "overlays/")}
    assert files == {*pictures, *markers, "out/legend.png", "out/summary.json"}
    assert f"predictions: {tmp_path}/out\n" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["../escape", "a/../../b", "/etc/passwd"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name, predict, tmp_path):
    with pytest.raises(ValueError, match="leads out of the output folder"):
        predict(names=[name, *NAMES[1:]])


def test_predictions_that_are_no_class_ids_are_refused(predict):
    class Logits(Oracle):
        def predict_step(self, batch, batch_idx):
            return torch.zeros(len(batch.names), 11, 6, 12)

    with pytest.raises(ValueError, match=r"predictions \(2, 11, 6, 12\) do not fit images"):
        predict(Logits())
    with pytest.raises(ValueError, match="wildpass-8 has trainIds"):
        predict(Oracle("wildpass-8"))


def test_names_a_wrong_argument_and_a_wrong_model(predict):
    with pytest.raises(ValueError, match=r"opacity 1\.5"):
        predict(opacity=1.5)

    class Colourless(LightningModule):
        def predict_step(self, batch, batch_idx):
            return batch.label

    with pytest.raises(TypeError, match="PredictionWriter reads `taxonomy`"):
        predict(Colourless())
