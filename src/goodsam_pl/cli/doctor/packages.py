"""What is installed, held against what the package's own metadata ask for."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from goodsam_pl.cli.doctor.findings import Finding, Section

__all__ = ["GIVES", "extras", "packages", "python"]

GIVES = {
    "transformers": "SAM 1 to 3, Grounding DINO and their like from the hub",
    "onnx": "`goodsam export` as ONNX and with 8 bits",
    "video": "`goodsam frames` and `goodsam film`",
    "plots": "pictures beside the tables of `goodsam ablate`",
    "workspace": "our panels laid out on W&B, `scripts/dashboard_workspace.py`",
    "notebooks": "the notebooks",
    "docs": "the documentation as a site, `make docs`",
    "dev": "tests, style and types of the project itself",
}
"""What an extra is good for."""

_OURS = "goodsam_pl"


class _Held(NamedTuple):
    """A requirement and what is there."""

    name: str
    needs: str
    version: str | None

    @property
    def is_met(self) -> bool:
        return self.version is not None and SpecifierSet(self.needs).contains(
            self.version, prereleases=True
        )

    @property
    def pip(self) -> str:
        return f'"{self.name}{self.needs}"'


def python(package: str = _OURS) -> Section:
    """Version and place of Python, against what the package needs."""
    needs = (distribution(package).metadata.get_all("Requires-Python") or [""])[0]
    version = platform.python_version()
    found = []
    if not SpecifierSet(needs).contains(version, prereleases=True):
        found.append(Finding(f"Python {version}, needed is {needs}", "make a new environment"))
    content = {"version": version, "needs": needs, "executable": sys.executable}
    rows = {"Python": f"{version}  {sys.executable}", "system": platform.platform()}
    return Section("python", rows, {**content, "system": platform.platform()}, found)


def packages(package: str = _OURS) -> Section:
    """The package and all that it needs.

    Two of these that do not fit each other, as torch and torchvision of different releases, are
    found by what the one says that it needs of the other.
    """
    ours = distribution(package)
    held = [_held(each) for each in _needed(ours)]
    findings = [
        Finding(
            f"{each.name} {each.version or 'is missing'}, needed is {each.needs or 'any'}",
            f"{sys.executable} -m pip install {each.pip}",
        )
        for each in held
        if not each.is_met
    ]
    findings += _quarrels(held)
    rows = {package: ours.version}
    rows |= {each.name: f"{each.version or 'missing':<12}{each.needs}".rstrip() for each in held}
    content = [{**each._asdict(), "met": each.is_met} for each in held]
    return Section("packages", rows, {"version": ours.version, "needed": content}, findings)


def _quarrels(held: Sequence[_Held]) -> Iterator[Finding]:
    """Packages that do not fit each other."""
    names = {each.name for each in held}
    for each in held:
        needed = _needed(distribution(each.name)) if each.version is not None else ()
        for other in map(_held, needed):
            if other.name in names and other.version is not None and not other.is_met:
                yield Finding(
                    f"{each.name} {each.version} needs {other.name}{other.needs}, there is "
                    f"{other.version}",
                    f"{sys.executable} -m pip install {other.pip} {each.name}",
                )


def extras(package: str = _OURS) -> Section:
    """Which optional extras are there; what is missing of one is no fault."""
    ours = distribution(package)
    rows, content = {}, {}
    for extra in ours.metadata.get_all("Provides-Extra") or []:
        lacking = [each for each in map(_held, _needed(ours, extra)) if not each.is_met]
        gives = GIVES.get(extra, "")
        pip = " ".join(each.pip for each in lacking)
        rows[extra] = f"{gives}: " if gives else ""
        rows[extra] += f"missing, pip install {pip}" if lacking else "there"
        content[extra] = {
            "gives": gives,
            "present": not lacking,
            "missing": [f"{each.name}{each.needs}" for each in lacking],
        }
    return Section("extras", rows, content)


def _needed(ours: Distribution, extra: str = "") -> Iterator[Requirement]:
    """What a distribution needs here: without any extra, or for that extra alone."""
    for text in ours.requires or []:
        requirement = Requirement(text)
        marker = requirement.marker
        always = marker is None or marker.evaluate({"extra": ""})
        if (always and not extra) or (
            extra and not always and marker is not None and marker.evaluate({"extra": extra})
        ):
            yield requirement


def _held(requirement: Requirement) -> _Held:
    try:
        version: str | None = distribution(requirement.name).version
    except PackageNotFoundError:
        version = None
    return _Held(requirement.name, str(requirement.specifier), version)
