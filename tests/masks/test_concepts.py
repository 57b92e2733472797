"""Masks that carry a class keep their order and their overlaps."""

from __future__ import annotations

import torch

from goodsam_pl.masks.concepts import ConceptMasks


def test_masks_come_back_in_the_order_in_which_they_were_found() -> None:
    binary = torch.zeros((3, 6, 8), dtype=torch.bool)
    binary[0, 1, 1] = True  # the smallest one first, inside the largest
    binary[1, 2:4] = True
    binary[2] = True

    masks = ConceptMasks.pack(
        binary, torch.tensor([2, 0, 1]), torch.tensor([0.5, 0.9, 0.1]), torch.zeros((3, 4))
    )

    assert masks.binary().equal(binary)
    assert masks.classes.tolist() == [2, 0, 1]
    assert len(masks) == 3
    assert masks.size == (6, 8)


def test_nothing_found_is_an_answer() -> None:
    nothing = ConceptMasks.none((4, 5))

    assert len(nothing) == 0
    assert nothing.size == (4, 5)
    assert nothing.binary().shape == (0, 4, 5)
    assert nothing.boxes.shape == (0, 4)
    assert nothing.classes.dtype == torch.int64
