"""The preset of a sequence by the real command, killed and gone on with."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
from goodsam_pl.streetworld.domain_export import export_domains
from preset_files import CONFIGS

NAMES = ("town", "fog", "night")


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    export_domains(tmp_path / "domains", train=4, val=1, test=1, size=48, workers=1)
    domains = [{"name": name, "root": str(tmp_path / "domains" / name)} for name in NAMES]
    (tmp_path / "small.yaml").write_text(
        yaml.safe_dump({"data.init_args.domains": domains, "data.init_args.outside": None})
    )
    return [
        *(sys.executable, "-m", "goodsam_pl", "fit"),
        f"--config={CONFIGS / 'continual/streetworld.yaml'}",
        f"--config={tmp_path / 'small.yaml'}",
        *("--data.init_args.buffer=2", "--data.init_args.batch_size=2"),
        *("--model.init_args.epochs=2", "--trainer.accelerator=cpu", "--trainer.logger=false"),
        "--trainer.enable_progress_bar=false",
    ]


@pytest.mark.slow
def test_killed_after_its_first_task_a_sequence_ends_the_same(
    command: list[str], tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    subprocess.run([*command, f"--trainer.default_root_dir={whole}"], check=True, timeout=600)
    started = subprocess.Popen([*command, f"--trainer.default_root_dir={killed}"])
    until = time.monotonic() + 600
    while not (killed / "iou.csv").exists() and time.monotonic() < until:
        assert started.poll() is None
        time.sleep(0.05)
    started.kill()
    started.wait()
    last = killed / "last.ckpt"
    again = [*command, f"--trainer.default_root_dir={killed}", f"--ckpt_path={last}"]
    subprocess.run(again, check=True, timeout=600)
    for name in ("iou.csv", "boundary_iou.csv", "routed.csv", "fallback.csv", "sequence.md"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    rows = (whole / "iou.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in rows] == ["after", *NAMES]
