"""A label's parts are drawn again and laid together, without a seam."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.refined_labels import RefinedMasks, Refinement, refine_label

SIZE = (16, 48)
AROUND = WindowGrid.cover(SIZE, (16, 16), (16, 8))


class Snapping:
    """Draws all that has the colour that most of a coarse mask has."""

    def __init__(self, scores: float = 0.8) -> None:
        self.scores = scores
        self.asked: list[int] = []

    def refine(self, windows: Tensor, coarse: Sequence[Tensor]) -> list[RefinedMasks]:
        found = []
        for window, masks in zip(windows, coarse, strict=True):
            self.asked.append(len(masks))
            drawn = [window[0] == window[0][mask].mode().values for mask in masks]
            binary = torch.stack(drawn) if drawn else masks
            found.append(RefinedMasks(binary, torch.full((len(masks),), self.scores)))
        return found

    def describe(self) -> Description:
        return {"refiner": "snapping"}

    def to(self, device: torch.device | str) -> None:
        """Stay."""


def scene(seed: int = 0) -> tuple[Tensor, np.ndarray, np.ndarray]:
    """Pixels that show a truth of three classes, the truth, and a label that strays from it."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, (2, 6)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    coarse = truth.copy()
    coarse[:, ::8] = np.roll(truth, 1, axis=1)[:, ::8]
    pixels = torch.from_numpy(truth.astype(np.uint8) * 50)[None].repeat(3, 1, 1)
    return pixels, truth, coarse


def test_parts_snap_to_the_image() -> None:
    pixels, truth, coarse = scene()
    refined = refine_label(pixels, coarse, WindowGrid.whole(SIZE), Snapping(), Refinement())
    assert (coarse != truth).any()
    np.testing.assert_array_equal(refined.label, truth)
    assert refined.claimed.all()
    assert refined.parts == refined.believed > 0
    assert {mask.concept for mask in refined.masks} == {0, 1, 2}
    assert all(mask.score == pytest.approx(0.8) for mask in refined.masks)


@pytest.mark.parametrize("rule", ["score", "area", "score_sum"])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_a_panorama_turned_by_steps_of_its_windows_gives_the_label_turned(
    rule: str, steps: int
) -> None:
    for seed in range(3):
        pixels, _, coarse = scene(seed)
        noise = np.random.default_rng(seed).random(SIZE) < 0.1
        coarse[noise] = (coarse[noise] + 1) % 3
        how = Refinement(rule, least_agreement=0.2)  # type: ignore[arg-type]
        straight = refine_label(pixels, coarse, AROUND, Snapping(), how)
        turn = 8 * steps
        turned = refine_label(
            pixels.roll(turn, 2), np.roll(coarse, turn, axis=1), AROUND, Snapping(), how
        )
        np.testing.assert_array_equal(turned.label, np.roll(straight.label, turn, axis=1))
        np.testing.assert_array_equal(turned.claimed, np.roll(straight.claimed, turn, axis=1))
        assert (straight.label != coarse).any()


def test_a_thing_across_the_seam_is_one_mask() -> None:
    label = np.zeros(SIZE, np.uint8)
    label[4:12, 42:] = label[4:12, :5] = 1
    pixels = torch.from_numpy(label * 50)[None].repeat(3, 1, 1)
    refined = refine_label(pixels, label, AROUND, Snapping(), Refinement())
    (thing,) = [mask for mask in refined.masks if mask.concept == 1]
    assert thing.box == (42, 4, 11, 8)
    np.testing.assert_array_equal(refined.label, label)


def test_what_is_not_believed_stays_as_it_was_below_what_is() -> None:
    label = np.zeros(SIZE, np.uint8)
    label[2:10, 4:12] = 1
    pixels = torch.zeros(3, *SIZE, dtype=torch.uint8)
    pixels[:, 2:4, 4:12] = 50  # a quarter of it; most is as the ground
    pixels[:, :, 40:] = 90
    whole = WindowGrid.whole(SIZE)
    doubted = refine_label(pixels, label, whole, Snapping(), Refinement(least_agreement=0.5))
    assert (doubted.parts, doubted.believed) == (2, 1)
    ground = (pixels[0] == 0).numpy()
    np.testing.assert_array_equal(doubted.label, np.where(ground, 0, label))
    believed = refine_label(pixels, label, whole, Snapping(), Refinement(rule="area"))
    assert believed.believed == 2


