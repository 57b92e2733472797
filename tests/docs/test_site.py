"""The site shows every page once, leads every link on, and its reference is the code's."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from mkdocs.config import load_config

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))
import site_hooks
from documentation import configuration_pages
from documentation.api_pages import api_pages
from documentation.configuration_pages import Argument, arguments, classes
from documentation.places import ROOT, linked_outside, page_of, place_of, with_links
from goodsam_pl.data import PanoramaDataModule
from goodsam_pl.fusion import CTCF, SEPL, TrustedPool
from goodsam_pl.modules import FeatureWeights, StudentDistillation, Teachers


@dataclass(frozen=True)
class Base:
    """Nothing.

    Args:
        size: how large, pixels.
        name: told by the base.
    """

    def __init__(self, size: int, name: str | None = None) -> None: ...


class Handed(Base):
    """It hands on.

    Args:
        size: how large,
            in all.
        more: also.
    """

    def __init__(self, more: float = 0.5, **rest: int) -> None: ...


def test_arguments_are_those_of_a_class_and_of_what_it_hands_on_to() -> None:
    assert arguments(Handed) == [
        Argument("more", "float", "0.5", "also."),
        Argument("size", "int", None, "how large, in all."),
        Argument("name", "str | None", "None", "told by the base."),
    ]


@pytest.mark.parametrize("group", configuration_pages.GROUPS)
def test_every_argument_of_every_class_is_described(group: str) -> None:
    found = classes(group)
    assert found
    lacking = {
        each.__name__: [a.name for a in arguments(each) if not a.description] for each in found
    }
    assert {name: names for name, names in lacking.items() if names} == {}


def test_the_reference_of_configurations_has_the_classes_with_their_parts() -> None:
    assert {StudentDistillation, Teachers, FeatureWeights} <= {*classes("systems")}
    assert PanoramaDataModule in classes("data")
    assert {CTCF, SEPL, TrustedPool} <= {*classes("fusions")}
    text = configuration_pages.configuration_pages()["reference/configuration/data.md"]
    default = inspect.signature(PanoramaDataModule).parameters["vertical_fov"].default
    assert f"| `vertical_fov` | `float` | `{default}` |" in text
    assert "| `root` | `str` | to be given | folder of the data set. |" in text


def test_the_reference_has_every_public_name() -> None:
    pages = api_pages()
    for room in ("data", "fusion", "modules.continual", "sam"):
        names = importlib.import_module(f"goodsam_pl.{room}").__all__
        entries = [f"::: goodsam_pl.{room}.{name}" for name in names]
        text = pages[f"reference/api/{room}.md"].splitlines()
        assert [line for line in text if line.startswith(":::")] == entries
    assert "::: goodsam_pl.load" in pages["reference/api/goodsam_pl.md"]


@pytest.fixture(scope="module")
def navigation() -> list[str]:
    config = load_config(str(ROOT / "mkdocs.yml"))
    site_hooks.on_config(config)
    return site_hooks.leaves(config.nav)


def test_the_navigation_has_every_page_once_and_all_that_is_made(navigation: list[str]) -> None:
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    notebooks = [f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert notebooks
    assert sorted(navigation) == sorted({*navigation})
    assert {*pages, *notebooks, *site_hooks.written, "index.md"} <= {*navigation}
    assert {*navigation} <= {*site_hooks.sources, *site_hooks.written}


def test_whatever_a_page_links_to_is_in_the_site(navigation: list[str]) -> None:
    places = {*site_hooks.sources}
    assert "repository/configs/goodsam/over/words.yaml.md" in places
    for path in site_hooks.sources.values():
        if not path.endswith(".ipynb"):
            linked = {place_of(target) for target in linked_outside(page_of(path), path)}
            assert linked <= places, path


def test_links_lead_to_where_the_site_has_their_file() -> None:
    text = (
        "[a](../configs/own) [b](../SECURITY.md#reporting) [c](ssr.md) [d](https://x.org) "
        '`[e](../README.md)` <img src="overview.png">\n```sh\n[f](../README.md)\n```\n[g](gone.md)'
    )
    assert with_links(text, "docs/wsss.md", lambda _: True) == (
        "[a](repository/configs/own/index.md) [b](repository/SECURITY.md#reporting) [c](ssr.md) "
        '[d](https://x.org) `[e](../README.md)` <img src="overview.png">\n'
        "```sh\n[f](../README.md)\n```\n[g](gone.md)"
    )
    assert with_links("[a](docs/ssr.md#data)", "README.md", lambda _: True) == "[a](ssr.md#data)"
    assert with_links("[a](docs/ssr.md)", "README.md", lambda _: False) == "[a](docs/ssr.md)"
    assert [*linked_outside(text, "docs/wsss.md")] == ["configs/own", "SECURITY.md"]


def test_a_file_that_is_no_page_is_shown_as_it_is_and_a_folder_by_what_lies_in_it() -> None:
    config = (ROOT / "configs/networks/b0.yaml").read_text("utf-8")
    assert page_of("configs/networks/b0.yaml") == (
        f"# configs/networks/b0.yaml\n\n````yaml\n{config}````\n"
    )
    assert "- [`source.yaml`](own/source.yaml)\n" in page_of("configs/own")


def test_roles_of_docstrings_are_taken_off() -> None:
    assert site_hooks.on_page_content("see :class:<code>Fusion</code>, a: b") == (
        "see <code>Fusion</code>, a: b"
    )


def test_functions_beside_equations_are_where_the_page_says() -> None:
    text = (ROOT / "docs/goodsam.md").read_text("utf-8")
    table = text[text.index("### One step, equation by function") :].split("\n### ")[0]
    found = re.findall(r"((?:`[\w.]+`(?:, )?)+) in `([\w/]+\.py)`", table)
    assert len(found) > 12
    for names, file in found:
        source = (ROOT / "src/goodsam_pl" / file).read_text("utf-8")
        for name in re.findall(r"`(?:\w+\.)?(\w+)`", names):
            assert re.search(rf"(def|class) {name}\b", source), (name, file)
