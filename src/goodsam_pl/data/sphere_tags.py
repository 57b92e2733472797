"""Which part of the sphere a file shows, as it says itself.

Stitchers and phones write Google's GPano tags into the XMP packet of a panorama, see
https://developers.google.com/streetview/spherical-metadata. The tags count in pixels of the
original; editors that resize a panorama leave them as they were.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

__all__ = [
    "SPHERE_NAMESPACE",
    "ContradictoryTagsError",
    "SphereTags",
    "read_sphere_tags",
    "sphere_values",
]

SPHERE_NAMESPACE = "http://ns.google.com/photos/1.0/panorama/"
"""Of the tags, in XMP."""

_NAMESPACE = re.escape(SPHERE_NAMESPACE).encode()
_LARGEST_PACKET = 1 << 20
"""Bytes of a packet that are looked at."""
_ROUNDING = 0.01
"""How far aspects may be off by rounding, relative: our choice."""


class ContradictoryTagsError(ValueError):
    """What a file says of itself cannot be true."""


@dataclass(frozen=True)
class SphereTags:
    """What a file says of itself.

    Attributes:
        projection: as "equirectangular"; ``None`` where it is not said.
        width: horizontal angle of the file, degrees; ``None`` where it is not said.
        above: angle from the horizon up to its upper edge, degrees; negative for an edge below it.
        below: angle from the horizon down to its lower edge, degrees.
    """

    projection: str | None
    width: float | None = None
    above: float = 0.0
    below: float = 0.0

    @property
    def height(self) -> float:
        """Vertical angle of the file, degrees."""
        return self.above + self.below


def read_sphere_tags(packet: bytes, file_size: tuple[int, int]) -> SphereTags | None:
    """Find the tags in an XMP packet.

    They are searched for, the packet is not parsed as XML: damaged packets are common, and hostile
    ones can expand to gigabytes.

    Args:
        packet: XMP, UTF-8.
        file_size: height and width of the file, upright, pixels.

    Returns:
        ``None`` where there are no tags of this kind.

    Raises:
        ContradictoryTagsError: numbers that no panorama has, or not those of this file.
    """
    values = sphere_values(packet)
    projection = values.get("ProjectionType")
    if "FullPanoWidthPixels" not in values:
        return SphereTags(projection) if projection else None
    full_width = _number(values, "FullPanoWidthPixels")
    full_height = _number(values, "FullPanoHeightPixels", full_width / 2)
    width = _number(values, "CroppedAreaImageWidthPixels", full_width)
    height = _number(values, "CroppedAreaImageHeightPixels", full_height)
    if min(full_width, full_height, width, height) <= 0:
        raise ContradictoryTagsError("a width or height of 0 or less")
    if abs(full_width / full_height / 2 - 1) > _ROUNDING:
        raise ContradictoryTagsError(
            f"a full panorama of {full_width:g}×{full_height:g}, which is not 360° by 180°"
        )
    top = _number(values, "CroppedAreaTopPixels", 0.0 if height == full_height else None)
    if width > full_width * (1 + _ROUNDING) or not (
        0 <= top <= full_height * (1 + _ROUNDING) - height
    ):
        raise ContradictoryTagsError(
            f"a part of {width:g}×{height:g} from row {top:g} on, which does not lie within "
            f"{full_width:g}×{full_height:g}"
        )
    rounding = _ROUNDING + 1 / min(file_size)
    if abs(width / height * file_size[0] / file_size[1] - 1) > rounding:
        raise ContradictoryTagsError(
            f"{width:g}×{height:g} pixels, but the file has {file_size[1]}×{file_size[0]}"
        )
    degrees = 180 / full_height
    above = 90 - top * degrees
    return SphereTags(
        projection, 360 * width / full_width, above=above, below=height * degrees - above
    )


def sphere_values(packet: bytes) -> dict[str, str]:
    """All tags of the namespace, as attributes or elements; the first of each name.

    Args:
        packet: XMP, UTF-8; of more than 1 MiB the beginning is looked at.
    """
    packet = packet[:_LARGEST_PACKET]
    values: dict[str, str] = {}
    prefixes = re.findall(
        rb"xmlns:([\w.-]{1,64})\s{0,9}=\s{0,9}[\"']" + _NAMESPACE + rb"[\"']", packet
    )
    for prefix in dict.fromkeys(prefixes):
        name = re.escape(prefix) + rb":(\w{1,64})"
        # every repeat is bounded, so that no packet takes long
        for tag, value in re.findall(
            name + rb"\s{0,9}(?:=\s{0,9}[\"']|>)([^\"'<>&]{1,99})[\"'<]", packet
        ):
            values.setdefault(tag.decode(), value.decode("utf-8", "replace").strip())
    return values


def _number(values: dict[str, str], name: str, default: float | None = None) -> float:
    if name not in values:
        if default is None:
            raise ContradictoryTagsError(f"no {name}")
        return default
    try:
        number = float(values[name])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ContradictoryTagsError(f"{name} {values[name]!r}, which is no number")
    return number
