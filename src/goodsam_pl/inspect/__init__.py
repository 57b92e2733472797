"""Looking into a run from Python: every stage of a panorama, fused at will, pixel by pixel.

::

    from goodsam_pl import inspect

    run = inspect.open_run("runs/streetworld/distillation")
    look = run.look("panorama.jpg")  # networks and SAM are asked, once
    fused = look.fuse(CTCF(threshold=0.7))  # as often as you like
    run.save(look, "stages")  # for `goodsam report`
    print(inspect.pixel_at(look, 100, 300, {"CTCF": fused}))

The same functions draw the panels of :class:`goodsam_pl.callbacks.StagePanels`.
"""

from __future__ import annotations

from goodsam_pl.inspect.opening import open_run
from goodsam_pl.inspect.run import InspectedRun
from goodsam_pl.views.fused_panorama import FusedPanorama
from goodsam_pl.views.label_changes import ClassChange, LabelChanges, label_changes
from goodsam_pl.views.panorama_look import PanoramaLook, look_at
from goodsam_pl.views.pixel_look import ClassAt, FusedAt, MaskAt, PixelLook, pixel_at
from goodsam_pl.views.stages import Stages, stages_of

__all__ = [
    "ClassAt",
    "ClassChange",
    "FusedAt",
    "FusedPanorama",
    "InspectedRun",
    "LabelChanges",
    "MaskAt",
    "PanoramaLook",
    "PixelLook",
    "Stages",
    "label_changes",
    "look_at",
    "open_run",
    "pixel_at",
    "stages_of",
]
