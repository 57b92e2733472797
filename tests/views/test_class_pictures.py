from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.metrics import scores_from_confusion
from goodsam_pl.taxonomy import get_taxonomy
from goodsam_pl.views.class_pictures import class_bars, confusion_picture
from goodsam_pl.views.pictures import heat_color

TAXONOMY = get_taxonomy("camvid-11")
COUNTS = torch.zeros(11, 12, dtype=torch.int64)
COUNTS[0, 0], COUNTS[0, 1], COUNTS[0, 11], COUNTS[1, 1] = 70, 20, 10, 5


def test_cells_are_shares_of_rows_and_rows_without_pixels_are_grey() -> None:
    scores = scores_from_confusion(COUNTS)
    shares = scores.confusion_shares
    assert shares[0, [0, 1, 11]].tolist() == [0.7, 0.2, 0.1]
    assert shares[2].isnan().all()
    drawn = confusion_picture(scores, TAXONOMY, "val")
    # cells of 30 pixels up to a margin of 8 at the right and below
    left, top = drawn.shape[1] - 8 - 12 * 30, drawn.shape[0] - 8 - 11 * 30
    corners = drawn[top::30, left::30][:11, :12]
    for row in (0, 1, 2):
        for column in range(12):
            expected = heat_color(shares[row, column].item())
            assert tuple(corners[row, column]) == expected, (row, column)


def test_bars_are_as_long_as_the_scores_in_the_colours_of_the_classes() -> None:
    scores = scores_from_confusion(COUNTS)
    drawn = class_bars(scores, TAXONOMY, "val")
    for index in (0, 1):
        color = np.array(TAXONOMY.palette[index])
        widths = (drawn == color).all(axis=2).sum(axis=1)
        # without the outline, and without the line at the mean
        assert widths.max() == pytest.approx(400 * scores.iou[index].item(), abs=2)


def test_many_classes_have_small_cells() -> None:
    coco = get_taxonomy("coco-81")
    scores = scores_from_confusion(torch.eye(81, dtype=torch.int64))
    assert max(confusion_picture(scores, coco, "val").shape) < 1600


def test_another_class_set_is_refused() -> None:
    scores = scores_from_confusion(torch.eye(3, dtype=torch.int64))
    for draw in (confusion_picture, class_bars):
        with pytest.raises(ValueError, match="11 class names for 3 classes"):
            draw(scores, TAXONOMY, "val")
