"""``goodsam map`` on folders as ``goodsam predict`` writes them."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))
from tagged_pictures import AMSTERDAM, FULL, write_tagged

CLASSES = ("road", "sky", "car")


def label(sky: int, rows: tuple[int, int] = (0, 64)) -> np.ndarray:
    """Sky down to a row and road below it; void outside of some rows."""
    ids = np.zeros((64, 128), np.uint8)
    ids[:sky] = 1
    ids[: rows[0]] = ids[rows[1] :] = 255
    return ids


@pytest.fixture
def predictions(workplace):
    """Write a folder of predictions: a label, and the rows that were predicted, by file."""

    def write(labels: dict[str, tuple[np.ndarray, tuple[int, int]]], fov: float, **settings: str):
        images = []
        for name, (ids, rows) in labels.items():
            stem = name.partition(".")[0]
            path = workplace / f"predictions/labels/{stem}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(ids).save(path)
            images.append(
                {
                    "name": stem,
                    "image": str(workplace / "photographs" / name),
                    "files": {"labels": f"labels/{stem}.png"},
                    "rows": rows,
                    "size": [64, 128],
                }
            )
        classes = [
            {"id": index, "name": name, "colour": [index] * 3} for index, name in enumerate(CLASSES)
        ]
        identity = {
            "taxonomy": {"classes": classes},
            "settings": {"vertical_fov": fov, "label_size": "file"} | settings,
        }
        summary = {"identity": identity, "images": images}
        (workplace / "predictions/summary.json").write_text(json.dumps(summary))

    return write


def properties(path: str = "found.geojson") -> list[dict]:
    return [each["properties"] for each in json.loads(Path(path).read_text())["features"]]


def test_shares_are_of_solid_angle(goodsam, workplace, predictions):
    for name in ("a.jpg", "b.jpg"):
        write_tagged(workplace / "photographs" / name, place=AMSTERDAM, sphere=FULL)
    # sky down to 30° above the horizon; a quarter of the sphere, a third of the pixels
    band = (20, 44)  # ±33.75°
    predictions({"a.jpg": (label(64 // 3 + 1), (0, 64)), "b.jpg": (label(32, band), band)}, 180)
    told = goodsam("map", "predictions", "found.geojson").out
    assert "found.geojson: 2 panoramas\n" in told
    whole, _ = properties()
    # rows are 2.8125° high
    sky = (1 - math.sin(math.radians(90 - 22 * 2.8125))) / 2
    assert (whole["labelled"], whole["dominant"]) == (1, "road")
    assert whole["share sky"] == pytest.approx(sky, abs=1e-6)
    assert whole["share road"] == pytest.approx(1 - sky, abs=1e-6)
    assert whole["share car"] == 0
    assert (whole["file"], whole["heading"], whole["north"]) == ("a.jpg", 270.5, "true")
    assert whole["time"] == "2024-05-01T10:11:12.500Z"


@pytest.mark.parametrize("label_size", ["file", "training"])
def test_only_what_was_predicted_counts(label_size, goodsam, workplace, predictions):
    write_tagged(workplace / "photographs/b.jpg", place=AMSTERDAM)
    band = (20, 44)
    ids = label(32, band) if label_size == "file" else label(32)[20:44]
    predictions({"b.jpg": (ids, band)}, 67.5, label_size=label_size)
    goodsam("map", "predictions", "found.geojson")
    (found,) = properties()
    assert found["labelled"] == pytest.approx(math.sin(math.radians(33.75)), abs=1e-6)
    assert found["share sky"] == found["share road"] == 0.5
    assert found["heading"] == 90.25


def test_panoramas_without_a_place_are_named(goodsam, workplace, predictions):
    write_tagged(workplace / "photographs/a.jpg", place=AMSTERDAM)
    write_tagged(workplace / "photographs/b.jpg")
    predictions({"a.jpg": (label(32), (0, 64)), "b.jpg": (label(32), (0, 64))}, 180)
    told = goodsam("map", "predictions", "found.csv", "--json").out
    assert json.loads(told) == {
        "map": "found.csv",
        "panoramas": 1,
        "without_place": ["b.jpg"],
    }
    head, row = Path("found.csv").read_text().splitlines()
    assert head.startswith("longitude,latitude,file,time,heading,")
    assert row.startswith("4.8918056,52.3730833,a.jpg,2024-05-01T10:11:12.500Z,90.25,true,3.25,")
    assert "1 say no place and are left out: b.jpg" in goodsam("map", "predictions", "b.csv").out


def test_labels_say_the_place_of_panoramas_that_are_gone(goodsam, fails, workplace, predictions):
    predictions({"a.jpg": (label(32), (0, 64))}, 180)
    write_tagged(workplace / "predictions/labels/a.png", place=AMSTERDAM)
    ids = Image.open(workplace / "predictions/labels/a.png").convert("L")
    exif = Image.open(workplace / "predictions/labels/a.png").getexif()
    ids.point(lambda _: 2).save(workplace / "predictions/labels/a.png", exif=exif)
    goodsam("map", "predictions", "found.geojson")
    (found,) = properties()
    assert (found["dominant"], found["heading"]) == ("car", 90.25)
    (workplace / "elsewhere").mkdir()
    told = fails("map", "predictions", "found.geojson", "--panoramas", "elsewhere")
    assert "elsewhere has no panorama a.jpg" in told


def test_what_cannot_be_mapped_is_told(fails, workplace, predictions):
    write_tagged(workplace / "photographs/a.jpg")
    predictions({"a.jpg": (label(32), (0, 64))}, 180)
    told = fails("map", "predictions", "found.geojson")
    assert "none of 1 panoramas says where it was taken" in told
    assert not Path("found.geojson").exists()
    assert "ends with .geojson or .csv" in fails("map", "predictions", "found.kml")
    assert "no summary.json in it" in fails("map", "photographs", "found.geojson")
