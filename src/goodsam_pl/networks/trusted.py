"""What a checkpoint may ask to be built: classes that a fixed rule knows, and no function ever.

A checkpoint remembers its model as a configuration does, by ``class_path`` and ``init_args``, and
whoever parses that imports and calls what it names. A checkpoint of somebody else's would so run
code although it holds plain values alone. Only what is checked here is handed to the parser.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from goodsam_pl.networks.smp_models import is_smp_model, plain_arguments

__all__ = ["classes_named_in", "refuse_untrusted"]

_OURS = "goodsam_pl"
_NETWORKS = f"{_OURS}.networks."
_ARGUMENTS = ("init_args", "dict_kwargs")
_PLAIN = {bool, int, float, str, bytes, complex, NoneType, Path}
_DEPTH = 16


def classes_named_in(tree: Any) -> frozenset[str]:
    """Every ``class_path`` of a configuration, at any depth.

    Args:
        tree: plain values.
    """
    named: set[str] = set()
    if isinstance(tree, Mapping):
        if isinstance(tree.get("class_path"), str):
            named.add(tree["class_path"])
        for value in tree.values():
            named |= classes_named_in(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            named |= classes_named_in(value)
    return frozenset(named)


def refuse_untrusted(model: Any, named: Collection[str] = ()) -> None:
    """Refuse a remembered model that is built of anything but known classes and plain values.

    Known are the classes of this package, the models of segmentation-models-pytorch, and those that
    the user names. Nothing is imported to find out.

    Args:
        model: ``class_path`` and ``init_args``, out of a file.
        named: classes that the user's own configuration names.

    Raises:
        ValueError: there is something else in it; the text begins with its key.
    """
    _check_description(model, "model", frozenset(named), 0)


def _check_description(tree: Any, key: str, named: frozenset[str], depth: int) -> None:
    if not isinstance(tree, Mapping):
        raise ValueError(f"{key} is not given by class_path and init_args")  # noqa: TRY004  # of a file
    path = tree.get("class_path")
    strange = [str(name) for name in tree if name not in {"class_path", *_ARGUMENTS}]
    if not isinstance(path, str) or strange:
        raise ValueError(f"{key} is not given by class_path and init_args")
    arguments = [tree.get(name) or {} for name in _ARGUMENTS]
    if not all(isinstance(each, Mapping) for each in arguments):
        raise ValueError(f"{key}.init_args is no mapping")
    if is_smp_model(path):
        for each in arguments:
            plain_arguments(each)
        hints: Mapping[str, Any] = {}
    elif path in named or _is_ours(path):
        hints = _hints(path)
        if path.startswith(_NETWORKS):
            for each in arguments:
                plain_arguments({k: v for k, v in each.items() if isinstance(v, int | float)})
    else:
        raise ValueError(
            f"{key} names {path!r}, which is no class of {_OURS} or segmentation-models-pytorch: "
            "if you trust it, name it yourself, by --config (a run keeps its own as config.yaml) "
            "or an option"
        )
    for each in arguments:
        for name, value in each.items():
            _check_value(value, f"{key}.{name}", named, hints.get(name, object), depth + 1)


def _check_value(value: Any, key: str, named: frozenset[str], hint: Any, depth: int) -> None:
    """Check an argument.

    Args:
        value: of the file.
        key: for errors.
        named: as above.
        hint: type of the argument; where it takes objects, a text names their class.
        depth: of the value.
    """
    if depth > _DEPTH:
        raise ValueError(f"{key} is nested too deeply")
    if isinstance(value, Mapping):
        if "class_path" in value:
            _check_description(value, key, named, depth)
            return
        hints = _hints_of_fields(hint)
        for name, each in value.items():
            _check_value(each, f"{key}.{name}", named, hints.get(name, hint), depth + 1)
    elif isinstance(value, list | tuple | set):
        for each in value:
            _check_value(each, key, named, hint, depth + 1)
    elif isinstance(value, str) and _may_build(hint):
        # the parser takes a text for the name of a class, where one may stand
        _check_description({"class_path": value}, key, named, depth)


def _is_ours(path: str) -> bool:
    """Whether it is the full name of a class of this package, no function and nobody else's."""
    found = _loaded(path)
    return (
        path.partition(".")[0] == _OURS
        and inspect.isclass(found)
        and found.__module__.partition(".")[0] == _OURS
    )


def _loaded(path: str) -> Any:
    """What a name stands for, if its module is imported already."""
    module, _, name = path.rpartition(".")
    loaded = sys.modules.get(module)
    return vars(loaded).get(name) if isinstance(loaded, ModuleType) else None


def _hints(path: str) -> dict[str, Any]:
    """Types of the arguments of a class, those without one as ``object``."""
    found = _loaded(path)
    if found is None:
        return {}
    constructor = found.__init__ if inspect.isclass(found) else found
    arguments = dict.fromkeys(inspect.signature(constructor).parameters, object)
    try:
        return {**arguments, **get_type_hints(constructor)}
    except (NameError, TypeError):
        return arguments


def _hints_of_fields(hint: Any) -> Mapping[str, Any]:
    """Types of the fields of a dataclass, whose values stand in a mapping of their own."""
    kind = next((each for each in (hint, *get_args(hint)) if is_dataclass(each)), None)
    return {} if kind is None else get_type_hints(kind)


def _may_build(hint: Any) -> bool:
    """Whether an argument of this type may be an object that a text alone names.

    Where a text itself may stand, the parser leaves it a text.
    """
    if get_origin(hint) is Annotated:
        return _may_build(get_args(hint)[0])
    if hint in _PLAIN or hint in {object, Any} or get_origin(hint) is Literal:
        return False
    if get_origin(hint) in {Union, UnionType}:
        return str not in get_args(hint) and any(_may_build(each) for each in get_args(hint))
    inner = [each for each in get_args(hint) if each is not Ellipsis]
    holds_many = inspect.isclass(get_origin(hint)) and issubclass(get_origin(hint), Collection)
    return any(_may_build(each) for each in inner) if holds_many else True
