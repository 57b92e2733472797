"""``goodsam doctor``: what is installed here, what is wrong with it, and the way out."""
