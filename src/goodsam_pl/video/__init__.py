"""Films of panoramas: frames out of them, and films of what was found; by PyAV, an extra."""
