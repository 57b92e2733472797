"""What a model that meets one domain after another can do on each of them after each of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

__all__ = ["TaskMatrix"]


@dataclass(frozen=True)
class TaskMatrix:
    """Scores A[t][i]: on domain i after task t, counted from 0 here and from 1 in the formulas.

    Task t trains on domain t. Domains outside of the sequence have a column behind the others; no
    score of the sequence counts them. What was not evaluated is NaN, and a score that needs it is
    NaN as well: half a matrix never looks like a whole one.

    Attributes:
        domains: names of the T domains, in the order of the sequence.
        outside: names of further domains that are only evaluated.
        values: T rows of T and then E scores each, fractions of 1.

    Raises:
        ValueError: no domain, one twice, or rows of another length.

    Example:
        >>> matrix = TaskMatrix.empty(["rail", "polyp"])
        >>> matrix = matrix.with_scores(0, {"rail": 0.9, "polyp": 0.4})
        >>> matrix = matrix.with_scores(1, {"rail": 0.8, "polyp": 0.7})
        >>> matrix.last(), matrix.average(), round(matrix.forgetting(), 6)
        (0.75, 0.825, 0.1)
    """

    domains: tuple[str, ...]
    outside: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        names = self.columns
        if not self.domains:
            raise ValueError("a sequence needs at least 1 domain")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)}: twice in a sequence, a domain has one column")
        if len(self.values) != self.tasks or any(len(row) != len(names) for row in self.values):
            raise ValueError(
                f"a matrix of {self.tasks} tasks has {self.tasks} rows of {len(names)} scores, got "
                f"rows of {[len(row) for row in self.values]}"
            )

    @classmethod
    def empty(cls, domains: Iterable[str], outside: Iterable[str] = ()) -> Self:
        """A matrix in which nothing is evaluated."""
        inside, beyond = tuple(domains), tuple(outside)
        row = (math.nan,) * (len(inside) + len(beyond))
        return cls(inside, beyond, (row,) * len(inside))

    @property
    def tasks(self) -> int:
        """T."""
        return len(self.domains)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns."""
        return (*self.domains, *self.outside)

    def with_scores(self, task: int, scores: Mapping[str, float]) -> Self:
        """The matrix with what was evaluated after a task.

        Args:
            task: from 0.
            scores: by domain, fractions of 1.

        Raises:
            ValueError: a task or a domain that there is not.
        """
        if not 0 <= task < self.tasks:
            raise ValueError(f"task {task} is none of the {self.tasks} of this sequence")
        if unknown := sorted(scores.keys() - set(self.columns)):
            raise ValueError(
                f"{', '.join(unknown)}: not in this sequence, which has {', '.join(self.columns)}"
            )
        row = tuple(
            scores.get(name, known)
            for name, known in zip(self.columns, self.values[task], strict=True)
        )
        return replace(self, values=(*self.values[:task], row, *self.values[task + 1 :]))

    def score(self, task: int, domain: str) -> float:
        """A[task][domain], NaN where it was not evaluated."""
        return self.values[task][self.columns.index(domain)]

    def last(self) -> float:
        """Mean over all domains after the last task: 1/T Σ_i A[T][i]."""
        return _mean(self.values[-1][: self.tasks])

    def average(self) -> float:
        """Mean over the tasks of the mean over what was met: 1/T Σ_t (1/t Σ_{i≤t} A[t][i])."""
        return _mean(_mean(row[: task + 1]) for task, row in enumerate(self.values))

    def forgetting(self) -> float:
        """Final forgetting: 1/(T-1) Σ_{i<T} (A[i][i] - A[T][i]); NaN for one domain.

        Lower is better, and below 0 where later domains helped. The paper (arXiv 2412.06418) names
        Last, Avg and FF without formulas; these are the readings whose values fit its log.
        """
        return _mean(self._lost()[:-1])

    def average_accuracy(self) -> float:
        """AA as SAMCL (arXiv 2412.05012) has it, which is :meth:`last`."""
        return self.last()

    def forgetting_measure(self) -> float:
        """FM as SAMCL releases it: 1/T Σ_{i≤T} (A[i][i] - A[T][i]); the last domain adds 0."""
        return _mean(self._lost())

    def forward_transfer(self) -> float:
        """FT as SAMCL releases it: 1/(T-1) Σ_{i<T} A[i][i+1], on the domain met next; or NaN."""
        return _mean(self.values[task][task + 1] for task in range(self.tasks - 1))

    def summary(self) -> dict[str, float]:
        """All six scores by the names that logs and tables have."""
        return {
            "last": self.last(),
            "avg": self.average(),
            "forgetting": self.forgetting(),
            "aa": self.average_accuracy(),
            "fm": self.forgetting_measure(),
            "ft": self.forward_transfer(),
        }

    def _lost(self) -> list[float]:
        return [self.values[task][task] - self.values[-1][task] for task in range(self.tasks)]


def _mean(values: Iterable[float]) -> float:
    """NaN of none."""
    each = tuple(values)
    return math.fsum(each) / len(each) if each else math.nan
