"""What stands in a street: one function an object, modelled in metres from tapered boxes & co."""

from __future__ import annotations
