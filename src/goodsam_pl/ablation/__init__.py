"""Tables of named variations: what a plan says is run, resumed and reported."""

from __future__ import annotations

from goodsam_pl.ablation.command import ablate
from goodsam_pl.ablation.plan import Plan
from goodsam_pl.ablation.planning import Run, plan_runs
from goodsam_pl.ablation.reading import read_plan

__all__ = ["Plan", "Run", "ablate", "plan_runs", "read_plan"]
