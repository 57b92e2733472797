"""Masks of others that were made to harm: small files of gigabytes, pipes, other values."""

from __future__ import annotations

import io
import json
import os
import re
import resource
import sys
import zipfile

import numpy as np
import pytest
import torch

from goodsam_pl.masks import MaskStore, image_key

IMPORT = ("masks", "import", "saved", "masks", "--images", "images", "--size", "[24,128]")
WINDOWS = ("--window_size", "[24,24]", "--window_stride", "[24,16]")
FULL = {"size": [24, 128], "counts": [0, 24 * 128]}


def most_memory() -> float:
    """The most memory that this process took so far, MB."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


@pytest.fixture
def refused(write_panoramas, fails, workplace):
    """Import a file, and hand back what is told; it names the file and takes little memory."""
    write_panoramas(1)

    def run(name, content, *more):
        path = workplace / "saved" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        assert path.stat().st_size < 3e6
        before = most_memory()
        error = fails(*IMPORT, *more)
        assert most_memory() - before < 500
        assert f"saved/{name}" in error
        return error

    return run


def test_a_line_of_text_may_tell_of_a_large_mask(write_panoramas, goodsam, workplace):
    """Of its 201 million pixels, those are laid out that are looked at."""
    [path] = write_panoramas(1)
    size, first = [6144, 32768], 6144 * 8192
    counts = [first, 6144 * 10000, 6144 * (32768 - 8192 - 10000)]
    (workplace / "saved").mkdir()
    masks = [{"segmentation": {"size": size, "counts": counts}}] * 5
    (workplace / "saved/00.json").write_text(json.dumps(masks))
    before = most_memory()
    goodsam(*IMPORT)
    assert most_memory() - before < 150
    [found] = MaskStore.open(workplace / "masks").read(image_key(path))
    columns = torch.arange(128) * 256 + 128
    expected = (columns >= 8192) & (columns < 18192)
    assert torch.equal(found.binary()[4], expected.expand(24, 128))


def test_thousands_of_masks_on_top_of_each_other_are_refused(refused):
    error = refused("00.json", [{"segmentation": FULL}] * 1000)
    assert "more than 256 masks overlap" in error
    error = refused("00.json", [{"segmentation": FULL}] * 32768)
    assert "32768 masks in window 0, 32767 are the most" in error


def test_polygons_of_too_many_corners_are_refused(refused):
    ring = [value for index in range(20_000) for value in (index % 6000, (7 * index) % 1000)]
    image = {"id": 1, "file_name": "00.png", "height": 1152, "width": 6144}
    annotation = {"image_id": 1, "segmentation": [ring]}
    error = refused("00.json", {"images": [image], "annotations": [annotation] * 2})
    assert "polygons have too many corners" in error


@pytest.mark.parametrize(
    ("masks", "told"),
    [
        ({"segmentation": {**FULL, "counts": [1 << 63]}}, "list of whole numbers"),
        ({"segmentation": {**FULL, "counts": ["5"]}}, "list of whole numbers"),
        ({"segmentation": {**FULL, "counts": [[1]]}}, "list of whole numbers"),
        ({"segmentation": {**FULL, "counts": [3072.5, -0.5]}}, "list of whole numbers"),
        ({"segmentation": {**FULL, "counts": [True] * 3072}}, "list of whole numbers"),
        ({"segmentation": {**FULL, "counts": None}}, "list of whole numbers"),
        ({"segmentation": {**FULL, "counts": {"a": 1}}}, "list of whole numbers"),
        ({"segmentation": {**FULL, "size": [True, True]}}, "no height and width"),
        ({"segmentation": [[[0]]]}, "rows of 0 and 1"),
        ({"segmentation": [[0, 1], [1]]}, "differ in length"),
        ({"segmentation": FULL, "predicted_iou": float("nan")}, "predicted_iou is nan"),
        ({"segmentation": FULL, "stability_score": -1e308}, "stability_score is -1e.308"),
        ({"segmentation": FULL, "score": True}, "predicted_iou is True"),
        ({"segmentation": FULL, "predicted_iou": 10**400}, "mask 0 is not as"),
        ({"segmentation": FULL, "window": True}, "window is True"),
        ({"segmentation": FULL, "window": "0"}, "window is '0'"),
    ],
)
def test_values_of_other_kinds_are_told_by_their_key(refused, masks, told):
    assert re.search(told, refused("00.json", [masks]))


def test_half_a_sign_in_a_name_is_told(refused):
    content = {"image": {"file_name": "\ud800"}, "annotations": [{"segmentation": FULL}]}
    assert "`image` is not as in SA-1B" in refused("00.json", content)


def archive(arrays, method=zipfile.ZIP_DEFLATED):
    """An ``.npz`` of arrays, or of the bytes of ``.npy`` files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as made:
        for name, array in arrays.items():
            npy = io.BytesIO()
            if isinstance(array, bytes):
                npy.write(array)
            else:
                np.save(npy, array)
            made.writestr(f"{name}.npy", npy.getvalue())
    return stream.getvalue()


