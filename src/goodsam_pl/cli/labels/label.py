"""``goodsam label``: class names in, label files out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from goodsam_pl.callbacks.prediction_checks import refuse_folder_of_images
from goodsam_pl.cli.labels.label_folder import LabelFolder
from goodsam_pl.cli.labels.label_work import LabelWork
from goodsam_pl.cli.labels.labelling import Labelling, concepts_of
from goodsam_pl.cli.labels.teacher import TeacherLabels
from goodsam_pl.cli.masks.device import find_device
from goodsam_pl.cli.masks.shares import share_of
from goodsam_pl.cli.masks.stores import check_place
from goodsam_pl.data.entries import folder_entries
from goodsam_pl.masks.concepts import ConceptProposer
from goodsam_pl.masks.image_labels import read_image_labels
from goodsam_pl.taxonomy import BACKGROUND, Taxonomy, read_classes

__all__ = ["label"]


def label(
    images: Path,
    out: Path,
    classes: str = "",
    proposer: ConceptProposer | None = None,
    rule: Literal["query_order", "score", "area", "score_sum", "evidence"] = "area",
    unclaimed: Literal["void", "background", "ta"] = "void",
    panorama: bool = False,
    window_size: tuple[int, int] | None = None,
    window_stride: tuple[int, int] | None = None,
    agreement: float = 0.5,
    ta: Path | None = None,
    least_share: float | None = None,
    image_labels: Path | None = None,
    overlay_width: int = 2048,
    shard: str | None = None,
    device: str = "auto",
    on_error: Literal["raise", "skip"] = "raise",
    overwrite: bool = False,
) -> str:
    """Label all images below a folder with the classes that are named.

    OUT then has ``labels/<name>.png`` with ids and colours of the classes, ``overlays/``,
    ``things/<name>.json`` with class, score, box and mask of each thing, ``instances.json`` with
    all of them in COCO's form, and ``classes.yaml``, which a training on these labels takes as its
    taxonomy. Start it again after whatever stopped it; start it on as many machines as see the
    folder. Under torchrun each process does its share.

    Args:
        images: folder of photographs or panoramas.
        out: folder of the labels.
        classes: names with commas between them, a class file (.yaml), or a published class set.
        proposer: finds masks by words.
        rule: who gets a pixel that several masks claim: "query_order" the last one found, as
            released; "score" that of the highest score; "area" the smallest; "score_sum" the class
            with the highest sum of scores; "evidence" the class of which a proposer that says so
            (SAM 3) sees most there.
        unclaimed: what pixels become that no mask claims: void (255), the class "background", or
            what the TA says.
        panorama: images span 360° in width, and windows run across the seam.
        window_size: height and width of the windows that are looked at, pixels; the whole image,
            of a panorama squares of its height, if none is given.
        window_stride: largest vertical and horizontal step between windows, pixels; two thirds of
            their width if none is given.
        agreement: two windows have seen one thing if their masks have this IoU where both look.
        ta: a trained network, as `goodsam export` writes it.
        least_share: ask only for classes that have more than this share of what the TA says of the
            image; 0.001 if none is given and there is a TA, 0 asks for all.
        image_labels: a COCO file, a folder of them, or VOC's folder Annotations; ask only for
            classes of which it has an annotation in the image.
        overlay_width: overlays are at most so wide, pixels; 0 for none.
        shard: "i/n" does the i-th of n shares, i from 1 to n.
        device: "cpu", "cuda", "cuda:1", or another of PyTorch's; "auto" takes a GPU if there is
            one.
        on_error: "raise" ends with an error if images could not be labelled, after all others are
            done; "skip" only names them.
        overwrite: replace labels that were made otherwise.
    """
    rank, processes = share_of(shard)
    taxonomy = read_classes(classes)
    concepts = concepts_of(taxonomy)
    _check(taxonomy, proposer, unclaimed, ta, least_share, agreement)
    assert proposer is not None  # noqa: S101  # for mypy
    place = find_device(device)
    check_place(out)
    refuse_folder_of_images(out, images)
    entries = folder_entries(images)
    teacher = None if ta is None else TeacherLabels(ta, taxonomy)
    labelling = Labelling(
        taxonomy=taxonomy,
        proposer=proposer,
        rule=rule,
        unclaimed=unclaimed,
        look=(_pair(window_size), _pair(window_stride), panorama),
        agreement=agreement,
        teacher=teacher,
        least_share=_LEAST_SHARE if ta is not None and least_share is None else least_share,
        image_labels=None if image_labels is None else read_image_labels(image_labels),
        overlay_width=overlay_width,
    )
    folder = LabelFolder(out, labelling.describe(), labelling.kinds)
    folder.begin(taxonomy, entries, overwrite=overwrite)
    proposer.to(place)
    if teacher is not None:
        teacher.to(place)
    work = LabelWork(labelling, folder)
    mine = entries[rank::processes]
    work.do(mine, show_progress=rank == 0 or shard is not None)
    claimed = folder.finish(entries, [each.name for each in concepts], images)
    work.report(len(mine), on_error)
    told = "" if claimed is None else f", masks claim {claimed:.1%} of the pixels"
    return f"{work.labelled} images labelled, {work.present} had their labels already{told}: {out}"


_LEAST_SHARE = 0.001
"""Of the pixels; a class with less is more often a mistake of the TA's than a thing."""


def _check(
    taxonomy: Taxonomy,
    proposer: ConceptProposer | None,
    unclaimed: str,
    ta: Path | None,
    least_share: float | None,
    agreement: float,
) -> None:
    """Refuse what cannot work before anything is read."""
    if proposer is None:
        raise ValueError(
            "nothing finds masks yet: give --proposer.boxes FILE (a COCO file), or --proposer "
            "goodsam_pl.sam.Sam3Concepts, or another"
        )
    if unclaimed == "background" and BACKGROUND not in taxonomy.classes:
        raise ValueError(
            f'unclaimed is "background", and {taxonomy.name} has no class of that name: name it '
            "first among the classes, or choose void"
        )
    if ta is None and (unclaimed == "ta" or least_share is not None):
        raise ValueError("nobody says what the TA sees: give its weights with --ta")
    if least_share is not None and not 0 <= least_share < 1:
        raise ValueError(f"least_share is {least_share}: choose a share of the pixels, 0 to 1")
    if not 0 < agreement <= 1:
        raise ValueError(f"agreement is {agreement}: choose an IoU above 0, at most 1")


def _pair(size: tuple[int, int] | None) -> tuple[int, int] | None:
    return None if size is None else (size[0], size[1])
