"""Where the weights of a ``segment_anything`` model lie, and the model with them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from segment_anything import sam_model_registry
from segment_anything.modeling import Sam

from goodsam_pl.networks import load_weights
from goodsam_pl.networks.small_sam import NANO_WEIGHTS, SmallSam
from goodsam_pl.sam.official_checkpoints import (
    OFFICIAL,
    file_sha256,
    published_weights,
    weights_path,
)

__all__ = ["SamCheckpoint"]


class SamCheckpoint(NamedTuple):
    """The weights of one model.

    Attributes:
        model: ``"vit_nano"``, ``"vit_b"``, ``"vit_l"`` or ``"vit_h"``.
        checkpoint: a file with other weights than the shipped or official ones.
    """

    model: str
    checkpoint: str | None

    @property
    def path(self) -> Path:
        """The file; an official one need not be there yet."""
        if self.checkpoint is not None:
            return Path(self.checkpoint).expanduser()
        return NANO_WEIGHTS if self.model == "vit_nano" else weights_path(self.model)

    @property
    def embedding_channels(self) -> int:
        """C of the image embedding, details that travel behind it not counted."""
        return 64 if self.model == "vit_nano" else 256

    def sha256(self) -> str:
        """Of the file; of an official one it is known without the file.

        Raises:
            FileNotFoundError: it is not there.
            ValueError: a file is there under the name of an official one, and is another one.
        """
        if self._is_official:
            if self.path.is_file():
                published_weights(self.model)
            return OFFICIAL[self.model].sha256
        return file_sha256(self._present())

    def load(self) -> Sam:
        """The model, on the CPU, in evaluation mode.

        Raises:
            FileNotFoundError: the file is not there; the message has the command that gets it.
            ValueError: it is of another network, or is not the published file whose hash the masks
                would carry.
        """
        path = self._present()
        if self._is_official:
            path = published_weights(self.model)
        sam = SmallSam() if self.model == "vit_nano" else sam_model_registry[self.model]()
        load_weights(sam, str(path))
        return sam.eval()

    @property
    def _is_official(self) -> bool:
        return self.checkpoint is None and self.model in OFFICIAL

    def _present(self) -> Path:
        if self.path.is_file():
            return self.path
        way_out = (
            f"run `goodsam weights {self.model}` once"
            if self._is_official
            else "give another checkpoint"
        )
        raise FileNotFoundError(f"no weights of {self.model} at {self.path}: {way_out}")
