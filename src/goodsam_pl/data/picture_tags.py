"""What a picture says of itself that what is made of it should say, too.

Which part of the sphere it shows (GPano), where it was taken (EXIF's GPS directory), and when. All
else, as names of owners and numbers of cameras, stays behind.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from goodsam_pl.data.decoding import EncodedImage
from goodsam_pl.data.once import Reminder
from goodsam_pl.data.sphere_tags import (
    SPHERE_NAMESPACE,
    ContradictoryTagsError,
    read_sphere_tags,
    sphere_values,
)

__all__ = ["KeptTags", "PictureTags", "read_picture_tags"]

KeptTags = Literal["all", "projection", "none"]
"""How much is carried over: ``projection`` leaves out where and when."""

_not_carried = Reminder(
    logging.getLogger(__name__), "pictures that are made of it will not say where it was taken"
)

_GPS, _TIME = ExifTags.GPS, ExifTags.Base
_PLACE_TAGS = (
    *(_GPS.GPSVersionID, _GPS.GPSMapDatum, _GPS.GPSDOP, _GPS.GPSHPositioningError),
    *(_GPS.GPSLatitudeRef, _GPS.GPSLatitude, _GPS.GPSLongitudeRef, _GPS.GPSLongitude),
    *(_GPS.GPSAltitudeRef, _GPS.GPSAltitude, _GPS.GPSTimeStamp, _GPS.GPSDateStamp),
    *(_GPS.GPSImgDirectionRef, _GPS.GPSImgDirection, _GPS.GPSTrackRef, _GPS.GPSTrack),
    *(_GPS.GPSSpeedRef, _GPS.GPSSpeed),
)
_TIME_TAGS = (_TIME.DateTimeOriginal, _TIME.OffsetTimeOriginal, _TIME.SubsecTimeOriginal)
_TIMES_OF_SPHERE = ("FirstPhotoDate", "LastPhotoDate")

_WIDTHS = ("FullPanoWidthPixels", "CroppedAreaImageWidthPixels", "CroppedAreaLeftPixels")
_HEIGHTS = ("FullPanoHeightPixels", "CroppedAreaImageHeightPixels", "CroppedAreaTopPixels")
_RECTANGLE = "LargestValidInteriorRect"
_SPHERE_TAGS = frozenset(
    {
        *("ProjectionType", "UsePanoramaViewer", "CaptureSoftware", "StitchingSoftware"),
        *("PoseHeadingDegrees", "PosePitchDegrees", "PoseRollDegrees"),
        *("InitialViewHeadingDegrees", "InitialViewPitchDegrees", "InitialViewRollDegrees"),
        *("InitialHorizontalFOVDegrees", "InitialVerticalFOVDegrees", "InitialCameraDolly"),
        *("SourcePhotosCount", "ExposureLockUsed", *_TIMES_OF_SPHERE, *_WIDTHS, *_HEIGHTS),
        *(f"{_RECTANGLE}{side}" for side in ("Left", "Top", "Width", "Height")),
    }
)

_MOST_EXIF = 4096
"""Bytes; all that is carried takes some 400."""

_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:GPano="{namespace}" {tags}/>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


@dataclass(frozen=True)
class PictureTags:
    """What is carried over from a picture.

    Attributes:
        sphere: GPano tags by their names; they count in pixels.
        place: values of EXIF's GPS directory, by tag.
        time: values of EXIF's own directory, by tag.
    """

    sphere: Mapping[str, str] = field(default_factory=dict)
    place: Mapping[int, Any] = field(default_factory=dict)
    time: Mapping[int, Any] = field(default_factory=dict)

    def kept(self, kind: KeptTags) -> PictureTags:
        """As much of it as is wanted."""
        if kind == "all":
            return self
        if kind == "none":
            return PictureTags()
        sphere = {name: each for name, each in self.sphere.items() if name not in _TIMES_OF_SPHERE}
        return PictureTags(sphere)

    def of_part(
        self, file_size: tuple[int, int], rows: tuple[int, int], size: tuple[int, int]
    ) -> PictureTags:
        """The same of a picture that shows some rows, all around, at another size.

        Tags count in pixels of what the stitcher wrote; a file may have been resized since.

        Args:
            file_size: height and width of the picture that the tags are of, upright, pixels.
            rows: its first row that is shown, and the row after the last.
            size: height and width of the other picture, pixels.
        """
        is_whole = rows == (0, file_size[0])
        if "FullPanoWidthPixels" not in self.sphere:
            return self if is_whole else replace(self, sphere={})
        given = self.sphere.get
        full_width = float(self.sphere["FullPanoWidthPixels"])
        full_height = float(given("FullPanoHeightPixels", full_width / 2))
        width = float(given("CroppedAreaImageWidthPixels", full_width))
        height = float(given("CroppedAreaImageHeightPixels", full_height))
        left, top = (_number(given(name, "0")) for name in (_WIDTHS[2], _HEIGHTS[2]))
        first, last = (row * height / file_size[0] for row in rows)
        across, down = size[1] / width, size[0] / (last - first)
        counts = {
            **dict(zip(_WIDTHS, (full_width * across, size[1], left * across), strict=True)),
            **dict(zip(_HEIGHTS, (full_height * down, size[0], (top + first) * down), strict=True)),
        }
        for side, scale in {"Left": across, "Width": across, "Top": down, "Height": down}.items():
            if (value := given(_RECTANGLE + side)) is not None:
                counts[_RECTANGLE + side] = _number(value) * scale
        rest = {name: each for name, each in self.sphere.items() if name not in counts}
        if not is_whole:
            counts = {
                name: each for name, each in counts.items() if not name.startswith(_RECTANGLE)
            }
        return replace(self, sphere={**rest, **{k: str(round(v)) for k, v in counts.items()}})

    def save_options(self, suffix: str) -> dict[str, Any]:
        """What Pillow's ``save`` is given.

        Args:
            suffix: of the file, ".png" or ".jpg".

        Raises:
            ValueError: another suffix.
        """
        if suffix not in (".png", ".jpg"):
            raise ValueError(f"tags are written to .png and .jpg, not to {suffix}")
        options: dict[str, Any] = {"exif": _exif(self.place, self.time)} if self._has_exif else {}
        if not self.sphere:
            return options
        tags = " ".join(f'GPano:{name}="{value}"' for name, value in sorted(self.sphere.items()))
        packet = _PACKET.format(namespace=SPHERE_NAMESPACE, tags=tags)
        if suffix == ".jpg":
            return {**options, "xmp": packet.encode()}
        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", packet)
        return {**options, "pnginfo": texts}

    @property
    def _has_exif(self) -> bool:
        return bool(self.place or self.time)


def read_picture_tags(image: EncodedImage) -> PictureTags:
    """Read what can be carried over; what is damaged or contradicts itself is left behind."""
    place = _of_tags(image.exif_values(ExifTags.IFD.GPSInfo), _PLACE_TAGS)
    time = _of_tags(image.exif_values(ExifTags.IFD.Exif), _TIME_TAGS)
    try:
        fits = len(_exif(place, time)) <= _MOST_EXIF
    except Exception:  # noqa: BLE001  # values of wrong types end in errors of any type
        fits = False
    if not fits:
        _not_carried.warn(f"{image.path}: what its EXIF says of its place has no usual form")
        place, time = {}, {}
    return PictureTags(_sphere(image), place, time)


def _sphere(image: EncodedImage) -> dict[str, str]:
    packet = image.xmp
    try:
        if read_sphere_tags(packet, image.size) is None:
            return {}
    except ContradictoryTagsError:  # who reads the panorama tells of it
        return {}
    values = sphere_values(packet)
    return {
        name: each for name, each in values.items() if name in _SPHERE_TAGS and each.isprintable()
    }


def _of_tags(values: Mapping[int, Any], tags: tuple[int, ...]) -> dict[int, Any]:
    return {int(tag): values[tag] for tag in tags if tag in values}


def _exif(place: Mapping[int, Any], time: Mapping[int, Any]) -> bytes:
    exif = Image.Exif()
    if place:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(place)
    if time:
        exif.get_ifd(ExifTags.IFD.Exif).update(time)
    return exif.tobytes()


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        return 0.0
    return number if abs(number) < 1e9 else 0.0
