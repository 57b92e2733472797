"""Where, when and whither, of EXIF and GPano."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from PIL.TiffImagePlugin import IFDRational

from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.geotags import Heading, Place, heading_of, place_of, time_of, turned_by
from goodsam_pl.data.picture_tags import PictureTags, read_picture_tags

sys.path.insert(0, str(Path(__file__).parents[1]))
from tagged_pictures import AMSTERDAM, FULL, write_tagged


def of(**changes: object) -> PictureTags:
    """Amsterdam with other values of some tags."""
    return PictureTags({}, AMSTERDAM | {int(key[1:]): each for key, each in changes.items()})


def test_degrees_minutes_and_seconds_become_degrees(tmp_path):
    write_tagged(tmp_path / "a.jpg", place=AMSTERDAM)
    with open_image(tmp_path / "a.jpg") as image:
        place = place_of(read_picture_tags(image))
    assert place.latitude == pytest.approx(52 + 22 / 60 + 23.1 / 3600, abs=1e-12)
    assert place.longitude == pytest.approx(4 + 53 / 60 + 30.5 / 3600, abs=1e-12)
    assert place.altitude == 3.25


def test_south_west_and_below_are_negative():
    place = place_of(of(t1="S", t3="W", t5=b"\x01"))
    assert (place.latitude, place.longitude) == pytest.approx((-52.373083333, -4.891805556))
    assert place.altitude == -3.25
    assert place_of(of(t5=3)).altitude == -3.25
    assert place_of(of(t5=b"\x02")).altitude == 3.25
    assert place_of(PictureTags({}, {k: AMSTERDAM[k] for k in (1, 2, 3, 4)})).altitude is None


@pytest.mark.parametrize(
    "changes",
    [
        {"t2": (91.0, 0.0, 0.0)},
        {"t4": (180.0, 0.0, 1.0)},
        {"t2": (IFDRational(0, 0), 0.0, 0.0)},
        {"t2": (52.0, 22.0)},
        {"t2": "52"},
        {"t2": (0.0, 0.0, 0.0), "t4": (0.0, 0.0, 0.0)},
    ],
)
def test_what_is_nowhere_on_earth_is_no_place(changes):
    assert place_of(of(**changes)) is None


def test_the_equator_and_greenwich_are_places():
    assert place_of(of(t2=(0.0, 0.0, 0.0))).latitude == 0
    assert place_of(of(t4=(0.0, 0.0, 0.0))).longitude == 0
    assert place_of(PictureTags()) is None


def test_the_heading_of_the_sphere_counts_more():
    assert heading_of(PictureTags(FULL, AMSTERDAM)) == Heading(270.5)
    assert heading_of(of()) == Heading(90.25)
    assert heading_of(of(t16="M", t17=360.0)) == Heading(0.0, is_magnetic=True)
    assert heading_of(PictureTags({"PoseHeadingDegrees": "-90"})) == Heading(270.0)
    assert heading_of(PictureTags({"PoseHeadingDegrees": "north"})) is None


def test_time_is_that_of_the_receiver_or_of_the_camera():
    camera = {36867: "2024:05:01 12:11:12", 36881: "+02:00"}
    assert time_of(PictureTags({}, AMSTERDAM, camera)) == "2024-05-01T10:11:12.500Z"
    assert time_of(of(t7=(23.0, 59.0, 60.0))) == "2024-05-02T00:00:00Z"
    assert time_of(PictureTags({}, {}, camera)) == "2024-05-01T12:11:12+02:00"
    exact = camera | {37521: "25"}
    assert time_of(PictureTags({}, {}, exact)) == "2024-05-01T12:11:12.25+02:00"
    assert time_of(PictureTags({}, {}, {36867: camera[36867]})) == "2024-05-01T12:11:12"
    assert time_of(PictureTags({}, {29: "2024:13:01", 7: (1.0, 2.0, 3.0)}, camera)) == (
        "2024-05-01T12:11:12+02:00"
    )
    assert time_of(PictureTags({}, {}, {36867: "0000:00:00 00:00:00"})) is None
    assert time_of(PictureTags()) is None


def test_a_view_looks_where_it_was_turned_to_and_is_no_panorama():
    view = turned_by(PictureTags(FULL, AMSTERDAM, {36867: "2024:05:01 12:11:12"}), 120)
    assert heading_of(view) == Heading(30.5)
    assert place_of(view) == place_of(of())
    assert view.sphere == {}
    assert heading_of(turned_by(of(t16="M"), -100.25)) == Heading(350.0, is_magnetic=True)
    assert turned_by(PictureTags(FULL), 90) == PictureTags()
    assert place_of(turned_by(of(), 0)) == Place(
        pytest.approx(4.891805556), pytest.approx(52.373083333), 3.25
    )
