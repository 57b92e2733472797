"""The families that are known are those that transformers has."""

from __future__ import annotations

import pytest

from goodsam_pl.sam.sam_families import SAM_FAMILIES


def test_every_family_is_known_to_transformers_by_its_name() -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    for name, family in SAM_FAMILIES.items():
        assert name in transformers.CONFIG_MAPPING
        assert hasattr(transformers, family.model_class)


def test_only_the_first_sam_keeps_proportions() -> None:
    padded = {name for name, family in SAM_FAMILIES.items() if not family.is_square}
    assert padded == {"sam", "sam_hq"}
    assert {SAM_FAMILIES[name].predicted_iou for name in padded} == {0.88}
