"""Panoramas with the stages of all sources joined: what the viewer turns around in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from goodsam_pl.views.report.panorama_sources import PanoramaSource
from goodsam_pl.views.report.shown_stage import ShownStage

__all__ = ["ShownPanorama", "choose_panoramas", "join_sources"]


@dataclass(frozen=True)
class ShownPanorama:
    """One panorama.

    Attributes:
        name: of its file, without the suffix.
        stages: with different titles.
    """

    name: str
    stages: tuple[ShownStage, ...]

    @property
    def photograph(self) -> int | None:
        """Place of the picture that the others fade in over: of all images the tallest."""
        images = [place for place, each in enumerate(self.stages) if each.kind == "image"]
        return max(images, key=lambda place: self.stages[place].span.height, default=None)

    @property
    def truth(self) -> int | None:
        """Place of the labels that are right, told by their title."""
        labels = [place for place, each in enumerate(self.stages) if each.kind == "labels"]
        return next((each for each in labels if "truth" in self.stages[each].title.lower()), None)


def choose_panoramas(sources: Sequence[PanoramaSource], limit: int) -> list[str]:
    """Names of the panoramas to show: first those that most sources have, spread evenly.

    Args:
        sources: of stages.
        limit: how many at most.
    """
    counts = Counter(name for source in sources for name in dict.fromkeys(source.panoramas()))
    chosen: list[str] = []
    for most in sorted(set(counts.values()), reverse=True):
        names = sorted(name for name, count in counts.items() if count == most)
        wanted = min(limit - len(chosen), len(names))
        chosen += [names[place * len(names) // wanted] for place in range(wanted)]
    return chosen


def join_sources(
    name: str,
    sources: Sequence[PanoramaSource],
    width: int,
    told: Callable[[], None] = lambda: None,
) -> ShownPanorama:
    """Encode all stages of a panorama.

    Photographs of the same panorama are shown once, the one of the most degrees. Titles that two
    sources share get the name of their source.

    Args:
        name: of the panorama.
        sources: those that have it are asked.
        width: of all pictures, pixels at most.
        told: called when it is done.
    """
    found = [
        (source.name, stage)
        for source in sources
        if name in source.panoramas()
        for stage in source.stages(name, width)
    ]
    photographs = [stage for _, stage in found if _is_photograph(stage)]
    tallest = max(photographs, key=lambda stage: stage.span.height, default=None)
    others = [(source, stage) for source, stage in found if not _is_photograph(stage)]
    shared = Counter(stage.title for _, stage in others)
    stages = [] if tallest is None else [tallest]
    for source, stage in others:
        alone = shared[stage.title] == 1
        stages.append(stage if alone else replace(stage, title=f"{source}: {stage.title}"))
    told()
    return ShownPanorama(name, _numbered(stages))


def _is_photograph(stage: ShownStage) -> bool:
    return stage.kind == "image" and stage.title.lower() == "panorama"


def _numbered(stages: Sequence[ShownStage]) -> tuple[ShownStage, ...]:
    """With a number behind each title that has been there before."""
    seen: Counter[str] = Counter()
    numbered = []
    for stage in stages:
        seen[stage.title] += 1
        count = seen[stage.title]
        numbered.append(stage if count == 1 else replace(stage, title=f"{stage.title} ({count})"))
    return tuple(numbered)
