"""Synthetic clips: the open body, dressed, moved, lit and filmed, rendered on any device while training.

One seed gives one clip.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from isa_engine.body import BodyModel, bundled_motion, open_body
from isa_engine.body.model.axes import to_world
from isa_engine.body.model.wardrobe import dressed_open_body
from isa_engine.data.clips.clip import Clip
from isa_engine.data.rendering.cast import SAMPLES, Actor
from isa_engine.data.rendering.dressed import DressedSurface
from isa_engine.data.rendering.filming import film
from isa_engine.data.rendering.light import Light, random_light, random_sun
from isa_engine.data.rendering.scenery import Scenery
from isa_engine.data.rendering.sets import Set
from isa_engine.data.scenario.camera_paths import CLOSE, Detail, Framing, random_camera_path
from isa_engine.data.scenario.gestures import random_face, random_hands
from isa_engine.data.scenario.motions import random_motion, random_place
from isa_engine.data.scenario.split import TRAINING, Split
from isa_engine.data.surfaces.clothes import LayeredOutfit
from isa_engine.data.surfaces.looks import Look, Outfit
from isa_engine.data.surfaces.skinned import SkinnedSurface, even_surface_points
from isa_engine.errors import BodyError
from isa_engine.geometry.surface import POINTS, surface_table

_HEAD, _EYES, _WRISTS, _CHEST = 15, slice(23, 25), (20, 21), 9


class _Scene(NamedTuple):
    """What is filmed, in ``film``'s order: F frames of it."""

    actors: list[Actor]
    stage: Set
    light: Light
    camera: tuple[np.ndarray, np.ndarray]

    def at(self, moments: list[int]) -> "_Scene":
        """Some of its frames alone."""
        actors = [actor.at(moments) for actor in self.actors]
        return self._replace(actors=actors, camera=tuple(part[moments] for part in self.camera))


