"""What a frozen SAM said of images, kept on disk, so that each is encoded once."""

from __future__ import annotations

import hashlib
from pathlib import Path
from weakref import WeakKeyDictionary

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.modules.continual.domain_query import DomainQuery
from goodsam_pl.networks.weights_file import state_hash
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures

__all__ = ["KeptEmbeddings"]

_SHOWN = 16


class KeptEmbeddings:
    """Answers of a frozen SAM by the pixels that it saw (our choice).

    The key is a hash of the square as the encoder is given it, and the folder is of the SAM's
    weights: what changes the file, the way it is resized, a mirror image or the SAM is another key.
    Answers are of half precision, and come so from the first time on: a training is the same
    whether or not they were there before. Images are encoded one by one for the same reason. A file
    is written whole or not at all, so that several trainings may share a folder. Nothing is ever
    taken out; the folder may be deleted at any time.

    A query that does not learn is asked once an image as well, and remembered in memory.

    Args:
        folder: where they are kept; made when it is needed.
        sam: whose answers they are.
    """

    def __init__(self, folder: Path, sam: FrozenSam) -> None:
        self._root = folder
        self._sam = sam
        self._queries: WeakKeyDictionary[DomainQuery, dict[str, Tensor]] = WeakKeyDictionary()

    @property
    def folder(self) -> Path:
        """Of the answers of this SAM."""
        return self._root / self._sam.fingerprint[:_SHOWN]

    def features(self, images: Tensor) -> SamFeatures:
        """What the encoder says of images.

        Args:
            images: as for :meth:`FrozenSam.encode`.

        Returns:
            Of half precision, on the device of the images.

        Raises:
            ValueError: a file is damaged.
        """
        answers = [self._answer(image) for image in images]
        return SamFeatures(
            *(torch.stack(each).to(images.device) for each in zip(*answers, strict=True))
        )

    def queries(self, query: DomainQuery, images: Tensor, features: SamFeatures) -> Tensor:
        """What a query says of images; if it does not learn, once of each.

        Args:
            query: for this SAM.
            images: as for :meth:`FrozenSam.encode`.
            features: of the same images.

        Returns:
            ``(B, channels)`` float.
        """
        if query.learns:
            answers: Tensor = query(self._sam, images, features)
            return answers
        asked_by = state_hash(
            {name: each.detach().cpu() for name, each in query.state_dict().items()}
        )
        remembered = self._queries.setdefault(query, {})
        known = []
        for row, image in enumerate(images):
            key = f"{asked_by} {_key(image)}"
            if key not in remembered:
                alone = torch.tensor([row], device=images.device)
                answer = query(self._sam, images[alone], features.take(alone))
                remembered[key] = answer[0].detach().cpu()
            known.append(remembered[key])
        return torch.stack(known).to(images.device)

    def _answer(self, image: Tensor) -> SamFeatures:
        path = self.folder / f"{_key(image)}.safetensors"
        try:
            found = load(path.read_bytes())
            return SamFeatures(found["embedding"], found["early"], found["means"])
        except FileNotFoundError:
            pass
        except (SafetensorError, KeyError) as error:
            raise ValueError(
                f"{path} is damaged ({error}): delete it, and it will be computed again"
            ) from error
        half = SamFeatures(*(each[0].cpu().half() for each in self._sam.encode(image[None])))
        path.parent.mkdir(parents=True, exist_ok=True)
        tensors = {name: each.contiguous() for name, each in half._asdict().items()}
        write_atomically(path, save(tensors))
        return half


def _key(image: Tensor) -> str:
    pixels = image.detach().cpu().contiguous()
    digest = hashlib.sha256(f"{tuple(pixels.shape)} {pixels.dtype}".encode())
    digest.update(pixels.numpy().tobytes())
    return digest.hexdigest()
