"""Telling what the folders of a report are: runs, experiments, predictions or stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from goodsam_pl.views.report.experiment_results import EXPERIMENT
from goodsam_pl.views.report.panorama_sources import PREDICTIONS
from goodsam_pl.views.report.run_results import is_run
from goodsam_pl.views.stage_folder import INDEX, stage_folders

__all__ = ["ReportInputs", "find_inputs", "short_names"]

_IN_RUN = ("predictions", "stages")
"""Folders of a run that hold panoramas."""


@dataclass
class ReportInputs:
    """Folders by what they are; one may be several things."""

    runs: list[Path] = field(default_factory=list)
    experiments: list[Path] = field(default_factory=list)
    predictions: list[Path] = field(default_factory=list)
    stages: list[Path] = field(default_factory=list)

    @property
    def all(self) -> list[Path]:
        """Every folder once."""
        every = (*self.runs, *self.experiments, *self.predictions, *self.stages)
        return [*dict.fromkeys(every)]


def find_inputs(folders: Sequence[Path]) -> ReportInputs:
    """Tell what each folder is.

    The predictions in a run's folder are found with it. A folder of runs stands for the runs in it.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it is none of what a report shows.
    """
    found = ReportInputs()
    for folder in folders:
        if not folder.is_dir():
            raise FileNotFoundError(
                f"{folder} is no folder: name the folder of a run, an experiment, predictions or "
                "stages"
            )
        if _add(folder, found):
            continue
        inside = [each for each in sorted(folder.iterdir()) if each.is_dir()]
        if not sum(_add(each, found) for each in inside):
            raise ValueError(
                f"{folder} holds nothing that a report shows: neither a run (config.yaml, "
                f"test_classes.csv), nor predictions ({PREDICTIONS}), stages ({INDEX}), or an "
                f"experiment ({EXPERIMENT})"
            )
    return found


def _add(folder: Path, found: ReportInputs) -> bool:
    """Whether the folder is something by itself."""
    signs = [
        ((folder / EXPERIMENT).is_file(), found.experiments),
        ((folder / PREDICTIONS).is_file(), found.predictions),
        ((folder / INDEX).is_file(), found.stages),
        (is_run(folder), found.runs),
    ]
    if not any(is_there for is_there, _ in signs):
        if not stage_folders(folder) or any(map(is_run, folder.iterdir())):
            return False
        found.stages.append(folder)
        return True
    for is_there, kind in signs:
        if is_there and folder not in kind:
            kind.append(folder)
    if is_run(folder):
        for inside in (folder / name for name in _IN_RUN):
            if (inside / PREDICTIONS).is_file():
                found.predictions.append(inside)
            elif inside.is_dir() and stage_folders(inside):
                found.stages.append(inside)
    return True


def short_names(folders: Sequence[Path]) -> dict[Path, str]:
    """The last parts of each path, as many as it takes to tell them apart.

    ``predictions`` in a run's folder is called as the run.
    """
    parts = {folder: _telling(folder.resolve()) for folder in folders}
    names = {}
    for folder, own in parts.items():
        others = [each for other, each in parts.items() if each != own and other != folder]
        count = next(
            (n for n in range(1, len(own)) if all(each[-n:] != own[-n:] for each in others)),
            len(own),
        )
        names[folder] = "/".join(own[-count:])
    return names


def _telling(folder: Path) -> tuple[str, ...]:
    return (
        folder.parts[1:-1] if folder.name in _IN_RUN and is_run(folder.parent) else folder.parts[1:]
    )
