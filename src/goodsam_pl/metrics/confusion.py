"""The confusion matrix of a batch, by a single ``bincount``.

torchmetrics' own update scans both tensors for unique values, indexes the labelled pixels by a
boolean mask, and in deterministic mode builds a mesh of gigabytes for one panorama. Counting
ignored and illegal values into bins of their own needs none of that.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["confusion_matrix"]


def confusion_matrix(
    predictions: Tensor, labels: Tensor, classes: int, ignore_index: int = 255
) -> Tensor:
    """Count how often each class was predicted as each class.

    Whatever is predicted on an ignored pixel does not matter, not even if it is no class at all.

    Args:
        predictions: class ids, integer ``(B, H, W)``, or logits, floating point ``(B, K, H, W)``.
        labels: class ids, integer ``(B, H, W)``.
        classes: number of classes K.
        ignore_index: label of pixels that do not count.

    Returns:
        int64 ``(K, K)`` on the device of the labels; rows are labels, columns predictions.

    Raises:
        ValueError: shapes that do not fit, or a class id outside ``0 … K - 1``.

    Example:
        >>> labels = torch.tensor([[[0, 0, 1, 255]]])
        >>> confusion_matrix(torch.tensor([[[0, 1, 1, 1]]]), labels, classes=2)
        tensor([[1, 1],
                [0, 1]])
    """
    if predictions.is_floating_point():
        predictions = _most_likely(predictions, classes)
    if predictions.shape != labels.shape:
        raise ValueError(
            f"predictions {tuple(predictions.shape)} and labels {tuple(labels.shape)} differ in "
            "shape: both are (B, H, W), or the predictions are logits (B, K, H, W)"
        )
    # Rows: below the range, the K classes, above it, ignored. Columns: below, the K classes, above.
    row = torch.where(labels == ignore_index, classes + 1, labels.long().clamp(-1, classes)) + 1
    column = predictions.long().clamp(-1, classes) + 1
    shape = (classes + 3, classes + 2)
    bins = torch.bincount((row * shape[1] + column).flatten(), minlength=shape[0] * shape[1])
    table = bins.reshape(shape)
    legal = slice(1, classes + 1)
    confusion = table[legal, legal]
    if int(confusion.sum() + table[-1].sum()) != labels.numel():
        _raise_out_of_range(predictions, labels, classes, ignore_index)
    return confusion.clone()


def _most_likely(logits: Tensor, classes: int) -> Tensor:
    if logits.ndim != 4 or logits.shape[1] != classes:
        raise ValueError(f"logits {tuple(logits.shape)} are not (B, {classes}, H, W)")
    return logits.argmax(dim=1)


def _raise_out_of_range(
    predictions: Tensor, labels: Tensor, classes: int, ignore_index: int
) -> None:
    counted = labels != ignore_index
    for name, values in (("label", labels[counted]), ("predicted class", predictions[counted])):
        illegal = values[(values < 0) | (values >= classes)]
        if illegal.numel():
            raise ValueError(
                f"{name} {int(illegal[0])} ({illegal.numel()} such pixels) is neither one of the "
                f"classes 0 … {classes - 1} nor the ignored label {ignore_index}: "
                "check the taxonomy of the data and of the network"
            )
