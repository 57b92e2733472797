"""What the families of SAM in ``transformers`` differ in."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["SAM_FAMILIES", "SamFamily"]


class SamFamily(NamedTuple):
    """How models of a family are loaded and asked.

    Attributes:
        model_class: of ``transformers``.
        predicted_iou: threshold of the mask generator that came with the family.
        is_square: windows are made square and features of several strides go into the decoder, as
            in SAM 2; SAM keeps their proportions and pads.
    """

    model_class: str
    predicted_iou: float
    is_square: bool


_SAM2 = SamFamily("Sam2Model", 0.8, is_square=True)
# both are asked as SAM 2 is; EdgeTAM came with SAM 2's generator, SAM 3 with none
_SAM3 = SamFamily("Sam3TrackerModel", 0.8, is_square=True)
_EDGETAM = SamFamily("EdgeTamModel", 0.8, is_square=True)

SAM_FAMILIES = {
    "sam": SamFamily("SamModel", 0.88, is_square=False),
    "sam_hq": SamFamily("SamHQModel", 0.88, is_square=False),
    "sam2": _SAM2,
    # published checkpoints say that they are of videos; their image part is loaded
    "sam2_video": _SAM2,
    "sam3_tracker": _SAM3,
    "sam3_tracker_video": _SAM3,
    "sam3_video": _SAM3,
    "edgetam": _EDGETAM,
    "edgetam_video": _EDGETAM,
}
"""The families by the ``model_type`` that ``config.json`` names."""
