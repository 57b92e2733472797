"""Class names to masks in one step: SAM 3 of Hugging Face ``transformers``.

Carion et al., "SAM 3: Segment Anything with Concepts", 2025.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from goodsam_pl.masks.concepts import Concept, ConceptMasks, ConceptWindows
from goodsam_pl.masks.proposer import Description
from goodsam_pl.sam.concept_answers import ChosenMasks, ConceptAnswers, masks_of_answers
from goodsam_pl.sam.phrases import Phrases
from goodsam_pl.sam.point_prompts import check_counts
from goodsam_pl.sam.precision import Precision, autocast, check_precision
from goodsam_pl.sam.transformers_model import TransformersModel

__all__ = ["Sam3Concepts"]

# the published checkpoint says that it is of videos; its detector is loaded
_FAMILIES = {"sam3": "Sam3Model", "sam3_video": "Sam3Model"}


class Sam3Concepts:
    """SAM 3, from a folder or the hub, asked for classes by words.

    A window is encoded once, whatever the number of phrases, and all phrases are asked for in one
    batch. A mask's score is the probability of its query times that of its phrase being there at
    all. Evidence and presence are told for every class; with several phrases a class has those of
    the strongest. Needs the package ``transformers``; only ``.safetensors`` are read.

    Args:
        model: a folder that ``save_pretrained`` of model and processor wrote, or a name on the hub.
            Meta's own asks to accept a licence there first.
        revision: branch, tag or commit on the hub.
        local_files_only: take what was downloaded before, and do not ask the hub.
        score_threshold: masks with a score up to this are dropped. 0.5 is that of Meta's code and
            of the examples of ``transformers``, whose functions have 0.3 where none is given.
        repeat_threshold: of two masks that two phrases of one class have found, and whose IoU is
            higher, the one with the lower score is dropped (our choice). Masks of one phrase are
            left alone: SAM 3's queries do not repeat each other.
        phrases_per_batch: phrases that are asked for together, to save memory; ``None`` takes all.
            Does not change the masks.
        windows_per_batch: windows that are encoded together. Does not change the masks.
        precision: ``"bf16-mixed"`` and ``"16-mixed"`` compute most of the network in 16 bits, as
            Lightning's Trainer does, which pays on a GPU; masks then differ a little.
    """

    def __init__(
        self,
        model: str = "facebook/sam3",
        revision: str | None = None,
        local_files_only: bool = False,
        score_threshold: float = 0.5,
        repeat_threshold: float = 0.5,
        phrases_per_batch: int | None = None,
        windows_per_batch: int = 1,
        precision: Precision = "32-true",
    ) -> None:
        check_counts(phrases_per_batch=phrases_per_batch, windows_per_batch=windows_per_batch)
        check_precision(precision)
        self.model = model
        self.score_threshold = float(score_threshold)
        self.repeat_threshold = float(repeat_threshold)
        self.phrases_per_batch = phrases_per_batch
        self.windows_per_batch = windows_per_batch
        self.precision = precision
        self._model = TransformersModel(model, _FAMILIES, revision, local_files_only)
        self._read_text: _ReadText | None = None

    def describe(self) -> Description:
        """Hashes of weights and words, and every parameter of the masks.

        Raises:
            ModuleNotFoundError: ``transformers`` is not installed.
            FileNotFoundError: there is no such checkpoint.
            ValueError: it is no SAM 3.
        """
        return {
            "proposer": "sam3",
            "weights": self._model.weights_sha256,
            "words": self._model.checkpoint.text_sha256(),
            "image_statistics": self._model.statistics.told(),
            "score_threshold": self.score_threshold,
            "repeat_threshold": self.repeat_threshold,
            **({} if self.precision == "32-true" else {"precision": self.precision}),
        }

    def to(self, device: torch.device | str) -> None:
        """Move to a device."""
        self._model.to(device)
        self._read_text = None

    @torch.no_grad()
    def propose(self, windows: ConceptWindows, concepts: tuple[Concept, ...]) -> list[ConceptMasks]:
        """Find the masks of each window, class by class and phrase by phrase.

        Args:
            windows: N windows of one image.
            concepts: what to look for, C classes.

        Returns:
            N sets of masks, with evidence and presence.

        Raises:
            ModuleNotFoundError: ``transformers`` is not installed.
            FileNotFoundError: there is no such checkpoint, or it has no tokenizer.
            ValueError: a phrase is too long or stands for two classes, or the checkpoint is
                damaged.
        """
        phrases = Phrases.of(concepts)
        text = self._text(phrases.words)
        classes = torch.tensor(phrases.classes, device=self._model.device)
        size = (windows.pixels.shape[2], windows.pixels.shape[3])
        found = []
        for some in windows.pixels.split(self.windows_per_batch):
            seen = self._encode(some)
            for index in range(len(some)):
                chosen, evidence, presence = self._ask(seen, index, text)
                found.append(
                    masks_of_answers(
                        chosen, evidence, presence, classes, size, self.repeat_threshold
                    )
                )
        return found

    def _encode(self, windows: Tensor) -> Any:
        """Features of windows ``(N, 3, h, w)`` uint8, which the words do not change."""
        side = self._model.network.config.vision_config.image_size
        size = (side, side) if isinstance(side, int) else (side[0], side[1])
        images = self._model.normalised(windows, size)
        with autocast(self.precision, self._model.device):
            return self._model.network.get_vision_features(pixel_values=images)

    def _ask(self, seen: Any, index: int, text: _ReadText) -> tuple[ChosenMasks, Tensor, Tensor]:
        """Chosen masks, and evidence and presence of every phrase, of one window."""
        chosen, evidence, presence = [], [], []
        together = self.phrases_per_batch or len(text.mask)
        for first in range(0, len(text.mask), together):
            answers = self._answer(seen, index, text.part(first, first + together))
            part = answers.chosen(self.score_threshold)
            chosen.append(part._replace(phrases=part.phrases + first))
            evidence.append(answers.evidence)
            presence.append(answers.presence)
        joined = ChosenMasks(*(torch.cat(pieces) for pieces in zip(*chosen, strict=True)))
        return joined, torch.cat(evidence), torch.cat(presence)

    def _answer(self, seen: Any, index: int, text: _ReadText) -> ConceptAnswers:
        from transformers.modeling_outputs import (  # noqa: PLC0415  # an extra
            BaseModelOutputWithPooling,
        )

        count = len(text.mask)
        levels = {
            name: tuple(
                level[index : index + 1].expand(count, -1, -1, -1) for level in getattr(seen, name)
            )
            for name in ("fpn_hidden_states", "fpn_position_encoding")
        }
        with autocast(self.precision, self._model.device):
            answer = self._model.network(
                vision_embeds=type(seen)(**levels),
                # the network reads an attribute of it, and takes no tensor
                text_embeds=BaseModelOutputWithPooling(pooler_output=text.features),
                attention_mask=text.mask,
            )
        presence = answer.presence_logits.float().sigmoid()
        return ConceptAnswers(
            answer.pred_masks.float(),
            answer.pred_logits.float().sigmoid() * presence,
            answer.pred_boxes.float(),
            answer.semantic_seg.float().sigmoid()[:, 0],
            presence[:, 0],
        )

    def _text(self, words: tuple[str, ...]) -> _ReadText:
        """What the text encoder makes of phrases; those of the last call are remembered."""
        if self._read_text is None or self._read_text.words != words:
            limit: int = self._model.network.config.text_config.max_position_embeddings
            for phrase, tokens in zip(
                words, self._model.tokenizer(list(words))["input_ids"], strict=True
            ):
                if len(tokens) > limit:
                    raise ValueError(
                        f"the phrase {phrase!r} has {len(tokens) - 2} tokens, SAM 3's text encoder "
                        f"takes {limit - 2}: shorten it"
                    )
            given = self._model.tokenizer(
                list(words), padding="max_length", max_length=limit, return_tensors="pt"
            )
            tokens, mask = (
                given[key].to(self._model.device) for key in ("input_ids", "attention_mask")
            )
            with autocast(self.precision, self._model.device):
                answer = self._model.network.get_text_features(
                    input_ids=tokens, attention_mask=mask
                )
            self._read_text = _ReadText(words, answer.pooler_output, mask)
        return self._read_text


class _ReadText(NamedTuple):
    """P phrases as the text encoder reads them: features ``(P, T, C)``, mask ``(P, T)``."""

    words: tuple[str, ...]
    features: Tensor
    mask: Tensor

    def part(self, first: int, last: int) -> _ReadText:
        """Some of the phrases."""
        return _ReadText(self.words[first:last], self.features[first:last], self.mask[first:last])
