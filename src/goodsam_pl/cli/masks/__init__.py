"""``goodsam masks``: make, inspect and exchange stored masks."""
