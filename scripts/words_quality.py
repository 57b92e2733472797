"""What labels from words are worth, alone and as a voter, beside a teacher assistant and SAM.

python scripts/words_quality.py --config configs/streetworld/rectification.yaml \
    --teacher_assistant runs/demo/seed_{seed}/rectification/last.ckpt --seeds 0 1 2 \
    --words "boxes and vit_nano=data/streetworld/words" --split val --out words_quality.md

Scores TA, E of the configuration, the labels that words give alone (the TA's where they found
nothing), and E with words as a voter: mIoU, the mean over the thin classes, and each of these, as
mean over the seeds. Prints a table and, as its last line, one JSON object. Masks are read from the
store, never made. Choose on val; look at test once.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.cli import instantiate_class
from torch import Tensor

from goodsam_pl.data import PanoramaBatch, PanoramaDataModule
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.presets import read_preset
from goodsam_pl.fusion import NoFusion, WordVoter
from goodsam_pl.fusion.word_voter import Heard
from goodsam_pl.metrics import SegmentationMetrics
from goodsam_pl.modules.goodsam.teachers import Teachers
from goodsam_pl.networks import SegmentationNetwork
from label_quality import labelled

THIN = ("pole", "traffic sign", "traffic light", "rider")

Scores = dict[str, list[float]]
"""IoU of each class, fractions of 1, of each kind of labels."""


def main() -> None:
    """Measure and report."""
    arguments = parsed()
    config = read_preset(arguments.config)
    teachers = teachers_of(config["model"]["init_args"]["teachers"])
    sources = dict(each.split("=", 1) for each in arguments.words)
    options = config["data"]["init_args"] | {
        "mask_splits": [arguments.split],
        "eval_batch_size": 1,
        "limit": arguments.limit,
        **{key: value for key in ("root", "mask_root") if (value := getattr(arguments, key))},
    }
    panoramas = {
        name: PanoramaDataModule(**options | {"words_root": root}) for name, root in sources.items()
    }
    networks = {
        seed: SegmentationNetwork(
            weights=arguments.teacher_assistant.replace("{seed}", str(seed))
        ).eval()
        for seed in arguments.seeds
    }
    scores, classes = measure(panoramas, arguments.split, networks, teachers, arguments.weights)
    table = as_markdown(scores, classes)
    if arguments.out is not None:
        write_atomically(arguments.out, table.encode())
    print(table)
    print(json.dumps({"split": arguments.split, "classes": classes, "iou": scores}))


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, required=True, help="of a rectification")
    parser.add_argument("--teacher_assistant", required=True, help="{seed} stands for the seed")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--words", nargs="+", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--weights", nargs="+", type=float, default=[4.0], help="of the voter")
    parser.add_argument("--split", choices=["val", "test"], default="val")
    parser.add_argument("--limit", type=int, help="panoramas at most")
    parser.add_argument("--root", help="of the panoramas, instead of the configuration's")
    parser.add_argument("--mask_root", help="of their masks, instead of the configuration's")
    parser.add_argument("--out", type=Path, help="the table as Markdown")
    return parser.parse_args()


def teachers_of(configured: Mapping[str, Any]) -> Teachers:
    """Those of a configuration; of a voter its inner fusion, as words come beside it here."""
    fusion = configured["fusion"]
    if fusion["class_path"].endswith(".WordVoter"):
        fusion = fusion["init_args"]["fusion"]
    return Teachers(**{**configured, "fusion": instantiate_class((), fusion)})


@torch.no_grad()
def measure(
    panoramas: Mapping[str, PanoramaDataModule],
    split: str,
    networks: Mapping[int, SegmentationNetwork],
    teachers: Teachers,
    weights: Sequence[float],
) -> tuple[dict[int, Scores], tuple[str, ...]]:
    """Scores by seed, and the names of the classes.

    Args:
        panoramas: the same with each kind of words, not yet set up.
        split: ``val`` or ``test``.
        networks: teacher assistants, by seed.
        teachers: how they look at panoramas, and an inner fusion.
        weights: of the voter.
    """
    taxonomy = next(iter(panoramas.values())).taxonomy
    tallies: dict[int, dict[str, SegmentationMetrics]] = {seed: {} for seed in networks}
    together = zip(*(labelled(data, split) for data in panoramas.values()), strict=True)
    for batches in together:
        words = {name: batch for name, (batch, _) in zip(panoramas, batches, strict=True)}
        label = batches[0][1]
        for seed, network in networks.items():
            for name, said in kinds(words, network, teachers, weights).items():
                own = tallies[seed].setdefault(
                    name, SegmentationMetrics(len(taxonomy.classes), taxonomy.ignore_index)
                )
                own.update(said, label)
    return {
        seed: {name: tally.compute().iou.tolist() for name, tally in own.items()}
        for seed, own in tallies.items()
    }, taxonomy.classes


def kinds(
    words: Mapping[str, PanoramaBatch],
    network: SegmentationNetwork,
    teachers: Teachers,
    weights: Sequence[float],
) -> dict[str, Tensor]:
    """All kinds of labels of one panorama, as probabilities ``(1, K, H, W)``."""
    look = teachers.look(network, replace(next(iter(words.values())), words=None))
    ensemble = look.ensemble
    inner = Heard(ensemble, ensemble.argmax(1).byte(), torch.ones_like(ensemble[:, 0]))
    found = {"TA": look.target, "E": ensemble}
    for name, batch in words.items():
        evidence = batch.words
        assert evidence is not None  # noqa: S101  # the data module was told to read them
        there = (evidence > 0).any(dim=1, keepdim=True)
        found[f"{name}, alone"] = torch.where(there, evidence / 255, look.target)
        for weight in weights:
            heard = WordVoter(NoFusion(), weight=weight).hear(inner, evidence)
            found[f"E with {name}, weight {weight:g}"] = heard.ensemble
    return found


def as_markdown(scores: Mapping[int, Scores], classes: Sequence[str]) -> str:
    """Means over the seeds, in percent, with the standard deviation of the thin classes' mean."""
    thin = [classes.index(name) for name in THIN]
    names = ["labels", "mIoU", "thin classes", *THIN]
    lines = [names, ["---"] + ["---:"] * (len(names) - 1)]
    for kind in next(iter(scores.values())):
        by_seed = [torch.tensor(each[kind]) for each in scores.values()]
        means = [each[thin].mean().item() for each in by_seed]
        spread = f" ± {100 * statistics.stdev(means):.1f}" if len(means) > 1 else ""
        each_thin = torch.stack([each[thin] for each in by_seed]).mean(dim=0).tolist()
        miou = statistics.mean(each.nanmean().item() for each in by_seed)
        told = [f"{100 * value:.1f}" for value in (miou, statistics.mean(means), *each_thin)]
        lines.append([kind, told[0], f"{told[1]}{spread}", *told[2:]])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    main()
