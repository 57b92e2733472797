"""What refined labels are worth, on panoramas whose answers are known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

from goodsam_pl.data.normalization import NORMALIZATION
from goodsam_pl.networks import NetworkCard, SegmentationNetwork, describe_network, save_weights
from goodsam_pl.streetworld.export import export
from goodsam_pl.taxonomy import get_taxonomy
from refined_labels import Quality, Remembered, Tally, as_markdown, best_of, rows

ROOT = Path(__file__).parents[2]


def test_means_are_over_the_classes_that_are_there() -> None:
    tally = Tally(classes=3)
    truth = np.zeros((4, 40), np.uint8)
    truth[:, 20:] = 1
    said = truth.copy()
    said[:, 20:24] = 0
    tally.add(said, truth)
    quality = tally.score()
    assert quality.iou[:2] == pytest.approx([80 / 96, 64 / 80])
    assert quality.miou == pytest.approx((80 / 96 + 64 / 80) / 2)
    assert np.isnan(quality.boundary_iou[2])
    assert quality.boundary_miou == pytest.approx(np.mean(quality.boundary_iou[:2]))
    assert quality.boundary_miou < quality.miou
    perfect = Tally(classes=3)
    perfect.add(truth, truth)
    assert perfect.score().boundary_miou == perfect.score().miou == 1.0


def test_the_oracle_takes_the_instance_that_agrees_best() -> None:
    things = torch.zeros(3, 6, 8, dtype=torch.bool)
    things[0, :3, :4] = things[1, :3, :6] = things[2, 4:, 5:] = True
    coarse = torch.zeros(2, 6, 8, dtype=torch.bool)
    coarse[0, :3, :5] = coarse[1, 3:, 4:] = True
    found = best_of(things, coarse)
    assert torch.equal(found.binary, things[[1, 2]])
    assert found.scores.tolist() == pytest.approx([15 / 18, 6 / 12])
    alone = best_of(things[:0], coarse)
    assert torch.equal(alone.binary, coarse)
    assert alone.scores.tolist() == [0.0, 0.0]
    assert len(best_of(things, coarse[:0]).binary) == 0


def test_a_refiner_is_asked_once() -> None:
    class Counting:
        asked = 0

        def refine(self, windows: torch.Tensor, coarse: list[torch.Tensor]) -> list[object]:
            self.asked += 1
            return []

        def describe(self) -> dict[str, str]:
            return {}

        def to(self, device: str) -> None:
            """Stay."""

    counting = Counting()
    remembered = Remembered(counting)  # type: ignore[arg-type]
    for _ in range(3):
        assert remembered.refine(torch.zeros(0), []) == []
    assert counting.asked == 1


def test_tables_have_means_and_classes_in_percent() -> None:
    quality = Quality(0.5, 0.25, [0.5] + [float("nan")] * 18, [0.25] * 19)
    table = {"ta": {"before": quality}}
    assert rows(table) == [["ta", "before", "50.0", "25.0"]]
    text = as_markdown(table)
    assert "| ta | before | 50.0 | 25.0 |" in text
    assert "| road | 50.0 |\n| sidewalk | – |" in text


def test_it_measures_an_export(tmp_path: Path) -> None:
    counts = {"source_train": 1, "source_val": 1, "target_train": 1, "target_val": 1}
    sizes = {"source_size": (64, 128), "panorama_size": (48, 256)}
    export(tmp_path / "world", **counts, target_test=1, **sizes, workers=1, instances=True)
    weights = tmp_path / "ta.safetensors"
    _save(weights)
    command = [
        *(sys.executable, "scripts/refined_labels.py", "--root", str(tmp_path / "world")),
        *("--teacher_assistant", f"ta={weights}", "--refiner", "clicks", "oracle"),
        *("--least_agreement", "0", "1", "--scale", "1.5", "--out", str(tmp_path / "out.md")),
    ]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    quality = json.loads(told.splitlines()[-1])["quality"]["ta"]
    assert list(quality) == ["before", "clicks", "clicks, IoU ≥ 1", "oracle", "oracle, IoU ≥ 1"]
    assert quality["oracle"]["boundary_miou"] > quality["before"]["boundary_miou"]
    assert quality["clicks"]["miou"] != quality["before"]["miou"]
    assert (tmp_path / "out.md").read_text().startswith("| teacher assistant | labels |")


def _save(path: Path) -> None:
    """StreetWorld's own weights with all that is known of them."""
    network = SegmentationNetwork(weights="streetworld")
    taxonomy = get_taxonomy("cityscapes-19")
    card = NetworkCard(
        networks={"network": describe_network(network)},
        taxonomy=taxonomy.to_dict(),
        taxonomy_name=taxonomy.name,
        view=None,
        normalization=NORMALIZATION,
    )
    save_weights(network.state_dict(), path, half=False, card=card)
