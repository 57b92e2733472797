"""A run from its folder says what its trained networks say; a preset, what it starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from goodsam_pl import inspect, load
from goodsam_pl.modules import StudentDistillation, TARectification
from goodsam_pl.networks import SegmentationNetwork


def test_the_folder_of_a_run_brings_its_trained_student(place) -> None:
    run = inspect.open_run(place.run)
    assert isinstance(run.module, StudentDistillation)
    assert run.panoramas("test") == [place.panorama]
    image = run.look(place.panorama).image[None]
    trained = load(place.run / "last.ckpt")
    assert torch.equal(run.student(image), trained(image))
    started = SegmentationNetwork(weights="streetworld").eval()
    assert not torch.equal(run.student(image), started(image))


def test_a_preset_brings_the_weights_that_it_names(place) -> None:
    run = inspect.open_run(place.preset, options=place.options)
    assert isinstance(run.module, TARectification)
    assert run.student is None
    assert not run.module.training
    shipped = SegmentationNetwork(weights="streetworld").eval()
    images = torch.rand(1, 3, 48, 64)
    assert torch.equal(run.module.teacher_assistant(images), shipped(images))


def test_an_option_that_is_wrong_is_told_as_on_the_command_line(place) -> None:
    with pytest.raises(ValueError, match=r"cannot be opened: goodsam inspect: error: .*modle"):
        inspect.open_run(place.preset, options=["--modle", "x"])


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (None, "there is no such run"),
        ([], "holds no config.yaml"),
        (["config.yaml"], "holds no last.ckpt"),
    ],
)
def test_what_is_no_run_is_named(tmp_path: Path, make: list[str] | None, told: str) -> None:
    run = tmp_path / "run"
    for name in make or []:
        run.mkdir(exist_ok=True)
        (run / name).write_text("")
    if make is not None:
        run.mkdir(exist_ok=True)
    with pytest.raises(FileNotFoundError, match=f"run.*{told}"):
        inspect.open_run(run)


def test_a_run_without_a_teacher_assistant_has_no_stages(place) -> None:
    source = place.preset.parent / "source.yaml"
    with pytest.raises(TypeError, match="SourceSegmentation has no teacher assistant"):
        inspect.open_run(source)
