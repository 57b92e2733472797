"""Draw the stages of the method on a few test panoramas: one column for each.

python scripts/overview.py --config configs/streetworld/rectification.yaml \
    --teacher_assistant runs/streetworld/source/last.ckpt \
    --student runs/streetworld/distillation/last.ckpt --out overview.png
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
import yaml
from lightning.pytorch.cli import instantiate_class
from PIL import Image

from goodsam_pl.callbacks.pictures import (
    contact_sheet,
    image_picture,
    label_picture,
    mask_picture,
)
from goodsam_pl.data import PanoramaBatch, PanoramaDataModule
from goodsam_pl.geometry import as_families
from goodsam_pl.modules import TARectification
from goodsam_pl.networks import SegmentationNetwork


def main() -> None:
    """Read the data and model of a rectification's configuration and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="of the rectification")
    parser.add_argument("--teacher_assistant", required=True, help="weights")
    parser.add_argument("--student", required=True, help="weights")
    parser.add_argument("--out", type=Path, required=True, help="the picture, PNG")
    parser.add_argument("--panoramas", type=int, default=3, help="how many, evenly spread")
    arguments = parser.parse_args()

    config = yaml.safe_load(arguments.config.read_text())
    system = _rectification(config["model"]["init_args"], arguments.teacher_assistant)
    student = SegmentationNetwork(weights=arguments.student).eval()
    data = PanoramaDataModule(**{**config["data"]["init_args"], "eval_batch_size": 1})
    data.setup("test")
    loader = data.test_dataloader()
    step = max(1, len(loader) // arguments.panoramas)
    chosen = [batch for index, batch in enumerate(loader) if index % step == step // 2]
    with torch.no_grad():
        columns = [_stages(batch, system, student) for batch in chosen[: arguments.panoramas]]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(contact_sheet(columns)).save(arguments.out)


def _rectification(init_args: dict[str, Any], weights: str) -> TARectification:
    parts = {"teacher_assistant": SegmentationNetwork(weights=weights)}
    if "fusion" in init_args:
        parts["fusion"] = instantiate_class((), init_args["fusion"])
    return TARectification(**{**init_args, **parts}).eval()


def _stages(
    batch: PanoramaBatch, system: TARectification, student: SegmentationNetwork
) -> list[tuple[str, Any]]:
    predicted = {kind: p.argmax(dim=1)[0] for kind, p in system.predict_kinds(batch)}
    stages = [("panorama", image_picture(batch.image[0]))]
    if batch.masks is not None:
        picture = mask_picture(
            batch.image[0], as_families(batch.masks)[0][0], batch.windows.families[0]
        )
        stages.append(("SAM masks", picture))
    labels = {
        "teacher assistant, windowed": predicted["windowed"],
        "fused labels": predicted.get("fused", predicted["windowed"]),
        "student": student(batch.image).argmax(dim=1)[0],
    }
    if batch.label is not None:
        labels["ground truth"] = batch.label[0]
    return stages + [(name, label_picture(ids, system.taxonomy)) for name, ids in labels.items()]


if __name__ == "__main__":
    main()
