"""Masks go out as JSON and come back as they were; those of others come in."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.sam import MaskStore, image_key

WHOLE = ("--size", "[24,128]")


@pytest.fixture
def exported(stored, goodsam):
    paths = stored(2)
    goodsam("masks", "export", "masks", "exported")
    return paths


@pytest.fixture
def generated(write_panoramas):
    """Masks of one panorama as SamAutomaticMaskGenerator returns them, largest first."""
    [path] = write_panoramas(1)
    binary = np.zeros((3, 24, 128), dtype=bool)
    binary[0, 4:20, 100:] = binary[0, 4:20, :30] = True
    binary[1, 6:12, 5:40] = True
    binary[2, 9, 9] = True
    masks = [
        {
            "segmentation": mask,
            "area": int(mask.sum()),
            "bbox": [0, 0, 0, 0],
            "predicted_iou": 0.9 - index / 8,
            "stability_score": 0.5 + index / 8,
            "point_coords": [[3.5, 4.5]],
            "crop_box": [0, 0, 128, 24],
        }
        for index, mask in enumerate(binary)
    ]
    return path, binary, masks


def test_export_then_import_gives_the_same_masks(exported, goodsam, sizes, workplace):
    goodsam("masks", "import", "exported", "again", *sizes)
    before, after = (MaskStore.open(workplace / name) for name in ("masks", "again"))
    assert list(after) == list(before)
    for key in before:
        assert after.describe(key)["masks"] == before.describe(key)["masks"]
        for old, new in zip(before.read(key), after.read(key), strict=True):
            for name in ("layers", "predicted_iou", "stability", "boxes", "areas"):
                assert torch.equal(getattr(old, name), getattr(new, name)), name


def test_an_export_is_what_pycocotools_reads(exported, workplace):
    coco = pytest.importorskip("pycocotools.mask")
    store = MaskStore.open(workplace / "masks")
    content = json.loads((workplace / "exported/00.json").read_text())
    key = image_key(exported[0])
    assert content["image"] == {
        "file_name": "00.png", "height": 24, "width": 128, "sha256": key,
    }  # fmt: skip
    masks = [
        mask for window in store.read(key) for mask in window.binary().numpy().astype(np.uint8)
    ]
    assert len(masks) == len(content["annotations"])
    for mask, annotation in zip(masks, content["annotations"], strict=True):
        assert (coco.decode(annotation["segmentation"]) == mask).all()
        assert coco.area(annotation["segmentation"]) == annotation["area"]
        left, top = coco.toBbox(annotation["segmentation"]).tolist()[:2]
        assert annotation["bbox"][:2] == [left, top]


@pytest.mark.parametrize("form", ["arrays", "uncompressed", "compressed", "annotations", "npz"])
def test_what_sams_own_generator_saved_comes_in(form, generated, goodsam, workplace):
    path, binary, masks = generated
    rows = [dict(mask) for mask in masks]
    for row in rows:
        row["segmentation"] = {
            "arrays": lambda mask: mask.tolist(),
            "annotations": lambda mask: mask.tolist(),
            "uncompressed": uncompressed,
            "compressed": compressed,
            "npz": lambda mask: mask,
        }[form](row["segmentation"])
    (workplace / "saved").mkdir()
    if form == "npz":
        names = ("segmentation", "predicted_iou", "stability_score")
        np.savez(
            workplace / "saved/00.npz", **{name: [row[name] for row in rows] for name in names}
        )
    else:
        content = {"annotations": rows} if form == "annotations" else rows
        (workplace / "saved/00.json").write_text(json.dumps(content))
    goodsam("masks", "import", "saved", "masks", "--images", "images", *WHOLE)
    store = MaskStore.open(workplace / "masks")
    assert store.whole
    [found] = store.read(image_key(path))
    assert torch.equal(found.binary(), torch.from_numpy(binary))
    assert found.predicted_iou.tolist() == pytest.approx([0.9, 0.775, 0.65])
    assert found.stability.tolist() == pytest.approx([0.5, 0.625, 0.75])
    grid = WindowGrid.cover((24, 128), (24, 24), (24, 16))
    cut = store.layers(image_key(path), grid)
    for index, mask in enumerate(binary):
        expected = grid.extract(torch.from_numpy(mask)[None])[0]
        assert torch.equal((cut == index).any(dim=1), expected)


def uncompressed(mask):
    from segment_anything.utils.amg import mask_to_rle_pytorch  # noqa: PLC0415

    return mask_to_rle_pytorch(torch.from_numpy(mask)[None])[0]


def compressed(mask):
    from segment_anything.utils.amg import coco_encode_rle  # noqa: PLC0415

    pytest.importorskip("pycocotools")
    return coco_encode_rle(uncompressed(mask))


def test_one_file_a_window(generated, goodsam, sizes, workplace):
    path, binary, masks = generated
    grid = WindowGrid.cover((24, 128), (24, 24), (24, 16))
    windows = grid.extract(torch.from_numpy(binary))
    folder = workplace / "saved/00"
    folder.mkdir(parents=True)
    for index in range(grid.count):
        rows = [
            {**row, "segmentation": mask.tolist()}
            for row, mask in zip(masks, windows[:, index], strict=True)
        ]
        (folder / f"{index}.json").write_text(json.dumps(rows))
    goodsam("masks", "import", "saved", "masks", "--images", "images", *sizes)
    found = MaskStore.open(workplace / "masks").read(image_key(path))
    for index, window in enumerate(found):
        order = windows[:, index].sum(dim=(1, 2)).argsort(descending=True, stable=True)
        assert torch.equal(window.binary(), windows[order, index])


def test_masks_of_larger_files_are_resized(generated, goodsam, workplace):
    path, binary, masks = generated
    rows = [
        {**row, "segmentation": row["segmentation"].repeat(2, 0).repeat(2, 1).tolist()}
        for row in masks
    ]
    (workplace / "saved").mkdir()
    (workplace / "saved/00.json").write_text(json.dumps(rows))
    goodsam("masks", "import", "saved", "masks", "--images", "images", *WHOLE)
    [found] = MaskStore.open(workplace / "masks").read(image_key(path))
    assert torch.equal(found.binary(), torch.from_numpy(binary))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("00.json", "{", "neither a list of masks nor an object with annotations"),
        ("00.json", "{}", "neither a list of masks"),
        ("00.json", "[{}]", "mask 0 is not as .* no 'segmentation'"),
        ("00.json", '[{"segmentation": {"size": [2, 2], "counts": [5]}}]', "do not fill 2 × 2"),
        ("00.json", '[{"segmentation": [[0, 2]]}]', "no array of rows of 0 and 1"),
        ("99.json", "[]", "masks of no image that is known: name the file as its image"),
        (
            "00.json",
            '[{"segmentation": [[1, 0]], "predicted_iou": 1, "stability_score": 1}]',
            "a mask has 2×1 pixels",
        ),
    ],
)
def test_other_files_are_refused_by_name(name, content, told, write_panoramas, fails, workplace):
    write_panoramas(1)
    (workplace / "saved").mkdir()
    (workplace / "saved" / name).write_text(content)
    error = fails("masks", "import", "saved", "masks", "--images", "images", *WHOLE)
    assert f"saved/{name}: " in error
    assert re.search(told, error)


def test_pickles_are_not_opened(write_panoramas, fails, workplace):
    write_panoramas(1)
    (workplace / "saved").mkdir()
    np.savez(workplace / "saved/00.npz", segmentation=np.array([{"a": 1}], dtype=object))
    error = fails("masks", "import", "saved", "masks", "--images", "images", *WHOLE)
    assert "00.npz" in error
    assert "allow_pickle" in error
