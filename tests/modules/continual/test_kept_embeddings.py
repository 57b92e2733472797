"""What SAM said is kept by what it saw: as asking anew, under another key when that changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from segment_anything.modeling import Sam

from goodsam_pl.modules.continual import (
    AdapterRecipe,
    FineTuning,
    KeptEmbeddings,
    MaskPoints,
    PooledQuery,
    PromptedBatch,
    TokenQuery,
)
from goodsam_pl.modules.continual.prompted_batch import draw_masks
from goodsam_pl.sam.frozen_sam import FrozenSam, SamFeatures


@pytest.fixture
def asked(sam: FrozenSam, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts of images that the encoder is given."""
    counts: list[int] = []
    encode = sam.encode

    def counted(images: torch.Tensor) -> SamFeatures:
        counts.append(len(images))
        return encode(images)

    monkeypatch.setattr(sam, "encode", counted)
    return counts


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def test_they_are_what_encoding_anew_says_within_half_precision(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch], tmp_path: Path, asked: list[int]
) -> None:
    images = batch_of(3).images
    anew = sam.encode(images)
    asked.clear()
    first = KeptEmbeddings(tmp_path, sam).features(images)
    assert asked == [1, 1, 1]
    again = KeptEmbeddings(tmp_path, sam).features(images.flip(0))
    assert asked == [1, 1, 1]
    for fresh, made, read in zip(anew, first, again, strict=True):
        assert made.dtype == torch.half
        assert made.shape == fresh.shape
        torch.testing.assert_close(made.float(), fresh, rtol=1e-3, atol=1e-4)
        assert read.flip(0).equal(made)
    assert len(files(tmp_path)) == 3


def test_another_image_view_or_sam_is_another_key(
    sam: FrozenSam,
    batch_of: Callable[..., PromptedBatch],
    tmp_path: Path,
    stock_sam: Callable[[int], Sam],
) -> None:
    image = batch_of(1).images
    kept = KeptEmbeddings(tmp_path, sam)
    kept.features(image)
    seen = files(tmp_path)
    changed = image.clone()
    changed[0, 0, 0, 0] += 1e-3
    for other in (changed, image.flip(3)):
        before = files(tmp_path)
        kept.features(other)
        assert len(files(tmp_path) - before) == 1
    before = files(tmp_path)
    elsewhere = KeptEmbeddings(tmp_path, FrozenSam(stock_sam(1), "stock"))
    said = elsewhere.features(image).embedding
    assert not said.equal(kept.features(image).embedding)
    assert len(files(tmp_path) - before) == 1
    assert elsewhere.folder != kept.folder
    # of the same weights it is the same folder, whatever the SAM is called
    assert KeptEmbeddings(tmp_path, FrozenSam(stock_sam(0), "renamed")).folder == kept.folder
    assert seen <= files(tmp_path)


def test_a_file_is_whole_or_not_there(
    sam: FrozenSam,
    batch_of: Callable[..., PromptedBatch],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = batch_of(1).images
    kept = KeptEmbeddings(tmp_path, sam)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.replace", full)
        with pytest.raises(OSError, match="no space left"):
            kept.features(images)
    assert not files(tmp_path)
    expected = kept.features(images)
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    with pytest.raises(ValueError, match=rf"{path.name} is damaged .* delete it, and it will be"):
        kept.features(images)
    path.unlink()
    assert kept.features(images).embedding.equal(expected.embedding)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("learns", [True, False])
def test_a_query_is_remembered_if_it_does_not_learn(
    learns: bool, sam: FrozenSam, batch_of: Callable[..., PromptedBatch], tmp_path: Path
) -> None:
    batch = replace(batch_of(3), kept=KeptEmbeddings(tmp_path, sam))
    query = TokenQuery(sam.shape, 3, train_tokens=learns)
    times: list[int] = []
    query.register_forward_hook(lambda *_: times.append(1))
    if learns:
        query.renew(torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, again = batch.queries(query, sam), batch.queries(query, sam)
        assert len(times) == (2 if learns else 3)  # both batches, or each image once
        assert again.equal(first)
        torch.testing.assert_close(first, query(sam, batch.images, None))
        query.tokens.copy_(query.tokens + 1)
        torch.testing.assert_close(batch.queries(query, sam), query(sam, batch.images, None))
    for block in range(sam.shape.blocks):  # which have no state that tells them apart
        pooled = PooledQuery(sam.shape, block)
        torch.testing.assert_close(
            batch.queries(pooled, sam), pooled(sam, batch.images, None), rtol=1e-3, atol=1e-3
        )


def test_an_adapter_of_the_decoder_trains_without_the_encoder(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch], tmp_path: Path, asked: list[int]
) -> None:
    """And one that changes the embedding encodes in each step, kept or not."""
    plain = batch_of(4)
    batch = replace(plain, kept=KeptEmbeddings(tmp_path, sam))
    gradients = []
    for some in (plain, batch, batch):
        method = FineTuning(sam, AdapterRecipe("hq"), points=MaskPoints(64))
        asked.clear()
        sum(method.loss_terms(some, torch.Generator().manual_seed(0)).values()).backward()  # type: ignore[union-attr]
        gradients.append([each.grad for each in method.learned().values()])
    assert asked == []
    for fresh, first, again in zip(*gradients, strict=True):
        assert again.equal(first)
        torch.testing.assert_close(first, fresh, rtol=0.02, atol=2e-3)
    changing = FineTuning(sam, AdapterRecipe("low_rank"))
    for some in (plain, batch):
        assert draw_masks(changing.adapter, sam, some).shape[0] == 4
    torch.testing.assert_close(
        draw_masks(changing.adapter, sam, batch), draw_masks(changing.adapter, sam, plain)
    )
