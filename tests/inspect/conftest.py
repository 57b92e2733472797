"""A small StreetWorld, and a distillation of one step on it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from goodsam_pl.cli import main
from goodsam_pl.streetworld.export import export

sys.path.insert(0, str(Path(__file__).parents[1]))
from preset_files import CONFIGS, whole

SMALL = (
    *("--data.init_args.size", "[48,256]", "--data.init_args.window_size", "[48,64]"),
    *("--data.init_args.window_stride", "[48,64]"),
    *("--model.init_args.teacher_assistant.init_args.weights", "streetworld"),
)
"""Options that make presets of StreetWorld small, and free of other runs."""


class Place(NamedTuple):
    """What the tests look into.

    Attributes:
        folder: the world's.
        run: the folder of a distillation of one step.
        panorama: of the test split, with a label.
        preset: a rectification.
        options: for the preset.
    """

    folder: Path
    run: Path
    panorama: Path
    preset: Path
    options: tuple[str, ...]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("world")
    export(
        folder,
        **dict.fromkeys(("source_train", "source_val", "target_val"), 0),
        target_train=2,
        target_test=1,
        panorama_size=(48, 256),
        workers=1,
    )
    run = folder / "run"
    options = (
        *SMALL,
        *("--data.init_args.root", str(folder / "densepass")),
        *("--data.init_args.mask_root", str(folder / "masks")),
    )
    targets = {"data/streetworld/targets": str(folder / "targets")}
    config = folder / "distillation.yaml"
    config.write_text(whole("streetworld/distillation.yaml", targets), encoding="utf-8")
    main(
        [
            *("fit", "--config", str(config), *options),
            *("--model.init_args.student.init_args.weights", "streetworld"),
            *("--data.init_args.batch_size", "2"),
            *("--trainer.max_steps", "1", "--trainer.val_check_interval", "1"),
            *("--trainer.logger", "false", "--trainer.enable_progress_bar", "false"),
            *("--trainer.accelerator", "cpu", "--trainer.default_root_dir", str(run)),
        ]
    )
    [panorama] = (folder / "densepass" / "leftImg8bit" / "test").rglob("*.png")
    preset = CONFIGS / "streetworld" / "rectification.yaml"
    return Place(folder, run, panorama, preset, options)
