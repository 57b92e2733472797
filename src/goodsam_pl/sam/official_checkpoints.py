"""The official Segment Anything checkpoints: where they are, and how they get here."""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.request
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from goodsam_pl.files import KnownFiles, Stamp, content_key, write_errors_explained
from goodsam_pl.files.atomic import put_in_place
from goodsam_pl.files.claims import claim
from goodsam_pl.files.unfinished import PART_SUFFIX

__all__ = [
    "OFFICIAL",
    "OfficialWeights",
    "cache_folder",
    "download_weights",
    "published_weights",
    "state_at_hand",
    "weights_path",
]

_CHUNK = 1 << 20
_PATIENCE = 60.0  # seconds without a byte
_CHECKED = ".goodsam_checked.tsv"  # beside files of others
_PARTIAL_CONTENT = 206
_NO_SUCH_RANGE = 416


class OfficialWeights(NamedTuple):
    """A published checkpoint.

    Attributes:
        url: where it is published; the last part is the name of the file.
        sha256: of the file, 64 hexadecimal digits.
        bytes: its size.
    """

    url: str
    sha256: str
    bytes: int


_SITE = "https://dl.fbaipublicfiles.com/segment_anything"
OFFICIAL = {
    "vit_h": OfficialWeights(
        f"{_SITE}/sam_vit_h_4b8939.pth",
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        2_564_550_879,
    ),
    "vit_l": OfficialWeights(
        f"{_SITE}/sam_vit_l_0b3195.pth",
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        1_249_524_607,
    ),
    "vit_b": OfficialWeights(
        f"{_SITE}/sam_vit_b_01ec64.pth",
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        375_042_383,
    ),
}
"""Meta's checkpoints of SAM (2023), by model."""


def cache_folder() -> Path:
    """Folder of downloaded checkpoints: ``$GOODSAM_CACHE``, or torch.hub's."""
    chosen = os.environ.get("GOODSAM_CACHE")
    return Path(chosen).expanduser() if chosen else Path(torch.hub.get_dir()) / "checkpoints"


def weights_path(model: str) -> Path:
    """Where the checkpoint of an official model lies, or would lie."""
    return cache_folder() / OFFICIAL[model].url.rsplit("/", 1)[-1]


def download_weights(model: Literal["vit_h", "vit_l", "vit_b"], force: bool = False) -> Path:
    """Download an official Segment Anything checkpoint, unless it is there.

    A download that was interrupted goes on where it stopped. The file takes its name only when
    its SHA-256 is the published one; a file that is there already is checked as well.

    Args:
        model: ``vit_h`` (2.6 GB), ``vit_l`` (1.2 GB) or ``vit_b`` (0.4 GB).
        force: download again even if the file is there.

    Returns:
        The file, in ``$GOODSAM_CACHE`` or torch.hub's folder of checkpoints.

    Raises:
        ValueError: there is no such model, the download or the file that is there is not the
            published one, or there is no room for it.
        ConnectionError: the server cannot be reached, has no such file, or the connection broke.
    """
    if model not in OFFICIAL:
        raise ValueError(f"no official checkpoint {model!r}: choose one of {sorted(OFFICIAL)}")
    path = weights_path(model)
    if path.is_file() and not force:
        return published_weights(model)
    with _write_errors_explained(path.parent), claim(path, wait=True):
        if force or not path.is_file():  # another process may have brought it meanwhile
            _download(model, path)
    return published_weights(model)


def published_weights(model: str) -> Path:
    """The checkpoint of an official model on this machine, which surely is the published one.

    Its bytes are read once, which takes seconds; a file that was found right is not read again as
    long as its size, its times of change and its number in the file system stay the same.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is another file; the message has both hashes.
    """
    official, path = OFFICIAL[model], weights_path(model)
    if _checked().get(path) == official.sha256:
        return path
    now, before = time.time_ns(), Stamp.of(path)
    found = file_sha256(path)
    if found != official.sha256:
        raise ValueError(
            f"{path} is not the published {model}: its SHA-256 is {found}, published is "
            f"{official.sha256}: `goodsam weights {model} --force true` replaces it; weights of "
            "your own are given as `checkpoint`"
        )
    if before.is_settled(now):
        _checked().remember(path, before, found)
        _checked().save()
    return path


