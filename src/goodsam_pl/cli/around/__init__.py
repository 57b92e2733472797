"""Panoramas and what is around them: places on maps, views out of them, films of them."""
