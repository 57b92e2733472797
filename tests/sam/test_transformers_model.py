"""A model of transformers: nothing is loaded before it is needed, images are as it wants them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

pytest.importorskip("transformers")
sys.path.insert(0, str(Path(__file__).parent))
from tiny_transformers import TINY

from goodsam_pl.sam.sam_families import SAM_FAMILIES
from goodsam_pl.sam.transformers_model import TransformersModel

FAMILIES = {name: family.model_class for name, family in SAM_FAMILIES.items()}


@pytest.fixture
def model(tmp_path: Path) -> TransformersModel:
    TINY["sam"]().save_pretrained(tmp_path)
    return TransformersModel(str(tmp_path), FAMILIES)


def test_the_network_is_loaded_once_and_not_before_it_is_needed(model: TransformersModel) -> None:
    assert len(model.weights_sha256) == 64
    assert model.checkpoint.family == "sam"
    model.to("cpu")
    assert "network" not in vars(model)
    network = model.network
    assert not network.training
    assert model.network is network


def test_images_are_resized_as_pillow_does_and_normalised(model: TransformersModel) -> None:
    window = torch.randint(0, 256, (1, 3, 20, 30), dtype=torch.uint8)
    found = model.normalised(window, (10, 12))
    picture = Image.fromarray(window[0].permute(1, 2, 0).numpy())
    resized = torch.tensor(list(picture.resize((12, 10), Image.Resampling.BILINEAR).getdata()))
    mean, deviation = (255 * torch.tensor(each) for each in model.statistics)
    expected = ((resized - mean) / deviation).T.reshape(1, 3, 10, 12)
    torch.testing.assert_close(found, expected, rtol=0, atol=0.02)  # half a grey level


def test_a_missing_folder_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    absent = TransformersModel(str(tmp_path / "absent"), FAMILIES, local_files_only=True)
    with pytest.raises(FileNotFoundError, match="absent"):
        absent.checkpoint  # noqa: B018  # a property that reads
