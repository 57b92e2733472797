"""The adapted, routed SAM as proposer of ``goodsam masks compute``."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from goodsam_pl.masks import MaskStore
from goodsam_pl.modules.continual import AdapterRecipe, PooledQuery, RoutedSam, save_routed
from goodsam_pl.modules.continual.adapter_pool import AdapterPool
from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.sam.frozen_sam import FrozenSam

PROPOSER = ("--proposer", "goodsam_pl.modules.continual.RoutedSegmentAnything")
ASKED = ("--proposer.points_per_side", "2", "--proposer.stability_threshold", "0")


@pytest.mark.parametrize("mode", ["window", "quick"])
def test_it_fills_a_store(mode, goodsam, fails, write_panoramas, workplace, sizes):
    write_panoramas(1)
    words = ["masks", "compute", "--mode", mode, "images", "masks", *PROPOSER, *sizes]
    missing = [*words, "--proposer.adapters", "adapters.safetensors", *ASKED]
    assert "no adapters at adapters.safetensors: train them first" in fails(*missing)
    sam = FrozenSam.of("vit_nano")
    pool = AdapterPool(AdapterRecipe("hq"))
    pool.add("town", sam, 0)
    selector = DomainSelector(PooledQuery(sam.shape))
    selector.renew(1, torch.Generator().manual_seed(0))  # resize leaves what memory held
    save_routed(RoutedSam(sam, pool, selector), Path("adapters.safetensors"))
    assert "1 panoramas computed" in goodsam(*missing).out
    assert "0 panoramas computed, 1 had" in goodsam(*missing).out
    store = MaskStore.open(Path("masks"))
    assert store.manifest.proposer["proposer"] == "routed_segment_anything"
    with torch.no_grad():
        selector.biases.add_(1)
    save_routed(RoutedSam(sam, pool, selector), Path("adapters.safetensors"))
    refused = fails(*missing)
    assert "is of other masks" in refused
    assert "adapters" in refused
