"""The phrases that classes are asked for with, one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from goodsam_pl.masks.concepts import Concept

__all__ = ["Phrases"]


class Phrases(NamedTuple):
    """All phrases of some classes, class by class.

    Attributes:
        words: P phrases in lower case, words parted by single spaces.
        classes: P places of each phrase's class among the classes.
    """

    words: tuple[str, ...]
    classes: tuple[int, ...]

    @classmethod
    def of(cls, concepts: Iterable[Concept]) -> Phrases:
        """Collect the phrases of classes; what a class repeats counts once.

        Raises:
            ValueError: there is no class, a phrase is empty or stands for two classes, or a class
                has none.
        """
        owners: dict[str, int] = {}
        names: list[str] = []
        for concept in concepts:
            if not concept.phrases:
                raise ValueError(f"the class {concept.name!r} has no phrase: give it one")
            for phrase in concept.phrases:
                words = " ".join(phrase.lower().split())
                if not words:
                    raise ValueError(f"a phrase of the class {concept.name!r} is empty: remove it")
                owner = owners.setdefault(words, len(names))
                if owner != len(names):
                    raise ValueError(
                        f"the phrase {words!r} stands for {names[owner]!r} and for "
                        f"{concept.name!r}: leave it to one of them"
                    )
            names.append(concept.name)
        if not names:
            raise ValueError("there is no class to look for: name at least one")
        return cls(tuple(owners), tuple(owners.values()))
