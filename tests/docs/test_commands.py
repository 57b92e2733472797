"""Everything that README, docs and configurations tell a user to run runs, shortened by options.

A command that cannot be run here stands in ``roads.NOT_RUN`` with the reason; a new one that
stands nowhere, an option that is gone, a file that nobody made: each fails.
"""

from __future__ import annotations

import configparser
import inspect
import pkgutil
import re
import runpy
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import wandb
import yaml

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "sam"))
sys.path.insert(0, str(Path(__file__).parents[1] / "video"))
sys.path.insert(0, str(Path(__file__).parent))
from given import GIVEN
from pages import (
    CONFIGS,
    LANGUAGES,
    PAGES,
    ROOT,
    Step,
    code_languages,
    fragments,
    indented_commands,
    steps_of,
)
from roads import HUB, IN_LISTS, NOT_RUN, PLACEHOLDERS, ROADS, SHORTER, is_page, steps

from goodsam_pl.cli.verbs import FUNCTIONS, GROUPS, TRAINING, WITH_CONFIG
from preset_files import ROADS as ROADS_OF_PRESETS

EVERY = [step for page in (*PAGES, *CONFIGS) for step in steps_of(page)]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as a clone is, with what is downloaded or long replaced in the configurations."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    for path in (tmp_path / "configs").rglob("*.yaml"):
        text = without_hub(path.read_text(encoding="utf-8"))
        for long, short in IN_LISTS.items():
            text = text.replace(long, short)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    return tmp_path


@pytest.fixture(autouse=True)
def _one_wandb_run_each() -> Iterator[None]:
    yield
    wandb.finish()


