"""One task of a sequence, for Lightning: the steps between a method's beginning and end of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Generator, Tensor

from goodsam_pl.losses import mask_iou
from goodsam_pl.modules.continual.kept_embeddings import KeptEmbeddings
from goodsam_pl.modules.continual.method import ContinualMethod
from goodsam_pl.modules.continual.prompted_batch import AskedImages, PromptedBatch, as_prompted
from goodsam_pl.modules.not_finite import refuse_not_finite
from goodsam_pl.networks import begin_training

__all__ = ["ContinualSAM"]


class ContinualSAM(LightningModule):
    """Trains what a method learns in its current task.

    Whoever runs the sequence begins and ends tasks, see
    :mod:`goodsam_pl.modules.continual.method`; each task has a Trainer of its own. A training that
    goes on from its checkpoint ends as if it had never stopped: what a step draws depends on the
    seed, the task and the step alone. The task has to be begun before that, as it was.

    Args:
        method: after ``begin_task``.
        learning_rate: of Adam, without weight decay; CoSAM's 1e-3.
        decay_epochs: after each so many epochs the rate becomes a tenth, as CoSAM has it.
        seed: of what steps draw.
        kept: where answers of the frozen SAM are kept; ``None`` encodes in each step.
    """

    def __init__(
        self,
        method: ContinualMethod,
        learning_rate: float = 1e-3,
        decay_epochs: int = 10,
        seed: int = 0,
        kept: KeptEmbeddings | None = None,
    ) -> None:
        super().__init__()
        self.method = method
        self.learning_rate = learning_rate
        self.decay_epochs = decay_epochs
        self.seed = seed
        self.kept = kept

    @property
    def training_views_repeat(self) -> bool:
        """Whether training sees the same squares again and again; with jitter it does not."""
        return False

    def prompted(self, batch: PromptedBatch | AskedImages, repeats: bool) -> PromptedBatch:
        """A batch as methods take it.

        Args:
            batch: of a loader.
            repeats: its images come again, so that what SAM says of them is worth being kept.
        """
        return as_prompted(batch, self.kept if repeats else None)

    def setup(self, stage: str) -> None:
        """To train, have SAM's weights, and be in training mode where something learns."""
        if stage == "fit":
            self.method.sam.read_postponed()
            begin_training(self)

    def training_step(self, batch: PromptedBatch | AskedImages, batch_idx: int) -> Tensor:
        """The method's terms, weighted and summed.

        Raises:
            NotFiniteError: the sum is NaN or infinite.
        """
        prompted = self.prompted(batch, self.training_views_repeat)
        terms = self.method.loss_terms(prompted, self._generator())
        weights = self.method.weights
        loss = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        refuse_not_finite(loss, terms, getattr(batch, "names", ()))
        logged = {f"train/{name}": term.detach() for name, term in terms.items()}
        self.log_dict({"train/loss": loss.detach(), **logged}, batch_size=len(prompted))
        return loss

    def validation_step(self, batch: PromptedBatch | AskedImages, batch_idx: int) -> Tensor:
        """IoU of the current domain's masks in SAM's square, mean over images: ``val/iou``.

        It is there to choose an epoch by. What is reported is measured at the images' own size.

        Returns:
            ``(B,)`` float64, of each image.
        """
        prompted = self.prompted(batch, True)
        masks = prompted.masks
        if masks is None:
            raise ValueError("a validation batch without masks: there is nothing to compare with")
        logits = self.method.current(prompted)
        size = (masks.shape[-2], masks.shape[-1])
        drawn = F.interpolate(logits.float(), size, mode="bilinear", align_corners=False)
        reached = mask_iou(drawn.flatten(1), masks.flatten(1).float())
        self.log("val/iou", reached.mean(), batch_size=len(prompted), prog_bar=True)
        return reached

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam on what the method learns; a step schedule by epochs.

        Raises:
            ValueError: the method learns nothing.
        """
        learned = [*self.method.learned().values()]
        if not learned:
            raise ValueError(
                f"{type(self.method).__name__} has nothing to learn: score it without a training"
            )
        optimizer = torch.optim.Adam(learned, lr=self.learning_rate)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, self.decay_epochs, gamma=0.1)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule}}

    def _generator(self) -> Generator:
        """Of the CPU, for one step."""
        place = (self.seed, len(self.method.tasks), self.global_step)
        return Generator().manual_seed(hash(place) % 2**63)  # of whole numbers: alike everywhere
