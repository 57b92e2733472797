"""Parts of ``scripts/sam_quality.py``."""
