"""Where and when a picture was taken, and where it looks, as its tags say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import ExifTags

from goodsam_pl.data.picture_tags import PictureTags

__all__ = ["Heading", "Place", "heading_of", "place_of", "time_of", "turned_by"]

_GPS = ExifTags.GPS
_MAGNETIC = "M"


@dataclass(frozen=True)
class Place:
    """A place on the Earth, WGS 84.

    Attributes:
        longitude: degrees, east is positive.
        latitude: degrees, north is positive.
        altitude: metres above the sea, or above the ellipsoid; ``None`` where it is not said.
    """

    longitude: float
    latitude: float
    altitude: float | None = None


@dataclass(frozen=True)
class Heading:
    """Where the middle of a picture looks.

    Attributes:
        degrees: clockwise from north, 0 to 360.
        is_magnetic: whether from the compass's north, which is some degrees off.
    """

    degrees: float
    is_magnetic: bool = False


def place_of(tags: PictureTags) -> Place | None:
    """Where a picture was taken; ``None`` where its tags do not say it, or not of this Earth.

    0° by 0° is no place: devices write it that have none.
    """
    latitude = _angle(tags.place, _GPS.GPSLatitude, _GPS.GPSLatitudeRef, "S", 90)
    longitude = _angle(tags.place, _GPS.GPSLongitude, _GPS.GPSLongitudeRef, "W", 180)
    if latitude is None or longitude is None or latitude == longitude == 0:
        return None
    altitude = _float(tags.place.get(_GPS.GPSAltitude))
    # 1 is below the sea, 3 below the ellipsoid (Exif 3.0)
    if altitude is not None and _byte(tags.place.get(_GPS.GPSAltitudeRef)) in (1, 3):
        altitude = -altitude
    return Place(longitude, latitude, altitude)


def heading_of(tags: PictureTags) -> Heading | None:
    """Where the middle of a picture looks: GPano's heading counts more than that of EXIF."""
    said = tags.sphere.get("PoseHeadingDegrees")
    if said is not None and (degrees := _float(said)) is not None:
        return Heading(degrees % 360)
    direction = _float(tags.place.get(_GPS.GPSImgDirection))
    if direction is None:
        return None
    return Heading(
        direction % 360, _text(tags.place.get(_GPS.GPSImgDirectionRef)).upper() == _MAGNETIC
    )


def time_of(tags: PictureTags) -> str | None:
    """When a picture was taken, as ISO 8601: the receiver's UTC, else the camera's clock.

    The camera's clock has its offset from UTC where the camera wrote it, and none where not.
    """
    if (told := _receiver_time(tags.place)) is not None:
        return told
    match = re.fullmatch(
        r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)",
        _text(tags.time.get(ExifTags.Base.DateTimeOriginal)),
    )
    if match is None:
        return None
    try:
        taken = datetime(*map(int, match.groups())).isoformat()  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None
    fraction = _text(tags.time.get(ExifTags.Base.SubsecTimeOriginal))
    taken += f".{fraction}" if re.fullmatch(r"\d{1,6}", fraction) else ""
    offset = _text(tags.time.get(ExifTags.Base.OffsetTimeOriginal))
    return taken + (offset if re.fullmatch(r"[+-]\d\d:\d\d", offset) else "")


def turned_by(tags: PictureTags, yaw: float) -> PictureTags:
    """What a view out of a panorama says: its place and time, and where it looks.

    It is no panorama, so it has no tags of one.

    Args:
        tags: of the panorama.
        yaw: of the view, degrees to the right of the panorama's middle.
    """
    heading = heading_of(tags)
    place = dict(tags.place)
    if heading is not None and place:
        place[int(_GPS.GPSImgDirection)] = round((heading.degrees + yaw) % 360, 2) % 360
        place[int(_GPS.GPSImgDirectionRef)] = _MAGNETIC if heading.is_magnetic else "T"
    return PictureTags({}, place, tags.time)


def _angle(
    values: Mapping[int, Any], tag: int, reference: int, negative: str, most: float
) -> float | None:
    """Degrees, of degrees, minutes and seconds."""
    parts = values.get(tag)
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    numbers = [_float(part) for part in parts]
    degrees, minutes, seconds = (math.nan if each is None else each for each in numbers)
    angle = degrees + minutes / 60 + seconds / 3600
    if not 0 <= angle <= most:
        return None
    return -angle if _text(values.get(reference)).upper() == negative else angle


def _receiver_time(place: Mapping[int, Any]) -> str | None:
    date = re.fullmatch(r"(\d{4}):(\d\d):(\d\d)", _text(place.get(_GPS.GPSDateStamp)))
    clock = place.get(_GPS.GPSTimeStamp)
    if date is None or not isinstance(clock, tuple) or len(clock) != 3:
        return None
    parts = [_float(part) for part in clock]
    hours, minutes, seconds = (math.nan if each is None else each for each in parts)
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 61):
        return None
    year, month, day = map(int, date.groups())
    try:
        taken = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
    # whole milliseconds: rationals are seldom exact
    taken += timedelta(milliseconds=round(1000 * (3600 * hours + 60 * minutes + seconds)))
    timespec = "milliseconds" if taken.microsecond else "seconds"
    return taken.isoformat(timespec=timespec).replace("+00:00", "Z")


def _float(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None


def _byte(value: Any) -> int:
    """Of one byte or a number."""
    if isinstance(value, bytes) and value:
        return value[0]
    return value if isinstance(value, int) else 0


def _text(value: Any) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value
    return text.strip("\0 ") if isinstance(text, str) else ""
