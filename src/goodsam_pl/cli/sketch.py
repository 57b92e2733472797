"""The signature of a function, read from its source: what it does is not imported.

Importing torch takes seconds and a gigabyte; whoever asks for help or mistypes an option should
not wait for it.
"""

from __future__ import annotations

import ast
import builtins
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import goodsam_pl

__all__ = ["Sketch", "sketch_of", "source_of"]

_KNOWN = {
    **vars(builtins),
    **{name: getattr(typing, name) for name in ("Any", "Literal", "Optional", "Union")},
    "Mapping": Mapping,
    "Path": Path,
    "Sequence": Sequence,
}


def source_of(module: str) -> Path:
    """The file of a module of this package.

    Raises:
        FileNotFoundError: it is another package's, or there is none.
    """
    package, *parts = module.split(".")
    path = Path(goodsam_pl.__file__).parent.joinpath(*parts)
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if package != "goodsam_pl" or not path.is_file():
        raise FileNotFoundError(f"{module}: no module of goodsam_pl")
    return path


class Sketch(NamedTuple):
    """A function that does nothing.

    Attributes:
        function: with the signature and the documentation of the one that it stands for.
        vague: parameters whose types are but names here; what they accept is not known.
    """

    function: Callable[..., Any]
    vague: frozenset[str]


def sketch_of(function: str) -> Sketch | None:
    """Read the signature of a function.

    Args:
        function: ``"module:name"``.

    Returns:
        ``None`` where defaults are what only the module itself can compute.
    """
    module, name = function.split(":")
    try:
        tree = ast.parse(source_of(module).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    found = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == name]
    if len(found) != 1 or found[0].decorator_list:
        return None
    definition = found[0]
    definition.body = [
        ast.Expr(ast.Constant(ast.get_docstring(definition, clean=False))),
        ast.Pass(),
    ]
    namespace = {**_KNOWN, **_constants(tree, _names_in(definition))}
    unknown = _names_in(definition) - namespace.keys()
    if unknown & _names_in(*definition.args.defaults, *definition.args.kw_defaults):
        return None
    namespace |= {each: types.new_class(each, (typing.Protocol,)) for each in unknown}
    _run([definition], namespace)
    parameters = [*definition.args.args, *definition.args.kwonlyargs]
    vague = {
        each.arg for each in parameters if each.annotation and unknown & _names_in(each.annotation)
    }
    return Sketch(namespace[name], frozenset(vague))


def _constants(tree: ast.Module, wanted: set[str]) -> dict[str, Any]:
    """What a module calls by a name and a signature may mention: ``Split = Literal[...]``."""
    namespace = dict(_KNOWN)
    for each in tree.body:
        if isinstance(each, ast.Assign) and _names_in(*each.targets) & wanted:
            calls = any(isinstance(part, ast.Call) for part in ast.walk(each.value))
            if not calls and _names_in(each.value) <= namespace.keys():
                _run([each], namespace)
    return namespace


def _names_in(*trees: ast.AST | None) -> set[str]:
    nodes = [each for tree in trees if tree is not None for each in ast.walk(tree)]
    return {each.id for each in nodes if isinstance(each, ast.Name)}


def _run(statements: list[ast.stmt], namespace: dict[str, Any]) -> None:
    """Only constants, types, and a function that does nothing: our own source, no calls."""
    module = ast.fix_missing_locations(ast.Module(statements, []))
    exec(compile(module, "<sketch>", "exec"), namespace)  # noqa: S102  # see above
