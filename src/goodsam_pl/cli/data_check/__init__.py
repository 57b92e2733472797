"""``goodsam check-data``: every file of a configuration's data, before a training."""
