from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser
from lightning.pytorch import LightningDataModule

sys.path.insert(0, str(Path(__file__).parent))
from domain_files import SIZE, write_mask, write_split_domain

from goodsam_pl.data import DomainDataModule, DomainFolder, Views

VIEWS = Views(side=30, mask_side=15)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    for index, name in enumerate(("rail", "polyp", "bottle", "natural")):
        write_split_domain(root / name, 4 + index, 0 if name == "bottle" else 2, 2)
    return root


def folder(root: Path, name: str) -> DomainFolder:
    return DomainFolder(name, str(root / name))


def module(root: Path, names=("rail", "polyp", "bottle"), outside=("natural",), **options):
    given = {"views": VIEWS, "buffer": 3, "num_workers": 0, "batch_size": 2, **options}
    return DomainDataModule(
        domains=[folder(root, name) for name in names],
        outside=[folder(root, name) for name in outside],
        **given,
    )


def columns(loader) -> set[int]:
    return {number for batch in loader for number in batch.domain.tolist()}


def test_training_meets_one_domain_and_the_test_all_that_were_met(world):
    data = module(world)
    data.setup("fit")
    assert (data.sequence, data.outside, data.tasks) == (
        ("rail", "polyp", "bottle"),
        ("natural",),
        3,
    )
    for task, images in enumerate((4, 5, 6)):
        data.begin(task)
        assert columns(data.train_dataloader()) == {task}
        assert len(data.train_dataloader().dataset) == images
        tests = data.test_dataloader()
        assert [columns(loader) for loader in tests] == [{each} for each in (*range(task + 1), 3)]
        assert data.scored() == [*range(task + 1), 3]
        batches = list(tests[0])
        assert [len(batch.originals) for batch in batches] == [1, 1]
        assert batches[0].originals[0].mask.shape == SIZE
        assert batches[0].image.shape == (1, 3, 30, 30)
        assert [group.kind for group in batches[0].prompts] == ["box"]


def test_a_model_is_chosen_by_the_current_domain_alone(world):
    data = module(world)
    data.setup("fit")
    data.begin(1)
    assert columns(data.val_dataloader()) == {1}
    named = {name for batch in data.val_dataloader() for name in batch.names}
    assert named == {image.name for image in data.domain(1).val}
    data.begin(2)
    assert data.val_dataloader() == []  # it has no validation images, and the test's are no choice


def test_joint_training_meets_all_domains_so_far_at_once(world):
    data = module(world)
    data.setup("fit")
    data.begin(2, together=True)
    assert columns(data.train_dataloader()) == {0, 1, 2}
    assert len(data.train_dataloader().dataset) == 4 + 5 + 6
    assert columns(data.val_dataloader()) == {0, 1}  # bottle has none
    assert data.scored() == [0, 1, 2, 3]
    data.begin(1)
    assert columns(data.train_dataloader()) == {1}


def test_domains_to_come_are_scored_when_asked(world):
    data = module(world, score_unseen=True)
    data.setup("fit")
    assert data.scored() == [0, 1, 2, 3]
    assert len(data.test_dataloader()) == 4


def test_another_order_moves_the_columns(world):
    data = module(world, order=["bottle", "rail", "polyp"])
    data.setup("fit")
    assert data.names == ("bottle", "rail", "polyp", "natural")
    assert data.domain(0).name == "bottle"
    assert [each["name"] for each in data.hparams["domains"]] == ["bottle", "rail", "polyp"]


def test_joint_training_and_the_buffer(world):
    data = module(world)
    data.setup("fit")
    joint = data.images("train", range(3))
    assert len(joint) == 4 + 5 + 6
    assert columns(data.training(joint)) == {0, 1, 2}
    kept = [image for number in range(2) for image in data.buffer(number)]
    assert [image.domain for image in kept] == [0] * 3 + [1] * 3
    assert columns(data.evaluation(kept)) == {0, 1}
    other = module(world, order=["polyp", "rail", "bottle"])
    other.setup("fit")
    assert [one.image for one in other.buffer(1)] == [one.image for one in data.buffer(0)]


def test_training_is_another_each_epoch_and_repeats_under_a_seed(world):
    data = module(world)
    data.setup("fit")

    def epoch() -> list[torch.Tensor]:
        return [batch.image for batch in data.train_dataloader()]

    torch.manual_seed(5)
    first, second = epoch(), epoch()
    torch.manual_seed(5)
    assert all(map(torch.equal, first, epoch()))
    assert not torch.equal(first[0], second[0])


def test_hyperparameters_survive_weights_only(world, tmp_path):
    torch.save(dict(module(world).hparams), tmp_path / "hparams.pt")
    read = torch.load(tmp_path / "hparams.pt", weights_only=True)
    assert read["domains"][1]["name"] == "polyp"
    assert read["views"]["side"] == 30


def test_mistakes_are_found_before_training(world, tmp_path):
    with pytest.raises(
        ValueError, match=r"domain rail is there twice \(.*rail and .*rail\): a seq"
    ):
        module(world, ("rail", "polyp", "rail"))
    with pytest.raises(ValueError, match="domain rail is there twice"):
        module(world, ("rail",), ("rail",))
    again = DomainFolder("track", str(world / "polyp/../rail"))
    with pytest.raises(
        ValueError, match=r"domains rail and track are both of .*: a sequence meets"
    ):
        DomainDataModule(domains=[folder(world, "rail"), again])
    with pytest.raises(
        ValueError, match=r"data\.order is rail, cat: name each of rail, polyp once"
    ):
        module(world, ("rail", "polyp"), order=["rail", "cat"])
    with pytest.raises(ValueError, match=r"data\.domains is empty"):
        module(world, ())
    with pytest.raises(ValueError, match=r"data\.buffer is 0"):
        module(world, buffer=0)
    with pytest.raises(ValueError, match="a buffer of 5 images of domain rail, which has 4"):
        module(world, buffer=5).setup("fit")
    with pytest.raises(ValueError, match="task 3 is none of the 3"):
        module(world).begin(3)
    write_split_domain(tmp_path / "hole")
    write_mask(tmp_path / "hole/test/masks/06.png", np.zeros(SIZE, dtype=bool))
    with pytest.raises(ValueError, match=r"test/masks/06\.png: an empty mask"):
        module(tmp_path, ("hole",), ()).setup("fit")
    write_split_domain(tmp_path / "untested", 4, 2, 0)
    with pytest.raises(ValueError, match="domain untested has no test images: give it a folder"):
        module(tmp_path, ("untested",), ()).setup("fit")


def test_a_configuration_says_all_of_it(world):
    parser = ArgumentParser()
    parser.add_subclass_arguments(LightningDataModule, "data")
    text = f"""
    data:
      class_path: goodsam_pl.data.DomainDataModule
      init_args:
        domains:
          - {{name: rail, root: {world}/rail, folders: {{train: train, test: test}}, val: 1}}
          - {{name: polyp, root: {world}/polyp, layout: folders}}
        order: [polyp, rail]
        views: {{side: 30, jitter: null, prompts: [box, mask], evaluation_box: resized}}
        buffer: 2
        num_workers: 0
    """
    data = parser.instantiate_classes(parser.parse_string(text)).data
    data.setup("fit")
    assert (data.sequence, data.views.jitter) == (("polyp", "rail"), None)
    assert [len(data.domain(1).split(split)) for split in ("train", "val", "test")] == [3, 1, 2]
    [group] = next(iter(data.test_dataloader()[0])).prompts
    assert group.values.shape == (1, 4)