@pytest.mark.slow
@pytest.mark.parametrize("road", ROADS)
def test_everything_that_is_told_runs(
    road: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ROADS[road]:
        GIVEN[name](Path(name))
    python: dict[str, object] = {"__name__": "__main__"}
    for step in steps(road):
        with saying(step):
            if step.file is not None:
                path = place / step.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(without_hub(step.text), encoding="utf-8")
            elif step.kind == "python":
                with monkeypatch.context() as patch:
                    patch.syspath_prepend(str(place))  # as python does for a script
                    exec(compile(step.text, str(step), "exec"), python)  # noqa: S102  # our page
            elif not reason_not_to_run(step.text) and not is_mention(step.text):
                run(shorter(step.text), monkeypatch)


@contextmanager
def saying(step: Step) -> Iterator[None]:
    """Name the page and the line of what fails, and how long all took."""
    started = time.monotonic()
    try:
        yield
    except (Exception, SystemExit) as error:
        raise AssertionError(f"{step}\nfails: {error!r}") from error
    finally:
        print(f"== {time.monotonic() - started:.1f} s: {step}")


def run(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a command in this process, as its console script would."""
    program, *words = shlex.split(command)
    if program == "python":
        words = words[1:] if words[0] == "-m" else words
        if words[0].endswith(".py"):  # as python does for a script
            monkeypatch.syspath_prepend(str(Path(words[0]).parent))
        start: Callable[[], object] = (
            (lambda: runpy.run_path(words[0], run_name="__main__"))
            if words[0].endswith(".py")
            else (lambda: runpy.run_module(words[0], run_name="__main__"))
        )
        argv = words
    elif program in console_scripts():
        start, argv = pkgutil.resolve_name(console_scripts()[program]), [program, *words]
    else:
        raise AssertionError("not a command of ours: give the reason in roads.NOT_RUN")
    monkeypatch.setattr(sys, "argv", argv)
    try:
        start()
    except SystemExit as end:
        if end.code:
            raise
    finally:
        wandb.finish()


def console_scripts() -> dict[str, str]:
    """What our commands call."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = setup["options.entry_points"]["console_scripts"].strip().splitlines()
    return dict(line.replace(" ", "").split("=") for line in lines)


def shorter(command: str) -> str:
    """A command with small stand-ins for what it downloads, and the options that make it short."""
    command = with_paths(command)
    options = [added for found, added in SHORTER.items() if re.search(found, command)]
    return " ".join([command, *options])


def with_paths(command: str) -> str:
    """A command in which every word is a name that the folder of the test has."""
    command = without_hub(command)
    for word, path in PLACEHOLDERS.items():
        command = re.sub(rf"(?<= ){re.escape(word)}(?= |$)", path, command)
    return command


def without_hub(text: str) -> str:
    """Put the small stand-ins in the place of what would be downloaded."""
    for name, local in HUB.items():
        text = text.replace(name, local)
    return text


def reason_not_to_run(command: str) -> str | None:
    """The reason, or ``None`` for a command that is run."""
    return next((why for start, why in NOT_RUN.items() if command.startswith(start)), None)


def is_mention(command: str) -> bool:
    """Whether a verb is only named."""
    program, *words = command.split()
    verbs = {*TRAINING, *FUNCTIONS, *WITH_CONFIG, *GROUPS}
    verbs |= {f"{group} {verb}" for group, each in GROUPS.items() for verb in each.verbs}
    return program in console_scripts() and " ".join(words) in verbs


def test_every_page_and_every_configuration_is_on_a_road() -> None:
    assert sorted(page for road in ROADS if is_page(road) for page in road.split()) == PAGES
    left = {config.rpartition("/")[0] for config in CONFIGS}
    assert {road for road in ROADS if not is_page(road)} == {
        folder for folder in left if steps(folder)
    }


def test_every_configuration_is_run_by_a_command() -> None:
    run_by_somebody = " ".join(
        step.text for road in ROADS for step in steps(road) if not reason_not_to_run(step.text)
    )
    presets = [each for each in CONFIGS if each.split("/")[1] in ROADS_OF_PRESETS]
    presets = [each for each in presets if "/parts/" not in each]
    assert [preset for preset in presets if preset not in run_by_somebody] == []


def test_every_part_is_part_of_something() -> None:
    by_options = {"b1", "b2", "daformer_b0", "smp", "sam3", "grounded_sam"}
    texts = [(ROOT / config).read_text("utf-8") for config in CONFIGS]
    named = {name for text in texts for name in re.findall(r"/([\w-]+)\.yaml", text)}
    others = {*ROADS_OF_PRESETS, "taxonomies"}
    parts = [each for each in CONFIGS if each.split("/")[1] not in others]
    assert parts
    assert {Path(part).stem for part in parts} - named == by_options - named


def test_tables_have_no_stale_entry() -> None:
    commands = [step.text for step in EVERY if step.kind == "command"]
    shown = [step.text for step in EVERY] + [(ROOT / each).read_text("utf-8") for each in CONFIGS]
    run_here = [each for each in commands if not reason_not_to_run(each)]
    stale = [start for start in NOT_RUN if not any(each.startswith(start) for each in commands)]
    paths = [with_paths(each) for each in run_here]
    stale += [found for found in SHORTER if not any(re.search(found, each) for each in paths)]
    stale += [name for name in [*HUB, *IN_LISTS] if not any(name in each for each in shown)]
    stale += [word for word in PLACEHOLDERS if not any(word in each.split() for each in run_here)]
    stale += [name for name in GIVEN if not any(name in given for given in ROADS.values())]
    assert stale == []


@pytest.mark.parametrize("page", PAGES)
def test_code_of_a_page_is_where_it_is_found(page: str) -> None:
    assert {*code_languages(page)} <= LANGUAGES
    assert indented_commands(page) == []
    for step in steps_of(page):
        if step.file and step.file.endswith(".yaml"):
            assert isinstance(yaml.safe_load(step.text), dict)
    for fragment in fragments(page):
        objects = [*described(yaml.safe_load(fragment))]
        assert objects, "name the file in the first line of the block, so that it is tried"
        for each in objects:
            signature = inspect.signature(pkgutil.resolve_name(each["class_path"]))
            signature.bind_partial(**each.get("init_args", {}))


def described(content: object) -> Iterator[dict[str, Any]]:
    """Everything in a configuration that is an object by its class path."""
    if isinstance(content, dict) and "class_path" in content:
        yield content
    if isinstance(content, (dict, list)):
        for each in content.values() if isinstance(content, dict) else content:
            yield from described(each)


def test_every_target_that_is_named_is_a_target() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*## ", text, re.MULTILINE))
    named = {name for step in EVERY for name in re.findall(r"\bmake ([a-z]+)", step.text)}
    assert named
    assert named <= targets


def test_a_line_that_is_broken_fails(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (
        "goodsam streetworld --out world --no_such_option 1",
        "lightning fit --config configs/no_such_file.yaml",
        "goodsam masks verify path/to/nothing",
    ):
        with pytest.raises(SystemExit) as stopped:
            run(command, monkeypatch)
        assert stopped.value.code == 2
    with pytest.raises(AssertionError, match="NOT_RUN"):
        run("rm everything", monkeypatch)


def test_make_test_runs_notebooks_and_ci_runs_what_contributors_run() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^test:.*\n\t(.*)$", makefile, re.MULTILINE)
    assert recipe is not None
    assert recipe[1].endswith("--nbmake tests notebooks")
    script = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert [line for line in script if line.startswith("make ")] == [
        "make lint",
        "make docs",
        "make test",
    ]
