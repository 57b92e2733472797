"""A plan of two stages, and a stand-in for the command line that counts what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest
import yaml

from goodsam_pl.experiments import runner

PLAN = """\
title: Bread
seeds: [0, 1]
overrides: {trainer.max_steps: 3}
shared:
  flour: {command: mill grind, options: {out: "{out}", fine: true}, stands_for: data/flour}
presets:
  loaf:
    stages:
      rectification: {config: dough.yaml}
      distillation: {config: bread.yaml}
    variations:
      -yeast:
        note: Flat.
        overrides: {distillation: {model.yeast: 0.0}}
      -dough:
        note: Raw.
        untrained: [rectification]
        overrides: {distillation: {model.dough: "{flour}/flour.ckpt"}}
"""

DOUGH = """\
model: {class_path: Dough, init_args: {flour: data/flour/rye, water: 0.7}}
trainer:
  default_root_dir: runs/dough
  callbacks: [{class_path: Keep, init_args: {dirpath: runs/dough}}]
"""

BREAD = """\
model: {class_path: Bread, init_args: {dough: runs/dough/last.ckpt, yeast: 1.0}}
trainer: {default_root_dir: runs/bread}
"""


class FakeGoodsam:
    """Stands for processes, and does what the command line would leave behind.

    The student has 50 % with yeast and 40 % without, and a percent more for each seed.

    Attributes:
        calls: all that it was asked.
        environments: of each.
        fail: asked for a call, says whether it fails.
        keeps_checkpoint: a training leaves its checkpoint as it is.
        writes_table: a score leaves its table.
    """

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.environments: list[dict[str, str]] = []
        self.fail: Callable[[list[str], dict], bool] = lambda words, config: False
        self.keeps_checkpoint = False
        self.writes_table = True

    def __call__(self, command: list[str], *, stdout: IO[bytes], **options: Any) -> SimpleNamespace:
        words = command[3:]  # python -m goodsam_pl
        self.calls.append(words)
        self.environments.append(options["env"])
        stdout.write(" ".join(words).encode())
        status = self._do(words)
        return SimpleNamespace(returncode=status, poll=lambda: status)

    def _do(self, words: list[str]) -> int:
        if words[0] == "mill":
            return int(self.fail(words, {}))
        config = yaml.safe_load(Path(words[1].removeprefix("--config=")).read_text())
        folder = Path(config["trainer"]["default_root_dir"])
        if words[0] == "fit" and not self.keeps_checkpoint:
            (folder / "last.ckpt").write_text("weights")
        if self.fail(words, config):
            return 1
        if words[0] != "fit" and self.writes_table:
            yeast = config["model"]["init_args"].get("yeast", 0.5)
            iou = 0.4 + 0.1 * yeast + 0.01 * config["seed_everything"]
            name = {"test": "test_classes.csv", "validate": "val_classes.csv"}[words[0]]
            (folder / name).write_text(
                f"class,pixels,iou,iou_fused\nroad,9,0.9,0.9\nmean,9,{iou},0.25\n"
            )
        return 0

    @property
    def verbs(self) -> list[str]:
        return [words[0] for words in self.calls]


@pytest.fixture
def goodsam(monkeypatch: pytest.MonkeyPatch) -> FakeGoodsam:
    fake = FakeGoodsam()
    monkeypatch.setattr(runner, "Popen", fake)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return fake


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    (tmp_path / "dough.yaml").write_text(DOUGH)
    (tmp_path / "bread.yaml").write_text(BREAD)
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    return path
