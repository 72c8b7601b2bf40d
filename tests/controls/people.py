"""Shots of posed bodies for these tests, and what a camera sees by another way: by rays."""

from fractions import Fraction
from functools import lru_cache

import numpy as np

from isa_engine.body import SMPLX_PARENTS, bundled_motion, open_body
from isa_engine.body.fitting.keypoints import HEAD
from isa_engine.body.model.axes import to_world
from isa_engine.body.model.rotation import matrices
from isa_engine.geometry.surface import SurfaceTable, surface_table
from isa_engine.shot import Character, Settings, Shot
from tests.body.posed_keypoints import keypoints

SIZE = (208, 120)


def person(name="Anna", motion="dance", frames=(0, 20, 40), place=(0.0, 0.0, 0.0)) -> Character:
    """The open body on some frames of a bundled motion, with all of its joints."""
    body, moves = open_body(), bundled_motion(motion)
    # Short motions begin again.
    frames = np.array(frames) % len(moves.rotations)
    rotations, translation = moves.rotations[frames], moves.translation[frames]
    vertices, joints = body.pose(rotations=rotations, translation=translation)
    turned, joint = np.eye(3), HEAD
    while joint >= 0:
        turned = matrices(rotations[:, joint]) @ turned
        joint = SMPLX_PARENTS[joint]
    face = keypoints(joints, turned, body.joints())[:, :5]
    skin = table()
    # The motion may begin anywhere.
    move = np.array(place) - to_world(joints[0, 0])
    skeleton = to_world(np.concatenate([joints, face], 1)) + move
    points = to_world(skin.points(vertices)) + move
    return Character(name, points.astype(np.float32), skin.triangles, skeleton=skeleton.astype(np.float32))


@lru_cache
def table() -> SurfaceTable:
    """Of the open body: where a person's points lie on its skin."""
    return surface_table(open_body().v_template, open_body().faces)


def shot_of(characters, camera=None, focal=1.6, size=SIZE, **changes) -> Shot:
    """Under a camera that stands still, four metres before the origin unless it is given."""
    frames = len(characters[0].points)
    camera = looking_at((0.0, -4.0, 0.0), (0.0, 0.0, 0.0)) if camera is None else camera
    shot = {
        "fps": Fraction(24),
        "width": 10 * size[0],
        "height": 10 * size[1],
        "frame_numbers": np.arange(1, frames + 1, dtype=np.int32),
        "intrinsics": np.tile([focal * size[1] / size[0], focal, 0.0, 0.0], (frames, 1)),
        "camera_to_world": np.tile(camera, (frames, 1, 1)),
        "characters": tuple(characters),
        "settings": Settings(width=size[0], height=size[1]),
    }
    return Shot(**{**shot, **changes})


def looking_at(place, target) -> np.ndarray:
    """A camera's matrix: −Z ahead, Y up."""
    back = np.array(place, float) - target
    back /= np.linalg.norm(back)
    right = np.cross([0, 0, 1.0], back)
    right /= np.linalg.norm(right)
    camera = np.eye(4)
    camera[:3] = np.stack([right, np.cross(back, right), back, np.array(place, float)], 1)
    return camera


def heap(points, triangles, name="Heap") -> Character:
    """One frame of any triangles."""
    return Character(name, np.asarray(points, np.float32)[None], np.asarray(triangles, np.int32))


def rays(shot: Shot, frame: int, size) -> tuple[np.ndarray, np.ndarray]:
    """Where the camera is, and the ways ``(height, width, 3)`` through pixels' centres, one metre ahead."""
    fx, fy, cx, cy = shot.intrinsics[frame]
    x = (2 * (np.arange(size[0]) + 0.5) / size[0] - 1 - cx) / fx
    y = (1 - 2 * (np.arange(size[1]) + 0.5) / size[1] - cy) / fy
    ahead = np.stack([*np.meshgrid(x, y), np.full(size[::-1], -1.0)], -1)
    camera = shot.camera_to_world[frame]
    return camera[:3, 3], ahead @ camera[:3, :3].T


def met(origin, way, corners) -> np.ndarray:
    """Metres ahead at which rays meet a triangle ``(3, 3)`` (Möller and Trumbore); infinite where none."""
    ab, ac = corners[1] - corners[0], corners[2] - corners[0]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        p = np.cross(way, ac)
        scale = 1 / (p @ ab)
        s = origin - corners[0]
        u = (p @ s) * scale
        q = np.cross(s, ab)
        v = (way @ q) * scale
        depth = (ac @ q) * scale
        return np.where((u >= 0) & (v >= 0) & (u + v <= 1) & (depth > 0), depth, np.inf)
