"""A page for each room, with all that the room hands out."""

from __future__ import annotations

import ast
from pathlib import Path

from documentation.places import ROOT

__all__ = ["api_pages"]

PACKAGE = ROOT / "src" / "goodsam_pl"


def api_pages() -> dict[str, str]:
    """Markdown of the reference, by place in the site; mkdocstrings fills it in from docstrings."""
    return {
        f"reference/api/{_name(file) or 'goodsam_pl'}.md": page
        for file in sorted(PACKAGE.rglob("__init__.py"))
        if (page := _page(file))
    }


def _page(file: Path) -> str:
    """The page of a room, or nothing where it hands out nothing."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = [name for name in _public(tree) if not name.startswith("__")]
    if not names:
        return ""
    room = ".".join(("goodsam_pl", *_name(file).split("."))).rstrip(".")
    entries = "\n".join(f"::: {room}.{name}\n" for name in names)
    return f"# {room}\n\n{ast.get_docstring(tree) or ''}\n\n{entries}"


def _name(file: Path) -> str:
    return ".".join(file.parent.relative_to(PACKAGE).parts)


def _public(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return list(ast.literal_eval(node.value))
    return []
