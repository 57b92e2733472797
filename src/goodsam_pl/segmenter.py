"""A trained network, ready to label images: the small model at the end."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch import LightningDataModule, Trainer
from torch import Tensor, nn

from goodsam_pl.data import PanoramaFormat, normalize
from goodsam_pl.data.files import read_image
from goodsam_pl.data.normalization import NORMALIZATION
from goodsam_pl.modules import SourceSegmentation
from goodsam_pl.networks import (
    NetworkCard,
    TiledNetwork,
    build_described,
    check_logits,
    load_weights,
    read_card,
    save_weights,
)
from goodsam_pl.networks.weights_file import split_name
from goodsam_pl.taxonomy import Taxonomy, register_taxonomy

__all__ = ["Segmenter", "load"]


class Segmenter:
    """A network with all that it needs: its classes, and how it wants to see panoramas.

    Use :func:`load`.

    Args:
        network: maps images ``(B, 3, H, W)`` to logits ``(B, K, H, W)``; put into evaluation mode.
        card: what is known of it.

    Raises:
        ValueError: what is known does not hold together, or asks for another normalisation of
            images than ours.

    Attributes:
        network: the same.
        taxonomy: names and colours of the K classes.
        format: size and fields of view of the panoramas; ``None`` for a network that was trained on
            other images, which sees each image as it is.
    """

    def __init__(self, network: nn.Module, card: NetworkCard) -> None:
        if card.normalization != NORMALIZATION:
            raise ValueError(
                f"the network wants images normalised by {card.normalization}, here they are by "
                f"{NORMALIZATION}"
            )
        self.network = network.eval()
        self.taxonomy = Taxonomy.from_dict(card.taxonomy)
        view = card.view
        self.format = None if view is None else PanoramaFormat.from_description(view)
        self._card = card
        self._tiled = TiledNetwork(self.network, wrap=view is not None)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Map images ``(B, 3, H, W)``, ImageNet-normalised, to logits ``(B, K, H, W)``, float32.

        By tiles, where memory asks for it: see :class:`goodsam_pl.networks.TiledNetwork`.
        """
        logits: Tensor = self._tiled(images.to(self._device)).float()
        return logits

    def predict(
        self, image: str | os.PathLike[str] | npt.NDArray[np.uint8] | Tensor
    ) -> npt.NDArray[np.uint8]:
        """Label one image, as `goodsam predict` does.

        Args:
            image: a file; its pixels, RGB ``(h, w, 3)`` uint8; or the same as a tensor
                ``(3, h, w)`` uint8. Of a file tags about its field of view count, too.

        Returns:
            Class ids ``(h, w)`` at the size of the image; 255 in rows that the network does not
            see, above and below its field of view.

        Raises:
            FileNotFoundError: no such file.
            TypeError: not uint8; for normalised images call the object itself.
            ValueError: an unreadable file, or one of another field of view.
        """
        if isinstance(image, str | os.PathLike):
            path = Path(image)
            if self.format is None:
                return self.label_pixels(read_image(path))
            return self.format.locate(path).restore(self.label_pixels(self.format.read(path)))
        pixels = _pixels(image)
        if self.format is None:
            return self.label_pixels(pixels)
        fitted, band = self.format.fit_image(pixels)
        return band.restore(self.label_pixels(fitted))

    def test(self, data: LightningDataModule) -> dict[str, float]:
        """Score on the test split of a data module, as `goodsam test` does.

        Images are seen whole; those of the data module's size, which may be another than
        :attr:`format` says.

        Returns:
            ``test/miou``, ``test/iou/<class>`` and so on.

        Raises:
            ValueError: no pixel of the split is labelled, or its classes cannot be expressed in
                each other's.
        """
        register_taxonomy(self.taxonomy, self.taxonomy.name)
        device = self._device
        module = SourceSegmentation(self._tiled, self.taxonomy.name)
        trainer = Trainer(
            accelerator=device.type,
            devices=1 if device.index is None else [device.index],
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
        )
        (scores,) = trainer.test(module, data, verbose=False)
        self.network.to(device)  # a trainer leaves it on the CPU
        return dict(scores)

    def save(self, path: str | os.PathLike[str], half: bool = False) -> None:
        """Write weights and all that is known as ``.safetensors``, for :func:`load`.

        Args:
            path: the file.
            half: store float16, at half the size.
        """
        save_weights(self.network.state_dict(), Path(path), half, self._card)

    def label_pixels(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Label what the network sees, nothing being cut or resized.

        Args:
            pixels: RGB ``(H, W, 3)`` uint8.

        Returns:
            Class ids ``(H, W)``.
        """
        logits = self(normalize(pixels)[None])
        return logits.argmax(dim=1)[0].to("cpu", torch.uint8).numpy()

    @property
    def _device(self) -> torch.device:
        return next(self.network.parameters(), torch.empty(0)).device


def load(
    path: str | os.PathLike[str],
    network: nn.Module | None = None,
    device: str | torch.device = "cpu",
) -> Segmenter:
    """Load a trained network, ready to label images.

    ::

        student = goodsam_pl.load("student.safetensors")
        labels = student.predict("panorama.jpg")

    Nothing but that one file is needed, and nothing that it says is executed.

    Args:
        path: what `goodsam export` wrote, or a checkpoint of any of our trainings, of which the
            trained network is taken (``last.ckpt:teacher_assistant`` names another).
        network: to fill with the weights, of a class that is neither ours nor of
            segmentation-models-pytorch.
        device: where it shall work.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is damaged, or does not say what its network is.
    """
    card = read_card(Path(path))
    if card is None:
        raise ValueError(
            f"{path} does not say what its network is, as files of `goodsam export` do: build the "
            "network, and fill it by goodsam_pl.networks.load_weights"
        )
    if network is None:
        if card.network is None:
            raise ValueError(
                f"{path} holds a network of a class of yours: build it, and give it as network="
            )
        network = build_described(card.network, split_name(Path(path))[0])
    load_weights(network, str(path))
    try:
        segmenter = Segmenter(network.to(device), card)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    check_logits(segmenter.network, segmenter.taxonomy, str(path))
    return segmenter


def _pixels(image: npt.NDArray[np.uint8] | Tensor) -> npt.NDArray[np.uint8]:
    array = image.permute(1, 2, 0).cpu().numpy() if isinstance(image, Tensor) else image
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise TypeError(
            f"{array.dtype} {array.shape} is no RGB image of uint8, (h, w, 3) as an array or "
            "(3, h, w) as a tensor; for normalised images call the segmenter itself"
        )
    return array
