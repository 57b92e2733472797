"""The scores do not depend on the number of processes, to the last bit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from goodsam_pl.networks import SegmentationNetwork

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm_start
from preset_files import whole

PRESETS = [
    *(f"streetworld/{name}" for name in ("source", "pretrain", "rectification", "distillation")),
    *(f"goodsam/{name}" for name in ("paper", "plus_plus", "best")),
]


@pytest.mark.slow
def test_every_preset_trains_by_epochs_in_two_processes_with_averaged_weights(
    world: Path, tmp_path: Path
) -> None:
    """All panoramas are mirrored, and the targets of frozen teachers with them."""
    known = SegmentationNetwork(weights="streetworld").state_dict()
    for stage in ("source", "rectification"):
        (tmp_path / "streetworld" / stage).mkdir(parents=True)
        torch.save(known, tmp_path / "streetworld" / stage / "known.ckpt")
    copies = []
    for preset in PRESETS:
        moved = {
            f"weights: runs/streetworld/{stage}/last.ckpt": (
                f"weights: {tmp_path}/streetworld/{stage}/known.ckpt"
            )
            for stage in ("source", "rectification")
        }
        # masks of these sizes are no other test's
        moved |= {f"data/streetworld/{name}": str(tmp_path / name) for name in ("masks", "targets")}
        moved |= {"data/streetworld_pretrain": str(world), "data/streetworld": str(world)}
        copy = tmp_path / f"{preset.replace('/', '_')}.yaml"
        copy.write_text(whole(f"{preset}.yaml", moved | {"runs/": f"{tmp_path}/"}))
        copies.append(str(copy))
    program = Path(__file__).with_name("train_processes.py")
    done = warm_start.run([sys.executable, program, *copies])
    assert done.returncode == 0, done.stdout + done.stderr
    for preset in PRESETS:
        saved = torch.load(tmp_path / preset / "last.ckpt", weights_only=True)
        assert "averaging_state" in saved
        assert saved["global_step"] == 1, preset
        assert all(value.isfinite().all() for value in saved["state_dict"].values())
    # two panoramas, of which each process asked about one
    folders = [sorted(path.glob("*.npz")) for path in (tmp_path / "targets").iterdir()]
    assert [len(files) for files in folders] == [2] * len(folders)


@pytest.mark.slow
def test_the_class_table_is_the_same_on_one_two_and_three_processes(
    preset: Callable[[str], str], world: Path, tmp_path: Path
) -> None:
    """Five panoramas, by the 13-class protocol, with everything that can be measured.

    The SegFormer has BatchNorm buffers, which DDP would broadcast.
    """
    tables = []
    for devices in (1, 2, 3):
        out = tmp_path / str(devices)
        command = [
            *(sys.executable, "-m", "goodsam_pl", "test"),
            f"--config={preset('source')}",
            "--data=goodsam_pl.data.PanoramaDataModule",
            "--data.dataset=densepass",
            f"--data.root={world / 'densepass'}",
            "--data.evaluation_taxonomy=cityscapes-13",
            "--data.num_workers=0",
            "--data.eval_batch_size=1",
            "--trainer.accelerator=cpu",
            f"--trainer.devices={devices}",
            f"--trainer.strategy={'ddp' if devices > 1 else 'auto'}",
            "--trainer.logger=false",
            "--trainer.callbacks=goodsam_pl.callbacks.ClassTable",
            "--trainer.callbacks.extras=[boundary_iou,seam_disagreement]",
            "--tta=2",
            f"--trainer.default_root_dir={out}",
            "--trainer.enable_progress_bar=false",
        ]
        if devices == 2:  # as a user starts it
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        else:
            done = warm_start.run(command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "cityscapes-19 scored in the classes of cityscapes-13" in " ".join(
            done.stdout.split()
        )
        assert "averaged over views: 2 rolls, mirrored" in " ".join(done.stdout.split())
        tables.append((out / "test_classes.csv").read_text())
    assert tables[0] == tables[1] == tables[2]
    rows = tables[0].splitlines()
    assert rows[0] == "class,pixels,iou,boundary_iou,seam_disagreement"
    assert len(rows) == 1 + 13 + 1
    assert "nan" not in rows[-1]
