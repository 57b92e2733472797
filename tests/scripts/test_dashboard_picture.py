from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import dashboard_picture


def test_a_run_is_drawn(dashboard_runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "dashboard.png"
    words = [str(dashboard_runs.fitted.parents[1]), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["dashboard_picture.py", *words])
    dashboard_picture.main()
    width, height = Image.open(out).size
    assert width == 1088
    assert height >= 4 * 200
