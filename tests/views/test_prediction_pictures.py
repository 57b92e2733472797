"""Label files: their ids, and the colours that viewers show them in."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from goodsam_pl.taxonomy import get_taxonomy
from goodsam_pl.views.prediction_pictures import label_file_png, label_png


def _opened(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Ids of a PNG, and its palette ``(256, 3)``."""
    with Image.open(io.BytesIO(content)) as picture:
        palette = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)
        return np.array(picture), palette


def test_voc_has_its_palette_and_a_void_that_is_not_the_background() -> None:
    label = np.array([[0, 1, 20, 255]], np.uint8)
    ids, palette = _opened(label_png(label, get_taxonomy("voc-21")))
    assert ids.tolist() == label.tolist()
    assert palette[0].tolist() == [0, 0, 0]
    assert palette[1].tolist() == [128, 0, 0]
    assert palette[20].tolist() == [0, 64, 128]
    assert palette[255].tolist() == [224, 224, 192]


def test_void_is_black_where_no_class_is() -> None:
    ids, palette = _opened(label_png(np.array([[7, 255]], np.uint8), get_taxonomy("cityscapes-19")))
    assert ids.tolist() == [[7, 255]]
    assert palette[7].tolist() == [220, 220, 0]
    assert palette[255].tolist() == [0, 0, 0]


def test_without_ids_of_its_own_a_class_set_writes_train_ids() -> None:
    label, taxonomy = np.array([[3, 255]], np.uint8), get_taxonomy("cityscapes-19")
    assert taxonomy.ids is None
    assert label_file_png(label, taxonomy) == label_png(label, taxonomy)
