"""Parts of ``scripts/score_points.py``."""
