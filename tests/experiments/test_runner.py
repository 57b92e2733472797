from __future__ import annotations

import os
import signal
import subprocess
from types import SimpleNamespace

import pytest

from goodsam_pl.experiments import runner
from goodsam_pl.experiments.jobs import Job
from goodsam_pl.experiments.runner import is_done, log_of, run_jobs

FLOUR = Job("flour", "mill grind", {"fine": True, "out": "<out>"})
WATER = Job("water", "draw", {})
DOUGH = Job("dough", "knead", {"flour": FLOUR.mark}, (FLOUR, WATER))
SALT = Job("salt", "mine", {})
BREAD = Job("bread", "bake", {}, (DOUGH,))


class Oven:
    """Processes that end when they are asked to, and remember how many there were at a time."""

    def __init__(self):
        self.begun, self.running, self.most = [], {}, 0
        self.statuses = {}

    def __call__(self, command, **options):
        name = command[3]
        self.begun.append(name)
        self.running[name] = None
        self.most = max(self.most, len(self.running))
        return SimpleNamespace(returncode=self.statuses.get(name, 0), poll=lambda: self.poll(name))

    def poll(self, name):
        """The first that began ends first, one at a look."""
        if next(iter(self.running)) != name:
            return None
        del self.running[name]
        return self.statuses.get(name, 0)


@pytest.fixture
def oven(monkeypatch):
    fake = Oven()
    monkeypatch.setattr(runner, "Popen", fake)
    monkeypatch.setattr(runner, "_PATIENCE", 0.001)
    return fake


def run(out, places, jobs=(FLOUR, WATER, DOUGH, BREAD, SALT)):
    return list(run_jobs(jobs, out, [{}] * places, 0))


def test_each_begins_after_its_inputs_and_the_first_in_order_before_others(oven, tmp_path):
    ended = run(tmp_path, 1)
    assert [job.name for job, _ in ended] == ["flour", "water", "dough", "bread", "salt"]
    assert all(failure is None for _, failure in ended)
    assert oven.most == 1
    assert all(is_done(job, tmp_path) for job, _ in ended)


def test_as_many_at_a_time_as_there_are_places(oven, tmp_path):
    run(tmp_path, 2)
    assert oven.most == 2
    assert oven.begun.index("mine") < oven.begun.index("bake")  # it has to wait for nothing


def test_what_needs_a_failed_one_is_not_begun(oven, tmp_path):
    oven.statuses = {"draw": 3}
    ended = run(tmp_path, 1)
    assert [(job.name, failure) for job, failure in ended] == [
        ("flour", None), ("water", "ended with status 3"), ("salt", None),
    ]  # fmt: skip
    assert not is_done(WATER, tmp_path)


def test_what_is_there_already_is_waited_for_by_nobody(oven, tmp_path):
    assert [job.name for job, _ in run(tmp_path, 1, (DOUGH,))] == ["dough"]


def test_a_command_has_its_options_and_its_log(tmp_path):
    """The real command, which does not know such a verb."""
    [(job, failure)] = run_jobs([FLOUR], tmp_path, [{}], os.open(os.devnull, os.O_RDONLY))
    assert (job, failure) == (FLOUR, "ended with status 2")
    assert log_of(FLOUR, tmp_path).name == "mill_grind.log"
    assert "there is no verb 'mill'" in log_of(FLOUR, tmp_path).read_text()
    words = runner._words(FLOUR, tmp_path)
    assert words == ["mill", "grind", "--fine=true", f"--out={FLOUR.folder(tmp_path)}"]


def test_a_signal_while_a_process_starts_comes_once_it_is_known(monkeypatch, tmp_path):
    """And ends the process with us."""
    started = []

    def start(*args):
        os.kill(os.getpid(), signal.SIGINT)
        started.append(subprocess.Popen(["/bin/sleep", "600"], start_new_session=True))
        return started[0]

    monkeypatch.setattr(runner, "_start", start)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 1)
    assert started[0].returncode == -signal.SIGKILL
