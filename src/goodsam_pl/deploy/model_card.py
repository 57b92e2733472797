"""The page beside a network: what it is, sees and says, how it was made, how good it is."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from goodsam_pl.deploy.ingredients import Ingredients
from goodsam_pl.deploy.uint8_network import is_circular
from goodsam_pl.networks import NetworkCard

__all__ = ["CardScore", "model_card"]

_HEAD = """\
---
library_name: segmentation-models-pytorch
pipeline_tag: image-segmentation
license: {licence}
tags:
- semantic-segmentation
- panorama
- goodsam_pl
---
"""

_USE = """\
## Use

```python
import segmentation_models_pytorch as smp

model = smp.from_pretrained("path/to/this/folder").eval()
```

Images are RGB in 0 to 1, minus {mean}, divided by {std}.
Height and width are multiples of 32. All of that is done by goodsam_pl:

```python
import goodsam_pl

student = goodsam_pl.load("path/to/this/folder/model.safetensors")
labels = student.predict("panorama.jpg")
```
"""

_CIRCLE = """
It sees the circle: what lies left of the first column is the last one. goodsam_pl does that; the
class of segmentation-models-pytorch does not, so that labels beside the seam may differ.
"""

_UNKNOWN = "Not known: a file of weights alone says nothing of its training."


@dataclass(frozen=True)
class CardScore:
    """A score with the command that gives it again.

    Attributes:
        miou: mean IoU, 0 to 1.
        images: on what, for people.
        command: in one line.
    """

    miou: float
    images: str
    command: str


def model_card(
    name: str,
    network: nn.Module,
    card: NetworkCard,
    ingredients: Ingredients | None,
    score: CardScore | None = None,
    licence: str = "other",
) -> str:
    """Write the page, Markdown with the head that the hub reads.

    What is not known is said not to be known.

    Args:
        name: of the network.
        network: itself, whose parameters are counted.
        card: what its file says.
        ingredients: what its training says, if that is known.
        score: how good it is, if that was measured.
        licence: of the network, by the hub's name for it.
    """
    description = card.network or {}
    built = ", ".join(f"{key} {value}" for key, value in description.get("init_args", {}).items())
    size = f"{sum(each.numel() for each in network.parameters()) / 1e6:.2f} M parameters"
    terms = () if ingredients is None else ingredients.licences
    parts = {
        "What it says": _classes(card),
        "What it sees": _view(card),
        "How it was made": _training(ingredients),
        "How good it is": _quality(score),
        "Terms of what went in": "\n".join(f"- {each}" for each in terms) or _UNKNOWN,
    }
    page = [
        _HEAD.format(licence=licence),
        f"# {name}\n\n{size}; {built}. Written by goodsam_pl {card.version}.\n",
        _USE.format(**card.normalization) + (_CIRCLE if is_circular(network) else ""),
        *(f"## {title}\n\n{text}\n" for title, text in parts.items()),
    ]
    return "\n".join(page)


def _classes(card: NetworkCard) -> str:
    classes = card.taxonomy["classes"]
    numbered = ", ".join(f"{index} {name}" for index, name in enumerate(classes))
    return f"The {len(classes)} classes of `{card.taxonomy_name}`: {numbered}."


def _view(card: NetworkCard) -> str:
    if card.view is None:
        return "Photographs, each as it is."
    height, width = card.view["size"]
    return (
        f"Equirectangular panoramas, {width}×{height} pixels for 360° by "
        f"{card.view['vertical_fov']:g}°, the horizon in the middle."
    )


def _training(ingredients: Ingredients | None) -> str:
    if ingredients is None:
        return _UNKNOWN
    rows = [f"- system: {ingredients.system}, {ingredients.steps:,} steps"]
    rows += [f"- data: {each}" for each in ingredients.data]
    rows += [f"- weights from: {each}" for each in ingredients.weights]
    return "\n".join(rows)


def _quality(score: CardScore | None) -> str:
    if score is None:
        return "Not measured."
    return f"mIoU {score.miou:.2%} on {score.images}, by\n\n```sh\n{score.command}\n```"
