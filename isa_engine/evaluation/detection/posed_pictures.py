"""Pictures and videos of people whose poses are known, to measure a detector with.

The people have motions, looks and shapes that no training saw (``data.scenario.split``), in random sets and
light, seen through various lenses, which the detector is not told.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from isa_engine.body import SMPLX_JOINTS, bundled_motion, open_body
from isa_engine.body.model.axes import TO_WORLD, to_world
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.body.model.skeleton import SMPLX_PARENTS
from isa_engine.body.model.wardrobe import dressed_open_body
from isa_engine.data.rendering.cast import Actor
from isa_engine.data.rendering.dressed import DressedSurface
from isa_engine.data.rendering.filming import film
from isa_engine.data.rendering.light import random_light
from isa_engine.data.rendering.scenery import Scenery
from isa_engine.data.scenario.gestures import random_face, random_hands
from isa_engine.data.scenario.split import HELD_OUT_RICH
from isa_engine.data.surfaces.clothes import LayeredOutfit

FPS = 24.0
_TALL, _FILM = 1.7, 36.0


@dataclass(frozen=True)
class Pose:
    """How somebody stands in a picture, or how a video begins.

    Attributes:
        motion: a bundled one that no training saw; "sit" is made up and does not move.
        part: where in the motion, as a share of its length, 0 to 1.
        heading: degrees by which the person is turned from facing the camera, to the person's left.
        place: metres to the camera's right, and away from it.
    """

    motion: str
    part: float
    heading: float
    place: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Scene:
    """What is filmed, and the camera, which stands still.

    Attributes:
        name: as tables call it.
        poses: of everybody in it.
        fill: a standing person's height, as a share of the picture's.
        lens: focal length in millimetres, for a sensor 36 mm wide.
        above: degrees by which the camera looks down.
        look_at: metres above the ground at which the camera looks.
        lift: metres by which everybody is above the ground.
    """

    name: str
    poses: tuple[Pose, ...]
    fill: float = 0.8
    lens: float = 50.0
    above: float = 5.0
    look_at: float = 0.9
    lift: float = 0.0


SCENES = (
    Scene("front", (Pose("punch", 0.1, 0),)),
    Scene("front, arms out", (Pose("punch", 0.45, 20),), lens=35.0),
    Scene("side", (Pose("punch", 0.3, 90),)),
    Scene("side, in the air", (Pose("jump", 0.5, -75),), fill=0.65, lens=85.0, look_at=1.1, lift=0.25),
    Scene("back", (Pose("punch", 0.7, 180),)),
    Scene("back, from above", (Pose("jump", 0.2, 150),), fill=0.7, above=25.0),
    Scene("sitting", (Pose("sit", 0.0, 25),), look_at=0.6),
    Scene("sitting, side", (Pose("sit", 1.0, -80),), lens=70.0, look_at=0.6),
    Scene("cut at the hips", (Pose("punch", 0.55, -20),), fill=1.5, look_at=1.35),
    Scene("hidden by another", (Pose("punch", 0.2, 10), Pose("jump", 0.1, -30, (0.35, -0.7))), fill=0.7),
    Scene("two people", (Pose("punch", 0.4, 60, (-0.6, 0)), Pose("punch", 0.8, -50, (0.6, 0))), fill=0.75),
    Scene("two, small", (Pose("jump", 0.15, 0, (-1.2, 0)), Pose("punch", 0.6, 120, (1.0, 0.5))), fill=0.35),
)


@dataclass(frozen=True)
class Known:
    """The true pose of a person in a video of F frames.

    Attributes:
        joints: ``(F, 55, 3)`` metres in the camera's view: −Z ahead, Y up.
        turned: ``(F, 55, 3, 3)`` global rotations of the joints in the same axes.
        rest: ``(55, 3)`` the person's joints at rest, metres.
    """

    joints: np.ndarray
    turned: np.ndarray
    rest: np.ndarray


@dataclass(frozen=True)
class PosedVideo:
    """A video and the true poses of the people in it.

    Attributes:
        pixels: ``(F, H, W, 3)`` uint8 sRGB.
        intrinsics: ``(4,)``, ``geometry.camera``.
        people: in the order of the scene's poses.
    """

    pixels: np.ndarray
    intrinsics: np.ndarray
    people: tuple[Known, ...]


class Photographer:
    """Renders videos of scenes; the same seed gives the same video."""

    def __init__(self) -> None:
        self.body = open_body()
        self.skin = DressedSurface(dressed_open_body(), "cpu")

    def film(self, scene: Scene, seed: int, size: tuple[int, int], frames: int = 1) -> PosedVideo:
        """A video with people, clothes, set and light of this seed.

        Args:
            size: width and height, pixels.
            frames: how many, ``FPS`` a second.
        """
        random = np.random.default_rng([HELD_OUT_RICH.stream, seed])
        width, height = size
        lens = np.array([1, width / height]) * 2 * scene.lens / _FILM
        camera = np.array([*lens, 0, 0]), _looking(scene, lens[1])
        acting = [self._acting(pose, random, frames, scene.lift) for pose in scene.poses]
        stage = Scenery(random, None, camera[1][None], np.array([0, 0, 0.9]))
        light = random_light(random, "cpu")
        cameras = tuple(np.repeat(part[None], frames, 0) for part in camera)
        actors = [actor for actor, _ in acting]
        video = film(self.skin, actors, stage, light, cameras, height, width).video
        pixels = ((video.movedim(0, -1) + 1) * 127.5).round().byte().numpy()
        to_view = np.linalg.inv(camera[1])
        return PosedVideo(
            pixels, camera[0], tuple(self._known(actor, joints, to_view) for actor, joints in acting)
        )

    def _acting(
        self, pose: Pose, random: np.random.Generator, frames: int, lift: float
    ) -> tuple[Actor, np.ndarray]:
        """Somebody, and the joints ``(F, 55, 3)`` in SMPL-X's axes."""
        rotations, moved = _sitting(pose, random, frames) if pose.motion == "sit" else _moving(pose, frames)
        rotations[:, 25:] = random_hands(random, frames, FPS)
        expression, rotations[:, 22:25] = random_face(random, frames, FPS)
        facing = matrices(rotations[0, 0])[:, 2]
        turn = matrices(np.array([0, np.radians(pose.heading) - np.arctan2(facing[0], facing[2]), 0]))
        rotations[:, 0] = axis_angles(turn @ matrices(rotations[:, 0]))
        moved = moved @ turn.T
        betas = random.normal(0, 0.9, 10)
        vertices, joints = self.body.pose(betas, rotations=rotations, translation=moved)
        shift = np.array([pose.place[0], lift - vertices[..., 1].min(), -pose.place[1]])
        look = LayeredOutfit(_tensor(self.body.joints()), random, HELD_OUT_RICH).look
        # Every vertex serves as a surface point: the renderer sees from these how near and large people are.
        points = _tensor(to_world(vertices + shift))
        actor = Actor(
            _tensor(betas),
            look,
            pose.motion,
            _tensor(rotations),
            _tensor(moved + shift),
            points,
            points,
            _tensor(expression),
        )
        return actor, joints + shift

    def _known(self, actor: Actor, joints: np.ndarray, to_view: np.ndarray) -> Known:
        joints = to_world(joints) @ to_view[:3, :3].T + to_view[:3, 3]
        local = matrices(actor.rotations.double().numpy())
        turned = np.empty_like(local)
        for joint, parent in enumerate(SMPLX_PARENTS):
            before = to_view[:3, :3] @ TO_WORLD if parent < 0 else turned[:, parent]
            turned[:, joint] = before @ local[:, joint]
        return Known(joints, turned, self.body.joints(actor.betas.numpy()))


