from __future__ import annotations

import torch

from goodsam_pl.masks.refined_labels import RefinedMasks
from goodsam_pl.sam.refined_windows import refine_windows


class Encoder:
    """Remembers which windows it saw, by the value of their first pixel."""

    windows_per_batch = 2

    def __init__(self) -> None:
        self.seen: list[list[int]] = []

    def embed(self, windows: torch.Tensor) -> torch.Tensor:
        self.seen.append(windows[:, 0, 0, 0].tolist())
        return windows


def test_each_window_with_masks_is_encoded_once_and_refined_by_its_own_view():
    windows = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 3, 4, 4)
    coarse = [torch.ones(count, 4, 4, dtype=torch.bool) for count in (1, 0, 2, 1, 0)]

    def refine(view, place, masks):
        return RefinedMasks(~masks, torch.full((len(masks),), float(view[place, 0, 0, 0])))

    encoder = Encoder()
    refined = refine_windows(encoder, windows, coarse, refine)
    assert encoder.seen == [[0, 2], [3]]
    assert [each.scores.tolist() for each in refined] == [[0], [], [2, 2], [3], []]
    assert [bool(each.binary.any()) for each in refined] == [False] * 5
    assert [len(each.binary) for each in refined] == [1, 0, 2, 1, 0]
