"""Rounds of SAMRefiner, against a model that writes down what it is asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam import SegmentAnything
from goodsam_pl.sam.coarse_prompts import distance_inside, gaussian_prompt
from goodsam_pl.sam.mask_prompts import MaskPrompts
from goodsam_pl.sam.point_prompts import EmbeddedWindows
from goodsam_pl.sam.sam_refiner import SamRefiner

SIDE = 32


class Growing:
    """Answers each box with itself (0.3), one pixel more on the right (0.9), and nothing (0.1)."""

    windows_per_batch = 2

    def __init__(self, answers: bool = True) -> None:
        self.answers = answers
        self.encoded: list[int] = []
        self.asked: list[MaskPrompts] = []

    def embed(self, windows: Tensor) -> EmbeddedWindows:
        self.encoded.append(len(windows))
        tokens = torch.ones(len(windows), 3, SIDE // 4, SIDE // 4)
        return EmbeddedWindows(tokens, LogitFrame(SIDE, SIDE, SIDE), (SIDE, SIDE))

    def embedding_channels(self) -> int:
        return 2

    def decode_mask_prompts(
        self, view: EmbeddedWindows, index: int, prompts: MaskPrompts
    ) -> tuple[Tensor, Tensor]:
        self.asked.append(prompts)
        logits = torch.full((len(prompts.boxes), 3, SIDE, SIDE), -1.0)
        if self.answers:
            for number, (left, top, right, bottom) in enumerate(prompts.boxes.int().tolist()):
                logits[number, 0, top : bottom + 1, left : right + 1] = 1.0
                logits[number, 1, top : bottom + 1, left : right + 2] = 1.0
        return logits, torch.tensor([[0.3, 0.9, 0.1]]).repeat(len(logits), 1)

    def describe(self) -> Description:
        return {"proposer": "growing", "weights": "none", "points_per_side": 3}

    def to(self, device: torch.device | str) -> None:
        """Stay."""


def rectangle(top: int, left: int, height: int, width: int) -> Tensor:
    mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    mask[top : top + height, left : left + width] = True
    return mask


WINDOWS = torch.zeros(1, 3, SIDE, SIDE, dtype=torch.uint8)


@pytest.mark.parametrize("rounds", [1, 3, 5])
def test_each_round_asks_about_the_best_answer_to_the_one_before(rounds: int) -> None:
    model = Growing()
    coarse = rectangle(4, 3, 6, 8)
    (found,) = SamRefiner(model, rounds).refine(WINDOWS, [coarse[None]])
    assert torch.equal(found.binary[0], rectangle(4, 3, 6, 8 + rounds))
    assert found.scores.tolist() == pytest.approx([0.9])
    widths = [float(asked.boxes[0, 2]) for asked in model.asked]
    assert widths == [10.0 + number for number in range(rounds)]


def test_what_is_asked_is_points_box_and_gaussian() -> None:
    model = Growing()
    ell = rectangle(2, 2, 12, 5) | rectangle(9, 2, 5, 16)
    SamRefiner(model, 1, strength=20.0, gamma=3.0).refine(WINDOWS, [ell[None]])
    (asked,) = model.asked
    assert asked.labels.tolist() == [[1, 0]]
    assert asked.boxes.tolist() == [[2.0, 2.0, 17.0, 13.0]]
    assert asked.points[0, 1].tolist() == [13.0, 2.0]  # 7 from either leg of the L
    mask = ell.numpy()
    distances = distance_inside(mask)
    column, row = asked.points[0, 0].int().tolist()
    assert distances[row, column] == distances.max()
    gaussian = gaussian_prompt(mask, distances, 20.0, 3.0)
    np.testing.assert_allclose(asked.masks[0].numpy(), gaussian, atol=1e-4)


def test_masks_with_as_many_points_are_asked_together() -> None:
    model = Growing()
    full, ell = rectangle(4, 3, 6, 8), rectangle(2, 2, 12, 5) | rectangle(9, 2, 5, 16)
    coarse = torch.stack([full, ell, rectangle(20, 20, 3, 3)])
    (found,) = SamRefiner(model, 1).refine(WINDOWS, [coarse])
    assert [asked.labels.tolist() for asked in model.asked] == [[[1], [1]], [[1, 0]]]
    for mask, width in zip(found.binary, (9, 17, 4), strict=True):
        columns = mask.any(dim=0).nonzero()
        assert int(columns.max() - columns.min()) + 1 == width


def test_a_widened_box_weakens_its_own_mask_prompt_alone() -> None:
    model = Growing()
    wide, small = rectangle(4, 3, 20, 20), rectangle(27, 27, 4, 4)  # a tenth of 3 is nothing
    SamRefiner(model, 1, margin=0.5).refine(WINDOWS, [torch.stack([wide, small])])
    (asked,) = model.asked
    assert asked.masks.amin(dim=(1, 2)).tolist() == [-1.0, -30.0]
    assert asked.boxes[0].tolist() == [2.0, 3.0, 23.0, 24.0]


def test_a_mask_without_an_answer_stays_as_it_was() -> None:
    model = Growing(answers=False)
    coarse = rectangle(4, 3, 6, 8)[None]
    (found,) = SamRefiner(model).refine(WINDOWS, [coarse])
    assert torch.equal(found.binary, coarse)
    assert found.scores.tolist() == [0.0]
    assert len(model.asked) == 1


def test_windows_without_masks_are_not_encoded() -> None:
    model = Growing()
    nothing = torch.zeros(0, SIDE, SIDE, dtype=torch.bool)
    one = rectangle(4, 3, 6, 8)[None]
    found = SamRefiner(model, 1).refine(WINDOWS.repeat(4, 1, 1, 1), [nothing, one, one, one])
    assert model.encoded == [2, 1]
    assert [len(each.binary) for each in found] == [0, 1, 1, 1]


def test_it_drives_a_true_sam(street_image: Tensor) -> None:
    """What vit_nano answers means nothing, as it has never seen such prompts; the road is true."""
    refiner = SamRefiner(SegmentAnything("vit_nano"), rounds=2)
    coarse = torch.zeros(2, 192, 192, dtype=torch.bool)
    coarse[0, 100:180, 20:170] = coarse[1, 5:60, 30:90] = True
    (found,) = refiner.refine(street_image[None, :, :, :192], [coarse])
    assert found.binary.shape == (2, 192, 192)
    assert found.binary.flatten(1).any(dim=1).all()
    assert bool(((found.scores >= 0) & (found.scores <= 1)).all())


def test_it_says_what_its_masks_depend_on() -> None:
    described = SamRefiner(Growing()).describe()
    assert described == {
        "refiner": "sam_refiner",
        "rounds": 5,
        "margin": 0.0,
        "strength": 30.0,
        "gamma": 4.0,
        "sam_proposer": "growing",
        "sam_weights": "none",
    }


@pytest.mark.parametrize(("name", "value"), [("rounds", 0), ("margin", -0.1), ("margin", 1.0)])
def test_numbers_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is"):
        SamRefiner(Growing(), **{name: value})  # type: ignore[arg-type]
