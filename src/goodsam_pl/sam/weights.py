"""The official Segment Anything checkpoints: where they are, and how they get here."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.request
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

__all__ = ["OFFICIAL", "OfficialWeights", "cache_folder", "download_weights", "weights_path"]

_CHUNK = 1 << 20
_PARTIAL_CONTENT = 206


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
    its SHA-256 is the published one.

    Args:
        model: ``vit_h`` (2.6 GB), ``vit_l`` (1.2 GB) or ``vit_b`` (0.4 GB).
        force: download again even if the file is there.

    Returns:
        The file, in ``$GOODSAM_CACHE`` or torch.hub's folder of checkpoints.

    Raises:
        ValueError: there is no such model, or the download is not the published file.
        ConnectionError: the server cannot be reached or the connection broke.
    """
    if model not in OFFICIAL:
        raise ValueError(f"no official checkpoint {model!r}: choose one of {sorted(OFFICIAL)}")
    official, path = OFFICIAL[model], weights_path(model)
    if path.is_file() and not force:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        _fetch(official, part)
    except (OSError, http.client.HTTPException) as error:
        raise ConnectionError(
            f"cannot download {official.url}: {error}. Run `goodsam weights {model}` again to go "
            f"on where it stopped, or put the file at {path} yourself"
        ) from error
    found = file_sha256(part)
    if found != official.sha256:
        part.unlink()
        raise ValueError(
            f"the download of {official.url} has SHA-256 {found}, published is {official.sha256}: "
            f"it was deleted; run `goodsam weights {model}` again"
        )
    part.replace(path)
    return path


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_CHUNK):
            digest.update(block)
    return digest.hexdigest()


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
    with urllib.request.urlopen(request, timeout=60) as response, Progress(*columns) as progress:  # noqa: S310
        resumed = getattr(response, "status", None) == _PARTIAL_CONTENT
        done = start if resumed else 0
        task = progress.add_task(part.stem, total=official.bytes, completed=done)
        with part.open("ab" if resumed else "wb") as stream:
            while block := response.read(_CHUNK):
                stream.write(block)
                progress.advance(task, len(block))
    if part.stat().st_size < official.bytes:
        raise ConnectionError(f"it broke off after {part.stat().st_size} bytes")
