"""Sides of a box give way where the embedding goes on as in the mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam.elastic_box import elastic_box

SIZE = (40, 60)
FRAME = LogitFrame(120, 80, 120)  # enlarged twice, and padded below


@pytest.fixture
def mask() -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[10:31, 15:46] = True  # 21×31: steps of 2 and 3
    return mask


def embedding_of(alike: np.ndarray) -> Tensor:
    """Two channels on 60×60 tokens: one where something is alike, the other elsewhere."""
    whole = torch.zeros(60, 60)
    whole[:40] = F.interpolate(torch.from_numpy(alike)[None, None].float(), (40, 60))[0, 0]
    return torch.stack([whole, 1 - whole])


def grown(mask: np.ndarray, **sides: int) -> np.ndarray:
    rows, columns = np.nonzero(mask)
    wide = mask.copy()
    wide[
        rows.min() - sides.get("top", 0) : rows.max() + 1 + sides.get("bottom", 0),
        columns.min() - sides.get("left", 0) : columns.max() + 1 + sides.get("right", 0),
    ] = True
    return wide


@pytest.mark.parametrize(
    ("sides", "box"),
    [
        ({}, (15, 10, 45, 30)),
        ({"left": 6}, (12, 10, 45, 30)),
        ({"right": 6}, (15, 10, 48, 30)),
        ({"top": 6}, (15, 8, 45, 30)),
        ({"bottom": 6}, (15, 10, 45, 32)),
        ({"left": 6, "bottom": 6}, (12, 10, 45, 32)),
    ],
)
def test_sides_move_by_a_tenth_where_the_image_goes_on(mask, sides, box) -> None:
    found = elastic_box(mask, embedding_of(grown(mask, **sides)), FRAME, margin=0.6)
    assert found == (box, bool(sides))


def test_without_a_margin_every_box_is_tight(mask) -> None:
    everywhere = np.ones(SIZE, bool)
    assert elastic_box(mask, embedding_of(everywhere), FRAME, 0.0) == ((15, 10, 45, 30), False)
    assert elastic_box(mask, embedding_of(everywhere), FRAME, 0.9) == ((12, 8, 48, 32), True)


def test_the_share_decides_against_the_margin(mask) -> None:
    half = mask.copy()
    half[10:20, 6:15] = True  # of 21 rows 10, and of one more a share
    embedding = embedding_of(half)
    assert elastic_box(mask, embedding, FRAME, 0.4)[1]
    assert not elastic_box(mask, embedding, FRAME, 0.6)[1]


def test_a_step_is_ten_pixels_at_most_and_never_leaves_the_window() -> None:
    size = (300, 300)
    mask = np.zeros(size, bool)
    mask[4:200, 50:291] = True
    embedding = torch.ones(2, 30, 30)
    box, moved = elastic_box(mask, embedding, LogitFrame(300, 300, 300), 0.5)
    assert moved
    assert box == (40, 4, 290, 209)  # up and to the right it would leave


def test_shares_are_those_of_the_embedding_enlarged_to_the_image() -> None:
    """The release enlarges the whole embedding; here only strips are looked up."""
    generator = torch.Generator().manual_seed(4)
    embedding = torch.randn(3, 12, 12, generator=generator)
    mask = np.zeros((48, 48), bool)
    mask[12:34, 10:36] = True
    whole = F.normalize(F.interpolate(embedding[None], (48, 48), mode="bilinear")[0], dim=0)
    small = F.interpolate(torch.from_numpy(mask)[None, None].float(), (12, 12))[0, 0] > 0
    query = F.normalize(embedding[:, small].mean(dim=1), dim=0)
    cosine = torch.einsum("chw,c->hw", whole, query)
    strips = {  # 26 wide and 22 high: all steps are 2
        0: cosine[12:34, 8:10],
        1: cosine[10:12, 10:36],
        2: cosine[12:34, 36:38],
        3: cosine[34:36, 10:36],
    }
    tight = (10, 12, 35, 33)
    for side, strip in strips.items():
        share = float((strip > 0.5).float().mean())
        for margin in (share - 0.01, share + 0.01):
            if 0 < margin < 1:
                box, _ = elastic_box(mask, embedding, LogitFrame(48, 48, 48), margin)
                assert (box[side] != tight[side]) == (share > margin)
