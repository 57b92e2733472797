"""A routed SAM proposes masks: plain SAM's to the bit where it is unsure, else its adapter's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from goodsam_pl.masks.window_masks import WindowMasks
from goodsam_pl.modules.continual import (
    AdapterRecipe,
    PooledQuery,
    RoutedSam,
    RoutedSegmentAnything,
    save_routed,
)
from goodsam_pl.modules.continual.adapter_pool import AdapterPool
from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch, draw_masks
from goodsam_pl.sam import SegmentAnything
from goodsam_pl.sam.frozen_sam import FrozenSam

ASKED = {"points_per_side": 2, "predicted_iou_threshold": 0.0, "stability_threshold": 0.0}


@pytest.fixture(scope="module")
def windows() -> Tensor:
    random = torch.Generator().manual_seed(2)
    noise = torch.randint(0, 60, (2, 3, 96, 144), generator=random)
    noise[0, :, 20:70, 30:90] += 150
    noise[1, 0] += 120
    return noise.to(torch.uint8)


def save(
    path: Path, least_confidence: float, kind: str = "hq", keys: float = 0.0
) -> tuple[RoutedSam, Path]:
    """Two domains; both windows go to the second, sure by half and a bit."""
    sam = FrozenSam.of("vit_nano")
    pool = AdapterPool(AdapterRecipe(kind))  # type: ignore[arg-type]
    for place, name in enumerate(("town", "fog")):
        adapter = pool.add(name, sam, place)
        with torch.no_grad():
            random = torch.Generator().manual_seed(place)
            for parameter in adapter.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=random))
    selector = DomainSelector(PooledQuery(sam.shape), least_confidence)
    selector.renew(2, torch.Generator().manual_seed(0))
    with torch.no_grad():
        selector.keys.fill_(keys)
        selector.biases.copy_(torch.tensor([0.0, 0.5]))
    routed = RoutedSam(sam, pool, selector).eval()
    save_routed(routed, path)
    return routed, path


def parts(masks: WindowMasks) -> list[Tensor]:
    assert masks.logits is not None
    return [masks.binary(), masks.predicted_iou, masks.stability, masks.logits]


def test_where_it_is_unsure_masks_are_plain_sams_to_the_bit(
    windows: Tensor, tmp_path: Path
) -> None:
    _, path = save(tmp_path / "adapters.safetensors", 0.9)
    found = RoutedSegmentAnything(str(path), **ASKED).propose(windows)  # type: ignore[arg-type]
    plain = SegmentAnything(points_per_batch=16, **ASKED).propose(windows)  # type: ignore[arg-type]
    for one, other in zip(found, plain, strict=True):
        assert len(one.predicted_iou) > 0
        assert all(a.equal(b) for a, b in zip(parts(one), parts(other), strict=True))


@pytest.mark.parametrize("kind", ["hq", "low_rank"])
def test_where_it_is_sure_masks_are_the_adapters(
    kind: str, windows: Tensor, tmp_path: Path
) -> None:
    routed, path = save(tmp_path / "adapters.safetensors", 0.0, kind)
    proposer = RoutedSegmentAnything(str(path), **ASKED, box_nms_threshold=1.0)  # type: ignore[arg-type]
    found = proposer.propose(windows)[0]
    plain = SegmentAnything(**ASKED)  # type: ignore[arg-type]
    # by hand: the window's 96x144 pixels become 128x192 of the square, so points grow by 4 / 3
    points = torch.tensor([[36.0, 24], [108, 24], [36, 72], [108, 72]]) * 4 / 3
    squares = plain.squares(windows[:1]).expand(4, -1, -1, -1)
    batch = PromptedBatch.of(squares, [("points", torch.arange(4), points[:, None])])
    with torch.no_grad():
        expected = draw_masks(routed.pool[1], routed.sam, batch)[:, 0]
    frame = plain.frame((96, 144))
    placed = frame.place(expected, (96, 144)) > 0
    drawn = {tuple(mask.flatten().tolist()) for mask in found.binary()}
    wanted = [mask for mask in placed if mask.sum() >= 16]
    assert wanted
    nearest = [
        max(float((torch.tensor(one) == mask.flatten()).float().mean()) for one in drawn)
        for mask in wanted
    ]
    assert min(nearest) > 0.999
    assert found.predicted_iou.equal(found.stability)


def test_its_description_has_the_adapters(tmp_path: Path) -> None:
    _, path = save(tmp_path / "adapters.safetensors", 0.0)
    _, other = save(tmp_path / "others.safetensors", 0.5)
    one, another = (RoutedSegmentAnything(str(each)).describe() for each in (path, other))
    assert one["proposer"] == "routed_segment_anything"
    assert one["weights"] == SegmentAnything().describe()["weights"]
    assert {name for name in one if one[name] != another[name]} == {"adapters"}
    with pytest.raises(FileNotFoundError, match=r"no adapters at .*: train them first"):
        RoutedSegmentAnything(str(tmp_path / "nowhere")).describe()
