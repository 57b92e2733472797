from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from goodsam_pl.cli import main

sys.path.insert(0, str(Path(__file__).parents[1]))
import warm_start

FAKES = Path(__file__).parent

CONFIG = """\
model:
  class_path: street_fakes.FakeSegmentation
  init_args:
    learning_rate: 0.5
data:
  class_path: street_fakes.FakeData
trainer:
  max_epochs: 2
  accelerator: cpu
  logger: false
  enable_progress_bar: false
  enable_model_summary: false
  num_sanity_val_steps: 0
  log_every_n_steps: 1
  callbacks:
    - class_path: goodsam_pl.callbacks.ClassTable
    - class_path: lightning.pytorch.callbacks.ModelCheckpoint
      init_args:
        save_last: true
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """An empty folder to run in, the fakes importable, no leftovers of other command lines."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(FAKES))
    monkeypatch.setattr(sys, "argv", ["goodsam"])
    monkeypatch.delenv("PL_GLOBAL_SEED", raising=False)
    monkeypatch.delenv("GOODSAM_DEBUG", raising=False)
    return tmp_path


@pytest.fixture
def config(workplace):
    path = workplace / "run.yaml"
    path.write_text(CONFIG)
    return str(path)


@pytest.fixture
def goodsam(capsys):
    """Run a command in this process and hand back what it printed; ends as the command ends."""

    def run(*args):
        capsys.readouterr()
        main([str(arg) for arg in args])
        return capsys.readouterr()

    return run


@pytest.fixture
def fails(capsys):
    """Run a command that must end with status 2, and hand back what it complained."""

    def run(*args):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(arg) for arg in args])
        assert end.value.code == 2
        return capsys.readouterr().err

    return run


@pytest.fixture
def with_fakes():
    """An environment in which processes find the fakes."""
    paths = os.pathsep.join([str(FAKES), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": paths}


@pytest.fixture
def command(with_fakes):
    """Run a command in a process of its own."""

    def run(*words, **environment):
        return subprocess.run(
            [str(word) for word in words],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env=with_fakes | environment,
        )

    return run


@pytest.fixture
def warm(with_fakes):
    """Run goodsam in a process of its own that does not import torch and Lightning again."""

    def run(*words):
        return warm_start.run([sys.executable, "-m", "goodsam_pl", *words], env=with_fakes)

    return run
