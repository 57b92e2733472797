"""Render a scene: rays, hits, colours, light, sensor."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.cameras import (
    Camera,
    Equirectangular,
    Pinhole,
    camera_directions,
    rotation,
)
from goodsam_pl.streetworld.city import City
from goodsam_pl.streetworld.ground import cast_ground, ground_albedo
from goodsam_pl.streetworld.intersections import Rays
from goodsam_pl.streetworld.layout import Zone
from goodsam_pl.streetworld.light import ShadowMap, haze, illuminate, shadow_map
from goodsam_pl.streetworld.materials import albedo, ruffle
from goodsam_pl.streetworld.primitives import Floats, Integers
from goodsam_pl.streetworld.raycast import cast
from goodsam_pl.streetworld.scene import Scene, build_scene
from goodsam_pl.streetworld.sensor import develop
from goodsam_pl.streetworld.sky import SKYLINE_DISTANCE, sky_radiance, skyline, skyline_albedo
from goodsam_pl.streetworld.surfaces import surfaces

__all__ = ["Trace", "View", "default_camera", "render", "trace", "view"]

SKY, ROAD, HOUSES, TREES = 1, 2, 15, 16
_NOTHING, _GROUND, _KERB, _HOUSES, _TREES = -1, -2, -3, -4, -5
_BLOCK = 1 << 15
Vector = tuple[Floats, Floats, Floats]


class View(NamedTuple):
    """A picture and what is in it.

    Attributes:
        image: ``(H, W, 3)`` uint8, sRGB.
        label: ``(H, W)`` uint8, Cityscapes trainIds, 255 = void.
        instance: ``(H, W)`` int32, at least 1: ids of objects from
            :data:`goodsam_pl.streetworld.scene.FIRST_OBJECT` on, regions of stuff below, see
            :data:`goodsam_pl.streetworld.scene.STUFF`. ``Scene.classes`` has the class of each.
        depth: ``(H, W)`` float32, metres along the ray, infinite for the sky.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.uint8]
    instance: NDArray[np.int32]
    depth: Floats


class Trace(NamedTuple):
    """A :class:`View` before the sensor: radiance ``(H, W, 3)`` float32, linear RGB."""

    radiance: Floats
    label: NDArray[np.uint8]
    instance: NDArray[np.int32]
    depth: Floats


def default_camera(scene: Scene, kind: Literal["pinhole", "equirectangular"]) -> Camera:
    """The camera that the exports use: a pinhole along the scene's gaze, or a panorama."""
    if kind == "pinhole":
        return Pinhole(yaw=scene.rig.gaze)
    if kind == "equirectangular":
        return Equirectangular()
    raise ValueError(f"camera {kind!r} is unknown: choose 'pinhole' or 'equirectangular'")


def view(seed: int, city: City, camera_kind: Literal["pinhole", "equirectangular"]) -> View:
    """Build and render the scene of a seed with the default camera."""
    scene = build_scene(seed, city)
    return render(scene, default_camera(scene, camera_kind))


def render(scene: Scene, camera: Camera) -> View:
    """Draw a scene as a camera sees it."""
    traced = trace(scene, camera)
    image = develop(traced.radiance, scene.city, camera, scene.seed)
    return View(image, traced.label, traced.instance, traced.depth)


def trace(scene: Scene, camera: Camera) -> Trace:
    """Radiance, labels, instances and depth, all functions of the ray alone."""
    tilt = rotation(0.0, scene.rig.pitch, scene.rig.roll).astype(np.float32)
    x, y, z = camera_directions(camera)
    turned = [row[0] * x + row[1] * y + row[2] * z for row in tilt]
    rays: Vector = (turned[0], turned[1], turned[2])
    distance, target = _find(scene, camera, rays, tilt)
    shadows = shadow_map(scene.solids, scene.rig.position, scene.sun)
    count, size = len(x), camera.size
    label = np.empty(count, dtype=np.uint8)
    instance = np.empty(count, dtype=np.int32)
    radiance = np.empty((count, 3), dtype=np.float32)
    for start in range(0, count, _BLOCK):
        part = slice(start, start + _BLOCK)
        block = _Block((rays[0][part], rays[1][part], rays[2][part]), distance[part], target[part])
        label[part], instance[part], radiance[part] = block.shade(scene, shadows)
    return Trace(
        radiance.reshape(*size, 3),
        label.reshape(size),
        instance.reshape(size),
        distance.reshape(size),
    )


