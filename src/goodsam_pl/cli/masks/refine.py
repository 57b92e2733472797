"""``goodsam masks refine``: labels in, labels out whose parts a SAM has drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from goodsam_pl.callbacks.prediction_checks import refuse_folder_of_images
from goodsam_pl.cli.labels.given_labels import classes_beside, with_labels
from goodsam_pl.cli.labels.label_folder import LabelFolder
from goodsam_pl.cli.labels.label_work import LabelWork
from goodsam_pl.cli.labels.refining import Refining
from goodsam_pl.cli.labels.teacher import TeacherLabels
from goodsam_pl.cli.masks.device import find_device
from goodsam_pl.cli.masks.shares import share_of
from goodsam_pl.cli.masks.stores import check_place
from goodsam_pl.data.entries import folder_entries
from goodsam_pl.data.folder_labels import label_files
from goodsam_pl.masks import MaskProposer
from goodsam_pl.masks.refined_labels import Refinement
from goodsam_pl.sam.refiners import refiner_for
from goodsam_pl.taxonomy import Taxonomy, read_classes

__all__ = ["refine"]


def refine(
    images: Path,
    out: Path,
    labels: Path | None = None,
    ta: Path | None = None,
    classes: str = "",
    only: str = "",
    proposer: MaskProposer | None = None,
    prompts: Literal["all", "clicks"] | None = None,
    rounds: int = 5,
    margin: float = 0.0,
    strength: float = 30.0,
    gamma: float = 4.0,
    points: int = 5,
    least_agreement: float = 0.0,
    rule: Literal["score", "area", "score_sum"] = "score",
    panorama: bool = False,
    window_size: tuple[int, int] | None = None,
    window_stride: tuple[int, int] | None = None,
    agreement: float = 0.5,
    overlay_width: int = 2048,
    shard: str | None = None,
    device: str = "auto",
    on_error: Literal["raise", "skip"] = "raise",
    overwrite: bool = False,
) -> str:
    """Refine label files, or what a network says of images, by a SAM: SAMRefiner.

    OUT is then such a folder as `goodsam label` makes: ``labels/<name>.png``, ``overlays/``,
    ``things/<name>.json``, ``instances.json`` and ``classes.yaml``. Start it again after whatever
    stopped it; start it on as many machines as see the folder. Under torchrun each process does its
    share.

    Args:
        images: folder of photographs or panoramas.
        out: folder of the refined labels.
        labels: folder of label files, <name>.png for each image, or what `goodsam label` made.
        ta: a trained network, whose predictions are refined instead.
        classes: of the label files: names with commas between them, a class file (.yaml), or a
            published class set; those beside the labels, or of the network, if none are given.
        only: refine these classes alone, names with commas between them.
        proposer: the SAM that is asked; the shipped small one if none is named.
        prompts: "all" asks by points, box and mask; "clicks" by points on the thing alone, as for
            the small SAM if nothing is said.
        rounds: how often each mask is asked about.
        margin: boxes give way where more than this share of what they gain looks like the mask; 0
            leaves them as they are.
        strength: of the mask prompt, in logits.
        gamma: of the mask prompt; the larger, the smaller the middle that it is sure of.
        points: in each mask, with clicks.
        least_agreement: a drawn mask with a lower IoU with the one that it refines is not believed;
            0 believes all, as released.
        rule: who gets a pixel that several masks claim: "score" that of the highest score; "area"
            the smallest; "score_sum" the class with the highest sum of scores.
        panorama: images span 360° in width, and windows run across the seam.
        window_size: height and width of the windows that are looked at, pixels; the whole image,
            of a panorama squares of its height, if none is given.
        window_stride: largest vertical and horizontal step between windows, pixels; two thirds of
            their width if none is given.
        agreement: two windows have drawn one thing if their masks have this IoU where both look.
        overlay_width: overlays are at most so wide, pixels; 0 for none.
        shard: "i/n" does the i-th of n shares, i from 1 to n.
        device: "cpu", "cuda", "cuda:1", or another of PyTorch's; "auto" takes a GPU if there is
            one.
        on_error: "raise" ends with an error if images could not be read, after all others are done;
            "skip" only names them.
        overwrite: replace labels that were made otherwise.
    """
    if (labels is None) == (ta is None):
        raise ValueError(
            "nothing or two things to refine: give label files by --labels, or a network by --ta"
        )
    rank, processes = share_of(shard)
    refiner = refiner_for(proposer, prompts, rounds, margin, strength, gamma, points)
    place = find_device(device)
    check_place(out)
    refuse_folder_of_images(out, images)
    entries = folder_entries(images)
    teacher = None
    if labels is not None:
        taxonomy = classes_beside(labels, classes)
        entries = with_labels(entries, label_files(labels), taxonomy)
        _refuse_folder_of_labels(out, labels)
    else:
        assert ta is not None  # noqa: S101  # for mypy: looked at above
        teacher = TeacherLabels(ta, read_classes(classes) if classes else None)
        taxonomy = teacher.taxonomy
    refining = Refining(
        taxonomy=taxonomy,
        teacher=teacher,
        refiner=refiner,
        how=Refinement(rule, least_agreement, agreement, _chosen(only, taxonomy)),
        look=(_pair(window_size), _pair(window_stride), panorama),
        overlay_width=overlay_width,
    )
    folder = LabelFolder(out, refining.describe(), refining.kinds, "goodsam masks refine")
    folder.begin(taxonomy, entries, overwrite=overwrite)
    refiner.to(place)
    if teacher is not None:
        teacher.to(place)
    work = LabelWork(refining, folder)
    mine = entries[rank::processes]
    work.do(mine, show_progress=rank == 0 or shard is not None)
    claimed = folder.finish(entries, list(taxonomy.classes), images)
    work.report(len(mine), on_error)
    told = "" if claimed is None else f", masks claim {claimed:.1%} of the pixels"
    return f"{work.labelled} labels refined, {work.present} had been before{told}: {out}"


def _refuse_folder_of_labels(out: Path, labels: Path) -> None:
    """Refined labels may not take the place of those that they are made of.

    Raises:
        ValueError: they would.
    """
    if out.resolve() in (labels.resolve(), label_files(labels).resolve()):
        raise ValueError(f"{out} is the folder of the labels that are to be refined: name another")


def _chosen(only: str, taxonomy: Taxonomy) -> frozenset[int] | None:
    names = [each.strip() for each in only.split(",") if each.strip()]
    unknown = [name for name in names if name not in taxonomy.classes]
    if unknown:
        raise ValueError(
            f"only: {taxonomy.name} has no class {unknown[0]!r}; it has "
            f"{', '.join(taxonomy.classes)}"
        )
    return frozenset(map(taxonomy.index, names)) or None


def _pair(size: tuple[int, int] | None) -> tuple[int, int] | None:
    return None if size is None else (size[0], size[1])
