"""A filmed folder: a rendered clip written out as a video, masks and the files of each body tracker.

The tracker's numbers are worked out from the clip's cameras, the other way round than they are read.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from isa_engine.body import open_body
from isa_engine.body.model.rotation import axis_angles, matrices
from isa_engine.data.clips.clip import Clip
from isa_engine.data.clips.synthetic import SyntheticHumans
from isa_engine.data.recordings.media import EXACT, encode_video
from isa_engine.data.rendering.filming import Actor
from isa_engine.data.scenario.distribution import PLAIN
from isa_engine.data.scenario.split import TRAINING

HEIGHT, WIDTH, FPS = 72, 96, 24.0
SMPLX_PELVIS = np.array([0.00312, -0.35141, 0.01204])
SMPL_PELVIS = np.array([-0.00180, -0.22333, 0.02822])
TO_WORLD = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


@dataclass(frozen=True)
class Scene:
    """A clip, who acts in it, its pictures ``(F, H, W, 3)`` and mask ``(F, H, W)``, uint8."""

    clip: Clip
    actors: list[Actor]
    video: np.ndarray
    mask: np.ndarray


def scene(seed: int, frames: int, characters: int) -> Scene:
    # Trackers that guess the lens guess those of plain framing, whole people seen by a common lens.
    humans = SyntheticHumans(open_body(), points=64, split=replace(TRAINING, distribution=PLAIN))
    clip, actors, _ = humans.clip_and_cast(seed, frames, HEIGHT, WIDTH, characters, fps=FPS)
    video = ((clip.video + 1) * 127.5).round().byte().permute(1, 2, 3, 0).numpy()
    return Scene(clip, actors, video, clip.mask.byte().numpy())


def write_footage(folder: Path, name: str, video: np.ndarray, mask: np.ndarray) -> Path:
    """``NAME.mp4`` and ``NAME/masks``; the folder for tracks."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.mp4").write_bytes(encode_video(video, FPS, EXACT))
    beside = folder / name
    (beside / "masks").mkdir(parents=True)
    for f, numbers in enumerate(mask):
        Image.fromarray(numbers).save(beside / "masks" / f"{f:05d}.png")
    return beside


class Tracked:
    """One actor of a scene as trackers see it.

    Attributes:
        root, pelvis: ``(F, 3, 3)``, ``(F, 3)`` in each frame's camera, OpenCV's axes.
        world_root, world_pelvis: the same in the world.
        focal: ``(F, 2)`` pixels; the principal point is the picture's centre.
        rest: the open body's own pelvis, shaped.
    """

    def __init__(self, scene: Scene, k: int):
        actor, clip = scene.actors[k], scene.clip
        self.betas = actor.betas.numpy().astype(np.float64)
        self.rotations = actor.rotations.numpy().astype(np.float64)
        self.rest = open_body().joints(self.betas)[0]
        self.world_root = TO_WORLD @ matrices(self.rotations[:, 0])
        self.world_pelvis = (self.rest + actor.translation.numpy()) @ TO_WORLD.T
        self.to_camera = np.linalg.inv(clip.camera_to_world.double().numpy())
        self.to_camera = np.diag([1.0, -1, -1, 1]) @ self.to_camera
        turn, shift = self.to_camera[:, :3, :3], self.to_camera[:, :3, 3]
        self.root = turn @ self.world_root
        self.pelvis = (turn @ self.world_pelvis[..., None])[..., 0] + shift
        self.focal = clip.intrinsics.double().numpy()[:, :2] * np.array([WIDTH, HEIGHT]) / 2
        self.principal = np.tile([WIDTH / 2, HEIGHT / 2], (len(self.focal), 1))

    def further(self, focal: float) -> np.ndarray:
        """The pelvis where a lens of another focal length sees it as large and in the same place."""
        scale = focal / self.focal[:, 0]
        place = self.pelvis.copy()
        place[:, 2] *= scale
        place[:, 1] *= self.focal[:, 1] / self.focal[:, 0]
        return place


