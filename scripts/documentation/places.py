"""Where a file of the repository stands in the site, and how pages link to it there."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

__all__ = ["ROOT", "linked_outside", "page_of", "place_of", "with_links"]

ROOT = Path(__file__).resolve().parents[2]

_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_ATTRIBUTE = re.compile(r"(<(?:img|a)\b[^>]*\b(?:src|href)=\")([^\"#]+)((?:#[^\"]*)?\")")
_CODE = re.compile(r"(^ *```.*?^ *```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
_OUTSIDE = re.compile(r"[a-z]+:|/")


def place_of(path: str) -> str:
    """Where the site has a file or folder of the repository.

    Args:
        path: from the root of the repository, with slashes.

    >>> place_of("README.md"), place_of("docs/ssr.md"), place_of("notebooks/a.ipynb")
    ('index.md', 'ssr.md', 'notebooks/a.ipynb')
    >>> place_of("configs/own"), place_of("configs/sam/nano.yaml")
    ('repository/configs/own/index.md', 'repository/configs/sam/nano.yaml.md')
    """
    folder, _, rest = path.partition("/")
    if path == "README.md":
        return "index.md"
    if folder == "docs" and rest:
        return rest
    if folder == "notebooks" and rest:
        return path
    if (ROOT / path).is_dir():
        return f"repository/{path}/index.md"
    return f"repository/{path}" if path.endswith(".md") else f"repository/{path}.md"


def page_of(path: str) -> str:
    """The Markdown of a file or folder that is no page by itself: its text, or what lies in it."""
    full = ROOT / path
    if full.is_dir():
        names = sorted(each.name for each in full.iterdir() if not each.name.startswith(("_", ".")))
        lines = [f"- [`{name}`]({PurePosixPath(path).name}/{name})" for name in names]
        return f"# {path}\n\n" + "\n".join(lines) + "\n"
    text = full.read_text(encoding="utf-8")
    if path.endswith(".md"):
        return text
    return f"# {path}\n\n````{full.suffix.removeprefix('.')}\n{text}````\n"


def with_links(text: str, path: str, known: Callable[[str], bool]) -> str:
    """A page whose links lead to where the site has what they name.

    Args:
        text: Markdown.
        path: of the page in the repository; its links are relative to that.
        known: whether the site has a place of the site; what it has not is left alone, so that
            the build warns of it.
    """
    here = posixpath.dirname(place_of(path))

    def moved(match: re.Match[str]) -> str:
        target = _target(match[2], path)
        if target is None or not known(place := place_of(target)):
            return match[0]
        return f"{match[1]}{posixpath.relpath(place, here or '.')}{match[3]}"

    return "".join(
        part if part.startswith("`") or part.lstrip().startswith("```")
        else _ATTRIBUTE.sub(moved, _LINK.sub(moved, part))
        for part in _CODE.split(text)
    )  # fmt: skip


def linked_outside(text: str, path: str) -> Iterator[str]:
    """Files and folders of the repository that a page links to and that docs/ has not."""
    prose = _CODE.sub("", text)
    for found in (*_LINK.finditer(prose), *_ATTRIBUTE.finditer(prose)):
        target = _target(found[2], path)
        if target is not None and not target.startswith("docs/"):
            yield target


def _target(link: str, path: str) -> str | None:
    """What a link leads to, from the root of the repository; ``None`` if it leaves it."""
    if _OUTSIDE.match(link):
        return None
    target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link))
    return target if (ROOT / target).exists() else None
