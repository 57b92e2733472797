"""A folder is dealt out to processes without rest."""

from __future__ import annotations

import pytest

from goodsam_pl.cli.masks.shares import share_of


def test_alone_one_process_does_everything() -> None:
    assert share_of(None) == (0, 1)


def test_shards_count_from_one() -> None:
    assert [share_of(f"{number}/3") for number in (1, 2, 3)] == [(0, 3), (1, 3), (2, 3)]


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "1/0", "a/b", "-1/2"])
def test_what_is_no_share_is_refused(shard: str) -> None:
    with pytest.raises(ValueError, match="give i/n with i from 1 to n"):
        share_of(shard)


def test_torchrun_shares_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert share_of(None) == (2, 4)
    with pytest.raises(ValueError, match="leave out --shard"):
        share_of("1/2")
