from __future__ import annotations

import logging
import multiprocessing

from goodsam_pl.data.once import Reminder

log = logging.getLogger("goodsam_pl.tests")


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


def test_the_first_files_are_named_and_advice_is_given_once(caplog):
    reminder = Reminder(log, "do this", limit=2)
    for name in "abcde":
        reminder.warn(f"{name}.png is odd")
    expected = ["a.png is odd: do this", "b.png is odd"]
    assert messages(caplog) == [*expected, "more files of this kind are not named: do this"]
    reminder.forget()
    reminder.warn("f.png is odd")
    assert messages(caplog)[-1] == "f.png is odd: do this"


def test_forked_workers_count_together(caplog):
    reminder = Reminder(log, "do this", limit=1)
    worker = multiprocessing.get_context("fork").Process(target=reminder.warn, args=("a is odd",))
    worker.start()
    worker.join()
    reminder.warn("b is odd")
    reminder.warn("c is odd")
    assert messages(caplog) == ["more files of this kind are not named: do this"]
