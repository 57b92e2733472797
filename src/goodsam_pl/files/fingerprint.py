"""A hash of plain values, by which what was made with them is found again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["fingerprint_of"]


def fingerprint_of(values: Mapping[str, Any]) -> str:
    """SHA-256 of values that JSON has, whatever their order: 64 hexadecimal digits."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
