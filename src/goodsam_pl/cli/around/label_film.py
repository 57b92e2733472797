"""``goodsam film``: films of what a network says of films of panoramas."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.cli.answers import Answer, answer
from goodsam_pl.cli.masks.device import find_device
from goodsam_pl.data.files import resize_image
from goodsam_pl.files import content_key, fingerprint_of, write_errors_explained
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.files.result_names import file_name
from goodsam_pl.segmenter import Segmenter, load
from goodsam_pl.video.chosen_frames import choose_frames
from goodsam_pl.video.clip import Clip, find_clips, open_clip
from goodsam_pl.video.film import FilmForm, write_film
from goodsam_pl.views.prediction_pictures import mixed

__all__ = ["label_film"]

_SUFFIX = ".mp4"


def label_film(
    network: Path,
    videos: Path,
    out: Path,
    opacity: float = 0.5,
    width: int = 3840,
    quality: int = 20,
    start: float = 0.0,
    end: float | None = None,
    spherical: Literal["as_said", "yes", "no"] = "as_said",
    keep_metadata: Literal["all", "projection", "none"] = "all",
    device: str = "auto",
    overwrite: bool = False,
    json: bool = False,
) -> Answer:
    """Label films of panoramas and write films of it, each frame when it is shown; without sound.

    Colours of films are not exact: label files of frames come from `goodsam frames` and `goodsam
    predict`. Films that are there and of the same network, film and options are left as they are.

    Args:
        network: what `goodsam export` wrote, or a checkpoint.
        videos: a film of equirectangular frames, or a folder of films.
        out: the film (.mp4); for a folder of films, their folder.
        opacity: of the colours over the film, 0 to 1; 1 shows the colours alone.
        width: of the film, pixels at most.
        quality: of the film, 0 (lossless) to 51.
        start: from this second on.
        end: up to this second, not included.
        spherical: whether players shall show a sphere: if the film says it is one, or yes, or no.
        keep_metadata: whether the film says its time and projection (all), the latter, or none.
        device: to compute on: auto, cpu, cuda.
        overwrite: replace films of other networks or options.
        json: print what was written as JSON.

    Raises:
        FileNotFoundError: no such film, folder or network.
        ModuleNotFoundError: the extra ``video`` is not installed.
        ValueError: a damaged film, frames of another field of view than the network's, an option,
            or a film in the way.
    """
    if not 0 <= opacity <= 1 or width < 2:
        raise ValueError(f"opacity {opacity}, width {width}: choose 0 to 1, and at least 2 pixels")
    clips = find_clips(videos)
    targets = {
        path: out / file_name(name, _SUFFIX) if videos.is_dir() else out
        for name, path in clips.items()
    }
    if not videos.is_dir() and out.suffix.lower() != _SUFFIX:
        raise ValueError(f"out {out}: name a film that ends with {_SUFFIX}")
    segmenter = load(network, device=find_device(device))
    options = {
        "opacity": opacity,
        "width": width,
        "quality": quality,
        "start": start,
        "end": end,
        "spherical": spherical,
        "keep_metadata": keep_metadata,
        "network": content_key(network),
    }
    written: dict[str, int] = {}
    with write_errors_explained(out.parent):
        for path, target in targets.items():
            stamp = {"bytes": path.stat().st_size, "film": path.name}
            mark = f"goodsam_pl film {fingerprint_of(options | stamp)}"
            if target.exists() and not overwrite:
                if _comment(target) == mark:
                    continue
                raise ValueError(
                    f"{target} is there, of another film, network or options: name another, or "
                    "give --overwrite"
                )
            with open_clip(path) as clip:
                chosen = choose_frames(clip.times, 0, None, start, end)
                metadata = {"comment": mark}
                if keep_metadata == "all" and clip.created is not None:
                    metadata["creation_time"] = clip.created.isoformat()
                said = clip.is_spherical and keep_metadata != "none"
                form = FilmForm(
                    _size(clip.size, width),
                    clip.rate,
                    clip.time_base,
                    quality,
                    spherical == "yes" or (spherical == "as_said" and said),
                    metadata,
                )
                with (
                    progress_bar(path.name, len(chosen), visible=not json, what="frames") as go_on,
                    write_film(target, form) as film,
                ):
                    for place, pixels in clip.frames(chosen):
                        shown = _shown(pixels, segmenter, form.size, opacity, clip)
                        film.add(shown, clip.ticks[place] - clip.ticks[chosen[0]])
                        go_on()
                written[str(target)] = len(chosen)
    there = len(targets) - len(written)
    before = f", {there} were there" if there else ""
    told = f"{out}: {len(written)} films of {sum(written.values())} frames{before}"
    return answer(told, {"out": out, "written": written, "there_before": there}, json=json)


def _size(size: tuple[int, int], width: int) -> tuple[int, int]:
    """Height and width of the film, even."""
    scale = min(1.0, width / size[1])
    height, width = (max(2, round(each * scale / 2) * 2) for each in size)
    return height, width


def _shown(
    pixels: NDArray[np.uint8],
    segmenter: Segmenter,
    size: tuple[int, int],
    opacity: float,
    clip: Clip,
) -> NDArray[np.uint8]:
    """A frame with its colours; nothing but colours where these are opaque."""
    if segmenter.format is None:
        ids, rows = segmenter.label_pixels(pixels), slice(0, size[0])
    else:
        try:
            fitted, band = segmenter.format.fit_image(pixels)
        except ValueError as error:
            raise ValueError(f"{clip.path}: {error}") from error
        ids, rows = segmenter.label_pixels(fitted), band.of_height(size[0])
    picture = np.zeros((*size, 3), np.uint8) if opacity == 1 else resize_image(pixels, size)
    return mixed(picture, ids, segmenter.taxonomy, rows, opacity)


def _comment(path: Path) -> str | None:
    """What a film of ours says of how it was made."""
    try:
        with open_clip(path) as clip:
            return clip.comment
    except ValueError:
        return None