def test_an_agreement_that_is_just_reached_is_enough() -> None:
    class Moved(Snapping):
        def refine(self, windows: Tensor, coarse: Sequence[Tensor]) -> list[RefinedMasks]:
            return [RefinedMasks(each.roll(8, 2), torch.ones(len(each))) for each in coarse]

    class Kept(Snapping):
        def refine(self, windows: Tensor, coarse: Sequence[Tensor]) -> list[RefinedMasks]:
            return [RefinedMasks(each, torch.ones(len(each))) for each in coarse]

    label = np.full(SIZE, 255, np.uint8)
    label[:, 4:12] = 1
    pixels = torch.zeros(3, *SIZE, dtype=torch.uint8)
    whole = WindowGrid.whole(SIZE)
    moved = refine_label(pixels, label, whole, Moved(), Refinement())  # an IoU of 0
    assert moved.believed == 1
    assert (moved.label[:, 4:20] == 1).all()  # where it was nobody else claims it
    kept = refine_label(pixels, label, whole, Kept(), Refinement(least_agreement=1.0))
    assert kept.believed == 1


@pytest.mark.parametrize(("agreement", "things"), [(0.6, 1), (0.7, 2)])
def test_two_windows_have_drawn_one_thing_if_they_agree(agreement: float, things: int) -> None:
    class CutInTheFirst(Snapping):
        def refine(self, windows: Tensor, coarse: Sequence[Tensor]) -> list[RefinedMasks]:
            drawn = [each.clone() for each in coarse]
            drawn[0][:, 10:] = False  # 10 of 16 rows are left, an IoU of 0.625 on the overlap
            return [RefinedMasks(each, torch.ones(len(each))) for each in drawn]

    windows = WindowGrid.cover((16, 24), (16, 16), (16, 8), wrap=False)
    assert windows.count == 2
    label = np.ones((16, 24), np.uint8)
    pixels = torch.zeros(3, 16, 24, dtype=torch.uint8)
    how = Refinement(agreement=agreement)
    assert len(refine_label(pixels, label, windows, CutInTheFirst(), how).masks) == things


def test_an_empty_answer_is_never_believed() -> None:
    class Nothing(Snapping):
        def refine(self, windows: Tensor, coarse: Sequence[Tensor]) -> list[RefinedMasks]:
            return [RefinedMasks(torch.zeros_like(each), torch.ones(len(each))) for each in coarse]

    pixels, _, coarse = scene()
    refined = refine_label(pixels, coarse, AROUND, Nothing(), Refinement())
    np.testing.assert_array_equal(refined.label, coarse)
    assert refined.believed == 0


def test_only_chosen_classes_are_drawn_and_void_is_no_part() -> None:
    pixels, truth, coarse = scene()
    coarse[:4, :8] = 255
    refiner = Snapping()
    how = Refinement(classes=frozenset({1}))
    refined = refine_label(pixels, coarse, WindowGrid.whole(SIZE), refiner, how)
    np.testing.assert_array_equal(refined.label, np.where(truth == 1, 1, coarse))
    nothing = np.full(SIZE, 255, np.uint8)
    same = refine_label(pixels, nothing, WindowGrid.whole(SIZE), refiner, Refinement())
    np.testing.assert_array_equal(same.label, nothing)
    assert refiner.asked[-1] == 0
    assert not same.claimed.any()


def test_a_label_of_another_size_is_refused() -> None:
    pixels, _, coarse = scene()
    with pytest.raises(ValueError, match="the label has 16×47 pixels, its image 16×48"):
        refine_label(pixels, coarse[:, 1:], AROUND, Snapping(), Refinement())


@pytest.mark.parametrize(
    ("name", "value"), [("least_agreement", -0.1), ("least_agreement", 1.1), ("agreement", 0.0)]
)
def test_shares_that_are_none_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        Refinement(**{name: value})  # type: ignore[arg-type]
