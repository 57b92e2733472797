"""YAML of others: what it says is bounded before anything is made of it.

A few hundred bytes of aliases can stand for gigabytes, and merges of merges double with each line.
Nodes are counted as if every alias were written out.
"""

from __future__ import annotations

import codecs
import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from goodsam_pl.files.regular import read_regular

__all__ = ["load_yaml", "read_yaml_text"]

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

_MOST_TEXT = 1 << 20
"""Characters: our choice; PyYAML takes seconds for as many."""
_MOST_VALUES = 100_000
"""Values of a file, aliases written out: our choice."""
_LONGEST_NUMBER = 100
_NUMBERS = ("int", "float", "timestamp")
_MERGE = "<<"


def read_yaml_text(path: Path) -> str:
    """Read UTF-8, with or without a byte order mark, or UTF-16 with one.

    Raises:
        ValueError: text in another encoding.
    """
    content = read_regular(path)
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8"
        ) from error


def load_yaml(text: str) -> Any:
    """Read plain values.

    Raises:
        ValueError: it is no YAML, has a key twice, or is nested too deeply or unfolds too far; the
            text tells the line.
    """
    if len(text) > _MOST_TEXT:
        raise ValueError(f"{len(text):,} characters, {_MOST_TEXT:,} are the most")
    return copy.deepcopy(_parsed(text))


@lru_cache(maxsize=64)
def _parsed(text: str) -> Any:
    """What a text says; experiments read the same files again and again."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _Check().values_below(node)
        return loader.construct_document(node)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (yaml.YAMLError, OverflowError) as error:
        raise ValueError(str(error)) from error


class _Check:
    """Counts values, each node once."""

    def __init__(self) -> None:
        self._counted: dict[int, int | None] = {}

    def values_below(self, node: yaml.Node) -> int:
        """How many values a node stands for, itself included.

        Raises:
            ValueError: too many, or something that is none.
        """
        if id(node) not in self._counted:
            self._counted[id(node)] = None
            count = 1 + sum(self.values_below(each) for each in self._children(node))
            if count > _MOST_VALUES:
                raise ValueError(
                    f"{_line(node)}: more than {_MOST_VALUES:,} values, aliases written out"
                )
            self._counted[id(node)] = count
        known = self._counted[id(node)]
        if known is None:
            raise ValueError(f"{_line(node)}: an alias stands inside of what it names")
        return known

    def _children(self, node: yaml.Node) -> list[yaml.Node]:
        if isinstance(node, yaml.MappingNode):
            _refuse_twice(node)
            return [each for pair in node.value for each in pair]
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        if node.tag.rpartition(":")[2] in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
            raise ValueError(f"{_line(node)}: a number of {len(node.value):,} characters")
        return []


def _refuse_twice(node: yaml.MappingNode) -> None:
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value == _MERGE:
            continue
        if key.value in seen:
            raise ValueError(f"{_line(key)}: the key {key.value!r} is there twice")
        seen.add(key.value)


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"