def _looking(scene: Scene, lens: float) -> np.ndarray:
    """Camera to world ``(4, 4)``, from the front (Blender's −Y)."""
    down = np.radians(scene.above)
    ahead = np.array([0, np.cos(down), -np.sin(down)])
    camera = np.eye(4)
    camera[:3, 0], camera[:3, 2] = [1, 0, 0], -ahead
    camera[:3, 1] = np.cross(-ahead, camera[:3, 0])
    camera[:3, 3] = np.array([0, 0, scene.look_at]) - ahead * _TALL * lens / (2 * scene.fill)
    return camera


def _moving(pose: Pose, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotations ``(F, 55, 3)`` and translation ``(F, 3)``, which begins above the origin."""
    motion = bundled_motion(pose.motion).resampled(FPS)
    first = round(pose.part * (len(motion.rotations) - 1))
    first = max(min(first, len(motion.rotations) - frames), 0)
    shown = np.minimum(first + np.arange(frames), len(motion.rotations) - 1)
    moved = motion.translation[shown].astype(np.float64)
    return motion.rotations[shown].astype(np.float64), moved - moved[:1] * [1, 0, 1]


def _sitting(pose: Pose, random: np.random.Generator, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Rotations and translation, as ``_moving``, of somebody who sits as on a chair, hands in front of the
    body; the larger ``pose.part``, the straighter the left leg."""
    rotations = np.zeros((55, 3))
    rotations[1:22] = random.normal(0, 0.08, (21, 3))
    for side, sign in (("left", 1), ("right", -1)):
        for joint, turn in {
            "hip": (-1.5, 0.1 * sign, 0.12 * sign),
            "knee": (1.5, 0, 0),
            "shoulder": (0, -0.55 * sign, -1.0 * sign),
            "elbow": (0, -0.9 * sign, 0),
        }.items():
            rotations[SMPLX_JOINTS.index(f"{side}_{joint}")] += turn
    rotations[SMPLX_JOINTS.index("left_knee"), 0] -= 0.6 * pose.part
    return np.repeat(rotations[None], frames, 0), np.zeros((frames, 3))


def _tensor(array: np.ndarray) -> Tensor:
    return torch.as_tensor(np.asarray(array), dtype=torch.float32)
