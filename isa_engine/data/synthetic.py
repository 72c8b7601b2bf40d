"""Synthetic clips: the open body, dressed, moved, lit and filmed, rendered on any device while training.

One seed gives one clip. The renderer splats dense surface samples into a z-buffer at twice the size, shades
them with one sun and the sky, drops their shadow on the ground, and averages down.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from isa_engine.body import BodyModel, bundled_motion
from isa_engine.data.camera_paths import random_camera_path
from isa_engine.data.clip import Clip
from isa_engine.data.looks import Look, random_look
from isa_engine.data.motions import random_motion
from isa_engine.data.sets import Set
from isa_engine.data.skinned import SkinnedSurface
from isa_engine.data.splat import nearest_sample
from isa_engine.data.split import TRAINING, Split
from isa_engine.geometry.camera import modelview_projection
from isa_engine.geometry.ndc import project
from isa_engine.geometry.plucker import plucker_rays
from isa_engine.geometry.surface import random_surface_points, surface_table

SAMPLES = 32768
SUPERSAMPLING = 2
_SHADOW_SIZE, _SHADOW_METRES = 256, 6.0


@dataclass(frozen=True)
class Actor:
    """One character of a clip: shape, look, and where it moves."""

    betas: Tensor
    look: Look
    rotations: Tensor
    translation: Tensor


class SyntheticHumans:
    """The generator.

    Args:
        body: whose surface is rendered and sampled.
        points: surface points a character in each clip.
        device: where rendering happens.
        split: what to draw from.
    """

    def __init__(
        self, body: BodyModel, points: int, device: torch.device | str = "cpu", split: Split = TRAINING
    ):
        table = surface_table(body.v_template, body.faces)
        self.tokens = SkinnedSurface(body, table.corners[:points], table.barycentric[:points], device)
        dense = random_surface_points(body.v_template, body.faces, SAMPLES)
        self.skin = SkinnedSurface(body, *dense, device)
        self.split, self.device = split, torch.device(device)
        self.takes = tuple(bundled_motion(name) for name in split.takes)

    def clip(
        self,
        seed: int,
        frames: int,
        height: int,
        width: int,
        characters: int | None = None,
        set_kind: str | None = None,
        fps: float = 24.0,
    ) -> Clip:
        """Render the clip of this seed.

        Args:
            characters: 1 to 4; random if None.
            set_kind: of ``sets.KINDS``; random if None.
        """
        random = np.random.default_rng([self.split.stream, seed])
        count = characters or int(random.choice([1, 2, 3, 4], p=[0.6, 0.25, 0.1, 0.05]))
        actors = [self._actor(random, frames, fps, slot, count) for slot in range(count)]
        stage, sun = Set(random, set_kind), _sun(random, self.device)
        posed = [self._posed(self.tokens, actor, thickness=0.0) for actor in actors]
        points = torch.stack([p for p, _ in posed], 1)
        normals = torch.stack([n for _, n in posed], 1)

        camera = self._camera(random, points, frames, fps, width / height)
        video, background, mask = self._film(actors, stage, sun, camera, height, width)

        # One picture that shows the whole cast, or a picture of each.
        together = count > 1 and random.random() < 0.5
        shown = [actors] if together else [[actor] for actor in actors]
        references = [self._reference(random, group, height, width) for group in shown]
        return Clip(
            video=video,
            background=background,
            mask=mask,
            points=points,
            normals=normals,
            intrinsics=self._tensor(camera[0]),
            camera_to_world=self._tensor(camera[1]),
            references=torch.stack([picture for picture, _, _ in references]),
            reference_of=torch.arange(count) * (not together),
            reference_points=torch.cat([where for _, where, _ in references]),
            reference_intrinsics=self._tensor(np.concatenate([camera[0] for _, _, camera in references])),
            reference_camera_to_world=self._tensor(
                np.concatenate([camera[1] for _, _, camera in references])
            ),
            fps=fps,
        )

    def _actor(self, random: np.random.Generator, frames: int, fps: float, slot: int, count: int) -> Actor:
        betas, look = self._tensor(random.normal(0, 0.9, 10)), random_look(self.skin, random, self.split)
        return self._acting(random, betas, look, frames, fps, slot, count)

    def _acting(
        self,
        random: np.random.Generator,
        betas: Tensor,
        look: Look,
        frames: int,
        fps: float,
        slot: int,
        count: int,
    ) -> Actor:
        """Put somebody into motion with the feet on the ground, in one of ``count`` places about a circle,
        near enough to hide one another at times."""
        rotations, translation = random_motion(random, self.takes, self.split.procedural, frames, fps)
        bearing = 2 * np.pi * slot / count + random.normal(0, 0.4)
        reach = 0.0 if count == 1 else random.uniform(0.35, 0.5 + 0.25 * count)
        place = np.array([np.cos(bearing) * reach, 0, np.sin(bearing) * reach])
        actor = Actor(betas, look, self._tensor(rotations), self._tensor(translation + place))
        lowest = self._posed(self.tokens, actor, 0.0)[0][..., 2].amin()
        raised = actor.translation - self._tensor(np.array([0, 1, 0])) * lowest
        return Actor(betas, look, actor.rotations, raised)

    def _reference(
        self, random: np.random.Generator, actors: list[Actor], height: int, width: int
    ) -> tuple[Tensor, Tensor, tuple[np.ndarray, np.ndarray]]:
        """The same people in other poses, from another side, in front of another set.

        Returns:
            The picture ``(3, H, W)``, the points ``(K, N, 3)``, and the camera.
        """
        others = [
            self._acting(random, actor.betas, actor.look, 1, 24.0, slot, len(actors))
            for slot, actor in enumerate(actors)
        ]
        points = torch.cat([self._posed(self.tokens, other, 0.0)[0] for other in others])
        camera = self._camera(random, points[None], 1, 24.0, width / height)
        picture = self._film(others, Set(random), _sun(random, self.device), camera, height, width)[0]
        return picture[:, 0], points, camera

    def _camera(
        self, random: np.random.Generator, points: Tensor, frames: int, fps: float, aspect: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """A path that keeps points ``(F, K, N, 3)`` in the frame."""
        centre = points.mean((1, 2), keepdim=True)
        radius = float((points - centre).norm(dim=-1).amax().clamp(0.5, 3.0))
        return random_camera_path(random, centre[:, 0, 0].cpu().numpy(), radius, frames, fps, aspect)

    def _posed(
        self, surface: SkinnedSurface, actor: Actor, thickness: Tensor | float
    ) -> tuple[Tensor, Tensor]:
        return surface.pose(actor.betas, actor.rotations, actor.translation, thickness)

    def _film(
        self,
        actors: list[Actor],
        stage: Set,
        sun: Tensor,
        camera: tuple[np.ndarray, np.ndarray],
        height: int,
        width: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Render ``(3, F, H, W)`` video and background in [−1, 1] and the ``(F, H, W)`` mask."""
        posed = [self._posed(self.skin, actor, actor.look.thickness) for actor in actors]
        points, normals = torch.cat([p for p, _ in posed], 1), torch.cat([n for _, n in posed], 1)
        colour = torch.cat([actor.look.colour for actor in actors])
        owner = torch.arange(len(actors), device=self.device).repeat_interleave(len(self.skin.template))

        fine_height, fine_width = height * SUPERSAMPLING, width * SUPERSAMPLING
        intrinsics, camera_to_world = self._tensor(camera[0]), self._tensor(camera[1])
        ndc, in_front = project(points, self._tensor(modelview_projection(*camera)))
        size = self._tensor(np.array([fine_width, fine_height]))
        pixels = (ndc[..., :2] * self._tensor(np.array([1.0, -1.0])) + 1) / 2 * size
        depth = (points - camera_to_world[:, None, :3, 3]).norm(dim=-1)
        index = nearest_sample(pixels, depth, in_front, fine_height, fine_width)

        direction = plucker_rays(intrinsics, camera_to_world, fine_height, fine_width)[:, 3:].movedim(1, -1)
        clean, ground = stage.shade(camera_to_world[:, :3, 3], direction)
        light = _light(normals, sun)
        frames = torch.arange(len(index), device=self.device)[:, None, None]
        hit = index >= 0
        person = colour[index.clamp_min(0)] * light[frames, index.clamp_min(0)][..., None]
        shaded = clean * (1 - 0.55 * _shadow(points, sun, ground))[..., None]
        picture = torch.where(hit[..., None], person.clamp(0, 1), shaded)
        mask = torch.where(hit, owner[index.clamp_min(0)] + 1, 0)

        def finish(fine: Tensor) -> Tensor:
            return F.avg_pool2d(fine.movedim(-1, 1), SUPERSAMPLING).movedim(0, 1) * 2 - 1

        return finish(picture), finish(clean), mask[:, ::SUPERSAMPLING, ::SUPERSAMPLING]

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.as_tensor(np.asarray(array), dtype=torch.float32, device=self.device)


