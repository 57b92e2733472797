"""What words are worth: kinds of labels by hand, and the script on a small world."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
import yaml

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import words_quality
from goodsam_pl.cli import main
from goodsam_pl.data import PanoramaBatch
from goodsam_pl.files.presets import read_preset
from goodsam_pl.fusion import NoFusion, TrustedPool
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.modules.goodsam.teachers import Teachers
from goodsam_pl.streetworld.export import export
from words_quality import THIN, as_markdown, kinds, teachers_of

ROOT = Path(__file__).parents[2]
GRID = WindowGrid.cover((4, 16), (4, 8), (4, 8))


class _Reads(torch.nn.Module):
    """Three channels are the logits of three classes."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images


def _batch(words: torch.Tensor) -> PanoramaBatch:
    image = torch.zeros(1, 3, 4, 16)
    image[:, 0] = 1.0  # class 0 everywhere: softmax (0.576, 0.212, 0.212)
    masks = torch.full((1, 2, 1, 4, 8), -1, dtype=torch.int16)
    return PanoramaBatch(image, None, (masks,), GRID, ["a"], words=words)


def test_kinds_of_labels_by_hand() -> None:
    words = torch.zeros(1, 3, 4, 16, dtype=torch.uint8)
    words[0, 2, :, 3] = 51
    network: torch.nn.Module = _Reads()
    teachers = Teachers(fusion=NoFusion())
    found = kinds({"some": _batch(words)}, network, teachers, [0.1, 4.0])  # type: ignore[arg-type]
    labels = {name: said.argmax(dim=1)[0] for name, said in found.items()}
    assert list(labels) == [
        "TA",
        "E",
        "some, alone",
        "E with some, weight 0.1",
        "E with some, weight 4",
    ]
    for name in ("TA", "E", "E with some, weight 0.1"):
        assert (labels[name] == 0).all()
    for name in ("some, alone", "E with some, weight 4"):
        assert (labels[name][:, 3] == 2).all()
        assert (labels[name] == 2).sum() == 4


def test_of_a_voter_the_inner_fusion_is_measured() -> None:
    over = read_preset(ROOT / "configs/goodsam/over/words.yaml")
    fusion = over["model"]["init_args"]["teachers"]["fusion"]
    best = read_preset(ROOT / "configs/teachers/best.yaml")
    expected = teachers_of(best)
    assert isinstance(expected.fusion, TrustedPool)
    assert teachers_of({**best, "fusion": fusion}) == expected


def test_the_page_has_means_over_the_seeds() -> None:
    classes = ("road", *THIN)
    scores = {0: {"TA": [0.5, 0.1, 0.2, 0.3, 0.4]}, 1: {"TA": [0.7, 0.3, 0.4, 0.5, 0.6]}}
    *_, row = as_markdown(scores, classes).splitlines()
    assert row == "| TA | 40.0 | 35.0 ± 14.1 | 20.0 | 30.0 | 40.0 | 50.0 |"


def test_a_small_world_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    none = dict.fromkeys(("source_train", "source_val", "target_train", "target_test"), 0)
    sizes = {"panorama_size": (48, 256), "source_size": (64, 128)}
    export(Path("world"), **none, **sizes, target_val=1, boxes=True, workers=1)
    images = "world/densepass/leftImg8bit/val"
    things = str(ROOT / "configs/taxonomies/street_things.yaml")
    given = ["--proposer", "goodsam_pl.sam.GivenMasks", "--proposer.masks", "world/boxes"]
    main(["label", images, "words", "--classes", things, "--panorama", "true", *given])
    window = ["--window_size", "[48,64]", "--window_stride", "[48,64]", "--size", "[48,256]"]
    proposer = ["--proposer", "goodsam_pl.sam.Felzenszwalb", "--mode", "panorama"]
    main(["masks", "compute", images, "masks", *window, *proposer])
    tree = read_preset(ROOT / "configs/streetworld/rectification.yaml")
    sizes_told = {"size": [48, 256], "window_size": [48, 64], "window_stride": [48, 64]}
    tree["data"]["init_args"] |= sizes_told
    tree["model"]["init_args"]["teachers"]["mirror"] = False
    Path("preset.yaml").write_text(yaml.safe_dump(tree))
    told = ["--config", "preset.yaml", "--teacher_assistant", "streetworld", "--seeds", "0", "1"]
    told += ["--words", "exact=words", "--root", "world/densepass", "--mask_root", "masks"]
    monkeypatch.setattr(sys, "argv", ["words_quality.py", *told, "--out", "page.md"])
    capsys.readouterr()
    words_quality.main()
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    thin = [report["classes"].index(name) for name in THIN]
    iou = {name: torch.tensor(values)[thin] for name, values in report["iou"]["0"].items()}
    assert report["iou"]["0"].keys() == report["iou"]["1"].keys()
    assert iou["E with exact, weight 4"].nanmean() > iou["TA"].nanmean() + 0.3
    assert len(Path("page.md").read_text().splitlines()) == 6
