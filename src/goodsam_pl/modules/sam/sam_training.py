"""A SAM learns masks from clicks on instances."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.data.instance_windows import ClickBatch
from goodsam_pl.losses import (
    affinity_loss,
    anchor_loss,
    dice_loss,
    focal_loss,
    mask_iou,
    weigh_masks,
)
from goodsam_pl.modules.not_finite import refuse_not_finite
from goodsam_pl.modules.sam.click_targets import (
    block_ids,
    clicked_wholes,
    mask_blocks,
    patch_shares,
)
from goodsam_pl.networks import begin_training
from goodsam_pl.networks.small_sam_encoder import Details, split_embedding
from goodsam_pl.sam.mask_decoder import decode_points
from goodsam_pl.sam.mask_logits import draw_blocks

__all__ = ["SamTraining"]


class SamTraining(LightningModule):
    """SAM's training ("Segment Anything", ICCV 2023, App. A) with single clicks.

    A click means its whole instance or the connected part under it, drawn anew each time, and the
    predicted IoU of each of the three masks aims at its IoU with the better of the two. Half of the
    image tokens, drawn anew each time, are drawn and corrected. From random weights the decoder
    learns nothing before embeddings tell instances apart, so that the encoder learns alone first.

    Args:
        sam: the model.
        focal: weight of :func:`goodsam_pl.losses.focal_loss`; 20 : 1 : 1 is SAM's.
        dice: weight of :func:`goodsam_pl.losses.dice_loss`.
        iou: weight of the squared error of the predicted IoU.
        affinity: weight of :func:`goodsam_pl.losses.affinity_loss`.
        anchors: weight of :func:`goodsam_pl.losses.anchor_loss` on the finest details; a SAM
            without details has no such term.
        encoder_steps: the first optimizer steps, of ``affinity`` and ``anchors`` alone.
        together_steps: steps after these, in which the share of the masks that are not best falls
            from 2/3, all alike, to a tenth.
        learning_rate: peak of AdamW's.
        weight_decay: AdamW's.
        warmup_steps: of the learning rate.
        decay_steps: the last steps, in which the learning rate falls to a hundredth.
    """

    def __init__(
        self,
        sam: Sam,
        focal: float = 20.0,
        dice: float = 1.0,
        iou: float = 1.0,
        affinity: float = 1.0,
        anchors: float = 1.0,
        encoder_steps: int = 800,
        together_steps: int = 600,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.05,
        warmup_steps: int = 200,
        decay_steps: int = 1000,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["sam"])
        self.sam = sam
        self.weights = {
            "focal": focal,
            "dice": dice,
            "iou": iou,
            "affinity": affinity,
            "anchors": anchors,
        }
        self.encoder_steps = encoder_steps
        self.together_steps = together_steps
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.warmup_steps = warmup_steps
        self.decay_steps = decay_steps

    def setup(self, stage: str) -> None:
        """To train, be in training mode; a SAM comes in evaluation mode."""
        if stage == "fit":
            begin_training(self)

    def forward(self, image: Tensor) -> Tensor:
        """Map images ``(N, 3, H, W)``, 0 to 255, to embeddings ``(N, C, h, w)``."""
        normalized = (image - self.sam.pixel_mean) / self.sam.pixel_std
        embeddings: Tensor = self.sam.image_encoder(normalized)
        return embeddings

    def training_step(self, batch: ClickBatch, batch_idx: int) -> Tensor:
        """Embed, decode clicks, compare masks."""
        embeddings = self(batch.image)
        shares = patch_shares(batch.instances, embeddings.shape[-2:])
        plain, details = split_embedding(embeddings, self.sam.mask_decoder.transformer_dim)
        terms = {"affinity": affinity_loss(plain, shares)}
        if details is not None:
            ids = block_ids(batch.instances, embeddings.shape[-2:])
            terms["anchors"] = anchor_loss(details.sixteenths.flatten(1, 3), ids)
        if self.global_step >= self.encoder_steps:
            terms |= self.mask_losses(embeddings, batch)
        weighted = [weight * terms[name] for name, weight in self.weights.items() if name in terms]
        loss = torch.stack(weighted).sum()
        refuse_not_finite(loss, terms)
        logged = {f"train/{name}": term.detach() for name, term in terms.items()}
        self.log_dict({"train/loss": loss.detach(), **logged})
        return loss

    def mask_losses(self, embeddings: Tensor, batch: ClickBatch) -> dict[str, Tensor]:
        """Scalars ``focal``, ``dice`` and ``iou``."""
        grid = embeddings.shape[-2:]
        shown = torch.randperm(grid.numel(), device=self.device)[: grid.numel() // 2].sort().values
        predicted_iou, logits = self.decode(embeddings, batch.points, shown)
        wholes, parts = (
            mask_blocks(masks, grid)[:, shown].flatten(1).unsqueeze(1)
            for masks in (clicked_wholes(batch), batch.parts)
        )
        means_whole = torch.rand(len(wholes), 1, 1, device=self.device) < 0.5
        meant = torch.where(means_whole, wholes, parts).expand_as(logits)
        focal, dice = focal_loss(logits, meant), dice_loss(logits, meant)
        costs = self.weights["focal"] * focal + self.weights["dice"] * dice
        weight = weigh_masks(costs, self.share_of_others())
        reached = torch.maximum(mask_iou(logits, wholes), mask_iou(logits, parts))
        self.log("train/reached", reached.gather(1, costs.argmin(dim=1, keepdim=True)).mean())
        return {
            "focal": (weight * focal).sum(dim=1).mean(),
            "dice": (weight * dice).sum(dim=1).mean(),
            "iou": F.mse_loss(predicted_iou, reached),
        }

    def decode(self, embeddings: Tensor, points: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
        """Predicted IoU ``(N·P, 3)`` and the logits ``(N·P, 3, 16n)`` of n image tokens."""
        decoded = decode_points(self.sam, embeddings, points)
        details = decoded.details
        if details is not None:
            details = Details(*(part[:, shown] for part in details))
        shown_tokens = decoded.image_tokens[:, shown]
        decoded = decoded._replace(image_tokens=shown_tokens, details=details)
        return decoded.predicted_iou.float(), draw_blocks(self.sam, decoded).flatten(2).float()

    def share_of_others(self) -> float:
        """How much the masks of a click that are not best count together."""
        done = (self.global_step - self.encoder_steps) / max(1, self.together_steps)
        return max(0.1, 2 / 3 * (1 - done))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """AdamW; the learning rate rises, stays, and falls at the end."""
        optimizer = torch.optim.AdamW(
            self.sam.parameters(), self.learning_rate, (0.9, 0.98), weight_decay=self.weight_decay
        )
        steps = float(self.trainer.estimated_stepping_batches)
        factor = partial(
            warm_stable_decay, steps=steps, warm_up=self.warmup_steps, decay=self.decay_steps
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def warm_stable_decay(step: int, steps: float, warm_up: int, decay: int) -> float:
    """Factor of the learning rate: linear warm-up, then 1, then linear down to a hundredth.

    Before the last ``decay`` steps nothing depends on how long the training will be (Hu et al.,
    "MiniCPM", 2024, Sec. 4), so that one that was stopped goes on with more steps than was planned.
    Of endless ``steps`` it stays 1.
    """
    if step < warm_up:
        return (step + 1) / warm_up
    return max(0.01, min(1.0, (steps - step) / max(1, decay)))
