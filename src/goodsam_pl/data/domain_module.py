"""One domain after another, for Lightning."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from goodsam_pl.data.domain_batch import collate_domains
from goodsam_pl.data.domain_buffer import draw_buffer
from goodsam_pl.data.domain_dataset import DomainDataset, DomainImage, Views
from goodsam_pl.data.domains import Domain, DomainFolder
from goodsam_pl.data.entries import Split
from goodsam_pl.data.loading import Loading
from goodsam_pl.data.resuming import ResumableDataModule

__all__ = ["DomainDataModule"]


class DomainDataModule(ResumableDataModule):
    """A sequence of domains of images with masks; training meets one of them at a time.

    After :meth:`begin` with t, ``train_dataloader`` is of domain t alone and ``val_dataloader`` of
    its validation images, by which a model is chosen. ``test_dataloader`` is a list: one loader for
    each domain that is scored then, in the order of the matrix's columns.

    Args:
        domains: the sequence.
        outside: domains that are only scored, in columns behind the sequence's: "natural" images.
        order: names of the domains in another order; ``None`` keeps that of ``domains``.
        views: how images become squares, and masks prompts.
        buffer: training images of each domain that stay behind when the next one comes.
        buffer_seed: of the draw.
        score_unseen: after each task, score the domains to come as well; forward transfer asks for
            the next one.
        batch_size: images of a training batch, per process.
        eval_batch_size: images of a batch in validation and test.
        num_workers: worker processes of each loader.

    Raises:
        ValueError: no domain, one twice, an order of other domains, or a number that cannot be.
    """

    def __init__(
        self,
        *,
        domains: list[DomainFolder],
        outside: list[DomainFolder] | None = None,
        order: list[str] | None = None,
        views: Views | None = None,
        buffer: int = 10,
        buffer_seed: int = 0,
        score_unseen: bool = False,
        batch_size: int = 4,
        eval_batch_size: int = 1,
        num_workers: int = 2,
    ) -> None:
        super().__init__()
        # plain values: checkpoints are read back with weights_only=True
        self.save_hyperparameters(ignore=["domains", "outside", "views"], logger=False)
        if not domains:
            raise ValueError("data.domains is empty: give at least one domain")
        if buffer < 1:
            raise ValueError(f"data.buffer is {buffer}: choose at least 1")
        beyond = outside or []
        _check_apart([*domains, *beyond])
        self.folders = (*_in_order(domains, order), *beyond)
        self.names = tuple(folder.name for folder in self.folders)
        self.tasks = len(domains)
        self.views = views or Views()
        self.buffer_size = buffer
        self.buffer_seed = buffer_seed
        self.score_unseen = score_unseen
        self.loading = Loading(batch_size, eval_batch_size, num_workers)
        self.hparams.update(
            domains=[dataclasses.asdict(folder) for folder in self.folders[: self.tasks]],
            outside=[dataclasses.asdict(folder) for folder in beyond],
            views=dataclasses.asdict(self.views),
        )
        self._task = 0
        self._learned = range(1)
        self._domains: tuple[Domain, ...] = ()

    @property
    def task(self) -> int:
        """The task that loaders are of, from 0."""
        return self._task

    @property
    def sequence(self) -> tuple[str, ...]:
        """Names of the domains that are trained on, in order."""
        return self.names[: self.tasks]

    @property
    def outside(self) -> tuple[str, ...]:
        """Names of the domains that are only scored."""
        return self.names[self.tasks :]

    def begin(self, task: int, together: bool = False) -> None:
        """Go on to a task; its loaders begin anew.

        Args:
            task: from 0.
            together: learn from all domains up to it at once, for joint training, its bound.

        Raises:
            ValueError: there is no such task.
        """
        if not 0 <= task < self.tasks:
            raise ValueError(f"task {task} is none of the {self.tasks} of this sequence")
        self._task = task
        self._learned = range(task + 1) if together else range(task, task + 1)

    def setup(self, stage: str) -> None:
        """List all domains, and read the first image of each split that there is.

        Raises:
            FileNotFoundError: a folder is missing, an image has no mask, or a mask no image.
            ValueError: a first file is broken or its mask empty, a domain has no image to train on
                or to test on, or fewer than the buffer keeps.
        """
        if self._domains:
            return
        domains = tuple(folder.read() for folder in self.folders)
        for number, domain in enumerate(domains):
            if number < self.tasks:
                domain.split("train")
                draw_buffer(domain, self.buffer_size, self.buffer_seed)
            domain.split("test")
            for images in (domain.train, domain.val, domain.test):
                for first in images[:1]:
                    first.read()
        self._domains = domains

    def domain(self, number: int) -> Domain:
        """A domain by its column of the matrix, after ``setup``."""
        return self._domains[number]

    def scored(self) -> list[int]:
        """Columns that are scored after the current task."""
        seen = self.tasks if self.score_unseen else self._task + 1
        return [*range(seen), *range(self.tasks, len(self.names))]

    def buffer(self, domain: int) -> list[DomainImage]:
        """What stays behind of a domain of the sequence."""
        kept = draw_buffer(self._domains[domain], self.buffer_size, self.buffer_seed)
        return [DomainImage(image, domain) for image in kept]

    def images(self, split: Split, domains: Sequence[int]) -> list[DomainImage]:
        """The images of a split of some domains, one domain after the other.

        Raises:
            ValueError: a domain has none.
        """
        return [
            DomainImage(image, number)
            for number in domains
            for image in self._domains[number].split(split)
        ]

    def training(self, images: Sequence[DomainImage]) -> DataLoader[Any]:
        """A shuffled loader of training views of any images, for joint training and for replay."""
        dataset = DomainDataset(images, self.views, training=True)
        return self.loading.training(dataset, collate_domains, self.trainer, self.position)

    def evaluation(self, images: Sequence[DomainImage]) -> DataLoader[Any]:
        """An ordered loader of any images as they are evaluated."""
        dataset = DomainDataset(images, self.views, training=False)
        return self.loading.evaluation(dataset, collate_domains, self.trainer)

    def train_dataloader(self) -> DataLoader[Any]:
        """The current domain, with drawn prompts, shuffled."""
        return self.training(self.images("train", self._learned))

    def val_dataloader(self) -> DataLoader[Any] | list[DataLoader[Any]]:
        """Validation images of the current domain as evaluated; none where it has none."""
        chosen_by = [number for number in self._learned if self._domains[number].val]
        return self.evaluation(self.images("val", chosen_by)) if chosen_by else []

    def test_dataloader(self) -> list[DataLoader[Any]]:
        """A loader for each of :meth:`scored`."""
        return [self.evaluation(self.images("test", [number])) for number in self.scored()]


def _check_apart(folders: Sequence[DomainFolder]) -> None:
    """Make sure that no domain comes twice, under one name or two."""
    by_name: dict[str, DomainFolder] = {}
    by_place: dict[tuple[Path, str], DomainFolder] = {}
    for folder in folders:
        if folder.name in by_name:
            raise ValueError(
                f"domain {folder.name} is there twice ({by_name[folder.name].root} and "
                f"{folder.root}): a sequence meets each domain once, take one out or rename it"
            )
        by_name[folder.name] = folder
        place = Path(folder.root).expanduser().resolve(), str(folder.folders)
        if place in by_place:
            raise ValueError(
                f"domains {by_place[place].name} and {folder.name} are both of {folder.root}: a "
                "sequence meets each domain once, take one of them out"
            )
        by_place[place] = folder


def _in_order(folders: Sequence[DomainFolder], order: Sequence[str] | None) -> list[DomainFolder]:
    if order is None:
        return [*folders]
    by_name = {folder.name: folder for folder in folders}
    if sorted(order) != sorted(by_name):
        raise ValueError(
            f"data.order is {', '.join(order)}: name each of {', '.join(by_name)} once"
        )
    return [by_name[name] for name in order]
