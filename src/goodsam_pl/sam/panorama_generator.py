"""One set of masks for a whole panorama: those of its windows, joined.

Two ways to the masks of the windows, by how much they may differ from what
``SamAutomaticMaskGenerator`` finds there:

* every point of every window is asked, but only masks are drawn that no better one repeats;
* points that a mask already explains are not asked at all: the grid of points lies on the panorama,
  each is asked in the window that shows most around it, from coarse to fine.

(Our choice throughout.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.proposer import Description, MaskProposer
from goodsam_pl.masks.window_masks import WindowMasks
from goodsam_pl.sam.joined_masks import join_windows
from goodsam_pl.sam.point_prompts import Answers, EmbeddedWindows, join_answers, lay_masks

__all__ = [
    "PanoramaMaskGenerator",
    "PanoramaProposer",
    "PromptedModel",
    "SketchingModel",
    "for_mode",
]

_STEPS = (4, 2, 1)
_VERSION = 4
"""Grows whenever the same proposer gives other masks."""


@runtime_checkable
class PromptedModel(Protocol):
    """A model that answers points with masks."""

    points_per_side: int

    def embed(self, windows: Tensor) -> EmbeddedWindows:
        """Encode windows ``(N, 3, h, w)`` uint8."""
        ...

    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        """Ask window ``index`` at points ``(P, 2)``, ``(x, y)`` in its pixels."""
        ...

    def keep_best(self, view: EmbeddedWindows, answers: Answers) -> WindowMasks:
        """Drop repeats among the answers of one window."""
        ...


@runtime_checkable
class SketchingModel(Protocol):
    """A model that can do without drawing most of its masks."""

    def propose_distinct(self, windows: Tensor) -> list[WindowMasks]:
        """Nearly what ``propose`` finds, sooner."""
        ...


@runtime_checkable
class PanoramaProposer(MaskProposer, Protocol):
    """A proposer whose window may be a whole panorama: nothing has to be joined."""

    takes_panoramas: bool


class PanoramaMaskGenerator:
    """A proposer whose one window is the whole panorama.

    Args:
        proposer: what is asked, window by window.
        windows: the grid that panoramas are looked at through.
        points: ``"all"`` asks at every point of every window, and finds nearly all that the
            proposer finds window by window; ``"unexplained"`` asks a :class:`PromptedModel` at a
            sixth of them and takes a third of the time, but more than half of its masks are others:
            which of many similar masks is the best is known only when all are.

    Attributes:
        asked: how many points were asked so far because nothing explained them.
    """

    def __init__(
        self,
        proposer: MaskProposer,
        windows: WindowGrid,
        points: Literal["all", "unexplained"] = "all",
    ) -> None:
        if points == "unexplained" and not isinstance(proposer, PromptedModel):
            raise ValueError(
                f"{type(proposer).__name__} answers no points: choose points='all' for it"
            )
        self.proposer = proposer
        self.windows = windows
        self.points = points
        self.asked = 0

    def to(self, device: torch.device | str) -> None:
        """Move to a device."""
        self.proposer.to(device)

    def describe(self) -> Description:
        """The proposer's description, and the windows it looks through."""
        sizes = {"window_size": self.windows.window_size, "window_stride": self.windows.stride}
        through = {name: f"{height}x{width}" for name, (height, width) in sizes.items()}
        mode: Description = {"mode": "panorama", "mode_version": _VERSION, "points": self.points}
        return {**self.proposer.describe(), **mode, **through}

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        """Find the masks of whole panoramas.

        Args:
            windows: panoramas ``(N, 3, H, W)`` uint8, RGB.

        Returns:
            N sets of masks, without logits.
        """
        return [self._look_around(panorama) for panorama in windows]

    def _look_around(self, panorama: Tensor) -> WindowMasks:
        cut = self.windows.extract(panorama[None])[0]
        return join_windows(self._look_through(cut), self.windows)

    def _look_through(self, cut: Tensor) -> list[WindowMasks]:
        if self.points == "unexplained" and isinstance(self.proposer, PromptedModel):
            found, asked = ask_from_coarse_to_fine(self.proposer, cut, self.windows)
            self.asked += asked
            return found
        if isinstance(self.proposer, SketchingModel):
            return self.proposer.propose_distinct(cut)
        return self.proposer.propose(cut)


def for_mode(
    mode: Literal["panorama", "quick", "window"], proposer: MaskProposer, windows: WindowGrid
) -> tuple[MaskProposer, WindowGrid]:
    """Who makes the masks of a store, and on which grid.

    A :class:`PanoramaProposer` is shown the whole panorama in any mode but ``"window"``.

    Args:
        mode: ``"panorama"`` makes one set of masks for each panorama, ``"quick"`` likewise, asking
            only at points that no mask explains; ``"window"`` makes one set for each window.
        proposer: what is asked, window by window.
        windows: the grid that panoramas are looked at through.
    """
    if mode == "window":
        return proposer, windows
    whole = WindowGrid.whole(windows.image_size)
    if isinstance(proposer, PanoramaProposer) and proposer.takes_panoramas:
        return proposer, whole
    points: Literal["all", "unexplained"] = "unexplained" if mode == "quick" else "all"
    return PanoramaMaskGenerator(proposer, windows, points), whole