def claims(shape, content=b""):
    """A ``.npy`` file that says so of itself."""
    text = f"{{'descr': '|b1', 'fortran_order': False, 'shape': {shape}, }}"
    head = text.ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + content


MASKS = np.ones((2, 24, 128), bool)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (archive({"segmentation": MASKS, "predicted_iou": np.array([1, np.nan])}), "iou is nan"),
        (archive({"segmentation": MASKS, "window": np.array([True, True])}), "window is bool"),
        (archive({"segmentation": MASKS, "window": np.array(["a", "b"])}), "window holds no numb"),
        (archive({"segmentation": MASKS, "predicted_iou": np.array(1.0)}), r"of shape \(\)"),
        (archive({"segmentation": MASKS, "predicted_iou": np.ones(3)}), "not as many"),
        (archive({"segmentation": MASKS[0]}), "2 dimensions"),
        (archive({"segmentation": np.asfortranarray(MASKS)}), "Fortran"),
        (archive({"segmentation": MASKS}, zipfile.ZIP_BZIP2), "packed in another way"),
        (archive({"segmentation": MASKS})[:150], "not a zip file"),
        (archive({"segmentation": claims((10, 10**6, 10**6))}), "not of the size that it says"),
        (archive({"segmentation": claims((-1, 5, 5))}), "not of the size that it says"),
        (archive({"segmentation": claims((1 << 30, 0, 0))}), "1,073,741,824 masks"),
        (archive({"segmentation": claims((1, 1, 1 << 20), bytes(1 << 20))}), "pixels"),
        (archive({"segmentation": b"cos\nsystem\n"}), "magic"),
        (archive({"other": MASKS}), "segmentation"),
        (b"", "not a zip file"),
    ],
)
def test_archives_that_lie_are_refused(refused, content, told):
    assert re.search(told, refused("00.npz", content))


def test_many_masks_of_an_archive_are_unpacked_one_by_one(write_panoramas, goodsam, workplace):
    [path] = write_panoramas(1)
    masks = np.zeros((2000, 24, 128), bool)
    masks[7, 3] = True
    (workplace / "saved").mkdir()
    (workplace / "saved/00.npz").write_bytes(archive({"segmentation": masks}))
    goodsam(*IMPORT)
    [found] = MaskStore.open(workplace / "masks").read(image_key(path))
    assert len(found) == 2000
    assert found.areas[:2].tolist() == [128, 0]


@pytest.mark.parametrize("name", ["00.json", "00.npz", "00/metadata.csv"])
def test_a_pipe_is_not_waited_for(write_panoramas, fails, workplace, name):
    write_panoramas(1)
    (workplace / "saved" / name).parent.mkdir(parents=True)
    os.mkfifo(workplace / "saved" / name)
    assert f"saved/{name} is no file" in fails(*IMPORT)
