"""The page on proposers: its example is run, its config is parsed."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskProposer, MaskStore, image_key, precompute_masks

PAGE = (Path(__file__).parents[2] / "docs/mask_proposers.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(found) == 1
    return found[0]


@pytest.fixture
def example() -> Any:
    names: dict[str, Any] = {"__name__": "my_masks"}
    exec(block("python"), names)  # noqa: S102  # our own page
    return names["Brightness"]


def test_the_example_proposes_what_it_says(example) -> None:
    proposer = example(levels=1)
    assert isinstance(proposer, MaskProposer)
    dark_and_light = torch.full((1, 3, 4, 6), 10, dtype=torch.uint8)
    dark_and_light[..., 2:] = 200
    (found,) = proposer.propose(dark_and_light)
    assert found.binary().tolist() == [[[False] * 2 + [True] * 4] * 4]
    black = torch.zeros(1, 3, 4, 6, dtype=torch.uint8)
    assert len(proposer.propose(black)[0]) == 0


def test_the_example_fills_a_store(
    example, panoramas: list[Path], reader, grid: WindowGrid, tmp_path: Path
) -> None:
    store = MaskStore.create(tmp_path / "masks", grid, example())
    precompute_masks(panoramas, reader, example(), store)
    assert MaskStore.create(tmp_path / "masks", grid, example()).manifest.proposer["levels"] == 3
    expected = example().propose(grid.extract(reader(panoramas[0])[None])[0])
    for before, after in zip(expected, store.read(image_key(panoramas[0])), strict=True):
        assert torch.equal(before.binary(), after.binary())


def test_the_config_names_classes_and_arguments_that_there_are() -> None:
    (callback,) = yaml.safe_load(block("yaml"))["trainer"]["callbacks"]
    chosen = callback["init_args"]["proposer"]
    for entry in (callback, chosen):
        module, name = entry["class_path"].rsplit(".", 1)
        assert hasattr(importlib.import_module(module), name)
    module, name = chosen["class_path"].rsplit(".", 1)
    getattr(importlib.import_module(module), name)(**chosen["init_args"])
