"""Read spoiled files of every kind: each has to be read, or refused by an error that names it.

    python scripts/fuzz_readers.py --inputs 20000 --seed 0

Prints one line of JSON: how many were read, how many refused by name, what ended in anything else,
the slowest of them, and by how much memory grew. The same seed spoils the same files in the same
way. Leaves with status 1 where anything is not as it should be.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).parent))

from hostile_files.kinds import Kind, Read, all_kinds

NAMED_ERRORS = (ValueError, FileNotFoundError, PermissionError)
LONGEST_S = 20
SHOWN = 20


class TooSlowError(BaseException):
    """A file took too long; nothing on the way may catch it."""


@dataclass
class Outcome:
    """What became of all files.

    Attributes:
        inputs: files that were spoiled.
        seed: of all that was drawn.
        read: readings that gave something.
        named: readings that ended in an error that names the file.
        other: what else readings ended in, by kind; empty if all is well.
        slowest_s: seconds of the slowest reading.
        slowest: its kind.
        memory_mb: by how much the most memory of this process grew.
    """

    inputs: int
    seed: int
    read: int = 0
    named: int = 0
    other: dict[str, int] = field(default_factory=dict)
    slowest_s: float = 0.0
    slowest: str = ""
    memory_mb: float = 0.0


def fuzz(inputs: int, seed: int, root: Path, keep: Path | None = None) -> Outcome:
    """Spoil and read.

    Args:
        inputs: how many files.
        seed: of the numbers drawn.
        root: an empty folder to work in.
        keep: folder for files that ended in anything but what they should.
    """
    dice = random.Random(seed)  # noqa: S311  # not for secrets
    kinds = all_kinds(root)
    outcome, other = Outcome(inputs, seed), Counter[str]()
    before = _most_memory()
    good = {kind.path: kind.path.read_bytes() for kind in kinds}
    for number in range(inputs):
        kind = kinds[number % len(kinds)]
        spoiled = kind.spoil(good[kind.path], dice)
        kind.path.write_bytes(spoiled)
        for read in kind.reads:
            began = time.monotonic()
            told = ending(kind, read)
            seconds = time.monotonic() - began
            if seconds > outcome.slowest_s:
                outcome.slowest_s, outcome.slowest = round(seconds, 3), kind.name
            outcome.read += told == "read"
            outcome.named += told == "named"
            if told not in {"read", "named"}:
                other[f"{kind.name}: {told}"] += 1
                if keep is not None:
                    (keep / f"{seed}_{number}{kind.path.suffix}").write_bytes(spoiled)
        kind.path.write_bytes(good[kind.path])
    outcome.other = dict(other.most_common(SHOWN))
    outcome.memory_mb = round(_most_memory() - before, 1)
    return outcome


def ending(kind: Kind, read: Read) -> str:
    """What a reading ends in: ``read``, ``named``, or something else in words."""

    def too_slow(_: int, __: FrameType | None) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGALRM, too_slow)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read()
    except NAMED_ERRORS as error:
        # a folder of masks is named by its table or by one of its pictures
        named = kind.path.name in str(error) or str(kind.path.parent) in str(error)
        return "named" if named else f"{type(error).__name__} without a name: {str(error)[:100]}"
    except TooSlowError:
        return f"more than {LONGEST_S} s"
    except BaseException as error:  # noqa: BLE001  # which is what is looked for
        return f"{type(error).__name__}: {str(error)[:100]}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return "read"


def _most_memory() -> float:
    """The most memory that this process took so far, MB."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    """Read options, and print the outcome."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep", type=Path, default=None, help="folder for files that show a fault"
    )
    options = parser.parse_args()
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as root:
        outcome = fuzz(options.inputs, options.seed, Path(root), options.keep)
    print(json.dumps(asdict(outcome)))
    raise SystemExit(1 if outcome.other else 0)


if __name__ == "__main__":
    main()
