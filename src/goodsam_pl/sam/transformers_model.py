"""A model of Hugging Face ``transformers`` that is found and loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from goodsam_pl.sam.image_statistics import ImageStatistics, image_statistics
from goodsam_pl.sam.point_prompts import resize_as_pillow
from goodsam_pl.sam.transformers_checkpoint import Checkpoint, find_checkpoint

__all__ = ["TransformersModel"]


class TransformersModel:
    """A checkpoint, its network and its tokenizer, and images as the network takes them.

    Args:
        model: a folder that ``save_pretrained`` of model and processor wrote, or a name on the hub.
        families: classes of ``transformers`` by the ``model_type`` that they load.
        revision: branch, tag or commit on the hub.
        local_files_only: take what was downloaded before, and do not ask the hub.

    Attributes:
        device: where the network is, or will be.
    """

    def __init__(
        self,
        model: str,
        families: Mapping[str, str],
        revision: str | None = None,
        local_files_only: bool = False,
    ) -> None:
        self._asked = (model, dict(families), revision, local_files_only)
        self.device = torch.device("cpu")

    def to(self, device: torch.device | str) -> None:
        """Move to a device."""
        self.device = torch.device(device)
        if "network" in self.__dict__:
            self.network.to(self.device)

    def normalised(self, windows: Tensor, size: tuple[int, int]) -> Tensor:
        """Windows ``(N, 3, h, w)`` uint8, resized to ``size`` and normalised, on the device."""
        resized = resize_as_pillow(windows, *size).to(self.device)
        mean, deviation = (
            255 * torch.tensor(each, device=self.device).reshape(3, 1, 1)
            for each in self.statistics
        )
        normalised: Tensor = (resized - mean) / deviation
        return normalised

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """Where it lies.

        Raises:
            ModuleNotFoundError: ``transformers`` is not installed.
            FileNotFoundError: there is no such checkpoint.
            ValueError: it is of another family, or damaged.
        """
        return find_checkpoint(*self._asked)

    @cached_property
    def weights_sha256(self) -> str:
        """Hash of the weights, 64 hexadecimal digits."""
        return self.checkpoint.sha256()

    @cached_property
    def statistics(self) -> ImageStatistics:
        """Mean and deviation of the images that it was trained with."""
        return image_statistics(self.checkpoint)

    @cached_property
    def tokenizer(self) -> Any:
        """What makes tokens of words."""
        return self.checkpoint.tokenizer()

    @cached_property
    def network(self) -> Any:
        """The network, in evaluation mode, on the device."""
        return self.checkpoint.load().to(self.device)
