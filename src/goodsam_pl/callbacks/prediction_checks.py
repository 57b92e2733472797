"""What a prediction has to be before it is written, and where it may be written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import Tensor

from goodsam_pl.callbacks.prediction_outcome import (
    UnlabelledImagesError,
    failed_outcome,
    failure_report,
)
from goodsam_pl.callbacks.protocols import PredictableData
from goodsam_pl.data.entries import Entry
from goodsam_pl.taxonomy import Taxonomy

__all__ = ["labels_and_scores", "refuse_folder_of_images", "refuse_what_fits_nowhere"]

_LOOKED_AT = 16
"""Images whose headers are read, until one is right, before any is predicted."""


def refuse_folder_of_images(root: Path, images: Path) -> None:
    """Refuse to write predictions where the images themselves are."""
    if images.resolve().is_relative_to(root.resolve()):
        raise ValueError(
            f"predictions would go to {root}, where the images themselves are: name a folder of "
            f"their own (--out), as {root / 'predictions'}"
        )


def refuse_what_fits_nowhere(entries: Sequence[Entry], data: PredictableData | None) -> None:
    """Refuse now what would be refused of every image: wrong angles, mostly."""
    if data is None or not entries:
        return
    count = min(len(entries), _LOOKED_AT)
    failed = []
    for index in range(count):
        image = entries[index * len(entries) // count].image
        try:
            data.locate(image)
        except (OSError, ValueError) as error:
            failed.append(failed_outcome("", image, str(error)))
        else:
            return
    raise UnlabelledImagesError(failure_report(failed, count))


def labels_and_scores(
    prediction: Tensor, image: Tensor, taxonomy: Taxonomy, *, wants_scores: bool
) -> tuple[npt.NDArray[np.uint8], Tensor | None]:
    """Class ids uint8 ``(B, H, W)``, and probabilities ``(B, K, H, W)`` where they are wanted.

    Args:
        prediction: of a batch: class ids, or the probabilities.
        image: of the batch, ``(B, 3, H, W)``.
        taxonomy: of the ids.
        wants_scores: whether probabilities are wanted.

    Raises:
        ValueError: a prediction of another form or size, or an id that the taxonomy does not have.
    """
    count, _, height, width = image.shape
    expected = (count, len(taxonomy.classes), height, width)
    if wants_scores and prediction.shape == expected and prediction.is_floating_point():
        return prediction.argmax(dim=1).cpu().numpy().astype(np.uint8), prediction
    is_of_ids = prediction.shape == image[:, 0].shape and not prediction.is_floating_point()
    if wants_scores or not is_of_ids:
        what = "probabilities (B, K, H, W)" if wants_scores else "whole class ids (B, H, W)"
        raise ValueError(
            f"predictions {tuple(prediction.shape)} do not fit images "
            f"{tuple(image.shape)}: predict_step returns {what}"
        )
    labels = prediction.cpu().numpy()
    if labels.min() < 0 or labels.max() > taxonomy.ignore_index:
        taxonomy.colorize(labels)  # says which id it does not have
    taxonomy.colorize(np.flatnonzero(np.bincount(labels.reshape(-1))))
    return labels.astype(np.uint8), None
