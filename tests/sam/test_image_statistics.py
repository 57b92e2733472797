"""Mean and deviation come from the checkpoint, or are those of its family."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from goodsam_pl.sam.image_statistics import image_statistics, usual_statistics
from goodsam_pl.sam.transformers_checkpoint import Checkpoint

OWN = {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.4, 0.5, 0.6]}


def checkpoint(folder: Path, family: str = "sam2") -> Checkpoint:
    return Checkpoint(folder, family, "Sam2Model")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("preprocessor_config.json", OWN),
        ("processor_config.json", {"image_processor": OWN}),
        ("processor_config.json", {"image_processor": OWN | {"rescale_factor": 0.00392156862745}}),
    ],
)
def test_those_of_the_checkpoint_count(tmp_path: Path, name: str, content: object) -> None:
    (tmp_path / name).write_text(json.dumps(content))
    found = image_statistics(checkpoint(tmp_path))
    assert found == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert found.told() == "0.1 0.2 0.3 0.4 0.5 0.6"


def test_without_settings_those_of_the_family_count(tmp_path: Path) -> None:
    for family in ("sam3", "sam3_tracker", "sam3_video"):
        assert image_statistics(checkpoint(tmp_path, family)) == ((0.5,) * 3, (0.5,) * 3)
    for family in ("sam", "sam2_video", "edgetam", "grounding-dino"):
        expected = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        assert image_statistics(checkpoint(tmp_path, family)) == expected
    (tmp_path / "processor_config.json").write_text('{"processor_class": "Sam2Processor"}')
    assert image_statistics(checkpoint(tmp_path)) == usual_statistics("sam2")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"image_mean": [0.1, 0.2]}, "image_mean is .*not three numbers"),
        ({"image_mean": [0.1, 0.2, float("nan")]}, "image_mean is .*not three numbers"),
        ({"image_std": [0.1, 0.0, 0.1]}, "image_std is .*not above 0"),
        ({"image_std": "0.5"}, "image_std is '0.5', and not three numbers"),
        ({"rescale_factor": 1.0}, "in another way than by 1/255"),
        ({"rescale_factor": "x"}, "in another way than by 1/255"),
        ({"do_normalize": False}, "in another way than by 1/255"),
        ({"auto_map": {"AutoProcessor": "own.Processor"}}, "names code to be imported"),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path: Path, changed: object, message: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(OWN | changed))
    with pytest.raises(ValueError, match=rf"preprocessor_config\.json .*{message}"):
        image_statistics(checkpoint(tmp_path))
