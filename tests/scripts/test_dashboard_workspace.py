"""The layout names what a run has logged, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).parents[1]))

import dashboard_workspace
from dashboard.layout import SECTIONS, laid_out
from dashboard.logged import read_logged
from wandb_runs import history


def test_each_panel_shows_what_a_run_has_logged(dashboard_runs) -> None:
    logs = dashboard_runs.fitted, dashboard_runs.tested
    keys = {key for log in logs for step in history(log) for key in step}
    logged = read_logged(dashboard_runs.fitted.parents[1])
    view = dashboard_workspace.workspace(logged, "me", "goodsam_pl", "GoodSAM")
    assert [section.name for section in view.sections] == list(SECTIONS)[:4]  # no sequence
    named = set()
    for panel in (panel for section in view.sections for panel in section.panels):
        named |= set(getattr(panel, "y", ())) | set(getattr(panel, "media_keys", ()))
        if table := getattr(panel, "table_name", None):
            named.add(table)
        if query := getattr(panel, "query", None):
            named.add(query["summaryTable"]["tableKey"])
    for name in named:
        assert name in keys or f"{name}/_type" in keys, name
    for name in ("val/confusion", "val/class_bars", "stages/c", "val/classes", "train/loss",
                 "train/gradient_norm", "train/images_per_second", "val/miou_teacher",
                 "Custom Chart Tables/val/confusion_counts_fused_table"):  # fmt: skip
        assert name in named
    [runs] = view._to_model().spec.section.run_sets
    assert [key.name for key in runs.grouping] == ["group", "jobType"]


def test_no_panel_stays_empty(dashboard_runs) -> None:
    logged = read_logged(dashboard_runs.fitted.parents[1])
    assert all(panel.keys for panels in laid_out(logged).values() for panel in panels)


def test_a_folder_without_runs_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no run of W&B below"):
        read_logged(tmp_path)
