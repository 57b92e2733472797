"""A panorama's label is drawn again as it was, and never of another picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.streetworld.export import export
from goodsam_pl.streetworld.redrawing import true_label

COUNTS = {"source_train": 0, "source_val": 0, "target_train": 2, "target_val": 1, "target_test": 0}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world")
    export(out, **COUNTS, severity=0.5, panorama_size=(32, 128), vertical_fov=90, workers=1)
    return out / "densepass"


def _images(world: Path, split: str) -> list[Path]:
    return sorted((world / "leftImg8bit" / split).iterdir())


def test_it_is_the_label_that_was_written(world: Path) -> None:
    [image] = _images(world, "val")
    [written] = (world / "gtFine" / "val").iterdir()
    assert np.array_equal(true_label(image), np.asarray(Image.open(written)))


def test_training_panoramas_have_one_that_is_on_no_disk(world: Path) -> None:
    labels = [true_label(image) for image in _images(world, "train")]
    assert not (world / "gtFine" / "train").exists()
    assert all(label.shape == (32, 128) and label.dtype == np.uint8 for label in labels)
    assert not np.array_equal(*labels)
    classes = np.unique(labels)
    assert {0, 10} <= {*classes}  # road and sky
    assert {*classes} <= {*range(19), 255}


def test_a_file_that_shows_something_else_is_refused(world: Path, tmp_path: Path) -> None:
    first, second = _images(world, "train")
    folder = tmp_path / "densepass/leftImg8bit/train"
    folder.mkdir(parents=True)
    manifest = (world.parent / "streetworld.json").read_text()
    (tmp_path / "streetworld.json").write_text(manifest)
    exchanged = folder / first.name
    exchanged.write_bytes(second.read_bytes())
    with pytest.raises(ValueError, match=f"{first.name} does not show the scene of its name"):
        true_label(exchanged)
    other = folder / "mine.png"
    other.write_bytes(first.read_bytes())
    with pytest.raises(ValueError, match=r"mine\.png: .* no panorama of StreetWorld 1"):
        true_label(other)
    newer = json.loads(manifest)
    newer["settings"]["version"] = 99
    (tmp_path / "streetworld.json").write_text(json.dumps(newer))
    with pytest.raises(ValueError, match="no panorama of StreetWorld 1: draw the export anew"):
        true_label(exchanged)


@pytest.mark.parametrize("manifest", [None, "", "{}", '{"settings": 3}'])
def test_a_panorama_of_no_export_is_refused(world: Path, tmp_path: Path, manifest) -> None:
    image = tmp_path / "densepass/leftImg8bit/train" / _images(world, "train")[0].name
    image.parent.mkdir(parents=True)
    image.write_bytes(_images(world, "train")[0].read_bytes())
    if manifest is not None:
        (tmp_path / "streetworld.json").write_text(manifest)
    with pytest.raises(ValueError, match=r"true label is not known, as .*streetworld\.json is not"):
        true_label(image)
