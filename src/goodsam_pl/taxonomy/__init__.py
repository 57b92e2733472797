"""Class sets, their colours, and tables that carry labels from one set to another.

A label image holds trainIds: 0 to K-1 in the order of ``Taxonomy.classes``, 255 where nothing is
to be learned or scored. Translation goes by the meaning of a class; where the other set has no
class of that meaning, the result is 255.
"""

from __future__ import annotations

from goodsam_pl.taxonomy.class_file import class_file_text, read_class_file
from goodsam_pl.taxonomy.class_list import read_classes
from goodsam_pl.taxonomy.class_set import BACKGROUND, IGNORE_INDEX, Taxonomy
from goodsam_pl.taxonomy.known import CITYSCAPES_TRAIN_IDS, TAXONOMIES
from goodsam_pl.taxonomy.registry import get_taxonomy, register_taxonomy, remap_table

__all__ = [
    "BACKGROUND",
    "CITYSCAPES_TRAIN_IDS",
    "IGNORE_INDEX",
    "TAXONOMIES",
    "Taxonomy",
    "class_file_text",
    "get_taxonomy",
    "read_class_file",
    "read_classes",
    "register_taxonomy",
    "remap_table",
]
