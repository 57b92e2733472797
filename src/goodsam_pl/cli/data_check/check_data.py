"""``goodsam check-data``: look at every file of a configuration's data before a training does."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from goodsam_pl.cli.complaints import complain

if TYPE_CHECKING:
    from goodsam_pl.data.entries import Split

__all__ = ["USAGE", "check_data"]

USAGE = """\
usage: goodsam check-data CONFIG [--json] [--splits train,val,test] [options]

Look at every file of a configuration's data: what is missing, broken, of another aspect than is
configured, labelled with ids outside of the classes, or of another size than its image; what is
there twice, above all in training and in test; how much of the labels is void.

  CONFIG          as for `goodsam fit --config`; several are laid over each other
  --json          as JSON
  --splits NAMES  which splits, with commas between them; all if none is named
  options         lay values over those of the configuration, as for `goodsam fit`

The status is 0 if all can be read, 1 if something would stop a training or a test, 2 if the
configuration itself is wrong. Files are read by as many processes as data.num_workers says.
"""

_COMMAND = "goodsam check-data"
_SPLITS = ("train", "val", "test")


class _Wanted(NamedTuple):
    """What a command line asks for."""

    json: bool
    splits: list[Split]
    words: list[str]


def check_data(words: Sequence[str]) -> None:
    """Run the verb.

    Args:
        words: after it.

    Raises:
        SystemExit: with status 1 for faults of the data, 2 for a mistake in the command line.
    """
    if not words or {"-h", "--help"} & set(words):
        sys.stdout.write(USAGE)
        return
    wanted = _read(list(words))
    # torch comes with these, after what can be told without it
    from goodsam_pl.cli.data_check.data_config import read_data  # noqa: PLC0415
    from goodsam_pl.cli.data_check.told import tell  # noqa: PLC0415
    from goodsam_pl.data.split_sums import look_at_all  # noqa: PLC0415
    from goodsam_pl.files.progress import progress_bar  # noqa: PLC0415

    data: Any = read_data(wanted.words)
    if not hasattr(data, "inspected"):
        raise TypeError(
            f"{type(data).__name__} does not say which files it reads: check-data knows the data "
            "modules of goodsam_pl, and any that has their method `inspected`"
        )
    splits = data.inspected(wanted.splits)
    total = sum(len(each.found.entries) for each in splits)
    with progress_bar("files", total, visible=not wanted.json, what="images") as advance:
        loading = getattr(data.target if hasattr(data, "target") else data, "loading", None)
        sums = look_at_all(splits, getattr(loading, "num_workers", 0), advance)
    told = tell(sums, json=wanted.json)
    print(told)
    if told.status:
        raise SystemExit(told.status)


def _read(words: list[str]) -> _Wanted:
    json, splits, rest = False, ",".join(_SPLITS), list[str]()
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if name == "--json":
            following = words[0].lower() if words and not equals else ""
            if following in {"true", "false"}:
                value = words.pop(0)
            json = value.lower() != "false"
        elif name == "--splits":
            splits = value if equals else (words.pop(0) if words else "")
        elif not word.startswith("-"):
            rest += ["--config", word]
        else:
            rest.append(word)
            if not equals and words and not words[0].startswith("--"):
                rest.append(words.pop(0))
    names = splits.strip("[]").replace(" ", "").split(",")
    if unknown := [name for name in names if name not in _SPLITS]:
        complain(_COMMAND, f"--splits: {unknown[0]!r} is none of {', '.join(_SPLITS)}", "")
    return _Wanted(json, cast("list[Split]", names), rest)
