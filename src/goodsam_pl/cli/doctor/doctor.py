"""``goodsam doctor``: what is here, what is wrong, and the way out."""

from __future__ import annotations

import sys

from goodsam_pl.cli.answers import Answer, answer, table
from goodsam_pl.cli.doctor.commands import commands
from goodsam_pl.cli.doctor.devices import devices
from goodsam_pl.cli.doctor.findings import Finding, Section
from goodsam_pl.cli.doctor.places import dashboard, places
from goodsam_pl.cli.doctor.weights_at_hand import weights_at_hand

__all__ = ["doctor"]


def doctor(json: bool = False) -> Answer:
    """Say what is installed here and whether it works; nothing is downloaded or changed.

    What is wrong comes first, each with its way out. The command fails if something that is needed
    is broken. Put what it says into a report of a fault.

    Args:
        json: as JSON.
    """
    sections = [*_packages(), devices(), commands(), weights_at_hand(), dashboard(), places()]
    findings = [each for section in sections for each in section.findings]
    broken = [each for each in findings if each.is_broken]
    notes = [each for each in findings if not each.is_broken]
    blocks = [
        _told("broken", broken),
        _told("worth knowing", notes),
        *(f"{section.name}\n{_indented(table(section.rows))}" for section in sections),
        "" if broken else "all that is needed works",
    ]
    content = {
        "usable": not broken,
        "broken": [_plain(each) for each in broken],
        "notes": [_plain(each) for each in notes],
        **{section.name: section.content for section in sections},
    }
    text = "\n\n".join(block for block in blocks if block)
    return answer(text, content, json=json, status=int(bool(broken)))


def _packages() -> list[Section]:
    try:
        from goodsam_pl.cli.doctor.packages import (  # noqa: PLC0415  # may itself be missing
            extras,
            packages,
            python,
        )

        return [python(), packages(), extras()]
    except ImportError as error:  # of `packaging`, or of our own metadata
        way_out = f"{sys.executable} -m pip install --force-reinstall goodsam_pl"
        return [Section("packages", {}, {}, [Finding(f"versions are not known: {error}", way_out)])]


def _told(title: str, findings: list[Finding]) -> str:
    lines = [f"  {each.what}\n    {each.way_out}" for each in findings]
    return "\n".join([title, *lines]) if lines else ""


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _plain(finding: Finding) -> dict[str, str]:
    return {"what": finding.what, "way_out": finding.way_out}
