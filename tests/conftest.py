"""What all tests share."""

from __future__ import annotations

import os
import signal

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