def smpler_x(beside: Path, people: list[Tracked]) -> None:
    (beside / "smplx").mkdir()
    (beside / "meta").mkdir()
    for k, person in enumerate(people):
        for f, pose in enumerate(person.rotations):
            # Each observation has the lens of its own crop.
            zoom = 1 + 0.1 * (f % 3)
            pelvis = person.pelvis[f] * [1, 1, zoom]
            np.savez(
                beside / "smplx" / f"{f + 1:05d}_{k}.npz",
                global_orient=axis_angles(person.root[f])[None],
                body_pose=pose[1:22],
                jaw_pose=pose[22:23],
                leye_pose=pose[23:24],
                reye_pose=pose[24:25],
                left_hand_pose=pose[25:40],
                right_hand_pose=pose[40:55],
                betas=person.betas[None],
                expression=np.zeros((1, 10)),
                transl=(pelvis - person.rest)[None],
            )
            meta = {"focal": list(person.focal[f] * zoom), "princpt": list(person.principal[f])}
            (beside / "meta" / f"{f + 1:05d}_{k}.json").write_text(json.dumps(meta))


def gvhmr(beside: Path, people: list[Tracked]) -> None:
    (person,) = people
    camera = np.tile(np.eye(3), (len(person.focal), 1, 1))
    camera[:, [0, 1], [0, 1]], camera[:, :2, 2] = person.focal, person.principal
    np.savez(
        beside / "gvhmr.npz",
        global_orient=axis_angles(person.root).astype(np.float32),
        body_pose=person.rotations[:, 1:22].reshape(-1, 63).astype(np.float32),
        betas=np.tile(person.betas, (len(camera), 1)).astype(np.float32),
        transl=(person.pelvis - person.rest).astype(np.float32),
        K_fullimg=camera.astype(np.float32),
    )


def wham(beside: Path, people: list[Tracked]) -> None:
    rows = [
        (k, f, np.concatenate([axis_angles(p.root[f])[None], p.rotations[f, 1:24]]).reshape(72), place)
        for k, p in enumerate(people)
        for f, place in enumerate(p.further(np.hypot(WIDTH, HEIGHT)) - SMPL_PELVIS)
    ]
    names = "id", "frame_ids", "pose", "trans"
    np.savez(beside / "wham.npz", **dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True)))


def phalp(beside: Path, people: list[Tracked]) -> None:
    rows = [
        (k, f, p.root[f][None], matrices(p.rotations[f, 1:24]), place)
        for k, p in enumerate(people)
        for f, place in enumerate(p.further(5000 * WIDTH / 256) - SMPL_PELVIS)
    ]
    names = "id", "frame", "global_orient", "body_pose", "camera"
    np.savez(beside / "phalp.npz", **dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True)))


def amass(beside: Path, people: list[Tracked]) -> None:
    (beside / "amass").mkdir()
    for k, person in enumerate(people):
        poses = person.rotations.copy()
        poses[:, 0] = axis_angles(person.world_root)
        np.savez(
            beside / "amass" / f"{k}.npz",
            poses=poses.reshape(-1, 165),
            trans=person.world_pelvis - person.rest,
            betas=person.betas,
            gender="neutral",
            mocap_frame_rate=FPS,
        )
    _camera(beside, people[0])


def easymocap(beside: Path, people: list[Tracked]) -> None:
    (beside / "easymocap").mkdir()
    for f in range(len(people[0].rotations)):
        entries = [
            {
                "id": k,
                "Rh": [axis_angles(person.world_root[f]).tolist()],
                "Th": [(person.world_pelvis[f] - person.world_root[f] @ SMPL_PELVIS).tolist()],
                "poses": [np.concatenate([np.zeros((1, 3)), person.rotations[f, 1:24]]).reshape(-1).tolist()],
                "shapes": [[0.0] * 10],
            }
            for k, person in enumerate(people)
        ]
        (beside / "easymocap" / f"{f:06d}.json").write_text(json.dumps(entries))
    _camera(beside, people[0])


def _camera(beside: Path, person: Tracked) -> None:
    content = {
        "intrinsics": np.concatenate([person.focal, person.principal], 1).tolist(),
        "world_to_camera": person.to_camera[:, :3].tolist(),
    }
    (beside / "camera.json").write_text(json.dumps(content))


FORMATS = {
    "smplx": smpler_x,
    "gvhmr": gvhmr,
    "wham": wham,
    "phalp": phalp,
    "amass": amass,
    "easymocap": easymocap,
}
