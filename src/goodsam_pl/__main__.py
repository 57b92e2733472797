"""``python -m goodsam_pl`` is ``goodsam``."""

from __future__ import annotations

from goodsam_pl.cli import main

if __name__ == "__main__":
    main()
