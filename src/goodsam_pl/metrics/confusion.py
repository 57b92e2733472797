"""The confusion matrix of a batch, by a single ``bincount``.

torchmetrics' own update scans both tensors for unique values, indexes the labelled pixels by a
boolean mask, and in deterministic mode builds a mesh of gigabytes for one panorama. Counting
ignored and illegal values into bins of their own needs none of that.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["confusion_matrix", "most_likely"]


def confusion_matrix(
    predictions: Tensor,
    labels: Tensor,
    classes: int,
    ignore_index: int = 255,
    outside: bool = False,
) -> Tensor:
    """Count how often each class was predicted as each class.

    Whatever is predicted on an ignored pixel does not matter, not even if it is no class at all.

    Args:
        predictions: class ids, integer ``(B, H, W)``, or logits, floating point ``(B, K, H, W)``.
        labels: class ids, integer ``(B, H, W)``.
        classes: number of classes K.
        ignore_index: label of pixels that do not count.
        outside: predictions may hold K too, for whatever is none of the K classes. It misses every
            label.

    Returns:
        int64 ``(K, K)`` on the device of the labels; rows are labels, columns predictions. With
        ``outside`` a further column counts the predictions K.

    Raises:
        ValueError: shapes that do not fit, or a class id that must not occur.

    Example:
        >>> labels = torch.tensor([[[0, 0, 1, 255]]])
        >>> confusion_matrix(torch.tensor([[[0, 1, 1, 1]]]), labels, classes=2)
        tensor([[1, 1],
                [0, 1]])
    """
    if predictions.is_floating_point():
        predictions = most_likely(predictions, classes)
    if predictions.shape != labels.shape:
        raise ValueError(
            f"predictions {tuple(predictions.shape)} and labels {tuple(labels.shape)} differ in "
            "shape: both are (B, H, W), or the predictions are logits (B, K, H, W)"
        )
    columns = classes + int(outside)
    # Rows: below the range, the K classes, above it, ignored. Columns: below, the classes, above.
    row = torch.where(labels == ignore_index, classes + 1, labels.long().clamp(-1, classes)) + 1
    column = predictions.long().clamp(-1, columns) + 1
    shape = (classes + 3, columns + 2)
    bins = torch.bincount((row * shape[1] + column).flatten(), minlength=shape[0] * shape[1])
    table = bins.reshape(shape)
    confusion = table[1 : classes + 1, 1 : columns + 1]
    if int(confusion.sum() + table[-1].sum()) != labels.numel():
        counted = labels != ignore_index
        _refuse_illegal("label", labels[counted], classes, ignore_index)
        _refuse_illegal("predicted class", predictions[counted], columns, ignore_index)
    return confusion.clone()


def most_likely(logits: Tensor, classes: int) -> Tensor:
    """Class ids ``(B, H, W)`` of logits or probabilities ``(B, K, H, W)``.

    Raises:
        ValueError: another number of classes.
    """
    if logits.ndim != 4 or logits.shape[1] != classes:
        raise ValueError(f"logits {tuple(logits.shape)} are not (B, {classes}, H, W)")
    return logits.argmax(dim=1)


def _refuse_illegal(name: str, values: Tensor, classes: int, ignore_index: int) -> None:
    illegal = values[(values < 0) | (values >= classes)]
    if illegal.numel():
        raise ValueError(
            f"{name} {int(illegal[0])} ({illegal.numel()} such pixels) is neither one of the "
            f"classes 0 … {classes - 1} nor the ignored label {ignore_index}: "
            "check the taxonomy of the data and of the network"
        )
