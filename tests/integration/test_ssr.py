"""SSR's presets and the real command line: trained, resumed, tested, taken out."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
import torch
import wandb
import yaml
from safetensors import safe_open

from goodsam_pl.cli import main
from goodsam_pl.files.presets import read_preset
from goodsam_pl.modules import SSR
from goodsam_pl.networks import SegmentationNetwork
from goodsam_pl.segmenter import load

sys.path.insert(0, str(Path(__file__).parents[1]))
from preset_files import CONFIGS, whole

SMALL = {
    "size: [192, 1024]": "size: [48, 256]",
    "height: 192": "height: 32",
    "width: 384": "width: 96",
}
WINDOWS = {"[192, 192]": "[48, 64]", "[192, 128]": "[48, 64]"}
KEEP = "--trainer.callbacks"
EVERYTHING = [
    "--model.init_args.masked.weight=1",
    "--model.init_args.feature_weight=0.005",
    "--model.init_args.reference=goodsam_pl.networks.SegmentationNetwork",
    "--model.init_args.reference.init_args.weights=streetworld",
]


def _small(preset: str, world: Path, folder: Path) -> Path:
    """A preset on small images of a small world."""
    config = folder / "ssr.yaml"
    moved = {"data/streetworld": str(world)}
    config.write_text(whole(f"ssr/{preset}.yaml", moved | SMALL | WINDOWS))
    return config


def _fit(config: Path, folder: Path, *options: str) -> dict[str, object]:
    main(
        [
            *("fit", f"--config={config}", f"--trainer.default_root_dir={folder}"),
            *("--trainer.max_steps=4", "--trainer.val_check_interval=4"),
            *("--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"),
            f"{KEEP}+=lightning.pytorch.callbacks.ModelCheckpoint",
            *(f"{KEEP}.dirpath={folder / 'each'}", f"{KEEP}.filename={{step}}"),
            *(f"{KEEP}.every_n_train_steps=1", f"{KEEP}.save_top_k=-1"),
            *EVERYTHING,
            *options,
        ]
    )
    wandb.finish()
    state: dict[str, object] = torch.load(folder / "last.ckpt", weights_only=True)
    return state


@pytest.mark.slow
def test_the_preset_trains_and_goes_on_and_both_networks_come_out(
    world: Path, tmp_path: Path
) -> None:
    config = tmp_path / "ssr.yaml"
    config.write_text(
        whole(
            "ssr/streetworld_without_sam.yaml", {"data/streetworld": str(world)} | SMALL | WINDOWS
        )
    )
    target = yaml.safe_load(config.read_text())["data"]["init_args"]["target"]
    assert target["init_args"]["size"] == [48, 256]
    undisturbed = _fit(config, tmp_path / "whole")
    # 4 source images in batches of 2, 2 panoramas in one: step 3 is in the second epoch
    resumed = _fit(config, tmp_path / "resumed", f"--ckpt_path={tmp_path}/whole/each/step=3.ckpt")
    for part in ("state_dict", "optimizer_states", "lr_schedulers", "global_step", "epoch"):
        torch.testing.assert_close(resumed[part], undisturbed[part], rtol=0, atol=0)

    last = tmp_path / "whole/last.ckpt"
    main(["test", f"--config={config}", f"--ckpt_path={last}", "--trainer.accelerator=cpu",
          f"--trainer.default_root_dir={tmp_path / 'whole'}"])  # fmt: skip
    with (tmp_path / "whole/test_classes.csv").open() as file:
        [mean] = [row for row in csv.DictReader(file) if row["class"] == "mean"]
    assert 0 < float(mean["iou"]) < 1

    state = undisturbed["state_dict"]
    assert isinstance(state, dict)
    assert not any("reference" in name for name in state)
    for name, key in (("last.ckpt", "network"), ("last.ckpt:teacher", "teacher")):
        file = tmp_path / f"{key}.safetensors"
        main(["export", str(tmp_path / "whole" / name), str(file)])
        network = SegmentationNetwork(weights=str(file))
        for tensor, value in network.state_dict().items():
            assert torch.equal(value, state[f"{key}.{tensor}"]), tensor
    image = next((world / "densepass").rglob("*.png"))
    assert load(tmp_path / "network.safetensors").predict(image).ndim == 2


def test_with_sam_it_is_the_preset_without_it_but_for_what_sam_adds() -> None:
    alone = read_preset(CONFIGS / "ssr/streetworld_without_sam.yaml")
    regularised = read_preset(CONFIGS / "ssr/streetworld.yaml")
    added = read_preset(CONFIGS / "models/ssr.yaml")
    assert regularised["data"] == alone["data"]
    assert regularised["trainer"] | {"default_root_dir": ""} == alone["trainer"] | {
        "default_root_dir": ""
    }
    arguments = regularised["model"]["init_args"]
    assert arguments == {**alone["model"]["init_args"], **added}
    assert not added.keys() & alone["model"]["init_args"].keys()


@pytest.mark.slow
def test_ssr_goes_on_exactly_and_leaves_nothing_behind(world: Path, tmp_path: Path) -> None:
    config = _small("streetworld", world, tmp_path)
    extra = "--model.init_args.regularizer.feature_matching=true"
    undisturbed = _fit(config, tmp_path / "whole", extra)
    step = tmp_path / "whole/each/step=3.ckpt"
    resumed = _fit(config, tmp_path / "resumed", extra, f"--ckpt_path={step}")
    for part in ("state_dict", "optimizer_states", "lr_schedulers", "global_step", "epoch"):
        torch.testing.assert_close(resumed[part], undisturbed[part], rtol=0, atol=0)
    state = undisturbed["state_dict"]
    assert isinstance(state, dict)
    parts = {name.partition(".")[0] for name in state if not name.startswith("metrics")}
    trained = {"network", "teacher", "attention", "matching"}
    assert parts == {*trained, "class_balance", "steps", "seed"}
    start = torch.load(tmp_path / "whole/each/step=1.ckpt", weights_only=True)["state_dict"]
    for name in state:
        if name.startswith(("attention.", "matching.")):
            assert not state[name].equal(start[name]), name

    plain = SegmentationNetwork(encoder="mit_b0", classes=19)
    main(["export", str(tmp_path / "whole/last.ckpt"), str(tmp_path / "student.safetensors")])
    with safe_open(tmp_path / "student.safetensors", "pt") as file:
        exported = {name: tuple(file.get_tensor(name).shape) for name in file.keys()}  # noqa: SIM118
    assert exported == {name: tuple(each.shape) for name, each in plain.state_dict().items()}
    network = SegmentationNetwork(weights=str(tmp_path / "student.safetensors")).eval()
    assert sum(each.numel() for each in network.parameters()) == sum(
        each.numel() for each in plain.parameters()
    )
    module = SSR.load_from_checkpoint(tmp_path / "whole/last.ckpt", map_location="cpu").eval()
    images = torch.randn(1, 3, 48, 256)
    with torch.no_grad():
        assert network(images).equal(module(images))
