"""Blocks and tensors scan alike, and runs hold what their pixels hold."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.fusion import scan as module
from goodsam_pl.fusion.scan import scan, spread


def test_every_way_of_scanning_tells_the_pixels_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    softmax = torch.randn(3, 5, 10, generator=generator).repeat_interleave(4, dim=2).softmax(1)
    masks = torch.randint(-1, 3, (3, 2, 20), generator=generator).repeat_interleave(2, dim=2)
    monkeypatch.setattr(module, "_BLOCK", 16)
    for found in (scan(softmax, masks), module._scan_tensors(softmax, masks)):
        lengths = torch.diff(found.starts, append=torch.tensor([120]))
        assert (lengths > 0).all()
        assert torch.equal(found.confidence, softmax.amax(dim=1))
        labels = spread(found.labels, lengths, 120).view(3, 40)
        assert torch.equal(labels.long(), softmax.argmax(dim=1))
        for layer in range(2):
            told = spread(found.masks[layer], lengths, 120).view(3, 40)
            assert torch.equal(told, masks[:, layer])
