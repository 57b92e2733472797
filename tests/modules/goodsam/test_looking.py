"""Who looks with a gradient and who without, and what describes what they say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from goodsam_pl.data import PanoramaBatch
from goodsam_pl.fusion import CTCF
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.modules import FeatureWeights, JointDistillation, StudentDistillation, Teachers
from goodsam_pl.networks import SegmentationOutput

GRID = WindowGrid.cover((8, 32), (8, 8), (8, 8))


class Watched(nn.Module):
    """Remembers of each look the size of what it saw, and whether it was to learn from it."""

    feature_channels = (3, 3, 3, 3)

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 19, 1)
        self.looks: list[tuple[tuple[int, int], bool]] = []

    def forward(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        self.looks.append(((height, width), torch.is_grad_enabled()))
        return self.layer(images)

    def forward_features(self, images: Tensor) -> SegmentationOutput:
        return SegmentationOutput((images,) * 4, self(images))


def _panorama() -> PanoramaBatch:
    generator = torch.Generator().manual_seed(0)
    return PanoramaBatch(
        image=torch.randn(1, 3, 8, 32, generator=generator),
        label=None,
        masks=(torch.randint(-1, 3, (1, 4, 1, 8, 8), generator=generator),),
        windows=GRID,
        names=["a"],
    )


def _looks(
    module: StudentDistillation | JointDistillation, watched: Watched
) -> list[tuple[tuple[int, int], bool]]:
    """What a teacher looked at in a training step."""
    module.log = module.log_dict = lambda *_, **__: None
    watched.looks.clear()
    module.training_step(_panorama(), 0).backward()
    return watched.looks


def test_a_students_targets_are_the_mean_of_all_views() -> None:
    torch.manual_seed(0)
    teacher = nn.Conv2d(3, 19, (1, 3), padding=(0, 1))
    module = StudentDistillation(nn.Conv2d(3, 19, 1), teacher, teachers=Teachers(mirror=True))
    batch = _panorama()
    with torch.no_grad():
        views = [
            GRID.stitch(teacher(GRID.extract(image)[0]).softmax(1)[None])
            for image in (batch.image, batch.image.flip(-1))
        ]
    mean = (views[0] + views[1].flip(-1)) / 2
    assert not torch.equal(mean.argmax(1), views[0].argmax(1))
    assert torch.equal(module.teach(batch).whole.long(), mean.argmax(1))


def test_views_that_labels_are_made_of_are_seen_without_gradient() -> None:
    torch.manual_seed(0)
    teacher = Watched()
    module = JointDistillation(
        Watched(),
        teacher,
        teachers=Teachers(mirror=True, further_scales=(2.0,)),
        features=FeatureWeights(adaptation=1.0),
    )
    looks = _looks(module, teacher)
    learning = [size for size, graded in looks if graded]
    telling = [size for size, graded in looks if not graded]
    assert set(learning) == {(8, 8)}
    # a mirror image, both sides enlarged, and the whole panorama for its features
    assert {(16, 16), (8, 32)} <= set(telling)
    assert teacher.layer.weight.grad is not None


def test_a_frozen_teacher_never_looks_with_gradient() -> None:
    torch.manual_seed(0)
    teacher = Watched()
    module = StudentDistillation(
        Watched(),
        teacher,
        teachers=Teachers(mirror=True),
        features=FeatureWeights(adaptation=1.0),
    )
    looks = _looks(module, teacher)
    assert {size for size, _ in looks} == {(8, 8), (8, 32)}
    assert not any(graded for _, graded in looks)


@pytest.mark.parametrize(
    "changed",
    [
        {"boundary": "v2"},
        {"boundary_radius": 2},
        {"fusion": CTCF(distinct_share=0.1)},
        {"fusion": CTCF(votes="softmax")},
        {"window_scale": 2.0},
        {"further_scales": (2.0,)},
        {"mirror": True},
        {"targets": "soft"},
        {"targets": "mixed"},
    ],
    ids=str,
)
def test_whatever_changes_the_targets_changes_their_description(changed) -> None:
    assert Teachers().describe() == Teachers(labels_in_eval_mode=True).describe()
    assert Teachers(**changed).describe() != Teachers().describe()
