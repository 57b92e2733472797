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
from goodsam_pl.streetworld.ground import GroundHits, cast_ground, ground_albedo
from goodsam_pl.streetworld.intersections import Rays
from goodsam_pl.streetworld.layout import Zone
from goodsam_pl.streetworld.light import haze, illuminate, shadow_map
from goodsam_pl.streetworld.materials import albedo, ruffle
from goodsam_pl.streetworld.primitives import Floats
from goodsam_pl.streetworld.raycast import Hits, cast
from goodsam_pl.streetworld.scene import Scene, build_scene
from goodsam_pl.streetworld.sensor import develop
from goodsam_pl.streetworld.sky import SKYLINE_DISTANCE, sky_radiance, skyline, skyline_albedo
from goodsam_pl.streetworld.surfaces import surfaces

__all__ = ["Trace", "View", "default_camera", "render", "trace", "view"]

SKY, ROAD, HOUSES, TREES = 1, 2, 15, 16
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
    label, instance, distance, radiance = _trace_rays(scene, camera, rays, tilt)
    size = camera.size
    return Trace(
        radiance.reshape(*size, 3),
        label.reshape(size),
        instance.reshape(size),
        distance.reshape(size),
    )


def _trace_rays(
    scene: Scene, camera: Camera, rays: Vector, tilt: Floats
) -> tuple[NDArray[np.uint8], NDArray[np.int32], Floats, Floats]:
    origin, solids = scene.rig.position, scene.solids
    count = len(rays[0])
    turn = tilt @ rotation(camera.yaw, camera.pitch, 0.0).astype(np.float32)
    relative = solids.corners() - np.array(origin, dtype=np.float32)
    rectangles = camera.rectangles(np.einsum("nck,kj->ncj", relative, turn))
    start = (np.float32(origin[0]), np.float32(origin[1]), np.float32(origin[2]))
    hits = cast(solids, Rays(start, rays, camera.size[1]), rectangles, count)
    ground = cast_ground(scene.plan, origin, rays, SKYLINE_DISTANCE)
    seen = ground.distance < hits.distance[ground.ray]
    ground = GroundHits(ground.ray[seen], ground.distance[seen], ground.riser[seen])
    label = np.full(count, 10, dtype=np.uint8)
    instance = np.full(count, SKY, dtype=np.int32)
    distance = hits.distance.copy()
    distance[ground.ray] = ground.distance
    hits.solid[ground.ray] = -1
    normal = np.zeros((3, count), dtype=np.float32)
    colour = np.zeros((count, 3), dtype=np.float32)
    point = np.stack([rays[i] * np.where(np.isinf(distance), 0, distance) for i in range(3)])
    _paint_ground(scene, ground, point, label, instance, colour, normal)
    _paint_solids(scene, hits, point, distance, label, instance, colour, normal)
    beyond = np.flatnonzero(np.isinf(distance))
    rest = _paint_skyline(scene, rays, beyond, label, instance, colour, normal, distance, point)
    radiance = np.empty((count, 3), dtype=np.float32)
    radiance[rest] = sky_radiance(scene.city, scene.seed, scene.sun, _take(rays, rest))
    solid = np.flatnonzero(np.isfinite(distance))
    shadows = shadow_map(solids, origin, scene.sun)
    there, facing = _take(point, solid), _take(normal, solid)
    lit = shadows.lit(there, facing)
    light = illuminate(scene.city, shadows.sun, facing, lit, there[2] + start[2])
    shone = np.maximum(colour[solid] * light, np.maximum(colour[solid] - 1, 0))
    radiance[solid] = haze(scene.city, shone, distance[solid])
    return label, instance, distance, radiance


def _take(vector: Vector | Floats, chosen: NDArray[np.int64]) -> Vector:
    return vector[0].take(chosen), vector[1].take(chosen), vector[2].take(chosen)


def _paint_ground(
    scene: Scene,
    ground: GroundHits,
    point: Floats,
    label: NDArray[np.uint8],
    instance: NDArray[np.int32],
    colour: Floats,
    normal: Floats,
) -> None:
    plan, origin = scene.plan, scene.rig.position
    x = point[0, ground.ray] + np.float32(origin[0])
    y = point[1, ground.ray] + np.float32(origin[1])
    zone = plan.zones(x, y)
    zone[ground.riser & (zone == Zone.ROAD)] = Zone.SIDEWALK
    label[ground.ray] = np.array([0, 1, 9, 9], dtype=np.uint8)[zone]
    region = 3 + 4 * (zone.astype(np.int32) - 1) + plan.block(x, y)
    instance[ground.ray] = np.where(zone == Zone.ROAD, ROAD, region)
    colour[ground.ray] = ground_albedo(plan, scene.city, zone, ground.riser, x, y, ground.distance)
    normal[2, ground.ray] = 1


def _paint_solids(
    scene: Scene,
    hits: Hits,
    point: Floats,
    distance: Floats,
    label: NDArray[np.uint8],
    instance: NDArray[np.int32],
    colour: Floats,
    normal: Floats,
) -> None:
    ray = np.flatnonzero(hits.solid >= 0)
    solid = hits.solid[ray]
    origin = scene.rig.position
    world = tuple(point[i, ray] + np.float32(origin[i]) for i in range(3))
    surface = surfaces(scene.solids, solid, (world[0], world[1], world[2]), distance[ray])
    label[ray] = scene.solids.label.take(solid)
    instance[ray] = surface.instance
    colour[ray] = albedo(surface)
    for axis, facing in enumerate(ruffle(surface)):
        normal[axis, ray] = facing


def _paint_skyline(
    scene: Scene,
    rays: Vector,
    beyond: NDArray[np.int64],
    label: NDArray[np.uint8],
    instance: NDArray[np.int32],
    colour: Floats,
    normal: Floats,
    distance: Floats,
    point: Floats,
) -> NDArray[np.int64]:
    """Far houses and trees; returns the rays that go on into the sky."""
    own = _take(rays, beyond)
    flat = np.hypot(own[0], own[1])
    houses, trees = skyline(scene.seed, own)
    rise = own[2] / np.maximum(flat, 1e-6)
    is_house, is_tree = rise < houses, rise < trees
    hit = is_house | is_tree
    built = is_house & ~(is_tree & (trees > 0.8 * houses))
    ray = beyond[hit]
    there = _take(own, np.flatnonzero(hit))
    label[ray] = np.where(built[hit], 2, 8)
    instance[ray] = np.where(built[hit], HOUSES, TREES)
    colour[ray] = skyline_albedo(scene.city, scene.seed, there, built[hit])
    distance[ray] = SKYLINE_DISTANCE / np.maximum(flat[hit], 1e-6)
    for axis in range(3):
        normal[axis, ray] = -there[axis] * (0.0 if axis == 2 else 1.0)
        point[axis, ray] = there[axis] * distance[ray]
    return beyond[~hit]