class SyntheticHumans:
    """The generator.

    Args:
        body: whose surface is rendered and sampled.
        points: surface points a character in each clip.
        device: where rendering happens.
        split: what to draw from.

    Raises:
        BodyError: the split's distribution wants details that this body has not.
    """

    def __init__(
        self, body: BodyModel, points: int, device: torch.device | str = "cpu", split: Split = TRAINING
    ):
        table = surface_table(body.v_template, body.faces)
        self.triangles = table.triangles if points == POINTS else None
        self.tokens = SkinnedSurface(body, table.corners[:points], table.barycentric[:points], device)
        self.split, self.device = split, torch.device(device)
        self.framing, self.detailed = split.distribution.framing, split.distribution.detailed
        if self.detailed:
            if body is not open_body():
                raise BodyError("only the open body has faces and a wardrobe")
            self.skin = DressedSurface(dressed_open_body(), device)
        else:
            dense = even_surface_points(body.v_template, body.faces, SAMPLES[1])
            self.skin = SkinnedSurface(body, *dense, device)
        self.motions = tuple(bundled_motion(name) for name in split.motions)

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
        return self.clip_and_cast(seed, frames, height, width, characters, set_kind, fps)[0]

    def clip_and_cast(
        self,
        seed: int,
        frames: int,
        height: int,
        width: int,
        characters: int | None = None,
        set_kind: str | None = None,
        fps: float = 24.0,
    ) -> tuple[Clip, list[Actor], list[Actor]]:
        """The clip of this seed, who acts in it, and the same people as their references show them."""
        random = np.random.default_rng([self.split.stream, seed])
        scene = self._scene(random, frames, width / height, characters, set_kind, fps)
        actors, count = scene.actors, len(scene.actors)
        filmed = film(self.skin, *scene, height, width)

        # One picture that shows the whole cast, or a picture of each.
        together = count > 1 and random.random() < 0.5
        shown = [actors] if together else [[actor] for actor in actors]
        references = [self._reference(random, group, height, width) for group in shown]
        others = [other for _, group, _ in references for other in group]
        clip = Clip(
            **filmed._asdict(),
            **self._told(scene),
            references=torch.stack([picture for picture, _, _ in references]),
            reference_of=torch.arange(count) * (not together),
            reference_points=torch.cat([other.points for other in others]),
            reference_intrinsics=self._tensor(np.concatenate([camera[0] for _, _, camera in references])),
            reference_camera_to_world=self._tensor(
                np.concatenate([camera[1] for _, _, camera in references])
            ),
            fps=fps,
            triangles=self.triangles,
        )
        return clip, actors, others

    def clip_with_its_own_picture(
        self, seed: int, frames: int, height: int, width: int, later: int, fps: float = 24.0
    ) -> Clip:
        """A clip whose one reference shows the scene itself, everybody in it, so many frames after its
        last."""
        random = np.random.default_rng([self.split.stream, seed])
        scene = self._scene(random, frames + later, width / height, None, None, fps)
        # Of what lies between them nothing is shown.
        scene = scene.at([*range(frames), frames + later - 1])
        filmed = film(self.skin, *scene, height, width)
        told = self._told(scene)
        return Clip(
            **{name: value[:, :-1] for name, value in filmed._asdict().items() if name != "mask"},
            mask=filmed.mask[:-1],
            **{name: value[:-1] for name, value in told.items()},
            references=filmed.video[:, -1][None],
            reference_of=torch.zeros(len(scene.actors), dtype=torch.long),
            reference_points=told["points"][-1],
            reference_intrinsics=told["intrinsics"][-1:],
            reference_camera_to_world=told["camera_to_world"][-1:],
            fps=fps,
            triangles=self.triangles,
        )

    def _scene(
        self,
        random: np.random.Generator,
        frames: int,
        aspect: float,
        characters: int | None,
        set_kind: str | None,
        fps: float,
    ) -> "_Scene":
        count = characters or int(random.choice([1, 2, 3, 4], p=[0.6, 0.25, 0.1, 0.05]))
        actors = [self._actor(random, frames, fps, slot, count) for slot in range(count)]
        # The plain distribution draws its set before its camera: in another order its seeds would give other
        # clips than those that were measured on.
        stage = None if self.detailed else Set(random, set_kind)
        light = self._light(random)
        camera = self._camera(random, actors, frames, fps, aspect, self.framing)
        return _Scene(actors, stage or self._scenery(random, set_kind, camera, actors), light, camera)

    def _told(self, scene: "_Scene") -> dict[str, Tensor]:
        """Points, normals and cameras of a scene's frames, by a clip's names."""
        return {
            "points": torch.stack([actor.points for actor in scene.actors], 1),
            "normals": torch.stack([actor.normals for actor in scene.actors], 1),
            "intrinsics": self._tensor(scene.camera[0]),
            "camera_to_world": self._tensor(scene.camera[1]),
        }

    def _actor(self, random: np.random.Generator, frames: int, fps: float, slot: int, count: int) -> Actor:
        betas = self._tensor(random.normal(0, 0.9, 10))
        outfit = LayeredOutfit if self.detailed else Outfit
        return self._acting(
            random, betas, outfit(self.tokens.joints, random, self.split).look, frames, fps, slot, count
        )

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
        motion, rotations, translation = random_motion(
            random, self.motions, self.split.procedural, frames, fps
        )
        place = random_place(random, slot, count)
        expression = None
        if self.detailed:
            rotations[:, 25:] = random_hands(random, frames, fps)
            expression, rotations[:, 22:25] = random_face(random, frames, fps)
            expression = self._tensor(expression)
        rotations, translation = self._tensor(rotations), self._tensor(translation + place)
        points, normals = self.tokens.pose(betas, rotations, translation, expression=expression)
        lowest = points[..., 2].amin()
        translation, points = translation.clone(), points.clone()
        translation[:, 1] -= lowest
        points[..., 2] -= lowest
        return Actor(betas, look, motion, rotations, translation, points, normals, expression)

    def _reference(
        self, random: np.random.Generator, actors: list[Actor], height: int, width: int
    ) -> tuple[Tensor, list[Actor], tuple[np.ndarray, np.ndarray]]:
        """The same people in other poses, from another side, in front of another set.

        Returns:
            The picture ``(3, H, W)``, the people there, and the camera.
        """
        others = [
            self._acting(random, actor.betas, actor.look, 1, 24.0, slot, len(actors))
            for slot, actor in enumerate(actors)
        ]
        # However far off a clip's camera is, its reference shows people closely.
        camera = self._camera(random, others, 1, 24.0, width / height, CLOSE)
        light = self._light(random)
        stage = self._scenery(random, None, camera, others) if self.detailed else Set(random)
        picture = film(self.skin, others, stage, light, camera, height, width).video
        return picture[:, 0], others, camera

    def _scenery(
        self,
        random: np.random.Generator,
        kind: str | None,
        camera: tuple[np.ndarray, np.ndarray],
        actors: list[Actor],
    ) -> Scenery:
        middle = torch.stack([actor.points.mean((0, 1)) for actor in actors]).mean(0)
        return Scenery(random, kind, camera[1], middle.cpu().numpy())

    def _light(self, random: np.random.Generator) -> Light:
        return random_light(random, self.device) if self.detailed else Light(random_sun(random, self.device))

    def _camera(
        self,
        random: np.random.Generator,
        actors: list[Actor],
        frames: int,
        fps: float,
        aspect: float,
        framing: Framing,
    ) -> tuple[np.ndarray, np.ndarray]:
        """A path of the camera on the cast, framed as the distribution has it."""
        points = torch.cat([actor.points for actor in actors], 1)
        centre = points.mean(1, keepdim=True)
        radius = float((points - centre).norm(dim=-1).amax().clamp(0.5, 3.0))
        details = [part for actor in actors for part in self._details(actor)] if self.detailed else []
        target = centre[:, 0].cpu().numpy()
        return random_camera_path(random, target, radius, frames, fps, aspect, framing, details)

    def _details(self, actor: Actor) -> list[Detail]:
        """What a near camera looks at: more often the face, from the front, than a hand or the trunk."""
        joints = self.tokens.joints + self.tokens.joint_directions[..., : len(actor.betas)] @ actor.betas
        rotation, place = self.tokens.placed_joints(joints, actor.rotations)
        place = to_world((place + actor.translation[:, None]).cpu().numpy())
        forward = to_world(rotation[:, _HEAD, :, 2].mean(0).cpu().numpy())
        face = place[:, _HEAD] * 0.3 + place[:, _EYES].mean(1) * 0.7
        faces = [Detail(face, float(np.arctan2(forward[1], forward[0])))] * 4
        return faces + [Detail(place[:, joint]) for joint in (*_WRISTS, _CHEST)]

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.as_tensor(np.asarray(array), dtype=torch.float32, device=self.device)
