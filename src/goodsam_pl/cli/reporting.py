"""``goodsam report``: runs, predictions and stages as one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from goodsam_pl.cli.answers import Answer, answer
from goodsam_pl.files import write_errors_explained
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.progress import progress_bar
from goodsam_pl.views.report.experiment_results import read_experiment
from goodsam_pl.views.report.html_page import Report, html_page
from goodsam_pl.views.report.panorama_sources import PanoramaSource, Predictions, StoredStages
from goodsam_pl.views.report.report_inputs import ReportInputs, find_inputs, short_names
from goodsam_pl.views.report.run_results import RunResults, read_run
from goodsam_pl.views.report.shown_panoramas import ShownPanorama, choose_panoramas, join_sources

__all__ = ["report"]


def report(
    folders: list[Path],
    out: Path = Path("report.html"),
    panoramas: Path | None = None,
    limit: int = 10,
    width: int = 2048,
    title: str = "Segmentation of panoramas",
    json: bool = False,
) -> Answer:
    """Write what runs, experiments, predictions and stages hold into one page.

    The page is a single file that needs no network. Its tables, bars and curves are of the runs
    and experiments; panoramas are turned around in, with the stages of all folders that have them.

    Args:
        folders: of runs, of `goodsam ablate`, of `goodsam predict`, of stages; or one that holds
            runs.
        out: the page (.html); one that is there is replaced.
        panoramas: where the panoramas of predictions lie now, if they have moved.
        limit: how many panoramas at most, spread evenly; 0 for none.
        width: of panoramas in the page, pixels at most.
        title: of the page.
        json: print what was written as JSON.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: a folder is none of these, a file is damaged, or an option is wrong.
    """
    _check(out, limit, width)
    found = find_inputs(folders)
    names = short_names(found.all)
    runs = [each for path in found.runs if _says_something(each := read_run(path, names[path]))]
    experiments = [read_experiment(path, names[path]) for path in found.experiments]
    shown = _panoramas(_sources(found, names, panoramas), limit, width, visible=not json)
    if not (runs or experiments or shown):
        told = ", ".join(map(str, folders))
        raise ValueError(
            f"{told}: nothing to show yet, neither scores nor curves nor panoramas: train, test or "
            "predict first, or raise limit"
        )
    page = html_page(Report(title, runs, experiments, shown)).encode()
    with write_errors_explained(out.parent, elsewhere="name another file with --out"):
        write_atomically(out, page)
    content = {
        "report": out,
        "bytes": len(page),
        "runs": [each.name for each in runs],
        "experiments": [each.name for each in experiments],
        "panoramas": {each.name: [stage.title for stage in each.stages] for each in shown},
    }
    counts = (
        f"{len(runs)} runs, {len(experiments)} experiments, {len(shown)} panoramas, "
        f"{len(page) / 1e6:.1f} MB"
    )
    return answer(f"{out}: {counts}; open it in a browser", content, json=json)


def _check(out: Path, limit: int, width: int) -> None:
    if out.suffix.lower() not in {".html", ".htm"} or out.is_dir():
        raise ValueError(f"out {out}: name a file that ends with .html")
    if limit < 0 or width < 1:
        raise ValueError(f"limit={limit}, width={width}: choose at least 0 panoramas of 1 pixel")


def _says_something(run: RunResults) -> bool:
    return bool(run.scores or run.curves)


def _sources(
    found: ReportInputs, names: dict[Path, str], moved_to: Path | None
) -> list[PanoramaSource]:
    return [
        *(StoredStages(path, names[path]) for path in found.stages),
        *(Predictions(path, names[path], moved_to) for path in found.predictions),
    ]


def _panoramas(
    sources: Sequence[PanoramaSource], limit: int, width: int, *, visible: bool
) -> list[ShownPanorama]:
    chosen = choose_panoramas(sources, limit)
    with progress_bar("report", len(chosen), visible=visible, what="panoramas") as advance:
        return [join_sources(name, sources, width, advance) for name in chosen]
