"""Lay the panels of our runs out on W&B, as a view of the project that all runs share.

pip install 'wandb-workspaces>=0.4'
wandb sync runs/real/rectification/wandb/offline-run-*
python scripts/dashboard_workspace.py runs/real/rectification --entity me --project goodsam_pl

Which panels there are follows from what the runs in that folder have logged, so that none stays
empty. Runs are grouped by road and job, and sorted by the best mean IoU. Needs an account, as
`wandb login` asks for it; prints where the view is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import wandb_workspaces.reports.v2 as reports
from wandb_workspaces import workspaces

from dashboard.layout import Panel, laid_out
from dashboard.logged import Logged, read_logged

STEP = "trainer/global_step"
BEST = "val/miou.max"
"""As W&B calls the summary that `define_metric` asks for."""


def main() -> None:
    """Read, lay out, save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", type=Path, help="a folder with runs that logged to W&B")
    parser.add_argument("--entity", required=True, help="a user or a team on W&B")
    parser.add_argument("--project", default="goodsam_pl", help="(goodsam_pl)")
    parser.add_argument("--name", default="GoodSAM", help="of the view (GoodSAM)")
    arguments = parser.parse_args()
    try:
        logged = read_logged(arguments.runs)
    except FileNotFoundError as error:
        parser.error(str(error))
    view = workspace(logged, arguments.entity, arguments.project, arguments.name)
    view.save()
    print(view.url)


def workspace(logged: Logged, entity: str, project: str, name: str) -> workspaces.Workspace:
    """The view, not saved.

    Args:
        logged: what there is to show.
        entity: a user or a team on W&B.
        project: of the runs.
        name: of the view.
    """
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name=name,
        sections=[
            workspaces.Section(
                name=section, panels=[panel_of(each) for each in panels], is_open=True
            )
            for section, panels in laid_out(logged).items()
        ],
        settings=workspaces.WorkspaceSettings(x_axis=STEP),
        runset_settings=workspaces.RunsetSettings(
            groupby=[workspaces.Metric("Group"), workspaces.Metric("JobType")],
            order=[workspaces.Ordering(workspaces.Summary(BEST), ascending=False)],
            pinned_columns=[f"summary:{BEST}"],
        ),
    )


def panel_of(panel: Panel) -> reports.Panel:
    """The panel as W&B has it."""
    if panel.kind == "lines":
        return reports.LinePlot(title=panel.title, x=STEP, y=list(panel.keys))
    [key] = panel.keys
    if panel.kind == "pictures":
        return reports.MediaBrowser(title=panel.title, media_keys=[key])
    if panel.kind == "table":
        return reports.WeavePanelSummaryTable(table_name=key)
    return reports.CustomChart(
        query={"summaryTable": {"tableKey": f"Custom Chart Tables/{key}_table"}},
        chart_name="wandb/confusion_matrix/v1",
        chart_fields={name: name for name in ("Actual", "Predicted", "nPredictions")},
        chart_strings={"title": panel.title},
    )


if __name__ == "__main__":
    main()
