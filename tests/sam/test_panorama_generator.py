"""Masks of whole panoramas: every region is asked about, few of them twice."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskProposer, WindowMasks
from goodsam_pl.masks.layers import mask_boxes
from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam import Felzenszwalb, PanoramaMaskGenerator, SegmentAnything
from goodsam_pl.sam.joined_masks import join_windows
from goodsam_pl.sam.panorama_generator import PromptedModel, lay_points
from goodsam_pl.sam.point_prompts import Answers, EmbeddedWindows

GRID = WindowGrid.cover((32, 128), (32, 32), (32, 16))


class Oracle:
    """Answers a point with all pixels of its window that have the point's colour."""

    points_per_side = 8

    def __init__(self) -> None:
        self.asked = 0

    def to(self, device: torch.device | str) -> None:
        """Has no tensors."""

    def describe(self) -> dict[str, str | int | float]:
        return {"proposer": "oracle"}

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        raise AssertionError("a model that answers points is asked at points")

    def embed(self, windows: Tensor) -> EmbeddedWindows:
        return EmbeddedWindows(windows.float(), LogitFrame(32, 32, 32), (32, 32))

    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        self.asked += len(points)
        colour = view.embeddings[index, 0]
        x, y = points.long().unbind(dim=1)
        binary = colour[None] == colour[y, x][:, None, None]
        scores = torch.full((len(points),), 0.9)
        areas = binary.sum(dim=(1, 2)).float()
        logits = binary.float() - 0.5
        numbers = torch.arange(len(points))
        return Answers(numbers, logits, mask_boxes(binary), areas, scores, scores)

    def keep_best(self, view: EmbeddedWindows, answers: Answers) -> WindowMasks:
        binary = (answers.logits > 0).unique(dim=0)
        scores = torch.full((len(binary),), 0.9)
        return WindowMasks.pack(binary, scores, scores)


def _street(turn: int = 0) -> Tensor:
    """Sky, road, and four houses between them, one of them across the seam."""
    panorama = torch.zeros(3, 32, 128, dtype=torch.uint8)
    panorama[:, 20:] = 1
    for number, left in enumerate((10, 45, 80, 118)):
        panorama[:, 8:20, torch.arange(left, left + 20) % 128] = 2 + number
    return panorama.roll(turn, dims=2)


def _regions(panorama: Tensor) -> set[bytes]:
    return {(panorama[0] == colour).numpy().tobytes() for colour in panorama[0].unique()}


def test_it_finds_every_region_once_and_asks_little() -> None:
    oracle = Oracle()
    generator = PanoramaMaskGenerator(oracle, GRID, points="unexplained")
    assert isinstance(oracle, PromptedModel)
    assert isinstance(generator, MaskProposer)
    for turn in (0, 16, 48):
        (found,) = generator.propose(_street(turn)[None])
        assert {mask.numpy().tobytes() for mask in found.binary()} == _regions(_street(turn))
    everywhere = 3 * GRID.count * 8 * 8
    assert generator.asked == oracle.asked < everywhere / 3


def test_a_model_that_sketches_is_asked_for_distinct_masks(street_image: Tensor) -> None:
    windows = WindowGrid.cover((192, 1024), (192, 192), (192, 192))
    proposer = SegmentAnything(points_per_side=4)
    (found,) = PanoramaMaskGenerator(proposer, windows).propose(street_image[None])
    cut = windows.extract(street_image[None])[0]
    expected = join_windows(proposer.propose_distinct(cut), windows)
    assert len(found) > 0
    assert torch.equal(found.layers, expected.layers)


def test_points_cannot_be_left_out_for_a_proposer_without_any() -> None:
    with pytest.raises(ValueError, match="Felzenszwalb answers no points"):
        PanoramaMaskGenerator(Felzenszwalb(), GRID, points="unexplained")


def test_points_lie_as_densely_as_on_a_window_and_go_to_the_nearest() -> None:
    points = lay_points(GRID, 8)
    assert points.places.shape == (8 * 32, 2)
    assert points.places[:2].tolist() == [[2.0, 2.0], [6.0, 2.0]]
    left = torch.tensor(GRID.columns)[points.windows]
    inside = (points.places[:, 0] - left) % 128
    assert inside.min() >= 8  # each window is asked in its middle half alone
    assert inside.max() <= 24
    counts = [int((points.rounds == step).sum()) for step in range(3)]
    assert counts == [2 * 8, 4 * 16, 8 * 32 - 4 * 16 - 2 * 8]  # the coarse grids share no point


def test_a_proposer_without_points_is_asked_once_a_window_and_joined() -> None:
    (found,) = PanoramaMaskGenerator(Felzenszwalb(minimum_area=20), GRID).propose(
        40 * _street()[None]
    )
    road = torch.zeros(32, 128, dtype=torch.bool)
    road[20:] = True
    overlap = (found.binary() & road).sum(dim=(1, 2)) / (found.binary() | road).sum(dim=(1, 2))
    assert overlap.max() > 0.9


def test_the_description_names_the_mode_and_the_windows() -> None:
    description = PanoramaMaskGenerator(Oracle(), GRID).describe()
    assert description == {
        "proposer": "oracle",
        "mode": "panorama",
        "mode_version": 4,
        "points": "all",
        "window_size": "32x32",
        "window_stride": "32x16",
    }
