"""Small films of flat colours, written by PyAV alone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_clip(
    path: Path,
    ticks: Sequence[int],
    size: tuple[int, int] = (32, 64),
    created: str | None = None,
    keys: int = 4,
) -> None:
    """Write a film whose frame k is the grey 20 + 5 k, and darker on its left half.

    Args:
        path: the file; its suffix says the container.
        ticks: when each frame is shown, milliseconds.
        size: height and width.
        created: the time that the container says.
        keys: frames from one that stands alone to the next.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        if created:
            container.metadata["creation_time"] = created
        stream = container.add_stream("libx264", rate=Fraction(25), options={"crf": "0"})
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.gop_size = keys
        for index, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray(grey(index, size), format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def grey(index: int, size: tuple[int, int] = (32, 64)) -> np.ndarray:
    """The pixels of a frame."""
    pixels = np.full((*size, 3), 20 + 5 * index, np.uint8)
    pixels[:, : size[1] // 2] -= 15
    return pixels


def which(pixels: np.ndarray) -> int:
    """The frame that pixels are of."""
    return round((int(pixels[-1, -1, 1]) - 20) / 5)


def turn_a_quarter(path: Path) -> None:
    """Let an MP4 say that it is to be shown turned clockwise, as a phone held upright does.

    The matrix stands 40 bytes behind the type of the track's header, its numbers in 16.16.
    """
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    matrix = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    content[place : place + 36] = b"".join(each.to_bytes(4, "big", signed=True) for each in matrix)
    path.write_bytes(content)
