"""Masks go out as JSON and come back as they were; those of others come in."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore, image_key

WHOLE = ("--size", "[24,128]")
WRAPS = 2**63 - 1


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
        ("00.json", '[{"segmentation": {"size": [2, 2], "counts": [4]}}]', "a mask has 2×2 pixels"),
        ("00.json", '[{"segmentation": {"size": [24, 128], "counts": [5]}}]', "not fill 24 × 128"),
        ("00.json", '[{"segmentation": {"size": [-1, 2], "counts": []}}]', "no height and width"),
        (
            "00.json",
            '[{"segmentation": {"size": [1000000, 5333333], "counts": [5]}}]',
            "pixels, 536870912 in all are the most",
        ),
        (
            "00.json",
            # their sum wraps around to the number of pixels
            f'[{{"segmentation": {{"size": [24, 128], "counts": [{WRAPS}, {WRAPS}, 3074]}}}}]',
            "not fill 24 × 128",
        ),
        (
            "00.json",
            '[{"segmentation": [[0, 0, 9, 0, 9.5, 9]]}]',
            "is a polygon, and the",
        ),
        ("00.json", '[{"segmentation": [[0, 1]], "predicted_iou": NaN}]', "predicted_iou is nan"),
        ("00.json", '[{"image_id": 1}, {"image_id": 2}]', r"several images \(image_id 1, 2\)"),
        ("00.json", "[" * 100000, "neither a list of masks"),
        ("00.json", '[{"segmentation": [[0, 2]]}]', "no array of rows of 0 and 1"),
        (
            "99.json",
            "[]",
            "'99', and there is none of that name in images; images are called 00.png: name",
        ),
        (
            "00.json",
            '{"image": {"file_name": "sa_1.jpg"}, "annotations": []}',
            "its name is that of images/00.png, but its masks are of 'sa_1.jpg'",
        ),
        (
            "99.json",
            '{"image": {"file_name": "sa_1.jpg"}, "annotations": []}',
            "masks of an image 'sa_1.jpg', and there is none of that name",
        ),
        (
            "00.json",
            json.dumps({"image": {"sha256": "0" * 64}, "annotations": []}),
            "SHA-256 0000+, which images/00.png is not",
        ),
        *(
            (
                "00.json",
                json.dumps({"image": {"sha256": key}, "annotations": []}),
                "its sha256 is '.*', not 64 hexadecimal digits",
            )
            for key in ("00", "../../../elsewhere", "/elsewhere", "F" * 64)
        ),
        ("00.json", '{"image": {"file_name": 7}, "annotations": []}', "`image` is not as in SA-1B"),
        ("a.json", '{"images": [{"id": 1}], "annotations": []}', r"images\[0\] has no file_name"),
        (
            "a.json",
            '{"images": [{"id": 1, "file_name": "00.png"}], "annotations": [{"image_id": 2}]}',
            r"annotations\[0\] has the image_id 2",
        ),
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


@pytest.fixture
def import_masks(goodsam, workplace):
    """Import ``saved``, and hand back the store."""

    def run(*more, images="images", store="masks"):
        goodsam("masks", "import", "saved", store, "--images", images, *(more or WHOLE))
        return MaskStore.open(workplace / store)

    return run


@pytest.fixture
def save(workplace):
    def write(name, content):
        path = workplace / "saved" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        return path

    return write


def run_lengths(mask, **more):
    """As CVAT and pycocotools have it: no scores."""
    return {"segmentation": uncompressed(mask), "iscrowd": 1, "category_id": 1, **more}


def test_a_coco_file_is_dealt_out_by_file_name(write_panoramas, generated, import_masks, save):
    _, binary, _ = generated
    paths = write_panoramas(3)
    images = [
        {"id": 7, "width": 128, "height": 24, "file_name": "train\\01.png"},
        {"id": 2, "width": 128, "height": 24, "file_name": "00.png", "license": 0},
        {"id": 3, "width": 128, "height": 24, "file_name": "not_annotated.png"},
    ]
    square = [[10.0, 5.0, 20.0, 5.0, 20.0, 15.0, 10.0, 15.0], [30, 2, 33, 2, 33, 4, 30, 4]]
    annotations = [
        run_lengths(binary[0], id=1, image_id=2),
        {"id": 2, "image_id": 7, "category_id": 1, "iscrowd": 0, "segmentation": square},
        run_lengths(binary[1], id=3, image_id=2, score=0.5),
    ]
    # also under a name that one of its images has
    for name in ("annotations/instances_default.json", "00.JSON"):
        path = save(name, {"images": images, "categories": [], "annotations": annotations})
        store = import_masks(store=path.stem)
        assert len(store) == 2
        [first], [second] = (store.read(image_key(path)) for path in paths[:2])
        assert torch.equal(first.binary(), torch.from_numpy(binary[:2]))
        assert first.predicted_iou.tolist() == [1.0, 0.5]
        assert first.stability.tolist() == [1.0, 1.0]
        expected = torch.zeros(24, 128, dtype=torch.bool)
        expected[5:15, 10:20] = expected[2:4, 30:33] = True
        assert torch.equal(second.binary()[0], expected)
        path.unlink()


def test_masks_of_one_image_in_two_files_are_not_merged(write_panoramas, fails, save):
    write_panoramas(1)
    save("00.json", [])
    save("part/00.json", [])
    error = fails("masks", "import", "saved", "masks", "--images", "images", *WHOLE)
    assert "saved/part/00.json: masks of 00.png, but saved/00.json holds masks of it, too" in error


def test_the_folder_of_pngs_that_amg_writes(
    generated, goodsam, import_masks, fails, workplace, monkeypatch
):
    path, binary, masks = generated
    folder = workplace / "saved/00"
    folder.mkdir(parents=True)
    lines = ["id,area,predicted_iou,stability_score"]
    for index, (mask, row) in enumerate(zip(binary, masks, strict=True)):
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{index}.png")
        lines.append(f"{index},{row['area']},{row['predicted_iou']},{row['stability_score']}")
    (folder / "metadata.csv").write_text("\n".join(lines))
    [found] = import_masks().read(image_key(path))
    assert torch.equal(found.binary(), torch.from_numpy(binary))
    assert found.predicted_iou.tolist() == pytest.approx([0.9, 0.775, 0.65])
    words = ("masks", "import", "saved", "masks", "--images", "images", *WHOLE)
    monkeypatch.chdir(folder)
    goodsam("masks", "import", ".", "../../here", "--images", "../../images", *WHOLE)
    monkeypatch.chdir(workplace)
    assert len(MaskStore.open(workplace / "here")) == 1
    (folder / "metadata.csv").write_text("\n".join(lines[:-1]))
    assert "saved/00/metadata.csv: no row for 2.png" in fails(*words)
    (folder / "metadata.csv").write_text("\n".join([*lines, "9,1,1,1"]))
    assert "saved/00/metadata.csv, line 5: there is no 9.png" in fails(*words)
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:50])
    (folder / "metadata.csv").write_text("\n".join(lines))
    assert "saved/00/2.png: " in fails(*words)


def test_numbered_files_in_cities(write_panoramas, import_masks, save, fails):
    folders = [f"images/leftImg8bit/train/{city}" for city in ("Amsterdam", "Athens")]
    for index, folder in enumerate(folders):
        [path] = write_panoramas(1, f"{folder}")
        path.write_bytes(path.read_bytes() + b"\0" * index)  # other images
        path.rename(path.with_name("1.png"))
        save(f"{folder.rpartition('/')[2]}/1.json", [])
    store = import_masks()
    assert sorted(store.describe(key)["name"] for key in store) == ["1.png", "1.png"]
    save("1.json", [])
    error = fails("masks", "import", "saved", "masks", "--images", "images", *WHOLE)
    assert "saved/1.json: masks of 2 images of that name, images/leftImg8bit/train/Ams" in error


def test_one_file_of_masks_is_enough(write_panoramas, goodsam, save, fails):
    write_panoramas(1)
    path = save("00.json", {"image": {"file_name": "00.png", "image_id": 1}, "annotations": []})
    words = ("--images", "images", *WHOLE)
    assert "masks of 1 panoramas" in goodsam("masks", "import", path, "masks", *words).out
    assert "elsewhere: no such folder or file" in fails(
        "masks", "import", "elsewhere", "masks", *words
    )
    assert "images: no .json or .npz file in it" in fails(
        "masks", "import", "images", "masks", *words
    )
    assert "00.json is a file: name a folder" in fails("masks", "import", path, path, *words)