class Points(NamedTuple):
    """A grid of points on a panorama.

    Attributes:
        places: ``(P, 2)`` float, ``(x, y)`` in pixels of the panorama.
        windows: ``(P,)`` int64, the window that shows most around each.
        rounds: ``(P,)`` int64, in which round each is asked.
    """

    places: Tensor
    windows: Tensor
    rounds: Tensor


def ask_from_coarse_to_fine(
    model: PromptedModel, cut: Tensor, windows: WindowGrid
) -> tuple[list[WindowMasks], int]:
    """Ask at points that no mask explains yet.

    Args:
        model: answers points.
        cut: the windows of one panorama, ``(N, 3, h, w)`` uint8, RGB.
        windows: their grid.

    Returns:
        The masks of each window, and how many points were asked.
    """
    view = model.embed(cut)
    points = lay_points(windows, model.points_per_side)
    explained = torch.zeros(len(points.places), dtype=torch.bool)
    answers: list[list[Answers]] = [[] for _ in range(windows.count)]
    asked = 0
    for step in range(len(_STEPS)):
        for window in range(windows.count):
            chosen = (points.rounds == step) & (points.windows == window) & ~explained
            if not chosen.any():
                continue
            local = _into_window(points.places[chosen], windows, window)
            given = model.ask(view, window, local.to(view.embeddings.device))
            answers[window].append(given)
            explained |= _explained_by(given, view, points, windows, window)
            asked += len(local)
    found = [
        model.keep_best(view, join_answers(some)) if some else WindowMasks.none(windows.window_size)
        for some in answers
    ]
    return found, asked


def lay_points(windows: WindowGrid, points_per_side: int) -> Points:
    """As dense on the panorama as a grid of so many points a side is on a window."""
    (height, width), (window_height, window_width) = windows.image_size, windows.window_size
    rows = max(1, round(height * points_per_side / window_height))
    columns = max(1, round(width * points_per_side / window_width))
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    x, y = (column + 0.5) * width / columns, (row + 0.5) * height / rows
    places = torch.stack([x, y], dim=-1).reshape(-1, 2)
    rounds = torch.full((rows, columns), len(_STEPS) - 1)
    for index in reversed(range(len(_STEPS))):
        step = _STEPS[index]
        rounds[step // 2 :: step, step // 2 :: step] = index
    corners = torch.tensor([windows.corner(index) for index in range(windows.count)])
    top, left = corners.unbind(dim=1)
    down = (places[:, 1:] - top - window_height / 2).abs() / window_height
    across = (places[:, :1] - left - window_width / 2).abs() % width
    across = torch.minimum(across, width - across) / window_width
    nearest = (down + across).argmin(dim=1)
    return Points(places, nearest, rounds.flatten())


def _into_window(places: Tensor, windows: WindowGrid, window: int) -> Tensor:
    top, left = windows.corner(window)
    return torch.stack([(places[:, 0] - left) % windows.image_size[1], places[:, 1] - top], dim=1)


def _explained_by(
    given: Answers, view: EmbeddedWindows, points: Points, windows: WindowGrid, window: int
) -> Tensor:
    """Points ``(P,)`` inside the smallest mask of an answer: they would be answered alike.

    A mask that its window cuts goes on in the next one, which is asked on its own.
    """
    height, width = windows.window_size
    x, y = _into_window(points.places, windows, window).long().unbind(dim=1)
    seen = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    own = points.windows == window
    explained = torch.zeros_like(seen)
    for mask in _smallest(given, view):
        inside = torch.zeros_like(seen)
        inside[seen] = mask[y[seen], x[seen]]
        explained |= inside & own if _is_cut(mask, windows, window) else inside
    return explained


def _is_cut(mask: Tensor, windows: WindowGrid, window: int) -> bool:
    """Whether a mask reaches a side of its window beyond which the panorama goes on."""
    top, _ = windows.corner(window)
    sides = [mask[:, 0], mask[:, -1]]
    if top > 0:
        sides.append(mask[0])
    if top + windows.window_size[0] < windows.image_size[0]:
        sides.append(mask[-1])
    return any(bool(side.any()) for side in sides)


def _smallest(given: Answers, view: EmbeddedWindows) -> Iterator[Tensor]:
    """The smallest mask of each point that got an answer."""
    by_area = given.areas.argsort(stable=True)
    prompts, first = given.prompts[by_area].cpu().unique(return_inverse=True)
    places = torch.full((len(prompts),), len(by_area)).scatter_reduce(
        0, first, torch.arange(len(by_area)), "amin"
    )
    yield from lay_masks(view, given.logits[by_area[places.to(by_area.device)]]).cpu()
