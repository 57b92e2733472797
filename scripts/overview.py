"""Draw the stages of the method on a few test panoramas: one column for each.

python scripts/overview.py --config configs/streetworld/rectification.yaml \
    --teacher_assistant runs/streetworld/source/last.ckpt \
    --student_config configs/streetworld/distillation.yaml \
    --student runs/streetworld/distillation/last.ckpt --out overview.png
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lightning.pytorch.cli import instantiate_class
from PIL import Image
from torch import nn

from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.files.presets import read_preset
from goodsam_pl.modules import TARectification, Teachers
from goodsam_pl.networks import SegmentationNetwork
from goodsam_pl.views.pictures import contact_sheet
from goodsam_pl.views.stages import observe


def main() -> None:
    """Read the data and model of a rectification's configuration and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="of the rectification")
    parser.add_argument("--teacher_assistant", required=True, help="weights")
    parser.add_argument("--student_config", type=Path, required=True, help="of the distillation")
    parser.add_argument("--student", required=True, help="weights")
    parser.add_argument("--out", type=Path, required=True, help="the picture, PNG")
    parser.add_argument("--panoramas", type=int, default=3, help="how many, evenly spread")
    arguments = parser.parse_args()

    config = read_preset(arguments.config)
    system = _rectification(config["model"]["init_args"], arguments.teacher_assistant)
    student = _student(arguments.student_config, arguments.student).eval()
    data = PanoramaDataModule(**config["data"]["init_args"])
    data.setup("test")
    chosen = data.examples("test", arguments.panoramas)
    columns = [observe(batch, system, student).panels() for batch in chosen]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(contact_sheet(columns)).save(arguments.out)


def _rectification(init_args: dict[str, Any], weights: str) -> TARectification:
    teachers = dict(init_args.get("teachers", {}))
    if "fusion" in teachers:
        teachers["fusion"] = instantiate_class((), teachers["fusion"])
    network = SegmentationNetwork(weights=weights)
    parts = {"teacher_assistant": network, "teachers": Teachers(**teachers)}
    return TARectification(**{**init_args, **parts}).eval()


def _student(config: Path, weights: str) -> nn.Module:
    student = read_preset(config)["model"]["init_args"]["student"]
    arguments = {**student["init_args"], "weights": weights}
    built: nn.Module = instantiate_class((), {**student, "init_args": arguments})
    return built


if __name__ == "__main__":
    main()
