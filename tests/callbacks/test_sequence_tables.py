from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import wandb
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
from goodsam_pl.callbacks import SequenceTables
from goodsam_pl.modules.continual import (
    ContinualSequence,
    DomainScores,
    SequenceScores,
    ZeroShot,
)
from goodsam_pl.views.matrix_table import matrix_from_csv
from wandb_runs import history_with


def after(tasks: int, routes: bool) -> ContinualSequence:
    """A sequence whose scores are known."""
    module = ContinualSequence(ZeroShot)
    shares = (0.5, 0.25) if routes else (math.nan, math.nan)
    module.scores = SequenceScores.empty(["rail", "polyp"], ["natural"])
    for task, seen in enumerate((("rail", "natural"), ("rail", "polyp", "natural"))[:tasks]):
        found = {name: DomainScores(0.9 - 0.2 * task, 0.5, *shares) for name in seen}
        module.scores = module.scores.with_task(task, found)
    module.ended = tasks
    return module


def test_files_and_the_dashboard_have_the_matrices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = WandbLogger(project="test", offline=True, save_dir=tmp_path)
    trainer = Trainer(
        default_root_dir=tmp_path / "run", logger=logger, accelerator="cpu",
        enable_checkpointing=False, enable_progress_bar=False,
    )  # fmt: skip
    tables = SequenceTables()
    tables._directory = folder = tmp_path / "run"
    folder.mkdir()
    tables.on_train_epoch_start(trainer, after(0, True))
    assert [*folder.iterdir()] == []  # nothing has ended
    tables.on_train_epoch_start(trainer, after(1, True))
    first = (folder / "iou.csv").read_text()
    module = after(2, True)
    tables.on_train_end(trainer, module)
    for name in ("iou", "boundary_iou", "routed", "fallback"):
        path = folder / f"{name}.csv"
        found = matrix_from_csv(path.read_text(), path)
        assert repr(found) == repr(module.scores.matrices()[name])
    assert first != (folder / "iou.csv").read_text()
    for name in ("iou", "boundary_iou"):
        assert Image.open(folder / f"{name}.png").size[0] > 100
    page = (folder / "sequence.md").read_text()
    assert "| IoU | 70.0 | 80.0 | 20.0 | 70.0 | 10.0 | – |" in page
    assert "Images left to plain SAM\n\n| after | rail | polyp | *natural* |" in page
    assert page.count("Last 70.0, Avg 80.0") == 1
    assert "| boundary IoU | 50.0 |" in capsys.readouterr().out
    log = next((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))
    wandb.finish()
    told = history_with(log, "sequence/iou/last")
    assert told[-1]["sequence/iou/last"] == pytest.approx(0.7)
    assert history_with(log, "sequence/iou/_type", 2)


def test_a_method_that_does_not_choose_has_no_shares(tmp_path: Path) -> None:
    trainer = Trainer(logger=False, accelerator="cpu", enable_checkpointing=False)
    tables = SequenceTables()
    tables._directory = tmp_path
    tables.on_train_epoch_start(trainer, after(2, False))
    assert {path.name for path in tmp_path.iterdir()} == {
        *("iou.csv", "iou.png", "boundary_iou.csv", "boundary_iou.png", "sequence.md")
    }
    assert "plain SAM" not in (tmp_path / "sequence.md").read_text()


def test_another_module_has_no_sequence(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="SequenceTables writes of a ContinualSequence"):
        SequenceTables().setup(Trainer(logger=False), LightningModule(), "fit")
