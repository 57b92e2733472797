from __future__ import annotations

import gc
import sys
from types import ModuleType

import pytest

from goodsam_pl.cli import functions, main
from goodsam_pl.cli.imports import without_collection
from goodsam_pl.cli.verbs import FunctionVerb


@pytest.mark.parametrize("collects", [True, False])
def test_python_collects_again_as_before(collects):
    try:
        (gc.enable if collects else gc.disable)()
        with without_collection():
            assert not gc.isenabled()
        assert gc.isenabled() == collects
        with pytest.raises(ImportError), without_collection():
            raise ImportError
        assert gc.isenabled() == collects
    finally:
        gc.enable()


def test_what_a_verb_needs_is_imported_without(workplace, monkeypatch, capsys):
    """And runs with: both are told by a module that is imported for the first time."""
    (workplace / "bakery.py").write_text(
        "import gc\nimporting = gc.isenabled()\n\n\n"
        "def bake() -> str:\n    return f'{importing} {gc.isenabled()}'\n"
    )
    monkeypatch.syspath_prepend(str(workplace))
    functions.run_function("bake", FunctionVerb("bakery:bake", "Bake."), [])
    assert capsys.readouterr().out == "False True\n"


def test_a_training_is_imported_without_and_runs_with(monkeypatch, config):
    seen = []

    class Training(ModuleType):
        def __getattr__(self, name):  # asked by the import
            if name != "train":
                raise AttributeError(name)
            seen.append(gc.isenabled())
            return lambda args: seen.append(gc.isenabled())

    monkeypatch.setitem(sys.modules, "goodsam_pl.cli.training", Training("training"))
    main(["fit", "--config", config])
    assert seen == [False, True]
