"""What was found where, as maps and tables read it: GeoJSON (RFC 7946) and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goodsam_pl.data.geotags import Heading, Place

__all__ = ["PlacedPanorama", "as_csv", "as_geojson"]

_DEGREES, _SHARE = 7, 6
"""Decimals: of degrees, of which the last is a centimetre, and of shares."""


@dataclass(frozen=True)
class PlacedPanorama:
    """A panorama with a place, and what was found in it.

    Attributes:
        file: its path below the folder that was predicted.
        place: where it was taken.
        heading: where its middle looks.
        time: when it was taken, ISO 8601.
        labelled: share of the sphere that has a class, by solid angle.
        shares: of what has a class, by the names of all classes; they sum to 1, or are all 0.
    """

    file: str
    place: Place
    heading: Heading | None
    time: str | None
    labelled: float
    shares: Mapping[str, float]

    @property
    def dominant(self) -> str | None:
        """The class that most of it has; the first of several."""
        largest = max(self.shares, key=self.shares.__getitem__, default=None)
        return largest if largest is not None and self.shares[largest] > 0 else None

    def properties(self) -> dict[str, Any]:
        """Everything but the place, as plain values; all panoramas have the same keys."""
        heading = self.heading
        return {
            "file": self.file,
            "time": self.time,
            "heading": None if heading is None else round(heading.degrees, 2),
            "north": heading and ("magnetic" if heading.is_magnetic else "true"),
            "altitude": self.place.altitude,
            "dominant": self.dominant,
            "labelled": round(self.labelled, _SHARE),
            **{f"share {name}": round(share, _SHARE) for name, share in self.shares.items()},
        }


def as_geojson(panoramas: Sequence[PlacedPanorama]) -> bytes:
    """A FeatureCollection with a point each, a line each.

    Altitudes are properties: cameras give them above the sea, coordinates of RFC 7946 have them
    above the ellipsoid.
    """
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": _coordinates(each.place)},
            "properties": each.properties(),
        }
        for each in panoramas
    ]
    lines = ",\n".join(json.dumps(each, ensure_ascii=False) for each in features)
    return f'{{"type": "FeatureCollection", "features": [\n{lines}\n]}}\n'.encode()


def as_csv(panoramas: Sequence[PlacedPanorama]) -> bytes:
    """The same as a table, with the columns ``longitude`` and ``latitude`` in front."""
    rows = [
        dict(zip(("longitude", "latitude"), _coordinates(each.place), strict=True))
        | each.properties()
        for each in panoramas
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _coordinates(place: Place) -> list[float]:
    return [round(place.longitude, _DEGREES), round(place.latitude, _DEGREES)]
