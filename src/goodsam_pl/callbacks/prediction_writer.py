"""Predicted images as files, with a summary of what they are."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from rich.console import Console
from torch import Tensor
from typing_extensions import override

from goodsam_pl.callbacks.first_process import on_first_process
from goodsam_pl.callbacks.prediction_checks import (
    labels_and_scores,
    refuse_folder_of_images,
    refuse_what_fits_nowhere,
)
from goodsam_pl.callbacks.prediction_folder import PredictionFolder
from goodsam_pl.callbacks.prediction_identity import prediction_identity
from goodsam_pl.callbacks.prediction_outcome import (
    Outcome,
    UnlabelledImagesError,
    failed_outcome,
    failure_report,
    shares_by_class,
    stamp_of,
)
from goodsam_pl.callbacks.protocols import (
    PredictableData,
    ProbableModule,
    check_coloured,
    check_probable,
)
from goodsam_pl.callbacks.run_directory import run_directory
from goodsam_pl.data import Band, PanoramaBatch, SourceBatch, denormalize
from goodsam_pl.data.decoding import open_image
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.picture_tags import KeptTags, PictureTags, read_picture_tags
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.files.result_names import file_name
from goodsam_pl.taxonomy import Taxonomy
from goodsam_pl.views.prediction_pictures import (
    confidence_png,
    label_png,
    legend_png,
    overlay_png,
    scores_npz,
)

__all__ = ["PredictionWriter"]

log = logging.getLogger(__name__)


class PredictionWriter(BasePredictionWriter):
    """Writes each predicted image as a label PNG and as a colour overlay.

    In ``output_dir``:

    - ``labels/<name>.png``: class ids, with the taxonomy's palette so that any viewer shows
      colours. At the size of the file, upright as EXIF says; rows of the file that were not
      predicted are void.
    - ``overlays/<name>.png``: the colours over the image.
    - ``confidence/<name>.png`` and ``probabilities/<name>.npz``, if asked for.
    - ``legend.png``, and ``summary.json``: whose predictions these are, and of each image which
      rows were predicted, how much of each class there is, or why there is no label.

    The name is the image's path below its folder, so sub-folders are kept. With several processes
    each writes its share. Nothing is listed as an image that lies in these folders. Start a run
    that was stopped again with ``skip_existing``.

    ``goodsam predict`` adds this callback when the configuration has no prediction writer, and
    gives it its options.

    Args:
        output_dir: ``None`` is ``predictions`` in the run's folder.
        opacity: of the class colours over the image, 0 to 1.
        label_size: ``file`` writes labels and confidence at the size of the file, nearest
            neighbour; ``training`` at the size that the network sees, without rows outside its
            band. Data without files has only the latter.
        overlay_width: overlays are at most so wide, pixels; 0 for none.
        confidence: write the probability of the chosen class, too: 8-bit PNG, 255 is 1, at the
            size of the labels; 0 outside the band.
        probabilities: write those of all classes, too: float16 ``(K, H, W)`` in a compressed
            ``.npz``, at the size that the network sees, with ``classes``, and ``file_size`` and
            ``rows`` to map them back.
        on_error: ``raise`` ends with an error if files could not be read, after all others are
            done; ``skip`` only names them.
        skip_existing: leave out images that this model labelled before with these settings.
        overwrite: replace what another model or other settings left in the folder.
        keep_metadata: what pictures tell of where they come from, as far as their image does:
            ``all`` which part of the sphere they show (GPano), where and when it was taken (EXIF);
            ``projection`` the former alone; or ``none``.

    Raises:
        ValueError: an opacity outside 0 to 1, or a negative width.
    """

    def __init__(
        self,
        output_dir: str | None = None,
        opacity: float = 0.5,
        label_size: Literal["file", "training"] = "file",
        overlay_width: int = 2048,
        confidence: bool = False,
        probabilities: bool = False,
        on_error: Literal["raise", "skip"] = "raise",
        skip_existing: bool = False,
        overwrite: bool = False,
        keep_metadata: KeptTags = "all",
    ) -> None:
        super().__init__(write_interval="batch")
        if not 0 <= opacity <= 1:
            raise ValueError(f"opacity {opacity} of the overlays is not between 0 and 1")
        if overlay_width < 0:
            raise ValueError(f"overlay_width is {overlay_width}: choose 0 for none, or more")
        self.output_dir = output_dir
        self.opacity = opacity
        self.label_size = label_size
        self.overlay_width = overlay_width
        self.confidence = confidence
        self.probabilities = probabilities
        self.on_error = on_error
        self.skip_existing = skip_existing
        self.overwrite = overwrite
        self.keep_metadata = keep_metadata
        self._folder = PredictionFolder(Path())
        self._begun = False
        self._entries: dict[str, Entry] = {}
        self._names: dict[Path, str] = {}
        self._labelled_before = 0

    @property
    def kinds(self) -> list[str]:
        """The folders that are written."""
        wanted = {
            "labels": True,
            "overlays": self.overlay_width > 0,
            "confidence": self.confidence,
            "probabilities": self.probabilities,
        }
        return [kind for kind, is_wanted in wanted.items() if is_wanted]

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the output folder, in all processes, and say which it is.

        Raises:
            ValueError: the folder holds the images themselves.
            TypeError: the model or the data lacks what the options ask for.
        """
        super().setup(trainer, pl_module, stage)
        if stage != "predict":
            return
        check_coloured(pl_module, self)
        if self.confidence or self.probabilities:
            check_probable(pl_module, self).predicts_probabilities = True
        root = run_directory(trainer) / "predictions"
        if self.output_dir is not None:
            root = Path(self.output_dir).expanduser()
        self._folder = PredictionFolder(root, trainer.global_rank)
        self._begun = False
        data = _data_of(trainer)
        if data is not None:
            refuse_folder_of_images(root, data.root)
            data.predict_chosen(lambda entries: self._begin(trainer, pl_module, entries))
        elif self.skip_existing:
            raise TypeError(
                "skip_existing asks the data for its files: use goodsam_pl.data.PanoramaDataModule "
                "or SourceDataModule, or leave it out"
            )
        if trainer.is_global_zero:
            _say(f"predictions go to {root.resolve()}")
            if data is not None and (passed := _listed(data.passed_over())):
                _say(f"passed over below {data.root}, convert them to have them labelled: {passed}")

    @override
    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin, where the data did not ask for it."""
        if not self._begun:
            self._begin(trainer, pl_module, [])

    @override
    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: Tensor,
        batch_indices: Sequence[int] | None,
        batch: PanoramaBatch | SourceBatch,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Write one batch.

        Args:
            trainer: gives the data.
            pl_module: gives the palette.
            prediction: class ids int64 ``(B, H, W)``, or probabilities float ``(B, K, H, W)``.
            batch_indices: unused.
            batch: gives images, names and what could not be read.
            batch_idx: unused.
            dataloader_idx: unused.

        Raises:
            ValueError: a prediction of another size than its image, a class id that the taxonomy
                does not have, or a name that leads out of the output folder.
        """
        taxonomy = check_coloured(pl_module, self).taxonomy
        labels, scores = labels_and_scores(
            prediction,
            batch.image,
            taxonomy,
            wants_scores=self.confidence or self.probabilities,
        )
        for path, reason in batch.unreadable.items():
            self._folder.note(failed_outcome(self._names[path], path, reason))
        for index, name in enumerate(batch.names):
            if name:
                each = None if scores is None else scores[index].float().cpu().numpy()
                self._write(trainer, name, batch.image[index], labels[index], each, taxonomy)

    @override
    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write the summary, and say where the pictures are and which are missing.

        Raises:
            UnlabelledImagesError: files could not be read, and errors are to be raised; or none
                could be.
        """
        if stage != "predict" or not self._begun:
            return
        self._begun = False
        if isinstance(pl_module, ProbableModule):
            pl_module.predicts_probabilities = False
        trainer.strategy.barrier("goodsam_pl.callbacks.PredictionWriter")
        if trainer.is_global_zero:
            outcomes = self._folder.finish(self._further(trainer))
            self._folder.clear_journals()
            self._folder.release()
            _say(f"predictions: {self._folder.root.resolve()}")
            self._report(outcomes)

    @override
    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave a summary of what was done; the journals stay, for others may still write."""
        if self._begun and trainer.is_global_zero:
            self._folder.finish(self._further(trainer))
            self._folder.release()
        self._begun = False
        if isinstance(pl_module, ProbableModule):
            pl_module.predicts_probabilities = False

    def _begin(
        self, trainer: Trainer, module: LightningModule, entries: Sequence[Entry]
    ) -> Sequence[int]:
        """Take the folder over; which of the images are to be predicted, in every process alike."""
        self._entries = {entry.name: entry for entry in entries}
        self._names = {entry.image: entry.name for entry in entries}

        def begin() -> list[int]:
            refuse_what_fits_nowhere(entries, _data_of(trainer))
            taxonomy = check_coloured(module, self).taxonomy
            written = {"label_size": self.label_size, "keep_metadata": self.keep_metadata}
            identity = prediction_identity(trainer, module, taxonomy, _data_of(trainer), written)
            chosen = self._folder.begin(
                identity,
                entries,
                self.kinds,
                skip_existing=self.skip_existing,
                overwrite=self.overwrite,
            )
            write_atomically(self._folder.root / "legend.png", legend_png(taxonomy))
            return chosen

        chosen = on_first_process(trainer, begin)
        self._begun = True
        self._labelled_before = len(entries) - len(chosen)
        if self.skip_existing and trainer.is_global_zero:
            _say(f"{self._labelled_before} of {len(entries)} images have their labels already")
        return chosen

    def _further(self, trainer: Trainer) -> dict[str, Any]:
        data = _data_of(trainer)
        return {
            "checkpoint": None if trainer.ckpt_path is None else str(trainer.ckpt_path),
            "root": None if data is None else str(data.root.resolve()),
            "passed_over": {} if data is None else dict(data.passed_over()),
        }

    def _write(
        self,
        trainer: Trainer,
        name: str,
        image: Tensor,
        label: npt.NDArray[np.uint8],
        scores: npt.NDArray[np.float32] | None,
        taxonomy: Taxonomy,
    ) -> None:
        """Write all kinds of one image, and note it."""
        entry, data = self._entries.get(name), _data_of(trainer)
        band: Band | None = None
        source: Path | npt.NDArray[np.uint8] = denormalize(image).permute(1, 2, 0).cpu().numpy()
        stamp = (0, 0)
        tags = PictureTags()
        contents: dict[str, bytes] = {}
        try:
            if entry is not None and data is not None:
                band, source, stamp = data.locate(entry.image), entry.image, stamp_of(entry.image)
                with open_image(entry.image) as file:
                    tags = read_picture_tags(file).kept(self.keep_metadata)
            if self.overlay_width:
                contents["overlays"] = overlay_png(
                    source, label, taxonomy, band, self.opacity, self.overlay_width, tags
                )
        except (OSError, ValueError) as error:
            if entry is None:
                raise
            self._folder.note(failed_outcome(name, entry.image, str(error)))
            return
        written_band = band if self.label_size == "file" else None
        full = label if written_band is None else written_band.restore(label, taxonomy.ignore_index)
        if band is not None:
            rows = (band.top, band.bottom) if written_band is None else (0, band.file_size[0])
            tags = tags.of_part(band.file_size, rows, (full.shape[0], full.shape[1]))
        contents["labels"] = label_png(full, taxonomy, tags)
        if scores is not None and self.confidence:
            contents["confidence"] = confidence_png(scores.max(axis=0), written_band, tags)
        if scores is not None and self.probabilities:
            contents["probabilities"] = scores_npz(scores, taxonomy, band)
        files = {
            kind: f"{kind}/{file_name(name, '.npz' if kind == 'probabilities' else '.png')}"
            for kind in contents
        }
        for kind, content in contents.items():
            write_atomically(self._folder.root / files[kind], content)
        height, width = label.shape
        self._folder.note(
            Outcome(
                name=name,
                image="" if entry is None else str(entry.image.resolve()),
                bytes=stamp[0],
                modified=stamp[1],
                files=files,
                size=(height, width) if band is None else band.file_size,
                rows=(0, height) if band is None else (band.top, band.bottom),
                predicted_size=(height, width),
                shares=shares_by_class(label, taxonomy),
            )
        )

    def _report(self, outcomes: Mapping[str, Outcome]) -> None:
        failed = [outcome for outcome in outcomes.values() if outcome.reason is not None]
        if not failed:
            return
        report = failure_report(failed, len(outcomes))
        is_any_labelled = self._labelled_before > 0 or len(failed) < len(outcomes)
        if self.on_error == "raise" or not is_any_labelled:
            raise UnlabelledImagesError(report)
        log.warning(report)


def _data_of(trainer: Trainer) -> PredictableData | None:
    # the trainer's attribute exists only when there is a LightningDataModule
    data = getattr(trainer, "datamodule", None)
    return data if isinstance(data, PredictableData) else None


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {suffix}" for suffix, count in counts.items())


def _say(message: str) -> None:
    Console(soft_wrap=True).print(message, highlight=False, markup=False)