def _find(
    scene: Scene, camera: Camera, rays: Vector, tilt: Floats
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Distance along every ray and what lies there: a solid's index, or one of the codes below 0.

    The skyline is found last, where there is nothing else.
    """
    origin, solids = scene.rig.position, scene.solids
    turn = tilt @ rotation(camera.yaw, camera.pitch, 0.0).astype(np.float32)
    relative = solids.corners() - np.array(origin, dtype=np.float32)
    rectangles = camera.rectangles(np.einsum("nck,kj->ncj", relative, turn))
    x, y, z = (np.asarray(axis, dtype=np.float32) for axis in origin)
    distance, target = cast(solids, Rays((x, y, z), rays, camera.size[1]), rectangles, len(rays[0]))
    ground = cast_ground(scene.plan, origin, rays, SKYLINE_DISTANCE)
    nearer = ground.distance < distance[ground.ray]
    ray = ground.ray[nearer]
    distance[ray] = ground.distance[nearer]
    target[ray] = np.where(ground.riser[nearer], _KERB, _GROUND)
    empty = np.flatnonzero(target == _NOTHING)
    flat, houses, trees = skyline(scene.seed, _take(rays, empty))
    rise = rays[2].take(empty) / flat
    wooded = (rise < trees) & ((rise >= houses) | (trees > np.float32(0.8) * houses))
    built = (rise < houses) & ~wooded
    target[empty] = np.where(built, _HOUSES, np.where(wooded, _TREES, _NOTHING))
    far = np.float32(SKYLINE_DISTANCE) / flat
    distance[empty] = np.where(built | wooded, far, np.float32(np.inf))
    return distance, target


def _take(vector: Vector, chosen: Integers) -> Vector:
    return vector[0].take(chosen), vector[1].take(chosen), vector[2].take(chosen)


class _Block:
    """Some rays and what they found; small enough for the processor's cache."""

    def __init__(self, rays: Vector, distance: Floats, target: Integers) -> None:
        self._rays, self._distance, self._target = rays, distance, target
        count = len(distance)
        reach = np.where(np.isinf(distance), np.float32(0), distance)
        self._point = np.stack([axis * reach for axis in rays])
        self._label = np.full(count, 10, dtype=np.uint8)
        self._instance = np.full(count, SKY, dtype=np.int32)
        self._colour = np.zeros((count, 3), dtype=np.float32)
        self._normal = np.zeros((3, count), dtype=np.float32)

    def shade(
        self, scene: Scene, shadows: ShadowMap
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32], Floats]:
        """Labels, instances and radiance of the rays."""
        self._ground(scene)
        self._solids(scene)
        self._skyline(scene)
        radiance = np.empty_like(self._colour)
        sky = np.flatnonzero(self._target == _NOTHING)
        own = _take(self._rays, sky)
        radiance[sky] = sky_radiance(scene.city, scene.seed, scene.sun, own)
        seen = np.flatnonzero(self._target != _NOTHING)
        point = self._point[:, seen]
        facing = self._normal[:, seen]
        there = (point[0], point[1], point[2])
        normal = (facing[0], facing[1], facing[2])
        lit = shadows.lit(there, normal)
        height = point[2] + np.float32(scene.rig.position[2])
        colour = self._colour[seen]
        light = illuminate(scene.city, shadows.sun, normal, lit, height)
        shone = np.maximum(colour * light, np.maximum(colour - 1, 0))
        radiance[seen] = haze(scene.city, shone, self._distance[seen])
        return self._label, self._instance, radiance

    def _world(self, scene: Scene, ray: Integers) -> Vector:
        origin = scene.rig.position
        x, y, z = (self._point[i].take(ray) + np.float32(origin[i]) for i in range(3))
        return x, y, z

    def _ground(self, scene: Scene) -> None:
        ray = np.flatnonzero((self._target == _GROUND) | (self._target == _KERB))
        if not len(ray):
            return
        plan = scene.plan
        riser = self._target[ray] == _KERB
        x, y, _ = self._world(scene, ray)
        zone = plan.zones(x, y)
        zone[riser & (zone == Zone.ROAD)] = Zone.SIDEWALK
        region = 3 + 4 * (zone.astype(np.int32) - 1) + plan.block(x, y)
        self._label[ray] = np.array([0, 1, 9, 9], dtype=np.uint8)[zone]
        self._instance[ray] = np.where(zone == Zone.ROAD, ROAD, region)
        self._colour[ray] = ground_albedo(plan, scene.city, zone, riser, x, y, self._distance[ray])
        self._normal[2, ray] = 1

    def _solids(self, scene: Scene) -> None:
        ray = np.flatnonzero(self._target >= 0)
        if not len(ray):
            return
        solid = self._target[ray]
        surface = surfaces(scene.solids, solid, self._world(scene, ray), self._distance[ray])
        self._label[ray] = scene.solids.label.take(solid)
        self._instance[ray] = surface.instance
        self._colour[ray] = albedo(surface)
        for axis, facing in enumerate(ruffle(surface)):
            self._normal[axis, ray] = facing

    def _skyline(self, scene: Scene) -> None:
        ray = np.flatnonzero((self._target == _HOUSES) | (self._target == _TREES))
        if not len(ray):
            return
        built = self._target[ray] == _HOUSES
        rays = _take(self._rays, ray)
        self._label[ray] = np.where(built, 2, 8)
        self._instance[ray] = np.where(built, HOUSES, TREES)
        self._colour[ray] = skyline_albedo(scene.city, scene.seed, rays, built)
        self._normal[0, ray], self._normal[1, ray] = -rays[0], -rays[1]
