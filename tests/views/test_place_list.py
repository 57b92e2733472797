"""GeoJSON as RFC 7946 wants it, and the same as a table."""

from __future__ import annotations

import csv
import io
import json

from goodsam_pl.data.geotags import Heading, Place
from goodsam_pl.views.place_list import PlacedPanorama, as_csv, as_geojson

DAM = PlacedPanorama(
    "2024/été.jpg",
    Place(4.891805555555555, 52.37308333333333, 3.25),
    Heading(270.456),
    "2024-05-01T10:11:12Z",
    0.75,
    {"road": 1 / 3, "traffic sign": 0.0, "sky": 2 / 3},
)
SOUTH = PlacedPanorama(
    "b.png", Place(-70.25, -33.5), Heading(1.0, is_magnetic=True), None, 0.0, {"road": 0.0}
)


def test_a_point_is_longitude_then_latitude_to_the_centimetre():
    collection = json.loads(as_geojson([DAM, SOUTH]))
    assert collection["type"] == "FeatureCollection"
    assert [each["geometry"] for each in collection["features"]] == [
        {"type": "Point", "coordinates": [4.8918056, 52.3730833]},
        {"type": "Point", "coordinates": [-70.25, -33.5]},
    ]
    assert {each["type"] for each in collection["features"]} == {"Feature"}
    assert json.loads(as_geojson([])) == {"type": "FeatureCollection", "features": []}


def test_properties_say_the_rest():
    first, second = (
        each["properties"] for each in json.loads(as_geojson([DAM, SOUTH]))["features"]
    )
    assert first == {
        "file": "2024/été.jpg",
        "time": "2024-05-01T10:11:12Z",
        "heading": 270.46,
        "north": "true",
        "altitude": 3.25,
        "dominant": "sky",
        "labelled": 0.75,
        "share road": 0.333333,
        "share traffic sign": 0.0,
        "share sky": 0.666667,
    }
    assert (second["dominant"], second["north"], second["time"]) == (None, "magnetic", None)
    still = PlacedPanorama("c.png", Place(1, 2), None, None, 1.0, {}).properties()
    assert (still["heading"], still["north"], still["dominant"]) == (None, None, None)


def test_the_table_says_the_same():
    rows = list(csv.DictReader(io.StringIO(as_csv([DAM]).decode())))
    assert rows == [
        {"longitude": "4.8918056", "latitude": "52.3730833"}
        | {name: str(value) for name, value in DAM.properties().items()}
    ]
    assert as_csv([]) == b"\n"
