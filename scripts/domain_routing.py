"""How often images of real domains find their own, each left out once of what the selector saw.

    python scripts/domain_routing.py path/to/domains

Below the folder lie domains, each with ``images/`` and ``masks/`` and as many images. In fold k the
k-th image of every domain is left out, the selector learns from all others and chooses a domain for
those that it never saw. Compared are MoDA's query, tokens as released, and SAMCL's, the mean of an
early block, each with the selector's training of its paper, and tokens that learn where asked for.
Prints how many images went where.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Generator, Tensor

from goodsam_pl.data import DomainDataModule, DomainFolder, Views
from goodsam_pl.modules.continual import (
    DomainQuery,
    KeptEmbeddings,
    PooledQuery,
    PromptedBatch,
    SelectorTraining,
    TokenQuery,
    as_prompted,
)
from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.modules.continual.selector_training import train_selector
from goodsam_pl.sam.frozen_sam import FrozenSam

SAMCL = SelectorTraining("sgd", 0.01, 25)
MODA = SelectorTraining()
LONGER = SelectorTraining(epochs=100)


def main() -> None:
    """Read all domains of a folder, and tell a table of each query."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("domains", type=Path)
    parser.add_argument("--model", default="vit_nano", help="of the SAM whose encoder is asked")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learning_tokens", action="store_true", help="these as well; slow")
    arguments = parser.parse_args()
    sam = FrozenSam.of(arguments.model)
    names = sorted(path.name for path in arguments.domains.iterdir() if path.is_dir())
    ways: dict[str, tuple[Callable[[], DomainQuery], SelectorTraining]] = {
        "tokens, trained as MoDA's": (lambda: TokenQuery(sam.shape, train_tokens=False), MODA),
        "tokens, ten times longer": (lambda: TokenQuery(sam.shape, train_tokens=False), LONGER),
        "mean, trained as SAMCL's": (lambda: PooledQuery(sam.shape), SAMCL),
        "mean, trained as tokens for longer": (lambda: PooledQuery(sam.shape), LONGER),
    }
    if arguments.learning_tokens:
        ways["tokens that learn"] = (lambda: TokenQuery(sam.shape), MODA)
    with tempfile.TemporaryDirectory() as folder:
        kept = KeptEmbeddings(Path(folder), sam)
        domains = [read(arguments.domains / name, sam, kept) for name in names]
        print(f"{arguments.model}, {sum(map(len, domains))} images of {', '.join(names)}\n")
        print("| query | own domain | of |\n|---|---|---|")
        tables = {}
        for way, (query, training) in ways.items():
            tables[way] = table = leave_one_out(sam, domains, query, training, arguments.seed)
            print(f"| {way} | {int(table.diagonal().sum())} | {int(table.sum())} |", flush=True)
    for way, table in tables.items():
        print(f"\n{way}\n\n| image of | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
        for name, row in zip(names, table.tolist(), strict=True):
            print(f"| {name} | {' | '.join(map(str, row))} |")


def read(root: Path, sam: FrozenSam, kept: KeptEmbeddings) -> PromptedBatch:
    """All images of a domain as they are evaluated."""
    data = DomainDataModule(
        domains=[DomainFolder(root.name, str(root), test=1)],
        views=Views(side=sam.shape.side, mask_side=4 * sam.shape.grid),
        buffer=1,
        num_workers=0,
    )
    data.setup("fit")
    images = [*data.images("train", [0]), *data.images("test", [0])]
    return PromptedBatch.joined([as_prompted(batch, kept) for batch in data.evaluation(images)])


def leave_one_out(
    sam: FrozenSam,
    domains: Sequence[PromptedBatch],
    make_query: Callable[[], DomainQuery],
    training: SelectorTraining,
    seed: int,
) -> Tensor:
    """Where images go that the selector never saw.

    Args:
        sam: frozen.
        domains: of each its images; as many of each.
        make_query: a new one for each fold.
        training: of the selector.
        seed: of its training.

    Returns:
        ``(D, D)`` int64, images of the row's domain that went to the column's.

    Raises:
        ValueError: domains of different numbers of images, or of one.
    """
    counts = {len(domain) for domain in domains}
    if len(counts) != 1 or counts == {1}:
        raise ValueError(
            f"domains have {', '.join(map(str, sorted(counts)))} images: give as many of each, and "
            "two or more"
        )
    table = torch.zeros(len(domains), len(domains), dtype=torch.int64)
    (count,) = counts
    for fold in range(count):
        others = torch.tensor([place for place in range(count) if place != fold])
        selector = DomainSelector(make_query())
        buffers = [domain.take(others) for domain in domains]
        train_selector(selector, sam, buffers, training, Generator().manual_seed(seed))
        for place, domain in enumerate(domains):
            chosen = selector.route(sam, domain.take(torch.tensor([fold]))).domains
            table[place, int(chosen)] += 1
    return table


if __name__ == "__main__":
    main()
