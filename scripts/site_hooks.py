"""What mkdocs calls while it builds the site; see mkdocs.yml."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from pymdownx.slugs import slugify

from documentation.api_pages import api_pages
from documentation.configuration_pages import configuration_pages
from documentation.places import ROOT, linked_outside, page_of, place_of, with_links

OUTSIDE = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "configs/README.md")
"""Pages of the repository that are pages of the site."""

ROLE = re.compile(r":(?:class|func|meth|attr|data|mod|exc):(?=<code)")

written: dict[str, str] = {}
"""Markdown that is made here, by place in the site."""

sources: dict[str, str] = {}
"""Which file of the repository a place of the site is made of."""


def on_config(config: MkDocsConfig) -> None:
    """Make anchors as the hosting site does, and write what is in no file."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = slugify(case="lower")
    written.clear()
    written.update({**api_pages(), **configuration_pages()})
    sources.clear()
    for path in (*_inside(), *_outside()):
        sources[place_of(path)] = path
    named = {*leaves(config.nav)}
    config.nav = _filled(config.nav, [each for each in (*sources, *written) if each not in named])


@event_priority(100)  # before the plugin of notebooks looks for some
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Bring in what is made here and what lies outside of docs/."""
    for place, text in written.items():
        files.append(File.generated(config, place, content=text))
    for place, path in sources.items():
        if path.endswith(".ipynb"):
            files.append(File(place, str(ROOT), config.site_dir, config.use_directory_urls))
        elif not path.startswith("docs/"):
            files.append(File.generated(config, place, content=page_of(path)))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Lead links to where the site has what they name."""
    path = sources.get(page.file.src_uri)
    if path is None:
        return markdown
    return with_links(markdown, path, lambda place: files.get_file_from_path(place) is not None)


def on_page_content(html: str, **_: object) -> str:
    """Take the roles of docstrings off; what they name is set as code."""
    return ROLE.sub("", html)


def _inside() -> list[str]:
    return sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))


def _outside() -> list[str]:
    """Pages of the repository, notebooks, and all that any of the pages links to."""
    notebooks = sorted(
        path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").glob("*.ipynb")
    )
    found = dict.fromkeys((*OUTSIDE, *notebooks))
    waiting = [*_inside(), *OUTSIDE]
    while waiting:
        path = waiting.pop()
        for target in linked_outside(page_of(path), path):
            if target not in found and not target.endswith(".ipynb"):
                found[target] = None
                waiting.append(target)
    return list(found)


def leaves(nav: Any) -> list[str]:
    """Every page that the navigation names."""
    if isinstance(nav, str):
        return [nav]
    inner = nav.values() if isinstance(nav, dict) else nav
    return [leaf for each in inner for leaf in leaves(each)]


def _filled(nav: Any, free: list[str]) -> Any:
    """The navigation with pages in the place of patterns, of those that it does not name."""
    if isinstance(nav, str):
        if "*" not in nav:
            return nav
        depth = nav.count("/")
        return [each for each in free if fnmatch(each, nav) and each.count("/") == depth]
    if isinstance(nav, dict):
        return {title: _filled(each, free) for title, each in nav.items()}
    filled = [_filled(each, free) for each in nav]
    return [
        leaf
        for each, old in zip(filled, nav, strict=True)
        for leaf in (each if isinstance(old, str) and "*" in old else [each])
    ]
