"""Values laid over a configuration, by keys with dots in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

__all__ = ["mapped_texts", "overridden"]

_OF_A_CLASS = ("class_path", "init_args", "dict_kwargs")


def overridden(tree: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a configuration with some values set.

    Args:
        tree: of ``model``, ``data``, ``trainer`` and so on.
        overrides: by key. Dots lead inwards, as on the command line; ``init_args`` may be left
            out, and numbers count the items of a list from 0. A mapping is merged into the one
            that is there, unless it names another ``class_path``: then it takes its place, as all
            other values do.

    Raises:
        TypeError: a key leads into something that has no keys.
        ValueError: a key leads past the end of a list.
    """
    changed = deepcopy(dict(tree))
    for key, value in overrides.items():
        _set(changed, key.split("."), value, key)
    return changed


def mapped_texts(tree: Any, function: Callable[[str], Any]) -> Any:
    """A copy in which every text, at any depth, went through a function; keys stay."""
    if isinstance(tree, str):
        return function(tree)
    if isinstance(tree, Mapping):
        return {key: mapped_texts(value, function) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [mapped_texts(value, function) for value in tree]
    return tree


def _set(tree: Any, path: list[str], value: Any, whole: str) -> None:
    here: Any = path[0]
    if isinstance(tree, list):
        if not here.isdigit() or int(here) >= len(tree):
            raise ValueError(f"override {whole!r}: {here!r} is not in 0 to {len(tree) - 1}")
        here = int(here)
    elif not isinstance(tree, dict):
        raise TypeError(f"override {whole!r}: there are no keys to find {here!r} in {tree!r}")
    elif "class_path" in tree and here not in _OF_A_CLASS:
        tree = tree.setdefault("init_args", {})
    if len(path) == 1:
        known = isinstance(tree, list) or here in tree
        tree[here] = _merged(tree[here], value) if known else deepcopy(value)
        return
    if isinstance(tree, dict) and tree.get(here) is None:
        tree[here] = {}
    _set(tree[here], path[1:], value, whole)


def _merged(old: Any, new: Any) -> Any:
    if not isinstance(old, dict) or not isinstance(new, Mapping):
        return deepcopy(new)
    if new.get("class_path", old.get("class_path")) != old.get("class_path"):
        return deepcopy(dict(new))
    return overridden(old, new)
