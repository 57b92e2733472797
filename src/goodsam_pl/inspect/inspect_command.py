"""``goodsam inspect``: the stages of a run on some panoramas, as folders for a report."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from goodsam_pl.cli.complaints import complain
from goodsam_pl.data.listing import list_images
from goodsam_pl.inspect.opening import open_run

__all__ = ["USAGE", "inspect"]

USAGE = """\
usage: goodsam inspect RUN PANORAMA… --out DIR [--ckpt_path FILE] [options]

Write what each stage of a run says of some panoramas: SAM's masks, the windowed teacher assistant,
the fused labels E with their weights M, E_H, the student, and the truth where there is one.

  RUN              the folder that a training left, or a configuration as for `goodsam fit`
  PANORAMA         files, of the run's data or any others; of a folder, all images in it
  --out DIR        a folder for each panorama goes there: DIR/<panorama>/stages.json
  --ckpt_path FILE the weights; a folder has its last.ckpt, a configuration names its own
  --device NAME    where networks and SAM work: cuda if there is one, else cpu
  options          lay values over those of the configuration, as for `goodsam fit`

Masks that the run's store does not have are made, and stored there.
"""

_COMMAND = "goodsam inspect"
_OWN = ("--out", "--ckpt_path", "--device")


class _Wanted(NamedTuple):
    """What a command line asks for."""

    run: str
    panoramas: list[Path]
    out: Path
    ckpt_path: str | None
    device: str | None
    options: list[str]


def inspect(words: Sequence[str]) -> None:
    """Run the verb.

    Args:
        words: after it.

    Raises:
        FileNotFoundError: a run or a panorama is not there.
        SystemExit: with status 2 for a mistake in the command line.
        TypeError: the run has no stages.
        ValueError: the configuration is wrong, or a file is no panorama.
    """
    if not words or {"-h", "--help"} & set(words):
        sys.stdout.write(USAGE)
        return
    wanted = _read(list(words))
    panoramas = [*_files(wanted.panoramas)]
    device = wanted.device or ("cuda" if torch.cuda.is_available() else "cpu")
    run = open_run(wanted.run, wanted.ckpt_path, wanted.options, device)
    for panorama in panoramas:
        print(run.save(run.look(panorama), wanted.out), flush=True)


def _read(words: list[str]) -> _Wanted:
    plain, options = list[str](), list[str]()
    own: dict[str, str | None] = dict.fromkeys(_OWN)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("--"):
            plain.append(word)
        elif name in own:
            own[name] = value if equals else (words.pop(0) if words else "")
        else:
            options += [word] if equals else [word, *words[:1]]
            words = words if equals else words[1:]
    if len(plain) < 2:
        complain(_COMMAND, "a run and at least one panorama are needed", "")
    if not own["--out"]:
        complain(_COMMAND, "--out is needed: the folder that the stages go to", "")
    run, *panoramas = plain
    return _Wanted(
        run,
        [Path(each) for each in panoramas],
        Path(str(own["--out"])),
        own["--ckpt_path"],
        own["--device"],
        options,
    )


def _files(given: Sequence[Path]) -> Iterator[Path]:
    """The panoramas, those of folders in their place."""
    for path in given:
        if path.is_dir():
            yield from list_images(path).images
        elif path.is_file():
            yield path
        else:
            raise FileNotFoundError(f"{path}: there is no such panorama")