def _sun(random: np.random.Generator, device: torch.device) -> Tensor:
    """Unit vector towards the sun."""
    sun = np.array([random.normal(), random.normal(), random.uniform(0.8, 2.5)])
    return torch.as_tensor(sun / np.linalg.norm(sun), dtype=torch.float32, device=device)


def _light(normals: Tensor, sun: Tensor) -> Tensor:
    """Sun and sky: ``(F, S)`` factors."""
    return 0.3 + 0.15 * (normals[..., 2] + 1) / 2 + 0.6 * (normals @ sun).clamp_min(0)


def _shadow(points: Tensor, sun: Tensor, ground: Tensor) -> Tensor:
    """How much of the sun the cast takes from each ground place: ``(F, H, W)`` in [0, 1].

    Samples are thrown along the sun onto a map of the ground around the cast.
    """
    frames = len(points)
    centre = points[..., :2].mean((0, 1))
    foot = points[..., :2] - sun[:2] / sun[2] * points[..., 2:]
    cell = ((foot - centre) / _SHADOW_METRES + 1) / 2 * _SHADOW_SIZE
    inside = ((cell >= 0) & (cell < _SHADOW_SIZE)).all(-1)
    frame = torch.arange(frames, device=points.device)[:, None].expand(inside.shape)
    cell = cell.long()
    shadow = torch.zeros(frames, 1, _SHADOW_SIZE, _SHADOW_SIZE, device=points.device)
    shadow[frame[inside], 0, cell[..., 1][inside], cell[..., 0][inside]] = 1
    shadow = F.avg_pool2d(F.max_pool2d(shadow, 3, 1, 1), 5, 1, 2)
    at = ((ground[..., :2] - centre) / _SHADOW_METRES).nan_to_num(nan=9.0)
    return F.grid_sample(shadow, at, align_corners=False)[:, 0]
