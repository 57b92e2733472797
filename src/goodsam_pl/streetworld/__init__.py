"""streetworld."""
