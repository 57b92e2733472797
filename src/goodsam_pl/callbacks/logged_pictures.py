"""Pictures for whichever loggers take any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import WandbLogger

from goodsam_pl.views.pictures import contact_sheet
from goodsam_pl.views.stages import Panel

__all__ = ["log_pictures"]


def log_pictures(
    trainer: Trainer,
    key: str,
    panels: Sequence[Panel],
    overlays: Mapping[str, Any] | None = None,
) -> bool:
    """Send captioned pictures to each logger that takes pictures, at the optimiser steps done.

    W&B gets them side by side. A logger whose ``experiment`` has TensorBoard's ``add_image`` gets
    one picture: theirs alone, or a sheet of them with their captions.

    Args:
        trainer: whose loggers; in the first process alone.
        key: what they are of.
        panels: of one size where they are several.
        overlays: W&B's ``masks`` over the first picture.

    Returns:
        Whether any logger took them.
    """
    taken = False
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            pictures: list[Any] = [panel.picture for panel in panels]
            logger.log_image(
                key,
                pictures,
                trainer.global_step,
                caption=[panel.caption for panel in panels],
                masks=[overlays, *[None] * (len(panels) - 1)],
            )
            taken = True
        elif add_image := getattr(getattr(logger, "experiment", None), "add_image", None):
            sheet = panels[0].picture if len(panels) == 1 else contact_sheet([panels])
            add_image(key, sheet, trainer.global_step, dataformats="HWC")
            taken = True
    return taken
