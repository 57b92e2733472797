"""All methods behind one interface, driven as a runner drives them, and what each adds to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.modules.continual import (
    AdapterRecipe,
    ContinualMethod,
    ContinualTask,
    ElasticConsolidation,
    ExperienceReplay,
    FineTuning,
    JointTraining,
    LearnedPrompts,
    LearningWithoutForgetting,
    MaskPoints,
    MixtureOfAdapters,
    PooledQuery,
    PromptedBatch,
    SelectorTraining,
    TokenQuery,
    ZeroShot,
)
from goodsam_pl.modules.continual.prompted_batch import draw_masks
from goodsam_pl.sam.frozen_sam import FrozenSam

BRIGHTNESS = {"dark": -1.0, "grey": 0.0, "bright": 1.0}
POINTS = MaskPoints(64)
QUICK = SelectorTraining(learning_rate=0.02, epochs=6)
LOW_RANK = AdapterRecipe("low_rank", {"rank": 2})
BatchOf = Callable[..., PromptedBatch]

METHODS: dict[str, Callable[[FrozenSam], ContinualMethod]] = {
    "zero-shot": lambda sam: ZeroShot(sam, POINTS),
    "naive": lambda sam: FineTuning(sam, points=POINTS),
    "joint": lambda sam: JointTraining(sam, points=POINTS),
    "lwf": lambda sam: LearningWithoutForgetting(sam, points=POINTS),
    "ewc": lambda sam: ElasticConsolidation(sam, points=POINTS, remembers="all"),
    "replay": lambda sam: ExperienceReplay(sam, points=POINTS),
    "l2p": lambda sam: LearnedPrompts(sam, POINTS, size=6, chosen=2),
    "moda": lambda sam: MixtureOfAdapters(
        sam, query=TokenQuery(sam.shape, 3), selector_training=QUICK, points=POINTS
    ),
    "samcl": lambda sam: MixtureOfAdapters(
        sam, LOW_RANK, PooledQuery(sam.shape), selector_training=QUICK, points=POINTS
    ),
}


def task(batch_of: BatchOf, number: int) -> ContinualTask:
    names = list(BRIGHTNESS)
    return ContinualTask(
        names[number],
        [batch_of(3, BRIGHTNESS[names[number]])],
        [batch_of(2, BRIGHTNESS[name], seed=5) for name in names[: number + 1]],
    )


def learn(
    method: ContinualMethod, some: ContinualTask, steps: int = 2, rate: float = 0.01
) -> list[float]:
    """The loop of a runner, with the total loss of each step."""
    method.begin_task(some)
    losses = go_on(method, some, range(steps), rate)
    method.end_task(some, torch.Generator().manual_seed(99))
    return losses


def go_on(
    method: ContinualMethod, some: ContinualTask, steps: range, rate: float = 0.01
) -> list[float]:
    losses = []
    optimizer = torch.optim.SGD([*method.learned().values()], lr=rate) if method.learns else None
    for step in steps:
        for batch in some.batches:
            if optimizer is None:
                continue
            terms = method.loss_terms(batch, torch.Generator().manual_seed(step))
            loss = torch.stack([method.weights[name] * each for name, each in terms.items()]).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", METHODS)
def test_a_sequence_goes_on_from_what_a_state_dict_brings(
    name: str, sam: FrozenSam, batch_of: BatchOf, tmp_path: Path
) -> None:
    """Stopped after the second task, and in the middle of the third one."""
    whole = METHODS[name](sam)
    fingerprint = sam.fingerprint
    first, second, third = (task(batch_of, number) for number in range(3))
    learn(whole, first, steps=1)
    learn(whole, second, steps=1)
    torch.save(whole.state_dict(), tmp_path / "two.pt")
    whole.begin_task(third)
    go_on(whole, third, range(1))
    torch.save(whole.state_dict(), tmp_path / "middle.pt")
    go_on(whole, third, range(1, 2))
    whole.end_task(third, torch.Generator().manual_seed(99))

    again = METHODS[name](sam)
    again.load_state_dict(torch.load(tmp_path / "two.pt", weights_only=True))
    assert again.tasks == ["dark", "grey"]
    seen = [again.predict(part).logits for part in (first.batches[0], second.batches[0])]  # type: ignore[index]
    again.begin_task(third)
    again.load_state_dict(torch.load(tmp_path / "middle.pt", weights_only=True))
    go_on(again, third, range(1, 2))
    again.end_task(third, torch.Generator().manual_seed(99))
    assert not any("sam." in key for key in again.state_dict())

    everything = PromptedBatch.joined([batch_of(2, level, seed=8) for level in BRIGHTNESS.values()])
    expected, found = whole.predict(everything), again.predict(everything)
    assert expected.logits.equal(found.logits)
    assert expected.route.domains.equal(found.route.domains)
    assert all(logits.shape == (3, 1, 32, 32) for logits in seen)
    assert type(sam).fingerprint.func(sam) == fingerprint  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="'dark' is there already"):
        again.begin_task(first)


def test_what_each_learns_and_whether(sam: FrozenSam) -> None:
    made = {name: make(sam) for name, make in METHODS.items()}
    assert [name for name, method in made.items() if not method.learns] == ["zero-shot"]
    assert [name for name, method in made.items() if method.sees_all_tasks] == ["joint"]
    assert made["zero-shot"].learned() == {}
    assert all(name.startswith("adapter.") for name in made["naive"].learned())


def test_naive_fine_tuning_learns_its_domain(sam: FrozenSam, batch_of: BatchOf) -> None:
    method = FineTuning(sam, AdapterRecipe("hq"), MaskPoints(256))
    optimizer = torch.optim.Adam(method.learned().values(), lr=0.01)
    batch, losses = batch_of(3).known_by(sam), []
    for step in range(25):
        terms = method.loss_terms(batch, torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        (terms["cross_entropy"] + terms["dice"]).backward()
        optimizer.step()
        losses.append(terms["dice"].item())
    assert losses[-1] < 0.5 * losses[0]


def test_a_mixture_keeps_what_it_learned_of_each_domain(sam: FrozenSam, batch_of: BatchOf) -> None:
    method = METHODS["moda"](sam)
    kept: list[Tensor] = []
    for number in range(3):
        some = task(batch_of, number)
        learn(method, some, rate=0.1)
        unseen = batch_of(2, list(BRIGHTNESS.values())[number], seed=8)
        kept.append(method.current(unseen).detach())
        if number:
            assert isinstance(method, MixtureOfAdapters)
            assert method.kept_right == 1
    for number, level in enumerate(BRIGHTNESS.values()):
        answer = method.predict(batch_of(2, level, seed=8))
        assert answer.route.domains.tolist() == [number] * 2
        torch.testing.assert_close(answer.logits, kept[number])
    assert len({key.split(".")[3] for key in method.state_dict() if "members" in key}) == 3
    begun = task(batch_of, 0)._replace(name="fourth", buffers=[])
    method.begin_task(begun)
    assert {key.split(".")[3] for key in method.learned()} == {"3"}
    with pytest.raises(ValueError, match="images of 0 domains were kept and 4 were learned"):
        method.end_task(begun, torch.Generator())


def test_former_masks_are_held_from_the_second_domain_on(sam: FrozenSam, batch_of: BatchOf) -> None:
    method = LearningWithoutForgetting(sam, LOW_RANK, POINTS)
    first, second = task(batch_of, 0), task(batch_of, 1)
    batch = second.batches[0]  # type: ignore[index]
    method.begin_task(first)
    assert method.loss_terms(batch, torch.Generator()).keys() == {"cross_entropy", "dice"}
    go_on(method, first, range(2), rate=0.3)
    method.begin_task(second)
    terms = method.loss_terms(batch, torch.Generator().manual_seed(3))
    with torch.no_grad():
        logits = draw_masks(method.former, sam, batch)
    points = method.draw_points(logits, torch.Generator().manual_seed(3))
    chances = torch.nn.functional.grid_sample(
        logits.sigmoid(), 2 * points[:, None] - 1, align_corners=False
    ).squeeze()
    drawn = torch.nn.functional.grid_sample(logits, 2 * points[:, None] - 1, align_corners=False)
    entropy = -(
        chances * drawn.squeeze().sigmoid().log()
        + (1 - chances) * (-drawn.squeeze()).sigmoid().log()
    )
    torch.testing.assert_close(terms["former_cross_entropy"].detach(), entropy.mean())
    assert (method.weights["former_cross_entropy"], method.weights["former_dice"]) == (3, 3)
    assert method.learned().keys() == {f"adapter.{n}" for n, _ in method.adapter.named_parameters()}


def test_the_release_remembers_the_last_domain_and_the_paper_all(
    sam: FrozenSam, batch_of: BatchOf
) -> None:
    for remembers, count in (("last", 1), ("all", 2)):
        method = ElasticConsolidation(sam, LOW_RANK, POINTS, remembers=remembers)  # type: ignore[arg-type]
        for number in range(2):
            learn(method, task(batch_of, number), rate=0.1)
        assert len(method.memories) == count
        batch = batch_of(2)
        assert method.loss_terms(batch, torch.Generator())["anchor"].item() >= 0
        newest = method.memories[-1]
        for name, parameter in method.learned().items():
            assert newest["anchors"][name].equal(parameter)
        with torch.no_grad():
            for parameter in method.learned().values():
                parameter.add_(0.5)
        moved = method.loss_terms(batch, torch.Generator())["anchor"].item()
        expected = sum(
            (memory["importance"][name] * (parameter - memory["anchors"][name]) ** 2).sum().item()
            for memory in method.memories
            for name, parameter in method.learned().items()
        )
        assert moved == pytest.approx(expected, rel=1e-4)
        assert method.weights["anchor"] == 10


def test_replay_draws_evenly_from_former_domains(sam: FrozenSam, batch_of: BatchOf) -> None:
    method = ExperienceReplay(sam, LOW_RANK, POINTS)
    learn(method, task(batch_of, 0))
    assert method.kept == []
    method.begin_task(task(batch_of, 1))
    third = task(batch_of, 2)
    method.begin_task(third)
    assert [len(batch) for batch in method.kept] == [2, 2]
    pictures = torch.cat([batch.images for batch in third.buffers[:2]])
    counts = torch.zeros(4)
    for seed in range(60):
        drawn = method.draw(2, torch.Generator().manual_seed(seed))
        assert len(drawn) == 2
        counts += torch.stack(
            [(pictures == image).flatten(1).all(1) for image in drawn.images]
        ).sum(0)
    assert counts.sum() == 120
    assert counts.min() > 15
    assert len(method.draw(9, torch.Generator())) == 4
    terms = method.loss_terms(batch_of(2, 1.0), torch.Generator())
    assert terms.keys() == {"cross_entropy", "dice", "kept_cross_entropy", "kept_dice"}


def test_a_batch_without_masks_teaches_nothing(sam: FrozenSam, batch_of: BatchOf) -> None:
    batch = batch_of(2)
    with pytest.raises(ValueError, match="a batch without masks"):
        FineTuning(sam, LOW_RANK).loss_terms(
            PromptedBatch(batch.images, batch.asked), torch.Generator()
        )


def test_a_state_of_another_sam_is_refused_by_name(
    sam: FrozenSam, stock_sam: Callable[[int], Sam]
) -> None:
    state = FineTuning(sam, LOW_RANK).state_dict()
    with pytest.raises(ValueError, match=r"this state is of the SAM 'stock' .*is 'other'"):
        FineTuning(FrozenSam(stock_sam(1), "other"), LOW_RANK).load_state_dict(state)
