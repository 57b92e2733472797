"""Every stage that there is, right."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from goodsam_pl.data import PanoramaBatch, normalize
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.modules import StudentDistillation, TARectification
from goodsam_pl.taxonomy import get_taxonomy
from goodsam_pl.views.stages import observe

GRID = WindowGrid.cover((8, 32), (8, 16), (8, 16))
TAXONOMY = get_taxonomy("cityscapes-19")
ROAD, BUILDING, CAR = 0, 2, 13


class ByBrightness(nn.Module):
    """Bright pixels are cars, dark ones road."""

    def forward(self, images):
        logits = torch.zeros(len(images), 19, *images.shape[-2:])
        logits[:, CAR] = 20 * images[:, 0]
        return logits


class AllBuilding(nn.Module):
    def forward(self, images):
        logits = torch.zeros(len(images), 19, *images.shape[-2:])
        logits[:, BUILDING] = 1
        return logits


def _batch(*, masks=True, label=True) -> PanoramaBatch:
    """A bright square of 4x4 pixels with one of them dark; a mask over the square."""
    pixels = np.zeros((8, 32, 3), dtype=np.uint8)
    pixels[2:6, 4:8] = 255
    pixels[3, 5] = 0
    layers = torch.full((1, GRID.count, 1, 8, 16), -1, dtype=torch.int16)
    layers[0, 0, 0, 2:6, 4:8] = 0
    truth = torch.zeros(1, 8, 32, dtype=torch.int64)
    truth[0, 2:6, 4:8] = CAR
    return PanoramaBatch(
        image=normalize(pixels)[None],
        label=truth if label else None,
        masks=(layers,) if masks else None,
        windows=GRID,
        names=["a"],
    )


def _rectification() -> TARectification:
    return TARectification(ByBrightness()).eval()


def test_all_stages_of_a_rectification_in_the_order_of_the_method() -> None:
    captions = [panel.caption for panel in observe(_batch(), _rectification()).panels()]
    assert captions == [
        "panorama",
        "SAM masks",
        "teacher assistant, windowed",
        "fused labels E",
        "weights M",
        "trusted labels E_H",
        "ground truth",
        "where E differs from TA: green corrected, red spoilt, yellow neither",
    ]


def test_the_pictures_show_what_was_said() -> None:
    batch = _batch()
    stages = observe(batch, _rectification())
    drawn = {panel.caption: panel.picture for panel in stages.panels()}
    road, car = TAXONOMY.palette[ROAD], TAXONOMY.palette[CAR]
    windowed, fused = drawn["teacher assistant, windowed"], drawn["fused labels E"]
    assert tuple(windowed[3, 5]) == road
    assert tuple(fused[3, 5]) == car
    assert tuple(windowed[2, 4]) == tuple(fused[2, 4]) == car
    trust, confident = drawn["weights M"], drawn["trusted labels E_H"]
    assert tuple(trust[3, 5]) == (255, 255, 255)
    assert tuple(trust[0, 0]) == (0, 0, 0)  # no mask there, and a softmax without a peak
    assert tuple(confident[3, 5]) == car
    assert tuple(confident[0, 0]) == (0, 0, 0)
    [difference] = [picture for name, picture in drawn.items() if "differs" in name]
    assert tuple(difference[3, 5]) == (0, 200, 0)
    assert tuple(difference[2, 4]) == (127, 127, 127)


def test_without_masks_there_is_no_fusion_and_without_labels_no_truth() -> None:
    stages = observe(_batch(masks=False, label=False), _rectification())
    captions = [panel.caption for panel in stages.panels()]
    assert captions == ["panorama", "teacher assistant, windowed"]


def test_a_student_gets_its_panel() -> None:
    module = StudentDistillation(AllBuilding(), ByBrightness()).eval()
    stages = observe(_batch(), module, module.student)
    assert (stages.student == BUILDING).all()
    captions = [panel.caption for panel in stages.panels()]
    assert captions.index("student") == captions.index("ground truth") - 1
    assert torch.equal(stages.windowed, observe(_batch(), _rectification()).windowed)


def test_labels_in_other_classes_are_left_out() -> None:
    stages = observe(_batch(), _rectification(), labels_in=get_taxonomy("wildpass-8"))
    assert stages.truth is None
