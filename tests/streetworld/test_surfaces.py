from __future__ import annotations

import math

import numpy as np
import pytest

from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.surfaces import surfaces

PAINT = Paint(2, 7, Material.PLAIN, (0.5, 0.5, 0.5))


def look(builder, point, solid=0):
    place = tuple(np.array([value], dtype=np.float32) for value in point)
    return surfaces(builder.build(), np.array([solid]), place, np.ones(1, dtype=np.float32))


@pytest.mark.parametrize(
    ("point", "face"),
    [
        ((1, 0, 0), 0),
        ((-1, 0, 0), 1),
        ((0, 2, 0), 2),
        ((0, -2, 0), 3),
        ((0, 0, 3), 4),
        ((0, 0, -3), 5),
    ],
)
def test_faces_and_normals_of_a_turned_box(point, face):
    place = Place(5, 1, 2, math.pi / 2)
    builder = Builder(1)
    builder.box(place, (0, 0, 0), (1, 2, 3), PAINT)
    surface = look(builder, place.at(*point))
    outward = np.subtract(Place(0, 0, 0, math.pi / 2).at(*(np.sign(point))), 0)
    assert surface.face.tolist() == [face]
    np.testing.assert_allclose([n[0] for n in surface.normal], outward, atol=1e-6)
    assert surface.instance.tolist() == [7]


def test_a_leaning_face_has_a_leaning_normal():
    builder = Builder(1)
    builder.box(Place(0, 0), (0, 0, 0), (1, 1, 1), PAINT, (1.0, 0, 0, 0))
    surface = look(builder, (0.5, 0, 0))
    expected = np.array([2, 0, 1]) / math.sqrt(5)
    np.testing.assert_allclose([n[0] for n in surface.normal], expected, atol=1e-6)


def test_normals_of_round_solids():
    builder = Builder(1)
    builder.ellipsoid(Place(0, 0), (0, 0, 0), (1, 2, 3), PAINT)
    builder.capsule(Place(0, 0), (0, 0, 0), (0, 0, 4), 0.5, PAINT)
    on_ellipsoid = look(builder, (math.sqrt(0.5), math.sqrt(2), 0))
    gradient = np.array([math.sqrt(0.5), math.sqrt(2) / 4, 0])
    np.testing.assert_allclose(
        [n[0] for n in on_ellipsoid.normal], gradient / np.linalg.norm(gradient), atol=1e-6
    )
    for point, normal in (((0.5, 0, 1), (1, 0, 0)), ((0, 0, 4.5), (0, 0, 1))):
        surface = look(builder, point, solid=1)
        np.testing.assert_allclose([n[0] for n in surface.normal], normal, atol=1e-6)
