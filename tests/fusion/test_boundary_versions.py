"""B_SAM and B_ref in pixels, for both versions of windows."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.fusion import boundary_region, edges, refined_boundary
from goodsam_pl.geometry import CrossedWindows, WindowGrid, extract_families

GRID = WindowGrid.cover((6, 16), (6, 8), (6, 4))
CROSSED = CrossedWindows.cover((6, 16), (3, 16), (3, 16), (6, 8), (6, 8))


def _windows_of(panorama: torch.Tensor) -> tuple[torch.Tensor]:
    return (GRID.extract(panorama[None]),)


def test_edges_mark_both_sides_of_a_change() -> None:
    labels = torch.tensor([[0, 0, 0, 1], [0, 0, 2, 1], [0, 0, 0, 0]])
    assert edges(labels).int().tolist() == [[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1]]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_mirror_image_has_the_mirror_images_boundaries(version) -> None:
    generator = torch.Generator().manual_seed(0)
    masks, labels = torch.randint(0, 4, (2, 2, 6, 16), generator=generator)
    windows = GRID if version == "v1" else CROSSED

    def refined(labels: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        layers = tuple(cut[:, :, None] for cut in extract_families(masks, windows))
        return refined_boundary(layers, extract_families(labels, windows), windows, 1, version)

    boundary = refined(labels, masks)
    assert 0 < boundary.sum() < boundary.numel()
    assert torch.equal(refined(labels.flip(-1), masks.flip(-1)), boundary.flip(-1))


def test_an_edge_of_sam_survives_only_beside_a_class_edge() -> None:
    masks = torch.zeros(6, 16, dtype=torch.int16)
    masks[:, 5:] = 1  # an edge at column 4 …
    masks[:, 11:] = 2  # … and one at column 10
    labels = torch.zeros(6, 16, dtype=torch.int64)
    labels[:, 6:] = 1  # a class edge one pixel from the first, none near the second
    windows = _windows_of(labels)
    refined = refined_boundary(_windows_of(masks[None]), windows, GRID, radius=2)[0]
    assert refined[:, 4].all()
    assert not refined[:, 10].any()


def test_a_class_edge_in_any_overlapping_window_is_enough() -> None:
    masks = torch.zeros(6, 16, dtype=torch.int16)
    masks[:, 6:] = 1
    labels = _windows_of(torch.zeros(6, 16, dtype=torch.int64))
    labels[0][0, 1, :, 2:] = 1  # window 1 starts at column 4: an edge at column 5, in it alone
    refined = refined_boundary(_windows_of(masks[None]), labels, GRID, radius=1)[0]
    assert refined[:, 5].all()


def test_version_2_takes_the_edges_of_both_families() -> None:
    masks = torch.zeros(6, 16, dtype=torch.int16)
    masks[:, 4:] = 1  # an edge at column 3
    masks[:, 12:] = 2  # and one at column 11
    layers = tuple(grid.extract(masks[None])[:, :, None] for grid in CROSSED.families)
    flat, tall = (grid.extract(torch.zeros(1, 6, 16)).long() for grid in CROSSED.families)
    flat[:, 0, :, 4:] = 1  # the upper flat window sees a class edge at column 3 …
    tall[:, 1, :, 4:] = 1  # … and the right tall one at column 11

    refined = refined_boundary(layers, (flat, tall), CROSSED, radius=0, version="v2")[0]
    assert refined[:, 11:13].all()
    assert refined[:3, 3:5].all()
    assert refined.sum() == 2 * (6 + 3)


def test_the_loss_is_taken_where_windows_overlap() -> None:
    apart = WindowGrid.cover((6, 16), (6, 6), (6, 4))  # at columns 0, 4, 8 and 12, across the seam
    overlaps = torch.tensor([1, 1, 0, 0] * 4, dtype=torch.bool)
    assert torch.equal(boundary_region(apart), overlaps.expand(6, 16))
    assert boundary_region(CROSSED, "v2").all()


@pytest.mark.parametrize("windows", [GRID, CROSSED])
def test_windows_of_the_other_version_are_refused(windows) -> None:
    version = "v2" if windows is GRID else "v1"  # no flat window overlaps with another one
    kind = "crossed" if windows is GRID else "sliding"
    labels = extract_families(torch.zeros(1, 6, 16, dtype=torch.int64), windows)
    for ask in (
        lambda: boundary_region(windows, version),
        lambda: refined_boundary(
            tuple(each[:, :, None] for each in labels), labels, windows, version=version
        ),
    ):
        with pytest.raises(ValueError, match=rf"boundary {version} is for {kind} windows: set "):
            ask()
