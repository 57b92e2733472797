from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from goodsam_pl.data import read_image, read_label
from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.files import _turned, check_pair, nearest, resize_image, resize_label


def test_every_kind_of_8_bit_image_becomes_rgb(tmp_path):
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert (read_image(tmp_path / "grey.png") == grey[..., None]).all()

    color = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    opaque = np.dstack([color, np.full((3, 4), 255, np.uint8)])
    Image.fromarray(opaque).save(tmp_path / "opaque.png")
    assert (read_image(tmp_path / "opaque.png") == color).all()

    Image.fromarray(grey).convert("P").save(tmp_path / "palette.png")
    assert (read_image(tmp_path / "palette.png") == grey[..., None]).all()


def test_transparent_and_deep_images_are_refused(tmp_path):
    Image.fromarray(np.full((3, 4, 4), 128, np.uint8)).save(tmp_path / "glass.png")
    with pytest.raises(ValueError, match=r"glass\.png: partly transparent: save it as RGB"):
        read_image(tmp_path / "glass.png")
    Image.fromarray(np.full((3, 4), 40_000, np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match=r"deep\.png: .*more than 8 bits.*save it as 8-bit"):
        read_image(tmp_path / "deep.png")


def test_exif_orientation_is_applied(tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: rotate by 90° clockwise
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    upright = read_image(tmp_path / "turned.jpg")
    assert upright.shape == (16, 8, 3)
    assert upright[:6].min() > 240
    assert upright[10:].max() < 15


@pytest.mark.parametrize("name", ["cut.png", "cut.jpg"])
@pytest.mark.parametrize("kept", [0.9, 0.5])
def test_a_file_that_was_cut_off_says_so(write_image, name, kept):
    path = write_image(name)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError, match=rf"{name}: broken or cut off .*: fetch the file again"):
        read_image(path)


def test_what_is_no_image_says_so(tmp_path):
    (tmp_path / "page.jpg").write_text("<html>404</html>")
    with pytest.raises(ValueError, match=r"page\.jpg: not an image that Pillow can read"):
        read_image(tmp_path / "page.jpg")
    (tmp_path / "empty.png").touch()
    with pytest.raises(ValueError, match=r"empty\.png: not an image"):
        read_image(tmp_path / "empty.png")
    with pytest.raises(FileNotFoundError, match=r"absent\.png: no such file"):
        read_image(tmp_path / "absent.png")


def test_palette_labels_keep_their_indices(tmp_path):
    ids = np.array([[0, 1], [2, 255]], np.uint8)
    label = Image.fromarray(ids)
    label.putpalette(list(range(255, -1, -1)) * 3)
    assert label.mode == "P"
    label.save(tmp_path / "label.png")
    assert read_label(tmp_path / "label.png").tolist() == ids.tolist()


def test_16_bit_and_bilevel_labels(tmp_path):
    Image.fromarray(np.array([[3, 255]], np.uint16)).save(tmp_path / "wide.png")
    assert read_label(tmp_path / "wide.png").tolist() == [[3, 255]]
    Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1").save(tmp_path / "bits.png")
    assert read_label(tmp_path / "bits.png").tolist() == [[0, 1]]
    Image.fromarray(np.array([[3, 26_001]], np.uint16)).save(tmp_path / "instances.png")
    with pytest.raises(ValueError, match=r"instances\.png: holds the id 26001.*instance map"):
        read_label(tmp_path / "instances.png")


def test_a_painted_label_is_refused(write_image):
    path = write_image("x_color.png")
    with pytest.raises(ValueError, match=r"x_color\.png: .*colour image \(RGB\).*labelTrainIds"):
        read_label(path)


def test_a_label_of_another_size_names_both_files(write_image):
    path = write_image("i.png", 4, 6)
    with (
        open_image(path) as image,
        pytest.raises(ValueError, match=r"l\.png: 5×4 pixels, but its image .*i\.png has 6×4: exp"),
    ):
        check_pair(image, np.zeros((4, 5), np.uint8), Path("l.png"))


def sideways(path, height, width, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = np.zeros((height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path, exif=exif)
    return path


def test_a_label_of_the_picture_as_it_is_stored_is_told_of_the_orientation(tmp_path):
    path = sideways(tmp_path / "i.jpg", 6, 4, 6)
    with (
        open_image(path) as image,
        pytest.raises(
            ValueError,
            match=r"l\.png: 4×6 pixels, but its image .*i\.jpg has 6×4 and is turned by its EXIF "
            r"orientation \(6\); the label fits it as it is stored: turn the label likewise",
        ),
    ):
        check_pair(image, np.zeros((6, 4), np.uint8), Path("l.png"))
    with open_image(path) as image, pytest.raises(ValueError, match="export the label at the size"):
        check_pair(image, np.zeros((6, 5), np.uint8), Path("l.png"))


def test_orientations_that_keep_the_size_are_warned_of(tmp_path, caplog):
    _turned.forget()
    for name, orientation in (("a", 3), ("b", 2), ("c", 1)):
        with open_image(sideways(tmp_path / f"{name}.jpg", 4, 6, orientation)) as image:
            check_pair(image, np.zeros((4, 6), np.uint8), Path("l.png"))
    first, second = (record.getMessage() for record in caplog.records)
    assert "a.jpg is turned by its EXIF orientation (3): if labels were drawn on" in first
    assert second.endswith("b.jpg is turned by its EXIF orientation (2)")


def test_labels_are_resized_without_new_ids_and_images_by_averaging():
    label = np.repeat(np.array([[0, 7], [255, 18]], np.uint8), 8, axis=0).repeat(8, axis=1)
    assert resize_label(label, (2, 2)).tolist() == [[0, 7], [255, 18]]
    assert resize_label(label, (5, 9)).shape == (5, 9)
    assert set(np.unique(resize_label(label, (5, 9)))) <= {0, 7, 18, 255}
    checkers = np.indices((64, 64)).sum(axis=0) % 2 * 255
    small = resize_image(np.repeat(checkers[..., None], 3, 2).astype(np.uint8), (8, 8))
    assert abs(int(small.min()) - 127) <= 1
    assert abs(int(small.max()) - 128) <= 1
    assert resize_image(small, (8, 8)) is small


@given(*[st.integers(1, 300)] * 4)
def test_the_nearest_pixels_are_those_that_labels_are_resized_by(height, width, rows, columns):
    label = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    expected = resize_label(label, (rows, columns))
    taken = np.ix_(nearest(height, rows), nearest(width, columns))
    assert (label[taken] == expected).all()
