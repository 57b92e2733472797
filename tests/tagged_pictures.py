"""Pictures with tags of place, time and sphere, as cameras and stitchers write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

NAMESPACE = "http://ns.google.com/photos/1.0/panorama/"
AMSTERDAM = {
    0: b"\x02\x03\x00\x00",
    1: "N",
    2: (52.0, 22.0, IFDRational(2310, 100)),
    3: "E",
    4: (4.0, 53.0, IFDRational(3050, 100)),
    5: b"\x00",
    6: IFDRational(325, 100),
    7: (10.0, 11.0, IFDRational(125, 10)),
    16: "T",
    17: IFDRational(9025, 100),
    29: "2024:05:01",
}
"""52°22'23.1" north, 4°53'30.5" east, 3.25 m above the sea, looking a quarter to the east."""

FULL = {
    "ProjectionType": "equirectangular",
    "FullPanoWidthPixels": "8000",
    "FullPanoHeightPixels": "4000",
    "CroppedAreaImageWidthPixels": "8000",
    "CroppedAreaImageHeightPixels": "4000",
    "CroppedAreaLeftPixels": "0",
    "CroppedAreaTopPixels": "0",
    "PoseHeadingDegrees": "270.5",
}
"""A full sphere that a stitcher wrote at 8000×4000; files may have been resized since."""


def packet(tags: dict[str, str], prefix: str = "GPano") -> bytes:
    """An XMP packet with other things in it, too."""
    said = " ".join(f'{prefix}:{name}="{value}"' for name, value in tags.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:{prefix}="{NAMESPACE}" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:creator="somebody" {said}/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def write_tagged(
    path: Path,
    size: tuple[int, int] = (64, 128),
    place: dict[int, object] | None = None,
    sphere: dict[str, str] | None = None,
    orientation: int = 1,
    pixels: np.ndarray | None = None,
) -> None:
    """Write a picture; besides what is asked for it names its owner and the camera's number.

    Args:
        path: .jpg or .png.
        size: height and width as stored.
        place: EXIF's GPS directory.
        sphere: GPano's tags.
        orientation: as EXIF counts.
        pixels: grey where none are given.
    """
    if pixels is None:
        pixels = np.full((*size, 3), 128, np.uint8)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "somebody"
    own = exif.get_ifd(ExifTags.IFD.Exif)
    own[ExifTags.Base.DateTimeOriginal] = "2024:05:01 12:11:12"
    own[ExifTags.Base.OffsetTimeOriginal] = "+02:00"
    own[ExifTags.Base.BodySerialNumber] = "0123456789"
    if place:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(place)
    options = {"exif": exif.tobytes()}
    if sphere and path.suffix == ".jpg":
        options["xmp"] = packet(sphere)
    elif sphere:
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", packet(sphere).decode())
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
