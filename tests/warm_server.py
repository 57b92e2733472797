"""Forks that run our command line: Python, torch and Lightning are imported once for all of them.

Run as a program by ``warm_start.py``, with the number of a listening socket. A request is one
message: what to run, and the three standard streams. For each, a keeper is forked, which forks the
process that was asked for, sends its number, waits, and sends its status. No thread has been
started and no gradient computed before.
"""

from __future__ import annotations

import array
import atexit
import gc
import importlib
import json
import os
import runpy
import socket
import sys
import threading
import traceback
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from warm_start import WarmProcess, is_warm

IMPORTED = (
    "goodsam_pl.cli.training",
    "goodsam_pl.cli.functions",
    "goodsam_pl.cli.masks.compute",
    "goodsam_pl.experiments.command",
    "goodsam_pl.streetworld.export",
)
LAUNCHER = "lightning.pytorch.strategies.launchers.subprocess_script"


def serve(listening: socket.socket) -> None:
    """Until nobody can ask any more."""
    listening.settimeout(5)
    parent = os.getppid()
    while True:
        _clear_away()
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            if os.getppid() != parent:  # it was killed
                return
            continue
        message, streams = _request(connection)
        if not message:
            return
        if os.fork() == 0:
            listening.close()
            _keep(connection, message, streams)
        connection.close()
        for stream in streams:
            os.close(stream)


def _clear_away() -> None:
    """Take leave of keepers that have ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:  # there are none
        pass


def _request(connection: socket.socket) -> tuple[bytes, list[int]]:
    """The bytes of a request until they end, and the streams that came with the first."""
    numbers = array.array("i")
    first, ancillary, _, _ = connection.recvmsg(2**16, socket.CMSG_SPACE(3 * numbers.itemsize))
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            numbers.frombytes(content)
    parts = [first]
    while parts[-1]:
        parts.append(connection.recv(2**16))
    return b"".join(parts), list(numbers)


def _keep(connection: socket.socket, message: bytes, streams: list[int]) -> None:
    worker = os.fork()
    if worker == 0:
        connection.close()
        _work(json.loads(message), streams)
    connection.sendall(f"{worker}\n".encode())
    _, status = os.waitpid(worker, 0)
    connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _work(asked: dict[str, Any], streams: list[int]) -> None:
    """Be the process that was asked for, from its first line to its status."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    _open_streams()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    words = asked["words"]
    as_module = words[0] == "-m"
    first = asked["cwd"] if as_module else str(Path(words[0]).resolve().parent)
    further = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    sys.path[:] = [first, *further, *INSTALLED]
    sys.argv[:] = words[1:] if as_module else words
    launcher = sys.modules[LAUNCHER]
    launcher.subprocess = SimpleNamespace(Popen=_launched)  # type: ignore[attr-defined]
    status: object = 0
    try:
        if as_module:
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001  # as Python itself does
        traceback.print_exc()
        status = 1
    _end(status)


def _open_streams() -> None:
    """As Python does; the server's own, which loggers may hold, lead to the same files."""
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(  # noqa: SIM115
        2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]


def _launched(command: list[str], env: dict[str, str], cwd: str | None) -> WarmProcess:
    """A further process of a training, as Lightning starts it."""
    if not is_warm(command):
        raise AssertionError(f"not a program of ours: {command}")
    return WarmProcess(command, env=env, cwd=cwd)


def _end(status: object) -> None:
    if isinstance(status, str):
        print(status, file=sys.stderr)
    threading._shutdown()  # type: ignore[attr-defined]  # as Python's end does
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    further = [each for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each]
    INSTALLED = sys.path[1 + len(further) :]
    gc.disable()
    for name in (*IMPORTED, LAUNCHER):
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
    assert threading.active_count() == 1
    serve(socket.socket(fileno=int(sys.argv[1])))
