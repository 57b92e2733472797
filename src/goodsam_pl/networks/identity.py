"""Telling things by all that they do: what was computed with them is found again, or not at all.

A state dict does not say what a network does with its tensors. Its class does, the arguments that
it was built with, what hangs on it from outside, and the buffers that it does not save. Of a class
the code of its methods counts too, so that a rule which was changed is another rule.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from goodsam_pl.networks.weights_file import state_hash

__all__ = ["identity_of"]

_PLAIN = (
    *(bool, int, float, complex, str, bytes, type(None), type(Ellipsis), range, slice),
    *(np.generic, torch.dtype, torch.device, torch.Size),
)
_LIBRARIES = ("abc", "builtins", "collections", "enum", "torch", "typing")
"""Packages whose classes are known by their names alone."""


def identity_of(thing: object) -> str:
    """A hash that two things share if, and only if, they are built alike.

    It is the same in every process, and another one where anything differs that is kept in the
    thing: for a network its tensors, class, arguments (where they are kept under the names that
    its constructor has for them), ``extra_repr``, hooks and buffers; for any other object its class
    and all its attributes.

    Args:
        thing: a network, a rule such as a fusion, or plain values.

    Returns:
        64 hexadecimal digits.

    Raises:
        ValueError: it is, or holds, something without an identity of its own, such as a file.
    """
    return hashlib.sha256(_described(thing, frozenset()).encode()).hexdigest()


def _described(thing: Any, around: frozenset[int]) -> str:
    """Describe a thing inside of others, which are known by their ids."""
    if isinstance(thing, _PLAIN):
        return f"{type(thing).__name__} {thing!r}"
    if id(thing) in around:
        if isinstance(thing, nn.Module):
            return f"part {_name(type(thing))}"
        raise ValueError(f"a {type(thing).__name__} holds itself, so that it has no end")
    describe = next((each for kind, each in _BY_KIND if isinstance(thing, kind)), _of_object)
    return describe(thing, around | {id(thing)})


def _of_tensor(tensor: Tensor, _: frozenset[int]) -> str:
    return f"tensor {state_hash({'': tensor})}"


def _of_array(array: Any, inside: frozenset[int]) -> str:
    if array.dtype.hasobject:
        return f"array {array.shape} {_of_sequence(array.ravel().tolist(), inside)}"
    digest = hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
    return f"array {array.dtype} {array.shape} {digest}"


def _of_name(thing: Any, _: frozenset[int]) -> str:
    return f"{_name(type(thing))} {thing}"


def _of_mapping(mapping: Mapping[Any, Any], inside: frozenset[int]) -> str:
    pairs = [(_described(key, inside), _described(each, inside)) for key, each in mapping.items()]
    return f"{_name(type(mapping))} {sorted(pairs)}"


def _of_set(things: AbstractSet[Any], inside: frozenset[int]) -> str:
    return f"{_name(type(things))} {sorted(_described(each, inside) for each in things)}"


def _of_sequence(things: Sequence[Any], inside: frozenset[int]) -> str:
    return f"{_name(type(things))} {[_described(each, inside) for each in things]}"


def _of_network(network: nn.Module, inside: frozenset[int]) -> str:
    return "\n".join(_lines_of(network, inside | {id(part) for part in network.modules()}))


def _lines_of(network: nn.Module, inside: frozenset[int]) -> Iterator[str]:
    saved = network.state_dict()
    yield f"tensors {state_hash(saved)}"
    for name, buffer in network.named_buffers():
        if name not in saved:
            yield f"{name} {state_hash({'': buffer})}"
    for name, part in network.named_modules():
        yield f"{name}: {_of_class(type(part), inside)}({part.extra_repr()})"
        kept = vars(part)
        for argument in inspect.signature(type(part).__init__).parameters:
            if argument in kept:
                yield f"{name}.{argument} = {_described(kept[argument], inside)}"
        # torch lists them nowhere else
        hooks = (*part._forward_pre_hooks.values(), *part._forward_hooks.values())  # noqa: SLF001
        yield from (f"{name} asks {_described(hook, inside)}" for hook in hooks)


def _of_class(kind: type, _: frozenset[int]) -> str:
    own = [each for each in kind.__mro__ if each.__module__.split(".")[0] not in _LIBRARIES]
    code = [f"{name} {_code(each)}" for part in own for name, each in _functions(part)]
    return f"class {_name(kind)} {hashlib.sha256(str(code).encode()).hexdigest()}"


def _of_partial(thing: functools.partial[Any], inside: frozenset[int]) -> str:
    return f"partial {_of_sequence((thing.func, thing.args, thing.keywords), inside)}"


def _of_method(thing: types.MethodType, inside: frozenset[int]) -> str:
    return f"method {_described(thing.__self__, inside)} {thing.__name__}"


def _of_function(thing: types.FunctionType, inside: frozenset[int]) -> str:
    held = [cell.cell_contents for cell in thing.__closure__ or ()]
    parts = (thing.__defaults__, thing.__kwdefaults__, held)
    return f"function {_name(thing)} {_code(thing.__code__)} {_of_sequence(parts, inside)}"


def _of_built_in(thing: Any, _: frozenset[int]) -> str:
    return f"function {_name(thing)}"


def _of_object(thing: Any, inside: frozenset[int]) -> str:
    names = {slot for part in type(thing).__mro__ for slot in _slots(part)}
    if not names and not hasattr(thing, "__dict__"):
        raise ValueError(
            f"a {type(thing).__name__} has no identity of its own: keep plain values, tensors "
            "or objects with attributes in its place"
        )
    names |= {*getattr(thing, "__dict__", {})}
    held = {name: getattr(thing, name) for name in sorted(names) if hasattr(thing, name)}
    return f"{_of_class(type(thing), inside)} {_of_mapping(held, inside)}"


def _functions(part: type) -> Iterator[tuple[str, types.CodeType]]:
    for name, each in vars(part).items():
        function = getattr(each, "fget", None) or getattr(each, "__func__", each)
        if isinstance(function, types.FunctionType):
            yield name, function.__code__


def _code(code: types.CodeType) -> str:
    """What a function does, and no place of it in a file."""
    text = f"{code.co_code.hex()} {code.co_names} {_constant(code.co_consts)}"
    return hashlib.sha256(text.encode()).hexdigest()


def _constant(value: object) -> str:
    if isinstance(value, types.CodeType):
        return _code(value)
    if isinstance(value, tuple | frozenset):
        constants = [_constant(each) for each in value]
        return str(constants if isinstance(value, tuple) else sorted(constants))
    return repr(value)


def _slots(part: type) -> set[str]:
    slots = vars(part).get("__slots__", ())
    return ({slots} if isinstance(slots, str) else {*slots}) - {"__dict__", "__weakref__"}


def _name(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


_BY_KIND: tuple[tuple[type | types.UnionType, Callable[[Any, frozenset[int]], str]], ...] = (
    (Tensor, _of_tensor),
    (np.ndarray, _of_array),
    (enum.Enum | PurePath, _of_name),
    (Mapping, _of_mapping),
    (AbstractSet, _of_set),
    (list | tuple, _of_sequence),
    (nn.Module, _of_network),
    (type, _of_class),
    (functools.partial, _of_partial),
    (types.MethodType, _of_method),
    (types.FunctionType, _of_function),
    (types.BuiltinFunctionType, _of_built_in),
)
"""How things of a kind are described, the first that fits; other objects by their attributes."""
