"""Reading films: which frames there are and when, and the pixels of those that are wanted.

When frames are shown is read of all packets before any is decoded. So a film of any frame rate, a
varying one too, is cut at the right frames, and whoever goes on with a film decodes only what is
missing. Containers that lead to other files (playlists) are not opened.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.video.video_extra import need_video

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame

__all__ = ["CLIP_SUFFIXES", "Clip", "find_clips", "open_clip"]

CLIP_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mts", ".m2ts"})
"""Suffixes, in lower case, of what is taken for a film."""

_OF_CAMERAS = frozenset({".insv", ".360", ".lrv"})
"""Suffixes of films as 360° cameras store them: two fisheyes or cubes, no panoramas."""

_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts"
_EQUIRECTANGULAR = 0


class Clip:
    """A film that is open.

    Attributes:
        path: the file.
        size: height and width of its frames, upright, pixels.
        rate: frames a second, on the average.
        time_base: seconds a tick.
        ticks: when each frame is shown, from the first one on, ascending.
        is_spherical: whether it says that its frames are full equirectangular panoramas.
        created: when it was begun, as it says; by the standard UTC.
        comment: of whoever wrote it.
    """

    def __init__(self, path: Path, container: InputContainer) -> None:
        self.path = path
        self._container = container
        if not container.streams.video:
            raise ValueError(f"{path}: no film in it, only other streams: name another file")
        self._stream = container.streams.video[0]
        self._stream.thread_type = "AUTO"
        packets = [
            (packet.pts, packet.is_keyframe)
            for packet in container.demux(self._stream)
            if packet.pts is not None and not packet.is_discard
        ]
        self._pts = sorted({pts for pts, _ in packets})
        self._keys = sorted(pts for pts, is_key in packets if is_key)
        if not self._pts or self._stream.time_base is None:
            raise ValueError(
                f"{path}: no frame says when it is shown: write the film anew, as "
                "`ffmpeg -i FILM new.mp4` does"
            )
        self.time_base: Fraction = self._stream.time_base
        self.ticks = [pts - self._pts[0] for pts in self._pts]
        self.rate = self._stream.average_rate or Fraction(25)
        first = next(self._decoded([0]))[1]
        self._turns = _quarter_turns(path, first)
        self.size = self._upright(first).shape[:2]
        self.is_spherical = _is_sphere(first)
        self.comment: str | None = container.metadata.get("comment")
        self.created = _time(container.metadata.get("creation_time", ""))

    @property
    def times(self) -> list[float]:
        """When each frame is shown, seconds after the first."""
        return [float(tick * self.time_base) for tick in self.ticks]

    def frames(self, indices: Sequence[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Decode some frames; what lies between is skipped where the film lets it.

        Args:
            indices: of :attr:`ticks`, ascending.

        Yields:
            The index, and RGB ``(H, W, 3)``, upright.

        Raises:
            ValueError: the film is damaged or cut off there.
        """
        for index, frame in self._decoded(indices):
            yield index, self._upright(frame)

    def _decoded(self, indices: Sequence[int]) -> Iterator[tuple[int, VideoFrame]]:
        decoder: Iterator[VideoFrame] = iter(())
        position: int | None = None
        for index in indices:
            target = self._pts[index]
            try:
                if position is None or self._is_key_between(position, target):
                    self._container.seek(target, stream=self._stream)
                    decoder = self._container.decode(self._stream)
                frame = next(
                    each for each in decoder if each.pts is not None and each.pts >= target
                )
            except (StopIteration, *_errors()) as error:
                when = float(self.ticks[index] * self.time_base)
                raise ValueError(
                    f"{self.path}: damaged or cut off at {when:.2f} s, frame {index + 1} of "
                    f"{len(self.ticks)}: fetch the file again, or leave out what follows with "
                    f"--end {when:.2f}"
                ) from error
            position = frame.pts
            yield index, frame

    def _is_key_between(self, position: int, target: int) -> bool:
        last = bisect_right(self._keys, target) - 1
        return last >= 0 and self._keys[last] > position

    def _upright(self, frame: VideoFrame) -> NDArray[np.uint8]:
        pixels = frame.to_ndarray(format="rgb24")
        return np.ascontiguousarray(np.rot90(pixels, self._turns))


