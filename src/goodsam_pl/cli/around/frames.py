"""``goodsam frames``: panoramas out of films."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, timedelta
from json import dumps, loads
from pathlib import Path
from typing import Literal

from PIL import ExifTags, Image

from goodsam_pl.cli.answers import Answer, answer
from goodsam_pl.cli.masks.stores import check_place
from goodsam_pl.data.picture_tags import PictureTags
from goodsam_pl.files import write_errors_explained
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.files.result_names import file_name
from goodsam_pl.video.chosen_frames import choose_frames, time_name
from goodsam_pl.video.clip import Clip, find_clips, open_clip

__all__ = ["frames"]

_QUALITY = 95


def frames(
    videos: Path,
    out: Path,
    every: float = 1.0,
    count: int | None = None,
    start: float = 0.0,
    end: float | None = None,
    format: Literal["jpg", "png"] = "jpg",  # noqa: A002  # a user's word
    keep_metadata: Literal["all", "projection", "none"] = "all",
    json: bool = False,
) -> Answer:
    """Take frames out of films, to train on or to predict: OUT/NAME_00h01m30s500.jpg.

    The name says when a frame is shown. Frames that are there are left as they are. They say what
    the film says: that it is a sphere, and when it was begun.

    Args:
        videos: a film, or a folder of them.
        out: folder of the frames.
        every: seconds from one to the next; 0 for every frame.
        count: so many of each film, spread evenly, instead.
        start: from this second on.
        end: up to this second, not included.
        format: of the frames.
        keep_metadata: whether they say time and projection (all), the latter alone, or none.
        json: print what was written as JSON.

    Raises:
        FileNotFoundError: no such film or folder.
        ModuleNotFoundError: the extra ``video`` is not installed.
        ValueError: a damaged film, no frame in between, or frames of another film in OUT.
    """
    check_place(out)
    written: dict[str, int] = {}
    there = 0
    with write_errors_explained(out):
        for name, path in find_clips(videos).items():
            with open_clip(path) as clip:
                times = clip.times
                chosen = choose_frames(times, every, count, start, end)
                _claim(out / file_name(name, ".json"), path)
                files = {
                    place: out / file_name(f"{name}_{time_name(times[place])}", f".{format}")
                    for place in chosen
                }
                missing = {place: file for place, file in files.items() if not file.exists()}
                with progress_bar(name, len(missing), visible=not json, what="frames") as advance:
                    for place, pixels in clip.frames(list(missing)):
                        tags = _tags(clip, times[place]).kept(keep_metadata)
                        content = io.BytesIO()
                        quality = {"quality": _QUALITY} if format == "jpg" else {}
                        Image.fromarray(pixels).save(
                            content,
                            "JPEG" if format == "jpg" else "PNG",
                            **quality,
                            **tags.save_options(f".{format}"),
                        )
                        write_atomically(missing[place], content.getvalue())
                        advance()
                written[str(path)] = len(missing)
                there += len(files) - len(missing)
    total = sum(written.values())
    before = f", {there} were there" if there else ""
    return answer(
        f"{out}: {total} frames of {len(written)} films{before}",
        {"out": out, "written": written, "there_before": there},
        json=json,
    )


def _claim(record: Path, path: Path) -> None:
    """Write down whose frames these are.

    Raises:
        ValueError: they are those of another film.
    """
    status = path.stat()
    film: Mapping[str, object] = {"film": path.name, "bytes": status.st_size}
    if record.is_file():
        try:
            is_same = loads(record.read_bytes()) == film
        except ValueError:
            is_same = False
        if not is_same:
            raise ValueError(
                f"{record}: frames of another film of this name are there: name another folder"
            )
    write_atomically(record, dumps(film).encode())


def _tags(clip: Clip, seconds: float) -> PictureTags:
    height, width = clip.size
    sphere = {}
    if clip.is_spherical:
        sphere = {
            "ProjectionType": "equirectangular",
            **{f"{part}WidthPixels": str(width) for part in ("FullPano", "CroppedAreaImage")},
            **{f"{part}HeightPixels": str(height) for part in ("FullPano", "CroppedAreaImage")},
            "CroppedAreaLeftPixels": "0",
            "CroppedAreaTopPixels": "0",
        }
    if clip.created is None:
        return PictureTags(sphere)
    taken = clip.created if clip.created.tzinfo else clip.created.replace(tzinfo=UTC)
    taken = taken.astimezone(UTC) + timedelta(milliseconds=round(1000 * seconds))
    return PictureTags(
        sphere,
        {},
        {
            int(ExifTags.Base.DateTimeOriginal): f"{taken:%Y:%m:%d %H:%M:%S}",
            int(ExifTags.Base.OffsetTimeOriginal): "+00:00",
            int(ExifTags.Base.SubsecTimeOriginal): f"{taken.microsecond // 1000:03}",
        },
    )
