"""What files say of themselves, and what is made of it."""

from __future__ import annotations

import logging
import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from goodsam_pl.data import Band, PanoramaFormat, panorama_format
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.labels import LabelReader, train_ids

SPHERE = PanoramaFormat((48, 256), 67.5, 180.0)
NAMES = (
    *("FullPanoWidthPixels", "FullPanoHeightPixels"),
    *("CroppedAreaImageWidthPixels", "CroppedAreaImageHeightPixels"),
    *("CroppedAreaLeftPixels", "CroppedAreaTopPixels"),
)


@pytest.fixture(autouse=True)
def _say_everything_again():
    for reminder in ("_contradictory", "_stated", "_black"):
        getattr(panorama_format, reminder).forget()


def packet(*numbers, projection="equirectangular"):
    tags = " ".join(f'GPano:{name}="{value}"' for name, value in zip(NAMES, numbers, strict=False))
    return (
        '<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
        f'GPano:ProjectionType="{projection}" {tags}/>'
    )


def save(path, pixels, xmp):
    image = Image.fromarray(pixels)
    if path.suffix == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp, zip=True)
        image.save(path, pnginfo=info)
    elif path.suffix == ".tif":
        image.save(path, tiffinfo={700: xmp.encode()})
    elif path.suffix == ".webp":
        image.save(path, xmp=xmp.encode(), lossless=True)
    else:
        image.save(path, quality=95, subsampling=0)
        part = b"http://ns.adobe.com/xap/1.0/\0" + xmp.encode()
        content = path.read_bytes()
        path.write_bytes(
            content[:2] + b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part + content[2:]
        )
    return path


