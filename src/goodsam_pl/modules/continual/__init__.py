"""Continual SAM: one domain after another is learned, and none forgotten."""
