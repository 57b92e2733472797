"""Writing films: H.264 in MP4, each frame when it is shown, whole or not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.files.atomic import put_in_place
from goodsam_pl.files.unfinished import part_name, remove_unfinished
from goodsam_pl.video.spherical_box import mark_as_spherical
from goodsam_pl.video.video_extra import need_video

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

__all__ = ["Film", "FilmForm", "write_film"]

_CODEC = "libx264"
_BT709, _LIMITED = 1, 1


@dataclass(frozen=True)
class FilmForm:
    """What a film is like.

    Attributes:
        size: height and width, pixels, both even.
        rate: frames a second, on the average.
        time_base: seconds a tick.
        quality: of H.264, 0 (lossless) to 51; 18 is hardly told from the original.
        is_spherical: whether players shall show it as a sphere.
        metadata: of the container, as ``title``, ``comment``, ``creation_time``.

    Raises:
        ValueError: an odd size, which the colours of H.264 do not have, or another quality.
    """

    size: tuple[int, int]
    rate: Fraction
    time_base: Fraction
    quality: int = 20
    is_spherical: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if any(each < 2 or each % 2 for each in self.size):
            raise ValueError(f"{self.size[1]}×{self.size[0]} pixels: films have even sizes")
        if not 0 <= self.quality <= 51:
            raise ValueError(f"quality {self.quality}: choose 0 (lossless) to 51")


class Film:
    """A film that is being written; use :func:`write_film`."""

    def __init__(self, container: OutputContainer, stream: VideoStream, form: FilmForm) -> None:
        self._container = container
        self._stream = stream
        self._form = form

    def add(self, pixels: NDArray[np.uint8], tick: int) -> None:
        """Add a frame.

        Args:
            pixels: RGB ``(H, W, 3)``, of the film's size.
            tick: when it is shown; later than the one before.
        """
        from av.video.frame import VideoFrame  # noqa: PLC0415  # an extra

        # colours as players expect them of large films, and said
        frame = VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        frame.pts, frame.time_base = tick, self._form.time_base
        self._container.mux(self._stream.encode(frame))

    def end(self) -> None:
        """Write what is still being encoded."""
        self._container.mux(self._stream.encode(None))


@contextmanager
def write_film(path: Path, form: FilmForm) -> Iterator[Film]:
    """Write a film, which takes its place once it is whole.

    Args:
        path: the file (.mp4); its folder is made when missing.
        form: what it is like.

    Raises:
        ModuleNotFoundError: the extra ``video`` is not installed.
        ValueError: this build of FFmpeg has no encoder of H.264.
    """
    need_video()
    import av  # noqa: PLC0415  # an extra

    if _CODEC not in av.codecs_available:
        raise ValueError(
            f"this build of PyAV has no {_CODEC}, which films are written with: install the wheel "
            "of the index, pip install --force-reinstall --only-binary av av"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_unfinished(path.parent)
    part = path.with_name(part_name())
    try:
        with av.open(str(part), "w", format="mp4") as container:
            container.metadata.update(form.metadata)
            film = _begun(container, form)
            yield film
            film.end()
        if form.is_spherical:
            mark_as_spherical(part)
        put_in_place(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _begun(container: OutputContainer, form: FilmForm) -> Film:
    options = {"crf": str(form.quality)}
    stream = cast("VideoStream", container.add_stream(_CODEC, rate=form.rate, options=options))
    stream.height, stream.width = form.size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = form.time_base
    context.color_range = _LIMITED
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    return Film(container, stream, form)
