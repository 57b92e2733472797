"""Run ``goodsam ablate`` with its trainings and tests as forks: by test_ablation.py, as a program.

Python and all that it imports start once; only the world is drawn by a process of the usual kind.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from functools import partial
from subprocess import Popen
from typing import IO, Any

import torch
from rich import progress

from goodsam_pl.cli import main
from goodsam_pl.experiments import runner


class Fork:
    """As much of a ``Popen`` as the runner uses."""

    returncode: int | None = None

    def __init__(self, words: list[str], stdout: IO[bytes], env: dict[str, str]) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            self._run(words, stdout, env)

    def poll(self) -> int | None:
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if ended:
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    @staticmethod
    def _run(words: list[str], stdout: IO[bytes], env: dict[str, str]) -> None:
        status = 1
        try:
            os.setsid()
            os.dup2(stdout.fileno(), 1)
            os.dup2(stdout.fileno(), 2)
            sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__  # in place of the bar's
            os.environ.update(env)
            main(words)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:  # noqa: BLE001  # whatever it was, this process ends here
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def start(command: list[str], **options: Any) -> Fork | Popen[bytes]:
    words = command[3:]  # python -m goodsam_pl
    if words[0] == "streetworld":
        return Popen(command, **options)
    return Fork(words, options["stdout"], options["env"])


if __name__ == "__main__":
    for name in ("callbacks", "cli.training", "modules", "sam"):
        importlib.import_module(f"goodsam_pl.{name}")
    torch.set_num_threads(1)
    runner.Popen = start
    progress.Progress = partial(progress.Progress, auto_refresh=False)  # no thread beside the forks
    main(sys.argv[1:])
