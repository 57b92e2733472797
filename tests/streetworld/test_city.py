from __future__ import annotations

import dataclasses

import pytest

from goodsam_pl.streetworld.city import as_array, linear, make_city


def test_without_severity_the_target_is_the_source():
    source, target = make_city("source"), make_city("target", 0.0)
    assert dataclasses.replace(target, name="source") == source


def test_severity_interpolates_every_difference():
    source, half, target = (
        make_city("source"),
        make_city("target", 0.5),
        make_city("target", 1.0),
    )
    for field in dataclasses.fields(source):
        if field.name == "name":
            continue
        ends = [as_array(getattr(city, field.name)) for city in (source, half, target)]
        assert ends[1] == pytest.approx(0.5 * (ends[0] + ends[2]), abs=1e-6), field.name
        assert (ends[0] != ends[2]).any(), f"{field.name} does not differ"


def test_the_source_ignores_severity():
    assert make_city("source", 0.3) == make_city("source", 1.0)


def test_colours_become_linear():
    assert linear("ff0080") == pytest.approx((1.0, 0.0, (128 / 255) ** 2.2))


def test_wrong_names_and_severities_are_refused():
    with pytest.raises(ValueError, match="'moon'"):
        make_city("moon")
    with pytest.raises(ValueError, match="severity"):
        make_city("target", 1.5)
