"""``goodsam label``: a folder of images, and what is to be found in them, to labels."""
