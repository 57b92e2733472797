"""A page in a real browser without a screen: Chromium, spoken to through a pair of pipes.

The pipes carry the DevTools protocol, one JSON message ended by a zero byte, so that neither a
driver nor a websocket is needed: ``apt-get install chromium`` is enough. ``GOODSAM_CHROMIUM`` names
another browser than the one that is found. Rendering is by software, as on machines of CI.
"""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from PIL import Image

__all__ = ["BrowserError", "Chromium", "Page", "chromium_path"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # of root, whom CI and containers run as
    "--disable-dev-shm-usage",  # small in containers
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-pipe",
)
_PATIENCE = 120.0  # seconds: machines of CI are slow, and nothing is waited for in vain


class BrowserError(RuntimeError):
    """The browser does not answer, or says that something went wrong."""


def chromium_path() -> str | None:
    """Where a Chromium is; ``None`` without one."""
    chosen = os.environ.get("GOODSAM_CHROMIUM")
    return chosen or next((path for name in _NAMES if (path := shutil.which(name))), None)


@dataclass
class Page:
    """A tab.

    Attributes:
        complaints: errors and warnings of the page, and exceptions that nobody caught.
        requests: addresses that it asked for.
    """

    browser: Chromium
    session: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    loaded: int = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol."""
        return self.browser.call(method, self.session, **parameters)

    def open(self, path: Path) -> None:
        """Open a file from disk, and wait until it is loaded."""
        before = self.loaded
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.browser.wait_until(lambda: self.loaded > before)

    def run(self, script: str) -> Any:
        """The value of an expression, awaited if it is a promise.

        Raises:
            BrowserError: it raises.
        """
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def picture(self) -> Image.Image:
        """What is seen, RGB."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        content = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        return Image.open(io.BytesIO(content)).convert("RGB")

    def size(self, width: int, height: int, *, touch: bool = False) -> None:
        """Give the window a size in pixels, and fingers to touch it with."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=touch,
        )
        self.call("Emulation.setTouchEmulationEnabled", enabled=touch)

    def prefer(self, scheme: str) -> None:
        """Let the system be light or dark."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        text = {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """``mousePressed``, ``mouseMoved``, ``mouseReleased`` or ``mouseWheel`` at a place."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """``touchStart``, ``touchMove`` or ``touchEnd`` with fingers at these places."""
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.call("Input.dispatchTouchEvent", type=kind, touchPoints=places)

    def note(self, method: str, parameters: Mapping[str, Any]) -> None:
        """Remember what the browser says by itself."""
        if method == "Page.loadEventFired":
            self.loaded += 1
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(parameters["exceptionDetails"])[:1000])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] != "log":
            self.complaints.append(json.dumps(parameters["args"])[:1000])
        elif method == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])


class Chromium:
    """A browser that runs from ``with`` to its end.

    Args:
        path: of the program.

    Attributes:
        process: its number, once it runs.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._number = 0
        self._unread = b""
        self._answers: dict[int, dict[str, Any]] = {}
        self._pages: dict[str, Page] = {}

    def __enter__(self) -> Self:
        reads, self._send = _pipe()
        self._receive, writes = _pipe()
        arguments = [self._path, *_OPTIONS, f"--user-data-dir={self._profile.name}", "about:blank"]
        self.process = os.posix_spawn(
            self._path,
            arguments,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_DUP2, reads, 3),  # the numbers are Chromium's own choice
                (os.POSIX_SPAWN_DUP2, writes, 4),
            ],
            setpgroup=0,
        )
        os.close(reads)
        os.close(writes)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._send)
        os.close(self._receive)
        os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        self._profile.cleanup()

    def page(self, width: int = 1280, height: int = 720) -> Page:
        """Open a tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.size(width, height)
        return page

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer.

        Raises:
            BrowserError: it is refused, or there is no answer.
        """
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        self._write(json.dumps(message).encode() + b"\0")
        self.wait_until(lambda: number in self._answers)
        answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def wait_until(self, happened: Any) -> None:
        """Listen until something has happened.

        Raises:
            BrowserError: the browser is gone, or silent for two minutes.
        """
        until = time.monotonic() + _PATIENCE
        while not happened():
            ready, _, _ = select.select([self._receive], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise BrowserError(f"Chromium has not answered for {_PATIENCE:.0f} s")
            read = os.read(self._receive, 1 << 20)
            if not read:
                raise BrowserError("Chromium has ended by itself")
            *messages, self._unread = (self._unread + read).split(b"\0")
            for message in messages:
                self._hear(json.loads(message))

    def _hear(self, message: dict[str, Any]) -> None:
        if "id" in message:
            self._answers[message["id"]] = message
        elif message.get("sessionId") in self._pages:
            self._pages[message["sessionId"]].note(message["method"], message["params"])

    def _write(self, content: bytes) -> None:
        while content:
            content = content[os.write(self._send, content) :]


def _pipe() -> tuple[int, int]:
    """Both ends, numbered above those that Chromium expects."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return moved[0], moved[1]
