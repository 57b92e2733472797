"""Our command line in processes of their own that need not import torch and Lightning again.

:class:`WarmProcess` is as much of :class:`subprocess.Popen` as the tests use, for ``python -m
goodsam_pl …`` and for programs of the tests. The process is forked from a server that has all
imports behind it, and gets its own words, folder, environment, streams, status and number, to which
signals are sent. What Python does before its first line, such as the encoding of streams, is the
server's; a test of that starts a usual process, and ``test_warm_start.py`` compares both.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

ADDRESS = "GOODSAM_TESTS_WARM_SERVER"
"""The environment variable that tells processes of a test where their server listens."""

Stream = int | IO[Any] | None


def is_warm(command: Sequence[str]) -> bool:
    """Whether a command is one that the server runs."""
    modules = (["-m", "goodsam_pl"], ["-m", "goodsam_pl.__main__"])
    return command[0] == sys.executable and (
        list(command[1:3]) in modules or str(command[1]).endswith(".py")
    )


class WarmProcess:
    """A process of the server's.

    Args:
        command: ``[sys.executable, "-m", "goodsam_pl", …]`` or a program's file in place of ``-m``.
        cwd: where it runs; ``None`` for here.
        env: its environment; ``None`` for ours.
        stdout, stderr: as :class:`subprocess.Popen` takes them.
    """

    def __init__(
        self,
        command: Sequence[object],
        *,
        cwd: str | Path | None = None,
        env: Mapping[str, str] | None = None,
        stdout: Stream = None,
        stderr: Stream = None,
    ) -> None:
        words = [str(word) for word in command]
        assert is_warm(words), words
        self.args = words
        self.returncode: int | None = None
        self._buffer = b""
        self._read: dict[str, int] = {}
        opened = [os.open(os.devnull, os.O_RDONLY)]
        streams = [opened[0]]
        for name, stream in (("stdout", stdout), ("stderr", stderr)):
            if stream == subprocess.PIPE:
                self._read[name], number = os.pipe()
                opened.append(number)
            elif stream == subprocess.DEVNULL:
                number = os.open(os.devnull, os.O_WRONLY)
                opened.append(number)
            elif stream is None:
                number = {"stdout": 1, "stderr": 2}[name]
            else:
                number = stream if isinstance(stream, int) else stream.fileno()
            streams.append(number)
        environment = dict(os.environ if env is None else env)
        environment[ADDRESS] = address = environment.get(ADDRESS) or _address()
        asked = {
            "words": words[1:],
            "cwd": str(Path.cwd() if cwd is None else cwd),
            "environment": environment,
        }
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(address)
        message = json.dumps(asked).encode()
        sent = socket.send_fds(self._connection, [message], streams)
        self._connection.sendall(message[sent:])
        self._connection.shutdown(socket.SHUT_WR)
        for number in opened:
            os.close(number)
        self.pid = int(self._line(None) or "0")
        assert self.pid, "the server has ended"

    def _line(self, timeout: float | None) -> str:
        """The next line of the keeper's.

        Raises:
            TimeoutError: there is none yet.
        """
        self._connection.settimeout(timeout)
        while b"\n" not in self._buffer:
            try:
                more = self._connection.recv(64)
            except BlockingIOError as error:
                raise TimeoutError from error
            if not more:
                return ""
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode()

    def poll(self) -> int | None:
        """The status, where it has ended."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The status; minus the number of a signal that ended it."""
        if self.returncode is None:
            try:
                self.returncode = int(self._line(timeout))
            except TimeoutError as error:
                raise subprocess.TimeoutExpired(self.args, timeout or 0) from error
            self._connection.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL, if it has not ended."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str | None, str | None]:
        """What it wrote to its pipes, and wait for its end."""
        found: dict[str, str] = {}

        def read(name: str, number: int) -> None:
            with os.fdopen(number, encoding="utf-8") as pipe:
                found[name] = pipe.read()

        readers = [threading.Thread(target=read, args=each) for each in self._read.items()]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        return found.get("stdout"), found.get("stderr")


def run(
    command: Sequence[object],
    *,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 600,
) -> subprocess.CompletedProcess[str]:
    """As :func:`subprocess.run` with ``capture_output`` and ``text``."""
    process = WarmProcess(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, error = process.communicate(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.wait(), out, error)


_server: list[str] = []


def _address() -> str:
    """Where the server of this process listens; started when it is first asked for."""
    if not _server:
        folder = tempfile.TemporaryDirectory(prefix="warm")
        path = f"{folder.name}/socket"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen(64)
        number = listening.fileno()
        program = [sys.executable, str(Path(__file__).with_name("warm_server.py")), str(number)]
        process = subprocess.Popen(program, pass_fds=[number], stdin=subprocess.DEVNULL)
        listening.close()
        _server.append(path)

        def stop() -> None:
            with socket.socket(socket.AF_UNIX) as last:
                last.connect(path)  # an empty request
            process.wait()
            folder.cleanup()

        atexit.register(stop)
    return _server[0]
