"""Photographs as VOC and COCO have them, from words to a scored segmenter, by commands."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import wandb
from PIL import Image

from goodsam_pl.cli import main
from goodsam_pl.data import SourceDataModule
from goodsam_pl.taxonomy import get_taxonomy

sys.path.insert(0, str(Path(__file__).parents[1]))
from preset_files import CONFIGS, whole
from released_photographs import COCO, VOC, Thing, write_boxes, write_coco, write_voc

SHORT = (
    "--trainer.max_steps=2",
    "--trainer.accelerator=cpu",
    "--trainer.precision=32-true",
    "--trainer.logger=false",
    "--trainer.enable_progress_bar=false",
    "--data.init_args.num_workers=0",
    "--data.init_args.batch_size=2",
    "--model.init_args.network.init_args.encoder=resnet18",
    "--model.init_args.network.init_args.frozen_norm=false",
)
SMALL = {"weights: imagenet": "weights: null", "height: 321, width: 321": "height: 33, width: 33"}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    wandb.finish()


def preset(name: str) -> str:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(whole(name, SMALL))
    return f"--config={name}"


def miou(path: str) -> float:
    with Path(path).open() as file:
        return float({row["class"]: row for row in csv.DictReader(file)}["mean"]["iou"])


def found(thing: Thing, folder: str, name: str) -> np.ndarray:
    """What the small SAM found: most of the square, and nothing outside of its box."""
    label = np.asarray(Image.open(f"{folder}/labels/{name}.png"))
    assert set(np.unique(label)) == {0, thing.number}
    assert not label[thing.label == 0].any()
    assert (label == thing.label).mean() > 0.9
    return label


@pytest.mark.slow
def test_voc_goes_the_whole_road(capsys: pytest.CaptureFixture[str]) -> None:
    write_voc(Path("data/VOC2012"))
    things = (*VOC["train"], *VOC["val"])
    write_boxes(Path("boxes.json"), things, {"tvmonitor": "monitor"})  # a word of the class file
    main(
        [
            *("label", "data/VOC2012/JPEGImages", "runs/wsss/voc/found", "--device=cpu"),
            f"--classes={CONFIGS}/taxonomies/voc_words.yaml",
            *("--image_labels=data/VOC2012/Annotations", "--unclaimed=background"),
            *("--rule=query_order", "--proposer.boxes=boxes.json"),
        ]
    )
    for thing in things:
        found(thing, "runs/wsss/voc/found", thing.name)
    palette = Image.open("runs/wsss/voc/found/labels/2007_000039.png").getpalette()
    true = Image.open("data/VOC2012/SegmentationClass/2007_000039.png").getpalette()
    assert palette is not None
    assert true is not None
    assert palette[:63] == true[:63] == [*np.ravel(get_taxonomy("voc-21").palette)]
    assert palette[765:] == [224, 224, 192]

    words = ("score", "runs/wsss/voc/found", "data/VOC2012", "--dataset=voc", "--split=train")
    main([*words, "--classes=voc-21", "--out=labels.csv"])
    assert "of 2 images; 100.0% of the true labels' pixels have a label" in capsys.readouterr().out
    assert 0.8 < miou("labels.csv") <= 1

    for path in Path("data/VOC2012/SegmentationClassAug").iterdir():
        path.unlink()  # what nobody may look at while training
    config = preset("wsss/voc.yaml")
    main(["fit", config, *SHORT])
    main(["test", config, *SHORT, "--ckpt_path=runs/wsss/voc/last.ckpt"])
    assert 0 <= miou("runs/wsss/voc/test_classes.csv") <= 1


@pytest.mark.slow
def test_coco_goes_the_whole_road() -> None:
    write_coco(Path("data/coco"))
    for split in ("train", "val"):
        year = f"{split}2014"
        main(
            [
                *("paint", f"data/coco/annotations/instances_{year}.json"),
                *(f"data/coco/labels/{year}", "--classes=coco-81", "--unclaimed=background"),
                f"--listing=data/coco/splits/{split}.txt",
            ]
        )
        for thing in COCO[split]:
            path = f"data/coco/labels/{year}/COCO_{year}_{thing.name}.png"
            np.testing.assert_array_equal(np.asarray(Image.open(path)), thing.label)
    main(
        [
            *("label", "data/coco/images/train2014", "runs/wsss/coco/found", "--device=cpu"),
            *("--classes=coco-81", "--unclaimed=background"),
            "--image_labels=data/coco/annotations/instances_train2014.json",
            "--proposer.boxes=data/coco/annotations/instances_train2014.json",
        ]
    )
    for thing in COCO["train"]:
        found(thing, "runs/wsss/coco/found", f"COCO_train2014_{thing.name}")
    words = ("score", "runs/wsss/coco/found", "data/coco", "--dataset=coco", "--split=train")
    main([*words, "--classes=coco-81", "--out=labels.csv"])
    assert 0.8 < miou("labels.csv") <= 1

    config = preset("wsss/coco.yaml")
    main(["fit", config, *SHORT])
    main(["test", config, *SHORT, "--ckpt_path=runs/wsss/coco/last.ckpt"])
    assert 0 <= miou("runs/wsss/coco/test_classes.csv") <= 1


def test_training_sees_what_was_found_and_the_test_what_is_true() -> None:
    write_voc(Path("data/VOC2012"))
    Path("found").mkdir()
    for thing in VOC["train"]:
        Image.fromarray(np.full((48, 64), 9, np.uint8)).save(f"found/{thing.name}.png")
    data = SourceDataModule(
        dataset="voc_aug",
        root="data/VOC2012",
        taxonomy="voc-21",
        pseudo_labels="found",
        num_workers=0,
        batch_size=2,
    )
    data.setup("fit")
    data.setup("test")
    assert next(iter(data.train_dataloader())).label.unique().tolist() == [9]
    [true] = list(data.test_dataloader())
    np.testing.assert_array_equal(true.label[0].numpy(), VOC["val"][0].label)
