"""One process decides, all have its answer or its refusal."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from goodsam_pl.callbacks.first_process import on_first_process


class Wire:
    """Hands what the first process says to every other one, as a strategy's broadcast does."""

    def __init__(self):
        self.said = None

    def trainer(self, rank):
        def broadcast(value):
            if rank == 0:
                self.said = value
            return self.said

        return SimpleNamespace(
            is_global_zero=rank == 0, strategy=SimpleNamespace(broadcast=broadcast)
        )


def refuse():
    raise ValueError("the folder is another's")


def must_not_run():
    raise AssertionError("only the first process asks")


@pytest.mark.parametrize("answer", [[3, 1], 0, None])
def test_all_processes_have_the_answer_of_the_first(answer):
    wire = Wire()
    assert on_first_process(wire.trainer(0), lambda: answer) == answer
    assert on_first_process(wire.trainer(1), must_not_run) == answer


def test_all_processes_refuse_with_the_first():
    wire = Wire()
    for rank, function in ((0, refuse), (1, must_not_run)):
        with pytest.raises(ValueError, match=r"^the folder is another's$"):
            on_first_process(wire.trainer(rank), function)


def test_other_errors_are_those_of_the_first_process_alone():
    wire = Wire()
    with pytest.raises(AssertionError, match="only the first"):
        on_first_process(wire.trainer(0), must_not_run)
    assert wire.said is None
