from __future__ import annotations

import pytest
import torch

from goodsam_pl.losses import feature_matching
from goodsam_pl.modules.ssr.sam_matching import SamMatching


def test_it_is_the_mean_over_active_stages_of_translated_features() -> None:
    torch.manual_seed(0)
    layer = SamMatching(6, (4, 8, 20), active=(2, 0))
    features = tuple(torch.randn(2, c, 8 >> i, 8 >> i) for i, c in enumerate((4, 8, 20)))
    embedding = torch.randn(2, 6, 8, 8)
    expected = []
    for stage in (0, 2):
        weight, bias = layer.translations[str(stage)].parameters()
        told = torch.einsum("sc,bcyx->bsyx", weight[..., 0, 0], features[stage])
        expected.append(float(feature_matching(told + bias[:, None, None], embedding)))
    found = layer((torch.randn(2, 3, 32, 32), *features), embedding)
    assert float(found) == pytest.approx(sum(expected) / 2, rel=1e-5)
    assert {name.split(".")[1] for name, _ in layer.named_parameters()} == {"0", "2"}
