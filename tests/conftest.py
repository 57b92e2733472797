"""What all tests share."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# A deadline would turn a busy machine into a failure; speed is never asserted here.
settings.register_profile("goodsam", deadline=None, max_examples=50)
settings.load_profile("goodsam")

# Data loaders fork workers around torch; two threads a process keep small machines responsive.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("WANDB_MODE", "offline")
# A run needs no list of packages and no watch over the machine: a second of each of many runs.
os.environ.setdefault("WANDB_X_SAVE_REQUIREMENTS", "false")
os.environ.setdefault("WANDB_X_DISABLE_STATS", "true")
os.environ.setdefault("WANDB_X_DISABLE_META", "true")

# A script that starts the tests in its background has SIGINT ignored, and so would what they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Make a folder one that is only read, whoever the tests run as."""

    def make(folder: Path) -> None:
        def refuse(path: object, what: bool = True) -> None:
            if what and Path(os.fsdecode(path)).resolve().is_relative_to(folder.resolve()):
                raise OSError(errno.EROFS, "Read-only file system", os.fsdecode(path))

        def refusing(name: str) -> None:
            do = getattr(os, name)

            def refused(path: object, *args: object, **named: object) -> object:
                refuse(path, name != "mkdir" or not Path(os.fsdecode(path)).exists())
                return do(path, *args, **named)

            monkeypatch.setattr(os, name, refused)

        for name in ("mkdir", "unlink", "rename", "replace", "truncate", "utime", "chmod"):
            refusing(name)
        open_descriptor, open_path = os.open, Path.open
        writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

        def open_(path: object, flags: int, *args: object, **named: object) -> int:
            refuse(path, bool(flags & writing))
            return open_descriptor(path, flags, *args, **named)

        def opened(path: Path, mode: str = "r", *args: object, **named: object) -> object:
            refuse(path, bool(set(mode) & set("wax+")))
            return open_path(path, mode, *args, **named)

        monkeypatch.setattr(os, "open", open_)
        monkeypatch.setattr(Path, "open", opened)

    return make
