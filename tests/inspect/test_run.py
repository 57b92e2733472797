"""Looking at a panorama: one of the data with labels, or any file; masks are made once."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl import inspect
from goodsam_pl.callbacks import PrecomputeSAM
from goodsam_pl.masks import MaskStore
from goodsam_pl.views.stages import observe


@pytest.fixture(scope="module")
def run(place) -> inspect.InspectedRun:
    return inspect.open_run(place.preset, options=place.options)


def test_a_look_says_what_the_module_says_of_the_same_batch(place, run) -> None:
    look = run.look(place.panorama)
    batch = run.data.panorama(place.panorama)
    [log_probabilities] = run.module.predict_windows(batch)
    assert torch.equal(look.logits[0].log_softmax(dim=1), log_probabilities[0].detach())
    with torch.no_grad():
        expected = run.module.teachers.look(run.module.teacher_assistant, batch)
    assert torch.equal(look.stitched, expected.stitched[0])
    assert torch.equal(look.target, expected.target[0])
    fused = look.fuse()
    assert torch.equal(fused.ensemble, expected.ensemble[0])
    assert fused.trusted == pytest.approx(expected.trusted.item(), abs=1e-6)
    assert torch.equal(look.truth, batch.label[0])


def test_the_panels_of_a_training_are_made_of_the_same_look(place, run) -> None:
    look = run.look(place.panorama)
    shown = observe(run.data.panorama(place.panorama), run.module.eval())
    for name, labels in inspect.stages_of(look).labels.items():
        assert torch.equal(labels, shown.labels[name])
    assert [*shown.labels][-1] == "ground truth"


def test_any_other_file_has_masks_and_no_truth(place, run, tmp_path) -> None:
    other = tmp_path / "other.png"
    pixels = np.asarray(Image.open(place.panorama))[:, ::-1]
    Image.fromarray(np.ascontiguousarray(pixels)).save(other)
    store = MaskStore.open(run.data.mask_root)
    assert store.keys(other) not in store
    look = run.look(other)
    assert look.truth is None
    assert look.name == "other"
    assert look.masks is not None
    assert store.keys(other) in store


def test_masks_that_nobody_makes_are_missed(place, run, tmp_path) -> None:
    other = tmp_path / "other.png"
    Image.fromarray(np.zeros((48, 256, 3), np.uint8)).save(other)
    stored_only = inspect.InspectedRun(run.module, run.data)
    assert stored_only.look(place.panorama).masks is not None
    with pytest.raises(ValueError, match=r"has no masks for .*other\.png"):
        stored_only.look(other)


def test_a_student_of_elsewhere_is_asked_in_the_place_of_the_runs_own(place, run) -> None:
    class AllBuilding(torch.nn.Module):
        def forward(self, images):
            logits = torch.zeros(len(images), 19, *images.shape[-2:])
            logits[:, 2] = 1
            return logits

    look = run.look(place.panorama, student=AllBuilding())
    assert (look.student_logits.argmax(dim=0) == 2).all()
    assert run.look(place.panorama).student_logits is None


def test_a_file_that_is_not_there_and_one_that_is_no_panorama_are_named(run, tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone.png: there is no such panorama"):
        run.look(tmp_path / "gone.png")
    square = tmp_path / "square.png"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(square)
    with pytest.raises(ValueError, match=r"square.png.*64×64"):
        run.look(square)


def test_random_numbers_go_on_as_if_nobody_had_looked(place, run) -> None:
    shutil.rmtree(run.data.mask_root)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    run.make_masks([place.panorama])
    assert torch.equal(torch.rand(2), expected)
    assert isinstance(run.masks, PrecomputeSAM)
