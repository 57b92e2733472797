"""Errors that torch brings from other processes as text."""

from __future__ import annotations

import builtins
import traceback

import pytest
import torch
from torch._utils import ExceptionWrapper

import goodsam_pl
from goodsam_pl.cli.errors import for_the_user
from goodsam_pl.taxonomy import get_taxonomy

OURS = f"{goodsam_pl.__path__[0]}/data/files.py"


def in_a_worker(raising):
    """The error as a loader's worker would bring it."""
    try:
        raising()
    except Exception:  # noqa: BLE001  # as torch does
        wrapped = ExceptionWrapper(where="in DataLoader worker process 0")
    with pytest.raises(Exception, match="Caught") as caught:
        wrapped.reraise()
    return caught.value


def raising(error, cause=None):
    """A function that raises, as if it stood in the package."""
    names = {"error": error, "cause": cause}
    exec(compile("def function():\n    raise error from cause\n", OURS, "exec"), names)  # noqa: S102  # to stand in a file of ours
    return names["function"]


def test_our_error_keeps_its_message():
    told = for_the_user(in_a_worker(lambda: get_taxonomy("nothing")))
    assert told.startswith("unknown taxonomy 'nothing'; known: ")
    assert for_the_user(in_a_worker(raising(ValueError("a.png: broken\nremove it")))) == (
        "a.png: broken\nremove it"
    )


@pytest.mark.parametrize("kind", ["FileNotFoundError", "PermissionError"])
def test_files_whoever_misses_them(kind):
    def function():
        raise getattr(builtins, kind)(2, "not there", "a.png")

    assert for_the_user(in_a_worker(function)) == "[Errno 2] not there: 'a.png'"


def test_a_cause_of_ours_is_found():
    def function():
        try:
            raising(ValueError("a.png: broken"))()
        except ValueError as error:
            raise RuntimeError("wrapped") from error

    assert for_the_user(in_a_worker(function)) == "a.png: broken"


def test_our_error_hides_what_caused_it():
    error = in_a_worker(raising(ValueError("a.png: broken"), OSError("truncated")))
    assert for_the_user(error) == "a.png: broken"


def test_an_error_that_is_not_ours_is_not_told():
    assert for_the_user(in_a_worker(lambda: int("x"))) is None
    assert for_the_user(in_a_worker(lambda: {}["key"])) is None


def test_another_process():
    def failing():
        raising(ValueError("a.png: broken"))()

    with pytest.raises(ValueError, match="broken") as caught:
        failing()
    text = "".join(traceback.format_exception(caught.value))
    message = f"\n\n-- Process 1 terminated with the following error:\n{text}"
    error = torch.multiprocessing.ProcessRaisedException(message, 1, 1)
    assert for_the_user(error) == "a.png: broken"


def test_a_missing_extra_is_told_and_a_broken_import_is_not():
    def broken():
        import no_such_module  # noqa: F401, PLC0415

    with pytest.raises(ModuleNotFoundError) as missing:
        broken()
    assert for_the_user(missing.value) is None
    assert for_the_user(ModuleNotFoundError("run `pip install av`")) == "run `pip install av`"
