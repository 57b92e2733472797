"""Parts of ``scripts/dashboard_workspace.py`` and ``scripts/dashboard_picture.py``."""
