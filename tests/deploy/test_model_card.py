"""The page says what is known, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from goodsam_pl.deploy.ingredients import Ingredients, read_ingredients
from goodsam_pl.deploy.model_card import CardScore, model_card
from goodsam_pl.networks import NetworkCard, SegmentationNetwork


def _checkpoint(path: Path, root: str = "/home/me/data/Cityscapes") -> str:
    network = {
        "class_path": "goodsam_pl.networks.SegmentationNetwork",
        "init_args": {"encoder": "mit_b0", "weights": "imagenet"},
    }
    teacher = {
        "class_path": "goodsam_pl.networks.SegmentationNetwork",
        "init_args": {"weights": "/home/me/runs/real/rectification/last.ckpt"},
    }
    content = {
        "state_dict": {"student.weight": torch.zeros(1)},
        "pytorch-lightning_version": "2.6.6",
        "global_step": 1200,
        "hyper_parameters": {
            "_class_path": "goodsam_pl.modules.StudentDistillation",
            "student": network,
            "teacher_assistant": teacher,
        },
        "datamodule_hyper_parameters": {
            "dataset": "cityscapes",
            "root": root,
            "mask_root": "/home/me/masks",
        },
    }
    torch.save(content, path)
    return str(path)


def test_a_checkpoint_tells_of_its_training_without_folders_of_the_machine(tmp_path: Path) -> None:
    found = read_ingredients(f"{_checkpoint(tmp_path / 'last.ckpt')}:student")
    assert found is not None
    assert (found.system, found.steps) == ("StudentDistillation", 1200)
    assert found.data == ("cityscapes in data/Cityscapes",)
    assert found.weights == ("imagenet", "rectification/last.ckpt")
    assert [each.partition(":")[0] for each in found.licences] == [
        *("Cityscapes", "weights from ImageNet", "masks"),
    ]
    assert "/home" not in repr(found)


def test_a_street_world_is_ours(tmp_path: Path) -> None:
    (tmp_path / "world").mkdir()
    (tmp_path / "world/streetworld.json").touch()
    found = read_ingredients(_checkpoint(tmp_path / "a.ckpt", str(tmp_path / "world/densepass")))
    assert found is not None
    assert found.licences[0] == "StreetWorld: made by goodsam_pl itself, Apache-2.0"


def test_weights_alone_tell_nothing(student: Path) -> None:
    assert read_ingredients(str(student)) is None


def _page(card: NetworkCard, network: nn.Module, **known: object) -> str:
    return model_card("student", network, card, **{"ingredients": None, **known})  # type: ignore[arg-type]


def test_the_page_has_the_head_of_the_hub_and_all_that_is_known(card: NetworkCard) -> None:
    ingredients = Ingredients("StudentDistillation", 1200, ("a in b",), ("imagenet",), ("a: free",))
    score = CardScore(0.5125, "the 48 images of test", "goodsam export last.ckpt FOLDER")
    page = _page(
        card, SegmentationNetwork(), ingredients=ingredients, score=score, licence="apache-2.0"
    )
    head, _, body = page.removeprefix("---\n").partition("---\n")
    assert yaml.safe_load(head)["license"] == "apache-2.0"
    for told in (
        "# student\n\n3.72 M parameters",
        "0 road, 1 sidewalk",
        "128×32 pixels for 360° by 90°",
        "system: StudentDistillation, 1,200 steps",
        "mIoU 51.25% on the 48 images of test",
        "goodsam export last.ckpt FOLDER",
        "- a: free",
    ):
        assert told in body
    assert "circle" not in body


def test_what_is_not_known_is_said_so(card: NetworkCard) -> None:
    page = _page(card, SegmentationNetwork(circular=True))
    assert page.count("Not known: a file of weights alone") == 2
    assert "Not measured." in page
    assert "It sees the circle" in page


@pytest.mark.parametrize("view", [None])
def test_a_network_of_photographs(card: NetworkCard, view: None) -> None:
    plain = NetworkCard(**{**card.to_dict(), "view": view})
    assert "Photographs, each as it is." in _page(plain, SegmentationNetwork())
