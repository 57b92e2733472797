"""Train presets, each in two processes: run by test_processes.py, as a program of its own.

Python and all that it imports start once; processes are forked from a parent whose torch has never
computed a gradient.
"""

from __future__ import annotations

import sys

import torch

from goodsam_pl.cli import main
from goodsam_pl.data import Turn, panorama, possible_shifts
from goodsam_pl.geometry import Windows

SMALL = {
    "size": "[48,256]",
    "window_size": "[48,64]",
    "window_stride": "[48,32]",
    "horizontal_window_size": "[24,64]",
    "horizontal_window_stride": "[24,64]",
    "vertical_window_size": "[48,32]",
    "vertical_window_stride": "[48,32]",
}


def _mirrored(windows: Windows) -> Turn:
    return Turn(int(possible_shifts(windows, mirror=True)[0]), mirror=True)


def train(config: str, of_panoramas: bool) -> None:
    sizes = [f"--data.init_args.{name}={value}" for name, value in SMALL.items()]
    main(
        [
            "fit",
            f"--config={config}",
            "--trainer.callbacks+=lightning.pytorch.callbacks.EMAWeightAveraging",
            "--trainer.max_steps=-1",
            "--trainer.max_epochs=1",
            "--trainer.accelerator=cpu",
            "--trainer.precision=32-true",
            "--trainer.devices=2",
            "--trainer.strategy=ddp_fork",
            "--trainer.logger=false",
            "--trainer.limit_val_batches=0",
            "--trainer.enable_progress_bar=false",
            "--data.init_args.batch_size=1",
            *(sizes if of_panoramas else ["--trainer.limit_train_batches=1"]),
        ]
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    panorama.draw_turn = lambda *given: _mirrored(given[-1])
    for each in sys.argv[1:]:
        train(each, of_panoramas=not each.endswith(("source.yaml", "pretrain.yaml")))
