"""The packages that ONNX files need, which are an extra."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["need_onnx"]

_PACKAGES = ("onnx", "onnxruntime", "onnxscript")


def need_onnx() -> None:
    """Make sure that they are there.

    Raises:
        ModuleNotFoundError: one of them is missing; the message says how to get it.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError(
            f"ONNX files need the packages {', '.join(missing)}: run "
            "`pip install 'goodsam_pl[onnx]'`"
        )
