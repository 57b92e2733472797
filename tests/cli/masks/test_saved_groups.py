"""Files of masks find the image that they are of, or say why not."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from goodsam_pl.cli.masks.image_names import ImageNames
from goodsam_pl.cli.masks.saved_groups import group_files
from goodsam_pl.masks import image_key

KEY = "0" * 64


def mask(iou=1.0):
    segmentation = {"size": [2, 2], "counts": [0, 4]}
    return {"segmentation": segmentation, "predicted_iou": iou}


@pytest.fixture
def write(workplace):
    """Write a file of masks below ``masks``: a list, or with what it says of its image."""

    def write(name, *masks, **image):
        path = workplace / "masks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = list(masks) or [mask()]
        path.write_text(json.dumps({"image": image, "annotations": content} if image else content))
        return path

    return write


@pytest.fixture
def images(workplace):
    """Three images, two of which differ in their folder alone."""
    root = workplace / "images"
    paths = [root / name for name in ("a/1.png", "b/1.png", "c.png")]
    for index, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (2, 2), index).save(path)
    return ImageNames(root, paths)


def group(workplace, names=None, windows=1):
    """The files of each group below ``masks``."""
    masks = workplace / "masks"
    return {
        each.name: [(path.relative_to(masks).as_posix(), window) for path, window in each.files]
        for each in group_files(masks, names, windows)
    }


def read(workplace, names=None, windows=1):
    groups = group_files(workplace / "masks", names, windows)
    return [found for each in groups for found in each.read(names)]


def test_files_and_folders_of_pictures_are_groups(workplace, write):
    for name in ("c.json", "a/1.NPZ", "pictures/metadata.csv", "notes.txt"):
        write(name)
    for name in (".hidden/d.json", "__MACOSX/c.json"):
        write(name)
    assert group(workplace) == {
        "a/1": [("a/1.NPZ", None)],
        "c": [("c.json", None)],
        "pictures": [("pictures", None)],
    }


def test_numbers_below_a_folder_are_windows(workplace, write, images):
    for name in ("c/0.json", "c/1.json", "c/2.json", "0.json"):
        write(name)
    assert group(workplace, windows=2) == {
        "0": [("0.json", None)],
        "c": [("c/0.json", 0), ("c/1.json", 1)],
        "c/2": [("c/2.json", None)],
    }
    assert len(group(workplace, windows=1)) == 4
    # unless images are called so
    write("a/1.json")
    assert group(workplace, images, windows=2)["a/1"] == [("a/1.json", None)]


def test_one_file_is_a_group_of_its_name(write):
    [found] = group_files(write("a/1.json"), None, 4)
    assert found.name == "1"


def test_no_files_are_an_error(workplace):
    with pytest.raises(FileNotFoundError, match=r"masks: no such folder or file"):
        group(workplace)
    (workplace / "masks").mkdir()
    with pytest.raises(ValueError, match=r"no \.json or \.npz file in it .* with metadata\.csv$"):
        group(workplace)


def test_masks_are_of_the_image_of_their_name(workplace, write, images):
    path = write("a/1.json", mask(0.25), mask(0.5))
    [found] = read(workplace, images)
    image = workplace / "images/a/1.png"
    assert found[:3] == (image_key(image), image, "1.png")
    assert [each.predicted_iou for each in found.masks] == [0.25, 0.5]
    assert found.path == path


def test_windows_of_an_image_are_put_together(workplace, write, images):
    write("c/1.json", mask(0.5))
    write("c/0.json", mask(0.25), mask(0.75))
    [found] = read(workplace, images, windows=2)
    assert found.name == "c.png"
    assert [(each.window, each.predicted_iou) for each in found.masks] == [
        (0, 0.25), (0, 0.75), (1, 0.5),
    ]  # fmt: skip


def test_windows_of_two_images_are_none_of_one(workplace, write):
    write("c/0.json", file_name="x.png", sha256=KEY)
    write("c/1.json", file_name="y.png", sha256="1" * 64)
    with pytest.raises(ValueError, match=r"1\.json is of y\.png, but .*0\.json of x\.png: one fol"):
        read(workplace, windows=2)


def test_a_key_does_without_the_image(workplace, write):
    write("c.json", sha256=KEY)
    write("d.json", file_name="far/x.png", sha256=KEY)
    assert [found[:3] for found in read(workplace)] == [
        (KEY, None, "c"),
        (KEY, None, "far/x.png"),
    ]


def test_a_key_tells_images_of_one_name_apart(workplace, write, images):
    image = workplace / "images/b/1.png"
    write("1.json", sha256=image_key(image))
    assert [found.image for found in read(workplace, images)] == [image]


def test_what_is_written_inside_counts_where_the_name_says_nothing(workplace, write, images):
    write("export.json", file_name="a/1.png")
    assert [found.image for found in read(workplace, images)] == [workplace / "images/a/1.png"]


@pytest.mark.parametrize(
    ("name", "note", "message"),
    [
        ("1.json", {}, r"masks of 2 images of that name, .*a/1\.png and .*b/1\.png: name the file"),
        ("x.json", {}, r"an image 'x', and there is none of .* called a/1\.png, b/1\.png, c\.png:"),
        ("c.json", {"sha256": KEY}, r"of SHA-256 0{64}, which .*c\.png is not: give the very file"),
        (
            "c.json",
            {"file_name": "a/1.png"},
            r"of .*c\.png, but its masks are of 'a/1\.png', as it",
        ),
    ],
)
def test_masks_of_an_unknown_image_are_refused(workplace, write, images, name, note, message):
    path = write(name, **note)
    with pytest.raises(ValueError, match=rf"^{path}: .*{message}"):
        read(workplace, images)


def test_without_images_or_a_key_nobody_knows(workplace, write):
    write("c.json")
    with pytest.raises(ValueError, match=r"masks of an image 'c': say by --images where it is"):
        read(workplace)
