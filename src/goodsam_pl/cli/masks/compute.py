"""``goodsam masks compute``: what PrecomputeSAM does, without training."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

from goodsam_pl.cli.masks.device import find_device
from goodsam_pl.cli.masks.images import reader_for
from goodsam_pl.cli.masks.shares import share_of
from goodsam_pl.cli.masks.stores import check_place
from goodsam_pl.data.entries import folder_entries
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskProposer, MaskStore, precompute_masks
from goodsam_pl.masks.precomputation import (
    MissingMasksError,
    failure_report,
    share,
    shares_of_others,
)
from goodsam_pl.sam import SegmentAnything
from goodsam_pl.sam.panorama_generator import for_mode

__all__ = ["compute"]

log = logging.getLogger(__name__)


def compute(
    images: Path,
    store: Path,
    proposer: MaskProposer | None = None,
    mode: Literal["panorama", "quick", "window"] = "panorama",
    size: tuple[int, int] = (192, 1024),
    vertical_fov: float = 67.5,
    file_vertical_fov: float | None = None,
    aspect_tolerance: float = 0.05,
    window_size: tuple[int, int] = (192, 192),
    window_stride: tuple[int, int] = (192, 128),
    keep_logits: bool = True,
    shard: str | None = None,
    device: str = "auto",
    on_error: Literal["raise", "skip"] = "raise",
) -> str:
    """Compute the masks of all panoramas below a folder that have none yet.

    With the values of a training configuration, training finds them as if PrecomputeSAM had made
    them. Start it again after whatever stopped it; start it on as many machines as see the folder.
    Under torchrun each process does its share, and then helps the slower ones.

    Args:
        images: folder of panoramas.
        store: folder of the masks.
        proposer: finds the masks; the shipped small SAM if none is named.
        mode: "panorama" makes one set of masks for each panorama, joined across windows; "quick"
            likewise in less time, asking only where no mask explains a point yet;
            "window" makes one set for each window, as SAM's own generator would.
        size: height and width that panoramas are resized to, pixels.
        vertical_fov: vertical field of view of a panorama of that size, degrees.
        file_vertical_fov: vertical field of view of the files, degrees, where it is larger; 180 if
            it is not given and the first file is twice as wide as high.
        aspect_tolerance: how far the aspect of a file may be from that of the field of view,
            relative.
        window_size: height and width of the windows, pixels.
        window_stride: largest vertical and horizontal step between windows, pixels.
        keep_logits: store low-resolution logits, too. They take up most of the room; training does
            not read them.
        shard: "i/n" does the i-th of n shares, i from 1 to n.
        device: "cpu", "cuda", "cuda:1", or another of PyTorch's; "auto" takes a GPU if there is
            one.
        on_error: "raise" ends with an error if files could not be read, after all others are done;
            "skip" only names them.
    """
    rank, processes = share_of(shard)
    place = find_device(device)
    check_place(store)
    files = [entry.image for entry in folder_entries(images)]
    panoramas = reader_for(
        files, (size[0], size[1]), vertical_fov, file_vertical_fov, aspect_tolerance
    )
    windows = WindowGrid.cover(
        panoramas.size, (window_size[0], window_size[1]), (window_stride[0], window_stride[1])
    )
    proposer, windows = for_mode(mode, proposer or SegmentAnything(), windows)
    masks = MaskStore.create(store, windows, proposer, panoramas.view, logits=keep_logits)
    proposer.to(place)
    report = precompute_masks(
        share(files, rank, processes),
        panoramas.read_tensor,
        proposer,
        masks,
        # a shard that was asked for is all that is done; torchrun's processes help one another
        others=shares_of_others(files, rank, processes) if shard is None else (),
        show_progress=rank == 0 or shard is not None,
    )
    failed = {path: str(error) for path, error in report.failed.items()}
    if failed and on_error == "raise":
        raise MissingMasksError(failure_report(failed))
    if failed:
        log.warning(failure_report(failed))
    return (
        f"{report.computed} panoramas computed, {report.present} had their masks already: {store}"
    )
