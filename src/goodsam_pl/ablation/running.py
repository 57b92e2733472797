"""Many jobs, some at a time, each after its inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from goodsam_pl.ablation.jobs import Job

__all__ = ["run_jobs"]

Work = Callable[[Job, int], None]
"""Do a job in a place, counted from 0; no two jobs are in the same place at a time."""


def run_jobs(
    jobs: Sequence[Job],
    work: Work,
    places: int,
    finished: Callable[[Job, Exception | None], None],
    stop: Callable[[], None],
) -> dict[str, Exception | Job]:
    """Do all jobs that can be done.

    Args:
        jobs: to be done, in order; inputs that are not among them are there already.
        work: does one; any exception is its failure.
        places: so many at a time.
        finished: called for each job that came to an end, with its failure.
        stop: ends the work at hand; called when this function is interrupted.

    Returns:
        By key of the job that is not done: its failure, or the job that failed before it.
    """
    waiting, free = list(jobs), list(range(places))
    failed: dict[str, Exception | Job] = {}
    running: dict[Future[None], tuple[Job, int]] = {}
    with ThreadPoolExecutor(places) as pool:
        try:
            while waiting or running:
                waiting = _without_hopeless(waiting, failed)
                pending = {job.key for job in waiting} | {job.key for job, _ in running.values()}
                for job in [*waiting]:
                    if free and not any(each.key in pending for each in job.inputs):
                        place = free.pop(0)
                        running[pool.submit(work, job, place)] = (job, place)
                        waiting.remove(job)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    job, place = running.pop(future)
                    free.append(place)
                    error = future.exception()
                    if isinstance(error, Exception):
                        failed[job.key] = error
                    finished(job, error if isinstance(error, Exception) else None)
        except BaseException:
            stop()  # or the pool would wait for the work to be done
            raise
    return failed


def _without_hopeless(waiting: list[Job], failed: dict[str, Exception | Job]) -> list[Job]:
    """Move the jobs that need a failed one to the failures; inputs stand before them."""
    left = []
    for job in waiting:
        reason = next((each for each in job.inputs if each.key in failed), None)
        if reason is None:
            left.append(job)
        else:
            before = failed[reason.key]
            failed[job.key] = before if isinstance(before, Job) else reason
    return left
