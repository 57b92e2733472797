"""GTA5 in small, as it is released: palette labels, a few of other sizes, MATLAB's split file."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from goodsam_pl.data import SourceDataModule, SourceDataset
from goodsam_pl.data.entries import Request
from goodsam_pl.data.gta5 import GTA5_IDS
from goodsam_pl.data.labels import CITYSCAPES_LABEL_IDS, LabelReader
from goodsam_pl.data.layouts import gta5
from goodsam_pl.taxonomy import CITYSCAPES_TRAIN_IDS, get_taxonomy

# the palette of the released files, by labelId
PALETTE = [
    *[(0, 0, 0)] * 4, (20, 20, 20), (111, 74, 0), (81, 0, 81), (128, 64, 128), (244, 35, 232),
    (250, 170, 160), (230, 150, 140), (70, 70, 70), (102, 102, 156), (190, 153, 153),
    (180, 165, 180), (150, 100, 100), (150, 120, 90), (153, 153, 153), (153, 153, 153),
    (250, 170, 30), (220, 220, 0), (107, 142, 35), (152, 251, 152), (70, 130, 180), (220, 20, 60),
    (255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100), (0, 0, 90), (0, 0, 110), (0, 80, 100),
    (0, 0, 230), (119, 11, 32), (0, 0, 142),
]  # fmt: skip


def _save(path, ids: np.ndarray, mode: str = "P") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(ids.astype(np.uint8), "L")
    if mode != "L":
        image = image.convert("P")
        image.putpalette(np.array(PALETTE, np.uint8).tobytes())
    image.convert(mode).save(path)


def _read(path) -> list[int]:
    return LabelReader("cityscapes-19").read(path, GTA5_IDS).ravel().tolist()


@pytest.fixture
def root(tmp_path, write_image):
    """Five images, of road and of what their number says; the third label is two rows longer."""
    for number in range(1, 6):
        write_image(f"images/{number:05d}.png", 20, 32, seed=number)
        ids = np.full((22 if number == 3 else 20, 32), 7)
        ids[-5:] = 23 + number
        _save(tmp_path / f"labels/{number:05d}.png", ids)
    return tmp_path


def test_every_index_of_the_palette_is_the_class_of_its_id(tmp_path):
    for mode in ("P", "L"):
        _save(tmp_path / "l.png", np.arange(35)[None], mode)
        assert _read(tmp_path / "l.png") == [*CITYSCAPES_TRAIN_IDS[:34], 255]
    classes = get_taxonomy("cityscapes-19").classes
    assert classes[_read(tmp_path / "l.png")[33]] == "bicycle"


def test_colours_are_read_as_the_ids_that_they_stand_for(tmp_path):
    _save(tmp_path / "l.png", np.arange(35)[None], "RGB")
    expected = [*CITYSCAPES_TRAIN_IDS[:34], 13]  # a licence plate has a car's colour …
    expected[18] = 5  # … and a group of poles a pole's
    assert _read(tmp_path / "l.png") == expected


def test_a_class_set_of_fewer_classes_is_translated_to(tmp_path):
    _save(tmp_path / "l.png", np.array([[24, 25, 26, 31]]))
    label = LabelReader("cityscapes-13").read(tmp_path / "l.png", GTA5_IDS)
    assert label.tolist() == [[11, 11, 12, 255]]


def test_ids_and_colours_that_no_class_has_are_told_with_the_file(tmp_path):
    _save(tmp_path / "ids.png", np.array([[7, 35, 35]]), "L")
    with pytest.raises(ValueError, match=r"ids\.png: label id out of range: 2 pixels hold 35; GTA5 "
                                         r"\(labelIds of Cityscapes\) are 0\.\.34: "):  # fmt: skip
        _read(tmp_path / "ids.png")
    Image.fromarray(np.array([[[0, 0, 142], [1, 2, 3]]], np.uint8)).save(tmp_path / "colours.png")
    with pytest.raises(ValueError, match=r"colours\.png: 1 pixels have the colour \(1, 2, 3\)"):
        _read(tmp_path / "colours.png")


def test_files_of_train_ids_are_told_from_files_of_label_ids(tmp_path):
    _save(tmp_path / "l.png", np.array([[0, 18, 255]]), "L")
    assert LabelReader("cityscapes-19").read(tmp_path / "l.png", CITYSCAPES_LABEL_IDS).size == 3
    with pytest.raises(ValueError, match="1 pixels hold 255"):
        _read(tmp_path / "l.png")


def _module(root, **settings) -> SourceDataModule:
    return SourceDataModule(
        **{"dataset": "gta5", "root": str(root), "batch_size": 1, "num_workers": 0} | settings
    )


def test_all_is_for_training_and_a_label_of_another_size_is_brought_to_its_image(root, caplog):
    data = _module(root)
    with caplog.at_level(logging.INFO):
        data.setup("fit")
        batches = {batch.names[0]: batch for batch in data.train_dataloader()}
    assert sorted(batches) == [f"{number:05d}" for number in range(1, 6)]
    assert "training without validation" in caplog.text
    assert "00003.png: 32×22 pixels, its image has 32×20" in caplog.text
    assert batches["00003"].label.shape == (1, 20, 32)
    # nearest: row r is row 22/20 · (r + 1/2) of the file, whose last five rows are trucks
    trucks = [int(22 / 20 * (row + 0.5)) >= 17 for row in range(20)]
    assert (batches["00003"].label[0, :, 0] == 13).tolist() == trucks


def test_a_label_of_quite_another_size_is_refused(root):
    _save(root / "labels/00001.png", np.full((37, 32), 7))
    with pytest.raises(ValueError, match=r"00001\.png: 32×37 pixels, but its image .* has 32×20"):
        _module(root).setup("fit")


def test_a_label_that_is_missing_is_named(root):
    (root / "labels/00004.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"00004\.png has no label"):
        _module(root).setup("fit")


def test_the_classes_are_counted_for_rare_class_sampling(root):
    data = _module(root, rare_class_temperature=0.01, rare_class_pixels=1, limit=2)
    data.setup("fit")
    assert len(list(data.train_dataloader())) == 2
    entries = gta5(Request(root, "train", "cityscapes-19"))
    pixels = SourceDataset(entries, "cityscapes-19").count_pixels(19)
    assert pixels[:2, 0].tolist() == [15 * 32] * 2
    assert pixels[0, 11] == pixels[1, 12] == 5 * 32  # person 24, rider 25


@pytest.mark.parametrize("place", ["split.mat", "read_mapping/split.mat"])
def test_the_authors_splits(root, place):
    (root / place).parent.mkdir(exist_ok=True)
    arrays = {"trainIds": [[1], [4]], "valIds": [[3]], "testIds": [[2], [5]]}
    savemat(root / place, {name: np.array(each, np.uint16) for name, each in arrays.items()})
    data = _module(root, dataset="gta5_split")
    data.setup("fit")
    data.setup("test")
    names = {split: [path.name for path in paths] for split, paths in data.listed.items()}
    assert names == {
        "train": ["00001.png", "00004.png"],
        "val": ["00003.png"],
        "test": ["00002.png", "00005.png"],
    }


@pytest.mark.parametrize("place", ["train.txt", "splits/train.txt"])
def test_lists_go_before_the_authors_splits(root, place):
    savemat(root / "split.mat", {"trainIds": np.array([1]), "valIds": np.array([3])})
    (root / place).parent.mkdir(exist_ok=True)
    (root / place).write_text("00005.png\n00002\n")
    data = _module(root, dataset="gta5_split")
    data.setup("fit")
    assert [path.name for path in data.listed["train"]] == ["00002.png", "00005.png"]


def test_without_split_or_image_it_is_said_what_to_do(root):
    with pytest.raises(FileNotFoundError, match=r"set data\.dataset gta5_split for the val split"):
        _module(root).setup("validate")
    data = _module(root, dataset="gta5_split")
    with pytest.raises(FileNotFoundError, match=r"neither train\.txt nor split\.mat: put .* gta5"):
        data.setup("fit")
    savemat(root / "split.mat", {"trainIds": np.array([1, 77])})
    with pytest.raises(FileNotFoundError, match=r"split\.mat, trainIds: '00077' is not below"):
        data.setup("fit")