def state_at_hand(model: str) -> Literal["absent", "published", "unchecked", "other"]:
    """What lies where the checkpoint of an official model belongs; its bytes are not read.

    Returns:
        ``unchecked`` for a file of the right size whose hash was never asked for, ``other`` for one
        of another size.
    """
    official, path = OFFICIAL[model], weights_path(model)
    if not path.is_file():
        return "absent"
    if path.stat().st_size != official.bytes:
        return "other"
    return "published" if _checked().get(path) == official.sha256 else "unchecked"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    return content_key(path)


def _download(model: str, path: Path) -> None:
    """Bring a file, and put it in its place when it is the published one."""
    official, part = OFFICIAL[model], path.with_name(f"{path.name}{PART_SUFFIX}")
    if part.is_symlink() or (part.exists() and part.stat().st_size > official.bytes):
        part.unlink()
    goes_on = part.exists()
    while True:
        try:
            _fetch(official, part)
        except (OSError, http.client.HTTPException) as error:
            if goes_on and getattr(error, "code", None) == _NO_SUCH_RANGE:
                part.unlink()
                goes_on = False
                continue
            raise ConnectionError(
                f"cannot download {official.url}: {_reason(error)}. Run `goodsam weights {model}` "
                "again to go on where it stopped, or bring the file yourself, from any machine, "
                f"and put it at {path}"
            ) from error
        found = file_sha256(part)
        if found == official.sha256:
            put_in_place(part, path)
            _checked().remember(path, Stamp.of(path), found)
            _checked().save()
            return
        part.unlink()
        if not goes_on:
            raise ValueError(
                f"the download of {official.url} has SHA-256 {found}, published is "
                f"{official.sha256}: it was deleted. Run `goodsam weights {model}` again, or bring "
                f"the file yourself and put it at {path}"
            )
        goes_on = False  # what was there may have been the wrong part: once more, from the start


def _fetch(official: OfficialWeights, part: Path) -> None:
    """Append to ``part`` what is missing, with a progress bar."""
    start = part.stat().st_size if part.exists() else 0
    if start >= official.bytes:
        return
    request = urllib.request.Request(official.url)  # noqa: S310  # only URLs from the table
    if start:
        request.add_header("Range", f"bytes={start}-")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with urllib.request.urlopen(request, timeout=_PATIENCE) as response, Progress(*columns) as bar:  # noqa: S310
        resumed = getattr(response, "status", None) == _PARTIAL_CONTENT
        done = start if resumed else 0
        task = bar.add_task(part.stem, total=official.bytes, completed=done)
        with _write_errors_explained(part.parent), part.open("ab" if resumed else "wb") as stream:
            while done < official.bytes and (block := _read(response, official.bytes - done)):
                stream.write(block)
                done += len(block)
                bar.advance(task, len(block))
    if done < official.bytes:
        raise ConnectionError(f"it broke off after {done} of {official.bytes} bytes")


def _read(response: Any, most: int) -> bytes:
    """A block of what the server sends; nothing of what would be too much."""
    try:
        block: bytes = response.read(min(_CHUNK, most))
    except OSError as error:  # of the network, not of the disk that is written to
        raise ConnectionError(_reason(error)) from error
    return block


def _checked() -> KnownFiles:
    """Which files of the cache were found to be the published ones."""
    return KnownFiles.at(cache_folder() / _CHECKED)


def _reason(error: BaseException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def _write_errors_explained(folder: Path) -> AbstractContextManager[None]:
    return write_errors_explained(folder, elsewhere="set GOODSAM_CACHE to another folder")
