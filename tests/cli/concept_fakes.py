"""A proposer of masks with classes for tests of the command line: quick, or as slow as needed."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import Tensor

from goodsam_pl.masks.concepts import Concept, ConceptMasks, ConceptWindows
from goodsam_pl.masks.proposer import Description


class Reds:
    """Finds class k where red is 40·k + 20, give or take 20; writes down what it is asked.

    Args:
        path: of the diary; lines are appended.
        seconds: that an image takes.
        version: described, and nothing else.
        grows: masks are larger by so many rows than they should be, so that they overlap.
        refuses: name of an image that it has no answer to.
        sees: tell how much of each class is seen where, before masks grow.
    """

    def __init__(
        self,
        path: str = "diary.txt",
        seconds: float = 0.0,
        version: int = 1,
        grows: int = 0,
        refuses: str = "",
        sees: bool = False,
    ) -> None:
        self.path = Path(path)
        self.seconds = seconds
        self.version = version
        self.grows = grows
        self.refuses = refuses
        self.sees = sees

    def propose(self, windows: ConceptWindows, concepts: tuple[Concept, ...]) -> list[ConceptMasks]:
        """One mask a class and window."""
        words = "/".join(each.phrases[0] for each in concepts)
        with self.path.open("a") as diary:
            diary.write(f"{windows.image} {len(windows.pixels)} {words}\n")
        if windows.image == self.refuses:
            raise ValueError(f"{windows.image}: there is no answer")
        time.sleep(self.seconds)
        return [self._look(pixels, concepts) for pixels in windows.pixels]

    def describe(self) -> Description:
        """Without the diary."""
        return {"proposer": "reds", "version": self.version, "grows": self.grows}

    def to(self, device: torch.device | str) -> None:
        """Stay on the CPU."""

    def _look(self, pixels: Tensor, concepts: tuple[Concept, ...]) -> ConceptMasks:
        masks = torch.stack([pixels[0] // 40 == int(each.name[-1]) for each in concepts])
        evidence = 0.8 * masks.float() if self.sees else None
        for _ in range(self.grows):
            masks[:, :-1] |= masks[:, 1:].clone()
        shown = masks.flatten(1).any(dim=1)
        classes = torch.arange(len(concepts))[shown]
        boxes = torch.tensor([[0.0, 0.0, pixels.shape[2], pixels.shape[1]]]).repeat(len(classes), 1)
        return ConceptMasks.pack(masks[shown], classes, 1 / (1 + classes), boxes, evidence)
