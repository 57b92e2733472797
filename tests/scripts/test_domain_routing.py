"""Leave-one-out routing, on domains that differ and on one that is split in two."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from segment_anything.modeling import Sam

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import domain_routing
from domain_routing import LONGER, leave_one_out
from goodsam_pl.modules.continual import PooledQuery, PromptedBatch
from goodsam_pl.sam.frozen_sam import FrozenSam


def domain(brightness: float, count: int = 3, seed: int = 0) -> PromptedBatch:
    random = torch.Generator().manual_seed(seed)
    return PromptedBatch(brightness + 0.1 * torch.randn(count, 3, 64, 64, generator=random), ())


def test_images_go_to_their_own_domain(stock_sam: Callable[[int], Sam]) -> None:
    sam = FrozenSam(stock_sam(0), "stock")
    domains = [domain(-1.0), domain(1.0)]
    table = leave_one_out(sam, domains, lambda: PooledQuery(sam.shape), LONGER, 0)
    assert table.tolist() == [[3, 0], [0, 3]]
    with pytest.raises(ValueError, match="domains have 2, 3 images: give as many of each"):
        leave_one_out(sam, [domain(0, 2), domain(1)], lambda: PooledQuery(sam.shape), LONGER, 0)


def test_the_command_tells_where_images_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, level in (("dark", 30), ("light", 220)):
        for index in range(2):
            noise = np.random.default_rng(index).integers(0, 30, (40, 60, 3), dtype=np.uint8)
            mask = np.zeros((40, 60), dtype=np.uint8)
            mask[10:30, 20:40] = 255
            for kind, picture in (("images", noise + np.uint8(level)), ("masks", mask)):
                path = tmp_path / name / kind / f"{index}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(path)
    monkeypatch.setattr(sys, "argv", ["domain_routing.py", str(tmp_path)])
    domain_routing.main()
    told = capsys.readouterr().out
    assert told.startswith("vit_nano, 4 images of dark, light\n")
    assert "| mean, trained as tokens for longer | 4 | 4 |" in told
    assert "| dark | 2 | 0 |\n| light | 0 | 2 |" in told