def street(height, width, horizon):
    """Sky above the horizon, street below."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:horizon], pixels[horizon:] = (120, 170, 230), (110, 110, 115)
    return pixels


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("configured", [67.5, 135.0, 180.0])
def test_the_band_lies_around_the_horizon_that_the_tags_state(tmp_path, suffix, configured):
    # 256 rows of a full sphere of 512; the horizon is row 160 of them
    path = tmp_path / f"crop.{suffix}"
    save(path, street(256, 1024, 160), packet(1024, 512, 1024, 256, 0, 96))
    form = PanoramaFormat((96, 512), 67.5, configured)
    assert form.locate(path) == Band((256, 1024), 64, 256)
    sky = form.read(path)[..., 2] > 200
    assert sky[:47].all()
    assert not sky[49:].any()


def test_tags_of_a_file_that_was_resized(tmp_path):
    path = save(tmp_path / "small.jpg", street(64, 256, 40), packet(4096, 2048, 4096, 1024, 0, 384))
    assert SPHERE.locate(path) == Band((64, 256), 16, 64)


def test_a_whole_sphere_is_cut_as_without_tags(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (128, 256, 3), dtype=np.uint8)
    path = save(tmp_path / "a.png", noise, packet(8192, 4096, 8192, 4096, 0, 0))
    Image.fromarray(noise).save(tmp_path / "b.png")
    expected = SPHERE.read(tmp_path / "b.png")
    assert (SPHERE.read(path) == expected).all()
    # what the file says counts more than what is configured
    assert (PanoramaFormat((48, 256), 67.5, 67.5).read(path) == expected).all()


def test_labels_are_cut_as_their_image(tmp_path, write_label):
    path = save(tmp_path / "a.png", street(256, 512, 160), packet(512, 256, 512, 256, 0, 0))
    path = save(tmp_path / "b.png", street(128, 512, 80), packet(512, 256, 512, 128, 0, 48))
    ids = np.full((128, 512), 10, np.uint8)
    ids[80:] = 0
    entry = Entry(path, write_label("l.png", ids=ids), train_ids("cityscapes-19"), "b")
    image, label = PanoramaFormat((96, 512), 67.5, 180.0).read_labelled(
        entry, LabelReader("cityscapes-19")
    )
    assert label.tolist() == np.repeat([10, 0], 48)[:, None].repeat(512, axis=1).tolist()
    assert ((image[..., 2] > 200) == (label == 10)).all()


def test_masks_are_cut_as_their_image():
    mask = np.zeros((64, 256), bool)
    mask[16:40] = True
    band = Band((128, 512), 32, 128)
    fitted = mask[np.ix_(*SPHERE.mask_places(mask.shape, band))]
    assert fitted[:24].all()
    assert not fitted[24:].any()
    with pytest.raises(ValueError, match=r"a mask has 256×128 pixels, but its image 512×128"):
        SPHERE.mask_places((128, 256), band)


@pytest.mark.parametrize(
    ("size", "numbers", "complaint"),
    [
        ((96, 512), (1024, 512, 512, 96, 256, 208), r"spans 180° of 360°, as its tags say; its en"),
        ((256, 1000), (1024, 512, 1000, 256, 0, 128), r"spans 351\.6° of 360°"),
        (
            (256, 1024),
            (1024, 512, 1024, 256, 0, 64),
            r"shows 67\.5° above and 22\.5° below the horizon, .* vertical_fov to at most 45 \(and",
        ),
        (
            (128, 1024),
            (1024, 512, 1024, 128, 0, 0),
            "shows 90° above and nothing below the horizon, but .* on both sides: leave the file",
        ),
    ],
)
def test_files_that_say_they_show_less_are_refused(tmp_path, size, numbers, complaint):
    path = save(tmp_path / "part.jpg", street(*size, 8), packet(*numbers))
    for form in (SPHERE, PanoramaFormat((48, 256), 67.5, 90.0, aspect_tolerance=float("inf"))):
        if form is SPHERE or "spans" in complaint:
            with pytest.raises(ValueError, match=rf"part\.jpg: .*{complaint}.*exiftool"):
                form.read(path)
            with pytest.raises(ValueError, match=complaint):
                form.locate(path)


def test_other_projections_are_refused(tmp_path):
    path = save(tmp_path / "a.jpg", street(128, 256, 64), packet(projection="cylindrical"))
    with pytest.raises(
        ValueError, match=r"a\.jpg: its tags say that it is 'cylindrical', not equi"
    ):
        SPHERE.read(path)


def test_tags_that_cannot_be_true_are_told_and_not_used(tmp_path, caplog):
    for name in ("a", "b"):
        save(tmp_path / f"{name}.jpg", street(128, 256, 64), packet(256, 128, 256, 32, 0, 0))
        assert SPHERE.locate(tmp_path / f"{name}.jpg") == Band((128, 256), 40, 88)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.endswith(
        "a.jpg: its tags say 256×32 pixels, but the file has 256×128: its tags are not used, it is "
        "taken for 360° by file_vertical_fov, horizon in the middle"
    )
    assert second.endswith("b.jpg: its tags say 256×32 pixels, but the file has 256×128")


def test_it_is_said_once_that_files_state_their_geometry(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    for name in ("a", "b", "c"):
        save(tmp_path / f"{name}.jpg", street(64, 256, 40), packet(256, 128, 256, 64, 0, 24))
        SPHERE.read(tmp_path / f"{name}.jpg")
    first, second = (record.getMessage() for record in caplog.records)
    assert first == (
        f"{tmp_path / 'a.jpg'} says in its tags that it shows 360° by 90°, 56.25° above the "
        "horizon: this counts, not file_vertical_fov"
    )
    assert second.startswith("more files of this kind are not named")


def black(height, width, left=0, top=0, right=0, bottom=0):
    pixels = np.random.default_rng(0).integers(50, 200, (height, width, 3), dtype=np.uint8)
    pixels[:, :left] = pixels[:top] = 0
    pixels[:, width - right :] = pixels[height - bottom :] = 0
    return pixels


@pytest.mark.parametrize(
    ("margins", "told"),
    [
        ({"right": 40, "bottom": 20}, "columns on the right"),
        ({"left": 2}, "columns on the left"),
        ({"top": 40}, "rows at the top"),
        ({"bottom": 34}, "rows at the bottom"),
        (
            {"left": 9, "right": 9, "top": 40, "bottom": 40},
            "columns on the left, columns on the ri",
        ),
    ],
)
def test_black_that_no_panorama_has_is_warned_of(tmp_path, caplog, margins, told):
    for name in ("a.png", "b.png"):
        Image.fromarray(black(128, 256, **margins)).save(tmp_path / name)
        assert SPHERE.read(tmp_path / name).shape == (48, 256, 3)
    first, second = (record.getMessage() for record in caplog.records)
    assert f"a.png: pure black in {told}" in first
    assert first.endswith("all angles are wrong: crop it to what is seen")
    assert f"b.png: pure black in {told}" in second


@pytest.mark.parametrize("margins", [{}, {"bottom": 25}, {"top": 30, "bottom": 30}, {"right": 0}])
def test_black_that_cameras_leave_is_not(tmp_path, caplog, margins):
    """The car below the camera, and the poles, which some cameras do not see."""
    Image.fromarray(black(128, 256, **margins)).save(tmp_path / "a.png")
    SPHERE.read(tmp_path / "a.png")
    assert caplog.records == []


def test_only_transparency_within_the_band_is_refused(tmp_path):
    pixels = np.dstack([street(128, 256, 64), np.full((128, 256), 255, np.uint8)])
    pixels[:40, :, 3] = pixels[88:, :, 3] = 0
    for suffix in ("png", "tif"):
        path = tmp_path / f"a.{suffix}"
        Image.fromarray(pixels).save(path)
        assert (SPHERE.read(path)[0, 0] == (120, 170, 230)).all()
    pixels[40, 7, 3] = 254
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png: partly transparent"):
        SPHERE.read(tmp_path / "a.png")


def test_locating_reads_no_pixels(tmp_path, write_image):
    for name in ("a.png", "a.jpg", "a.tif", "a.bmp"):
        path = write_image(name, 128, 256)
        content = path.read_bytes()
        # a TIFF keeps its header at the end
        kept = len(content) if name == "a.tif" else 700
        path.write_bytes(content[:kept])
        assert SPHERE.locate(path) == Band((128, 256), 40, 88)
        if name != "a.tif":
            with pytest.raises(ValueError, match="broken or cut off"):
                SPHERE.read(path)


def test_a_very_large_jpeg_is_nearly_the_same_decoded_smaller(tmp_path, monkeypatch):
    ramp = np.zeros((512, 1024, 3), np.uint8)
    ramp[..., 0], ramp[..., 1] = np.arange(512)[:, None] // 2, np.arange(1024) // 4
    Image.fromarray(ramp).save(tmp_path / "a.jpg", quality=95, subsampling=0)
    form = PanoramaFormat((24, 128), 67.5, 180.0)
    whole = form.read(tmp_path / "a.jpg").astype(int)
    monkeypatch.setattr("goodsam_pl.data.decoding._LARGE", 1000)
    assert form.locate(tmp_path / "a.jpg") == Band((512, 1024), 160, 352)
    # the seam is no edge of the sphere, but one of the file
    assert np.abs(form.read(tmp_path / "a.jpg") - whole)[:, 1:-1].max() <= 3
