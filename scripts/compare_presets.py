"""Whether the presets of two versions of this project say the same, parts and defaults resolved.

python scripts/compare_presets.py 181e180

Each version parses its own presets with its own package, as `goodsam fit --print_config` does. What
was renamed between the two stands in compare_presets.toml. Every other difference is printed, and
ends the command with status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
RENAMES = Path(__file__).with_suffix(".toml")
NO_PRESETS = ("taxonomies/", "goodsam/ablation/")
MODEL = (  # of a protocol, which takes its model from a checkpoint
    "--model=goodsam_pl.modules.SourceSegmentation",
    "--model.network=goodsam_pl.networks.SegmentationNetwork",
)
CHECKPOINT = "goodsam_pl.callbacks.RunCheckpoint"
LOGGER = "lightning.pytorch.loggers.WandbLogger"
JOINT = "model.init_args.joint"
ABSENT = "(absent)"


def main() -> None:
    """Compare, print, and end with status 1 where something differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("old", nargs="?", help="a checkout, or a commit of this repository")
    parser.add_argument("new", nargs="?", default=str(ROOT), help="likewise; this one if left out")
    parser.add_argument("--resolve", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.resolve is not None:
        print(json.dumps([resolved(files) for files in arguments.resolve]))
        return
    if arguments.old is None:
        parser.error("name the older version")
    renames = tomllib.loads(RENAMES.read_text(encoding="utf-8"))
    with checkout(arguments.old) as old, checkout(arguments.new) as new:
        before = presets_of(old, renames)
        after = [[renames["files"].get(name, name) for name in files] for files in before]
        after = [[name for name in files if name] for files in after]
        left, right = resolved_by(old, before), resolved_by(new, after)
    gone = renames["gone"]
    found = [
        f"{' + '.join(files)}: {line}"
        for files, one, other in zip(before, left, right, strict=True)
        for line in differences(
            in_run_folder(without(renamed(one, renames), gone)),
            in_run_folder(without(dict(flat(other)), gone)),
        )
    ]
    print(*found, f"{len(before)} presets, {len(found)} differences", sep="\n")
    raise SystemExit(bool(found))


@contextlib.contextmanager
def checkout(version: str) -> Iterator[Path]:
    """The folder of a version; a commit is unpacked for as long as it is needed."""
    if Path(version).is_dir():
        yield Path(version).resolve()
        return
    words = ["git", "-C", str(ROOT), "archive", version, "src", "configs"]
    archive = subprocess.run(words, check=True, capture_output=True).stdout  # noqa: S603  # ours
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.TarFile(fileobj=io.BytesIO(archive)) as packed:
            packed.extractall(folder, filter="data")
        yield Path(folder)


def presets_of(folder: Path, renames: Mapping[str, Any]) -> list[list[str]]:
    """Every preset of the old version, and those that are laid over one another."""
    over = {name for files in renames["over"] for name in files[1:]}
    configs = folder / "configs"
    names = sorted(path.relative_to(configs).as_posix() for path in configs.rglob("*.yaml"))
    alone = [[name] for name in names if not name.startswith(NO_PRESETS) and name not in over]
    return [*alone, *renames["over"]]


def resolved_by(folder: Path, presets: list[list[str]]) -> list[dict[str, Any]]:
    """What the package of a checkout makes of its presets."""
    words = [sys.executable, str(Path(__file__).resolve()), "--resolve", json.dumps(presets)]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    # not in the checkout: parts must be found from anywhere
    environment["PRESETS"] = str(folder / "configs")
    with tempfile.TemporaryDirectory() as elsewhere:
        run = subprocess.run(  # noqa: S603  # ours
            words, check=False, capture_output=True, text=True, env=environment, cwd=elsewhere
        )
    if run.returncode:
        raise SystemExit(run.stderr)
    presets_resolved: list[dict[str, Any]] = json.loads(run.stdout.splitlines()[-1])
    return presets_resolved


def resolved(files: list[str]) -> dict[str, Any]:
    """Of one preset and those laid over it, by the package that is on the path."""
    from goodsam_pl.cli import main as goodsam  # noqa: PLC0415  # of one of the two versions

    given = [name if name.startswith("--") else f"--config={name}" for name in files]
    options = [each.replace("=", f"={os.environ['PRESETS']}/") for each in given]
    words = ["test", *MODEL] if files[0].startswith("evaluation/") else ["fit"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            goodsam([*words, *options, "--print_config"])
        except SystemExit as end:
            if end.code:
                raise SystemExit(f"{files}: ended with {end.code}") from end
    tree: dict[str, Any] = yaml.safe_load(said.getvalue())
    return tree


def renamed(tree: dict[str, Any], renames: Mapping[str, Any]) -> dict[str, Any]:
    """All values of an old configuration by path of keys, under the names of the new version."""
    old = dict(flat(tree))
    joint = old.pop(JOINT, None)  # the flag of a class that is two by now
    keys = renames["keys"] | (renames["joint"] if joint else {})
    values = {
        new_name(key, keys): renames["values"].get(value, value)
        if isinstance(value, str)
        else value
        for key, value in old.items()
    }
    if joint:
        values["model.class_path"] = "goodsam_pl.modules.JointDistillation"
    return without(values, renames["alone"] if joint is False else {})


def without(values: dict[str, Any], gone: Mapping[str, Any]) -> dict[str, Any]:
    """Values but for those that the other version lacks, where they have no effect."""
    return {key: value for key, value in values.items() if key not in gone or value != gone[key]}


def new_name(key: str, names: Mapping[str, str]) -> str:
    """A path of keys whose beginning was renamed."""
    for old, new in names.items():
        if key == old or key.startswith(f"{old}."):
            return new + key[len(old) :]
    return key


def in_run_folder(values: dict[str, Any]) -> dict[str, Any]:
    """Fill in what follows from the folder of the run, which was written three times.

    Checkpoints and the files of W&B lie there, and W&B's name for the run is made of its path.
    """
    root = str(values.get("trainer.default_root_dir"))
    name = "-".join(Path(root).parts[-2:]).replace("_", "-")
    follow = {"dirpath": (None, root), "save_dir": (".", root), "name": (None, name)}
    filled = {}
    for key, value in values.items():
        start, _, last = key.rpartition(".init_args.")
        unsaid, said = follow.get(last, (ABSENT, value))
        ours = values.get(f"{start}.class_path") in {CHECKPOINT, LOGGER}
        filled[key] = said if ours and value == unsaid else value
    return filled


def flat(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no mapping and no list, by the keys and numbers that lead to it."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from flat(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list) and tree:
        for index, value in enumerate(tree):
            yield from flat(value, f"{path}.{index}")
    else:
        yield path, tree


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """One line for each value that is not the same."""
    for key in sorted({*old, *new}):
        one, other = old.get(key, ABSENT), new.get(key, ABSENT)
        if one != other or type(one) is not type(other):
            yield f"{key}: {one!r}, now {other!r}"


if __name__ == "__main__":
    main()