@contextmanager
def open_clip(path: Path) -> Iterator[Clip]:
    """Open a film and look when its frames are shown.

    Raises:
        FileNotFoundError: no such file.
        ModuleNotFoundError: the extra ``video`` is not installed.
        ValueError: no film, one that is damaged, or one as cameras store it.
    """
    need_video()
    import av  # noqa: PLC0415  # an extra

    if path.suffix.lower() in _OF_CAMERAS:
        raise ValueError(
            f"{path}: a film as the camera stores it, no panoramas: export it as equirectangular "
            "360° video (.mp4) with the maker's program"
        )
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise FileNotFoundError(f"{path}: {what}")
    with path.open("rb") as file:
        try:
            container = av.open(file, "r", options={"format_whitelist": _CONTAINERS})
        except _errors() as error:
            raise _no_film(path, error) from error
        with container:
            try:
                clip = Clip(path, container)
            except _errors() as error:
                raise _no_film(path, error) from error
            yield clip


def find_clips(videos: Path) -> dict[str, Path]:
    """A film, or all below a folder: by their paths without suffix.

    Raises:
        FileNotFoundError: no such file or folder.
        ValueError: no film in the folder, or two that would be called the same.
    """
    if not videos.is_dir():
        if not videos.is_file():
            raise FileNotFoundError(f"{videos}: no such file or folder")
        return {videos.stem: videos}
    found: dict[str, Path] = {}
    for path in sorted(videos.rglob("*")):
        below = path.relative_to(videos)
        is_hidden = any(part.startswith(".") for part in below.parts)
        if is_hidden or path.suffix.lower() not in CLIP_SUFFIXES or not path.is_file():
            continue
        name = below.with_suffix("").as_posix()
        if name in found:
            raise ValueError(f"{found[name]} and {path} would be called the same: rename one")
        found[name] = path
    if not found:
        raise ValueError(f"{videos}: no film ({', '.join(sorted(CLIP_SUFFIXES))}) below it")
    return found


def _first_from(target: int, decoder: Iterator[VideoFrame]) -> VideoFrame:
    for frame in decoder:
        if frame.pts is not None and frame.pts >= target:
            return frame
    raise EOFError("no more frames")


def _errors() -> tuple[type[Exception], type[Exception]]:
    """What FFmpeg raises, and what a film raises that ends early."""
    from av.error import FFmpegError  # noqa: PLC0415  # an extra

    return cast("type[Exception]", FFmpegError), EOFError


def _no_film(path: Path, error: Exception) -> ValueError:
    reason = getattr(error, "strerror", None) or error
    return ValueError(
        f"{path}: no film that can be read, or broken ({reason}): fetch the file again"
    )


def _quarter_turns(path: Path, frame: VideoFrame) -> int:
    """By how many quarters, counterclockwise, frames are turned to be shown."""
    turns, rest = divmod(frame.rotation, 90)
    if rest:
        raise ValueError(
            f"{path}: to be turned by {frame.rotation}° when it is shown; only quarters are known: "
            "write the film anew, as `ffmpeg -i FILM new.mp4` does"
        )
    return turns % 4


def _is_sphere(frame: VideoFrame) -> bool:
    """As FFmpeg tells of Google's metadata; its first number is the projection."""
    for data in _side_data(frame):
        if data.type.name == "SPHERICAL":
            return int.from_bytes(bytes(data)[:4], "little") == _EQUIRECTANGULAR
    return False


def _side_data(frame: VideoFrame) -> list[Any]:
    return list(frame.side_data)


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
